"""The folder of a run: opened, gone on with, opened again to read."""

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from sprd.config.board import read_board_file
from sprd.config.build import CMAKE_O2
from sprd.config.reader import resolve
from sprd.config.trial import Config
from sprd.device.board import BOARDS_FOLDER, load_board
from sprd.errors import BoardError, ConfigError, InputError, NewerVersionError, OutputError
from sprd.sweep import run as runs
from sprd.sweep.run import Run, allowed_of, begin, references_of, reopen_run, run_id
from tests.builders import make_row

TEXT = """[sweep]
name = "mine"
n_trials = 3
[data]
source = "clips"
keywords = ["up"]
[model]
architecture = "tiny_conv"
[space]
"model.filters" = [4, 8]
"""


DATA = "0" * 64


def open_run(*args: Any) -> Run:
    """Opens a run and begins it: its data are the same each time."""
    run = runs.open_run(*args)
    begin(run, DATA)
    return run


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A sweep file in a folder of its own."""
    path = tmp_path / "files" / "x.toml"
    path.parent.mkdir()
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_new_run_keeps_the_text_and_where_it_came_from(tmp_path: Path, file: Path) -> None:
    """Folders are made; the table is there with its first row."""
    out = tmp_path / "deep" / "run"
    run = open_run(file, out, (tmp_path / "data",))
    assert sorted(os.listdir(out)) == ["run.json", "sweep.toml"]
    assert (out / "sweep.toml").read_text() == TEXT
    source = json.loads((out / "run.json").read_text())
    assert source.pop("id") == run_id(out)
    assert source == {
        "layout": 1,
        "sweep_file": str(file),
        "data": str(tmp_path / "data"),
        "data_fingerprint": DATA,
    }
    assert (run.folder, run.paths.bundle, run.data) == (out, out / "bundle", (tmp_path / "data",))
    assert run.table.rows == []


def test_run_is_named_like_the_sweep_unless_told(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes to runs/<name> where sprd is run."""
    monkeypatch.chdir(tmp_path)
    assert open_run(file, None, None).folder == tmp_path / "runs" / "mine"
    assert open_run(file, None, None, None, "-train").folder == tmp_path / "runs" / "mine-train"


@pytest.mark.parametrize("name", ["with space", "quote \" and '", "line\nbreak", "-x", "ünïcode"])
def test_run_lives_in_any_folder(tmp_path: Path, file: Path, name: str) -> None:
    """Odd characters in the path change nothing."""
    run = open_run(file, tmp_path / name, None)
    run.table.append(make_row(0))
    assert open_run(file, tmp_path / name, None).table.rows == [make_row(0)]
    assert reopen_run(tmp_path / name).table.rows == [make_row(0)]


def test_relative_folders_are_made_absolute(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers run elsewhere."""
    monkeypatch.chdir(tmp_path)
    run = open_run(file.relative_to(tmp_path), tmp_path / "run", (tmp_path / "data",))
    assert json.loads((run.folder / "run.json").read_text())["sweep_file"] == str(file)
    reopened = reopen_run(run.folder.relative_to(tmp_path))
    assert reopened.folder == tmp_path / "run"


def test_same_file_goes_on(tmp_path: Path, file: Path) -> None:
    """The rows that are there are there."""
    open_run(file, tmp_path / "run", None).table.append(make_row(0))
    assert open_run(file, tmp_path / "run", None).table.rows == [make_row(0)]


def test_changed_file_is_refused_with_the_lines_that_changed(tmp_path: Path, file: Path) -> None:
    """Its rows would be of two searches; nothing is changed."""
    open_run(file, tmp_path / "run", None).table.append(make_row(0))
    file.write_text(TEXT.replace("n_trials = 3", "n_trials = 4").replace("[4, 8]", "[4, 16]"))
    with pytest.raises(ConfigError) as caught:
        open_run(file, tmp_path / "run", None)
    assert str(caught.value) == (
        f"{file}: must be the file that {tmp_path / 'run'} was started with, got changed lines:"
        ' -n_trials = 3; +n_trials = 4; -"model.filters" = [4, 8]; +"model.filters" = [4, 16].'
        " Choose another --out, or undo the change."
    )
    assert (tmp_path / "run" / "sweep.toml").read_text() == TEXT


def test_file_may_change_while_there_is_no_row(tmp_path: Path, file: Path) -> None:
    """A run that did nothing yet is started anew."""
    open_run(file, tmp_path / "run", None)
    file.write_text(TEXT.replace("n_trials = 3", "n_trials = 4"))
    assert open_run(file, tmp_path / "run", None).sweep.sweep.n_trials == 4
    assert "n_trials = 4" in (tmp_path / "run" / "sweep.toml").read_text()


def test_rows_without_their_sweep_file_are_refused(tmp_path: Path, file: Path) -> None:
    """Nobody knows what they were made with."""
    open_run(file, tmp_path / "run", None).table.append(make_row(0))
    (tmp_path / "run" / "sweep.toml").unlink()
    with pytest.raises(ConfigError, match=r"sweep\.toml: must be readable, got trials made with"):
        open_run(file, tmp_path / "run", None)


@pytest.mark.parametrize("name", ["thesis.txt", "sweep.toml", "trials.jsonl"])
def test_folder_with_other_files_is_refused_untouched(
    tmp_path: Path, file: Path, name: str
) -> None:
    """A user's own sweep.toml is not overwritten either."""
    out = tmp_path / "mine"
    out.mkdir()
    (out / name).write_text("mine")
    with pytest.raises(OutputError) as caught:
        open_run(file, out, None)
    assert str(caught.value) == (
        f"{out}: must be empty or a run's folder, got other files, {name!r} among them."
        " Choose another --out."
    )
    assert os.listdir(out) == [name]
    assert (out / name).read_text() == "mine"


def test_hidden_files_are_no_others(tmp_path: Path, file: Path) -> None:
    """What a crash at the very start left, or a desktop's own files."""
    out = tmp_path / "run"
    out.mkdir()
    (out / ".run.json.1234.tmp").write_text("")
    assert open_run(file, out, None).folder == out


@pytest.mark.parametrize("inside", [False, True])
def test_file_in_place_of_the_folder_is_refused(tmp_path: Path, file: Path, inside: bool) -> None:
    """It cannot be written."""
    out = file / "run" if inside else file
    with pytest.raises(OutputError) as caught:
        open_run(file, out, None)
    reason = "Not a directory" if inside else "File exists"
    assert str(caught.value) == (
        f"{out}: must be writable: {reason}. Make room, or choose another --out."
    )
    assert file.read_text() == TEXT


def test_bad_sweep_file_leaves_no_folder(tmp_path: Path, file: Path) -> None:
    """It is read before anything is written."""
    file.write_text(TEXT + '"model.filtres" = [1]')
    with pytest.raises(ConfigError):
        open_run(file, tmp_path / "run", None)
    assert not (tmp_path / "run").exists()


def test_bad_board_file_leaves_no_folder(tmp_path: Path, file: Path) -> None:
    """It is read now, not in every trial."""
    file.write_text(f'{TEXT}\n[budget]\nboard = "gone.toml"')
    with pytest.raises(BoardError, match=r"files/gone\.toml: must be a readable board file"):
        open_run(file, tmp_path / "run", None)
    assert not (tmp_path / "run").exists()


@pytest.fixture
def board(file: Path) -> Path:
    """A board file beside the sweep file, which names it."""
    file.write_text(f'{TEXT}\n[budget]\nboard = "mine.toml"')
    path = file.with_name("mine.toml")
    text = read_board_file(BOARDS_FOLDER / "nrf5340dk.toml")
    path.write_text(text, encoding="utf-8", newline="\r\n")
    return path


def test_own_board_goes_with_every_trial(tmp_path: Path, file: Path, board: Path) -> None:
    """To machines without its file: so it is kept in the run, and is in each configuration."""
    text = board.read_text()
    run = open_run(file, tmp_path / "run", None)
    assert (tmp_path / "run" / "board.toml").read_text() == text
    board.unlink()
    for sweep in (run.sweep, reopen_run(tmp_path / "run").sweep):
        config = resolve(sweep, {"model.filters": 8})
        assert config.model.params["filters"] == 8
        sent = Config.model_validate_json(config.model_dump_json())
        assert sent.budget.board == load_board("nrf5340dk")


def test_changed_board_is_refused_with_the_lines_that_changed(
    tmp_path: Path, file: Path, board: Path
) -> None:
    """What the rows take was told for another; with no row yet it may change."""
    open_run(file, tmp_path / "run", None)
    text = board.read_text()
    changed = re.sub(r"(?m)^ram_bytes = \d.*$", "ram_bytes = 300000", text)
    old = re.search(r"(?m)^ram_bytes = \d.*$", text).group()
    board.write_text(changed)
    open_run(file, tmp_path / "run", None).table.append(make_row(0))
    board.write_text(text)
    with pytest.raises(ConfigError) as caught:
        open_run(file, tmp_path / "run", None)
    assert str(caught.value) == (
        f"{board}: must be the file that {tmp_path / 'run'} was started with, got changed lines:"
        f" -ram_bytes = 300000; +{old}. Choose another --out, or undo the change."
    )


def test_run_keeps_the_build_that_it_was_begun_with(tmp_path: Path, file: Path) -> None:
    """Its rows are of it, should the default of the board be another one by now."""
    file.write_text(f'defaults = 2\n{TEXT}\n[budget]\nboard = "arduino_nano_33_ble"')
    folder = tmp_path / "run"
    run = open_run(file, folder, None)
    source = json.loads(run.paths.source.read_text())
    assert source["build"] == load_board("arduino_nano_33_ble").build.name
    run.paths.source.write_text(json.dumps({**source, "build": "head-Os"}))
    run.table.append(make_row(0))
    for again in (open_run(file, folder, None), reopen_run(folder)):
        assert again.sweep.default.budget.board == load_board("arduino_nano_33_ble", "head-Os")
    assert json.loads(run.paths.source.read_text())["build"] == "head-Os"


def test_run_of_old_is_of_the_build_of_old(shared: Path, tmp_path: Path) -> None:
    """It names none, and goes on with the numbers that it began with."""
    folder = tmp_path / "finished"
    shutil.copytree(shared / "runs_9badef2" / "finished", folder)
    board = reopen_run(folder).sweep.default.budget.board
    assert board == load_board("arduino_nano_33_ble", CMAKE_O2)


def test_reopened_run_has_the_paths_of_the_first(tmp_path: Path, file: Path) -> None:
    """Relative folders of the sweep file start where it was, though it is gone by now."""
    open_run(file, tmp_path / "run", (tmp_path / "data",))
    file.unlink()
    run = reopen_run(tmp_path / "run")
    assert run.sweep.path == file
    assert run.sweep.default.data.source == str(file.parent / "clips")
    assert run.data == (tmp_path / "data",)
    other = (tmp_path / "other",)
    assert reopen_run(tmp_path / "run", other).data == other


def test_reopened_run_has_all_folders_of_the_first(tmp_path: Path, file: Path) -> None:
    """One of clips is noted as ever; what is given now goes before it, each kind for itself."""
    folders = tuple(tmp_path / name for name in "abc")
    one = open_run(file, tmp_path / "one", folders[:1])
    assert one.data_section.all_sources == (str(folders[0]),)
    noted = json.loads((tmp_path / "one" / "run.json").read_text())
    assert noted["data"] == str(folders[0])
    assert "speech" not in noted
    run = open_run(file, tmp_path / "run", folders[:2], folders[2:])
    assert run.data_section.all_sources == (str(folders[0]), str(folders[1]))
    assert run.data_section.speech == (str(folders[2]),)
    again = reopen_run(tmp_path / "run")
    assert (again.data, again.speech) == (folders[:2], folders[2:])
    changed = reopen_run(tmp_path / "run", (), folders[:1])
    assert (changed.data, changed.speech) == (folders[:2], folders[:1])


@pytest.mark.parametrize(
    "damage",
    [
        {"run.json": None},
        {"sweep.toml": None},
        {"run.json": b"{"},
        {"run.json": b"[]"},
        {"run.json": b"[" * 100_000},
        {"run.json": b'{"data": null}'},
        {"run.json": b'{"data": null, "sweep_file": 3}'},
        {"sweep.toml": b"\xff\xfe"},
    ],
    ids=lambda damage: str(damage)[:60],
)
def test_folder_that_is_no_run_is_refused(
    tmp_path: Path, file: Path, damage: dict[str, Any]
) -> None:
    """One line says what a run's folder holds."""
    folder = open_run(file, tmp_path / "run", None).folder
    for name, content in damage.items():
        (folder / name).unlink()
        if content is not None:
            (folder / name).write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        reopen_run(folder)
    assert str(caught.value) == (
        f"{folder}: must be the folder of a run, with sweep.toml, run.json and trials.jsonl."
        " Give what 'sprd sweep --out' was given."
    )


def test_damaged_table_is_an_input_error(tmp_path: Path, file: Path) -> None:
    """It says which line."""
    folder = open_run(file, tmp_path / "run", None).folder
    (folder / "trials.jsonl").write_text("{}\n")
    with pytest.raises(InputError, match=r"trials\.jsonl, line 1: must be a trial's row"):
        reopen_run(folder)


@pytest.mark.parametrize("layout", [2, "1", None, 0])
def test_run_of_a_newer_version_is_refused_with_what_to_do(
    tmp_path: Path, file: Path, layout: object
) -> None:
    """To go on with as to read; nothing in it is touched."""
    run = open_run(file, tmp_path / "run", None)
    begin(run, "f" * 64)
    source = {"layout": layout, "whatever": "it needs"}
    run.paths.source.write_text(json.dumps(source))
    before = {path.name: path.read_bytes() for path in run.folder.iterdir()}
    for opened in (lambda: open_run(file, run.folder, None), lambda: reopen_run(run.folder)):
        with pytest.raises(
            NewerVersionError, match=r"layout: must be at most 1, got .* a newer sprd"
        ):
            opened()
    assert {path.name: path.read_bytes() for path in run.folder.iterdir()} == before


def test_run_of_an_older_version_is_read(shared: Path) -> None:
    """It names no layout."""
    run = reopen_run(shared / "runs_9badef2" / "finished")
    assert [trial.status for trial in run.table.trials].count("trained") == 4
    assert run.sweep.default.budget.board is not None


def test_row_is_found_by_its_number(tmp_path: Path, file: Path) -> None:
    """Only trained trials can be exported; the others are named."""
    run = open_run(file, tmp_path / "run", None)
    for row in (make_row(0), make_row(1, "failed"), make_row(2)):
        run.table.append(row)
    assert run.trial(2) == make_row(2)
    with pytest.raises(ConfigError) as caught:
        run.trial(1)
    assert str(caught.value) == (
        f"{run.folder} --trial: must be a trained trial, got 1. Trained: [0, 2]."
    )


def test_opening_alone_writes_nothing(tmp_path: Path, file: Path) -> None:
    """Until the data are known to be good there is no folder."""
    runs.open_run(file, tmp_path / "deep" / "run", None)
    assert not (tmp_path / "deep").exists()


def test_what_was_allowed_stays_with_the_run(tmp_path: Path, file: Path) -> None:
    """Also where the command that goes on does not repeat it."""
    run = open_run(file, tmp_path / "run", None)
    assert allowed_of(run) == ()
    begin(run, DATA, ("silent", "longer"))
    begin(run, DATA)
    assert allowed_of(run) == ("longer", "silent")


def test_trials_of_other_data_are_refused(tmp_path: Path, file: Path) -> None:
    """Rows of two data sets never mix; before the first row the data may change."""
    run = open_run(file, tmp_path / "run", None)
    begin(run, "1" * 64)
    run.table.append(make_row(0))
    with pytest.raises(ConfigError, match=r"fingerprint 111111111111, got 000000000000"):
        begin(run, DATA)


def test_references_are_recipes_on_the_data_of_the_run(tmp_path: Path, file: Path) -> None:
    """Another's model and training, outside the budget; data, seed and threads are the run's."""
    (file.parent / "clips").mkdir()
    other = TEXT.partition("[space]")[0].replace("[model]", "unknown_percentage = 40\n[model]")
    (file.parent / "other.toml").write_text(f"{other}filters = 3\n[budget]\nmodel_bytes = 9\n")
    more = '[[reference]]\nname = "theirs"\nsweep = "other.toml"\n'
    file.write_text(TEXT.replace("n_trials = 3", "n_trials = 3\nseed = 7") + more)
    run = open_run(file, tmp_path / "run", None)
    ((name, config),) = references_of(run)
    own = run.sweep.default
    assert (name, config.model.params["filters"], config.seed) == ("theirs", 3, 7)
    assert config.data == own.data.model_copy(update={"unknown_percentage": 40.0})
    assert (config.budget.model_bytes, config.budget.max_accuracy_drop) == (None, None)
    assert config.n_threads == own.n_threads
