"""Features are the numbers of SPRD's trainer, to the last bit."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tensorflow.lite.experimental.microfrontend.python.ops import audio_microfrontend_op
from tensorflow.python.ops import gen_audio_ops

from sprd.audio.clips import fit_length, read_clip
from sprd.audio.frontend import FrontEnd, StreamFrontEnd
from sprd.audio.store import scale_of
from sprd.config.trial import FeaturesSection
from sprd.errors import ConfigError

pytestmark = pytest.mark.usefixtures("one_thread")

Preprocess = Literal["micro", "mfcc", "average"]

SEED = FeaturesSection()


def clip_paths(shared: Path) -> list[Path]:
    """Some real clips: words of several speakers."""
    folder = shared / "data" / "speech_commands"
    return [
        path for word in ("up", "down", "cat") for path in sorted((folder / word).glob("*"))[:4]
    ]


@pytest.fixture(scope="module")
def waveforms(shared: Path) -> np.ndarray:
    """(12, 16000), int16: real clips."""
    clips = [fit_length(read_clip(path, 16_000), 16_000) for path in clip_paths(shared)]
    return np.stack(clips)


def seed_audio(path: Path) -> tf.Tensor:
    """(16000, 1), float32: what SPRD's trainer reads, before its front end."""
    return tf.audio.decode_wav(
        tf.io.read_file(str(path)), desired_channels=1, desired_samples=16_000
    ).audio


def seed_micro(audio: tf.Tensor) -> np.ndarray:
    """SPRD's `preprocess == 'micro'`."""
    int16_input = tf.cast(tf.multiply(audio, 32768), tf.int16)
    micro_frontend = audio_microfrontend_op.audio_microfrontend(
        tf.reshape(int16_input, [-1]),
        sample_rate=16_000,
        window_size=30,
        window_step=20,
        num_channels=40,
        out_scale=1,
        out_type=tf.float32,
    )
    return tf.multiply(micro_frontend, (10.0 / 256.0)).numpy()


def seed_spectrogram(audio: tf.Tensor) -> tf.Tensor:
    """What `mfcc` and `average` of SPRD's trainer start from."""
    return gen_audio_ops.audio_spectrogram(
        audio, window_size=480, stride=320, magnitude_squared=True
    )


def seed_average(audio: tf.Tensor, width: int) -> np.ndarray:
    """SPRD's `preprocess == 'average'`."""
    return tf.nn.pool(
        tf.expand_dims(seed_spectrogram(audio), -1),
        window_shape=[1, width],
        strides=[1, width],
        pooling_type="AVG",
        padding="SAME",
    ).numpy()[0, :, :, 0]


def seed_mfcc(audio: tf.Tensor) -> np.ndarray:
    """SPRD's `preprocess == 'mfcc'`."""
    return gen_audio_ops.mfcc(seed_spectrogram(audio), 16_000, dct_coefficient_count=40).numpy()[0]


def computed(features: FeaturesSection, waveforms: np.ndarray) -> np.ndarray:
    """Features as the model sees them."""
    raw = FrontEnd(features).compute(waveforms)
    return raw.astype(np.float32) * np.float32(scale_of(features))


def test_micro_is_that_of_the_seed_bit_for_bit(shared: Path, waveforms: NDArray[np.int16]) -> None:
    """On real clips: TensorFlow's op with its defaults, times 10/256."""
    expected = np.stack([seed_micro(seed_audio(path)) for path in clip_paths(shared)])
    found = computed(SEED, waveforms)
    assert expected.shape == (12, 49, 40)
    assert expected.max() > 10
    np.testing.assert_array_equal(found.view(np.uint32), expected.view(np.uint32))


def test_mfcc_is_that_of_the_seed_bit_for_bit(shared: Path, waveforms: NDArray[np.int16]) -> None:
    """40 coefficients of 40 filters, 20 to 4000 Hz."""
    expected = np.stack([seed_mfcc(seed_audio(path)) for path in clip_paths(shared)])
    found = computed(FeaturesSection(preprocess="mfcc"), waveforms)
    np.testing.assert_array_equal(found, expected)


def test_average_is_that_of_the_seed_bit_for_bit(
    shared: Path, waveforms: NDArray[np.int16]
) -> None:
    """257 bins in groups of 6: 43 channels."""
    expected = np.stack([seed_average(seed_audio(path), 6) for path in clip_paths(shared)])
    found = computed(FeaturesSection(preprocess="average"), waveforms)
    assert expected.shape == (12, 49, 43)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("preprocess", ["micro", "mfcc", "average"])
def test_batch_gives_what_single_clips_give(
    waveforms: NDArray[np.int16], preprocess: Preprocess
) -> None:
    """No clip leaks into the next: the noise estimate starts anew."""
    front_end = FrontEnd(FeaturesSection(preprocess=preprocess))
    batch = front_end.compute(waveforms)
    single = np.concatenate([front_end.compute(clip[None]) for clip in waveforms])
    np.testing.assert_array_equal(batch, single)
    np.testing.assert_array_equal(batch[::-1], front_end.compute(waveforms[::-1]))


@pytest.mark.parametrize(
    ("preprocess", "dtype"), [("micro", np.uint16), ("mfcc", np.float32), ("average", np.float32)]
)
def test_type_of_features(
    waveforms: NDArray[np.int16], preprocess: Preprocess, dtype: type[Any]
) -> None:
    """Integers only where the firmware has them."""
    features = FeaturesSection(preprocess=preprocess)
    assert FrontEnd(features).compute(waveforms[:1]).dtype == dtype
    assert scale_of(features) == (10 / 256 if preprocess == "micro" else 1)


def test_features_of_the_seed_stay_in_the_range_of_int8(waveforms: NDArray[np.int16]) -> None:
    """0 .. 26, of which the loudest noise comes near."""
    rng = np.random.default_rng(0)
    loud = rng.integers(-32768, 32768, (2, 16_000)).astype(np.int16)
    for clips in (waveforms, loud, np.zeros((1, 16_000), np.int16)):
        found = computed(SEED, clips)
        assert found.min() >= 0
        assert found.max() <= 26.5


@pytest.mark.parametrize(
    "change",
    [
        {"lower_band_limit_hz": 300.0},
        {"upper_band_limit_hz": 4000.0},
        {"smoothing_bits": 6},
        {"even_smoothing": 0.5},
        {"odd_smoothing": 0.5},
        {"min_signal_remaining": 0.5},
        {"enable_pcan": False},
        {"pcan_strength": 0.5},
        {"pcan_offset": 8000.0},
        {"gain_bits": 15},
        {"enable_log": False},
        {"scale_shift": 3},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_setting_reaches_the_op(waveforms: NDArray[np.int16], change: dict[str, Any]) -> None:
    """Each changes the numbers, and to those of a direct call with it."""
    names = {"lower_band_limit_hz": "lower_band_limit", "upper_band_limit_hz": "upper_band_limit"}
    found = FrontEnd(FeaturesSection(**change)).compute(waveforms[:1])[0]
    expected = audio_microfrontend_op.audio_microfrontend(
        tf.constant(waveforms[0]),
        window_size=30,
        window_step=20,
        num_channels=40,
        out_scale=1,
        out_type=tf.uint16,
        **{names.get(key, key): value for key, value in change.items()},
    ).numpy()
    np.testing.assert_array_equal(found, expected)
    assert (found != FrontEnd(SEED).compute(waveforms[:1])[0]).any()


@given(
    preprocess=st.sampled_from(["micro", "mfcc", "average"]),
    rate=st.integers(4, 48),
    window=st.integers(5, 200),
    stride=st.integers(5, 200),
    clip=st.integers(100, 1500),
    channels=st.integers(4, 128),
)
@settings(max_examples=15)
def test_shape_told_by_the_settings_is_that_of_the_op(
    preprocess: Preprocess, rate: int, window: int, stride: int, clip: int, channels: int
) -> None:
    """The model is built for it before a feature is computed."""
    assume(stride <= window <= clip)
    features = FeaturesSection(
        preprocess=preprocess,
        sample_rate_hz=rate * 1000,
        window_size_ms=window,
        window_stride_ms=stride,
        clip_duration_ms=clip,
        n_channels=channels,
        upper_band_limit_hz=min(7500.0, rate * 500.0 - 1),
    )
    waveform = np.random.default_rng(0).integers(-999, 999, (2, features.n_samples))
    found = FrontEnd(features).compute(waveform.astype(np.int16))
    assert found.shape == (2, *features.shape)


@pytest.mark.parametrize("rate", [11_025, 22_050, 44_100])
@pytest.mark.parametrize("preprocess", ["mfcc", "average"])
def test_rate_of_no_whole_kilohertz_suits_the_other_front_ends(
    preprocess: Preprocess, rate: int
) -> None:
    """`micro` refuses them: its op counts frames otherwise there."""
    features = FeaturesSection(preprocess=preprocess, sample_rate_hz=rate, window_stride_ms=27)
    waveform = np.zeros((1, features.n_samples), np.int16)
    assert FrontEnd(features).compute(waveform).shape == (1, *features.shape)


@pytest.mark.parametrize("preprocess", ["micro", "mfcc", "average"])
def test_stride_longer_than_the_window_is_refused_before_the_op(preprocess: Preprocess) -> None:
    """The op would end the process."""
    features = FeaturesSection(preprocess=preprocess, window_size_ms=20, window_stride_ms=30)
    with pytest.raises(ConfigError, match="window_stride_ms <= window_size_ms must hold"):
        FrontEnd(features)


def _in_blocks(front_end: StreamFrontEnd, signal: np.ndarray, length: int) -> np.ndarray:
    """The frames of a signal that comes in blocks."""
    blocks = [signal[start : start + length] for start in range(0, len(signal), length)]
    return np.concatenate([front_end.feed(block) for block in blocks])


@pytest.fixture(scope="module")
def signal() -> np.ndarray:
    """A minute of noise whose loudness moves, int16, with ten seconds of nothing in it."""
    rng = np.random.default_rng(5)
    loudness = 300 * (1 + np.sin(np.arange(60 * 16_000) / 9_000) ** 8 * 20)
    made = (rng.normal(size=60 * 16_000) * loudness).astype(np.int16)
    made[30 * 16_000 : 40 * 16_000] = 0
    return made


@pytest.mark.parametrize("preprocess", ["micro", "mfcc", "average"])
def test_blocks_give_the_frames_of_the_whole_signal(
    preprocess: Preprocess, signal: np.ndarray
) -> None:
    """To the last bit, long after what came first was dropped, however long the blocks are."""
    section = FeaturesSection(preprocess=preprocess)
    whole = StreamFrontEnd(section).feed(signal)
    assert whole.shape == (2999, section.shape[1])
    one_second = whole[: section.n_frames]
    np.testing.assert_array_equal(one_second, FrontEnd(section).compute(signal[None, :16_000])[0])
    for length in (16_000, 48_111):
        np.testing.assert_array_equal(_in_blocks(StreamFrontEnd(section), signal, length), whole)


def test_blocks_shorter_than_a_frame_give_frames_as_they_end(signal: np.ndarray) -> None:
    """Frame i ends at sample window + i * stride; before that there is none."""
    front_end = StreamFrontEnd(SEED)
    counts = [len(front_end.feed(signal[start : start + 160])) for start in range(0, 1280, 160)]
    assert counts == [0, 0, 1, 0, 1, 0, 1, 0]


def test_memory_of_a_stream_stays_flat(signal: np.ndarray) -> None:
    """What no longer matters is dropped: 16 seconds are kept at the seed's settings."""
    front_end = StreamFrontEnd(SEED)
    _in_blocks(front_end, signal, 16_000)
    assert len(front_end._kept) <= 800 * SEED.stride_samples + SEED.window_samples


def test_front_end_that_learns_nothing_of_noise_keeps_one_frame(signal: np.ndarray) -> None:
    """With a smoothing of 0 its estimates never move, so no start is remembered."""
    section = FeaturesSection(even_smoothing=0.0, odd_smoothing=0.0)
    whole = StreamFrontEnd(section).feed(signal)
    np.testing.assert_array_equal(_in_blocks(StreamFrontEnd(section), signal, 16_000), whole)
