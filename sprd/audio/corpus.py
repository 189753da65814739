"""Folders of recordings in, an index out: words, speakers, splits and a fingerprint.

Knows nothing of features: it reads no waveform but the noise. Files are checked in `listing.py`.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sprd.audio.clips import read_clip, shown
from sprd.audio.filing import Filed, clips_of, file_all, in_two_folders, noises_of
from sprd.audio.listing import Checked, Contents, LeftOut, check_audio
from sprd.audio.noises import NoiseRecording
from sprd.audio.running import Recording, Speech, index_speech
from sprd.audio.sources import folders_of, source_names, speech_folders_of
from sprd.audio.speech_files import check_speech
from sprd.audio.split import Clip, Split, lacking
from sprd.audio.voices.studio import made_noise
from sprd.config.frozen import replaced
from sprd.config.labels import BACKGROUND_NOISE_FOLDER, SILENCE_LABEL
from sprd.config.trial import DataSection
from sprd.disk.process import Progress, without_collection
from sprd.errors import DataError, suggest

NOISES = ("white", "pink", "brown", "hum", "quiet")
"""What is made where a data set ships no noise."""

NOISE_S = 60
LONG_NOISE_S = 10
"""A recording that can be shared out among the splits, so that no test noise is trained on."""

N_REASONS = 20


@dataclass(frozen=True)
class Corpus:
    """The index of a data set: clips sorted by key, recordings of noise (may be none).

    `fingerprint` is the SHA-256 of the names and contents of clips and noise; `is_synthetic` tells
    whether any clip is; `skipped` says why the first of the `n_skipped` unreadable files were left
    out. `is_personal`: takes were split, not speakers. `moved` are those in another split than
    their hash says, see `sprd.audio.split.moved_by_rank`; readers and noise too.
    """

    clips: tuple[Clip, ...]
    noise: tuple[Path, ...]
    fingerprint: str
    source: str
    is_synthetic: bool
    n_skipped: int
    skipped: tuple[str, ...]
    is_personal: bool = False
    findings: tuple[tuple[str, str], ...] = ()
    """Names of what was found wrong with it before a training, and sentences."""
    allowed: tuple[str, ...] = ()
    """Of these, the names of what would have stopped it, and was allowed."""
    moved: Mapping[str, str] = field(default_factory=dict)
    speech: tuple[Recording, ...] = ()
    """Running speech without keywords, sorted by key."""
    noises: tuple[NoiseRecording, ...] = ()
    """The recordings of `noise`, each in a split of its own, or too few to deal."""

    def of(self, split: Split) -> tuple[Clip, ...]:
        """Returns the clips of a split, sorted by key."""
        return tuple(clip for clip in self.clips if clip.split == split)

    def words(self) -> tuple[str, ...]:
        """Returns the words that were recorded, sorted."""
        return tuple(sorted({clip.word for clip in self.clips}))

    def speakers(self, split: Split) -> tuple[str, ...]:
        """Returns the speakers of a split, sorted."""
        return tuple(sorted({clip.speaker for clip in self.of(split)}))


@dataclass(frozen=True)
class Index:
    """A data set as it was found: the corpus, what its files sound like, and what is not in it.

    `corpus` may have no clip. `contents` has a prefix of keys for each folder, and what is in it.
    """

    corpus: Corpus
    contents: tuple[tuple[str, Path, Contents], ...]
    twice: frozenset[str] = frozenset()
    """Keys of files that count under another key, in an earlier folder."""
    speech: Speech = field(default_factory=Speech)

    @property
    def where(self) -> str:
        """The first folder and how many more there are, for messages."""
        n_more = len(self.contents) - 1 + len(self.speech.folders)
        first = shown(self.contents[0][1])
        return f"{first} and {n_more} more" if n_more else first

    @property
    def sounds(self) -> Mapping[str, Checked]:
        """What was found in each file that can be read, noise too, by key."""
        return {
            prefix + checked.file.key: checked
            for prefix, _, contents in self.contents
            for checked in contents.checked
            if checked.sound is not None and prefix + checked.file.key not in self.twice
        }

    @property
    def unreadable(self) -> Mapping[str, str]:
        """What is wrong with each file that cannot be read, by key."""
        return {
            prefix + checked.file.key: checked.problem
            for prefix, _, contents in self.contents
            for checked in contents.checked
            if checked.problem is not None
        }

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """The files that are no clips, named as clips are."""
        return tuple(
            LeftOut(prefix + one.name, one.why)
            for prefix, _, contents in self.contents
            for one in contents.left_out
        )


def open_corpus(
    data: DataSection,
    folders: Sequence[Path] = (),
    speech: Sequence[Path] = (),
    progress: Progress | None = None,
) -> Corpus:
    """Opens the data set of a sweep and checks that every keyword can be learnt and scored.

    Args:
        data, folders, speech, progress: See `index_data`.

    Raises:
        DataError: A folder or a keyword is missing, too few speakers said it, or too many files
            are unreadable.
    """
    index = index_data(data, folders, speech, progress)
    if problems := (*unusable(index, data.max_bad_percentage), *unfit(index.corpus, data)):
        raise DataError(f"{index.where}: {' Also '.join(problems)}")
    return index.corpus


def index_data(
    data: DataSection,
    folders: Sequence[Path] = (),
    speech: Sequence[Path] = (),
    progress: Progress | None = None,
    moved: Mapping[str, str] | None = None,
) -> Index:
    """Looks at the data set of a sweep, whatever is wrong with it.

    Of several sources, a file that is the same in two counts once: that of the first.

    Args:
        data: Sources, more folders, running speech; keywords, split.
        folders: Taken instead of the sources: the flag `--data`.
        speech: Taken instead of `data.speech`: the flag `--speech`.
        progress: Called with a stage, what is done of it, and the whole.
        moved: `Corpus.moved` of an earlier look at the same recordings: they are split as then,
            though a trial may want other words than its sweep. None: they are split anew.

    Raises:
        DataError: A folder is missing or empty, or running speech lies among the clips.
    """
    found = folders_of(data, folders, progress)
    speaking = speech_folders_of(data, speech, found)
    is_merged = bool(data.sources) if not folders else len(folders) > 1
    source = source_names(data, folders)
    return _index(found, speaking, data, source, is_merged, progress, moved)


def look_into(
    folder: Path,
    data: DataSection,
    progress: Progress | None = None,
    moved: Mapping[str, str] | None = None,
    others: Sequence[Path] = (),
    speech: Sequence[Path] = (),
) -> Index:
    """Looks at some folders alone, whatever is wrong; words that are no keyword are unknown.

    Args:
        folder: May hold some of the speakers that a model was trained on, or others.
        data: Keywords, and how speakers are split; its sources are not asked for.
        progress: Called with a stage, what is done of it, and the whole.
        moved: `Corpus.moved` of the model's own data: each speaker is of the split that it had
            there. None: they are split as if the folders were the whole data set.
        others: More folders, in the same index.
        speech: Folders of running speech.

    Raises:
        DataError: A folder is missing or empty.
    """
    alone = replaced(data, extra=(), speech=())
    return index_data(alone, (folder, *others), speech, progress, moved)


def unusable(index: Index, max_bad_percentage: float) -> tuple[str, ...]:
    """Tells why files are no data set: too many are unreadable, or none is a clip.

    Returns:
        Sentences without the name of the folder.
    """
    n_files = sum(len(contents.checked) for _, _, contents in index.contents)
    n_bad = index.corpus.n_skipped
    percentage = 100 * n_bad / max(1, n_files)
    problems = []
    if percentage > max_bad_percentage:
        problems.append(
            f"at most {max_bad_percentage:g} % of the files may be unreadable, got "
            f"{n_bad:,} of {n_files:,} ({percentage:.1f} %), the first {index.corpus.skipped[0]}."
            " See `sprd data check`, or raise data.max_bad_percentage."
        )
    if not index.corpus.clips:
        n_noises = len(index.corpus.noises)
        noises = f", and {n_noises:,} recordings of noise" if n_noises else ""
        problems.append(
            f"must hold a folder of recordings for each word, got no clip{noises}."
            " Put them into <word>/<speaker>_nohash_<n>.wav."
        )
    return tuple(problems)


def unfit(corpus: Corpus, data: DataSection) -> tuple[str, ...]:
    """Tells all that keeps keywords, and other words if they are drawn, from a training.

    Returns:
        Sentences without the name of the folder; none where each is learnt and scored.
    """
    words = set(corpus.words())
    problems = []
    if SILENCE_LABEL in words:
        problems.append(
            f"{SILENCE_LABEL} must be no word: silence is cut from recordings of noise. Move its"
            f" files to {BACKGROUND_NOISE_FOLDER}."
        )
    problems += [
        f"must hold recordings of the keyword {word!r}, got none. {suggest(word, sorted(words))}"
        for word in data.keywords
        if word not in words
    ]
    if data.unknown_percentage and words <= {*data.keywords}:
        problems.append(
            "must hold words that are no keyword, got none. Record other words for _unknown_, or"
            " set data.unknown_percentage to 0."
        )
    return (*problems, *lacking(corpus.clips, data))


def split_digest(corpus: Corpus) -> str:
    """Returns the SHA-256 of which clip, and recording of speech, lies in which split."""
    dealt = [(clip.key, clip.split) for clip in corpus.clips]
    dealt += [(recording.key, recording.split) for recording in corpus.speech]
    lines = sorted(f"{key} {split}" for key, split in dealt)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def read_noise(corpus: Corpus, sample_rate_hz: int) -> tuple[NDArray[np.int16], ...]:
    """Reads the recordings of noise; where none is long, makes 60 s of each of `NOISES` as well.

    Returns:
        One (n_samples,), int16, for each recording; as long as each is.
    """
    recorded = tuple(read_clip(path, sample_rate_hz) for path in corpus.noise)
    if any(len(one) >= LONG_NOISE_S * sample_rate_hz for one in recorded):
        return recorded
    n_samples = NOISE_S * sample_rate_hz
    return recorded + tuple(made_noise(name, n_samples, sample_rate_hz) for name in NOISES)


@without_collection()
def _index(
    folders: Sequence[Path],
    speech: Sequence[Path],
    data: DataSection,
    source: str,
    is_merged: bool,
    progress: Progress | None,
    moved: Mapping[str, str] | None = None,
) -> Index:
    """Indexes the first folder and, under other keys, the further ones."""
    contents = [
        (f"extra{number}/" if number else "", folder, check_audio(folder, progress))
        for number, folder in enumerate(folders)
    ]
    files = file_all(contents)
    twice = in_two_folders(files) if is_merged else frozenset()
    good = [one for one in files if one.checked.problem is None and one.key not in twice]
    bad = [f"{one.key!r}: {one.checked.problem}" for one in files if one.checked.problem]
    noises, moved_noises = noises_of((one for one in good if one.is_noise), data, moved)
    spoken = [one for one in good if not one.is_noise]
    clips, moved_speakers = clips_of(folders, spoken, data, moved)
    known = {one.checked.sha256 for one in good}
    speakers = {} if data.personal else {clip.speaker: clip.split for clip in clips}
    looked = [(folder, check_speech(folder, progress)) for folder in speech]
    running = index_speech(looked, data, known, speakers, moved)
    corpus = Corpus(
        clips=clips,
        noise=tuple(one.path for one in noises),
        fingerprint=_fingerprint(good, running),
        source=source,
        is_synthetic=any(clip.is_synthetic for clip in clips),
        n_skipped=len(bad),
        skipped=tuple(bad[:N_REASONS]),
        is_personal=data.personal,
        moved={**moved_speakers, **running.moved, **moved_noises},
        speech=running.recordings,
        noises=noises,
    )
    return Index(corpus, tuple(contents), twice, running)


def _fingerprint(files: Sequence[Filed], running: Speech) -> str:
    """Returns the SHA-256 over the names and contents of clips, noise and running speech."""
    lines = [f"{one.key} {one.checked.sha256}" for one in files]
    lines += [f"{key} {sha256}" for key, sha256 in running.sha256.items()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
