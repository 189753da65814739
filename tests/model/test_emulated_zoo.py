"""A trained model of every architecture runs on an emulated core as in TensorFlow Lite Micro."""

import keras
import numpy as np
import pytest

from sprd.config.trial import ModelSection
from sprd.device.emulation.emulate import emulate
from sprd.device.footprint import measure
from sprd.model.params import ARCHITECTURES
from sprd.model.quantize import convert_int8
from sprd.model.zoo import build_model

pytestmark = pytest.mark.usefixtures("one_thread", "toolchain")

SHAPE = (25, 20)
N_LABELS = 4


def trained(architecture: str) -> bytes:
    """Trains a model for a few steps on noise; returns its int8 .tflite."""
    keras.utils.set_random_seed(3)
    params = ARCHITECTURES[architecture].defaults()
    section = ModelSection(architecture=architecture, params=params)
    model = build_model(section, SHAPE, N_LABELS)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(0.002), loss=loss)
    rng = np.random.default_rng(0)
    features = rng.uniform(0, 26, (200, SHAPE[0] * SHAPE[1])).astype(np.float32)
    model.fit(features, rng.integers(N_LABELS, size=200), batch_size=20, epochs=2, verbose=0)
    return convert_int8(model, features[:50], fixed_input=True)


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_every_architecture_runs_as_in_tflm(architecture: str) -> None:
    """Every output byte of 32 inputs is the same; the cost model told the instructions before."""
    model = trained(architecture)
    found = emulate(model, "cortex-m4")
    assert found.outputs_equal and found.n_clips == 32
    told = measure(model, None).instructions
    assert told == pytest.approx(found.instructions, rel=0.15)
