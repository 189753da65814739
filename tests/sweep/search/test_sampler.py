"""Points of the search space: where they lie, and what they depend on."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import TrialState

from sprd.config.dimensions import Choice, Range
from sprd.config.limits import UNMEASURABLE, Violation
from sprd.sweep.rows.row import Status, Trial
from sprd.sweep.search.sampler import Sampler
from tests.builders import make_row, make_sweep

SPACE = """
"model.architecture" = ["tiny_conv", "ds_cnn", "temporal_conv"]
"model.filters" = { low = 4, high = 33, step = 4 }
"model.n_blocks" = { low = 1, high = 4 }
"train.learning_rate" = { low = 1e-4, high = 1e-1, log = true }
"features.frame" = ["30/20x40", "40/40x20"]
"""
PLAIN = """
"model.filters" = { low = 1, high = 1000 }
"train.momentum" = { low = 0.0, high = 0.9 }
"""


def sampler_of(space: str = SPACE, name: str = "tpe", seed: int = 0, n_trials: int = 12) -> Sampler:
    """A sampler that was told nothing."""
    lines = f'sampler = "{name}"\nseed = {seed}\nn_trials = {n_trials}'
    return Sampler(make_sweep(space, lines))


def rows_for(sampler: Sampler, n: int, **fields: Any) -> list[Trial]:
    """Asks for n points, one after another, each told as trained; returns the rows."""
    rows = []
    for number in range(n):
        point = sampler.ask(number)
        score = 1 - abs(point["model.filters"] - 300) / 1000
        rows.append(make_row(number, score=score, params=point, **fields))
        sampler.tell(rows[-1])
    return rows


def lies_in(value: float | str, dimension: Choice | Range) -> bool:
    """Whether a value belongs to a dimension."""
    if isinstance(dimension, Choice):
        return any(value == v and type(value) is type(v) for v in dimension.values)
    on_grid = True
    if dimension.step:
        steps = (value - dimension.low) / dimension.step
        on_grid = abs(steps - round(steps)) < 1e-6
    is_of_type = isinstance(value, int if dimension.is_integer else float)
    return dimension.low <= value <= dimension.high and on_grid and is_of_type


@st.composite
def ranges(draw: Any) -> Any:
    """A range as a sweep file may have it."""
    if draw(st.booleans()):
        low, width = draw(st.integers(1, 50)), draw(st.integers(0, 50))
        step = draw(st.none() | st.integers(1, 60))
        return Range(low, low + width, step, log=step is None and draw(st.booleans()))
    low, width = draw(st.floats(1e-6, 1.0)), draw(st.floats(0, 1.0))
    step = draw(st.none() | st.floats(0.01, 2.0))
    return Range(low, low + width, step, log=step is None and draw(st.booleans()))


@given(
    st.lists(st.integers() | st.floats(-9, 9) | st.text(), min_size=1, unique=True).map(
        lambda values: Choice(tuple(values))
    )
    | ranges(),
    st.integers(0, 2**31 - 1),
    st.integers(0, 10**6),
    st.sampled_from(["tpe", "random"]),
)
def test_value_of_any_dimension_lies_in_it(
    dimension: Choice | Range, seed: int, number: int, name: str
) -> None:
    """Whatever the file says that it may be, steps that do not end at `high` included."""
    sweep = make_sweep(sweep=f'seed = {seed}\nsampler = "{name}"')
    key = "train.momentum"
    point = Sampler(sweep.model_copy(update={"space": {key: dimension}})).ask(number)
    assert lies_in(point[key], dimension)


def test_parameter_is_asked_only_where_the_architecture_has_it() -> None:
    """The architecture is drawn first; what it lacks is no dimension then."""
    sampler = sampler_of(name="random")
    owned = {
        "tiny_conv": {"model.filters"},
        "ds_cnn": {"model.filters", "model.n_blocks"},
        "temporal_conv": set(),
    }
    seen = set()
    for number in range(30):
        point = sampler.ask(number)
        architecture = str(point.pop("model.architecture"))
        shared = {"train.learning_rate", "features.frame"}
        assert set(point) == owned[architecture] | shared
        seen.add(architecture)
    assert seen == set(owned)


def test_parameter_of_the_one_architecture_of_the_file_is_asked() -> None:
    """Without a choice of architectures the file's decides."""
    space = '"model.n_blocks" = [1, 2]\n"model.architecture" = ["ds_cnn", "tiny_conv"]'
    one = '"model.n_blocks" = [1, 2]'
    assert Sampler(make_sweep(one, model="ds_cnn")).ask(0).keys() == {"model.n_blocks"}
    points = [Sampler(make_sweep(space, f"seed = {s}")).ask(0) for s in range(8)]
    assert all(("model.n_blocks" in p) == (p["model.architecture"] == "ds_cnn") for p in points)


def test_random_point_depends_on_seed_and_number_alone() -> None:
    """Neither the order of asking nor what was told matters."""
    forward, backward = (sampler_of(PLAIN, "random", seed=3) for _ in range(2))
    points = [forward.ask(n) for n in range(6)]
    forward.tell(make_row(0, score=0.1, params=points[0]))
    again = [backward.ask(n) for n in reversed(range(6))]
    assert points == again[::-1]
    assert forward.ask(6) == backward.ask(6)
    assert sampler_of(PLAIN, "random", seed=4).ask(0) != points[0]
    assert len({p["model.filters"] for p in points}) > 3


@pytest.mark.parametrize("n_told", [2, 9])
def test_tpe_made_anew_from_rows_goes_on_as_the_old_one(n_told: int) -> None:
    """A resumed sweep asks what the undisturbed one would have asked, at its start and later."""
    undisturbed = sampler_of(PLAIN)
    rows = rows_for(undisturbed, n_told)
    resumed = sampler_of(PLAIN)
    for row in rows:
        resumed.tell(row)
    assert resumed.ask(n_told) == undisturbed.ask(n_told)


def test_resumed_tpe_does_not_repeat_its_first_points() -> None:
    """Random start-up points are as many as without the interruption."""
    first = rows_for(sampler_of(PLAIN), 1)
    resumed = sampler_of(PLAIN)
    resumed.tell(first[0])
    assert resumed.ask(1) != first[0].params


def test_tpe_gathers_where_the_score_is_high() -> None:
    """Of 30 points the last ten lie nearer to the best place than the first ten."""
    rows = rows_for(sampler_of(PLAIN, n_trials=30), 30)
    far = [abs(row.params["model.filters"] - 300) for row in rows]
    assert sum(far[-10:]) < sum(far[:10]) / 2


def test_tpe_keeps_away_from_what_does_not_fit() -> None:
    """The sampler learns the constraint from how far rows miss it, though their value is 0."""
    sampler = sampler_of('"model.filters" = { low = 1, high = 1000 }', n_trials=40)
    n_fitting = []
    for number in range(40):
        point = sampler.ask(number)
        filters = float(point["model.filters"])
        fits = filters <= 150
        violations = () if fits else (Violation("model_bytes", filters, 150),)
        status: Status = "trained" if fits else "infeasible"
        sampler.tell(make_row(number, status, 0.5, params=point, violations=violations))
        n_fitting.append(fits)
    assert sum(n_fitting[-20:]) > 2 * sum(n_fitting[:10])


@pytest.mark.parametrize("asked", [True, False], ids=["asked", "of an earlier run"])
@pytest.mark.parametrize(
    ("row", "state", "value", "constraint"),
    [
        ({"status": "trained", "score": 0.8}, TrialState.COMPLETE, 0.8, -1.0),
        (
            {"status": "trained", "violations": (Violation("accuracy_drop", 0.03, 0.02),)},
            TrialState.COMPLETE,
            0.9,
            0.5,
        ),
        (
            {"status": "infeasible", "violations": (Violation("macs", 30, 10),)},
            TrialState.COMPLETE,
            0.0,
            2.0,
        ),
        (
            {"status": "infeasible", "violations": (UNMEASURABLE,)},
            TrialState.COMPLETE,
            0.0,
            1.0,
        ),
        ({"status": "stopped", "step": 200, "score": 0.6}, TrialState.PRUNED, 0.6, None),
        ({"status": "stopped", "step": 0}, TrialState.FAIL, None, None),
        ({"status": "failed", "error": "x"}, TrialState.FAIL, None, None),
    ],
)
def test_each_end_is_told_as_what_it_is(
    asked: bool, row: dict[str, Any], state: Any, value: float | None, constraint: float | None
) -> None:
    """Only a trained trial is a result; what misses the budget breaks a constraint by how much."""
    sampler = sampler_of(PLAIN)
    point = sampler.ask(0) if asked else {"model.filters": 8, "train.momentum": 0.5}
    sampler.tell(make_row(0, params=point, **row))
    (told,) = sampler.trials
    assert (told.state, told.params) == (state, point)
    if state is TrialState.PRUNED:
        assert told.intermediate_values == {200: value}
    else:
        assert told.value == value
    assert told.constraints == ({} if constraint is None else {"budget": pytest.approx(constraint)})


def test_dimensions_that_a_row_lacks_are_left_out() -> None:
    """An infeasible row of another architecture has fewer parameters."""
    sampler = sampler_of()
    sampler.tell(make_row(0, params={"model.architecture": "temporal_conv"}))
    assert sampler.trials[0].params == {"model.architecture": "temporal_conv"}


def test_objective_of_errors_is_minimised() -> None:
    """Fewer false accepts are told as more."""
    sweep = make_sweep(PLAIN, 'objectives = ["false_accept_rate"]')
    sampler = Sampler(sweep)
    sampler.tell(make_row(0, score=0.75, params=sampler.ask(0)))
    assert sampler.trials[0].value == -0.25


class TestEvolution:
    """NSGA-II: generations of candidates that ended."""

    SPACE = PLAIN + '"augment.gain_db" = { low = 0.0, high = 12.0 }'
    LINES = 'sampler = "nsga2"\nn_trials = 24\nobjectives = ["balanced_accuracy", "model_bytes"]'

    def sampler(self) -> Sampler:
        """One that was told nothing; a generation has six candidates."""
        return Sampler(make_sweep(self.SPACE, self.LINES))

    def tried(self, sampler: Sampler, numbers: range) -> list[Trial]:
        """Asks and tells in turn; every fifth candidate does not fit, every seventh fails."""
        rows = []
        for number in numbers:
            point = sampler.ask(number)
            fields: dict[str, Any] = {
                "params": point,
                "footprint": {"model_bytes": point["model.filters"]},
            }
            if number % 5 == 4:
                violations = (Violation("model_bytes", 2000 + number, 1000),)
                rows.append(make_row(number, "infeasible", violations=violations, **fields))
            elif number % 7 == 6:
                rows.append(make_row(number, "failed", error="x", **fields))
            else:
                score = 1 - abs(point["train.momentum"] - 0.5)
                rows.append(make_row(number, "trained", score, **fields))
            sampler.tell(rows[-1])
        return rows

    @pytest.mark.parametrize("n_told", [3, 8, 13, 20])
    def test_made_anew_from_rows_it_goes_on_as_the_old_one(self, n_told: int) -> None:
        """Within the first generation, at the end of one, and later."""
        undisturbed, resumed = self.sampler(), self.sampler()
        for row in self.tried(undisturbed, range(n_told)):
            resumed.tell(row)
        numbers = range(n_told, n_told + 8)
        assert self.tried(resumed, numbers) == self.tried(undisturbed, numbers)

    def test_repeated_point_changes_no_generation(self) -> None:
        """A second attempt is drawn at random, and counts as the candidate that it becomes."""
        undisturbed = self.sampler()
        rows = self.tried(undisturbed, range(5))
        undisturbed.ask(5)
        undisturbed.forget(5)
        row = make_row(5, params=undisturbed.ask(5, 1))
        undisturbed.tell(row)
        resumed = self.sampler()
        for one in [*rows, row]:
            resumed.tell(one)
        numbers = range(6, 14)
        assert self.tried(resumed, numbers) == self.tried(undisturbed, numbers)

    def test_it_gathers_where_the_score_is_high(self) -> None:
        """Children resemble the parents that were chosen."""
        sweep = make_sweep(PLAIN, 'sampler = "nsga2"\nn_trials = 60')
        rows = rows_for(Sampler(sweep), 60)
        far = [abs(row.params["model.filters"] - 300) for row in rows]
        assert sum(far[-15:]) < sum(far[:15])


class TestSeveralObjectives:
    """What is told then."""

    LINES = 'sampler = "tpe"\nn_trials = 12\nobjectives = ["balanced_accuracy", "model_bytes"]'

    def told(self, *rows: Trial) -> list[Any]:
        """The trials that rows are told as."""
        sampler = Sampler(make_sweep(PLAIN, self.LINES))
        for row in rows:
            sampler.tell(row)
        return sampler.trials

    def row(self, status: Status, **fields: Any) -> Trial:
        """A row with a point."""
        return make_row(0, status, params={"model.filters": 8, "train.momentum": 0.5}, **fields)

    def test_each_is_told_so_that_more_is_better(self) -> None:
        """Bytes are turned round."""
        (told,) = self.told(self.row("trained", score=0.8))
        assert (told.state, told.values) == (TrialState.COMPLETE, [0.8, -10_000])

    def test_what_does_not_fit_is_told_by_how_much(self) -> None:
        """Its values do not matter."""
        (told,) = self.told(self.row("infeasible", violations=(Violation("macs", 30, 10),)))
        assert told.state is TrialState.COMPLETE and len(told.values) == 2
        assert told.constraints == {"budget": pytest.approx(2.0)}

    def test_what_did_not_fit_elsewhere_and_fits_here_is_no_result(self) -> None:
        """It was measured and never trained: values of nothing would look like the best."""
        (told,) = self.told(self.row("infeasible"))
        assert told.state is TrialState.FAIL

    def test_stopped_trial_is_told_as_failed(self) -> None:
        """Optuna prunes only single objectives."""
        (told,) = self.told(self.row("stopped", step=20))
        assert told.state is TrialState.FAIL

    def test_trial_of_which_an_objective_is_unknown_is_told_as_failed(self) -> None:
        """It can be compared with none."""
        (told,) = self.told(self.row("trained", footprint={"model_bytes": None}))
        assert told.state is TrialState.FAIL

    @pytest.mark.parametrize("n_told", [5, 9])
    def test_tpe_made_anew_goes_on_as_the_old_one(self, n_told: int) -> None:
        """As with one objective."""
        undisturbed, resumed = (Sampler(make_sweep(PLAIN, self.LINES)) for _ in range(2))
        for row in rows_for(undisturbed, n_told):
            resumed.tell(row)
        assert resumed.ask(n_told) == undisturbed.ask(n_told)
