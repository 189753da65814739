"""Noise is decoded once a machine, and every split hears recordings of its own."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sprd.audio import bank
from sprd.audio.augment import NOISE_PARTS, noise_of
from sprd.audio.bank import open_noise
from sprd.audio.corpus import NOISES, Corpus, look_into, read_noise
from sprd.audio.split import Split
from sprd.config.trial import DataSection
from sprd.errors import DataError

RATE = 16_000
N_NOISES = 8


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    """One word, and noises of 1 to 8 s, each of one level throughout; an empty cache."""
    monkeypatch.setenv("SPRD_CACHE", str(tmp_path / "cache"))
    for name in ("up", "_background_noise_"):
        (tmp_path / "data" / name).mkdir(parents=True)
    soundfile.write(tmp_path / "data/up/a_nohash_0.wav", np.ones(RATE, np.int16), RATE)
    return noisy(tmp_path, N_NOISES)


def noisy(tmp_path: Path, n: int, is_even: bool = True) -> Corpus:
    """The corpus with so many noises, each of one level throughout, or long ones that rise."""
    for number in range(1, n + 1):
        level = np.full(number * RATE, 100 * number, np.int16)
        wave = level if is_even else np.arange(10 * number * RATE).astype(np.int16)
        soundfile.write(tmp_path / f"data/_background_noise_/{number}.wav", wave, RATE)
    return look_into(tmp_path / "data", DataSection(keywords=("up",))).corpus


def test_each_split_hears_whole_recordings_of_its_own(corpus: Corpus) -> None:
    """All of them are heard, none in two splits."""
    heard = {split: open_noise(corpus, split, RATE, RATE) for split in Split}
    levels = {split: {int(one[0]) for one in noise} for split, noise in heard.items()}
    for split, noise in heard.items():
        assert levels[split] == {
            100 * int(one.key.rpartition("/")[2].removesuffix(".wav"))
            for one in corpus.noises
            if one.split is split
        }
        assert all((one == one[0]).all() for one in noise)
        assert all(len(one) == one[0] / 100 * RATE for one in noise)
    assert len(set().union(*levels.values())) == N_NOISES
    assert len(open_noise(corpus, None, RATE, RATE)) == N_NOISES


def test_short_recordings_are_repeated(corpus: Corpus) -> None:
    """To the length of a scene."""
    assert min(len(one) for one in open_noise(corpus, None, RATE, 2 * RATE)) == 2 * RATE


def test_recordings_are_decoded_once(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process maps the same files, read-only; another rate is another copy."""
    first = open_noise(corpus, Split.TRAINING, RATE, RATE)
    monkeypatch.setattr(bank, "read_recording", None)
    again = open_noise(corpus, Split.TRAINING, RATE, RATE)
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not again[0].flags.writeable
    monkeypatch.undo()
    monkeypatch.setenv("SPRD_CACHE", str(Path(corpus.noise[0]).parents[2] / "cache"))
    slower = open_noise(corpus, Split.TRAINING, RATE // 2, RATE // 2)
    assert [len(one) for one in slower] == [len(one) // 2 for one in first]


def test_long_recordings_are_heard_to_a_limit(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their beginning: a recording of a day must not fill the disk."""
    monkeypatch.setattr(bank, "MAX_S", 3)
    lengths = sorted(len(one) for one in open_noise(corpus, None, RATE, RATE))
    assert lengths == [RATE, 2 * RATE, *[3 * RATE] * (N_NOISES - 2)]


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_recordings_are_parted_by_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, n: int
) -> None:
    """Where a split would be left without one; no sample is heard in two splits."""
    monkeypatch.setenv("SPRD_CACHE", str(tmp_path / "cache"))
    for name in ("up", "_background_noise_"):
        (tmp_path / "data" / name).mkdir(parents=True)
    soundfile.write(tmp_path / "data/up/a_nohash_0.wav", np.ones(RATE, np.int16), RATE)
    found = noisy(tmp_path, n, is_even=False)
    scenes = {Split.TRAINING: 4 * RATE, Split.VALIDATION: RATE, Split.TESTING: RATE // 2}
    recorded = [soundfile.read(path, dtype="int16")[0] for path in found.noise]
    heard = {split: open_noise(found, split, RATE, length) for split, length in scenes.items()}
    for split, (low, high) in NOISE_PARTS.items():
        assert len(heard[split]) == (n or len(NOISES))
        for one, whole in zip(heard[split], recorded, strict=False):
            np.testing.assert_array_equal(
                one, whole[int(low * len(whole)) : int(high * len(whole))]
            )


def test_a_split_without_noise_hears_none_of_another(corpus: Corpus) -> None:
    """Where a later look finds none of its own: noise is made."""
    trained = tuple(one for one in corpus.noises if one.split is Split.TRAINING)
    fewer = replace(corpus, noises=trained, noise=tuple(one.path for one in trained))
    heard = open_noise(fewer, Split.TESTING, RATE, RATE)
    made = noise_of(read_noise(replace(corpus, noise=(), noises=()), RATE), RATE, Split.TESTING)
    assert len(heard) == len(made) == len(NOISES)
    for one, other in zip(heard, made, strict=True):
        np.testing.assert_array_equal(one, other)


def test_recording_that_is_gone_is_told(corpus: Corpus) -> None:
    """In one line, and no part of a copy is left."""
    corpus.noise[0].unlink()
    with pytest.raises(DataError, match="must be"):
        open_noise(corpus, Split.TRAINING, RATE, RATE)
    assert [*(corpus.noise[0].parents[2] / "cache/noises").glob("*/")] == []
