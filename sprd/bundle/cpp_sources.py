"""A model and its settings in, C++ sources out: what a user puts into firmware.

The templates lie in `firmware/`. The sources need C++11, what Arduino's toolchain compiles, and
no header of TensorFlow Lite Micro. Knows nothing of trials, scores or files.
"""

import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from importlib import resources
from math import isfinite
from string import Template
from textwrap import wrap

from sprd.config.frontend import FEATURE_DENOMINATOR, FEATURE_NUMERATOR, n_fft
from sprd.config.labels import NOT_KEYWORDS, SILENCE_LABEL, UNKNOWN_LABEL
from sprd.config.numbers import number_of
from sprd.config.trial import FeaturesSection
from sprd.errors import InputError, suggest

ARENA_ALIGNMENT = 16

_ROW_BYTES = 12
_UINT16_MAX = 2**16 - 1
_UINT64_MAX = 2**64 - 1

_OPS_WITH_OTHER_NAMES = {
    "BATCH_MATMUL": "AddBatchMatMul",
    "CUMSUM": "AddCumSum",
    "PADV2": "AddPadV2",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "AddUnidirectionalSequenceLSTM",
}
_OPS = """
    ABS ADD ADD_N ARG_MAX ARG_MIN ASSIGN_VARIABLE AVERAGE_POOL_2D BATCH_TO_SPACE_ND BROADCAST_ARGS
    BROADCAST_TO CALL_ONCE CAST CEIL CONCATENATION CONV_2D COS DEPTHWISE_CONV_2D DEPTH_TO_SPACE
    DEQUANTIZE DIV DYNAMIC_UPDATE_SLICE ELU EMBEDDING_LOOKUP EQUAL EXP EXPAND_DIMS FILL FLOOR
    FLOOR_DIV FLOOR_MOD FULLY_CONNECTED GATHER GATHER_ND GREATER GREATER_EQUAL HARD_SWISH IF
    L2_NORMALIZATION L2_POOL_2D LEAKY_RELU LESS LESS_EQUAL LOG LOGICAL_AND LOGICAL_NOT LOGICAL_OR
    LOGISTIC LOG_SOFTMAX MAXIMUM MAX_POOL_2D MEAN MINIMUM MIRROR_PAD MUL NEG NOT_EQUAL PACK PAD
    PRELU QUANTIZE READ_VARIABLE REDUCE_ALL REDUCE_MAX REDUCE_MIN RELU RELU6 RESHAPE
    RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR REVERSE_V2 ROUND RSQRT SELECT_V2 SHAPE SIN SLICE SOFTMAX
    SPACE_TO_BATCH_ND SPACE_TO_DEPTH SPLIT SPLIT_V SQRT SQUARE SQUARED_DIFFERENCE SQUEEZE
    STRIDED_SLICE SUB SUM SVDF TANH TRANSPOSE TRANSPOSE_CONV UNPACK VAR_HANDLE WHILE ZEROS_LIKE
"""


def _method_name(op: str) -> str:
    """Returns CONV_2D as AddConv2D: how MicroMutableOpResolver spells most of its methods."""
    parts = (part if part[0].isdigit() else part.capitalize() for part in op.split("_"))
    return "Add" + "".join(parts)


OP_METHODS: Mapping[str, str] = {
    **{op: _method_name(op) for op in _OPS.split()},
    **_OPS_WITH_OTHER_NAMES,
}
"""Builtin op -> method of MicroMutableOpResolver.

Source: micro_mutable_op_resolver.h of tflite-micro, and the kernels registered in its wheel.
"""


@dataclass(frozen=True)
class Quantization:
    """Scales and zero points of input and output: real = (int8 - zero_point) * scale."""

    input_scale: float
    input_zero_point: int
    output_scale: float
    output_zero_point: int
    input_length: int
    """Numbers that the model takes: frames x channels."""


@dataclass(frozen=True)
class Thresholds:
    """How a device turns probabilities into detections. Source: SPRD's RecognizeCommands."""

    average_window_ms: int = 1000
    detection_threshold: int = 200
    """Of 255; the lowest where each keyword has its own."""
    suppression_ms: int = 1500
    minimum_count: int = 3
    """Inferences within the averaging window."""
    detection_thresholds: tuple[int, ...] = ()
    """One a keyword; empty where one holds for all."""
    interval_ms: int | None = None
    """Between two inferences; None: nobody chose one."""
    kind: str = "recognize_commands"
    basis: str = "Those of micro_speech: nobody fitted them to this model."
    """Where they come from, in a sentence."""

    def as_json(self) -> dict[str, object]:
        """Returns what a manifest tells; of those that nobody chose, what it always told."""
        chosen = asdict(self)
        if self.interval_ms is not None:
            return chosen | {"detection_thresholds": list(self.detection_thresholds)}
        always = ("average_window_ms", "detection_threshold", "suppression_ms", "minimum_count")
        return {key: chosen[key] for key in always}

    def of_labels(self, labels: Sequence[str]) -> list[int]:
        """Returns one a label: what is no keyword has the lowest, as commands all have one."""
        own = self.detection_thresholds or (self.detection_threshold,) * len(labels)
        keywords = iter(own)
        return [
            self.detection_threshold if label in NOT_KEYWORDS else next(keywords)
            for label in labels
        ]


_RECOGNIZERS = {
    "recognize_commands": (
        "// Arguments of micro_speech's RecognizeCommands: probabilities (0 to 255) are averaged"
        "\n// over a time; at least kMinimumCount inferences in it, and an average over the"
        "\n// threshold, are a detection; then the same word is not one for the suppression time."
    ),
    "sliding_mean": (
        "// Settings of microWakeWord's sliding mean, not of micro_speech's RecognizeCommands: a"
        "\n// keyword is detected where the mean of its probabilities (0 to 255) over a time"
        "\n// exceeds its threshold; then nothing is for the suppression time."
    ),
}
"""By the kind of a recognizer what its settings mean, as a comment."""


@dataclass(frozen=True)
class ArenaBytes:
    """Bytes of the tensor arena: on the board, and what TFLM needs on the exporting machine."""

    board_bytes: int | None
    host_bytes: int | None
    board: str | None

    @property
    def size(self) -> int:
        """Bytes to give on the device, rounded up to whole 16 bytes."""
        n_bytes = self.board_bytes or self.host_bytes
        if not n_bytes or n_bytes < 0:
            raise InputError(
                "footprint: arena_bytes or arena_host_bytes must be given, got neither. "
                "Measure the model first."
            )
        return -(-n_bytes // ARENA_ALIGNMENT) * ARENA_ALIGNMENT


def model_sources(model: bytes, banner: str) -> dict[str, str]:
    """Returns model.h and model.cc: the .tflite as an aligned const array."""
    rows = [model[at : at + _ROW_BYTES] for at in range(0, len(model), _ROW_BYTES)]
    text = "\n".join("    " + " ".join(f"0x{byte:02x}," for byte in row) for row in rows)
    return {
        "model.h": render("model.h.in", banner=banner),
        "model.cc": render("model.cc.in", banner=banner, rows=text, length=len(model)),
    }


def settings_sources(
    labels: Sequence[str],
    features: FeaturesSection,
    quantization: Quantization,
    arena: ArenaBytes,
    thresholds: Thresholds,
    banner: str,
) -> dict[str, str]:
    """Returns model_settings.h and model_settings.cc.

    Raises:
        InputError: Labels lack silence or unknown, or no arena size is known.
    """
    header = render(
        "model_settings.h.in",
        banner=banner,
        window_samples=features.window_samples,
        fft_size=n_fft(features.window_samples),
        sample_rate_hz=features.sample_rate_hz,
        slice_size=features.shape[1],
        slice_count=features.shape[0],
        stride_ms=features.window_stride_ms,
        window_ms=features.window_size_ms,
        silence_index=_index(labels, SILENCE_LABEL),
        unknown_index=_index(labels, UNKNOWN_LABEL),
        category_count=len(labels),
        input_scale=c_float(quantization.input_scale),
        input_zero_point=quantization.input_zero_point,
        output_scale=c_float(quantization.output_scale),
        output_zero_point=quantization.output_zero_point,
        arena_comment=_arena_comment(arena),
        arena_size=arena.size,
        arena_host=arena.host_bytes or 0,
        recognizer=_RECOGNIZERS[thresholds.kind],
        thresholds_basis="\n// ".join(wrap(comment_text(thresholds.basis), 96)),
        inference_interval_ms=thresholds.interval_ms or 0,
        **asdict(thresholds),
    )
    return {"model_settings.h": header, "model_settings.cc": _of_labels(labels, thresholds, banner)}


def _of_labels(labels: Sequence[str], thresholds: Thresholds, banner: str) -> str:
    """Returns model_settings.cc: the name of each label, and its threshold."""
    rows = "\n".join(f"    {c_string(label)}," for label in labels)
    each = ", ".join(map(str, thresholds.of_labels(labels)))
    return render("model_settings.cc.in", banner=banner, labels=rows, thresholds=each)


def frontend_source(features: FeaturesSection, quantization: Quantization, banner: str) -> str:
    """Returns frontend_config.h: every field, and for `micro` the code that uses them."""
    has_firmware = has_firmware_code(features)
    presence = "constexpr bool kHasFirmwareFrontend = true;"
    body = ""
    if has_firmware:
        body = _micro_frontend(features, quantization)
    else:
        presence = (
            f"// No firmware code computes the front end `{comment_text(features.preprocess)}`: "
            "this model cannot hear\n// on a device. Train with `micro` for that.\n"
            "constexpr bool kHasFirmwareFrontend = false;"
        )
    constants = "\n".join(_constant(name, value) for name, value in features.model_dump().items())
    return render(
        "frontend_config.h.in", banner=banner, presence=presence, constants=constants, body=body
    )


def resolver_source(ops: Sequence[str], banner: str) -> str:
    """Returns op_resolver.h.

    Raises:
        InputError: An op has no method in MicroMutableOpResolver.
    """
    methods = resolver_methods(ops)
    calls = "\n".join(f"  if (status == ok) status = resolver.{name}();" for name in methods)
    return render(
        "op_resolver.h.in", banner=banner, count=len(methods), first=methods[0], calls=calls
    )


def resolver_methods(ops: Sequence[str]) -> tuple[str, ...]:
    """Returns the methods that register `ops`, each once, in the same order.

    Raises:
        InputError: There is none for an op, or no op at all.
    """
    if not ops:
        raise InputError("model: must have at least one op, got none.")
    for op in ops:
        if op not in OP_METHODS:
            raise InputError(
                f"model: every op must be one that TensorFlow Lite Micro has, got {op!r}. "
                f"{suggest(op, OP_METHODS)}"
            )
    return tuple(dict.fromkeys(OP_METHODS[op] for op in ops))


def has_firmware_code(features: FeaturesSection) -> bool:
    """Returns whether a device can compute these features."""
    return features.preprocess == "micro"


def quantize_fraction(input_scale: float) -> Fraction:
    """Returns int8 steps per unit of the front end's uint16, exactly.

    The scale of a .tflite is a float32, so the fraction exists. 26/256 gives 5/13.

    Raises:
        InputError: The scale is not positive, or the fraction needs more than 64 bits.
    """
    scale = _float32(input_scale)
    if not 0 < scale < float("inf"):
        raise InputError(f"model: input_scale > 0 must hold, got {input_scale!r}.")
    fraction = Fraction(FEATURE_NUMERATOR, FEATURE_DENOMINATOR) / Fraction(scale)
    largest = 2 * fraction.numerator * _UINT16_MAX + 2 * fraction.denominator
    if largest > _UINT64_MAX:
        raise InputError(
            f"model: input_scale must be near that of features 0 .. 26, got {input_scale!r}."
        )
    return fraction


def c_string(text: str) -> str:
    """Returns a C string literal of the UTF-8 bytes of `text`.

    Octal escapes end after three digits, so the next character cannot be drawn in; `?` is
    escaped because C++11 still knows trigraphs.
    """
    return '"' + "".join(_c_byte(byte) for byte in text.encode()) + '"'


def c_float(value: float) -> str:
    """Returns the shortest float literal that reads back as the same float32."""
    single = _float32(value)
    if not isfinite(single):
        raise InputError(f"firmware: a constant must be finite, got {value!r}.")
    if single == int(single) and abs(single) < 1e6:
        return f"{int(single)}.0f"
    texts = (format(single, f".{digits}g") for digits in range(1, 10))
    text = next(text for text in texts if _float32(float(text)) == single)
    return f"{text}f" if "." in text or "e" in text else f"{text}.0f"


def comment_text(text: str) -> str:
    """Returns `text` so that it cannot leave a `//` comment: printable, no backslash, no `?`."""
    return re.sub(r"[^ -~]|[\\?]", "_", text)


def render(template: str, **values: object) -> str:
    """Returns a template of `firmware/` with its `$names` filled in."""
    text = resources.files("sprd.bundle").joinpath("firmware", template).read_text("utf-8")
    return Template(text).substitute({name: str(value) for name, value in values.items()})


def _micro_frontend(features: FeaturesSection, quantization: Quantization) -> str:
    fraction = quantize_fraction(quantization.input_scale)
    return render(
        "frontend_micro.in",
        overlap_samples=features.window_samples - features.stride_samples,
        numerator=FEATURE_NUMERATOR,
        denominator=FEATURE_DENOMINATOR,
        quantize_numerator=fraction.numerator,
        quantize_denominator=fraction.denominator,
        zero_point=quantization.input_zero_point,
    )


def _constant(name: str, value: object) -> str:
    """Returns the constant of one field: window_size_ms -> kFrontendWindowSizeMs."""
    constant = "kFrontend" + "".join(part.capitalize() for part in name.split("_"))
    if isinstance(value, bool):
        return f"constexpr bool {constant} = {str(value).lower()};"
    if isinstance(value, int):
        return f"constexpr int {constant} = {value};"
    if isinstance(value, float):
        return f"constexpr float {constant} = {c_float(value)};"
    return f"constexpr char {constant}[] = {c_string(str(value))};"


def _arena_comment(arena: ArenaBytes) -> str:
    host = f"kTensorArenaHostBytes is what TFLM needs on the machine that exported: {_n(arena)}."
    if arena.board_bytes:
        board = f" ({comment_text(arena.board)})" if arena.board else ""
        first = (
            f"{number_of('arena_bytes').text(arena.board_bytes)}, an upper bound for a 32-bit core"
            f" with\n// CMSIS-NN{board}, rounded up to {ARENA_ALIGNMENT}."
        )
    else:
        first = (
            f"The board's need is not known: the host's size, rounded up to {ARENA_ALIGNMENT}.\n"
            "// Its 64-bit pointers make it larger than a board's; CMSIS-NN's scratch is not in it."
        )
    return f"// Bytes of the tensor arena. {first}\n// {host}"


def _n(arena: ArenaBytes) -> str:
    number = number_of("arena_host_bytes")
    return f"{number.text(arena.host_bytes)}, exact" if arena.host_bytes else number.text(None)


def _c_byte(byte: int) -> str:
    if chr(byte) in '"\\?':
        return "\\" + chr(byte)
    return chr(byte) if 0x20 <= byte < 0x7F else f"\\{byte:03o}"


def _index(labels: Sequence[str], label: str) -> int:
    if label not in labels:
        raise InputError(f"labels: {label!r} must be among them, got {list(labels)}.")
    return list(labels).index(label)


def _float32(value: float) -> float:
    try:
        single: float = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError as error:
        raise InputError(f"model: a number must fit a 32-bit float, got {value!r}.") from error
    return single
