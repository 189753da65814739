"""Features are computed once, and what they depend on decides where they lie."""

import errno
import hashlib
import json
import multiprocessing
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from sprd.audio import build, scene, store
from sprd.audio.augment import Augmenter, Babble, cut_silence, noise_of
from sprd.audio.bank import open_noise
from sprd.audio.clips import fit_length, read_clip
from sprd.audio.corpus import Corpus, look_into, read_noise, split_digest
from sprd.audio.frontend import FrontEnd
from sprd.audio.maker import Unvaried, hear_unvaried
from sprd.audio.running import Recording
from sprd.audio.scene import Stage, Takes, layout_of, set_stage
from sprd.audio.split import Clip, Split
from sprd.audio.store import (
    Features,
    compute_features,
    make_stores,
    open_features,
    store_key,
    store_spec,
)
from sprd.config.trial import Config
from sprd.errors import DataError, OutputError, SprdError
from tests.builders import make_sweep

pytestmark = pytest.mark.usefixtures("one_thread")

RATE = 16_000
WORDS = ("down", "tree", "up")
N_SPEAKERS = 12


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three words of twelve speakers, a fifth of a second each, some shorter; two noises."""
    folder = tmp_path_factory.mktemp("clips")
    rng = np.random.default_rng(0)
    for word in (*WORDS, "_background_noise_"):
        (folder / word).mkdir()
    for number, word in enumerate(WORDS):
        for speaker in range(N_SPEAKERS):
            length = 3200 - 100 * (speaker % 3)
            wave = rng.integers(-2000, 2000, length) * (number + 1)
            path = folder / word / f"{speaker:02d}_nohash_0.wav"
            soundfile.write(path, wave.astype(np.int16), RATE)
    for name in ("hiss", "hum"):
        wave = rng.integers(-9000, 9000, 4 * RATE).astype(np.int16)
        soundfile.write(folder / "_background_noise_" / f"{name}.wav", wave, RATE)
    return folder


def make_config(
    keywords: tuple[Any, ...] = ("up", "down"),
    features: dict[str, Any] | None = None,
    augment: dict[str, Any] | None = None,
    **data: Any,
) -> Config:
    """Clips of 200 ms, 8 channels; the arguments replace keys."""
    config = make_sweep().default
    small = {"clip_duration_ms": 200, "n_channels": 8, "window_stride_ms": 30}
    percent = {"validation_percentage": 25.0, "testing_percentage": 25.0}
    updates = {
        "data": {"keywords": keywords, **percent, **data},
        "features": {**small, **(features or {})},
        "augment": {"n_variants": 3, **(augment or {})},
    }
    sections = {k: getattr(config, k).model_copy(update=v) for k, v in updates.items()}
    return config.model_copy(update=sections)


@pytest.fixture(scope="module")
def corpus(clips: Path) -> Corpus:
    """The index of the clips."""
    return look_into(clips, make_config().data).corpus


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache for each test, and few clips of silence."""
    monkeypatch.setenv("SPRD_CACHE", str(tmp_path / "cache"))
    n_silence = {Split.TRAINING: 5, Split.VALIDATION: 3, Split.TESTING: 2}
    monkeypatch.setattr(store, "N_SILENCE", n_silence)
    return tmp_path / "cache"


def stores(cache: Path) -> list[str]:
    """Names of what the cache holds but its locks."""
    folder = cache / "features"
    return sorted(p.name for p in folder.iterdir() if p.suffix != ".lock")


def read(clip: Clip, config: Config) -> np.ndarray:
    """(1, n_samples): a clip as it is cut to length."""
    waveform = read_clip(clip.path, RATE)
    return fit_length(waveform, config.features.n_samples)[None]


def test_training_clips_come_in_their_variants(corpus: Corpus) -> None:
    """Each is what augmentation and front end make of the clip; silence comes last."""
    config = make_config()
    features = open_features(corpus, config, Split.TRAINING)
    clips = corpus.of(Split.TRAINING)
    front_end = FrontEnd(config.features)
    noise = noise_of(read_noise(corpus, RATE), config.features.n_samples, Split.TRAINING)
    augmenter = Augmenter(config.augment, noise, RATE)
    assert features.raw.shape == (len(clips) + 5, 3, *config.features.shape)
    for i, clip in enumerate(clips):
        for v in range(3):
            varied = augmenter.vary(read(clip, config)[0], clip.key, v)
            np.testing.assert_array_equal(features.raw[i, v], front_end.compute(varied[None])[0])
    silence = cut_silence(noise, "training:0", 2, config.features.n_samples)
    np.testing.assert_array_equal(features.raw[len(clips), 2], front_end.compute(silence[None])[0])
    assert features.words == (*(clip.word for clip in clips), *["_silence_"] * 5)
    assert len(set(features.speakers[-5:])) == 5


@pytest.mark.parametrize("split", [Split.VALIDATION, Split.TESTING])
def test_validation_and_test_are_not_varied(corpus: Corpus, split: Split) -> None:
    """They are the clips as recorded, once."""
    config = make_config()
    features = open_features(corpus, config, split)
    clips = corpus.of(split)
    assert len(clips) >= 3
    assert features.raw.shape[:2] == (len(clips) + store.N_SILENCE[split], 1)
    front_end = FrontEnd(config.features)
    for i, clip in enumerate(clips):
        np.testing.assert_array_equal(features.raw[i, 0], front_end.compute(read(clip, config))[0])
    assert features.speakers[: len(clips)] == tuple(clip.speaker for clip in clips)


SCENES: dict[str, Any] = {
    "context_ms": 300,
    "placement": "window",
    "snr_low_db": 0.0,
    "snr_high_db": 20.0,
    "speed_percent": 10.0,
}


def stage_of(corpus: Corpus, config: Config, split: Split) -> Stage:
    """Where the clips of a split are heard."""
    layout = layout_of(config.features, config.augment.context_ms)
    noise = open_noise(corpus, split, RATE, layout.n_samples)
    return set_stage(config.augment, layout, noise)


def test_training_clips_are_heard_in_scenes(corpus: Corpus) -> None:
    """Where a new setting asks for them; of their frames the last are kept."""
    config = make_config(augment=SCENES)
    features = open_features(corpus, config, Split.TRAINING)
    clips = corpus.of(Split.TRAINING)
    made = stage_of(corpus, config, Split.TRAINING)
    front_end = FrontEnd(config.features, made.layout.n_context)
    assert features.raw.shape == (len(clips) + 5, 3, *config.features.shape)
    for i, clip in enumerate(clips):
        takes = Takes(read(clip, config)[0], RATE, 10.0)
        for v in range(3):
            varied = made.vary(takes, clip.key, v)
            np.testing.assert_array_equal(features.raw[i, v], front_end.compute(varied[None])[0])
    silence = made.silence("training:0", 2)
    np.testing.assert_array_equal(features.raw[len(clips), 2], front_end.compute(silence[None])[0])


@pytest.mark.parametrize("split", [Split.VALIDATION, Split.TESTING])
def test_context_comes_before_the_clips_of_every_split(corpus: Corpus, split: Split) -> None:
    """As recorded, in a quiet room; `sprd evaluate` hears the same."""
    config = make_config(augment=SCENES)
    features = open_features(corpus, config, split)
    clips = corpus.of(split)
    made = stage_of(corpus, config, split)
    front_end = FrontEnd(config.features, made.layout.n_context)
    for i, clip in enumerate(clips):
        heard = made.recorded(read(clip, config)[0], clip.key)
        np.testing.assert_array_equal(features.raw[i, 0], front_end.compute(heard[None])[0])
    silence = made.silence(f"{split}:0", 0)
    np.testing.assert_array_equal(features.raw[len(clips), 0], front_end.compute(silence[None])[0])
    fresh = compute_features(clips, hear_unvaried(corpus, config, split), n_silence=2)
    np.testing.assert_array_equal(fresh.raw[: len(clips)], features.raw[: len(clips)])
    assert fresh.raw.shape[0] == len(clips) + 2


def test_only_context_concerns_the_splits_that_are_not_varied(corpus: Corpus) -> None:
    """Everything else of a scene is for training; context is for all, and so are noises dealt.

    Where training hears them whole, and no context is heard, silence is of the split's own.
    """

    def key(split: Split, corpus: Corpus = corpus, **augment: Any) -> str:
        return key_of(corpus, make_config(augment=augment), split)

    others = {name: value for name, value in SCENES.items() if name != "context_ms"}
    assert key(Split.VALIDATION, **others) == key(Split.VALIDATION, snr_low_db=0.0, snr_high_db=9.0)
    assert key(Split.VALIDATION, **others) != key(Split.VALIDATION)
    assert key(Split.VALIDATION, **SCENES) == key(Split.VALIDATION, context_ms=300)
    assert key(Split.VALIDATION, context_ms=300) != key(Split.VALIDATION)
    keys = {key(Split.TRAINING, **{**SCENES, name: value}) for name, value in OTHER_SCENES}
    assert len(keys | {key(Split.TRAINING, **SCENES)}) == len(OTHER_SCENES) + 1
    dealt = tuple(replace(one, split=Split.TRAINING) for one in corpus.noises)
    moved = replace(corpus, noises=dealt)
    assert key(Split.VALIDATION, moved, context_ms=300) != key(Split.VALIDATION, context_ms=300)
    assert key(Split.TRAINING, moved) == key(Split.TRAINING)


def test_silence_of_validation_is_noise_that_no_training_heard(corpus: Corpus) -> None:
    """With a ratio and without context: of recordings of its own, as `sprd evaluate` hears it."""
    config = make_config(augment={"snr_low_db": 0.0, "snr_high_db": 20.0})
    splits = (Split.VALIDATION, Split.TRAINING)
    noises = zip(corpus.noises, splits, strict=True)
    corpus = replace(corpus, noises=tuple(replace(one, split=split) for one, split in noises))
    features, n_samples = open_features(corpus, config, Split.VALIDATION), config.features.n_samples
    noise = open_noise(corpus, Split.VALIDATION, RATE, n_samples)
    assert len(noise) == 1 and len(noise[0]) == 4 * RATE
    silence = cut_silence(noise, "validation:0", 0, n_samples)
    n_clips = len(corpus.of(Split.VALIDATION))
    expected = FrontEnd(config.features).compute(silence[None])[0]
    np.testing.assert_array_equal(features.raw[n_clips, 0], expected)
    heard = hear_unvaried(corpus, config, Split.VALIDATION)
    assert {len(one) for one in heard.noise} == {len(one) for one in noise}
    np.testing.assert_array_equal(heard.noise[0], noise[0])


def speaking(corpus: Corpus, folder: Path) -> Corpus:
    """The corpus with running speech of a reader in training, and of one in validation."""
    found = []
    for number, split in enumerate((Split.TRAINING, Split.VALIDATION)):
        path = folder / f"{number}.wav"
        wave = np.random.default_rng(number).integers(-3000, 3000, 2 * RATE).astype(np.int16)
        soundfile.write(path, wave, RATE)
        found.append(Recording(path, path.name, f"reader {number}", split, 2.0, None))
    return replace(corpus, speech=tuple(found))


def test_cuts_of_speech_and_halves_of_words_follow_the_silence(
    corpus: Corpus, tmp_path: Path
) -> None:
    """They are unknown words, whatever the keywords; of training speakers and readers alone."""
    augment = {**SCENES, "speech_cuts": 3, "partial_words": 4}
    config = make_config(augment=augment)
    heard = speaking(corpus, tmp_path)
    features = open_features(heard, config, Split.TRAINING)
    n_clips = len(corpus.of(Split.TRAINING))
    assert features.raw.shape[0] == n_clips + 5 + 3 + 4
    assert features.speakers[-7:-4] == ("reader 0",) * 3
    assert set(features.words[-4:]) <= {"half of up", "half of down"}
    assert set(features.speakers[-4:]) <= set(corpus.speakers(Split.TRAINING))
    assert (features.labels(config.labels)[-7:] == config.labels.index("_unknown_")).all()
    plain = open_features(corpus, make_config(augment=SCENES), Split.TRAINING)
    np.testing.assert_array_equal(features.raw[: n_clips + 5], plain.raw)
    assert features.raw[-7:].any(axis=(1, 2, 3)).all()
    validation = open_features(heard, config, Split.VALIDATION)
    assert len(validation.words) == len(corpus.of(Split.VALIDATION)) + 3


def test_without_speech_of_training_readers_no_cuts_are_made(
    corpus: Corpus, tmp_path: Path
) -> None:
    """What validation readers say is no training material; the store is that of 0 cuts."""
    config = make_config(augment={"speech_cuts": 3})
    held_out = replace(corpus, speech=speaking(corpus, tmp_path).speech[1:])
    for one in (corpus, held_out):
        for split in (Split.TRAINING, Split.VALIDATION):
            spec = store_spec(one, config, split)
            assert spec.n_cuts == 0
            assert store_key(spec) == store_key(store_spec(one, make_config(), split))
    assert store_spec(speaking(corpus, tmp_path), config, Split.TRAINING).n_cuts == 3


def test_speech_and_keywords_name_a_store_only_where_they_are_heard(
    corpus: Corpus, tmp_path: Path
) -> None:
    """Cuts depend on which recordings there are, halves on which words are keywords."""
    heard = speaking(corpus, tmp_path)
    moved = replace(heard, speech=(replace(heard.speech[0], seconds=1.5), heard.speech[1]))
    cuts = make_config(augment={"speech_cuts": 3})
    assert key_of(heard, cuts) != key_of(moved, cuts)
    assert key_of(heard, make_config()) == key_of(moved, make_config())
    one, two = (make_config((w,), augment={"partial_words": 3}) for w in ("up", "down"))
    assert key_of(corpus, one) != key_of(corpus, two)


OTHER_SCENES = [
    ("context_ms", 600),
    ("placement", "shift"),
    ("snr_low_db", 5.0),
    ("snr_high_db", 25.0),
    ("speed_percent", 20.0),
    ("reverb_frequency", 0.5),
]


def test_features_are_mapped_read_only(corpus: Corpus) -> None:
    """Many trials share the pages of one file."""
    raw = open_features(corpus, make_config(), Split.VALIDATION).raw
    assert isinstance(raw, np.memmap)
    assert raw.dtype == np.uint16
    with pytest.raises(ValueError, match="read-only"):
        raw[0] = 0


def test_what_is_there_is_not_computed_again(
    corpus: Corpus, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second time nothing is built, and the numbers are the same."""
    config = make_config()
    first = open_features(corpus, config, Split.TRAINING)

    def fail(*args: Any) -> None:
        raise AssertionError("built again")

    monkeypatch.setattr(build.Builder, "write", fail)
    second = open_features(corpus, config, Split.TRAINING)
    np.testing.assert_array_equal(first.raw, second.raw)
    assert stores(own_cache) == [key_of(corpus, config)]


def test_store_computed_anew_has_the_same_bytes(
    corpus: Corpus, own_cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """On another machine, in chunks of another size."""
    config = make_config()
    key = key_of(corpus, config)
    contents = []
    for name, chunk in (("one", 256), ("two", 7)):
        monkeypatch.setenv("SPRD_CACHE", str(tmp_path / name))
        monkeypatch.setattr(build, "CHUNK", chunk)
        open_features(corpus, config, Split.TRAINING)
        folder = tmp_path / name / "features" / key
        contents.append({p.name: p.read_bytes() for p in folder.iterdir()})
    assert contents[0] == contents[1]
    assert set(contents[0]) == {"features.npy", "clips.json"}


SAME_KEY: list[dict[str, Any]] = [
    {"augment": {"time_mask_frames": 5}},
    {"augment": {"channel_mask_channels": 5}},
    {"keywords": ("tree",)},
    {"unknown_percentage": 90.0},
    {"augment": {"babble_volume": 0.5}},
]
OTHER_KEY: list[dict[str, Any]] = [
    {"augment": {"n_variants": 4}},
    {"augment": {"time_shift_ms": 50}},
    {"augment": {"gain_db": 3.0}},
    {"augment": {"background_volume": 0.2}},
    {"augment": {"babble_frequency": 0.5}},
    {"features": {"n_channels": 16}},
    {"features": {"enable_pcan": False}},
    {"features": {"preprocess": "mfcc"}},
]


def key_of(corpus: Corpus, config: Config, split: Split = Split.TRAINING) -> str:
    """The name of a store."""
    return store_key(store_spec(corpus, config, split))


@pytest.mark.parametrize("change", SAME_KEY, ids=str)
def test_what_does_not_change_the_numbers_shares_a_store(
    corpus: Corpus, change: dict[str, Any]
) -> None:
    """Masks and shares are applied to batches, labels given when it is read."""
    assert key_of(corpus, make_config(**change)) == key_of(corpus, make_config())


@pytest.mark.parametrize("change", OTHER_KEY, ids=str)
def test_what_changes_the_numbers_has_another_store(corpus: Corpus, change: dict[str, Any]) -> None:
    """Front end and ladder of variants."""
    assert key_of(corpus, make_config(**change)) != key_of(corpus, make_config())


@pytest.mark.parametrize("change", [c for c in OTHER_KEY if "augment" in c], ids=str)
def test_augmentation_leaves_validation_alone(corpus: Corpus, change: dict[str, Any]) -> None:
    """A search over it shares one validation store."""
    keys = [key_of(corpus, make_config(**c), Split.VALIDATION) for c in (change, {})]
    assert keys[0] == keys[1]


def test_store_without_talkers_has_the_name_of_before_there_were_any(corpus: Corpus) -> None:
    """What was computed stays valid: their two settings are no part of it."""
    config = make_config()
    settings = ("time_shift_ms", "background_frequency", "background_volume", "gain_db")
    what = {
        "format": 1,
        "corpus": corpus.fingerprint,
        "splits": split_digest(corpus),
        "split": "training",
        "n_silence": 5,
        "features": config.features.model_dump(),
        "augment": {key: getattr(config.augment, key) for key in (*settings, "n_variants")},
    }
    name = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:32]
    assert key_of(corpus, config) == name


def test_talkers_make_keywords_part_of_the_name(corpus: Corpus) -> None:
    """In any order; of training alone, and only where somebody talks."""

    def key(keywords: Any, split: Any = Split.TRAINING, **augment: Any) -> Any:
        config = make_config(keywords, augment=augment)
        return store_key(store_spec(corpus, config, split))

    talking = {"babble_frequency": 0.5}
    assert key(("up",), **talking) != key(("down",), **talking)
    assert key(("up", "down"), **talking) == key(("down", "up"), **talking)
    assert key(("up",)) == key(("down",))
    assert key(("up",), Split.VALIDATION, **talking) == key(("down",), Split.VALIDATION)


def test_talkers_are_heard_behind_training_clips(corpus: Corpus) -> None:
    """Other words by other speakers of training, and no keyword; silence stays silent."""
    config = make_config(augment={"babble_frequency": 1.0, "babble_volume": 1.0})
    features = open_features(corpus, config, Split.TRAINING)
    plain = open_features(corpus, make_config(), Split.TRAINING)
    clips = corpus.of(Split.TRAINING)
    front_end = FrontEnd(config.features)
    noise = noise_of(read_noise(corpus, RATE), config.features.n_samples, Split.TRAINING)
    augmenter = Augmenter(config.augment, noise, RATE)
    others = Babble(clips, ("up", "down"), lambda clip: read(clip, config)[0])
    for i, clip in enumerate(clips):
        behind = others.behind(clip, 1, config.augment)
        assert (behind is None) == (clip.word == "tree")
        varied = augmenter.vary(read(clip, config)[0], clip.key, 1, behind)
        np.testing.assert_array_equal(features.raw[i, 1], front_end.compute(varied[None])[0])
        assert (features.raw[i] == plain.raw[i]).all() == (clip.word == "tree")
    np.testing.assert_array_equal(features.raw[len(clips) :], plain.raw[len(clips) :])


def test_features_are_named_after_their_store(corpus: Corpus, own_cache: Path) -> None:
    """What is computed from them can be named after them."""
    features = open_features(corpus, make_config(), Split.TRAINING)
    assert [features.key] == stores(own_cache)


def test_selected_clips_come_with_their_words_and_speakers(corpus: Corpus) -> None:
    """In the order asked for, under a name of their own."""
    features = open_features(corpus, make_config(), Split.TRAINING)
    chosen = features.select(np.array([3, 0, 5]))
    np.testing.assert_array_equal(chosen.raw, features.raw[[3, 0, 5]])
    assert chosen.words == tuple(features.words[i] for i in (3, 0, 5))
    assert chosen.speakers == tuple(features.speakers[i] for i in (3, 0, 5))
    assert chosen.scale == features.scale
    others = [features.select(np.array(i)).key for i in ([3, 0, 5], [0, 3, 5], [3, 0])]
    assert others[0] == chosen.key
    assert len({*others, features.key}) == 4


def test_selection_of_unnamed_features_has_no_name() -> None:
    """A name made of the indices alone would be that of other clips, too."""
    raw = np.arange(12, dtype=np.uint16).reshape(2, 1, 2, 3)
    features = Features(raw=raw, scale=1.0, words=("a", "b"), speakers=("x", "y"))
    assert features.select(np.array([1])).key == ""


def test_each_split_and_other_data_have_stores_of_their_own(clips: Path, corpus: Corpus) -> None:
    """Moving speakers between splits changes what training sees."""
    config = make_config()
    salted = look_into(clips, make_config(split_salt="other").data).corpus
    keys = {key_of(corpus, config, split) for split in Split}
    keys.add(key_of(salted, config))
    assert len(keys) == 4


def test_labels_follow_the_keywords(corpus: Corpus) -> None:
    """A word that is no keyword is unknown; one store serves every choice of keywords."""
    features = open_features(corpus, make_config(), Split.VALIDATION)
    for keywords in (("up", "down"), ("tree",), ("down", "tree", "up")):
        labels = ("_silence_", "_unknown_", *keywords)
        expected = [
            labels.index(word) if word in labels else labels.index("_unknown_")
            for word in features.words
        ]
        assert features.labels(labels).tolist() == expected
        assert features.labels(labels).dtype == np.int64


def test_scaled_features_are_the_first_variant_flat() -> None:
    """What the model sees: 10/256 of the front end's integers."""
    raw = np.arange(24, dtype=np.uint16).reshape(2, 2, 2, 3)
    features = Features(raw=raw, scale=10 / 256, words=("a", "b"), speakers=("x", "y"))
    expected = raw[:, 0].reshape(2, 6).astype(np.float32) * np.float32(10 / 256)
    np.testing.assert_array_equal(features.scaled(), expected)
    assert features.scaled().dtype == np.float32


def test_features_in_memory_are_those_of_the_store(corpus: Corpus) -> None:
    """`sprd evaluate` computes what a sweep would have stored."""
    config = make_config()
    stored = open_features(corpus, config, Split.TESTING)
    n_clips = len(corpus.of(Split.TESTING))
    heard = Unvaried(config.features, config.augment, read_noise(corpus, RATE))
    fresh = compute_features(corpus.of(Split.TESTING), heard, n_silence=4)
    np.testing.assert_array_equal(fresh.raw[:n_clips], stored.raw[:n_clips])
    assert fresh.words == (*stored.words[:n_clips], *["_silence_"] * 4)
    assert fresh.scale == stored.scale
    again = compute_features(corpus.of(Split.TESTING), heard, n_silence=4)
    np.testing.assert_array_equal(fresh.raw, again.raw)


def test_what_is_unvaried_is_heard_in_no_simulated_room(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All rooms were made anew for each clip, and none of them was heard."""
    heard = [
        hear_unvaried(corpus, make_config(augment={**SCENES, **rooms}), Split.TESTING)
        for rooms in ({}, {"reverb_frequency": 0.5})
    ]
    monkeypatch.setattr(scene, "make_rooms", lambda rate_hz: pytest.fail("a room"))
    clip = corpus.of(Split.TESTING)[0]
    np.testing.assert_array_equal(heard[0].clip(clip), heard[1].clip(clip))
    np.testing.assert_array_equal(heard[0].silence(1), heard[1].silence(1))


def test_progress_ends_at_the_whole(corpus: Corpus) -> None:
    """Whoever watches sees how far it is, over all stores that are missing."""
    config = make_config()
    open_features(corpus, config, Split.TESTING)
    seen: list[tuple[str, int, int]] = []
    specs = [store_spec(corpus, config, split) for split in Split]
    make_stores(specs, lambda *told: seen.append(told))
    total = 3 * (len(corpus.of(Split.TRAINING)) + 5) + len(corpus.of(Split.VALIDATION)) + 3
    assert seen[-1] == ("features", total, total)
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)


def test_processes_compute_the_same_bytes(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """On all cores or on one: several stores in one go, by processes that are shared."""
    config = make_config(augment={"babble_frequency": 1.0, "babble_volume": 1.0})
    specs = [store_spec(corpus, config, split) for split in Split]
    contents = []
    for name, worth in (("alone", 10**9), ("together", 2)):
        monkeypatch.setenv("SPRD_CACHE", str(tmp_path / name))
        monkeypatch.setattr(build, "WORTH_PROCESSES", worth)
        folders = make_stores(specs)
        files = [path for folder in folders for path in sorted(folder.iterdir())]
        contents.append([path.read_bytes() for path in files])
    assert contents[0] == contents[1]
    assert len(contents[0]) == 6


def test_process_that_was_killed_is_told(
    corpus: Corpus, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For memory, say: one line, and nothing is left."""
    monkeypatch.setattr(build, "WORTH_PROCESSES", 2)
    monkeypatch.setattr(build, "CHUNK", 3)

    def kill(*_told: object) -> None:
        for child in multiprocessing.active_children():
            child.kill()

    with pytest.raises(SprdError, match="computing features: the processes must stay alive"):
        open_features(corpus, make_config(), Split.TRAINING, kill)
    assert stores(own_cache) == []


@pytest.mark.parametrize(
    ("limits", "n"),
    [
        ({}, 8),
        ({"cpu.max": "max 100000", "memory.max": "max"}, 8),
        ({"cpu.max": "250000 100000"}, 2),
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu.max": "400000 100000", "memory.max": str(5 * 10**9)}, 3),
    ],
)
def test_container_gets_as_many_processes_as_it_may_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits: dict[str, Any], n: int
) -> None:
    """By its quota of cores and its memory, not by what the machine has."""
    for name, text in limits.items():
        (tmp_path / name).write_text(text + "\n")
    monkeypatch.setattr(build, "CGROUP", tmp_path)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(8))
    monkeypatch.setattr(os, "sysconf", lambda name: {"SC_PAGE_SIZE": 4096}.get(name, 10**8))
    assert build.n_cores() == n


def test_failed_build_leaves_nothing(clips: Path, corpus: Corpus, own_cache: Path) -> None:
    """A file that went away since it was indexed; put back, the store is built."""
    path = corpus.of(Split.TRAINING)[0].path
    content = path.read_bytes()
    path.unlink()
    try:
        with pytest.raises(DataError, match="must be a readable file"):
            open_features(corpus, make_config(), Split.TRAINING)
        assert stores(own_cache) == []
    finally:
        path.write_bytes(content)
    open_features(corpus, make_config(), Split.TRAINING)
    assert len(stores(own_cache)) == 1


def test_full_disk_is_an_output_error(
    corpus: Corpus, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Room is taken before the file is mapped: later it would end the process."""

    def fail(descriptor: Any, offset: Any, length: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", fail)
    with pytest.raises(OutputError, match="must be writable: No space left on device"):
        open_features(corpus, make_config(), Split.TRAINING)
    assert stores(own_cache) == []


BUILDER = """
import sys, time
from pathlib import Path
from types import SimpleNamespace
import numpy as np
from sprd.audio import build, store
from sprd.config.trial import FeaturesSection

def fill(build, number, spec, folder):
    with open(sys.argv[1], "a") as log:
        log.write("built\\n")
    time.sleep(0.5)
    np.save(folder / "features.npy", np.zeros((1, 1, 49, 40), np.uint16))
    (folder / "clips.json").write_text('{"words": ["up"], "speakers": ["a"]}')

store._fill, store.store_key = fill, lambda spec: "key"
spec = SimpleNamespace(n_waveforms=1, n_bytes=1)
store.store_spec = lambda *what: spec
config = SimpleNamespace(features=FeaturesSection())
print(store.open_features(None, config, None).words)
"""


def test_processes_that_want_the_same_build_it_once(tmp_path: Path) -> None:
    """One computes, the others wait for it."""
    log = tmp_path / "log"
    command = [sys.executable, "-c", BUILDER, str(log)]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    ended = [process.communicate(timeout=60) for process in running]
    assert [out for out, _ in ended] == ["('up',)\n"] * 3
    assert log.read_text() == "built\n"
