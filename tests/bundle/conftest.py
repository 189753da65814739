"""A plausible export, its numbers invented."""

from collections.abc import Callable

import pytest

from sprd.bundle.write import Export, Quantization
from sprd.config.board import Board
from sprd.config.budget import Budget
from sprd.config.trial import (
    AugmentSection,
    Config,
    DataSection,
    FeaturesSection,
    ModelSection,
    TrainSection,
)
from sprd.device.board import load_board

BOARD = load_board("arduino_nano_33_ble", "cmake-O2")

SWEEP_TEXT = """\
# Of SPRD's sketch.
[sweep]
name = "up-down"
storage = "s3://bucket/runs?endpoint_override=10.0.0.7:9000"
[data]
source = "/home/alice/my words/recordings"
extra = ['/mnt/bob/more', "../relative/kept"]
keywords = ["up", "down"]
# and see /home/alice/notes/today.txt for 30/20x40
[model]
architecture = "tiny_conv"
"""

SCORE = {
    "n_clips": 225,
    "balanced_accuracy": 0.914,
    "accuracy": 0.92,
    "recall": {"_silence_": 0.99, "_unknown_": 0.8, "up": 0.93, "down": 0.94},
    "confusion": [[80, 0, 0, 0], [1, 60, 2, 3], [0, 4, 70, 1], [0, 3, 1, 71]],
    "intervals": {"balanced_accuracy": [0.88, 0.94], "recall up": [0.85, 0.97]},
}

FOOTPRINT = {
    "flash_bytes": 61_440,
    "model_bytes": 18_960,
    "ram_bytes": 42_000,
    "arena_bytes": 7_913,
    "arena_host_bytes": 9_776,
    "macs": 336_000,
    "instructions": 2_511_000,
    "latency_ms": 55.2,
    "latency_low_ms": 49.0,
    "latency_high_ms": 62.0,
    "latency_source": "emulated",
}

MakeExport = Callable[..., Export]


def make_config(
    keywords: tuple[str, ...] = ("up", "down"),
    features: FeaturesSection | None = None,
    board: Board | None = BOARD,
) -> Config:
    return Config(
        seed=7,
        n_threads=1,
        data=DataSection(
            source="/home/alice/my words/recordings", extra=("/mnt/bob/more",), keywords=keywords
        ),
        features=features or FeaturesSection(),
        augment=AugmentSection(),
        model=ModelSection(
            architecture="tiny_conv",
            params={"filters": 8, "kernel": "10x8", "stride": "2x2", "dropout": 0.5},
        ),
        train=TrainSection(),
        budget=Budget(board=board),
    )


@pytest.fixture
def make_export() -> MakeExport:
    """Returns a function that makes an export; named parts are replaced."""

    def make(
        keywords: tuple[str, ...] = ("up", "down"),
        features: FeaturesSection | None = None,
        board: Board | None = BOARD,
        **changes: object,
    ) -> Export:
        config = make_config(keywords, features, board)
        n_frames, n_channels = config.features.shape
        parts: dict[str, object] = {
            "config": config,
            "sweep_name": "up-down",
            "sweep_text": SWEEP_TEXT,
            "model": bytes(range(256)) * 3 + b"end",
            "float_model": b"\x1c\0\0\0TFL3 float",
            "trial": {
                "number": 12,
                "node": "10.0.0.7",
                "params": {"model.filters": 8},
                "metrics": {"recall": {"home": 0.5}},
                "error": None,
            },
            "footprint": FOOTPRINT,
            "ops": ("RESHAPE", "CONV_2D", "FULLY_CONNECTED", "SOFTMAX"),
            "quantization": Quantization(26 / 256, -128, 1 / 256, -128, n_frames * n_channels),
            "scores": {
                "validation": {"int8": SCORE, "float": SCORE},
                "test": {"int8": SCORE, "float": SCORE},
            },
            "record": {
                "seed": 7,
                "n_threads": 1,
                "versions": {"tensorflow": "2.21.0"},
                "code": "c0de" * 16,
                "platform": {"system": "Linux", "machine": "x86_64"},
                "hostname": "alices-laptop",
                "cpu_features": ["avx2"],
                "data": {
                    "source": "/home/alice/my words/recordings",
                    "fingerprint": "ab12" * 16,
                    "split_digest": "cd34" * 16,
                    "is_synthetic": False,
                    "n_clips": 1_000,
                    "n_speakers": 60,
                },
                "attempts": [],
            },
        }
        return Export(**(parts | changes))  # type: ignore[arg-type]

    return make
