"""Who is learnt from, chosen by and scored: by hash while that will do, else by rank."""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sprd.audio.corpus import open_corpus
from sprd.audio.split import (
    Clip,
    Split,
    lacking,
    speaker_of,
    split_all,
    split_each,
    split_of,
)
from sprd.config.trial import DataSection

LABELS = ("up", "down", "_unknown_")
Said = Mapping[str, Iterable[str]]


def section(**changes: object) -> DataSection:
    return DataSection.model_validate({"keywords": ("up", "down"), **changes})


def has_all(splits: Mapping[str, Split], said: Said, labels: Iterable[str] = LABELS) -> bool:
    found = {(label, splits[name]) for name, labels in said.items() for label in labels}
    return all(pair in found for pair in product(labels, Split))


def shares(splits: Mapping[str, Split]) -> list[int]:
    """How many are in training, validation, testing."""
    counts = Counter(splits.values())
    return [counts[split] for split in Split]


def clips_of(said: Said, data: DataSection) -> list[Clip]:
    """A clip of each label of each speaker, in the splits that `split_all` deals."""
    splits = split_all({name: list(labels) for name, labels in said.items()}, {}, data)
    return [
        Clip(Path(label), f"{label}/{name}", label.strip("_"), name, splits[name])
        for name, labels in said.items()
        for label in labels
    ]


speakers = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=4), st.sets(st.sampled_from(LABELS), min_size=1)
)
few = st.dictionaries(
    st.sampled_from("abcdefg"), st.sets(st.sampled_from(LABELS), min_size=1), max_size=7
)
salts = st.text("xyz", max_size=3)


@given(st.text(min_size=1), st.text(), st.floats(0, 40), st.floats(0, 40))
def test_the_hash_depends_on_the_speaker_alone(
    speaker: str, salt: str, validation: float, testing: float
) -> None:
    """Files that come later move nobody; a larger share takes from training only."""
    data = section(split_salt=salt, validation_percentage=validation, testing_percentage=testing)
    split = split_of(speaker, data)
    assert split == split_of(speaker, data)
    larger = data.model_copy(update={"testing_percentage": testing + 10})
    assert split_of(speaker, larger) in {split, Split.TESTING}
    if split != Split.TRAINING:
        assert split_of(speaker, larger) == split


def test_shares_of_the_hash_are_about_what_was_asked() -> None:
    """Of many speakers, a tenth is kept for each."""
    splits = [split_of(f"{number:08x}", section()) for number in range(5000)]
    for split in (Split.VALIDATION, Split.TESTING):
        assert splits.count(split) / 5000 == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize(
    ("name", "speaker"),
    [
        ("0a7c2a8d_nohash_12.wav", "0a7c2a8d"),
        ("treyb_nohash_0.wav", "treyb"),
        ("anna_b_nohash_0.wav", "anna_b"),
        ("anna_c_nohash_0.wav", "anna_c"),
        ("_nohash_b_nohash_0.wav", "_nohash_b_nohash_0"),
        ("hello.wav", "hello"),
        ("_nohash_0.wav", "_nohash_0"),
    ],
)
def test_the_name_tells_the_speaker(name: str, speaker: str) -> None:
    """A name without `_nohash_` is a speaker of its own."""
    assert speaker == speaker_of(name)


@given(st.text(st.characters(exclude_characters="/\0"), min_size=1))
def test_speaker_of_any_file_is_what_its_stem_tells(name: str) -> None:
    """As `pathlib` parts a name from its suffix."""
    stem = Path(name).stem
    assert name == "." or speaker_of(name) == (stem.split("_nohash_")[0] or stem)


@given(speakers, salts, st.sampled_from([0.0, 10.0, 25.0, 40.0]), st.booleans())
def test_a_hash_that_will_do_is_kept(
    said: dict[str, set[str]], salt: str, percentage: float, with_others: bool
) -> None:
    """Whoever was accepted before is split as before; where other words are not drawn, too."""
    data = section(
        split_salt=salt,
        validation_percentage=percentage,
        testing_percentage=percentage,
        unknown_percentage=25.0 if with_others else 0.0,
    )
    hashed = split_each(said, {}, data)
    if has_all(hashed, said, LABELS if with_others else LABELS[:2]):
        assert split_all(said, {}, data) == hashed


@given(few, salts, st.sampled_from([1.0, 10.0, 40.0]))
def test_each_split_has_each_label_where_that_is_possible(
    said: dict[str, set[str]], salt: str, percentage: float
) -> None:
    """Every deal of up to seven speakers is tried; what cannot be is told."""
    data = section(split_salt=salt, validation_percentage=percentage, testing_percentage=percentage)
    found = split_all(said, {}, data)
    assert set(found) == set(said)
    deals = (dict(zip(said, deal, strict=True)) for deal in product(Split, repeat=len(said)))
    assert has_all(found, said) == any(has_all(deal, said) for deal in deals)
    spoken = {label for labels in said.values() for label in labels}
    assert bool(lacking(clips_of(said, data), data)) == (not has_all(found, said, spoken))


@pytest.mark.parametrize("salt", ["sprd", "a", "b", "c", "d", "e"])
@pytest.mark.parametrize(
    ("n", "percentage", "expected"),
    [(3, 10, [1, 1, 1]), (4, 10, [2, 1, 1]), (12, 20, [8, 2, 2]), (20, 10, [16, 2, 2])],
)
def test_few_people_are_shared_out(
    n: int, percentage: float, expected: list[int], salt: str
) -> None:
    """Four people who say both words: two to learn from, one to choose by, one to score."""
    data = section(validation_percentage=percentage, testing_percentage=percentage, split_salt=salt)
    said = {f"person{i}": LABELS for i in range(n)}
    hashed = split_each(said, {}, data)
    splits = split_all(said, {}, data)
    assert shares(splits) == (shares(hashed) if has_all(hashed, said) else expected)


@pytest.mark.parametrize("salt", ["sprd", "a", "b", "c", "d", "e"])
def test_words_with_speakers_of_their_own_are_shared_out_each(salt: str) -> None:
    """Every file a speaker: each word is dealt by itself."""
    data = section(validation_percentage=20.0, testing_percentage=20.0, split_salt=salt)
    said = {f"{label}.{i}": [label] for label in LABELS for i in range(12)}
    splits = split_all(said, {}, data)
    hashed = split_each(said, {}, data)
    for label in LABELS:
        own = {name: split for name, split in splits.items() if label in said[name]}
        assert shares(own) == [8, 2, 2] or splits == hashed


def test_one_who_said_a_single_word_does_not_stand_in_the_way() -> None:
    """Three who said everything and one who said up: each split has one of the three."""
    for salt in "abcdefgh":
        said = {**dict.fromkeys("abc", LABELS), "d": ("up",)}
        splits = split_all(said, {}, section(split_salt=salt))
        assert {splits[name] for name in "abc"} == set(Split)


def test_a_rare_word_moves_few_of_many_speakers() -> None:
    """Of 2,000 speakers of whom four say down, nearly all stay where their hash puts them."""
    said = {f"{i:08x}": ["up", "_unknown_"] for i in range(2000)}
    for name in list(said)[:4]:
        said[name] = [*said[name], "down"]
    hashed = split_each(said, {}, section())
    splits = split_all(said, {}, section())
    assert not has_all(hashed, said) and has_all(splits, said)
    assert sum(splits[name] != hashed[name] for name in said) < 60


@pytest.mark.parametrize("n", [6, 12, 30])
def test_one_who_comes_later_moves_few(n: int) -> None:
    """Those at the borders of the ranks alone."""
    data = section(validation_percentage=20.0, testing_percentage=20.0)
    for late in range(20):
        said = {f"person{i}": ["up"] for i in range(n)} | {"other": ["down"]}
        before = split_all(said, {}, data)
        after = split_all({**said, f"late{late}": ["up"]}, {}, data)
        assert sum(before[name] != after[name] for name in said) <= 4


def test_order_of_the_speakers_changes_nothing() -> None:
    """Folders list their files in any order."""
    said = {f"person{i}": LABELS[: 1 + i % 3] for i in range(9)}
    assert split_all(said, {}, section()) == split_all(dict(reversed(said.items())), {}, section())


def test_lists_and_the_hash_asked_for_are_not_filled() -> None:
    """Who wrote a list, or chose the hash, is not corrected."""
    said = dict.fromkeys("abcd", LABELS)
    listed = dict.fromkeys("abcd", Split.TRAINING)
    assert split_all(said, listed, section()) == listed
    for salt in "abcdefgh":
        data = section(split="hash", split_salt=salt)
        assert split_all(said, {}, data) == split_each(said, {}, data)


def test_takes_are_dealt_by_rank() -> None:
    """Twelve takes of a word in a personal data set: always eight, two, two."""
    for salt in "abcdefgh":
        data = section(
            personal=True, validation_percentage=20.0, testing_percentage=20.0, split_salt=salt
        )
        said = {f"{label}/me_nohash_{i}.wav": [label] for label in LABELS for i in range(12)}
        splits = split_all(said, {}, data)
        for label in LABELS:
            assert shares({n: s for n, s in splits.items() if label in said[n]}) == [8, 2, 2]


def test_words_of_too_few_are_told_at_once_with_the_ways_out() -> None:
    """One line, each word with its speakers."""
    said = {"anna": ["up", "down", "_unknown_"], "ben": ["down"], "cleo": ["down", "_unknown_"]}
    (problem,) = lacking(clips_of(said, section()), section())
    assert problem == (
        "each split must have a speaker of each word, got 1 speaker of 'up', 2 speakers of words"
        " that are no keyword. Record at least 3 speakers of each word; or set data.personal ="
        " true: takes are split, and scores hold for these people alone; or name your folder in"
        ' data.extra beside source = "synthetic".'
    )
    data = section(unknown_percentage=0.0)
    assert "no keyword" not in lacking(clips_of(said, data), data)[0]


def test_takes_that_are_too_few_are_told() -> None:
    """Three times is the least."""
    data = section(personal=True)
    clip = Clip(Path("x"), "up/a.wav", "up", "me", Split.TRAINING)
    (problem,) = lacking([clip], data)
    assert problem == (
        "each split must have a take of each word, got 1 take of 'up'. Record each word at least 3"
        " times."
    )


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        ({"validation_percentage": 0.0}, "Raise data.validation_percentage"),
        ({"split": "hash"}, "Set data.split to 'auto'"),
        ({"split": "lists"}, "Add files of theirs to validation_list.txt"),
        ({}, "Record more speakers"),
    ],
)
def test_splits_without_somebody_are_told(changes: dict[str, object], remedy: str) -> None:
    """Where there are speakers enough, the way out is another."""
    clips = [
        Clip(Path(word), f"{word}/{who}", word, who, Split.TRAINING)
        for word in ("up", "down", "tree")
        for who in "abcd"
    ]
    (problem,) = lacking(clips, section(**changes))
    words = "'up', 'down', words that are no keyword"
    gaps = f"no validation speaker of {words}; no testing speaker of {words}; with 4 speakers"
    assert gaps in problem
    assert remedy in problem and "\n" not in problem


def test_words_shared_so_that_no_deal_exists_are_told() -> None:
    """Each word has three speakers, and no three splits suit all of them."""
    words = {"up": "abc", "down": "abd", "_unknown_": "cde"}
    said = {who: [word for word, by in words.items() if who in by] for who in "abcde"}
    (problem,) = lacking(clips_of(said, section()), section())
    assert "with 5 speakers in all. Record more speakers" in problem


def test_real_speech_keeps_its_split(shared: Path) -> None:
    """Speech Commands is large enough for the hash: clip for clip as ever."""
    data = section(source=str(shared / "data/speech_commands"))
    corpus = open_corpus(data)
    assert len(corpus.clips) == 3905
    assert all(clip.split == split_of(clip.speaker, data) for clip in corpus.clips)
