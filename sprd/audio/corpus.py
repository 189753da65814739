"""Folders of recordings in, an index out: words, speakers, splits and a fingerprint.

Knows nothing of features: it reads no waveform but the noise. Files are checked in `listing.py`.
"""

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sprd.audio.clips import read_clip, shown
from sprd.audio.listing import Checked, check_audio
from sprd.audio.sources import folder_of, source_name
from sprd.audio.voices.studio import made_noise
from sprd.audio.voices.synthetic import RECIPE_FILE
from sprd.config.labels import BACKGROUND_NOISE_FOLDER, SILENCE_LABEL
from sprd.config.trial import DataSection
from sprd.disk.process import Progress
from sprd.errors import DataError, suggest

NOISES = ("white", "pink", "brown", "hum", "quiet")
"""What is made where a data set ships no noise."""

NOISE_S = 60
LONG_NOISE_S = 10
"""A recording that can be shared out among the splits, so that no test noise is trained on."""

N_REASONS = 20
VALIDATION_LIST, TESTING_LIST = "validation_list.txt", "testing_list.txt"


class Split(StrEnum):
    """What a speaker is for: to learn from, to choose by, or to score what was chosen."""

    TRAINING = "training"
    VALIDATION = "validation"
    TESTING = "testing"


@dataclass(frozen=True)
class Clip:
    """One recording of one word; `key` is its name, unique in the corpus and on every machine."""

    path: Path
    key: str
    word: str
    speaker: str
    split: Split


@dataclass(frozen=True)
class Corpus:
    """The index of a data set: clips sorted by key, recordings of noise (may be none).

    `fingerprint` is the SHA-256 of the names and contents of clips and noise; `skipped` says why
    the first of the `n_skipped` unreadable files were left out.
    """

    clips: tuple[Clip, ...]
    noise: tuple[Path, ...]
    fingerprint: str
    source: str
    is_synthetic: bool
    n_skipped: int
    skipped: tuple[str, ...]

    def of(self, split: Split) -> tuple[Clip, ...]:
        """Returns the clips of a split, sorted by key."""
        return tuple(clip for clip in self.clips if clip.split == split)

    def words(self) -> tuple[str, ...]:
        """Returns the words that were recorded, sorted."""
        return tuple(sorted({clip.word for clip in self.clips}))

    def speakers(self, split: Split) -> tuple[str, ...]:
        """Returns the speakers of a split, sorted."""
        return tuple(sorted({clip.speaker for clip in self.of(split)}))


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
    main = folder_of(data, folder, progress)
    folders = [main, *(folder_of(data, Path(extra)) for extra in data.extra)]
    for number, one in enumerate(folders):
        if one.resolve() in [other.resolve() for other in folders[:number]]:
            raise DataError(
                f"data.extra: folders must differ, got {shown(one)} twice. Remove one of them."
            )
    source = " + ".join([source_name(data, folder), *(f"folder {shown(e)}" for e in data.extra)])
    is_synthetic = any((one / RECIPE_FILE).exists() for one in folders)
    corpus = _index(folders, data, source, is_synthetic, progress)
    _check_words(corpus, data, shown(main))
    return corpus


def index_folder(folder: Path, data: DataSection) -> Corpus:
    """Opens one folder, whatever its words: those that are no keyword are unknown ones.

    Raises:
        DataError: The folder is missing or holds no clip, or too many files are unreadable.
    """
    main = folder_of(data, folder)
    return _index([main], data, source_name(data, folder), False, None)


def speaker_of(name: str) -> str:
    """Returns the speaker that a file name gives: what stands before `_nohash_`.

    A name without it gives no speaker: its stem is taken for one, so that such a file counts as
    said by someone of its own.
    """
    stem = Path(name).stem
    return stem.split("_nohash_")[0] or stem


def split_of(speaker: str, data: DataSection) -> Split:
    """Returns the split of a speaker, by salted hash: who else is there does not matter."""
    digest = hashlib.sha256(f"{data.split_salt}:{speaker}".encode()).digest()
    percent = 100 * int.from_bytes(digest[:8], "big") / 2**64
    if percent < data.validation_percentage:
        return Split.VALIDATION
    if percent < data.validation_percentage + data.testing_percentage:
        return Split.TESTING
    return Split.TRAINING


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


def _index(
    folders: Sequence[Path],
    data: DataSection,
    source: str,
    is_synthetic: bool,
    progress: Progress | None,
) -> Corpus:
    """Indexes the first folder and, under other keys, the further ones."""
    files = []
    for number, folder in enumerate(folders):
        prefix = f"extra{number}/" if number else ""
        files += [(prefix + checked.file.key, checked) for checked in check_audio(folder, progress)]
    good = sorted((key, checked) for key, checked in files if checked.problem is None)
    bad = [f"{key!r}: {checked.problem}" for key, checked in files if checked.problem is not None]
    _check_readable(shown(folders[0]), len(files), bad, data.max_bad_percentage)
    noise = tuple(checked.file.path for _, checked in good if _is_noise(checked))
    names = (checked.file.path.name for key, checked in good if key == checked.file.key)
    listed = _listed_speakers(folders[0], names, data)
    clips = tuple(
        _clip(key, checked, listed, data) for key, checked in good if not _is_noise(checked)
    )
    if not clips:
        raise DataError(
            f"{shown(folders[0])}: must hold a folder of recordings for each word, got no clip."
            " Put them into <word>/<speaker>_nohash_<n>.wav."
        )
    lines = "\n".join(f"{key} {checked.sha256}" for key, checked in good)
    fingerprint = hashlib.sha256(lines.encode()).hexdigest()
    return Corpus(clips, noise, fingerprint, source, is_synthetic, len(bad), tuple(bad[:N_REASONS]))


def _is_noise(checked: Checked) -> bool:
    return checked.file.word == BACKGROUND_NOISE_FOLDER


def _clip(key: str, checked: Checked, listed: Mapping[str, Split], data: DataSection) -> Clip:
    """Makes the entry of a clip; its word is spelled as the keyword is."""
    speaker = speaker_of(checked.file.path.name)
    split = listed.get(speaker) or split_of(speaker, data)
    word = _composed(checked.file.word)
    spelling = {_composed(keyword): keyword for keyword in data.keywords}
    return Clip(checked.file.path, key, spelling.get(word, word), speaker, split)


def _composed(word: str) -> str:
    """Returns a word with its accents on their letters: macOS stores them apart in file names."""
    return unicodedata.normalize("NFC", word)


def _listed_speakers(folder: Path, names: Iterable[str], data: DataSection) -> dict[str, Split]:
    """Reads the lists that a data set ships: who is kept for validation and testing.

    A speaker lies in one split, whatever the lists say of single clips: testing wins.

    Args:
        folder: Of the data set; those in `data.extra` follow the hash.
        names: Of its files: who is on no list is for training.
        data: Says whether lists count.

    Returns:
        The split of each speaker of the folder, or none where the hash decides.

    Raises:
        DataError: The lists are demanded and missing, or cannot be read.
    """
    if data.split == "hash":
        return {}
    paths = (folder / VALIDATION_LIST, folder / TESTING_LIST)
    if not all(path.is_file() for path in paths):
        if data.split == "auto":
            return {}
        raise DataError(
            f"{shown(folder)}: data.split 'lists' needs {VALIDATION_LIST} and {TESTING_LIST}, got"
            " not both. Write them, or set data.split to 'hash'."
        )
    speakers = dict.fromkeys(map(speaker_of, names), Split.TRAINING)
    for path, split in zip(paths, (Split.VALIDATION, Split.TESTING), strict=True):
        speakers |= dict.fromkeys(map(speaker_of, _listed_names(path)), split)
    return speakers


def _listed_names(path: Path) -> list[str]:
    """Returns the file names of a list of `<word>/<file>`, one a line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise DataError(
            f"{shown(path)}: must list clips as <word>/<file>, got {reason}. Write it anew."
        ) from error
    return [line.strip().replace("\\", "/").rpartition("/")[2] for line in lines if line.strip()]


def _check_readable(where: str, n_files: int, bad: Sequence[str], max_percentage: float) -> None:
    percentage = 100 * len(bad) / max(1, n_files)
    if percentage > max_percentage:
        raise DataError(
            f"{where}: at most {max_percentage:g} % of the files may be unreadable, got "
            f"{len(bad):,} of {n_files:,} ({percentage:.1f} %), the first {bad[0]}."
            " See `sprd data check`, or raise data.max_bad_percentage."
        )


def _check_words(corpus: Corpus, data: DataSection, where: str) -> None:
    """Checks that each keyword, and the unknown words if they are drawn, is in every split."""
    words = corpus.words()
    if SILENCE_LABEL in words:
        raise DataError(
            f"{where}: {SILENCE_LABEL} must be no word: silence is cut from recordings of noise. "
            f"Move its files to {BACKGROUND_NOISE_FOLDER}."
        )
    for word in data.keywords:
        if word not in words:
            raise DataError(
                f"{where}: must hold recordings of the keyword {word!r}, got none. "
                f"{suggest(word, words)}"
            )
        _check_splits([c for c in corpus.clips if c.word == word], f"of {word!r}", where)
    if data.unknown_percentage == 0:
        return
    others = [clip for clip in corpus.clips if clip.word not in data.keywords]
    if not others:
        raise DataError(
            f"{where}: must hold words that are no keyword, got none. Record other words for"
            " _unknown_, or set data.unknown_percentage to 0."
        )
    _check_splits(others, "of words that are no keyword", where)


def _check_splits(clips: Iterable[Clip], of_what: str, where: str) -> None:
    """Checks that somebody said it in every split."""
    splits = {clip.speaker: clip.split for clip in clips}
    for split in Split:
        if split in splits.values():
            continue
        n = len(splits)
        advice = "Record more speakers, or add the folder of a larger data set"
        if n >= 3 and split != Split.TRAINING:
            advice += f", or raise data.{split}_percentage"
        raise DataError(
            f"{where}: each split must have a speaker {of_what}, got none for {split} out of {n}"
            f" speaker{'s' if n != 1 else ''}. {advice}."
        )
