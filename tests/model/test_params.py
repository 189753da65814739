"""The parameters of each architecture: defaults, texts, and what was recorded before."""

import json
from pathlib import Path

import pytest

from sprd.config.params import Params, Scalar
from sprd.config.sections import validated
from sprd.config.trial import ModelSection
from sprd.model.params import ARCHITECTURES

DEFAULTS: dict[str, dict[str, Scalar]] = {
    "single_fc": {},
    "conv": {
        "first_filters": 64, "first_kernel": "20x8", "second_filters": 64, "second_kernel": "10x4",
        "dropout": 0.5,
    },
    "low_latency_conv": {
        "filters": 186, "kernel_channels": 8, "first_units": 128, "second_units": 128,
        "dropout": 0.5,
    },
    "low_latency_svdf": {
        "units": 1280, "rank": 2, "first_units": 256, "second_units": 256, "dropout": 0.5,
    },
    "tiny_conv": {"filters": 8, "kernel": "10x8", "stride": "2x2", "dropout": 0.5},
    "tiny_embedding_conv": {
        "first_filters": 8, "first_kernel": "10x8", "first_stride": "2x2", "second_filters": 8,
        "second_kernel": "10x8", "second_stride": "8x8", "dropout": 0.5,
    },
    "ds_cnn": {
        "filters": 24, "n_blocks": 3, "first_kernel": "10x4", "first_stride": "2x2",
        "kernel": "3x3", "dropout": 0.1,
    },
    "temporal_conv": {
        "layer_filters": "16-16-24-32", "kernel_frames": 5, "layer_strides": "1-2-1-2",
        "dropout": 0.1,
    },
    "tc_resnet": {
        "first_filters": 16, "layer_filters": "16-24", "kernel_frames": 5, "layer_strides": "2",
        "dropout": 0.1,
    },
    "bottleneck": {
        "first_filters": 24, "first_stride": 2, "layer_filters": "24-32", "expansion": 2,
        "kernel_frames": 9, "layer_strides": "1-2", "dropout": 0.1,
    },
    "blocks": {
        "block_1": "conv3", "filters_1": 16, "stride_1": 1,
        "block_2": "conv5", "filters_2": 16, "stride_2": 2,
        "block_3": "conv5", "filters_3": 24, "stride_3": 1,
        "block_4": "separable9", "filters_4": 32, "stride_4": 2,
        "block_5": "none", "filters_5": 32, "stride_5": 1,
        "block_6": "none", "filters_6": 32, "stride_6": 1,
        "dropout": 0.1,
    },
}  # fmt: skip
"""As records and bundles have them, in their order: a configuration is compared as text."""


def test_defaults_are_those_of_records_and_bundles() -> None:
    """A sweep file that names no parameter is the same configuration as before."""
    assert json.dumps({name: kind.defaults() for name, kind in ARCHITECTURES.items()}) == (
        json.dumps(DEFAULTS)
    )


@pytest.mark.parametrize("kind", ARCHITECTURES.values(), ids=ARCHITECTURES)
def test_defaults_are_legal_and_documented(kind: type[Params]) -> None:
    """Every architecture can be named without a parameter."""
    assert validated(kind, kind.defaults()) == kind()
    assert all((field.description or "").endswith(".") for field in kind.model_fields.values())


def test_model_of_an_earlier_version_is_read_as_it_was(shared: Path) -> None:
    """Of the runs and the bundle made at 9badef2: same text, and legal."""
    runs = shared / "runs_9badef2"
    files = [*runs.glob("*/trials/*/record.json"), *runs.glob("*/bundle/manifest.json")]
    files.append(shared / "models" / "default_demo" / "manifest.json")
    for file in files:
        written = json.loads(file.read_text(encoding="utf-8"))["config"]["model"]
        model = ModelSection.model_validate(written)
        assert json.loads(model.model_dump_json()) == written
        kind = ARCHITECTURES[model.architecture]
        assert validated(kind, model.params).model_dump() == written["params"]
    assert len(files) > 5
