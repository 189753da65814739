"""pick and compare, on tables made by hand: nothing is trained or exported."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sprd.cli import choose
from sprd.cli.main import main
from sprd.cli.text import show_bundle, show_json
from sprd.config.limits import Violation
from sprd.errors import ConfigError
from sprd.sweep.rows.guessing import GUESSING
from sprd.sweep.rows.row import Reference, Trial
from sprd.sweep.run import begin, open_run
from tests.builders import make_outside_model, make_reference, make_row

TEXT = """[sweep]
name = "mine"
n_trials = 3
[data]
keywords = ["up"]
[model]
architecture = "tiny_conv"
[budget]
board = "arduino_nano_33_ble"
model_bytes = 18000
[space]
"model.filters" = [4, 8]
"""


def trial(number: int, score: float, model: int, ram: int, **fields: Any) -> Trial:
    """A trained trial."""
    return make_row(
        number,
        score=score,
        footprint={"model_bytes": model, "ram_bytes": ram, "latency_ms": None},
        metrics={"intervals": {"balanced_accuracy": [score - 0.03, score + 0.03]}},
        params={"model.filters": 8},
        **fields,
    )


ROWS = [
    trial(0, 0.90, 10_000, 50_000),
    trial(1, 0.85, 6_000, 50_000),
    trial(2, 0.93, 15_000, 60_000),
    trial(3, 0.84, 11_000, 61_000),
    trial(4, 0.95, 30_000, 70_000, violations=(Violation("model_bytes", 30_000, 18_000),)),
    make_row(5, "stopped"),
]


def make_run(
    folder: Path, rows: Sequence[Trial | Reference], text: str = TEXT, data: str = "0" * 64
) -> Path:
    """The folder of a run that ended."""
    file = folder.parent / f"{folder.name}.toml"
    file.write_text(text, encoding="utf-8")
    run = open_run(file, folder, None)
    begin(run, data)
    for row in rows:
        run.table.append(row)
    if not rows:
        (folder / "trials.jsonl").touch()
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run with three trials on its frontier."""
    return make_run(tmp_path / "run", ROWS)


@pytest.fixture
def exported(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of the trials that would have been exported."""
    numbers: list[int] = []

    def export(args: Any, run: Any, number: Any, told: Any = None) -> Any:
        numbers.append(number)
        if args.json:
            show_json({"trial": number, **(told or {})})
        return 0

    monkeypatch.setattr(choose, "_export", export)
    return numbers


def numbers_of(text: str) -> list[str]:
    """The first word of each line of a table."""
    return [line.split()[0] for line in text.splitlines()[2:]]


def test_pick_lists_and_draws_the_frontier(
    run: Path, capsys: pytest.CaptureFixture[str], exported: list[Any]
) -> None:
    """A table of 80 columns and two files, whose paths are the last lines; no bundle."""
    assert main(["pick", str(run)]) == 0
    said = capsys.readouterr().out
    lines = said.splitlines()
    assert numbers_of(said)[:3] == ["2", "0", "1"]
    assert lines[-3] == "costs are those of arduino_nano_33_ble, build cmake-O2"
    assert lines[-2:] == [str(run / "frontier.png"), str(run / "frontier.html")]
    assert max(map(len, lines[:-2])) <= 80
    assert (run / "frontier.png").read_bytes().startswith(b"\x89PNG")
    page = (run / "frontier.html").read_text(encoding="utf-8")
    assert "mine on arduino_nano_33_ble, build cmake-O2" in page
    assert "RAM: at most 262,144 B" in page
    assert exported == []


def test_pick_tells_that_scores_are_of_one_voice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Their intervals say nothing of other people."""
    one = make_row(
        0,
        metrics={"intervals": {"balanced_accuracy": [0.8, 0.95]}, "n_speakers": 1},
        params={"model.filters": 8},
    )
    assert main(["pick", str(make_run(tmp_path / "run", [one]))]) == 0
    assert "1 speaker: intervals hold for that voice" in capsys.readouterr().out


def test_pick_draws_where_it_is_told(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], exported: list[Any]
) -> None:
    """The folder of the run is then left alone."""
    before = sorted(run.iterdir())
    assert main(["pick", str(run), "--out", str(tmp_path / "plots")]) == 0
    assert sorted(p.name for p in (tmp_path / "plots").iterdir()) == [
        "frontier.html",
        "frontier.png",
    ]
    assert sorted(run.iterdir()) == before


def test_pick_by_a_number_marks_and_exports_it(
    run: Path, capsys: pytest.CaptureFixture[str], exported: list[Any]
) -> None:
    """The frontier is listed with a star at the chosen trial; nothing is drawn."""
    assert main(["pick", str(run), "--by", "model_bytes"]) == 0
    said = capsys.readouterr().out
    assert [line.split()[:2] for line in said.splitlines() if "*" in line] == [["1", "*"]]
    assert exported == [1]
    assert not (run / "frontier.png").exists()


def test_limits_given_now_make_the_frontier_smaller(
    run: Path, capsys: pytest.CaptureFixture[str], exported: list[Any]
) -> None:
    """What is over them is not listed."""
    limits = ["--max-ram-bytes", "55000", "--min-balanced-accuracy", "0.86"]
    assert main(["pick", str(run), "--by", "balanced_accuracy", *limits]) == 0
    assert numbers_of(capsys.readouterr().out) == ["0"]
    assert exported == [0]


def test_json_tells_the_frontier(
    run: Path, capsys: pytest.CaptureFixture[str], exported: list[Any]
) -> None:
    """Numbers at the top of each entry, the best first; the plots are named."""
    assert main(["pick", str(run), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [(one["trial"], one["model_bytes"]) for one in said["frontier"]] == [
        (2, 15_000),
        (0, 10_000),
        (1, 6_000),
    ]
    assert said["frontier"][0]["params"] == {"model.filters": 8}
    assert said["frontier"][0]["intervals"]["balanced_accuracy"] == pytest.approx([0.9, 0.96])
    assert said["objectives"] == ["max balanced_accuracy", "min model_bytes", "min ram_bytes"]
    assert (said["trial"], said["bundle"], said["references"]) == (None, None, [])
    assert [Path(file).name for file in said["plots"]] == ["frontier.png", "frontier.html"]
    assert main(["pick", str(run), "--json", "--by", "ram_bytes"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["trial"] == 0
    assert [one["trial"] for one in said["frontier"]] == [2, 0, 1]


def test_references_of_a_run_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], exported: list[Any]
) -> None:
    """They are listed last and never chosen."""
    named = make_reference(6, "seed recipe", score=0.99)
    run = make_run(tmp_path / "run", [*ROWS, named])
    assert main(["pick", str(run), "--by", "balanced_accuracy"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("seed recipe ")
    assert exported == [2]


def test_given_reference_is_scored_and_told(
    run: Path,
    capsys: pytest.CaptureFixture[str],
    exported: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The scores come from `score_reference`."""
    found = make_outside_model("theirs.tflite", footprint={"model_bytes": 18_512})
    seen = []

    def score(run: Any, model: Any, sweep_file: Any) -> Any:
        seen.append((run.folder, model, sweep_file))
        return found

    monkeypatch.setattr("sprd.bundle.evaluate.score_reference", score)
    args = ["--reference", "x/theirs.tflite", "--reference-sweep", "y.toml"]
    assert main(["pick", str(run), *args]) == 0
    assert seen == [(run, Path("x/theirs.tflite"), Path("y.toml"))]
    assert any(line.startswith("theirs.tflite ") for line in capsys.readouterr().out.splitlines())
    assert "theirs.tflite" in (run / "frontier.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("given", ["--reference", "--reference-sweep"])
def test_reference_needs_both_flags(
    run: Path, capsys: pytest.CaptureFixture[str], given: str
) -> None:
    """Exit 2 and one line."""
    assert main(["pick", str(run), given, "x"]) == ConfigError.exit_code
    assert "must come with --reference-sweep" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("violation", "said"),
    [
        (Violation("macs", 2, 1), "trial 0: must fit the budget, got macs 2 of 1 (+100 %)"),
        (
            Violation(GUESSING, None, None, error="no better than guessing: 0.3"),
            "trial 0: must be better than guessing, got no better than guessing: 0.3",
        ),
    ],
)
def test_trial_that_was_kept_back_is_not_exported_by_hand(
    violation: Violation, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 3 and the reason."""
    run = make_run(tmp_path / "run", [trial(0, 0.9, 10_000, 50_000, violations=(violation,))])
    assert main(["export", str(run), "--trial", "0"]) == 3
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("rows", "args", "said"),
    [
        ([], [], "No trial fits the budget: 0 of 0 (0 trained)."),
        (ROWS[4:], [], "Nearest: trial 4: model 30,000 B of 18,000 B (+67 %)."),
        (ROWS[4:], ["--by", "ram_bytes"], "No trial is within the budget: 0 of 0 eligible."),
        (ROWS, ["--max-ram-bytes", "10"], "No trial is within ram_bytes <= 10 B: 0 of 4 eligible"),
        (ROWS, ["--max-latency-ms", "10"], "No trial is within latency_ms <= 10"),
        (ROWS, ["--min-balanced-accuracy", "0.99"], "balanced_accuracy >= 0.99"),
    ],
)
def test_empty_frontier_is_exit_3_with_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rows: list[Any], args: list[Any], said: str
) -> None:
    """Nothing is drawn."""
    run = make_run(tmp_path / "run", rows)
    assert main(["pick", str(run), *args]) == 3
    shown = capsys.readouterr()
    assert said in shown.err
    assert (shown.out, len(shown.err.splitlines())) == ("", 1)
    assert not (run / "frontier.png").exists()


def test_unknown_key_is_refused(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 2, with the nearest."""
    assert main(["pick", str(run), "--by", "ram_byte"]) == 2
    assert "Did you mean 'ram_bytes'?" in capsys.readouterr().err


def test_frontier_of_several_objectives_without_a_known_number_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Eligible trials, but no latency: not an empty table."""
    text = TEXT.replace(
        "n_trials = 3", 'n_trials = 3\nobjectives = ["balanced_accuracy", "latency_ms"]'
    )
    run = make_run(tmp_path / "run", ROWS, text)
    assert main(["pick", str(run)]) == 3
    assert "latency_ms" in capsys.readouterr().err


def test_compare_tells_how_far_each_run_came(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Counts, best, frontiers, volume, and the lines that differ."""
    text = TEXT.replace("n_trials = 3", "n_trials = 9").replace("[4, 8]", "[4, 16]")
    other = make_run(tmp_path / "other", ROWS[1:2], text)
    assert main(["compare", str(run), str(other)]) == 0
    said = capsys.readouterr().out
    table = {line[:21].strip(): line[21:].split() for line in said.splitlines()}
    assert table["trained"] == ["5", "1"]
    assert table["within the budget"] == ["4", "1"]
    assert table["beaten by the other's"] == ["0", "0"]
    assert "[sweep] n_trials: 3 | 9" in said
    assert "[space] model.filters: [4, 8] | [4, 16]" in said
    assert "different data" not in said
    assert "\ncosts are those of arduino_nano_33_ble, build cmake-O2\n" in said
    assert "the intervals of the best overlap" not in said  # 0.90 .. 0.96, 0.82 .. 0.88


def test_compare_says_where_chance_may_have_decided(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Hypervolumes of 1.0 and 0.09 may be 0.93 and 0.92 of accuracy."""
    other = make_run(tmp_path / "other", [trial(0, 0.92, 15_000, 60_000)])
    assert main(["compare", str(run), str(other)]) == 0
    said = capsys.readouterr().out
    assert "the intervals of the best overlap (0.900 .. 0.960 and 0.890 .. 0.950)" in said


def test_compare_of_different_data_says_so(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Their scores are of different speakers."""
    other = make_run(tmp_path / "other", ROWS, data="1" * 64)
    assert main(["compare", str(run), str(other)]) == 0
    said = capsys.readouterr().out
    assert "The runs have different data: their scores cannot be compared." in said
    assert "The sweep files say the same." in said


def test_compare_of_different_builds_says_so(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Milliseconds of -Os are no match for those of -O2."""
    other = make_run(tmp_path / "other", ROWS)
    file = other / "sweep.toml"
    file.write_text(file.read_text().replace("[budget]", '[budget]\nbuild = "head-Os"'))
    assert main(["compare", str(run), str(other)]) == 0
    said = capsys.readouterr().out
    nano = "arduino_nano_33_ble, build"
    assert f"for {nano} cmake-O2 and for {nano} head-Os: their costs cannot" in said
    assert main(["compare", str(run), str(other), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["is_same_board"], told["builds"]) == (False, ["cmake-O2", "head-Os"])


def test_numbers_without_a_board_are_told_with_their_build(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Instructions are those of -O2 then: who compiles with -Os has more of them."""
    text = TEXT.replace('board = "arduino_nano_33_ble"\n', "")
    assert text != TEXT
    runs = [str(make_run(tmp_path / name, ROWS, text)) for name in ("one", "other")]
    words = "no board is named: arena and instructions are those of the build cmake-O2"
    for command in (["pick", runs[0]], ["compare", *runs]):
        assert main(command) == 0
        assert words in capsys.readouterr().out.splitlines()


def test_compare_as_json(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One object, the two runs under first and second."""
    other = make_run(tmp_path / "other", [])
    assert main(["compare", str(run), str(other), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["first"]["name"], said["second"]["name"]) == ("run", "other")
    assert said["first"]["frontier"] == [2, 0, 1]
    assert said["second"]["hypervolume"] == 0.0
    assert (said["is_same_data"], said["differences"]) == (True, [])
    assert said["is_same_board"] is True


def test_compare_with_no_run_is_refused(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 2."""
    assert main(["compare", str(run), str(tmp_path / "nowhere")]) == 2
    assert "must be the folder of a run" in capsys.readouterr().err


def test_help_does_not_load_what_draws() -> None:
    """Matplotlib and numpy come with the first plot."""
    code = (
        "import sys; from sprd.cli import choose, parser; parser.build_parser();"
        "sys.exit(bool({'matplotlib', 'numpy', 'sprd.report.plot'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_bundle_tells_whom_its_scores_are_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Takes of the same person are no test speakers."""
    scores = {"int8": {"balanced_accuracy": 0.9, "n_clips": 6, "n_speakers": 1, "intervals": {}}}
    scores["int8"]["intervals"] = {"balanced_accuracy": [0.8, 0.95]}
    manifest = {
        "trial": {"number": 3},
        "footprint": {"model_bytes": 9_000},
        "scores": {"validation": scores, "test": scores},
        "record": {"data": {"is_synthetic": False, "personal": True, "n_speakers": 1}},
    }
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    show_bundle(tmp_path)
    told = capsys.readouterr().out
    assert "validation takes: balanced accuracy 0.900" in told and "test takes:" in told
    assert "Takes of 1 speaker are in training" in told and "est speakers" not in told


@pytest.mark.parametrize("shortfall", [None, "No threshold keeps to 1 false accepts an hour"])
def test_limit_that_a_recogniser_breaks_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], shortfall: str | None
) -> None:
    """Beside the result, on standard error; of one that keeps its limits nothing is."""
    manifest = {
        "trial": {"number": 3},
        "footprint": {},
        "scores": {},
        "record": {},
        "streams": {"validation": {"fit": {"shortfall": shortfall}}, "test": None},
    }
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    show_bundle(tmp_path)
    expected = f"recogniser: {shortfall}\n" if shortfall else ""
    assert capsys.readouterr().err == expected
