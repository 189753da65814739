"""Running speech: what is said in it, who reads, how it is read."""

from pathlib import Path

import numpy as np
import soundfile

from sprd.audio.running import Recording, read_recording
from sprd.audio.split import Split


def test_a_recording_is_read_in_blocks(tmp_path: Path) -> None:
    """All together are its samples."""
    samples = np.arange(-8000, 8000, dtype=np.int16)
    soundfile.write(tmp_path / "a.flac", samples, 16_000)
    recording = Recording(tmp_path / "a.flac", "speech1/a.flac", None, Split.TESTING, 1.0, None)
    assert np.array_equal(np.concatenate(list(read_recording(recording, 16_000))), samples)
