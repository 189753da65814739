"""What a file or folder is that is no .tflite, and what to do with it, by its content.

The bytes may be hostile: they are looked at, never unpacked or parsed.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

_HEAD = 65536
"""Bytes of a text that are looked at."""

_UNPACK = "Unpack it and give the .tflite"
_CONVERT = "Convert it: tf.lite.TFLiteConverter"
_DOWNLOAD = "Download it again"
_AGAIN = f"Export it, or {_DOWNLOAD.lower()}"
_FLASHED = "Give the .tflite that it was built from"

_STARTS: tuple[tuple[bytes, str, str], ...] = (
    (b"\x1f\x8b", "a gzip file", "Unpack it (gunzip, or tar xzf) and give the .tflite"),
    (b"\xfd7zXZ\0", "an xz file", _UNPACK),
    (b"BZh", "a bzip2 file", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "a zstd file", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z file", _UNPACK),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file (of Keras?)", f"Load it. {_CONVERT}.from_keras_model"),
    (b"\x93NUMPY", "an array of NumPy", "Give the model itself"),
    (b"\x7fELF", "an ELF program", _FLASHED),
    (b"UF2\n", "UF2 firmware", _FLASHED),
    (b"RIFF", "a recording or another RIFF file", "Give the model, not its input"),
    (b"fLaC", "a FLAC recording", "Give the model, not its input"),
    (b"OggS", "an Ogg recording", "Give the model, not its input"),
    (b"ID3", "an MP3 recording", "Give the model, not its input"),
    (b"\x89PNG", "a picture", "Give the model itself"),
    (b"\xff\xd8\xff", "a picture", "Give the model itself"),
    (b"%PDF", "a PDF", "Give the model itself"),
)
_INSIDE_ZIP: tuple[tuple[bytes, str, str], ...] = (
    (b"model.weights.h5", "a Keras model (.keras)", f"{_CONVERT}.from_keras_model"),
    (b"data.pkl", "a PyTorch model", "Convert it to TensorFlow Lite, with ai-edge-torch say"),
    (b".npy", "arrays of NumPy (.npz)", "Give the model itself"),
)
_IDENTIFIERS = {b"ORTM": "an ONNX Runtime model", b"ET12": "an ExecuTorch model"}
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_POINTER = re.compile(r"version https://(git-lfs|hawser)\.github\.com/")
_HEX_FIRMWARE = re.compile(r":[0-9A-Fa-f]{10,}\s|S0[0-9A-Fa-f]{6,}\s")
_C_ARRAY = re.compile(
    r"\w[ \t]{0,8}\[[^\]\n]{0,80}\][^={};\[]{0,80}=\s{0,80}(\{|\"\\x)"
    r"|\{\s{0,80}(0x[0-9A-Fa-f]{1,2}|\d{1,3})[uU]?\s{0,8},"
    r"|^[ \t]{0,8}#[ \t]{0,8}(include|pragma|ifndef)\b",
    re.MULTILINE,
)
"""Repetitions are bounded, so that a hostile text takes no longer than its length."""
_ONLY_HEX = re.compile(r"(0x[0-9A-Fa-f]{1,2}\s{0,8},\s{0,8}){8}")
_JSON = re.compile(r"\{\s{0,80}[\"}]|\[\s{0,80}[\"\[{\d-]")
_CONTROL = re.compile(r"[\0-\x08\x0e-\x1f]")
_LEAST_ASCII = 0.9
"""Share of a text that is not UTF-8: of other bytes few are letters."""
_ONNX_GRAPH, _VARINT, _LENGTH = 7, 0, 2


def name_content(content: bytes) -> tuple[str, str] | None:
    """Returns what bytes are that are no .tflite, and what to do; None where that is not known.

    Args:
        content: Of the file, or as much of it as was read.
    """
    if not content:
        return "an empty file", _AGAIN
    if content[4:8] == b"TFL3":
        return "the first bytes of one", _AGAIN
    for start, what, remedy in _STARTS:
        if content.startswith(start):
            return what, remedy
    if content.startswith(b"PK\x03\x04"):
        return _name_zip(content)
    if content[257:262] == b"ustar":
        return "a tar archive", _UNPACK
    if content[4:8] in _IDENTIFIERS:
        return _IDENTIFIERS[content[4:8]], "Convert the model to TensorFlow Lite"
    if _PICKLE.match(content):
        return "a Python pickle (of PyTorch?)", "Convert the model to TensorFlow Lite"
    return _name_text(content[:_HEAD]) or _name_protobuf(content)


def name_folder(folder: Path) -> tuple[str, str]:
    """Returns what a folder is that was given in place of a .tflite, and what to do."""
    if (folder / "saved_model.pb").exists():
        return "a SavedModel of TensorFlow", f"{_CONVERT}.from_saved_model"
    inside = min(folder.glob("*.tflite"), default=None)
    return "a folder", "Give a file" if inside is None else f"Give {inside}"


def _name_zip(content: bytes) -> tuple[str, str]:
    for name, what, remedy in _INSIDE_ZIP:
        if name in content:
            return what, remedy
    return "a zip file", "Unpack it (unzip) and give the .tflite"


def _name_text(head: bytes) -> tuple[str, str] | None:
    text = _decoded(head)
    if text is None:
        return None
    if _POINTER.match(text):
        return "a Git LFS pointer", "Fetch the model itself: git lfs pull"
    if text[:1] == "<":
        return "a page of HTML or XML (a failed download?)", _DOWNLOAD
    if _C_ARRAY.search(text) or _ONLY_HEX.match(text):
        return "C source of a model", "Give the .tflite that the array was made from"
    if _JSON.match(text):
        return "JSON text", "Give the model itself; TensorFlow.js and Keras write JSON beside it"
    if _HEX_FIRMWARE.match(text):
        return "firmware as hexadecimal text", _FLASHED
    return "a text file", "Give the model itself"


def _decoded(head: bytes) -> str | None:
    """Returns the text that a file begins with, from its first letter; None where it is none.

    PowerShell writes UTF-16 with a mark. Of other encodings the letters of ASCII are enough.
    """
    is_utf16 = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = head.decode("utf-16" if is_utf16 else "utf-8-sig", "replace")
    is_utf8 = not is_utf16 and "\N{REPLACEMENT CHARACTER}" not in text[:-4]  # the last may be cut
    n_ascii = sum(map(str.isascii, text))
    if _CONTROL.search(text) or not (is_utf8 or n_ascii >= _LEAST_ASCII * len(text)):
        return None
    return text.lstrip()


def _name_protobuf(content: bytes) -> tuple[str, str] | None:
    """Names the models that are protocol buffers, which begin with no word of their own.

    Source: onnx.proto3, ModelProto (1 ir_version, 7 graph); saved_model.proto, SavedModel (1
    saved_model_schema_version, 2 meta_graphs); graph.proto, GraphDef (1 node).
    """
    fields = list(_fields(content))
    if fields[:1] == [(1, _VARINT)] and (_ONNX_GRAPH, _LENGTH) in fields:
        return "an ONNX model", "Convert it to TensorFlow Lite, with onnx2tf say"
    if fields[:2] == [(1, _VARINT), (2, _LENGTH)] and b"saved_model" in content[:_HEAD]:
        return "a SavedModel of TensorFlow", f"{_CONVERT}.from_saved_model, of its folder"
    if fields[:1] == [(1, _LENGTH)] and b"Placeholder" in content[:_HEAD]:
        return "a frozen graph of TensorFlow", "Convert it to TensorFlow Lite"
    return None


def _fields(content: bytes, n_most: int = 64) -> Iterator[tuple[int, int]]:
    """Yields number and wire type of the first fields; ends where it is no protocol buffer."""
    at = 0
    for _ in range(n_most):
        tag, at = _varint(content, at)
        if at < 0 or tag >> 3 == 0 or tag & 7 not in _SKIP:
            return
        yield tag >> 3, tag & 7
        at = _SKIP[tag & 7](content, at)
        if not 0 <= at < len(content):
            return


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """Returns a number and where it ends; -1 where there is none of at most 64 bits."""
    value = 0
    for shift, byte in enumerate(content[at : at + 10]):
        value |= (byte & 127) << 7 * shift
        if byte < 128:
            return value, at + shift + 1
    return 0, -1


def _behind(content: bytes, at: int) -> int:
    n_bytes, at = _varint(content, at)
    return -1 if at < 0 else at + n_bytes


_SKIP: dict[int, Callable[[bytes, int], int]] = {
    _VARINT: lambda content, at: _varint(content, at)[1],
    1: lambda content, at: at + 8,
    _LENGTH: _behind,
    5: lambda content, at: at + 4,
}
"""Where a value of each wire type ends, from where it starts."""
