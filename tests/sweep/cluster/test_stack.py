"""How many functions of ours lie between a command and what it is for: few enough to follow."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import ray
import soundfile
from ray import tune

from sprd.audio.corpus import Corpus
from sprd.sweep.cluster import worker
from sprd.sweep.cluster.job import Job
from sprd.sweep.trial import train
from sprd.sweep.trial.outcome import Outcome
from tests.builders import make_sweep

ROOT = Path(__file__).parents[3]
MAX_TO_THE_REMOTE_CALL = 5
MAX_TO_THE_TRIAL = 3

DRIVER = """
import json, sys, traceback
from pathlib import Path

import ray.actor
from ray import tune

from sprd.cli.main import main
from sprd.sweep.cluster import tune as ours
from sprd.sweep.trial.outcome import Outcome

PACKAGE = str(Path(ours.__file__).parents[2])
stacks = {}


def trainable(packed, corpus):
    report = {"step": 0, "val_balanced_accuracy": 0.0, "outcome": OUTCOME}
    tune.report(report)


def remote(method, *args, **kwargs):
    frames = [f for f in traceback.extract_stack() if f.filename.startswith(PACKAGE)]
    names = [f"{Path(f.filename).relative_to(PACKAGE)}:{f.name}" for f in frames]
    stacks.setdefault(method._method_name, names)
    return before(method, *args, **kwargs)


OUTCOME = Outcome("failed", error="a stub").to_json()
ours.trainable, before, ray.actor.ActorMethod._remote = (
    trainable, ray.actor.ActorMethod._remote, remote
)
code = main(sys.argv[1:])
print(json.dumps({"code": code, "stack": stacks["train"]}))
"""


@pytest.fixture
def sweep_file(tmp_path: Path) -> Path:
    """One trial on a few clips of noise."""
    rng = np.random.default_rng(0)
    for word in ("up", "down", "other"):
        (tmp_path / "clips" / word).mkdir(parents=True)
        for number in range(40):
            path = tmp_path / "clips" / word / f"speaker{number}_nohash_0.wav"
            soundfile.write(path, rng.uniform(-0.1, 0.1, 4000), 16_000)
    path = tmp_path / "stack.toml"
    path.write_text(
        textwrap.dedent("""\
        [sweep]
        name = "stack"
        [data]
        source = "clips"
        keywords = ["up", "down"]
        validation_percentage = 20
        testing_percentage = 20
        [model]
        architecture = "tiny_conv"
        """)
    )
    return path


def test_few_functions_lead_from_the_command_to_the_remote_call(
    sweep_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the verb on, and whatever Tune calls of its own apart."""
    out = sweep_file.parent / "run"
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, "sweep", str(sweep_file), "--out", str(out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["code"] == 1 and "a stub" in done.stderr
    stack = [frame for frame in told["stack"] if not frame.startswith("cli/main.py:")]
    assert stack[:2] == ["cli/sweep.py:sweep", "pipeline.py:run_sweep"]
    with capsys.disabled():
        print(f"\nto the remote call, {len(stack)}: {' > '.join(stack)}")
    assert len(stack) <= MAX_TO_THE_REMOTE_CALL


def test_few_functions_lead_from_the_entry_of_a_worker_to_the_trial(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The body of the trial is the last of them."""
    stacks: list[list[str]] = []
    reports: list[dict[str, object]] = []

    def run_trial(*args: object) -> Outcome:
        frame, names = sys._getframe(1), ["run_trial"]
        while frame is not None and frame.f_globals["__name__"].startswith("sprd."):
            names.insert(0, frame.f_code.co_name)
            frame = frame.f_back  # type: ignore[assignment]
        stacks.append(names)
        return Outcome("failed", error="a stub")

    corpus = Corpus((), (), "f" * 64, "none", True, 0, ())
    config = make_sweep().default
    monkeypatch.setattr(train, "run_trial", run_trial)
    monkeypatch.setattr(worker, "_opened", lambda reference: corpus)
    monkeypatch.setattr("sprd.model.start.set_threads", lambda n_threads: None)
    monkeypatch.setattr(tune, "get_checkpoint", lambda: None)
    monkeypatch.setattr(tune, "report", lambda metrics, **checkpoint: reports.append(metrics))
    monkeypatch.setattr(ray.util, "get_node_ip_address", lambda: "here")
    job = Job(0, "trial 0", config, None, False, "{}", None)
    worker.trainable(job.pack(), [None])
    assert Outcome.from_json(str(reports[0][worker.OUTCOME])).error == "a stub"
    with capsys.disabled():
        print(f"\nin a worker, {len(stacks[0])}: {' > '.join(stacks[0])}")
    assert len(stacks[0]) <= MAX_TO_THE_TRIAL
