"""A small sweep of trials that last, and how a fault is done to it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

SECRET = "made-up-for-the-test"
"""What credentials are given, and must be told nowhere."""

SWEEP = """\
[sweep]
name = "faults"
n_trials = {n_trials}
seed = 3
sampler = "random"
scheduler = "none"

[data]
source = "synthetic"
keywords = ["up", "down"]
n_voices = 60
n_takes = 2
n_other_words = 5
silence_percentage = 30
unknown_percentage = 60

[augment]
n_variants = 1

[model]
architecture = "tiny_conv"

[train]
steps = {steps}
batch_size = 50
learning_rate = 0.003
eval_interval = {interval}

[budget]
board = "{board}"

[space]
"model.filters" = {{ low = 4, high = 8, step = 1 }}
"train.learning_rate" = {{ low = 1e-3, high = 1e-2, log = true }}
{more}"""


def command(*words: object) -> list[str]:
    """Returns the command line of sprd as it is here."""
    return [sys.executable, "-m", "sprd", *map(str, words)]


def sprd(*words: object, **settings: Any) -> "subprocess.CompletedProcess[str]":
    """Runs sprd to its end."""
    return subprocess.run(command(*words), capture_output=True, text=True, check=False, **settings)


def rows(run: Path) -> list[dict[str, Any]]:
    """Returns the rows of a run; a line that is not whole yet is none."""
    path = run / "trials.jsonl"
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]
    return [json.loads(line) for line in lines]
