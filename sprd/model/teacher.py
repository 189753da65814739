"""Training features in, a larger model's logits of them out: what a small model learns from.

Source: Hinton et al., arXiv:1503.02531. The teacher never sees a validation clip, and none of
its steps is reported. It is trained once for all that its numbers depend on and kept in the cache
folder: the trials of a sweep over the student share it.
"""

import hashlib
import json
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from sprd.audio.store import Features
from sprd.config.frozen import replaced
from sprd.config.trial import Config, ModelSection, TrainSection
from sprd.disk.cache import keep, read_kept
from sprd.model.batches import Batches
from sprd.model.loop import TrainingLoop, logits_of
from sprd.model.zoo import build_model

FORMAT = 1
"""Part of every teacher's name: raise it when the same settings give other numbers."""

LEARNING_RATE = 0.003
KERNEL_FRAMES = 7
DROPOUT = 0.3
N_LAYERS = 4

_ROWS = 4096


def teacher_logits(config: Config, training: Features) -> NDArray[np.float32]:
    """Returns the teacher's (n * n_variants, n_labels) logits of the training features.

    Trains it if it is not on this machine yet: several processes may ask for the same, one
    trains, the others wait. Leaves Keras with another session: build models afterwards.

    Raises:
        TrainingError: Its loss is not finite.
        OutputError: The cache folder cannot be written.
    """
    n_bytes = training.raw.shape[0] * training.raw.shape[1] * len(config.labels) * 4
    name = teacher_key(config, training)

    def read(folder: Path) -> NDArray[np.float32]:
        logits: NDArray[np.float32] = np.load(folder / "logits.npy", allow_pickle=False)
        return logits

    return read_kept(
        lambda: keep("teachers", name, n_bytes, lambda folder: _build(folder, config, training)),
        read,
    )


def teacher_config(config: Config) -> Config:
    """Returns the configuration of the teacher of a trial.

    A wide temporal convolution on the same batches. Of the student it takes the data, masks,
    batch size and seed, and neither smoothing (which blurs what a teacher has to tell: Müller et
    al., arXiv:1906.02629) nor mixup.
    """
    filters, strides = [config.train.teacher_filters] * N_LAYERS, "1-2-1-2"
    model = ModelSection(
        architecture="temporal_conv",
        params={
            "layer_filters": "-".join(map(str, filters)),
            "kernel_frames": KERNEL_FRAMES,
            "layer_strides": strides,
            "dropout": DROPOUT,
        },
    )
    train = TrainSection(
        steps=config.train.teacher_steps or config.train.n_steps,
        learning_rate=LEARNING_RATE,
        schedule="cosine",
        batch_size=config.train.batch_size,
        optimizer="adam",
    )
    return replaced(config, model=model, train=train)


def teacher_key(config: Config, training: Features) -> str:
    """Returns the name of a teacher: a hash of all that its logits depend on."""
    teacher = teacher_config(config)
    what = {
        "format": FORMAT,
        "tensorflow": tf.__version__,
        "features": training.key or _digest(training.raw),
        "scale": training.scale,
        "truth": _digest(training.labels(config.labels)),
        "n_labels": len(config.labels),
        "silence_percentage": config.data.silence_percentage,
        "unknown_percentage": config.data.unknown_percentage,
        "time_mask_frames": config.augment.time_mask_frames,
        "channel_mask_channels": config.augment.channel_mask_channels,
        "model": teacher.model.model_dump(),
        "train": teacher.train.model_dump(),
        "seed": config.seed,
        "n_threads": config.n_threads,
    }
    if config.data.unknown_draw == "word":  # "clip" has the names of teachers that are kept
        what["unknown_draw"] = "word"
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:32]


def _build(folder: Path, config: Config, training: Features) -> None:
    teacher = teacher_config(config)
    keras.backend.clear_session()
    keras.utils.set_random_seed(config.seed)
    model = build_model(teacher.model, config.features.shape, len(config.labels))
    TrainingLoop(model, teacher, training.scale).run(
        Batches(teacher, training), 0, teacher.train.n_steps
    )
    np.save(folder / "logits.npy", _logits(model, training))


def _logits(model: keras.Model, training: Features) -> NDArray[np.float32]:
    """Logits of every variant of every clip, a part at a time: the features may be large."""
    n, n_variants = training.raw.shape[:2]
    rows = training.raw.reshape(n * n_variants, -1)
    scale = np.float32(training.scale)
    parts = (rows[i : i + _ROWS].astype(np.float32) * scale for i in range(0, len(rows), _ROWS))
    return np.concatenate([logits_of(model, part) for part in parts])


def _digest(array: NDArray[np.generic]) -> str:
    content = hashlib.sha256(f"{array.dtype} {array.shape}".encode())
    content.update(np.ascontiguousarray(array).data)
    return content.hexdigest()
