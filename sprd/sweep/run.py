"""The folder of a run: the sweep file as read, the table of trials, what each trial kept."""

import difflib
import json
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from sprd.config.budget import Budget
from sprd.config.frozen import replaced
from sprd.config.params import Vocabulary
from sprd.config.reader import load_recipe, load_sweep, parse_sweep
from sprd.config.space import SEARCHABLE_DATA
from sprd.config.sweep import SweepConfig
from sprd.config.trial import Config, DataSection
from sprd.device.board import BOARDS
from sprd.disk.atomic import write_atomically
from sprd.disk.room import check_room
from sprd.errors import ConfigError, NewerVersionError, OutputError
from sprd.model.params import ARCHITECTURES
from sprd.sweep.paths import RunPaths
from sprd.sweep.rows.row import Trial
from sprd.sweep.rows.table import Table
from sprd.sweep.search.earlier import Earlier, learn_from

VOCABULARY = Vocabulary(ARCHITECTURES, BOARDS)

LAYOUT = 1
"""Of a run's folder. A later version that a reader of this one would misread counts it up."""

ROOM_BYTES = 16 * 2**20
"""Free space that a run begins with: rows, models and checkpoints of a small sweep."""

UNLIMITED = 2**40
"""Instead of the flash and RAM of the board, for what is only to be compared with."""


@dataclass(frozen=True)
class Run:
    """The folder of a run: what a sweep leaves."""

    folder: Path
    sweep: SweepConfig
    table: Table
    data: tuple[Path, ...]
    """The folders that `--data` named, in place of the file's sources."""
    speech: tuple[Path, ...] = ()
    """Those that `--speech` named, in place of the file's."""

    @property
    def data_section(self) -> DataSection:
        """What the file says of the recordings, with the folders that flags named."""
        named: dict[str, object] = {}
        if self.data:
            named |= {"source": str(self.data[0]), "sources": ()}
        if len(self.data) > 1:
            named["sources"] = tuple(map(str, self.data))
        if self.speech:
            named["speech"] = tuple(map(str, self.speech))
        return replaced(self.sweep.default.data, **named)

    @property
    def build(self) -> str | None:
        """The build of its board, which all its costs are of; None without a board."""
        board = self.sweep.default.budget.board
        return board.build.name if board else None

    @property
    def paths(self) -> RunPaths:
        """Its files."""
        return RunPaths(self.folder)

    def trial(self, number: int) -> Trial:
        """Returns a trained trial.

        Raises:
            ConfigError: There is none of that number.
        """
        trained = [trial for trial in self.table.trials if trial.status == "trained"]
        for trial in trained:
            if trial.number == number:
                return trial
        numbers = [trial.number for trial in trained]
        raise ConfigError(
            f"{self.folder} --trial: must be a trained trial, got {number}. Trained: {numbers}."
        )


def open_run(
    file: Path,
    out: Path | None,
    data: Sequence[Path] | None = None,
    speech: Sequence[Path] | None = None,
    suffix: str = "",
) -> Run:
    """Opens the folder of a run for a sweep file: a new one, or the one to go on with.

    Args:
        file: The sweep file.
        out: The folder; one under runs/ by default.
        data, speech: Folders in place of the file's: the flags of these names.
        suffix: Of the default folder's name.

    Raises:
        ConfigError: The file breaks a rule, or another sweep's rows are in the folder.
        BoardError: The board's file breaks a rule.
        OutputError: The folder cannot be written.
    """
    sweep = load_sweep(file, VOCABULARY)
    folder = (out or Path("runs") / (sweep.sweep.name + suffix)).absolute()
    check_room(folder, ROOM_BYTES, "Make room, or choose another --out.")
    paths = RunPaths(folder)
    _read_source(folder)  # before anything else is: a newer version's may have other files
    if folder.exists() and not paths.source.exists():
        others = sorted(p.name for p in folder.iterdir() if not p.name.startswith("."))
        if others:
            raise OutputError(
                f"{folder}: must be empty or a run's folder, got other files, {others[0]!r} among"
                " them. Choose another --out."
            )
    elif paths.table.exists():
        _check_same(paths.sweep, sweep.path, sweep.text)
        board = sweep.default.budget.board
        if board is not None and sweep.board_text is not None:
            _check_same(paths.board, Path(board.origin), sweep.board_text)
        sweep = _with_kept_build(sweep, folder)
    return Run(folder, sweep, Table(paths.table), _absolute(data), _absolute(speech))


def check_data(run: Run, fingerprint: str) -> None:
    """Checks that these are the data of a run's trials: others would mix what is compared.

    Raises:
        ConfigError: The trials so far were made with other data.
    """
    noted = fingerprint_of(run)
    if run.table.rows and noted not in (None, fingerprint):
        raise ConfigError(
            f"{run.folder}: must have the data of its trials, fingerprint {noted[:12]}, got"
            f" {fingerprint[:12]}. Restore the data, or choose another --out."
        )


def begin(run: Run, fingerprint: str, allowed: Collection[str] = ()) -> None:
    """Writes what marks a folder as a run's, once file and data are known to be good.

    Args:
        run: Its folder and its sweep file.
        fingerprint: Of the data.
        allowed: Names of what is wrong with the data and was allowed.

    Raises:
        ConfigError: The trials so far were made with other data.
        OutputError: The folder cannot be written.
    """
    check_data(run, fingerprint)
    known = _read_source(run.folder)
    source = {
        **known,  # a newer version may have noted more
        "layout": LAYOUT,
        "id": known.get("id") or secrets.token_hex(6),
        "sweep_file": str(run.sweep.path.absolute()),
        "data": _noted(run.data),
        "data_fingerprint": fingerprint,
        **({"speech": list(map(str, run.speech))} if run.speech else {}),
        **({"build": run.build} if run.build else {}),
        **({"allowed": sorted(allowed)} if allowed else {}),
    }
    write_atomically(run.paths.source, json.dumps(source, indent=1) + "\n")
    write_atomically(run.paths.sweep, run.sweep.text)
    if run.sweep.board_text is not None:
        write_atomically(run.paths.board, run.sweep.board_text)


def fingerprint_of(run: Run) -> str | None:
    """Returns the fingerprint of the data that a run was made from; None before it began."""
    noted = _read_source(run.folder).get("data_fingerprint")
    return None if noted is None else str(noted)


def allowed_of(run: Run) -> tuple[str, ...]:
    """Returns what is wrong with a run's data and was allowed when it began."""
    noted = _read_source(run.folder).get("allowed", ())
    return tuple(map(str, noted)) if isinstance(noted, list) else ()


def run_id(folder: Path) -> str | None:
    """Returns what tells a run from others in a storage that they share; None before it began."""
    found = _read_source(folder).get("id")
    return str(found) if found else None


def references_of(run: Run) -> tuple[tuple[str, Config], ...]:
    """Returns what is trained to compare with: other recipes, on the data of this run.

    Raises:
        ConfigError: A sweep file that `[[reference]]` names is missing, or breaks a rule.
    """
    own = run.sweep.default
    found = []
    for reference in run.sweep.references:
        recipe = load_recipe(Path(reference.sweep), VOCABULARY)
        shares = {key: getattr(recipe.data, key) for key in SEARCHABLE_DATA}
        config = replaced(
            recipe,
            seed=own.seed,
            n_threads=own.n_threads,
            data=replaced(own.data, **shares),
            budget=Budget(
                board=own.budget.board,
                flash_bytes=UNLIMITED,
                ram_bytes=UNLIMITED,
                max_accuracy_drop=None,
            ),
        )
        found.append((reference.name, config))
    return tuple(found)


def earlier_runs(run: Run, fingerprint: str) -> Earlier:
    """Returns what the search learns from the runs that `sweep.warm_start` names.

    Raises:
        ConfigError: One is no run's folder.
    """
    limits = run.sweep.default.budget.all_limits
    found = []
    for name in run.sweep.sweep.warm_start:
        folder = (run.sweep.path.parent / name).absolute()
        old = reopen_run(folder)
        has_same_data = _read_source(folder).get("data_fingerprint") == fingerprint
        found.append(
            learn_from(run.sweep, limits, name, old.sweep, old.table.trials, has_same_data)
        )
    return Earlier(
        tuple(trial for one in found for trial in one.trials),
        tuple(point for one in found for point in one.points),
        tuple(note for one in found for note in one.notes),
    )


def reopen_run(
    folder: Path, data: Sequence[Path] | None = None, speech: Sequence[Path] | None = None
) -> Run:
    """Opens the folder of an earlier run to read from it.

    Args:
        folder: Of the run.
        data, speech: Folders in place of those that the run was given, or its file names.

    Raises:
        ConfigError: It is no run's folder.
        NewerVersionError: A newer sprd made it.
        BoardError: Its board's file is gone, or breaks a rule.
    """
    paths = RunPaths(folder.absolute())
    try:
        source = _read_source(folder)
        text = paths.sweep.read_text(encoding="utf-8-sig")
        origin = Path(source["sweep_file"])
        old_data, old_speech = (_folders(source.get(key)) for key in ("data", "speech"))
    except (OSError, ValueError, KeyError, TypeError, ConfigError) as error:
        raise ConfigError(
            f"{folder}: must be the folder of a run, with sweep.toml, run.json and trials.jsonl."
            " Give what 'sprd sweep --out' was given."
        ) from error
    kept = paths.board if paths.board.exists() else None
    sweep = parse_sweep(text, origin, VOCABULARY, kept, _build_of(source))
    folders, talk = _absolute(data or old_data), _absolute(speech or old_speech)
    return Run(paths.folder, sweep, Table(paths.table), folders, talk)


@contextmanager
def only_one(run: Run) -> Iterator[None]:
    """Keeps a second command out of a run's folder while the first writes there.

    Raises:
        OutputError: Another is running.
    """
    run.folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(run.paths.lock, timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise OutputError(
            f"{run.folder}: must be one command's at a time, got another that runs there. Wait for"
            " it, or choose another --out."
        ) from error
    try:
        yield
    finally:
        lock.release()


def _read_source(folder: Path) -> dict[str, Any]:
    """Reads where a run comes from; nothing where it has not begun.

    Raises:
        ConfigError: The file is damaged.
        NewerVersionError: A newer sprd wrote it.
    """
    path = RunPaths(folder).source
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        layout = found.get("layout", 1)
        if layout in range(1, LAYOUT + 1):
            return {"sweep_file": str(found["sweep_file"]), **found}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigError(
            f"{path}: must be what a sweep wrote, got {error!r}. Choose another --out."
        ) from error
    raise NewerVersionError(
        f"{path} layout: must be at most {LAYOUT}, got {layout!r}: a newer sprd made this run. Use"
        " that version, or choose another --out."
    )


def _absolute(folders: Sequence[Path] | None) -> tuple[Path, ...]:
    return tuple(folder.absolute() for folder in folders or ())


def _noted(folders: Sequence[Path]) -> str | list[str] | None:
    """Returns how a run notes its folders of clips: none, one as ever, or a list."""
    names = [str(folder) for folder in folders]
    return names if len(names) > 1 else names[0] if names else None


def _folders(noted: object) -> tuple[Path, ...]:
    """Reads it.

    Raises:
        TypeError: It is something else.
    """
    if noted is None or isinstance(noted, str):
        return (Path(noted),) if noted else ()
    if isinstance(noted, list):
        return tuple(Path(name) for name in noted)
    raise TypeError(f"no folders: {noted!r}")


def _with_kept_build(sweep: SweepConfig, folder: Path) -> SweepConfig:
    """Returns the sweep with the build that its rows are of, should its default be another now."""
    board, kept = sweep.default.budget.board, _build_of(_read_source(folder))
    if board is None or kept in (None, board.build.name):
        return sweep
    return parse_sweep(sweep.text, sweep.path, VOCABULARY, build=kept)


def _build_of(source: Mapping[str, Any]) -> str | None:
    """Returns the build that a run was begun with; None where it has no board, or none is noted."""
    build = source.get("build")
    return build if isinstance(build, str) else None


def _check_same(kept: Path, path: Path, text: str) -> None:
    """Compares a file with the copy of it that the folder's rows were made with."""
    try:
        old = kept.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{kept}: must be readable, got trials made with it and {error}. Choose another --out."
        ) from error
    if old == text:
        return
    lines = difflib.unified_diff(old.splitlines(), text.splitlines(), lineterm="", n=0)
    changed = [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    raise ConfigError(
        f"{path}: must be the file that {kept.parent} was started with, got changed lines: "
        f"{'; '.join(changed[:6])}. Choose another --out, or undo the change."
    )
