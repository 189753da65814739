"""Features of streams are those of one unbroken front end."""

import os
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sprd.audio import stream_features
from sprd.audio.frontend import FrontEnd
from sprd.audio.split import Split
from sprd.audio.stream_features import make_stream_features, n_missing, open_stream_features
from sprd.audio.streams import Stream, open_streams
from sprd.config.trial import FeaturesSection
from sprd.errors import SprdError
from tests.audio.spoken import DATA, corpus, tone

pytestmark = pytest.mark.usefixtures("one_thread")


def stream_of(samples: np.ndarray, key: str) -> Stream:
    return Stream(key, "speech", None, 16_000, samples, (), (), 0, key)


@pytest.mark.parametrize(("window", "stride"), [(30, 20), (40, 40), (25, 10)])
def test_a_frame_ends_where_it_is_said_to_end(window: int, stride: int) -> None:
    """Samples after the end of a frame do not change it: frame i ends at window + i * stride."""
    features = FeaturesSection(window_size_ms=window, window_stride_ms=stride)
    samples = tone(2.0)
    whole = open_stream_features(stream_of(samples, f"a{window}"), features)
    assert whole.shape == (1 + (32_000 - window * 16) // (stride * 16), 40)
    number = 20
    end = (window + number * stride) * 16
    cut = FrontEnd(features).compute_stream(np.concatenate([samples[:end], -samples[end:]]))
    np.testing.assert_array_equal(cut[: number + 1], whole[: number + 1])
    assert (cut[number + 1] != whole[number + 1]).any()


@pytest.mark.parametrize("preprocess", ["micro", "mfcc", "average"])
def test_the_first_window_is_that_of_a_clip(preprocess: str) -> None:
    """A stream begins as a clip does: with a front end that has heard nothing."""
    features = FeaturesSection.model_validate({"preprocess": preprocess})
    samples = tone(3.0, seed=2)
    clip = FrontEnd(features).compute(samples[None, :16_000])[0]
    stream = open_stream_features(stream_of(samples, f"b{preprocess}"), features)
    np.testing.assert_allclose(stream[: len(clip)], clip, rtol=1e-4, atol=1e-4)


def test_the_state_goes_on() -> None:
    """What was heard seconds before changes a frame: a clip computed by itself differs."""
    features = FeaturesSection()
    loud, quiet = tone(3.0, 9000.0, 1), tone(1.0, 300.0, 2)
    whole = open_stream_features(stream_of(np.concatenate([loud, quiet]), "c"), features)
    alone = FrontEnd(features).compute(quiet[None])[0]
    assert (whole[150:199] != alone).mean() > 0.5


def test_less_than_a_window_gives_no_frame() -> None:
    """Ten milliseconds of sound are no error."""
    features = FeaturesSection()
    assert open_stream_features(stream_of(tone(0.01), "short"), features).shape == (0, 40)


def test_the_length_of_what_a_model_takes_does_not_matter() -> None:
    """Models of other clip lengths share the features of a stream."""
    stream = stream_of(tone(1.0), "d")
    open_stream_features(stream, FeaturesSection())
    assert n_missing([stream], FeaturesSection(clip_duration_ms=500)) == 0
    assert n_missing([stream], FeaturesSection(n_channels=20)) == 1


def test_processes_compute_what_this_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made before the trials on other cores, the numbers are the same."""
    streams = open_streams(corpus(tmp_path), DATA, Split.VALIDATION, 0)
    here = [np.array(open_stream_features(one, FeaturesSection())) for one in streams[:2]]
    monkeypatch.setenv("SPRD_CACHE", str(tmp_path / "other"))
    again = open_streams(corpus(tmp_path), DATA, Split.VALIDATION, 0)
    told: list[tuple[str, int, int]] = []
    make_stream_features(
        [replace(one, samples=np.array(one.samples)) for one in again[:2]],
        [FeaturesSection()],
        lambda *what: told.append(what),
    )
    assert told == [("stream features", 1, 2), ("stream features", 2, 2)]
    assert n_missing(again[:2], FeaturesSection()) == 0
    for one, expected in zip(again[:2], here, strict=True):
        np.testing.assert_array_equal(open_stream_features(one, FeaturesSection()), expected)
    assert os.environ["SPRD_CACHE"].endswith("other")


def test_a_process_that_was_killed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """For memory, say: one line says what to do, and no traceback."""

    class Pool:
        def __init__(self, *_how: object) -> None:
            pass

        def __enter__(self) -> "Pool":
            return self

        def __exit__(self, *_why: object) -> None:
            pass

        def submit(self, *_job: object) -> "Future[None]":
            job: Future[None] = Future()
            job.set_exception(BrokenProcessPool("killed"))
            return job

    monkeypatch.setattr(stream_features, "ProcessPoolExecutor", Pool)
    with pytest.raises(SprdError, match=r"features of streams: .*must stay alive.*Run the command"):
        make_stream_features([stream_of(tone(0.5), "killed")], [FeaturesSection()], None)


def test_samples_that_left_the_cache_are_still_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may delete a stream that this one has opened: its map goes on."""
    monkeypatch.setenv("SPRD_CACHE", str(tmp_path / "cache"))
    stream = open_streams(corpus(tmp_path), DATA, Split.VALIDATION, 0)[0]
    expected = FrontEnd(FeaturesSection()).compute_stream(np.array(stream.samples))
    for path in tmp_path.glob("cache/streams/*/*.pcm"):
        path.unlink()
    np.testing.assert_array_equal(open_stream_features(stream, FeaturesSection()), expected)
