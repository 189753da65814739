"""How a process that computes starts: in silence, its threads fixed."""

import subprocess
import sys

CODE = """
from sprd.model.start import load_tensorflow, set_threads
load_tensorflow()
import os
set_threads(2)
import tensorflow as tf
from tensorflow.python.framework import config
threads = tf.config.threading
print(threads.get_intra_op_parallelism_threads(), threads.get_inter_op_parallelism_threads())
print(os.environ["OMP_NUM_THREADS"], config.is_op_determinism_enabled())
"""


def test_tensorflow_starts_without_a_word_and_with_its_threads() -> None:
    """Its banner reaches nobody; every op is deterministic."""
    run = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "oneDNN" not in run.stderr
    assert run.stdout.split() == ["2", "2", "2", "True"]
