"""The C++ of a bundle, compiled and run."""

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sprd.bundle.cpp_sources import (
    OP_METHODS,
    ArenaBytes,
    Quantization,
    c_float,
    c_string,
    comment_text,
    frontend_source,
    quantize_fraction,
    resolver_methods,
    resolver_source,
)
from sprd.bundle.write import Export, bundle_files
from sprd.config.frozen import replaced
from sprd.config.recognizer import RecognizerSection
from sprd.config.trial import FeaturesSection
from sprd.errors import InputError
from sprd.listening.recognizers import Recognizer

MakeExport = Callable[..., Export]

ODD_KEYWORDS = ('a"b', "back\\", "??/", "??)", "café", "日本1", "\t\n\x01" + "7", "%s", "*/", "'")

MAIN = """
#include <stdint.h>
#include <stdio.h>
#include "model.h"
#include "model_settings.h"
#include "frontend_config.h"
#include "op_resolver.h"
struct Config {
  struct { size_t size_ms; size_t step_size_ms; } window;
  struct { int num_channels; float upper_band_limit; float lower_band_limit; } filterbank;
  struct { int smoothing_bits; float even_smoothing, odd_smoothing, min_signal_remaining; }
      noise_reduction;
  struct { int enable_pcan; float strength; float offset; int gain_bits; } pcan_gain_control;
  struct { int enable_log; int scale_shift; } log_scale;
};
struct Resolver {
%(methods)s
};
void text(const char* name, const char* value) {
  printf("%%s=", name);
  for (; *value; ++value) printf("%%02x", static_cast<unsigned char>(*value));
  printf("\\n");
}
int main() {
  printf("model=");
  for (int i = 0; i < g_model_len; ++i) printf("%%02x", g_model[i]);
  printf("\\nmisaligned=%%d\\n", static_cast<int>(reinterpret_cast<uintptr_t>(g_model) %% 16));
  for (int i = 0; i < kCategoryCount; ++i) text("label", kCategoryLabels[i]);
  for (int i = 0; i < kCategoryCount; ++i) printf("threshold=%%d\\n", kDetectionThresholds[i]);
%(prints)s
  Config c;
  FillFrontendConfig(&c);
  printf("config=%%d %%d %%d %%.9g %%.9g %%d %%.9g %%.9g %%.9g %%d %%.9g %%.9g %%d %%d %%d\\n",
         static_cast<int>(c.window.size_ms), static_cast<int>(c.window.step_size_ms),
         c.filterbank.num_channels, c.filterbank.lower_band_limit, c.filterbank.upper_band_limit,
         c.noise_reduction.smoothing_bits, c.noise_reduction.even_smoothing,
         c.noise_reduction.odd_smoothing, c.noise_reduction.min_signal_remaining,
         c.pcan_gain_control.enable_pcan, c.pcan_gain_control.strength,
         c.pcan_gain_control.offset, c.pcan_gain_control.gain_bits,
         c.log_scale.enable_log, c.log_scale.scale_shift);
  Resolver resolver = {0};
  printf("status=%%d\\n", RegisterOps(resolver));
  resolver.fail_at = 2;
  printf("status=%%d\\n", RegisterOps(resolver));
  return 0;
}
"""

SETTINGS = (
    *("kMaxAudioSampleSize", "kAudioSampleFrequency", "kFeatureSliceSize", "kFeatureSliceCount"),
    *("kFeatureElementCount", "kFeatureSliceStrideMs", "kFeatureSliceDurationMs", "kSilenceIndex"),
    *("kUnknownIndex", "kCategoryCount", "kTensorArenaSize", "kTensorArenaHostBytes"),
    *("kInputScale", "kInputZeroPoint", "kOutputScale", "kOutputZeroPoint", "kOpCount"),
    *("kAverageWindowDurationMs", "kDetectionThreshold", "kSuppressionMs", "kMinimumCount"),
    "kInferenceIntervalMs",
    *("kHasFirmwareFrontend", "kFrontendOverlapSamples", "kFrontendSampleRateHz"),
    *("kFeatureScaleNumerator", "kFeatureScaleDenominator"),
)

needs_compiler = pytest.mark.skipif(
    shutil.which("g++") is None, reason="no g++: apt-get install g++"
)


def compile_and_run(folder: Path, sources: list[str], standard: str) -> list[tuple[str, str]]:
    """Returns the `name=value` lines that the program prints."""
    command = ["g++", f"-std={standard}", "-Wall", "-Wextra", "-Werror", *sources, "-o", "program"]
    built = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    output = subprocess.run(
        [folder / "program"], capture_output=True, text=True, check=True, timeout=20
    ).stdout
    pairs = (line.partition("=") for line in output.splitlines())
    return [(name, value) for name, _, value in pairs]


def run_bundle(folder: Path, export: Export, standard: str) -> list[tuple[str, str]]:
    """Compiles the bundle's sources together with a program that prints all they define."""
    for name, content in bundle_files(export).items():
        (folder / name).write_bytes(content)
    method = '  int {0}() {{ puts("op={0}"); return fail_at && !--fail_at ? 1 : 0; }}'
    methods = ["  int fail_at;", *(method.format(name) for name in OP_METHODS.values())]
    prints = "\n".join(f'  printf("{n}=%.9g\\n", static_cast<double>({n}));' for n in SETTINGS)
    main = MAIN % {"methods": "\n".join(methods), "prints": prints}
    (folder / "main.cc").write_text(main)
    headers = [path.name for path in folder.glob("*.h")]
    (folder / "again.cc").write_text("".join(f'#include "{name}"\n' for name in headers * 2))
    sources = ["main.cc", "again.cc", "model.cc", "model_settings.cc"]
    return compile_and_run(folder, sources, standard)


def fitted_export(make_export: MakeExport, kind: str = "recognize_commands") -> Export:
    """An export of which the recognizer was fitted."""
    export = make_export()
    config = replaced(export.config, recognizer=RecognizerSection())
    recognizer = Recognizer(kind, 700, (190, 170), 900, 4, 40)
    return replace(export, config=config, recognizer=recognizer)


def values(lines: list[tuple[str, str]], name: str) -> list[str]:
    return [value for key, value in lines if key == name]


@needs_compiler
def test_fitted_thresholds_compile(tmp_path: Path, make_export: MakeExport) -> None:
    """One a label; silence and unknown have the lowest, as they are commands too."""
    lines = run_bundle(tmp_path, fitted_export(make_export), "c++11")
    assert values(lines, "threshold") == ["170", "170", "190", "170"]
    for name, value in (
        ("kDetectionThreshold", 170), ("kAverageWindowDurationMs", 700), ("kSuppressionMs", 900),
        ("kMinimumCount", 4), ("kInferenceIntervalMs", 40),
    ):  # fmt: skip
        assert values(lines, name) == [str(value)]


def test_header_says_where_thresholds_come_from(make_export: MakeExport) -> None:
    """Those of old are nobody's; a sliding mean is not RecognizeCommands."""
    old = bundle_files(make_export())["model_settings.h"].decode()
    assert "// Those of micro_speech: nobody fitted them to this model.\n" in old
    fitted = bundle_files(fitted_export(make_export))["model_settings.h"].decode()
    told = " ".join(fitted.replace("\n// ", " ").split())
    assert "at most 1 false accepts an hour of running speech, 10 an hour of other words." in told
    mean = bundle_files(fitted_export(make_export, "sliding_mean"))["model_settings.h"].decode()
    assert "microWakeWord's sliding mean, not of micro_speech's" in mean


@needs_compiler
@pytest.mark.parametrize("standard", ["c++11", "c++17"])
def test_sources_compile_and_say_what_the_export_says(
    tmp_path: Path, make_export: MakeExport, standard: str
) -> None:
    """Every constant of the sources equals the export's, under both standards."""
    features = FeaturesSection(
        window_size_ms=40,
        window_stride_ms=30,
        n_channels=20,
        lower_band_limit_hz=60.5,
        enable_pcan=False,
        pcan_strength=0.3,
        scale_shift=3,
    )
    export = make_export(ODD_KEYWORDS, features)
    lines = run_bundle(tmp_path, export, standard)
    assert values(lines, "model") == [export.model.hex()]
    assert values(lines, "misaligned") == ["0"]
    assert [bytes.fromhex(v).decode() for v in values(lines, "label")] == list(export.config.labels)
    n_frames = 1 + (1000 - 40) // 30
    expected = {
        "kMaxAudioSampleSize": 1024,
        "kAudioSampleFrequency": 16000,
        "kFeatureSliceSize": 20,
        "kFeatureSliceCount": n_frames,
        "kFeatureElementCount": n_frames * 20,
        "kFeatureSliceStrideMs": 30,
        "kFeatureSliceDurationMs": 40,
        "kSilenceIndex": 0,
        "kUnknownIndex": 1,
        "kCategoryCount": 2 + len(ODD_KEYWORDS),
        "kTensorArenaSize": 7_920,
        "kTensorArenaHostBytes": 9_776,
        "kInputScale": 26 / 256,
        "kInputZeroPoint": -128,
        "kOutputScale": 1 / 256,
        "kOutputZeroPoint": -128,
        "kOpCount": 4,
        "kAverageWindowDurationMs": 1000,
        "kDetectionThreshold": 200,
        "kSuppressionMs": 1500,
        "kMinimumCount": 3,
        "kInferenceIntervalMs": 0,
        "kHasFirmwareFrontend": 1,
        "kFrontendOverlapSamples": 160,
        "kFrontendSampleRateHz": 16000,
        "kFeatureScaleNumerator": 10,
        "kFeatureScaleDenominator": 256,
    }
    assert {name: float(*values(lines, name)) for name in SETTINGS} == expected
    assert values(lines, "threshold") == ["200"] * len(export.config.labels)
    filled = [40, 30, 20, 60.5, 7500, 10, 0.025, 0.06, 0.05, 0, 0.3, 80, 21, 1, 3]
    assert [float(v) for v in values(lines, "config")[0].split()] == pytest.approx(filled, 1e-7)
    calls = ["AddReshape", "AddConv2D", "AddFullyConnected", "AddSoftmax"]
    assert values(lines, "op") == calls + calls[:2]
    assert values(lines, "status") == ["0", "1"]


@needs_compiler
def test_a_real_model_is_the_same_bytes_in_cpp(
    tmp_path: Path, make_export: MakeExport, shared: Path
) -> None:
    """SPRD's model comes out of the compiler byte for byte."""
    model = (shared / "models" / "sprd_tiny_conv_up_down.tflite").read_bytes()
    lines = run_bundle(tmp_path, make_export(model=model), "c++11")
    assert values(lines, "model") == [model.hex()]


@needs_compiler
def test_features_are_quantized_as_numpy_does(tmp_path: Path) -> None:
    """QuantizeFeature equals rint(value * 10 / 256 / scale) + zero point, clipped, exactly."""
    cases = [(26 / 256, -128), (0.1, -128), (0.078125, -128), (0.0371, 3), (7.3, -7), (1e-4, 100)]
    main = "#include <stdint.h>\n#include <stdio.h>\n"
    calls = ""
    for number, (scale, zero_point) in enumerate(cases):
        quantization = Quantization(scale, zero_point, 1 / 256, -128, 1960)
        name = f"case{number}.h"
        (tmp_path / name).write_text(frontend_source(FeaturesSection(), quantization, "x"))
        main += f'namespace c{number} {{\n#include "{name}"\n}}\n#undef SPRD_FRONTEND_CONFIG_H_\n'
        calls += f'printf("v={number} %d %d\\n", i, c{number}::QuantizeFeature(uint16_t(i)));\n'
    loop = "for (int i = 0; i < 65536; i += i < 1000 ? 1 : 97) {\n"
    (tmp_path / "main.cc").write_text(f"{main}int main() {{\n{loop}{calls}}}\n}}\n")
    rows = np.array(
        [row.split() for _, row in compile_and_run(tmp_path, ["main.cc"], "c++11")], np.int64
    )
    for number, (scale, zero_point) in enumerate(cases):
        got = rows[rows[:, 0] == number]
        real = got[:, 1] * 10 / 256
        steps = np.rint(real / np.float64(np.float32(scale)))
        expected = np.clip(steps + zero_point, -128, 127)
        np.testing.assert_array_equal(got[:, 2], expected)
    assert len(rows) > 6000


@needs_compiler
@pytest.mark.parametrize("preprocess", ["mfcc", "average"])
def test_a_front_end_without_firmware_says_so(tmp_path: Path, preprocess: str) -> None:
    """The header compiles and has the settings, but no code that would compute other features."""
    features = FeaturesSection(preprocess=preprocess)  # type: ignore[arg-type]
    header = frontend_source(features, Quantization(0.5, 0, 1 / 256, -128, 1960), "x")
    assert "FillFrontendConfig" not in header and "QuantizeFeature" not in header
    (tmp_path / "frontend_config.h").write_text(header)
    (tmp_path / "main.cc").write_text(
        '#include <stdio.h>\n#include "frontend_config.h"\nint main() {\n'
        'printf("has=%d\\n", kHasFirmwareFrontend);\nprintf("is=%s\\n", kFrontendPreprocess);\n}\n'
    )
    lines = compile_and_run(tmp_path, ["main.cc"], "c++11")
    assert lines == [("has", "0"), ("is", preprocess)]


def test_every_setting_of_the_front_end_is_in_the_header() -> None:
    """A field added to [features] reaches the firmware."""
    header = frontend_source(FeaturesSection(), Quantization(0.1, -128, 1 / 256, -128, 1960), "x")
    names = {"kFrontend" + field.title().replace("_", "") for field in FeaturesSection.model_fields}
    assert names <= set(re.findall(r"kFrontend\w+", header))


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_any_label_survives_as_a_c_string(label: str) -> None:
    """A literal is printable ASCII without trigraphs and means the label's UTF-8 bytes."""
    literal = c_string(label)
    tokens = re.findall(r'\\([0-7]{3})|\\(["\\?])|([ !#->@-\[\]-~])', literal[1:-1])
    assert bytes(int(o, 8) if o else ord(e or c) for o, e, c in tokens) == label.encode()
    assert sum(4 if o else 2 if e else 1 for o, e, _ in tokens) == len(literal) - 2


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_float_literal_reads_back(value: float) -> None:
    """The shortest literal is the same float32."""
    literal = c_float(value)
    assert re.fullmatch(r"-?\d+(\.\d+)?(e[+-]\d+)?f", literal) and np.float32(literal[:-1]) == value


@given(st.text(max_size=30))
def test_a_comment_cannot_be_left(text: str) -> None:
    """A name in a comment has no line break, no backslash and no trigraph."""
    assert re.fullmatch(r"[ ->@-\[\]-~]*", comment_text(text))


def test_the_input_scale_of_the_seed_gives_small_numbers() -> None:
    """10 / 256 divided by 26 / 256 is 5 / 13."""
    assert quantize_fraction(26 / 256).as_integer_ratio() == (5, 13)


@pytest.mark.parametrize("scale", [0.0, -0.1, float("inf"), float("nan"), 1e-30, 1e30, 1e300])
def test_an_impossible_input_scale_is_an_error(scale: float) -> None:
    """What no feature can be quantized with is refused, not overflowed."""
    with pytest.raises(InputError, match="model: "):
        quantize_fraction(scale)


@pytest.mark.parametrize(
    ("op", "method"),
    [
        ("ADD", "AddAdd"),
        ("AVERAGE_POOL_2D", "AddAveragePool2D"),
        ("DEPTHWISE_CONV_2D", "AddDepthwiseConv2D"),
        ("L2_POOL_2D", "AddL2Pool2D"),
        ("MAX_POOL_2D", "AddMaxPool2D"),
        ("PADV2", "AddPadV2"),
        ("RELU6", "AddRelu6"),
        ("SPACE_TO_BATCH_ND", "AddSpaceToBatchNd"),
        ("UNIDIRECTIONAL_SEQUENCE_LSTM", "AddUnidirectionalSequenceLSTM"),
    ],
)
def test_ops_have_the_names_of_the_resolver(op: str, method: str) -> None:
    """Spellings of micro_mutable_op_resolver.h."""
    assert resolver_methods([op]) == (method,)


def test_an_op_is_registered_once() -> None:
    """The resolver refuses an op that is added twice."""
    source = resolver_source(["CONV_2D", "PAD", "CONV_2D"], "x")
    assert source.count(".AddConv2D();") == 1 and "kOpCount = 2;" in source


@pytest.mark.parametrize(("ops", "words"), [([], "at least one op"), (["CONV2D"], "'CONV_2D'")])
def test_an_op_without_a_method_is_an_error(ops: list[str], words: str) -> None:
    """The message names the op and a near one."""
    with pytest.raises(InputError, match=words):
        resolver_source(ops, "x")


@pytest.mark.parametrize(
    ("board", "host", "size"), [(7_913, 9_776, 7_920), (16, 1, 16), (None, 9_777, 9_792)]
)
def test_the_arena_is_rounded_up(board: int | None, host: int | None, size: int) -> None:
    """The board's estimate decides; without a board, the host's size."""
    assert ArenaBytes(board, host, None).size == size


def test_an_unknown_arena_is_an_error() -> None:
    """No size is invented."""
    with pytest.raises(InputError, match="arena_bytes"):
        _ = ArenaBytes(None, None, None).size
