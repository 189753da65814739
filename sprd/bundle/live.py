"""A bundle or a bare model in, an ear out: what the device would answer to sound."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sprd.audio.frontend import StreamFrontEnd
from sprd.audio.store import scale_of
from sprd.bundle.opened import Opened, open_model
from sprd.config.trial import FeaturesSection
from sprd.device.tflm import Runner
from sprd.listening.live import Listener
from sprd.listening.recognizers import Recognizer


@dataclass(frozen=True)
class Ear:
    """A model that listens: its labels, its front end, its recogniser."""

    labels: tuple[str, ...]
    features: FeaturesSection
    recognizer: Recognizer
    runner: Runner
    front_end: StreamFrontEnd

    def listener(self) -> Listener:
        """Returns what hears one signal from its start on."""
        return Listener(self.front_end.anew().feed, self._answers, self.features, self.recognizer)

    def _answers(self, windows: NDArray[np.generic]) -> NDArray[np.int8]:
        scaled = windows.astype(np.float32) * np.float32(scale_of(self.features))
        return self.runner.run(self.runner.quantized(scaled))


def open_ear(model: Path, sweep_file: Path | None) -> Ear:
    """Opens a model to listen with, in TensorFlow Lite Micro.

    Args:
        model: Folder of a bundle, or a .tflite with `sweep_file`.
        sweep_file: What a bare .tflite hears: labels and front end.

    Raises:
        InputError: Model or sweep file cannot be used, or do not belong together.
    """
    opened = open_model(model, sweep_file)
    return ear_of(opened, str(model))


def ear_of(opened: Opened, name: str) -> Ear:
    """Returns the ear of a model that was opened; messages call it `name`.

    Raises:
        ModelFileError: The model takes other features, or gives other labels.
    """
    config = opened.config
    runner = Runner(opened.content, name)
    runner.check_shape(config.features.shape, len(config.labels))
    front_end = StreamFrontEnd(config.features)
    return Ear(config.labels, config.features, opened.recognizer, runner, front_end)
