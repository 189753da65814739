"""Files of several folders in; clips, each of a word and a split, and recordings of noise out."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from sprd.audio.listing import Checked, Contents
from sprd.audio.noises import NoiseRecording, moved_noises, split_noises
from sprd.audio.split import (
    Clip,
    Split,
    has_lists,
    label_of,
    listed_speakers,
    moved_by_rank,
    speaker_of,
    split_all,
    split_each,
)
from sprd.audio.voices.synthetic import is_spoken
from sprd.config.labels import BACKGROUND_NOISE_FOLDER
from sprd.config.trial import DataSection


class Filed(NamedTuple):
    """A file under its key in the corpus, and the number of its folder."""

    key: str
    number: int
    checked: Checked

    @property
    def is_noise(self) -> bool:
        """Whether it is a recording of noise."""
        return self.checked.file.word == BACKGROUND_NOISE_FOLDER


def file_all(contents: Sequence[tuple[str, Path, Contents]]) -> list[Filed]:
    """Returns the files of all folders, sorted by key; each folder comes with a prefix of keys."""
    return sorted(
        (
            Filed(prefix + checked.file.key, number, checked)
            for number, (prefix, _, inside) in enumerate(contents)
            for checked in inside.checked
        ),
        key=lambda filed: filed.key,
    )


def in_two_folders(files: Iterable[Filed]) -> frozenset[str]:
    """Returns the keys of files that are, byte by byte, the same word's in an earlier folder."""
    first: dict[tuple[str, str], int] = {}
    found = []
    for filed in sorted(files, key=lambda filed: filed.number):
        what = filed.checked.sha256, filed.checked.file.word
        if first.setdefault(what, filed.number) != filed.number:
            found.append(filed.key)
    return frozenset(found)


def noises_of(
    files: Iterable[Filed], data: DataSection, moved: Mapping[str, str] | None
) -> tuple[tuple[NoiseRecording, ...], Mapping[str, str]]:
    """Returns the recordings of noise among files that can be read, and which rank has moved.

    In the order of the files; for `data` and `moved` see `split_noises`.
    """
    found = [(key, one, one.sound) for key, _, one in files if one.sound is not None]
    splits = split_noises((one.sha256 for _, one, _ in found), data, moved)
    noises = tuple(
        NoiseRecording(
            *(one.file.path, key, splits[one.sha256], round(sound.rms_dbfs, 2), sound.seconds)
        )
        for key, one, sound in found
    )
    return noises, moved_noises(splits, data)


def clips_of(
    folders: Sequence[Path],
    files: Sequence[Filed],
    data: DataSection,
    moved: Mapping[str, str] | None,
) -> tuple[tuple[Clip, ...], Mapping[str, str]]:
    """Returns the clips, whose words are spelled as the keywords are, and whom rank has moved.

    Args:
        folders: By their numbers, those in `data.extra` last.
        files: That can be read and are no noise.
        data: Keywords, and how speakers are split.
        moved: Of an earlier look, see `moved_by_rank`. None: speakers are split anew.
    """
    composed = {one.checked.file.word: _composed(one.checked.file.word) for one in files}
    spelling = {_composed(keyword): keyword for keyword in data.keywords}
    words = {folder: spelling.get(word, word) for folder, word in composed.items()}
    labels = {word: label_of(word, data) for word in words.values()}
    voices = [is_spoken(folder) for folder in folders]
    said: dict[str, set[str]] = {}
    found = []
    for key, number, checked in files:
        file = checked.file
        word, speaker = words[file.word], speaker_of(file.key.rpartition("/")[2])
        name = file.key if data.personal else speaker
        said.setdefault(name, set()).add(labels[word])
        found.append((name, (file.path, key, word, speaker), voices[number](speaker)))
    listed = _listed(folders[: len(folders) - len(data.extra)], files, data)
    if moved is None:
        splits = split_all(said, listed, data)
        moved = moved_by_rank(splits, listed, data)
    else:
        splits = split_each(said, listed, data, moved)
    return tuple(Clip(*what, splits[name], synthetic) for name, what, synthetic in found), moved


def _listed(
    folders: Sequence[Path], files: Sequence[Filed], data: DataSection
) -> Mapping[str, Split]:
    """Returns whom lists deal: each source's own; of a speaker in two, those of the first hold."""
    found: dict[str, Split] = {}
    for number in [i for i, folder in enumerate(folders) if has_lists(folder)] or [0]:
        names = (one.checked.file.path.name for one in files if one.number == number)
        found = {**listed_speakers(folders[number], names, data), **found}
    return found


def _composed(word: str) -> str:
    """Returns a word with its accents on their letters: macOS stores them apart in file names."""
    return unicodedata.normalize("NFC", word)
