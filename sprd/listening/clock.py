"""The length of a stream and a front end in, the times at which firmware infers out."""

import numpy as np
from numpy.typing import NDArray

from sprd.config.frontend import Frames
from sprd.config.recognizer import BLOCK_MS as BLOCK_MS


def inference_times(
    n_samples: int,
    features: Frames,
    interval_ms: int,
    block_ms: int = BLOCK_MS,
    busy_ms: float = 0.0,
) -> NDArray[np.int64]:
    """Returns when firmware infers while it hears a stream: milliseconds of audio, int64.

    Audio comes in blocks. At the first the front end only starts; later the model runs whenever
    there is a new frame and the interval has passed. Blocks that come in while it runs are looked
    at together, after it.

    At time t it knows (t - window + stride) // stride frames: the last one that the model sees has
    that number less one.

    Args:
        n_samples: Length of the stream.
        features: Its sample rate, window and stride.
        interval_ms: The least time between two inferences.
        block_ms: Of audio: 32 in SPRD's firmware, 16 of Arduino's microphones.
        busy_ms: Of one look: front end and model.

    Source: loop() in micro_speech.ino and PopulateFeatureData in feature_provider.cc.
    """
    end = n_samples * 1000 // features.sample_rate_hz
    window, stride = features.window_size_ms, features.window_stride_ms
    found: list[int] = []
    n_known, clock = 0, 2.0 * block_ms
    while (now := int(clock // block_ms) * block_ms) <= end:
        n_frames = (now - window + stride) // stride
        if n_frames > n_known and (not found or now - found[-1] >= interval_ms):
            found.append(now)
            n_known = n_frames
            clock += busy_ms
        clock = max(clock, now + block_ms)
    return np.array(found, np.int64)
