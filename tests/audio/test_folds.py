"""Speakers dealt to folds: each held out once, nobody on both sides, nobody of the test."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from sprd.audio import folds as module
from sprd.audio import store
from sprd.audio.corpus import Corpus, look_into
from sprd.audio.folds import deal_folds, open_fold
from sprd.audio.split import Clip, Split
from sprd.audio.store import open_features
from sprd.config.trial import Config
from sprd.errors import DataError
from tests.builders import make_sweep

RATE = 16_000
N_FOLDS = 3
KEYWORDS = ("up", "down")


def make_corpus(said: dict[str, str], split: Split = Split.TRAINING) -> Corpus:
    """A corpus without audio: what each speaker says, words separated by spaces."""
    clips = [
        Clip(Path(f"{word}/{who}_nohash_{n}.wav"), f"{word}/{who}_nohash_{n}.wav", word, who, split)
        for who, words in said.items()
        for n, word in enumerate(words.split())
    ]
    clips.sort(key=lambda clip: clip.key)
    return Corpus(tuple(clips), (), "0" * 64, "folder clips", False, 0, ())


def test_each_fold_gets_as_many_clips_of_a_keyword() -> None:
    """Twelve speakers of both keywords and three of another word: four and one a fold."""
    said = {f"s{i}": "up down" for i in range(12)} | {f"t{i}": "tree" for i in range(3)}
    folds = deal_folds(make_corpus(said), N_FOLDS, "salt", KEYWORDS)
    assert set(folds) == set(said)
    assert Counter(folds[s] for s in said if s.startswith("s")) == {0: 4, 1: 4, 2: 4}
    assert Counter(folds[s] for s in said if s.startswith("t")) == {0: 1, 1: 1, 2: 1}


def test_rare_keyword_is_dealt_first() -> None:
    """The three that say down lie in three folds, whoever else says up."""
    said = {f"s{i}": "up" for i in range(20)} | {"a": "down", "b": "up down", "c": "up up down"}
    for salt in "abcdefgh":
        folds = deal_folds(make_corpus(said), N_FOLDS, salt, KEYWORDS)
        assert sorted(folds[s] for s in "abc") == [0, 1, 2]


def test_takes_of_a_personal_data_set_are_dealt() -> None:
    """One person, six takes of each keyword: two a fold."""
    corpus = replace(make_corpus({"me": "up up up up up up down down down"}), is_personal=True)
    folds = deal_folds(corpus, N_FOLDS, "salt", KEYWORDS)
    assert set(folds) == {clip.key for clip in corpus.clips}
    assert Counter(fold for key, fold in folds.items() if key[:2] == "up") == {0: 2, 1: 2, 2: 2}
    with pytest.raises(DataError, match="each of 4 folds must have a take of 'down', got 3"):
        deal_folds(corpus, 4, "salt", KEYWORDS)


def test_salt_deals_anew_and_the_same_salt_the_same() -> None:
    """The order of the clips changes nothing."""
    said = {f"s{i}": "up down" for i in range(20)}
    one, again, other = (
        deal_folds(make_corpus(speakers), 5, salt, KEYWORDS)
        for speakers, salt in ((said, "a"), (dict(reversed(said.items())), "a"), (said, "b"))
    )
    assert one == again
    assert one != other


def test_speakers_of_the_test_are_in_no_fold() -> None:
    """They are scored once, for what is exported."""
    corpus = make_corpus({f"s{i}": "up down" for i in range(20)}, Split.TESTING)
    with pytest.raises(DataError, match="got 0 for training and validation"):
        deal_folds(corpus, 2, "salt", KEYWORDS)


@given(
    st.dictionaries(
        st.text("abc", min_size=1), st.lists(st.sampled_from(["up", "down", "tree"]), min_size=1)
    ),
    st.integers(2, 4),
    st.text(),
)
def test_any_speakers_are_dealt_or_refused_in_one_line(
    said: dict[str, Any], n_folds: int, salt: str
) -> None:
    """If they are dealt, everybody is, and each fold has each keyword."""
    corpus = make_corpus({who: " ".join(words) for who, words in said.items()})
    try:
        folds = deal_folds(corpus, n_folds, salt, KEYWORDS)
    except DataError as error:
        assert "\n" not in str(error)
        return
    assert set(folds) == set(said)
    for keyword in KEYWORDS:
        assert {folds[who] for who, words in said.items() if keyword in words} == {*range(n_folds)}


def test_too_few_speakers_are_refused() -> None:
    """Where, rule, found, what to do."""
    with pytest.raises(DataError) as caught:
        deal_folds(make_corpus({"a": "up down", "b": "up down"}), 3, "salt", KEYWORDS)
    assert str(caught.value) == (
        "folder clips: each of 3 folds must have a speaker, got 2 for training and validation."
        " Take fewer folds, or record more speakers."
    )


def test_too_few_speakers_of_a_keyword_are_refused() -> None:
    """A fold without it could not be scored."""
    said = {f"s{i}": "up" for i in range(9)} | {"a": "down", "b": "up down down"}
    with pytest.raises(DataError) as caught:
        deal_folds(make_corpus(said), 3, "salt", KEYWORDS)
    assert str(caught.value) == (
        "folder clips: each of 3 folds must have a speaker of 'down', got 2 for training and"
        " validation. Take fewer folds, or record more speakers."
    )


def test_speakers_of_several_keywords_may_not_suffice() -> None:
    """Two of the three always share a fold, and so does the keyword that both say."""
    said = {"a": "up down", "b": "up tree", "c": "down tree"}
    with pytest.raises(DataError, match="of 'up', got 2 for training and validation, who say othe"):
        deal_folds(make_corpus(said), 2, "salt", ("up", "down", "tree"))


def test_unlucky_order_is_dealt_anew() -> None:
    """Where a deal exists and the first order misses it, another finds it, whatever the salt."""
    said = {"a": "up down", "b": "up", "c": "down", "d": "down tree", "e": "tree up"}
    for salt in map(str, range(50)):
        folds = deal_folds(make_corpus(said), 2, salt, ("up", "down", "tree"))
        for keyword in ("up", "down", "tree"):
            assert {folds[who] for who, words in said.items() if keyword in words} == {0, 1}


def test_one_fold_is_refused() -> None:
    """Nobody would be left to learn from."""
    with pytest.raises(DataError, match=r"^folds: must be at least 2, got 1\."):
        deal_folds(make_corpus({"a": "up down"}), 1, "salt", KEYWORDS)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Three words of sixteen speakers, a fifth of a second each; some are for the test."""
    folder = tmp_path_factory.mktemp("clips")
    rng = np.random.default_rng(0)
    for word in ("down", "tree", "up"):
        (folder / word).mkdir()
        for speaker in range(16):
            wave = rng.integers(-2000, 2000, 3200).astype(np.int16)
            soundfile.write(folder / word / f"{speaker:02d}_nohash_0.wav", wave, RATE)
    (folder / "_background_noise_").mkdir()
    wave = rng.integers(-9000, 9000, 10 * RATE).astype(np.int16)
    soundfile.write(folder / "_background_noise_" / "hiss.wav", wave, RATE)
    found = look_into(folder, make_config().data).corpus
    assert all(len(found.speakers(split)) > 1 for split in Split)
    return found


def make_config(**augment: object) -> Config:
    """Clips of 200 ms, 8 channels, three variants."""
    config = make_sweep().default
    updates = {
        "data": {"validation_percentage": 25.0, "testing_percentage": 25.0},
        "features": {"clip_duration_ms": 200, "n_channels": 8, "window_stride_ms": 30},
        "augment": {"n_variants": 3, **augment},
    }
    sections = {k: getattr(config, k).model_copy(update=v) for k, v in updates.items()}
    return config.model_copy(update=sections)


@pytest.mark.usefixtures("one_thread")
class TestFeatures:
    """What a fold trains on and is scored on."""

    @pytest.fixture(autouse=True)
    def own_cache(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """An empty cache for each test, and few clips of silence."""
        monkeypatch.setenv("SPRD_CACHE", str(tmp_path / "cache"))
        n_silence = {Split.TRAINING: 5, Split.VALIDATION: 4, Split.TESTING: 2}
        monkeypatch.setattr(store, "N_SILENCE", n_silence)
        return tmp_path / "cache"

    def test_each_clip_is_held_out_once(self, corpus: Corpus) -> None:
        """Over all folds: every clip of training and validation, and each clip of silence."""
        config = make_config()
        folds = [open_fold(corpus, config, fold, N_FOLDS)[1] for fold in range(N_FOLDS)]
        found = Counter(zip(*(sum((getattr(f, k) for f in folds), ()) for k in PAIR), strict=True))
        clips = [c for c in corpus.clips if c.split is not Split.TESTING]
        silence = [("_silence_", f"silence {i}") for i in range(4)]
        assert found == Counter([*((c.word, c.speaker) for c in clips), *silence])

    def test_nobody_is_on_both_sides_and_nobody_of_the_test_on_one(self, corpus: Corpus) -> None:
        """The whole point of it."""
        for fold in range(N_FOLDS):
            people = [
                {s for s in one.speakers if not s.startswith("silence ")}
                for one in open_fold(corpus, make_config(), fold, N_FOLDS)
            ]
            assert not people[0] & people[1]
            expected = {c.speaker for c in corpus.clips if c.split is not Split.TESTING}
            assert people[0] | people[1] == expected

    def test_numbers_are_those_of_the_clips(self, corpus: Corpus) -> None:
        """Training as stored for training, in all variants; held out unvaried."""
        config = make_config()
        training, held_out = open_fold(corpus, config, 1, N_FOLDS)
        assert training.raw.shape[1] == 3 and training.words.count("_silence_") == 5
        assert held_out.raw.shape[1] == 1
        for mine, split in ((training, Split.TRAINING), (held_out, Split.VALIDATION)):
            usual = open_features(corpus, config, split)
            pairs = list(zip(mine.words, mine.speakers, strict=True))
            common = [p for p in zip(usual.words, usual.speakers, strict=True) if p in pairs]
            assert {"up", "_silence_"} <= {word for word, _ in common}
            for pair in common:
                where = list(zip(usual.words, usual.speakers, strict=True)).index(pair)
                assert np.array_equal(mine.raw[pairs.index(pair)], usual.raw[where])

    def test_all_folds_share_two_stores(self, corpus: Corpus, own_cache: Path) -> None:
        """The front end runs once, however many folds there are."""
        for n_folds in (2, N_FOLDS):
            for fold in range(n_folds):
                open_fold(corpus, make_config(), fold, n_folds)
        assert len([p for p in (own_cache / "features").iterdir() if p.suffix != ".lock"]) == 2

    @pytest.mark.parametrize("augment", [{"babble_frequency": 1.0}, {"partial_words": 6}], ids=str)
    def test_nobody_held_out_is_heard_in_training(
        self, corpus: Corpus, monkeypatch: pytest.MonkeyPatch, augment: dict[str, Any]
    ) -> None:
        """Behind a clip, or half of a word: each fold has a store of its own speakers alone."""
        opened = []

        def spy(corpus: Any, config: Any, split: Any, progress: Any) -> Any:
            opened.append((split, {clip.speaker for clip in corpus.clips}))
            return open_features(corpus, config, split, progress)

        monkeypatch.setattr(module, "open_features", spy)
        training, held_out = open_fold(corpus, make_config(**augment), 0, N_FOLDS)
        heard = next(speakers for split, speakers in opened if split is Split.TRAINING)
        assert not heard & set(held_out.speakers)
        assert heard == {s for s in training.speakers if not s.startswith("silence ")}

    def test_fold_that_is_none_is_refused(self, corpus: Corpus) -> None:
        """It would hold out nothing."""
        with pytest.raises(ValueError, match=r"fold: must be 0 \.\. 2, got 3"):
            open_fold(corpus, make_config(), 3, N_FOLDS)


PAIR = ("words", "speakers")
