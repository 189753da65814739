"""Folders of recordings in, an index out: words, speakers, splits and a fingerprint.

Knows nothing of features: it reads no waveform but the noise. Files are checked in `listing.py`.
"""

import hashlib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sprd.audio.clips import read_clip, shown
from sprd.audio.listing import Checked, Contents, LeftOut, check_audio
from sprd.audio.noises import NoiseRecording, split_noises
from sprd.audio.running import Recording
from sprd.audio.sources import folder_of, source_name
from sprd.audio.split import (
    Clip,
    Split,
    label_of,
    lacking,
    listed_speakers,
    moved_by_rank,
    speaker_of,
    split_all,
    split_each,
)
from sprd.audio.voices.studio import made_noise
from sprd.audio.voices.synthetic import is_spoken
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
    their hash says, see `sprd.audio.split.moved_by_rank`.
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
    """The recordings of `noise`, each in a split of its own."""

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

    @property
    def where(self) -> str:
        """The first folder, for messages."""
        return shown(self.contents[0][1])

    @property
    def sounds(self) -> Mapping[str, Checked]:
        """What was found in each file that can be read, noise too, by key."""
        return {
            prefix + checked.file.key: checked
            for prefix, _, contents in self.contents
            for checked in contents.checked
            if checked.sound is not None
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
    data: DataSection, folder: Path | None = None, progress: Progress | None = None
) -> Corpus:
    """Opens the data set of a sweep and checks that every keyword can be learnt and scored.

    Args:
        data: Source, more folders, keywords, split.
        folder: Taken instead of `data.source`: the flag `--data`.
        progress: Called with a stage, what is done of it, and the whole.

    Raises:
        DataError: A folder or a keyword is missing, too few speakers said it, or too many files
            are unreadable.
    """
    index = index_data(data, folder, progress)
    if problems := (*unusable(index, data.max_bad_percentage), *unfit(index.corpus, data)):
        raise DataError(f"{index.where}: {' Also '.join(problems)}")
    return index.corpus


def index_data(
    data: DataSection,
    folder: Path | None = None,
    progress: Progress | None = None,
    moved: Mapping[str, str] | None = None,
) -> Index:
    """Looks at the data set of a sweep, whatever is wrong with it.

    Args:
        data, folder, progress: See `open_corpus`.
        moved: `Corpus.moved` of an earlier look at the same recordings: they are split as then,
            though a trial may want other words than its sweep. None: they are split anew.

    Raises:
        DataError: A folder is missing or empty.
    """
    main = folder_of(data, folder, progress)
    folders = [main, *(folder_of(data, Path(extra)) for extra in data.extra)]
    for number, one in enumerate(folders):
        if one.resolve() in [other.resolve() for other in folders[:number]]:
            raise DataError(
                f"data.extra: folders must differ, got {shown(one)} twice. Remove one of them."
            )
    source = " + ".join([source_name(data, folder), *(f"folder {shown(e)}" for e in data.extra)])
    return _index(folders, data, source, progress, moved)


def look_into(
    folder: Path,
    data: DataSection,
    progress: Progress | None = None,
    moved: Mapping[str, str] | None = None,
) -> Index:
    """Looks at one folder, whatever is wrong with it; words that are no keyword are unknown.

    Args:
        folder: May hold some of the speakers that a model was trained on, or others.
        data: Keywords, and how speakers are split.
        progress: Called with a stage, what is done of it, and the whole.
        moved: `Corpus.moved` of the model's own data: each speaker is of the split that it had
            there. None: they are split as if the folder were the whole data set.

    Raises:
        DataError: The folder is missing or empty.
    """
    main = folder_of(data, folder)
    return _index([main], data, source_name(data, folder), progress, moved)


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
        problems.append(
            "must hold a folder of recordings for each word, got no clip."
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
    """Returns the SHA-256 of which clip lies in which split."""
    lines = sorted(f"{clip.key} {clip.split}" for clip in corpus.clips)
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
    data: DataSection,
    source: str,
    progress: Progress | None,
    moved: Mapping[str, str] | None = None,
) -> Index:
    """Indexes the first folder and, under other keys, the further ones."""
    files, all_contents = [], []
    for number, folder in enumerate(folders):
        prefix = f"extra{number}/" if number else ""
        contents = check_audio(folder, progress)
        all_contents.append((prefix, folder, contents))
        files += [(prefix + checked.file.key, checked) for checked in contents.checked]
    files.sort(key=lambda pair: pair[0])
    good = [(key, checked) for key, checked in files if checked.problem is None]
    bad = [f"{key!r}: {checked.problem}" for key, checked in files if checked.problem is not None]
    noises = _split_noises(good, data.split_salt)
    clips, moved = _split_clips(folders, good, data, moved)
    lines = "\n".join(f"{key} {checked.sha256}" for key, checked in good)
    corpus = Corpus(
        clips=clips,
        noise=tuple(one.path for one in noises),
        fingerprint=hashlib.sha256(lines.encode()).hexdigest(),
        source=source,
        is_synthetic=any(clip.is_synthetic for clip in clips),
        n_skipped=len(bad),
        skipped=tuple(bad[:N_REASONS]),
        is_personal=data.personal,
        moved=moved,
        noises=noises,
    )
    return Index(corpus, tuple(all_contents))


def _is_noise(checked: Checked) -> bool:
    return checked.file.word == BACKGROUND_NOISE_FOLDER


def _split_noises(good: Sequence[tuple[str, Checked]], salt: str) -> tuple[NoiseRecording, ...]:
    """Returns the recordings of noise, sorted as the files are."""
    found = [(key, one, one.sound) for key, one in good if _is_noise(one)]
    splits = split_noises((one.sha256 for _, one, _ in found), salt)
    return tuple(
        NoiseRecording(
            one.file.path, key, splits[one.sha256], round(sound.rms_dbfs, 2), sound.seconds
        )
        for key, one, sound in found
        if sound is not None
    )


def _split_clips(
    folders: Sequence[Path],
    good: Sequence[tuple[str, Checked]],
    data: DataSection,
    moved: Mapping[str, str] | None,
) -> tuple[tuple[Clip, ...], Mapping[str, str]]:
    """Returns the clips, whose words are spelled as the keywords are, and whom rank has moved."""
    composed = {checked.file.word: _composed(checked.file.word) for _, checked in good}
    spelling = {_composed(keyword): keyword for keyword in data.keywords}
    words = {folder: spelling.get(word, word) for folder, word in composed.items()}
    labels = {word: label_of(word, data) for word in words.values()}
    voices = [is_spoken(folder) for folder in folders]
    said: dict[str, set[str]] = {}
    found = []
    for key, checked in good:
        if _is_noise(checked):
            continue
        file = checked.file
        word, speaker = words[file.word], speaker_of(file.key.rpartition("/")[2])
        name = file.key if data.personal else speaker
        said.setdefault(name, set()).add(labels[word])
        is_synthetic = voices[_number(key, checked)](speaker)
        found.append((name, (file.path, key, word, speaker), is_synthetic))
    names = (checked.file.path.name for key, checked in good if _number(key, checked) == 0)
    listed = listed_speakers(folders[0], names, data)
    if moved is None:
        splits = split_all(said, listed, data)
        moved = moved_by_rank(splits, listed, data)
    else:
        splits = split_each(said, listed, data, moved)
    return tuple(Clip(*what, splits[name], synthetic) for name, what, synthetic in found), moved


def _number(key: str, checked: Checked) -> int:
    """Returns the number of the folder that a clip is of."""
    prefix = key.removesuffix(checked.file.key)
    return int(prefix.strip("/").removeprefix("extra")) if prefix else 0


def _composed(word: str) -> str:
    """Returns a word with its accents on their letters: macOS stores them apart in file names."""
    return unicodedata.normalize("NFC", word)
