"""The exception tree: what a command exits with, and how long a line may get."""

import pickle
import re

import pytest

from sprd import errors
from sprd.errors import MAX_LENGTH, BudgetError, DataError, InputError, SprdError, suggest


def kinds_of(kind: type[SprdError]) -> set[type[SprdError]]:
    """A class and all below it."""
    return {kind}.union(*(kinds_of(below) for below in kind.__subclasses__()))


def test_tree_at_the_top_of_the_file_is_the_one_of_the_code() -> None:
    """Each class stands there, and the exit codes beside those that have their own."""
    drawn = dict(re.findall(r"^[ │├└─]+(\w+Error) +(\d)?", str(errors.__doc__), re.MULTILINE))
    assert set(drawn) == {kind.__name__ for kind in kinds_of(SprdError)}
    for kind in kinds_of(SprdError):
        told = drawn[kind.__name__] or str(InputError.exit_code)
        assert str(kind.exit_code) == told, kind


def test_what_a_user_gave_exits_with_2_and_a_budget_with_3() -> None:
    """Whatever sort of input it was; all else is a failure, 1."""
    codes = {kind: kind.exit_code for kind in kinds_of(SprdError)}
    assert {codes[kind] for kind in kinds_of(InputError)} == {2}
    assert codes.pop(BudgetError) == 3
    assert {code for kind, code in codes.items() if not issubclass(kind, InputError)} == {1}


@pytest.mark.parametrize("n", [MAX_LENGTH - 1, MAX_LENGTH])
def test_message_is_kept_as_it_is(n: int) -> None:
    """Up to the length that a terminal takes."""
    assert str(SprdError("x" * n)) == "x" * n


def test_middle_of_a_huge_message_is_left_out() -> None:
    """The start says where, the end what to do."""
    text = str(SprdError("where: " + "x" * 10_000 + " Lower it."))
    assert text.startswith("where: xx") and text.endswith("xx Lower it.")
    assert " [...] " in text and len(text) == 1000 + 7 + 400


def test_unknown_name_is_answered_by_the_nearest_and_all() -> None:
    """In the order of the alphabet."""
    assert suggest("fliters", ["kernel", "filters"]) == (
        "Did you mean 'filters'? Known: filters, kernel."
    )


def test_name_that_is_like_none_is_answered_by_all() -> None:
    """No guess is better than a wild one."""
    assert suggest("zzz", ["kernel", "filters"]) == "Known: filters, kernel."


def test_an_error_made_with_at_carries_the_rule_apart() -> None:
    """Also after it crossed a process; whoever lists many files says the place in another way."""
    error = DataError.at("a/b.wav", "must hold sound. Record it again.")
    again = pickle.loads(pickle.dumps(error))
    assert isinstance(again, DataError) and again.exit_code == 2
    assert str(again) == "a/b.wav: must hold sound. Record it again."
    assert again.rule == "must hold sound. Record it again."
    assert DataError("x").rule == ""
