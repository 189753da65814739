"""The table of trials, and who comes first in it."""

import json
import os
import resource
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sprd.config.limits import UNMEASURABLE, Violation
from sprd.config.objectives import Objective, natural, parse_objectives
from sprd.errors import InputError, OutputError
from sprd.sweep.rows.guessing import GUESSING
from sprd.sweep.rows.ranking import budget_error, excess, frontier, gains, nearest_misses, ranking
from sprd.sweep.rows.row import Trial
from sprd.sweep.rows.table import Table, read_rows
from tests.builders import make_reference, make_row

ROWS = [
    make_row(0, score=0.8, params={"model.filters": 8, "features.frame": "30/20x40"}),
    make_row(1, "infeasible", violations=(Violation("ram_bytes", 71_680, 65_536),)),
    make_row(2, "failed", error='ValueError: "quoted"\nand two lines — ü'),
    make_row(3, "stopped", step=200, seconds={"total": 1.5}),
]


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """A table of four rows on disk."""
    table = Table(tmp_path / "trials.jsonl")
    for row in ROWS:
        table.append(row)
    return table


def test_rows_are_read_back_as_appended(table: Table) -> None:
    """One line a row, in the order in which they ended; nothing is lost or turned."""
    assert read_rows(table.path) == ROWS
    assert Table(table.path).rows == ROWS
    assert table.rows == ROWS
    assert len(table.path.read_bytes().splitlines()) == len(ROWS)


def test_line_has_the_names_of_the_design(table: Table) -> None:
    """Other programs read the file."""
    first = json.loads(table.path.read_text().splitlines()[0])
    assert set(first) == {
        "number", "status", "params", "started_at", "ended_at", "node", "error", "metrics",
        "footprint", "violations", "seconds", "step", "label",
    }  # fmt: skip
    assert (first["number"], first["status"]) == (0, "trained")
    assert first["params"] == {"model.filters": 8, "features.frame": "30/20x40"}


def test_table_of_a_new_run_is_empty(tmp_path: Path) -> None:
    """A file that is not there yet is no error, and none is made before the first row."""
    assert Table(tmp_path / "trials.jsonl").rows == []
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("torn", [b"{", b'{"number": 4, "status": "trai', b"\0" * 100, b"5"])
def test_torn_last_line_is_left_out_and_overwritten(table: Table, torn: bytes) -> None:
    """A crash in the middle of a write costs that row alone."""
    with table.path.open("ab") as file:
        file.write(torn)
    reopened = Table(table.path)
    assert reopened.rows == ROWS
    reopened.append(make_row(4))
    reopened.append(make_row(5))
    assert read_rows(table.path) == [*ROWS, make_row(4), make_row(5)]


@pytest.mark.parametrize(
    "damage",
    [
        b"{",
        b"",
        b"5",
        b"[]",
        b"{}",
        b"\xff\xfe",
        json.dumps(ROWS[0].as_dict() | {"status": "weird"}).encode(),
        json.dumps(ROWS[0].as_dict() | {"number": "0"}).encode(),
    ],
    ids=lambda line: repr(line[:20]),
)
def test_damaged_line_in_the_middle_is_an_input_error(table: Table, damage: bytes) -> None:
    """It is not skipped in silence: rows after it would count as if it had never been."""
    lines = table.path.read_bytes().split(b"\n")
    lines[1] = damage
    table.path.write_bytes(b"\n".join(lines))
    with pytest.raises(InputError) as caught:
        Table(table.path)
    expected = f"{table.path}, line 2: must be a trial's row, got {damage[:60]!r}. Restore the file"
    assert expected == str(caught.value)[: len(expected)]


def test_folder_in_place_of_the_table_is_an_input_error(tmp_path: Path) -> None:
    """What cannot be read is told."""
    with pytest.raises(InputError, match=r"must be the trials\.jsonl of a run: Is a directory"):
        (tmp_path / "trials.jsonl").mkdir()
        read_rows(tmp_path / "trials.jsonl")


def test_failed_sync_leaves_the_file_as_before(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row is neither on disk nor in memory, and the next one can be appended."""
    before = table.path.read_bytes()

    def fail(descriptor: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OutputError, match=r"trials\.jsonl: must be writable: No space left"):
            table.append(make_row(4))
    assert table.path.read_bytes() == before
    assert table.rows == ROWS
    table.append(make_row(5))
    assert read_rows(table.path) == [*ROWS, make_row(5)]


def test_full_disk_leaves_the_file_as_before(table: Table) -> None:
    """A disk that takes half a line gives it back."""
    before = table.path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, hard))
        with pytest.raises(OutputError, match="File too large"):
            table.append(make_row(4))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert table.path.read_bytes() == before
    assert table.rows == ROWS


def test_value_that_json_lacks_is_refused(table: Table) -> None:
    """NaN would make a file that other programs cannot read."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        table.append(make_row(4, score=float("nan")))
    assert read_rows(table.path) == ROWS


def test_best_comes_first_and_of_equals_the_smaller() -> None:
    """Score, then flash, then RAM, then who was first."""
    rows = [
        make_row(0, score=0.8),
        make_row(1, score=0.9, footprint={"flash_bytes": 300_000}),
        make_row(2, score=0.9, footprint={"ram_bytes": 60_000}),
        make_row(3, score=0.9),
        make_row(4, score=0.9),
    ]
    assert [row.number for row in ranking(rows, natural("balanced_accuracy"))] == [3, 4, 2, 1, 0]


def test_rows_without_a_board_are_ranked() -> None:
    """Flash and RAM are unknown then."""
    unknown = {"flash_bytes": None, "ram_bytes": None}
    rows = [make_row(i, footprint=unknown) for i in (1, 0)]
    assert [row.number for row in ranking(rows, natural("balanced_accuracy"))] == [0, 1]


def test_only_trained_trials_within_the_budget_are_ranked() -> None:
    """A trained trial whose int8 model lost too much is never exported."""
    dropped = make_row(4, violations=(Violation("accuracy_drop", 0.05, 0.02),))
    assert [row.number for row in ranking([*ROWS, dropped], natural("balanced_accuracy"))] == [0]


@pytest.mark.parametrize(
    ("objective", "expected"),
    [("balanced_accuracy", 0.75), ("false_accept_rate", -0.25), ("false_reject_rate", -0.25)],
)
def test_more_is_better_for_every_score(objective: str, expected: float) -> None:
    """Rates of errors are turned round."""
    assert gains(make_row(0, score=0.75), (natural(objective),)) == (expected,)


def test_fewer_errors_rank_first() -> None:
    """The direction follows the objective."""
    rows = [make_row(0, score=0.8), make_row(1, score=0.9)]
    assert [row.number for row in ranking(rows, natural("false_accept_rate"))] == [1, 0]


def test_number_that_a_row_lacks_is_an_input_error() -> None:
    """A table of another version, say."""
    with pytest.raises(InputError, match=r"^trial 3: has no number named 'f1'\.$"):
        make_row(3).value("f1")


def test_nearest_misses_are_told_as_in_the_style_guide() -> None:
    """No trial fits: how many there were, which was nearest and by how much, what to do."""
    rows = [
        make_row(12, "infeasible", violations=(Violation("ram_bytes", 71_680, 65_536),)),
        make_row(3, "infeasible", violations=(Violation("model_bytes", 40_000, 20_000),)),
        make_row(7, violations=(Violation("accuracy_drop", 0.03, 0.02),)),
        make_row(8, "infeasible", violations=(UNMEASURABLE,)),
        make_row(9, "failed", error="x"),
    ]
    error = budget_error(rows)
    assert error.exit_code == 3
    assert str(error) == (
        "No trial fits the budget: 0 of 5 (1 trained). Nearest:"
        " trial 12: ram 71,680 B of 65,536 B (+9 %);"
        " trial 7: accuracy drop 0.03 of 0.02 (+50 %);"
        " trial 3: model 40,000 B of 20,000 B (+100 %). Smallest model seen: 10,000 B (trial 3)."
        " Raise the limit in [budget], or widen [space] towards smaller models."
    )


def test_run_of_guesses_says_so() -> None:
    """The budget is kept: to raise a limit would not help."""
    guess = Violation(GUESSING, None, None, error="no better than guessing: 0.3")
    rows = [make_row(1, violations=(guess,)), make_row(0, "infeasible", violations=(UNMEASURABLE,))]
    error = budget_error(rows)
    assert error.exit_code == 3
    assert str(error) == (
        "No trial is worth exporting: 1 of 2 fit, but trial 1: no better than guessing: 0.3."
        " Listen to the recordings (sprd data check), give more of them, or train for more steps."
    )


def test_miss_by_two_limits_counts_both() -> None:
    """The sum of the shares orders the misses."""
    both = make_row(0, violations=(Violation("macs", 12, 10), Violation("model_bytes", 150, 100)))
    assert excess(both) == pytest.approx(0.7)
    one = make_row(1, violations=(Violation("macs", 16, 10),))
    assert nearest_misses([both, one, make_row(2)]) == [one, both]


def test_run_without_a_measured_trial_says_so() -> None:
    """All failed, or there was none."""
    assert "0 of 0 (0 trained). Nearest: none was measured." in str(budget_error([]))


JSON_SCALARS = st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)


@given(
    st.lists(
        st.builds(
            make_row,
            st.integers(0, 10**6),
            st.sampled_from(["trained", "infeasible", "stopped", "failed"]),
            st.floats(0, 1),
            params=st.dictionaries(st.text(), JSON_SCALARS | st.text()),
            error=st.none() | st.text(),
            step=st.integers(0, 10**6),
        ),
        max_size=3,
    )
)
def test_any_row_survives_the_disk(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Any]
) -> None:
    """Text with line breaks or quotes stays within its line."""
    table = Table(tmp_path_factory.mktemp("run") / "trials.jsonl")
    for row in rows:
        table.append(row)
    assert Table(table.path).rows == rows


@given(st.integers(min_value=0))
def test_any_torn_end_costs_at_most_the_last_row(
    tmp_path_factory: pytest.TempPathFactory, n_bytes: int
) -> None:
    """Wherever a crash cuts the file off, whole lines before it stay."""
    path = tmp_path_factory.mktemp("run") / "trials.jsonl"
    whole = b"".join(json.dumps(row.as_dict()).encode() + b"\n" for row in ROWS[:2])
    path.write_bytes(whole[: n_bytes % (len(whole) + 1)])
    n_left = path.read_bytes().count(b"\n")
    table = Table(path)
    assert table.rows == ROWS[:n_left]
    table.append(ROWS[3])
    assert read_rows(path) == [*ROWS[:n_left], ROWS[3]]


@pytest.mark.parametrize("key", ["params", "metrics", "footprint", "seconds"])
def test_row_whose_tables_are_none_is_refused(tmp_path: Path, key: str) -> None:
    """A damaged row is told with its line, not met later as an AttributeError."""
    table = Table(tmp_path / "trials.jsonl")
    table.append(make_row(0))
    fields = json.loads(table.path.read_text())
    table.path.write_text(json.dumps({**fields, key: None}) + "\n")
    with pytest.raises(InputError, match="line 1: must be a trial's row"):
        read_rows(table.path)


OBJECTIVES = (natural("balanced_accuracy"), natural("model_bytes"), natural("macs"))


def brute_force(rows: list[Any], objectives: list[Objective]) -> set[Any]:
    """The frontier by its definition: no eligible row is as good in all and better in one."""
    known = [row for row in rows if row.is_eligible and gains(row, objectives) is not None]

    def gains_of(row: Trial) -> tuple[float, ...]:
        found = gains(row, objectives)
        assert found is not None
        return found

    def beaten(row: Trial) -> bool:
        mine = gains_of(row)
        return any(
            all(a >= b for a, b in zip(gains_of(other), mine, strict=True))
            and gains_of(other) != mine
            for other in known
        )

    return {gains_of(row) for row in known if not beaten(row)}


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.7, 0.8, 0.9]),
            st.sampled_from([None, 100, 200, 300]),
            st.sampled_from([None, 10, 20]),
            st.sampled_from(["trained"] * 4 + ["infeasible", "stopped", "reference"]),
            st.booleans(),
        ),
        max_size=14,
    ),
    st.permutations(OBJECTIVES),
    st.integers(1, 3),
)
def test_frontier_is_what_no_other_row_dominates(
    found: list[Any], order: list[Objective], n_objectives: int
) -> None:
    """Ties, unknown numbers, and rows that cannot be exported among them."""
    rows = [
        make_row(
            i,
            status,
            score,
            footprint={"model_bytes": n_bytes, "macs": macs},
            violations=(Violation("accuracy_drop", 0.03, 0.02),) if misses and i % 3 == 0 else (),
        )
        for i, (score, n_bytes, macs, status, misses) in enumerate(found)
    ]
    objectives = order[:n_objectives]
    leaders = frontier(rows, objectives)
    values = [found_gains for row in leaders if (found_gains := gains(row, objectives))]
    assert len(values) == len(leaders)
    assert len(set(values)) == len(values)
    assert set(values) == brute_force(rows, objectives)
    assert [value[0] for value in values] == sorted((v[0] for v in values), reverse=True)


def test_of_rows_with_the_same_objectives_the_smaller_is_on_the_frontier() -> None:
    """Then the one that was first."""
    rows = [
        make_row(0, footprint={"flash_bytes": 300_000}),
        make_row(1),
        make_row(2),
        make_row(3, score=0.8, footprint={"model_bytes": 9_000}),
    ]
    assert [row.number for row in frontier(rows, OBJECTIVES[:2])] == [1, 3]


def test_row_of_which_an_objective_is_unknown_is_on_no_frontier() -> None:
    """Nor is it ranked by it; by another it is."""
    rows = [make_row(0, footprint={"latency_ms": None}), make_row(1, score=0.5)]
    by_latency = natural("latency_ms")
    assert gains(rows[0], (by_latency,)) is None
    assert frontier(rows, (OBJECTIVES[0], by_latency)) == ranking(rows, by_latency) == []
    assert frontier(rows, OBJECTIVES[:1]) == rows[:1]


def test_gains_are_those_of_scores_and_costs() -> None:
    """Each so that more is better."""
    row = make_row(0, score=0.75, footprint={"macs": 500})
    objectives = parse_objectives(["balanced_accuracy", "macs", "max model_bytes"])
    assert gains(row, objectives) == (0.75, -500.0, 10_000.0)


def test_reference_is_no_trial(tmp_path: Path) -> None:
    """It was trained to compare with, outside space and budget: it is ranked nowhere."""
    table = Table(tmp_path / "trials.jsonl")
    reference, trial = make_reference(0, "seed recipe"), make_row(1)
    for row in (reference, trial):
        table.append(row)
    again = Table(table.path)
    assert (again.references, again.trials) == ([reference], [trial])
    lines = [json.loads(line) for line in table.path.read_text().splitlines()]
    told = [(line["number"], line["status"], line["label"], line["params"]) for line in lines]
    assert told == [(0, "reference", "seed recipe", {}), (1, "trained", "", {})]


def test_field_of_a_newer_version_is_left_out_and_its_row_is_kept(tmp_path: Path) -> None:
    """The file is only ever appended to."""
    path = tmp_path / "trials.jsonl"
    line = json.dumps({**make_row(0).as_dict(), "stream": {"false_accepts_per_hour": 0.5}}) + "\n"
    path.write_text(line)
    table = Table(path)
    assert table.rows == [make_row(0)]
    table.append(make_row(1))
    assert path.read_text().startswith(line)


def test_status_of_a_newer_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    """It is not known what such a row counts as; nothing is dropped."""
    path = tmp_path / "trials.jsonl"
    path.write_text(json.dumps({**make_row(0).as_dict(), "status": "paused"}) + "\n")
    with pytest.raises(InputError, match=r"line 1: must be a trial's row, got .*a newer sprd"):
        Table(path)
