"""`sprd listen`: what a model hears and when, in recordings or in front of a microphone."""

import sys
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.live import Live
from rich.text import Text

from sprd.cli.text import console, show_json
from sprd.config.labels import NOT_KEYWORDS
from sprd.errors import ConfigError, DataError

if TYPE_CHECKING:
    from sprd.bundle.live import LiveEar
    from sprd.listening.live import Answer
    from sprd.listening.recognizers import Recognizer

_AFTER_MS = 1500
"""Of silence behind a recording, in which the last word may still be answered."""
_BAR = 20
_MICROPHONE_BLOCK_MS = 64
_QUIETEST_DB = -60.0
_INTERRUPTED = 130


def listen(args: Namespace) -> int:
    """Tells what a model hears and when."""
    files = _files(args)
    from sprd.model.start import load_tensorflow

    load_tensorflow()
    from sprd.bundle.live import open_live_ear

    ear = open_live_ear(args.model, args.sweep, args.exact)
    timeline = Timeline(ear.labels, is_quiet=args.json)
    timeline.note(recognizer_words(vars(ear.recognizer), ear.labels[len(NOT_KEYWORDS) :]))
    is_stopped = False
    with timeline:
        if args.microphone:
            is_stopped = _hear_microphone(ear, timeline, args.device, args.seconds)
        for path in files:
            _hear_file(ear, timeline, path)
    if args.json:
        show_json({"model": str(args.model), **timeline.as_dict(ear.recognizer)})
    return _INTERRUPTED if is_stopped else 0


def recognizer_words(told: Mapping[str, Any], keywords: Sequence[str]) -> str:
    """Words the settings of a recogniser, by the names of its fields, in a line."""
    pairs = zip(keywords, told["thresholds"], strict=True)
    thresholds = ", ".join(f"{word} above {threshold}" for word, threshold in pairs)
    return (
        f"{told['kind']}: {thresholds} of 255 over {told['average_window_ms']:,} ms, one"
        f" inference each {told['interval_ms']} ms"
    )


class Timeline:
    """Prints what is heard as it is heard; on a terminal a line below tells where it is."""

    def __init__(self, labels: Sequence[str], is_quiet: bool = False) -> None:
        """With `is_quiet` nothing is printed: `as_dict` tells it all in the end."""
        self._labels = labels
        self._console = Console(highlight=False, markup=False)
        self._is_quiet = is_quiet
        self._parts: list[dict[str, Any]] = []
        self._live: Live | None = None

    def __enter__(self) -> "Timeline":
        if self._console.is_terminal and not self._is_quiet:
            self._live = Live(console=self._console, refresh_per_second=10, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def note(self, text: str) -> None:
        """Something that is worth a line, but no result."""
        console().print(Text(text))

    def begin(self, name: str) -> None:
        """A recording begins, or the microphone is open."""
        self._parts.append({"file": name, "seconds": 0.0, "heard": []})
        self._print(name)

    def heard(self, answers: Iterable["Answer"], samples: NDArray[np.int16], now_ms: int) -> None:
        """A block came with these answers, which ends at `now_ms`."""
        part, answer = self._parts[-1], None
        for answer in answers:
            if answer.heard.is_new and answer.heard.label >= len(NOT_KEYWORDS):
                self._tell(answer)
        part["seconds"] = now_ms / 1000
        if self._live is not None:
            self._live.update(Text(self._status(answer, samples, now_ms), no_wrap=True))

    def end(self, n_lost: int = 0) -> None:
        """The recording has ended, or nobody listens any more."""
        part = self._parts[-1]
        counts = Counter(one["label"] for one in part["heard"])
        words = [one for one in self._labels if one not in NOT_KEYWORDS]
        told = ", ".join(f"{word} {counts[word]}" for word in words)
        self._print(f"{clock(part['seconds'])} heard: {told}")
        if n_lost:
            part["n_lost_blocks"] = n_lost
            self.note(f"{n_lost:,} blocks of sound were lost: this machine is too slow or too busy")

    def as_dict(self, recognizer: "Recognizer") -> dict[str, Any]:
        """Returns what was heard for `--json`: totals, then each recording."""
        counts = Counter(one["label"] for part in self._parts for one in part["heard"])
        words = [one for one in self._labels if one not in NOT_KEYWORDS]
        return {
            "seconds": sum(part["seconds"] for part in self._parts),
            "n_heard": {word: counts[word] for word in words},
            "recognizer": vars(recognizer),
            "recordings": self._parts,
        }

    def _tell(self, answer: "Answer") -> None:
        label, score = self._labels[answer.heard.label], answer.heard.score
        at_s = answer.time_ms / 1000
        self._parts[-1]["heard"].append({"at_s": at_s, "label": label, "score": score})
        width = max(map(len, self._labels))
        self._print(f"  {clock(at_s)}  {label:<{width}}  {bar(score / 255)} {score}")

    def _status(self, answer: "Answer | None", samples: NDArray[np.int16], now_ms: int) -> str:
        from sprd.audio.sound import dbfs

        level = dbfs(float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))))
        meter = bar(1 - max(level, _QUIETEST_DB) / _QUIETEST_DB)
        said = ""
        if answer is not None:
            said = f"{self._labels[answer.heard.label]} {answer.heard.score}"
        return f"  {clock(now_ms / 1000)}  {meter} {level:4.0f} dB  {said}"

    def _print(self, text: str) -> None:
        if not self._is_quiet:
            self._console.print(Text(text), soft_wrap=True)


def clock(seconds: float) -> str:
    """Words a time, `1:02:03.40` or `2:03.40`, of which hundredths are the least."""
    minutes, rest = divmod(round(seconds * 100), 6000)
    hours, minutes = divmod(minutes, 60)
    told = f"{rest // 100:02}.{rest % 100:02}"
    return f"{hours}:{minutes:02}:{told}" if hours else f"{minutes:3}:{told}"


def bar(share: float) -> str:
    """Draws a share of one with blocks, as wide whatever it is."""
    n_eighths = round(min(max(share, 0.0), 1.0) * _BAR * 8)
    whole, rest = divmod(n_eighths, 8)
    last = " \N{LEFT ONE EIGHTH BLOCK}\N{LEFT ONE QUARTER BLOCK}\N{LEFT THREE EIGHTHS BLOCK}"
    last += "\N{LEFT HALF BLOCK}\N{LEFT FIVE EIGHTHS BLOCK}\N{LEFT THREE QUARTERS BLOCK}"
    last += "\N{LEFT SEVEN EIGHTHS BLOCK}"
    drawn = "\N{FULL BLOCK}" * whole + (last[rest] if rest else "")
    return drawn.ljust(_BAR)


def _files(args: Namespace) -> list[Path]:
    """Returns the recordings that were named, those in folders among them."""
    if args.microphone == bool(args.files):
        got = "both" if args.files else "neither"
        raise ConfigError(f"FILE or --microphone: must be given, one of them, got {got}.")
    for flag, value in (("--device", args.device), ("--seconds", args.seconds)):
        if value is not None and not args.microphone:
            raise ConfigError(f"{flag}: must come with --microphone, got none. Add it.")
    return [path for one in args.files for path in _audio_in(one)]


def _audio_in(path: Path) -> list[Path]:
    from sprd.audio.clips import readable_suffixes, shown

    if not path.is_dir():
        return [path]
    suffixes = readable_suffixes()
    found = sorted(one for one in path.rglob("*") if one.suffix.lower() in suffixes)
    if not found:
        raise DataError(f"{shown(path)}: must hold recordings, got none. Name another folder.")
    return found


def _hear_file(ear: "LiveEar", timeline: Timeline, path: Path) -> None:
    from sprd.audio.blocks import read_blocks
    from sprd.audio.clips import shown

    listener = ear.listener()
    timeline.begin(shown(path))
    n_samples = 0
    rate_hz = ear.features.sample_rate_hz
    for block in read_blocks(path, rate_hz):
        n_samples += len(block)
        timeline.heard(listener.feed(block), block, n_samples * 1000 // rate_hz)
    silence = np.zeros(rate_hz * _AFTER_MS // 1000, np.int16)
    timeline.heard(listener.feed(silence), silence, n_samples * 1000 // rate_hz)
    timeline.end()


def _hear_microphone(
    ear: "LiveEar", timeline: Timeline, device: str | None, seconds: int | None
) -> bool:
    """Listens until it is stopped; returns whether somebody did, before the time was over."""
    from sprd.audio.microphone import open_microphone

    listener = ear.listener()
    rate_hz = ear.features.sample_rate_hz
    with open_microphone(rate_hz, _MICROPHONE_BLOCK_MS, device) as found:
        timeline.begin(f"microphone {found.name}")
        timeline.note("Ctrl-C stops")
        try:
            for block in found.blocks():
                timeline.heard(listener.feed(block), block, listener.heard_ms)
                sys.stdout.flush()
                if seconds is not None and listener.heard_ms >= seconds * 1000:
                    break
        except KeyboardInterrupt:
            timeline.end(found.n_lost)
            return True
    timeline.end(found.n_lost)
    return False
