"""What scratch a kernel asks for: an operator and a kernel library in, bytes out.

TFLM lays these buffers out beside the activations. What the kernels of this host ask for is in the
head that it reports; here is what an optimized kernel asks for beyond that. Knows nothing of where
the buffers lie.
"""

from sprd.device.graph import Graph, Operator
from sprd.device.layouts import ANY_TFLM, ESP_NN_C

NO_SCRATCH_OPS = frozenset({"SOFTMAX", "MAX_POOL_2D", "ADD", "PAD", "RESHAPE", "SVDF"} | {
    "MUL", "SUB", "MEAN", "RELU", "RELU6", "LOGISTIC", "TANH", "QUANTIZE", "CONCATENATION",
    "EXPAND_DIMS", "SQUEEZE", "STRIDED_SLICE", "SLICE", "PACK", "UNPACK", "SPLIT", "HARD_SWISH",
    "LEAKY_RELU",
})  # fmt: skip
"""Operators whose optimized kernel asks for no more scratch than the reference kernel, which runs
on the host and is in the measured head. ESP-NN's softmax is the exception. Source:
tflite-micro/tensorflow/lite/micro/kernels/cmsis_nn; those without a file there are the reference
kernels themselves."""
LOGISTIC_TABLE_BYTES = 256
"""ESP-NN's, esp_nn_get_logistic_s8_scratch_size_ansi; older versions keep none."""
DEPTHWISE_3X3_WITHOUT_SCRATCH = frozenset({"2026-08"})
"""Versions of TFLM whose CMSIS-NN runs depthwise 3x3 filters without a buffer."""


def library_of(kernels: str, core: str) -> str:
    """Returns which kernels of a library run on a core."""
    return ESP_NN_C if (kernels, core) == ("esp-nn", "xtensa-lx6") else kernels


def scratch_bytes(
    graph: Graph, operator: Operator, kernels: str = "cmsis-nn", tflm: str = ANY_TFLM
) -> int | None:
    """Returns an upper bound of the scratch buffer that a kernel asks for, in bytes.

    Args:
        graph: The model.
        operator: One of its operators.
        kernels: The kernel library: "cmsis-nn", "esp-nn", "reference" or `ESP_NN_C`.
        tflm: The version of TFLM, or `ANY_TFLM`.

    Returns:
        None for an operator whose scratch is not known.
    """
    if kernels == "reference":
        return 0  # the host runs the reference kernels: it is in the measured head
    if kernels == ESP_NN_C:
        return _scratch_esp_nn_c(graph, operator)
    if kernels == "esp-nn":
        return _scratch_esp_nn(graph, operator)
    if tflm != ANY_TFLM and _asks_for_nothing(graph, operator, tflm):
        return 0
    return _scratch_cmsis_nn(graph, operator)


def _asks_for_nothing(graph: Graph, operator: Operator, tflm: str) -> bool:
    """Whether CMSIS-NN, compiled with gcc, runs a convolution without a buffer.

    Source: arm_convolve_wrapper_s8.c, arm_convolve_get_buffer_sizes_s8.c and
    arm_depthwise_conv_get_buffer_sizes_s8.c.
    """
    options = operator.options
    if operator.op == "CONV_2D":
        _, height, width, depth = graph.shape(operator.inputs[1], rank=4)
        strides = (options.get("stride_h", 1), options.get("stride_w", 1))
        return (height, width, *strides) == (1, 1, 1, 1) and depth % 4 == 0
    if operator.op == "DEPTHWISE_CONV_2D":
        _, height, width, depth = graph.shape(operator.inputs[1], rank=4)
        if graph.shape(operator.inputs[0], rank=4)[3] != depth:
            return True  # arm_depthwise_conv_s8 copies nothing
        is_dilated = (options.get("dilation_h", 1), options.get("dilation_w", 1)) != (1, 1)
        is_3x3 = (height, width) == (3, 3) and tflm in DEPTHWISE_3X3_WITHOUT_SCRATCH
        return is_dilated or is_3x3
    return False


def _scratch_cmsis_nn(graph: Graph, operator: Operator) -> int | None:
    """The largest over versions and compilers, for cores with the DSP extension; others ask less.

    Source: CMSIS-NN, arm_convolve_get_buffer_sizes_s8.c, arm_avgpool_get_buffer_sizes_s8.c and
    arm_depthwise_conv_get_buffer_sizes_s8.c; tflite-micro, kernels/cmsis_nn/fully_connected.cc.
    """
    if operator.op == "CONV_2D":
        # arm_convolve_s8: two int16 columns of im2col, each a multiple of four values;
        # arm_convolve_1x1_s8_fast asks for as much (armclang) or nothing (gcc).
        _, height, width, _ = graph.shape(operator.inputs[1], rank=4)
        depth = graph.shape(operator.inputs[0], rank=4)[3]
        return 2 * 2 * _aligned(height * width * depth, 4)
    if operator.op == "DEPTHWISE_CONV_2D":
        # arm_depthwise_conv_s8_opt: int16 columns. Newer versions skip it for 3x3 filters.
        _, height, width, depth = graph.shape(operator.inputs[1], rank=4)
        return 2 * height * width * depth
    if operator.op == "FULLY_CONNECTED":
        # Run as a 1x1 convolution if the output has more than two dimensions.
        is_flat = len(graph.shape(operator.outputs[0])) <= 2
        return 0 if is_flat else 4 * graph.shape(operator.inputs[1], rank=2)[1]
    if operator.op == "AVERAGE_POOL_2D":
        return 4 * graph.shape(operator.inputs[0], rank=4)[3]
    return 0 if operator.op in NO_SCRATCH_OPS else None


def _scratch_esp_nn_c(graph: Graph, operator: Operator) -> int | None:
    """What its softmax keeps of each class, and a table of the logistic function.

    Source: ESP-NN, esp_nn_conv_opt.c, esp_nn_depthwise_conv_opt.c, esp_nn_softmax_opt.c and
    esp_nn_logistic_ansi.c; esp-tflite-micro, kernels/esp_nn/softmax.cc, which takes the second
    dimension for the number of classes.
    """
    if operator.op == "SOFTMAX":
        return 4 * max(graph.shape(operator.outputs[0])[1:], default=1)
    if operator.op == "LOGISTIC":
        return LOGISTIC_TABLE_BYTES
    known = NO_SCRATCH_OPS | {"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "AVERAGE_POOL_2D"}
    return 0 if operator.op in known else None


def _scratch_esp_nn(graph: Graph, operator: Operator) -> int | None:
    """A sum over all that its versions of 2024 to 2026 copy: filter, padded input, corrections.

    Loose, for no version makes all copies. Source: ESP-NN, esp_nn_get_conv_scratch_size_esp32s3,
    esp_nn_get_depthwise_conv_scratch_size_esp32s3 and esp_nn_get_softmax_scratch_size_opt.
    """
    if operator.op == "SOFTMAX":
        return 4 * graph.shape(operator.outputs[0])[-1]
    if operator.op not in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        known = operator.op in NO_SCRATCH_OPS | {"FULLY_CONNECTED", "AVERAGE_POOL_2D"}
        return 0 if known else None
    _, height, width, depth = graph.shape(operator.inputs[0], rank=4)
    _, out_height, out_width, out_depth = graph.shape(operator.outputs[0], rank=4)
    _, filter_height, filter_width, _ = graph.shape(operator.inputs[1], rank=4)
    stride_height = operator.options.get("stride_h", 1)
    stride_width = operator.options.get("stride_w", 1)
    padded_height = max(height, out_height * stride_height + 2) + filter_height
    padded_width = max(width, out_width * stride_width + 2) + filter_width
    n_taps = filter_height * filter_width
    is_pointwise = operator.op == "CONV_2D" and n_taps == 1
    copied_depth = _aligned(depth, 8) if is_pointwise else depth
    padded_input = padded_height * padded_width * copied_depth
    if operator.op == "DEPTHWISE_CONV_2D":
        channels = _aligned(out_depth, 16)
        outputs = out_height * out_width * channels
        padded_input = padded_height * padded_width * _aligned(depth, 16)
        return 2 * (padded_input + n_taps * channels) + outputs + 12 * channels + 128
    filters = n_taps * _aligned(depth, 16) * (out_depth + 1) + 12 * out_depth
    # The panels of a large 1x1 convolution.
    panels = 24 * _aligned(depth, 16) + (16 * 1024 if depth * out_depth > 24 * 1024 else 0)
    return padded_input + filters + panels + 192


def _aligned(n: int, alignment: int) -> int:
    return -(-n // alignment) * alignment
