"""What trials read is made before they start: all of it, once, and no more than may be needed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sprd.audio.corpus import Corpus
from sprd.audio.split import Clip, Split
from sprd.errors import ConfigError
from sprd.sweep.search import prepare
from sprd.sweep.search.prepare import front_ends, prepare_features
from tests.builders import make_sweep

FRAMES = '"features.frame" = ["30/20x40", "40/40x20"]\n'


def corpus(tmp_path: Path, n: int = 400) -> Corpus:
    """An index; no file is read."""
    clips = tuple(
        Clip(tmp_path / f"{i}.wav", f"up/{i:04}", "up", str(i), list(Split)[i % 3])
        for i in range(n)
    )
    return Corpus(clips, (), "f" * 64, "folder", False, 0, ())


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What would be made: (frames, channels), split and variants."""
    found: list[Any] = []

    def make(recipes: Any, progress: Any) -> None:
        found.extend((r.features.shape, r.split.value, r.shape[1]) for r in recipes)

    monkeypatch.setattr(prepare, "make_stores", make)
    return found


def test_every_front_end_of_the_space_is_prepared(tmp_path: Path, made: list[Any]) -> None:
    """Once for each split that trials read, whatever else is searched."""
    sweep = make_sweep(FRAMES + '"train.learning_rate" = { low = 1e-4, high = 1e-2, log = true }')
    prepare_features(sweep, corpus(tmp_path, 2000), [], None)
    assert [(shape, split) for shape, split, _ in made] == [
        ((49, 40), "training"),
        ((49, 40), "validation"),
        ((25, 20), "training"),
        ((25, 20), "validation"),
    ]


def test_augmentation_shares_the_validation_clips(tmp_path: Path, made: list[Any]) -> None:
    """They are not varied."""
    sweep = make_sweep('"augment.gain_db" = [0.0, 6.0]\n"augment.time_mask_frames" = [0, 5]')
    prepare_features(sweep, corpus(tmp_path, 2000), [], None)
    assert [split for _, split, _ in made] == ["training", "validation", "training"]


def test_references_are_prepared_too(tmp_path: Path, made: list[Any]) -> None:
    """Their front end may be another."""
    other = make_sweep(FRAMES).default
    features = other.features.model_copy(update={"n_channels": 16})
    reference = other.model_copy(update={"features": features})
    prepare_features(make_sweep(), corpus(tmp_path, 2000), [("other", reference)], None)
    assert {shape for shape, _, _ in made} == {(49, 40), (49, 16)}


def test_few_clips_are_left_to_the_first_trial(tmp_path: Path, made: list[Any]) -> None:
    """Processes would take longer to start."""
    sweep = make_sweep('"augment.n_variants" = [1, 2]')
    prepare_features(sweep, corpus(tmp_path, 30), [], None)
    assert made == []


def test_of_many_front_ends_the_files_own_is_prepared() -> None:
    """A sampler may never ask for most of them; a continuous one cannot be counted."""
    many = '"features.n_channels" = { low = 10, high = 40 }'
    assert [c.features.n_channels for c in front_ends(make_sweep(many))] == [40]
    endless = '"augment.gain_db" = { low = 0.0, high = 6.0 }'
    assert len(front_ends(make_sweep(endless))) == 1
    few = '"features.n_channels" = { low = 10, high = 40, step = 10 }'
    assert [c.features.n_channels for c in front_ends(make_sweep(few))] == [10, 20, 30, 40]


def test_combinations_that_no_trial_can_have_are_left_out() -> None:
    """A stride longer than its window."""
    space = '"features.window_size_ms" = [20, 30]\n"features.window_stride_ms" = [20, 30]'
    found = {
        (c.features.window_size_ms, c.features.window_stride_ms)
        for c in front_ends(make_sweep(space))
    }
    assert found == {(20, 20), (30, 20), (30, 30)}


def test_no_more_than_the_cache_holds_is_prepared(
    tmp_path: Path, made: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """More would push out what was made first."""
    sweep, index = make_sweep(), corpus(tmp_path, 2000)
    n_training = len(index.of(Split.TRAINING)) + 400
    n_validation = len(index.of(Split.VALIDATION)) + 80
    n_variants = sweep.default.augment.n_variants
    frames = '"features.frame" = ["30/20x40", "30/20x39", "30/20x38"]\n'
    first = int(np.prod((49, 40))) * 2 * n_training * n_variants
    monkeypatch.setenv("SPRD_CACHE_GB", str((2 * first + 1000) / 1e9))
    assert n_validation * 3 < n_training * n_variants
    prepare_features(make_sweep(frames), index, [], None)
    assert [shape for shape, _, _ in made] == [(49, 40), (49, 40)]


def test_cache_that_cannot_hold_what_a_trial_reads_is_told_first(
    tmp_path: Path, made: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or each trial would compute its features anew."""
    monkeypatch.setenv("SPRD_CACHE_GB", "0.01")
    with pytest.raises(ConfigError, match="SPRD_CACHE_GB: must hold two entries"):
        prepare_features(make_sweep(), corpus(tmp_path, 2000), [], None)
    assert made == []
