"""A bundle or a bare model in, what the device would answer to sound out."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sprd.audio.frontend import StreamFrontEnd
from sprd.bundle.opened import Opened, open_model
from sprd.config.trial import FeaturesSection
from sprd.listening.interpreter import Ear
from sprd.listening.live import Listener
from sprd.listening.recognizers import Recognizer


@dataclass(frozen=True)
class LiveEar:
    """A model that listens to whatever comes: labels, front end, recogniser."""

    labels: tuple[str, ...]
    features: FeaturesSection
    recognizer: Recognizer
    ear: Ear
    front_end: StreamFrontEnd

    def listener(self) -> Listener:
        """Returns what hears one signal from its start on."""
        front_end = self.front_end.anew()

        def frames(samples: NDArray[np.int16]) -> NDArray[np.int8]:
            return self.ear.quantized(front_end.feed(samples))

        def answers(windows: NDArray[np.int8]) -> NDArray[np.int8]:
            return self.ear.run(windows.reshape(len(windows), -1))

        return Listener(frames, answers, self.features, self.recognizer)


def open_live_ear(model: Path, sweep_file: Path | None, is_exact: bool) -> LiveEar:
    """Opens a model to listen with.

    Args:
        model: Folder of a bundle, or a .tflite with `sweep_file`.
        sweep_file: What a bare .tflite hears: labels and front end.
        is_exact: In TensorFlow Lite Micro, whose wheel is slower than sound is for large models.

    Raises:
        InputError: Model or sweep file cannot be used, or do not belong together.
    """
    return live_ear_of(open_model(model, sweep_file), is_exact)


def live_ear_of(opened: Opened, is_exact: bool) -> LiveEar:
    """Returns what a model that was opened listens with.

    Raises:
        ModelFileError: The model takes other features, or gives other labels.
    """
    config = opened.config
    ear = Ear(opened.content, config.features, len(config.labels), is_exact)
    front_end = StreamFrontEnd(config.features)
    return LiveEar(config.labels, config.features, opened.recognizer, ear, front_end)
