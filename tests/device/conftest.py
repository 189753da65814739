"""Reference models, and a way to make broken ones from them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

EditModel = Callable[[bytes, Callable[[Any], None]], bytes]


@pytest.fixture(scope="session")
def tiny_conv_path(shared: Path) -> Path:
    """SPRD's shipped model."""
    return shared / "models" / "sprd_tiny_conv_up_down.tflite"


@pytest.fixture(scope="session")
def tiny_conv(tiny_conv_path: Path) -> bytes:
    """SPRD's shipped model."""
    return tiny_conv_path.read_bytes()


@pytest.fixture(scope="session")
def edit_model() -> EditModel:
    """Unpacks a .tflite, lets a function change the object, and packs it again."""
    import flatbuffers
    from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

    def edit(model: bytes, change: Callable[[Any], None]) -> bytes:
        tree = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(model, 0))
        change(tree)
        builder = flatbuffers.Builder(2 * len(model))
        builder.Finish(tree.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    return edit
