"""What is no .tflite is called by its name, by its content alone."""

import gzip
import io
import random
import zipfile
from pathlib import Path

import numpy as np
import pytest

from sprd.device.footprint import measure_untrusted
from sprd.device.foreign import name_content, name_folder
from sprd.device.graph import read_graph
from sprd.errors import ModelFileError

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "ab" * 32 + "\nsize 18960\n"
ARRAY = "alignas(16) const unsigned char g_model[] DATA = {\n  0x1c, 0x00, 0x00, 0x00, 0x54,"


def zipped(*names: str) -> bytes:
    """An archive of small files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return stream.getvalue()


def saved(array: np.ndarray) -> bytes:
    """A file of NumPy."""
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def field(number: int, content: bytes | int) -> bytes:
    """One field of a protocol buffer, shorter than 128 bytes."""
    if isinstance(content, int):
        return bytes([number << 3, content])
    return bytes([number << 3 | 2, len(content)]) + content


ONNX = field(1, 8) + field(2, b"pytorch") + field(7, bytes(100)) + field(8, bytes(4))

FILES: list[tuple[bytes, str]] = [
    (b"", "an empty file"),
    (POINTER.encode(), "a Git LFS pointer"),
    (gzip.compress(bytes(100), mtime=0), "a gzip file"),
    (zipped("m.tflite"), "a zip file"),
    (zipped("metadata.json", "config.json", "model.weights.h5"), "a Keras model (.keras)"),
    (zipped("archive/data.pkl", "archive/version"), "a PyTorch model"),
    (b"\x89HDF\r\n\x1a\n" + bytes(90), "an HDF5 file (of Keras?)"),
    (b"\x80\x02}q\0." + bytes(90), "a Python pickle (of PyTorch?)"),
    (saved(np.zeros(40)), "an array of NumPy"),
    (ONNX, "an ONNX model"),
    (b"\x1c\0\0\0ORTM" + bytes(90), "an ONNX Runtime model"),
    (field(1, b"\n\x01x\x12\x0bPlaceholder") + bytes(90), "a frozen graph of TensorFlow"),
    (field(1, 1) + field(2, b"xx saved_model_main_op") + bytes(9), "a SavedModel of TensorFlow"),
    (ARRAY.encode(), "C source of a model"),
    (b'/* of TFLM */\n#include "model.h"\n', "C source of a model"),
    (b"0x1c, 0x00, 0x00, 0x00, 0x54, 0x46, 0x4c, 0x33, 0x14", "C source of a model"),
    (b'\xef\xbb\xbf {"modelTopology": {}}', "JSON text"),
    (b"[[0.5, 1.0]]", "JSON text"),
    (b"<!DOCTYPE html>\n<html>404</html>", "a page of HTML or XML (a failed download?)"),
    (b":10000000AABBCCDDEEFF00112233445566778899\n", "firmware as hexadecimal text"),
    (b"\x7fELF" + bytes(90), "an ELF program"),
    (b"UF2\nWQ]\x9e" + bytes(90), "UF2 firmware"),
    (b"RIFF\x24\0\0\0WAVEfmt " + bytes(90), "a recording or another RIFF file"),
    (b'n_trials = 1\n[space."model.filters"]\n"x" = { low = 1 }\n', "a text file"),
    (b"board: nano\nmodel:\n  filters: [2, 4]\n", "a text file"),
    (b"\xef\xbb\xbf" + POINTER.encode(), "a Git LFS pointer"),
    (ARRAY.encode("utf-16"), "C source of a model"),
    ("// Modèle\n".encode("latin-1") + ARRAY.encode(), "C source of a model"),
    (b"constexpr std::array<uint8_t, 9> kModel{{28, 0, 0, 0, 84,", "C source of a model"),
    (b'const char model[] = "\\x1c\\x00\\x00\\x00TFL3', "C source of a model"),
    (b"<html><body>p\xe9age</body></html>", "a page of HTML or XML (a failed download?)"),
    (b"\x1c\0\0\0TFL3", "the first bytes of one"),
]


@pytest.mark.parametrize(("content", "what"), FILES)
def test_content_is_named(content: bytes, what: str) -> None:
    """The refusal of the reader says what it got, how much of it, and what to do."""
    with pytest.raises(ModelFileError) as caught:
        read_graph(content, "m.tflite")
    told = str(caught.value)
    got = f"m.tflite: must be a .tflite file (identifier 'TFL3' at byte 4), got {what} of"
    assert told.startswith(f"{got} {len(content):,} B. ")
    assert told.endswith(".") and "\n" not in told


def test_what_is_larger_than_any_model_is_named_too() -> None:
    """A Keras model of 17 MB is a Keras model."""
    with pytest.raises(ModelFileError, match="got an HDF5 file"):
        read_graph(b"\x89HDF\r\n\x1a\n" + bytes(17 * 2**20), "m.tflite")


def test_bytes_that_say_nothing_have_no_name() -> None:
    """Neither noise nor zeros, with or without what begins a text in UTF-16."""
    assert name_content(bytes(100)) is None
    assert name_content(b"\xff\xfe\x07" * 50) is None


@pytest.mark.parametrize("start", [b"", b"\x08\x01", b"\x0a", b"PK\x03\x04", b"[", b" \n", b"[a]"])
def test_hostile_bytes_are_named_or_not(start: bytes) -> None:
    """Whatever follows, nothing is raised."""
    chance = random.Random(0)
    for _ in range(200):
        tail = chance.choice([chance.randbytes(300), b"\xff" * 40, start * 200])
        found = name_content(start + tail)
        assert found is None or all(found)


def test_folders_are_named(tmp_path: Path) -> None:
    """A SavedModel, a bundle and any other."""
    for name in ("saved_model", "bundle", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "saved_model/saved_model.pb").touch()
    for name in ("model_float.tflite", "model.tflite"):
        (tmp_path / "bundle" / name).touch()
    assert name_folder(tmp_path / "saved_model")[0] == "a SavedModel of TensorFlow"
    assert name_folder(tmp_path / "bundle")[1] == f"Give {tmp_path / 'bundle/model.tflite'}"
    assert name_folder(tmp_path / "other")[0] == "a folder"


def test_folder_in_place_of_a_model_is_refused_with_its_name(tmp_path: Path) -> None:
    """As a file is."""
    (tmp_path / "saved_model.pb").touch()
    with pytest.raises(ModelFileError, match="got a SavedModel of TensorFlow"):
        measure_untrusted(tmp_path, None)
