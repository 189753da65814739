"""The fast kernels hear what TensorFlow Lite Micro does."""

import tracemalloc

import numpy as np
import pytest

from sprd.audio.frontend import FrontEnd
from sprd.audio.streams import Stream
from sprd.config.trial import FeaturesSection, ModelSection
from sprd.device.tflm import Runner
from sprd.errors import ModelFileError
from sprd.listening.interpreter import CHUNK, Ear
from sprd.listening.recognizers import inference_times
from sprd.model.params import ARCHITECTURES
from sprd.model.quantize import convert_untrained
from tests.audio.spoken import tone

pytestmark = pytest.mark.usefixtures("one_thread")

FEATURES = FeaturesSection(window_size_ms=40, window_stride_ms=40)


def model_of(architecture: str, features: FeaturesSection = FEATURES) -> bytes:
    params = ARCHITECTURES[architecture].defaults()
    section = ModelSection(architecture=architecture, params=params)
    return convert_untrained(section, features.shape, 4)


def stream_of(seconds: float, key: str) -> Stream:
    rng = np.random.default_rng(len(key))
    loudness = np.repeat(rng.uniform(0.02, 1, int(seconds * 10) + 1), 1600)
    samples = tone(seconds, 8000.0)
    samples = (samples * loudness[: len(samples)]).astype(np.int16)
    return Stream(key, "speech", None, 16_000, samples, (), (), 0, key)


@pytest.mark.parametrize(
    ("architecture", "share", "most"),
    [("temporal_conv", 0.003, 9), ("ds_cnn", 0.003, 9), ("tc_resnet", 0.05, 16)],
)
def test_outputs_are_those_of_tensorflow_lite_micro(
    architecture: str, share: float, most: int
) -> None:
    """All but 0.3 % of them, by 9 of 255 at most; 5 % of a model with sums of two layers."""
    model, stream = model_of(architecture), stream_of(20.0, "noise")
    fast = Ear(model, FEATURES, 4, exact=False).hear(stream, 64)
    exact = Ear(model, FEATURES, 4, exact=True).hear(stream, 64)
    np.testing.assert_array_equal(fast.times_ms, exact.times_ms)
    apart = np.abs(fast.scores.astype(int) - exact.scores.astype(int))
    assert len(np.unique(exact.scores)) > 1
    assert (apart > 0).mean() <= share
    assert apart.max() <= most


@pytest.mark.parametrize("preprocess", ["micro", "mfcc"])
def test_the_model_hears_the_window_that_ends_at_each_inference(preprocess: str) -> None:
    """Scores are those of clips cut from the features, quantized as clips are."""
    features = FeaturesSection.model_validate({"preprocess": preprocess})
    model, stream = model_of("tiny_conv", features), stream_of(4.0, preprocess)
    heard = Ear(model, features, 4, exact=True).hear(stream, 40)
    times = inference_times(len(stream.samples), features, 40)
    np.testing.assert_array_equal(heard.times_ms, times)
    frames = FrontEnd(features).compute_stream(stream.samples).astype(np.float32)
    if preprocess == "micro":
        frames *= np.float32(10 / 256)
    ends = (times - 30 + 20) // 20
    whole = ends >= features.n_frames
    clips = np.stack([frames[end - features.n_frames : end] for end in ends[whole]])
    runner = Runner(model)
    np.testing.assert_array_equal(heard.scores[whole], runner.run(runner.quantized(clips)))


def test_before_a_second_has_passed_the_buffer_holds_zeros() -> None:
    """As on a device that was just switched on: int8 zeros, then the first frames."""
    model = model_of("tiny_conv")
    frames = np.full((30, 40), 300, np.uint16)
    found = Ear(model, FEATURES, 4, exact=True).scores(frames, np.array([1, 30]))
    runner = Runner(model)
    value = runner.quantized(np.full((1, runner.n_inputs), 300 * 10 / 256, np.float32))
    window = np.concatenate([np.zeros(runner.n_inputs - 40, np.int8), value[0, :40]])
    np.testing.assert_array_equal(found[0], runner.run(window[None])[0])
    np.testing.assert_array_equal(found[1], runner.run(value)[0])


def test_windows_are_copied_a_few_at_a_time() -> None:
    """Ten times as many windows take hardly more memory: each is as large as a model's input."""
    ear = Ear(model_of("tiny_conv"), FEATURES, 4, exact=False)
    frames = np.zeros((10 * CHUNK, 40), np.uint16)
    peaks = []
    for n in (CHUNK, 10 * CHUNK):
        tracemalloc.start()
        try:
            ear.scores(frames, np.arange(1, n + 1))
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]


def test_a_model_of_another_front_end_is_refused() -> None:
    """It would be fed with what it was not trained on."""
    with pytest.raises(ModelFileError, match="must take 49 frames x 40 channels"):
        Ear(model_of("tiny_conv"), FeaturesSection(), 4, exact=False)


@pytest.mark.parametrize("n_labels", [3, 5])
def test_a_model_of_another_number_of_labels_is_refused(n_labels: int) -> None:
    """A keyword would never be heard, or an output have no name."""
    with pytest.raises(ModelFileError, match=rf"give {n_labels} labels, got .* and 4 outputs"):
        Ear(model_of("tiny_conv"), FEATURES, n_labels, exact=False)


def test_nothing_is_heard_of_no_audio() -> None:
    """A stream shorter than a window has no inference."""
    heard = Ear(model_of("tiny_conv"), FEATURES, 4, exact=False).hear(stream_of(0.03, "s"), 40)
    assert heard.scores.shape == (0, 4)
