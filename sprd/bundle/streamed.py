"""A model and recordings in, what it hears all day out: recalls, false accepts, what fooled it.

Streams are those of `sprd.audio.streams`, the statistics those of `sprd.listening`; here they meet
a bundle and become what a command tells.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sprd.audio.corpus import Corpus, index_data
from sprd.audio.finding import accept
from sprd.audio.findings import find
from sprd.audio.split import Split
from sprd.audio.streams import WHOLE, Lengths, open_streams
from sprd.bundle.heard import wav_bytes
from sprd.bundle.opened import Opened, open_model
from sprd.bundle.stream_table import Fooled, fooled_by, stream_table
from sprd.config.frozen import replaced
from sprd.config.recognizer import FIT, RecognizerSection
from sprd.disk.process import Progress
from sprd.errors import DataError
from sprd.listening.fit import fit
from sprd.listening.interpreter import Ear
from sprd.listening.matching import HeardStream, match
from sprd.listening.recognizers import Recognizer, detections
from sprd.sweep.trial.provenance import SPLITS

HEARING = "hearing"
"""Stage that is told while the model runs."""

BEFORE_S, AFTER_S = 2.0, 0.3
"""Of sound around a mistake: what window and average of the model held, and a little more."""


@dataclass(frozen=True)
class Streamed:
    """What came of it: `told` for people and machines, and each mistake with its sound."""

    told: dict[str, Any]
    fooled: tuple[Fooled, ...]

    def sound(self, number: int) -> bytes:
        """Returns what was heard around a mistake, as the content of a WAV file."""
        one = self.fooled[number]
        stream = one.stream
        first = max(0, round((one.at_s - BEFORE_S) * stream.rate_hz))
        last = round((one.at_s + AFTER_S) * stream.rate_hz)
        return wav_bytes(stream.samples[first:last], stream.rate_hz)


@dataclass(frozen=True)
class Asked:
    """What a user asks of `stream_model`.

    Args:
        data, speech: Folders of clips and of running speech; none: those of the sweep file.
        split: "all", or "training", "validation", "test": only those speakers and recordings.
        n_seeds: Order of keywords, pauses and noise behind them are drawn so many times.
        is_exact: In TensorFlow Lite Micro, ten times as slow as the kernels that differ in 0.3 % of
            the outputs.
        is_fit: The recogniser is fitted to validation streams, whatever the bundle carries.
        allowed: What may be wrong with the recordings: see `accept`.
    """

    data: Sequence[Path]
    speech: Sequence[Path] = ()
    split: str = "test"
    n_seeds: int = 1
    is_exact: bool = False
    is_fit: bool = False
    allowed: Collection[str] = ()


def stream_model(
    model: Path,
    sweep_file: Path | None,
    asked: Asked,
    progress: Progress | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> Streamed:
    """Lets a bundle's int8 model, or a bare .tflite, listen to streams.

    Args:
        model: Folder of a bundle, or a .tflite with `sweep_file`.
        sweep_file: What a bare .tflite hears: labels, front end and recogniser.
        asked: Of what, and how.
        progress: Called with a stage, what is done of it, and the whole.
        tell: Who is told what is wrong with the recordings.

    Raises:
        InputError: Model, sweep file or recordings cannot be used.
    """
    hearing = open_hearing(model, sweep_file, asked, progress, tell)
    recognizer, fitted = _recognizer(hearing, asked.is_fit, is_bare=not model.is_dir())
    heard = hearing.of(_splits(asked.split), recognizer.interval_ms)
    what = {
        "model": str(model),
        "data": [str(folder) for folder in asked.data],
        "speech": [str(folder) for folder in asked.speech],
        "split": asked.split,
        "n_seeds": asked.n_seeds,
        "is_exact": asked.is_exact,
        "keywords": list(hearing.opened.config.data.keywords),
        "recognizer": vars(recognizer),
        "fit": fitted,
    }
    told, fooled = _told(hearing, heard, recognizer)
    return Streamed({**what, **told}, fooled)


def open_hearing(
    model: Path,
    sweep_file: Path | None,
    asked: Asked,
    progress: Progress | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> "Hearing":
    """Opens a model and the recordings that it is to hear; for the arguments see `stream_model`.

    Raises:
        InputError: Model, sweep file or recordings cannot be used.
    """
    opened = open_model(model, sweep_file)
    corpus = _look_at(opened, asked, progress, tell)
    config = opened.config
    ear = Ear(opened.content, config.features, len(config.labels), asked.is_exact)
    return Hearing(opened, corpus, ear, asked.n_seeds, progress)


def _told(
    hearing: "Hearing", heard: Sequence[HeardStream], recognizer: Recognizer
) -> tuple[dict[str, Any], tuple[Fooled, ...]]:
    """The figures, and what fooled the model."""
    config, corpus = hearing.opened.config, hearing.corpus
    found = [detections(one.scores, one.times_ms, recognizer) for one in heard]
    matched = [
        (one.stream, match(one.stream.said, each, config.data.keywords, one.stream.pieces))
        for one, each in zip(heard, found, strict=True)
    ]
    transcripts = {one.key: one.transcript for one in corpus.speech if one.transcript}
    fooled = fooled_by(matched, found, config.labels, transcripts)
    return stream_table(heard, matched, recognizer, config.data.keywords, fooled), fooled


@dataclass(frozen=True)
class Hearing:
    """A model before streams of recordings."""

    opened: Opened
    corpus: Corpus
    ear: Ear
    n_seeds: int
    progress: Progress | None

    def of(
        self, splits: Sequence[Split], interval_ms: int, lengths: Lengths = WHOLE
    ) -> list[HeardStream]:
        """Returns what it makes of the streams of some splits; further seeds are of keywords.

        Args:
            splits: Whose speakers and recordings are heard.
            interval_ms: Between two inferences.
            lengths: At most, a material.

        Raises:
            DataError: Nothing is of these splits.
        """
        config = self.opened.config
        others = replace(lengths, speech_s=0.0, words_s=0.0, noise_s=0.0)
        rate_hz = config.features.sample_rate_hz
        streams = [
            stream
            for split in splits
            for seed, each in enumerate([lengths, *[others] * (self.n_seeds - 1)])
            for stream in open_streams(
                self.corpus, config.data, split, seed, rate_hz, each, self.progress
            )
        ]
        if not streams:
            names = " or ".join(name for name, split in SPLITS.items() if split in splits)
            raise DataError(
                f"{self.corpus.source}: must hold recordings of the {names} split, got none."
                " Choose another with --split."
            )
        heard = []
        for number, stream in enumerate(streams):
            heard.append(self.ear.hear(stream, interval_ms))
            if self.progress:
                self.progress(HEARING, number + 1, len(streams))
        return heard


def _look_at(
    opened: Opened, asked: Asked, progress: Progress | None, tell: Callable[[str], None]
) -> Corpus:
    """Opens clips, speech and noise, and tells all that is wrong with them."""
    config = opened.config
    data = replaced(config.data, extra=(), speech=()) if asked.data else config.data
    index = index_data(data, asked.data, asked.speech, progress, opened.moved)
    findings = find(index, config.data, config.features, is_trained=False)
    return accept(index, findings, asked.allowed, tell)


def _splits(name: str) -> list[Split]:
    return list(SPLITS.values()) if name == "all" else [SPLITS[name]]


def _recognizer(
    hearing: Hearing, is_fit: bool, is_bare: bool
) -> tuple[Recognizer, dict[str, object] | None]:
    """Returns the bundle's recogniser; fitted, and how, where that is asked for."""
    opened = hearing.opened
    section = opened.config.recognizer
    is_open = section is not None and FIT in vars(section).values()
    if not is_fit and not (is_bare and is_open):
        return opened.recognizer, None
    section = section or RecognizerSection()
    interval_ms = opened.recognizer.interval_ms
    heard = hearing.of([Split.VALIDATION], interval_ms)
    fitted = fit(heard, opened.config.data.keywords, section, interval_ms=interval_ms)
    return replace(fitted.recognizer, interval_ms=interval_ms), fitted.as_dict()
