"""How a process that computes starts: TensorFlow without its banner, threads fixed."""

import os

from sprd.disk.process import quiet_stderr


def load_tensorflow() -> None:
    """Imports TensorFlow without the lines that it writes when it starts."""
    with quiet_stderr():
        import tensorflow  # noqa: F401


def set_threads(n_threads: int) -> None:
    """Fixes TensorFlow's threads and turns determinism on; before the first op of a process.

    To its end: TensorFlow can put back neither.
    """
    import tensorflow as tf

    os.environ["OMP_NUM_THREADS"] = str(n_threads)
    tf.config.threading.set_intra_op_parallelism_threads(n_threads)
    tf.config.threading.set_inter_op_parallelism_threads(n_threads)
    tf.config.experimental.enable_op_determinism()
    for gpu in tf.config.list_physical_devices("GPU"):  # several trials may share one
        tf.config.experimental.set_memory_growth(gpu, True)
