"""The weights of a model, as numbers: what two trainings of one configuration can be told apart by.

Knows nothing of layers: a weight is a constant int8 tensor with scales.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sprd.device.graph import MALFORMED, parse, read_graph
from sprd.errors import ModelFileError


def weights_of(model: bytes) -> list[NDArray[np.float64]]:
    """Returns the dequantized weights of an int8 .tflite, tensor by tensor in the file's order.

    Raises:
        ModelFileError: The bytes are no .tflite, or its scales do not belong to its weights.
    """
    tensors = read_graph(model).tensors
    root = parse(model)
    found = []
    for index, tensor in enumerate(tensors):
        if tensor.type == "INT8" and tensor.data_bytes:
            raw = root.Subgraphs(0).Tensors(index)
            data = root.Buffers(raw.Buffer()).DataAsNumpy().view(np.int8)
            values = data[: tensor.n_elements].reshape(tensor.shape)
            try:
                found.append(_dequantized(values, raw.Quantization()))
            except MALFORMED as error:
                raise ModelFileError(
                    f"model: the scales of tensor {tensor.name!r} must be one, or one a channel."
                    " Convert the model again."
                ) from error
    return found


def distance(before: bytes, now: bytes) -> float | None:
    """Returns how far the weights of two models are apart, as a share of the first one's.

    The Euclidean norm of the difference over that of `before`; None where the shapes differ, or all
    weights are zero.
    """
    first, second = weights_of(before), weights_of(now)
    if [one.shape for one in first] != [one.shape for one in second]:
        return None
    squares = sum(float(((b - a) ** 2).sum()) for a, b in zip(first, second, strict=True))
    norm = sum(float((one**2).sum()) for one in first)
    return float(np.sqrt(squares / norm)) if norm else None


def _dequantized(values: NDArray[np.int8], parameters: Any) -> NDArray[np.float64]:
    """Scales are one a tensor, or one a channel of the quantized dimension."""
    scales, zeros = (
        np.atleast_1d(np.asarray(numbers, np.float64))
        for numbers in (parameters.ScaleAsNumpy(), parameters.ZeroPointAsNumpy())
    )
    along = np.ones(values.ndim, int)
    along[parameters.QuantizedDimension()] = len(scales)
    return np.asarray((values - zeros.reshape(along)) * scales.reshape(along))
