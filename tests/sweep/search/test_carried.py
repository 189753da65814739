"""Hours that can never carry what is asked of them are refused before anything is trained."""

from pathlib import Path

import pytest

from sprd.audio.corpus import Corpus
from sprd.audio.running import Recording
from sprd.audio.split import Split
from sprd.audio.stream_sets import WHOLE, StreamSet, sets_of
from sprd.audio.voices import talk
from sprd.config.recognizer import RecognizerSection
from sprd.errors import DataError
from sprd.sweep.search.carried import check_carried
from tests.audio.spoken import DATA, corpus

SECTION = RecognizerSection()


def sets(folder: Path, hours: float | None, n_recordings: int = 2) -> tuple[StreamSet, ...]:
    """What is heard of a corpus with so much recorded speech; nothing is read."""
    made: Corpus = corpus(folder)
    speech: tuple[Recording, ...] = ()
    if hours is not None:
        length = hours * 3600 / n_recordings
        speech = tuple(
            Recording(folder / name, name, "ann", Split.VALIDATION, length, None)
            for name in "ab"[:n_recordings]
        )
    return sets_of(
        Corpus(**{**vars(made), "speech": speech}), DATA, Split.VALIDATION, 0, 16_000, WHOLE
    )


@pytest.mark.parametrize(
    ("key", "bounds", "hours", "needed"),
    [
        ("recall_streaming", {}, 0.05, "0.1"),
        ("recall_streaming_10db", {}, 0.05, "0.1"),
        ("false_accepts_per_hour", {}, 0.05, "0.1"),
        ("false_accepts_per_hour", {"false_accepts_per_hour": 0.5}, 3.0, "4"),
    ],
)
def test_it_says_how_many_hours_it_takes(
    tmp_path: Path, key: str, bounds: dict[str, float], hours: float, needed: str
) -> None:
    """Two false accepts must be able to happen at the rate that is asked for."""
    with pytest.raises(DataError) as error:
        check_carried(sets(tmp_path, hours), {key}, bounds, SECTION)
    assert str(error.value).startswith(
        f"{key}: takes {needed} h of running speech of validation readers, got {hours:.2g} h."
    )
    assert "\n" not in str(error.value)


def test_hours_that_carry_it_are_let_through(tmp_path: Path) -> None:
    """Three hours, and recalls on streams: nothing is said."""
    asked = {"recall_streaming", "false_accepts_per_hour", "balanced_accuracy"}
    assert check_carried(sets(tmp_path, 3.0), asked, {}, SECTION) == ()


def test_rate_takes_what_nothing_was_fitted_to(tmp_path: Path) -> None:
    """Of one recording recall is told, and no rate."""
    alone = sets(tmp_path, 3.0, 1)
    assert check_carried(alone, {"recall_streaming"}, {}, SECTION) == ()
    with pytest.raises(DataError, match=r"takes 2 recordings .* got 1") as error:
        check_carried(alone, {"false_accepts_per_hour"}, {}, SECTION)
    assert "\n" not in str(error.value)


def test_a_limit_that_the_hours_do_not_reach_is_told(tmp_path: Path) -> None:
    """One false accept in ten hours cannot be seen in two: the fit is the best there is."""
    strict = RecognizerSection(max_false_accepts_per_hour=0.1)
    (note,) = check_carried(sets(tmp_path, 2.0), {"recall_streaming"}, {}, strict)
    assert "2 h of running speech" in note
    assert "takes 10 h" in note


def test_synthetic_voices_rank_but_give_no_rate(tmp_path: Path) -> None:
    """Half an hour of them is enough for recall on streams; a rate is refused."""
    spoken = sets(tmp_path, None)
    (note,) = check_carried(spoken, {"recall_streaming"}, {}, SECTION)
    assert "ranks models and tells no rate" in note
    with pytest.raises(DataError, match="synthetic voices, which tell no rate"):
        check_carried(spoken, {"false_accepts_per_hour"}, {}, SECTION)


def test_without_any_speech_nothing_over_false_accepts_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No recording and no espeak-ng."""
    monkeypatch.setattr(talk, "espeak_version", lambda: None)
    mute = sets(tmp_path, None)
    with pytest.raises(DataError, match=r"takes 0\.1 h of running speech"):
        check_carried(mute, {"recall_streaming"}, {}, SECTION)
    (note,) = check_carried(mute, {"balanced_accuracy"}, {}, SECTION)
    assert "not fitted" in note


def test_the_worst_tenth_takes_ten_speakers(tmp_path: Path) -> None:
    """Of three speakers nobody is the worst tenth."""
    with pytest.raises(DataError, match="takes 10 validation speakers who say a keyword, got 3"):
        check_carried(sets(tmp_path, 3.0), {"worst_tenth_recall"}, {}, SECTION)
