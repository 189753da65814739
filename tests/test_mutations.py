"""What `benchmarks/mutations.py` draws: small changes of behaviour, even over rooms, repeatable."""

import ast
import tomllib
from collections import Counter
from typing import Any

import pytest

from tests.scripts import ROOT, load_script

mutants = load_script("benchmarks/mutants.py")
nearest = load_script("benchmarks/nearest.py")

SOURCE = '''\
"""Over 7 docstrings, 1 == 1."""

def room(n: int, names: "tuple[int, 2]" = ()) -> bool:
    """Returns n + 1."""
    if TYPE_CHECKING:
        n = 3 + 4
    if n < 0 or not names:
        raise ValueError(f"must be at least {n + 1}")
    return n % 2 in (-n, *names)


if __name__ == "__main__":
    room(5)
'''


def test_each_kind_is_found_and_texts_are_left_alone() -> None:
    """Operators, comparisons, boolean operators, constants and returned values; nothing else."""
    found = [(m.kind, m.line, m.change) for m in mutants.find("sprd/x.py", SOURCE)]
    assert found == [
        ("comparison", 7, "< -> <="),
        ("constant", 7, "0 -> 1"),
        ("boolean", 7, "or -> and"),
        ("boolean", 7, "not -> nothing"),
        ("return", 9, "n % 2 in (-n, *names) -> not (n % 2 in (-n, *names))"),
        ("operator", 9, "% -> *"),
        ("constant", 9, "2 -> 3"),
        ("comparison", 9, "in -> not in"),
        ("operator", 9, "- -> nothing"),
    ]


@pytest.fixture(scope="module")
def drawn() -> list[Any]:
    """The mutations of the committed table."""
    found: list[Any] = mutants.draw(mutants.find_all(ROOT), 60, 18)
    return found


def test_every_drawn_mutation_changes_the_program(drawn: list[Any]) -> None:
    """Each of them leaves a file that Python reads, and reads otherwise."""
    for mutation in drawn:
        source = (ROOT / mutation.file).read_text(encoding="utf-8")
        changed = mutation.applied_to(source)
        assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(source)), mutation


def test_the_draw_is_even_over_rooms(drawn: list[Any]) -> None:
    """No room has two mutations more than another that has as many places."""
    counts = Counter(mutants.room_of(m.file) for m in drawn)
    assert max(counts.values()) - min(counts.values()) <= 1
    assert sum(counts.values()) == 60


def test_the_draw_is_repeatable_and_hangs_on_its_seed(drawn: list[Any]) -> None:
    """The same seed draws the same mutations in whatever order the files are read."""
    everything = mutants.find_all(ROOT)
    assert mutants.draw(everything[::-1], 60, 18) == drawn
    assert mutants.draw(everything, 60, 19) != drawn


def test_a_module_is_tested_by_its_own_file_first() -> None:
    """Its own test file stands before those of its folder, these before those that import it."""
    tests = nearest.nearest("sprd/disk/cache.py")
    assert tests[0] == "tests/disk/test_cache.py"
    assert tests.index("tests/audio/test_store.py") < tests.index("tests/test_end_to_end.py")


def test_mutations_of_the_review_can_still_be_made() -> None:
    """The text that each replaces stands once in its file, wherever that has gone since."""
    known = tomllib.loads((ROOT / "benchmarks/mutations.toml").read_text(encoding="utf-8"))
    assert len(known["review"]) == 13
    for one in known["review"]:
        source = (ROOT / one["file"]).read_text(encoding="utf-8")
        assert source.count(one["before"]) == 1, f"mend number {one['number']}"
        ast.parse(source.replace(one["before"], one["after"]))
