"""From a sweep file to a bundle, as a user runs it: the command, in processes of its own."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from sprd.device.board import BOARDS_FOLDER

ROOT = Path(__file__).parents[1]
SPRD = Path(sys.executable).with_name("sprd")
BOARD = "arduino_nano_33_ble"


def sprd(*args: object, cwd: Path | None = None, timeout: float = 400) -> Any:
    """Runs a command; returns what it did."""
    return subprocess.run(
        [str(SPRD), *map(str, args)], capture_output=True, text=True, timeout=timeout, cwd=cwd
    )


def listening_addresses() -> set[str]:
    """Where Ray's processes listen, as "process address"."""
    sockets = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":
                word = fields[1].split(":")[0][-8:]
                host = ".".join(str(byte) for byte in bytes.fromhex(word)[::-1])
                sockets[f"socket:[{fields[9]}]"] = host
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            name = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            links = {os.readlink(path) for path in (process / "fd").iterdir()}
        except OSError:
            continue
        if "ray" in name:
            found |= {f"{name[:30]} {sockets[link]}" for link in links if link in sockets}
    return found


def rows_of(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "trials.jsonl").read_text().splitlines()]


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """The folder of one finished smoke sweep; its name would trip a shell."""
    out = tmp_path_factory.mktemp("a run's folder") / "out 1"
    typed_in = tmp_path_factory.mktemp("with modules that are not ours")
    for name in ("tensorflow", "numpy", "ray", "random"):
        (typed_in / f"{name}.py").write_text("raise SystemExit('not ours')\n")
    done = sprd("sweep", ROOT / "sweeps/smoke.toml", "--out", out, cwd=typed_in)
    assert done.returncode == 0, done.stderr
    assert "trial" in done.stderr and "exported to" in done.stdout
    return out


def test_sweep_leaves_what_it_promises(run: Path) -> None:
    """A run holds the sweep file as read, a row a trial, each trained trial's files, a bundle."""
    rows = rows_of(run)
    trained = [row for row in rows if row["status"] == "trained"]
    assert len(trained) == 2
    assert {row["status"] for row in rows} <= {"trained", "infeasible", "stopped", "failed"}
    assert sorted(row["number"] for row in rows) == list(range(len(rows)))
    assert (run / "sweep.toml").read_text() == (ROOT / "sweeps/smoke.toml").read_text()
    for row in trained:
        kept = {path.name for path in (run / "trials" / str(row["number"])).iterdir()}
        assert kept == {"model.tflite", "model_float.tflite", "record.json"}
        assert row["footprint"]["model_bytes"] <= 9000
        assert 0 < row["metrics"]["balanced_accuracy"] <= 1
        assert list((run / "tensorboard" / str(row["number"])).glob("events*"))


def test_candidate_that_does_not_fit_costs_no_step(run: Path) -> None:
    """Infeasible rows name what they break and were never trained."""
    for row in rows_of(run):
        if row["status"] == "infeasible":
            assert row["violations"]
            assert "train" not in row["seconds"]
            assert row["step"] == 0


def test_bundle_passes_check_as_a_gate(run: Path) -> None:
    """The exported model fits the board: exit 0; with an absurd limit: exit 3."""
    model = run / "bundle/model.tflite"
    done = sprd("check", model, "--board", BOARD, "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    manifest = json.loads((run / "bundle/manifest.json").read_text())
    assert said["model_bytes"] == model.stat().st_size == manifest["footprint"]["model_bytes"]
    assert said["fits"] is True
    tight = sprd("check", model, "--board", BOARD, "--max-model-bytes", "100")
    assert tight.returncode == 3
    assert "over: model" in tight.stdout


def test_bundle_is_the_best_eligible_row(run: Path) -> None:
    """The winner is the most accurate trained trial within the budget, byte for byte."""
    eligible = [r for r in rows_of(run) if r["status"] == "trained" and not r["violations"]]
    manifest = json.loads((run / "bundle/manifest.json").read_text())
    best = max(eligible, key=lambda r: r["metrics"]["balanced_accuracy"])
    number = manifest["trial"]["number"]
    chosen = next(r for r in eligible if r["number"] == number)
    assert chosen["metrics"]["balanced_accuracy"] == best["metrics"]["balanced_accuracy"]
    assert digest(run / "bundle/model.tflite") == digest(run / f"trials/{number}/model.tflite")


def test_bundle_says_that_voices_are_synthetic(run: Path) -> None:
    """Neither the manifest nor the README hides that no person was heard."""
    manifest = json.loads((run / "bundle/manifest.json").read_text())
    assert manifest["record"]["data"]["is_synthetic"] is True
    assert "never heard a person" in (run / "bundle/README.md").read_text()
    assert manifest["scores"]["test"]["int8"]["n_clips"] > 0


def test_same_command_again_trains_nothing(run: Path) -> None:
    """A finished sweep only exports again; rows and bundle stay the same."""
    before, model = (run / "trials.jsonl").read_bytes(), digest(run / "bundle/model.tflite")
    left = run / "ray/trials/round-1/trial-0/checkpoint_000001"  # killed behind the last row
    left.mkdir(parents=True)
    (left / "state.npz").write_bytes(b"x")
    done = sprd("sweep", ROOT / "sweeps/smoke.toml", "--out", run)
    assert done.returncode == 0, done.stderr
    assert (run / "trials.jsonl").read_bytes() == before
    assert digest(run / "bundle/model.tflite") == model
    assert not (run / "ray").exists()


def test_changed_sweep_file_is_refused(run: Path, tmp_path: Path) -> None:
    """Another file in an old folder is exit 2, with the lines that differ."""
    text = (ROOT / "sweeps/smoke.toml").read_text().replace("seed = 1", "seed = 2")
    (tmp_path / "other.toml").write_text(text)
    done = sprd("sweep", tmp_path / "other.toml", "--out", run)
    assert done.returncode == 2
    assert "-seed = 1; +seed = 2" in done.stderr


def test_pick_exports_without_training(run: Path) -> None:
    """The smallest RAM wins; its bundle holds that trial's model, byte for byte."""
    started = time.monotonic()
    done = sprd("pick", run, "--by", "ram_bytes", "--json")
    seconds = time.monotonic() - started
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    eligible = [r for r in rows_of(run) if r["status"] == "trained" and not r["violations"]]
    assert said["ram_bytes"] == min(r["footprint"]["ram_bytes"] for r in eligible)
    picked = Path(said["bundle"]) / "model.tflite"
    assert digest(picked) == digest(run / f"trials/{said['trial']}/model.tflite")
    assert seconds < 60  # Measured alone it takes 6 s; see benchmarks/README.md.


@pytest.mark.usefixtures("toolchain")
def test_winner_is_verified_on_an_emulated_core(run: Path, tmp_path: Path) -> None:
    """Where the budget asks for it, the manifest holds counted instructions and says so."""
    copied = tmp_path / "run"
    shutil.copytree(run, copied, ignore=shutil.ignore_patterns("ray", "tensorboard"))
    number = json.loads((run / "bundle/manifest.json").read_text())["trial"]["number"]
    record_path = copied / f"trials/{number}/record.json"
    record = json.loads(record_path.read_text())
    record["config"]["budget"]["verify"] = "emulated"
    record_path.write_text(json.dumps(record))
    done = sprd("export", copied, "--trial", number, "--out", tmp_path / "bundle")
    assert done.returncode == 0, done.stderr
    manifest = json.loads((tmp_path / "bundle/manifest.json").read_text())
    told = json.loads((run / "bundle/manifest.json").read_text())["footprint"]
    assert manifest["footprint"]["latency_source"] == "emulated"
    assert "emulated core" in manifest["footprint_sources"]["instructions"]
    assert told["latency_source"] == "model"
    assert manifest["footprint"]["instructions"] == pytest.approx(told["instructions"], rel=0.15)
    assert manifest["footprint"]["instructions"] != told["instructions"]


def test_pick_under_impossible_limits_exports_nothing(run: Path) -> None:
    """Exit 3, and no folder."""
    out = run.parent / "nothing"
    done = sprd("pick", run, "--by", "ram_bytes", "--max-model-bytes", "10", "--out", out)
    assert done.returncode == 3
    assert "No trial is within model_bytes <= 10" in done.stderr
    assert not out.exists()


def test_pick_into_a_folder_of_something_else_is_refused_at_once(run: Path, tmp_path: Path) -> None:
    """Nothing is scored before the folder is looked at, and what lies there stays."""
    (tmp_path / "thesis.tex").write_text("mine")
    done = sprd("pick", run, "--by", "ram_bytes", "--out", tmp_path)
    assert done.returncode == 2
    assert "got a folder with 'thesis.tex'" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_export_of_an_unknown_trial_is_refused(run: Path) -> None:
    """Exit 2, and the trained trials are listed."""
    done = sprd("export", run, "--trial", "999")
    assert done.returncode == 2
    assert "must be a trained trial, got 999. Trained:" in done.stderr


def test_export_with_other_data_is_refused(run: Path, tmp_path: Path, cache: Path) -> None:
    """Test scores of one data set never stand beside the record of another."""
    data = next(cache.glob("synthetic/*/up")).parent
    for clip in sorted(data.glob("*/*.wav"))[::2]:
        copy = tmp_path / "data" / clip.parent.name / clip.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(clip.read_bytes())
    out = tmp_path / "out"
    number = json.loads((run / "bundle/manifest.json").read_text())["trial"]["number"]
    done = sprd("export", run, "--trial", number, "--data", tmp_path / "data", "--out", out)
    assert done.returncode == 2
    assert "must have the data of its trials" in done.stderr
    assert not out.exists()


def test_second_sweep_in_the_same_folder_is_refused(run: Path) -> None:
    """Two at once would erase each other's rows."""
    with FileLock(run / ".lock"):
        done = sprd("sweep", ROOT / "sweeps/smoke.toml", "--out", run)
    assert done.returncode == 2
    assert "got another that runs there" in done.stderr


def test_evaluate_scores_every_clip(run: Path, cache: Path) -> None:
    """A bundle is scored on a folder: all its clips, and as many silence cuts as asked for."""
    data = next(cache.glob("synthetic/*/up")).parent
    n_clips = sum(1 for p in data.glob("*/*.wav") if not p.parent.name.startswith("_"))
    done = sprd("evaluate", run / "bundle", "--data", data, "--silence", "7", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["n_clips"] == n_clips + 7
    test = sprd("evaluate", run / "bundle", "--data", data, "--split", "test", "--json")
    manifest = json.loads((run / "bundle/manifest.json").read_text())
    scored = json.loads(test.stdout)
    assert scored["confusion"][1:] == manifest["scores"]["test"]["int8"]["confusion"][1:]


def test_training_twice_gives_the_same_bytes(tmp_path: Path, run: Path) -> None:
    """The same file on the same machine: the same SHA-256 of the model."""
    text = (ROOT / "sweeps/smoke.toml").read_text().replace("steps = 120", "steps = 60")
    text = text.replace("model_bytes = 9000", "").replace("drop = 0.1", "drop = 1.0")
    (tmp_path / "one.toml").write_text(text)
    models = []
    for name in ("first", "second"):
        done = sprd("train", tmp_path / "one.toml", "--out", tmp_path / name, "--json")
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        assert said["ms_per_step"] > 0
        models.append(digest(Path(said["bundle"]) / "model.tflite"))
    assert models[0] == models[1]


def test_nothing_fits_is_exit_3_with_nearest_misses(tmp_path: Path, run: Path) -> None:
    """Nothing is exported; the message says how far the nearest missed."""
    text = (ROOT / "sweeps/smoke.toml").read_text()
    text = text[: text.index("[space]")].replace("n_trials = 2", "n_trials = 1")
    (tmp_path / "tight.toml").write_text(text.replace("model_bytes = 9000", "model_bytes = 500"))
    done = sprd("sweep", tmp_path / "tight.toml", "--out", tmp_path / "out")
    assert done.returncode == 3
    assert "No trial fits the budget: 0 of 1" in done.stderr
    assert "of 500 B (+" in done.stderr
    assert not (tmp_path / "out/bundle").exists()


def test_trial_that_diverges_is_a_row(tmp_path: Path, run: Path) -> None:
    """A loss that is not finite ends the trial with its reason, and nothing is exported."""
    text = (ROOT / "sweeps/smoke.toml").read_text()
    text = text[: text.index("[space]")].replace("n_trials = 2", "n_trials = 1")
    text = text.replace("learning_rate = 0.005", "learning_rate = 10").replace("9000", "900000")
    text = text.replace('"temporal_conv"\nkernel_frames = 3', '"low_latency_conv"\nfilters = 4')
    (tmp_path / "wild.toml").write_text(text.replace('"adam"', '"momentum"'))
    done = sprd("sweep", tmp_path / "wild.toml", "--out", tmp_path / "out")
    assert done.returncode == 1, done.stderr
    assert "the loss must be finite" in done.stderr and "Traceback" not in done.stderr
    assert [row["status"] for row in rows_of(tmp_path / "out")] == ["failed"]
    assert not (tmp_path / "out/bundle").exists()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_keeps_what_was_finished(tmp_path: Path, run: Path, sent: signal.Signals) -> None:
    """Ctrl-C, or who ends the group: exit 130, whole rows stay, the same command goes on."""
    text = (ROOT / "sweeps/smoke.toml").read_text().replace("n_trials = 2", "n_trials = 3")
    (tmp_path / "sweep.toml").write_text(text.replace("steps = 120", "steps = 900"))
    out = tmp_path / "out"
    # Where tests run in the background of a shell, Ctrl-C is ignored unless it is asked for.
    command = ["env", "--default-signal=INT", str(SPRD), "sweep"]
    command += [str(tmp_path / "sweep.toml"), "--out", str(out)]
    process = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline and process.poll() is None:
        table = out / "trials.jsonl"
        if table.exists() and b'"trained"' in table.read_bytes():
            break
        time.sleep(0.1)
    listening = listening_addresses()
    os.killpg(process.pid, sent)
    _, said = process.communicate(timeout=100)
    assert process.returncode == 130 and "Traceback" not in said and "***" not in said, said
    assert listening, "Ray's processes were found"
    assert {address.split()[-1] for address in listening} == {"127.0.0.1"}
    assert "run the same command again to go on" in said
    before = rows_of(out)
    assert sum(row["status"] == "trained" for row in before) >= 1
    done = sprd("sweep", tmp_path / "sweep.toml", "--out", out)
    assert done.returncode == 0, done.stderr
    after = rows_of(out)
    assert after[: len(before)] == before
    assert sum(row["status"] == "trained" for row in after) == 3
    assert len({row["number"] for row in after}) == len(after)


BAD_COMMANDS = [
    (["swep", "x"], 2, "Did you mean 'sweep'?"),
    (["sweep", "missing.toml"], 2, "missing.toml: must be a readable sweep file"),
    (["check", "missing.tflite", "--board", BOARD], 2, "missing.tflite"),
    (["check", str(ROOT / "README.md"), "--board", BOARD], 2, "README.md"),
    (["check", "x.tflite", "--board", "arduino_nano"], 2, "Did you mean 'arduino_nano_33_ble'?"),
    (["check", "x.tflite", "--board", BOARD, "--max-ram-bytes", "-1"], 2, "plain number from 0"),
    (["check", "x.tflite", "--board", BOARD, "--max-ram-bytes", "64K"], 2, "plain number from 0"),
    (["sweep", str(ROOT / "sweeps/smoke.toml"), "--out", "/dev/null/out"], 2, "must be writable"),
    (["sweep", str(ROOT / "sweeps/smoke.toml"), "--trials", "0"], 2, "integer from 1"),
    (["pick", "nowhere", "--by", "ram_bytes"], 2, "must be the folder of a run"),
    (["evaluate", "nowhere", "--data", "."], 2, "must be the folder of a bundle"),
    (["data", "check", "nowhere"], 2, "nowhere"),
]


@pytest.mark.parametrize(("args", "code", "said"), BAD_COMMANDS, ids=lambda a: str(a)[:40])
def test_bad_input_is_one_clear_line(args: list[str], code: int, said: str, tmp_path: Path) -> None:
    """Exit 2 and one line, no traceback, nothing written."""
    done = sprd(*args, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_cluster_that_is_not_there_is_refused_at_once(run: Path, tmp_path: Path) -> None:
    """Exit 1 and one line; Ray itself would try for minutes."""
    out = tmp_path / "out"
    args = ("sweep", ROOT / "sweeps/smoke.toml", "--out", out, "--address", "127.0.0.1:1")
    done = sprd(*args, timeout=60)
    assert done.returncode == 1
    assert "--address 127.0.0.1:1: must be a running Ray cluster" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_check_of_the_shipped_model(shared: Path) -> None:
    """SPRD's model: sizes, operators and arena as published."""
    model = shared / "models/sprd_tiny_conv_up_down.tflite"
    said = json.loads(sprd("check", model, "--board", BOARD, "--json").stdout)
    assert said["model_bytes"] == 18_960
    assert said["macs"] == 336_000
    assert said["ops"] == ["RESHAPE", "CONV_2D", "FULLY_CONNECTED", "SOFTMAX"]
    assert said["arena_host_bytes"] == 9_776


def test_evaluate_of_a_bare_model_on_real_speech(shared: Path) -> None:
    """The shipped model recalls what SPRD reports of it, within 0.07: other speakers."""
    done = sprd(
        "evaluate",
        shared / "models/sprd_tiny_conv_up_down.tflite",
        "--data",
        shared / "data/speech_commands",
        "--sweep",
        ROOT / "sweeps/sprd.toml",
        "--json",
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    expected = {"up": 0.92, "down": 0.94, "_unknown_": 0.58, "_silence_": 0.93}
    for label, recall in expected.items():
        assert said["recall"][label] == pytest.approx(recall, abs=0.07)


def test_data_without_a_keyword_is_refused(shared: Path, tmp_path: Path) -> None:
    """The keyword is named, and nothing but the run's own notes is written."""
    text = (ROOT / "sweeps/smoke.toml").read_text().replace('"down"]', '"backwards"]')
    (tmp_path / "s.toml").write_text(text)
    done = sprd(
        "sweep", tmp_path / "s.toml", "--data", shared / "data/speech_commands", "--out",
        tmp_path / "out",
    )  # fmt: skip
    assert done.returncode == 2
    assert "'backwards'" in done.stderr and "Did you mean 'backward'?" in done.stderr
    assert not (tmp_path / "out/trials.jsonl").exists()


def test_help_is_quick_and_light() -> None:
    """`sprd --help` and each command's help load neither TensorFlow nor ray nor optuna."""
    code = (
        "import sys, sprd.cli.main\n"
        "try: sprd.cli.main.main(['--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit(any(m in sys.modules for m in ('tensorflow', 'ray', 'optuna')))"
    )
    environment = {**os.environ, "COLUMNS": "80"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment)
    assert done.returncode == 0
    assert all(len(line) <= 80 for line in done.stdout.decode().splitlines())


def changed_bundle(run: Path, folder: Path, change: Any) -> Path:
    """A copy of the run's bundle whose manifest a function has changed."""
    shutil.copytree(run / "bundle", folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest, folder)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_winner_is_made_again_bit_for_bit(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the bundle alone: it was moved, and the features are computed anew."""
    cache = Path(os.environ["SPRD_CACHE"])
    other = tmp_path / "other cache"
    shutil.copytree(cache, other, ignore=shutil.ignore_patterns("features", "*.lock"))
    monkeypatch.setenv("SPRD_CACHE", str(other))
    bundle = shutil.copytree(run / "bundle", tmp_path / "moved")
    done = sprd("reproduce", bundle, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["result"] == "identical" and found["differences"] == []
    assert found["sha256"] == [digest(bundle / "model.tflite")] * 2
    assert found["n_bytes_different"] == 0 and found["largest_output_difference"] == 0
    assert found["weights_moved"] == 0


def test_model_that_comes_out_otherwise_is_told(run: Path, tmp_path: Path) -> None:
    """The bundle says another seed: other weights, and how far their scores are apart."""

    def change(manifest: Any, folder: Path) -> None:
        manifest["config"]["seed"] += 1
        manifest["record"]["versions"]["numpy"] = "1.0"

    done = sprd("reproduce", changed_bundle(run, tmp_path / "b", change), "--json")
    found = json.loads(done.stdout)
    assert done.returncode == {"equivalent": 4, "different": 1}[found["result"]]
    low, high = found["interval"]
    assert (found["result"] == "equivalent") == (low <= found["balanced_accuracy"][1] <= high)
    assert found["sha256"][0] != found["sha256"][1] and found["n_bytes_different"] > 0
    assert found["weights_moved"] > 0
    assert "versions: numpy 1.0 -> " in found["differences"][0]


def test_other_split_of_the_same_recordings_is_refused(run: Path, tmp_path: Path) -> None:
    """Lists beside the recordings say who validates: the clips are the same, the speakers not.

    What is wrong with them is told in any case.
    """
    from sprd.audio.corpus import open_corpus
    from sprd.bundle.reproduce import open_record, open_same_data
    from sprd.errors import DataError

    manifest, config = open_record(run / "bundle")
    voices = open_corpus(config.data).clips[0].path.parents[1]
    copy = shutil.copytree(voices, tmp_path / "copy")
    told: list[str] = []
    (copy / "up/notes.doc").write_text("not a recording")
    assert open_same_data(manifest, config, (copy,), (), None, told.append).is_synthetic
    assert "to know about these recordings" in told[0] and "notes.doc" in "".join(told)
    speakers = sorted({path.name.split("_nohash_")[0] for path in copy.glob("up/*.wav")})
    for name, chosen in (("validation", speakers[:20]), ("testing", speakers[20:40])):
        files = [p for one in chosen for p in sorted(copy.glob(f"[!_]*/{one}_nohash_*.wav"))]
        lines = [path.relative_to(copy).as_posix() for path in files]
        (copy / f"{name}_list.txt").write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match="must be split as in the bundle"):
        open_same_data(manifest, config, (copy,), (), None)


def damage_model(manifest: Any, folder: Path) -> None:
    """Another file under the right hash."""
    model = b"\x1c\0\0\0TFL3" + bytes(3000)
    (folder / "model.tflite").write_bytes(model)
    sha256 = hashlib.sha256(model).hexdigest()
    manifest["files"]["model.tflite"] = {"bytes": len(model), "sha256": sha256}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (damage_model, "Convert"),
        (lambda m, _: m["config"]["model"].update(architecture="foo"), "must be an architecture"),
        (lambda m, _: m["config"]["model"].update(params={}), "must be an architecture"),
        (lambda m, _: m["config"].update(n_threads=0), "config.n_threads"),
        (lambda m, _: m["config"]["data"].update(keywords=["up"]), "must take"),
        (lambda m, _: m["config"]["features"].update(n_channels=30), "must take"),
    ],
)
def test_record_that_cannot_be_made_again_is_refused(
    run: Path, tmp_path: Path, change: Any, said: str
) -> None:
    """Before anything is trained."""
    from sprd.bundle.reproduce import open_record
    from sprd.errors import InputError

    with pytest.raises(InputError, match=said):
        open_record(changed_bundle(run, tmp_path / "b", change))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: m["footprint"].update(ram_bytes=1), "footprint ram_bytes: manifest 1,"),
        (lambda m: m["footprint"].update(latency_ms=0.1), "footprint latency_ms: manifest 0.1,"),
        (lambda m: m.update(labels=["a", "b", "c", "d"]), "labels: must be"),
        (lambda m: m["config"].update(seed=99), "seed: must be 99"),
        (lambda m: m.update(build="head-Os"), "build: must be arduino"),
        (lambda m: m.update(sweep_text="nothing"), "SHA-256 of sweep_text: must be"),
    ],
)
def test_manifest_that_contradicts_itself_is_told(
    run: Path, tmp_path: Path, change: Any, said: str
) -> None:
    """Or the model: its numbers are measured again."""
    from sprd.bundle.verify import verify

    found = verify(changed_bundle(run, tmp_path / "b", lambda m, _: change(m)))
    assert any(line.startswith(said) for line in found.changed_numbers), found


def test_what_other_versions_measure_otherwise_is_no_change(run: Path, tmp_path: Path) -> None:
    """Of another TFLM, another sprd: what they estimate and allocate is theirs."""
    from sprd.bundle.verify import verify

    def change(manifest: Any, folder: Path) -> None:
        manifest["record"]["versions"]["tflite-micro"] = "0.dev1"
        manifest["record"]["code"] = "0" * 64
        manifest["footprint"]["arena_host_bytes"] += 16
        manifest["footprint"]["flash_bytes"] += 1000

    assert verify(changed_bundle(run, tmp_path / "b", change)).changed_numbers == ()


@pytest.mark.parametrize("limit", ["max_false_accept_rate", "max_accuracy_drop"])
def test_scores_are_held_against_the_budget(run: Path, tmp_path: Path, limit: str) -> None:
    """Those of validation speakers, as in the sweep."""
    from sprd.bundle.verify import verify

    def change(manifest: Any, folder: Path) -> None:
        manifest["config"]["budget"][limit] = 0.0
        scores = manifest["scores"]["validation"]
        scores["float"]["balanced_accuracy"] = scores["int8"]["balanced_accuracy"] + 0.01

    found = verify(changed_bundle(run, tmp_path / "b", change))
    assert [one.limit for one in found.violations] == [0.0]


def test_other_recordings_are_refused(run: Path, tmp_path: Path) -> None:
    """Nothing is trained."""

    def change(manifest: Any, folder: Path) -> None:
        manifest["record"]["data"]["fingerprint"] = "0" * 64

    done = sprd("reproduce", changed_bundle(run, tmp_path / "b", change))
    assert done.returncode == 2 and "Other recordings give another model" in done.stderr
    assert "training" not in done.stderr


def test_bundle_is_verified(run: Path, tmp_path: Path) -> None:
    """Whole; then with a file changed, a number of the footprint, a tighter budget."""
    whole = sprd("verify", run / "bundle")
    assert whole.returncode == 0 and "nothing wrong" in whole.stdout, whole.stderr

    def header(manifest: Any, folder: Path) -> None:
        (folder / "model.h").write_text("// mine")

    done = sprd("verify", changed_bundle(run, tmp_path / "header", header))
    assert done.returncode == 1 and "model.h: is missing, or not" in done.stdout

    def number(manifest: Any, folder: Path) -> None:
        manifest["footprint"]["macs"] += 1

    done = sprd("verify", changed_bundle(run, tmp_path / "number", number), "--json")
    assert done.returncode == 1 and json.loads(done.stdout)["changed_numbers"]

    def budget(manifest: Any, folder: Path) -> None:
        manifest["config"]["budget"]["model_bytes"] = 1000

    done = sprd("verify", changed_bundle(run, tmp_path / "budget", budget))
    assert done.returncode == 3 and "over budget: model" in done.stdout

    def own_board(manifest: Any, folder: Path) -> None:
        text = (BOARDS_FOLDER / f"{BOARD}.toml").read_text()
        text = text.replace('kernels = "cmsis-nn"\n', "", 1)  # without the build of old
        manifest["config"]["budget"] |= {"board": "gone.toml", "board_toml": text}

    done = sprd("verify", changed_bundle(run, tmp_path / "own board", own_board), cwd=tmp_path)
    assert done.returncode == 0 and "nothing wrong" in done.stdout, done.stderr

    def no_board(manifest: Any, folder: Path) -> None:
        manifest["config"]["budget"]["board"] = "gone.toml"

    done = sprd("verify", changed_bundle(run, tmp_path / "no board", no_board), cwd=tmp_path)
    assert done.returncode == 2 and "must be the text of 'gone.toml', got none" in done.stderr

    def schema(manifest: Any, folder: Path) -> None:
        manifest["labels"] = "none"

    done = sprd("verify", changed_bundle(run, tmp_path / "schema", schema))
    assert done.returncode == 2 and "must match schema version" in done.stderr
