"""Files of several folders in one index: each content once, each speaker in one split."""

import shutil
from pathlib import Path

import pytest

from sprd.audio.corpus import index_data, open_corpus, split_digest
from sprd.audio.split import Split
from sprd.config.trial import DataSection
from sprd.errors import DataError
from tests.audio.recorded import record, word, write


def section(**values: object) -> DataSection:
    return DataSection.model_validate({"keywords": ("up", "down"), **values})


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two folders; half of the second is also in the first."""
    first, second = tmp_path / "a", tmp_path / "b"
    for name in ("up", "down", "cat"):
        record(first, name, n=30)
        record(second, name, n=6, seed=7)
        for path in sorted((first / name).iterdir())[:6]:
            shutil.copy(path, second / name / f"copy_{path.name}")
    return first, second


def test_no_clip_counts_twice(folders: tuple[Path, Path]) -> None:
    """Of two that are the same, that of the first folder is used, whatever they are called."""
    data = section(sources=tuple(map(str, folders)))
    index = index_data(data)
    assert len(index.corpus.clips) == 90 + 18
    assert len(index.twice) == 18
    assert all(key.startswith("extra1/") and "copy_" in key for key in index.twice)
    assert not index.twice & index.sounds.keys()
    alike = index_data(section(), folders)
    assert alike.corpus == index.corpus


def test_the_same_sound_as_two_words_stays_two_clips(folders: tuple[Path, Path]) -> None:
    """Which word it is nobody can tell: that is found and told."""
    write(folders[0] / "up/x_nohash_0.wav", word(5))
    write(folders[1] / "down/x_nohash_0.wav", word(5))
    index = index_data(section(), folders)
    keys = {clip.key for clip in index.corpus.clips}
    assert {"up/x_nohash_0.wav", "extra1/down/x_nohash_0.wav"} <= keys


def test_extra_folders_keep_what_they_hold(folders: tuple[Path, Path]) -> None:
    """In a file with source and extra, every clip counts, as ever; so its fingerprint stays."""
    one, two = map(str, folders)
    corpus = index_data(section(source=one, extra=(two,))).corpus
    assert len(corpus.clips) == 90 + 36
    assert index_data(section(source="/none", extra=(two,)), folders[:1]).corpus == corpus


def test_a_folder_of_noise_alone_is_a_source(folders: tuple[Path, Path], tmp_path: Path) -> None:
    """The same recording of noise counts once, too."""
    noise = tmp_path / "noise"
    for number in range(3):
        write(noise / "_background_noise_" / f"{number}.wav", word(number + 100))
    shutil.copytree(noise / "_background_noise_", folders[0] / "_background_noise_")
    write(noise / "_background_noise_" / "more.wav", word(200))
    alone = open_corpus(section(), folders[:1])
    assert len(alone.noises) == 3
    corpus = open_corpus(section(), (noise, *folders[:1]))
    assert [clip.path for clip in corpus.clips] == [clip.path for clip in alone.clips]
    assert {clip.key.split("/")[0] for clip in corpus.clips} == {"extra1"}
    assert len(corpus.noises) == 4
    assert {one.split for one in corpus.noises} == set(Split)


def test_only_noise_is_no_data_set(tmp_path: Path) -> None:
    """The message says what there is."""
    for name in "ab":
        write(tmp_path / name / "_background_noise_" / "1.wav", word(ord(name)))
    with pytest.raises(DataError, match="got no clip, and 2 recordings of noise") as caught:
        open_corpus(section(), (tmp_path / "a", tmp_path / "b"))
    assert f"{tmp_path / 'a'} and 1 more" in str(caught.value)


def test_lists_of_each_source_count(folders: tuple[Path, Path]) -> None:
    """For its own speakers; of a speaker in two, those of the first folder hold."""
    for name, content in (
        ("validation", "up/p00_nohash_7.wav"),
        ("testing", "up/p01_nohash_7.wav"),
    ):
        (folders[1] / f"{name}_list.txt").write_text(content)
    corpus = index_data(section(), folders).corpus
    splits = {clip.speaker: clip.split for clip in corpus.clips}
    assert (splits["p00"], splits["p01"], splits["p02"]) == (
        *(Split.VALIDATION, Split.TESTING, Split.TRAINING),
    )
    for name, content in (
        ("validation", "up/p01_nohash_0.wav"),
        ("testing", "up/p09_nohash_0.wav"),
    ):
        (folders[0] / f"{name}_list.txt").write_text(content)
    corpus = index_data(section(split="lists"), folders).corpus
    splits = {clip.speaker: clip.split for clip in corpus.clips}
    assert (splits["p00"], splits["p01"]) == (Split.TRAINING, Split.VALIDATION)


def test_a_speaker_in_two_folders_lies_in_one_split(folders: tuple[Path, Path]) -> None:
    """By the name, whatever the folder; the order of folders changes no split."""
    splits: dict[str, set[Split]] = {}
    corpora = [index_data(section(), order).corpus for order in (folders, folders[::-1])]
    for corpus in corpora:
        for clip in corpus.clips:
            splits.setdefault(clip.speaker.removeprefix("copy_"), set())
            if not clip.speaker.startswith("copy_"):
                splits[clip.speaker].add(clip.split)
    assert all(len(one) <= 1 for one in splits.values())
    assert len({split_digest(corpus) for corpus in corpora}) == 2
