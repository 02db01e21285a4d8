"""TensorFlow Lite operators as ONNX ones.

TensorFlow Lite keeps pictures as (batch, lines, columns, channels), ONNX as (batch, channels, lines, columns). What has
four dimensions is kept as ONNX does and turned back only where its shape changes, and at the end. Weights of 16 bits
become 32: what DEQUANTIZE would do at every run is done once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from glasswatch.models.flatbuffer import Table
from glasswatch.models.onnx_graph import Graph
from glasswatch.models.tflite import Kind, Network, Operator

SAME = 0
"""Of Padding in the schema; the other is VALID."""

TO_ONNX, FROM_ONNX = (0, 3, 1, 2), (0, 2, 3, 1)
"""Orders of dimensions."""


def append(network: Network, graph: Graph, source: str) -> list[str]:
    """Add a network of one input to a graph.

    Args:
        network: Which one.
        graph: Gets its nodes, for any number of items in a batch.
        source: Name of the input in the graph: float32, channels before lines.

    Returns:
        Names of the outputs in the graph, in the network's order and with TensorFlow Lite's dimensions.

    Raises:
        ValueError: It has an operator, or an option of one, that is not converted.
    """
    conversion = _Conversion(network, graph, source)
    for operator in network.operators:
        try:
            CONVERTERS[operator.kind](conversion, operator)
        except ValueError as error:
            raise ValueError(f"{operator.kind.name}: {error}") from None
    return [conversion.as_in_tflite(number) for number in network.outputs]


class _Conversion:
    """What has become of the tensors so far: values where they are known, names in the graph where not."""

    def __init__(self, network: Network, graph: Graph, source: str) -> None:
        if len(network.inputs) != 1:
            raise ValueError(f"a network of {len(network.inputs)} inputs instead of one")
        self.graph = graph
        self._network = network
        self._values = {i: tensor.values for i, tensor in enumerate(network.tensors) if tensor.values is not None}
        self._names = {network.inputs[0]: source}

    def shape(self, number: int) -> tuple[int, ...]:
        return self._network.tensors[number].shape

    def picture(self, number: int) -> tuple[int, int, int]:
        """Lines, columns and channels."""
        shape = self.shape(number)
        if len(shape) != 4:
            raise ValueError(f"a picture of shape {shape}")
        return shape[1], shape[2], shape[3]

    def values(self, number: int) -> npt.NDArray[Any]:
        if number not in self._values:
            raise ValueError("weights that are computed")
        return self._values[number]

    def keep(self, number: int, values: npt.NDArray[Any]) -> None:
        self._values[number] = values

    def name(self, number: int) -> str:
        if number not in self._names:
            raise ValueError("an input that is not computed before")
        return self._names[number]

    def as_in_tflite(self, number: int) -> str:
        """The name of a tensor with the dimensions in TensorFlow Lite's order."""
        name = self.name(number)
        return self.graph.add("Transpose", [name], perm=FROM_ONNX) if len(self.shape(number)) == 4 else name

    def add(self, operator: Operator, kind: str, inputs: list[str], **attributes: Any) -> None:
        """Add the node that the operator becomes."""
        self._names[operator.output] = self.graph.add(kind, inputs, **attributes)


def _options(operator: Operator, activation_field: int) -> Table:
    """Its options; ValueError where there are none or an activation is fused, which these networks do not do."""
    if operator.options is None:
        raise ValueError("no options")
    if operator.options.integer(activation_field, "b") != 0:
        raise ValueError("a fused activation")
    return operator.options


def _window(
    conversion: _Conversion, operator: Operator, options: Table, kernel: tuple[int, int], dilation: tuple[int, int]
) -> dict[str, list[int]]:
    """The attributes of a window that slides over lines and columns.

    SAME gives size / stride outputs, rounded up, with as many zeros around as that takes, the odd one below and right.
    """
    strides = options.integer(2, "i"), options.integer(1, "i")
    if min(*strides, *kernel, *dilation) < 1:
        raise ValueError(f"strides {strides}, kernel {kernel}, dilation {dilation}")
    totals = [0, 0]
    if options.integer(0, "b") == SAME:
        sizes = conversion.picture(operator.inputs[0])[:2]
        totals = [
            max((-(-size // stride) - 1) * stride + (taps - 1) * spread + 1 - size, 0)
            for size, stride, taps, spread in zip(sizes, strides, kernel, dilation, strict=True)
        ]
    pads = [*(total // 2 for total in totals), *(total - total // 2 for total in totals)]
    return {"kernel_shape": [*kernel], "strides": [*strides], "pads": pads}


def _convolution(conversion: _Conversion, operator: Operator) -> None:
    options = _options(operator, 3)
    kernel = _kernel(conversion, operator)  # (outputs, lines, columns, inputs)
    dilation = options.integer(5, "i", 1), options.integer(4, "i", 1)
    _convolve(conversion, operator, options, kernel.transpose(0, 3, 1, 2), dilation, groups=1)


def _depthwise_convolution(conversion: _Conversion, operator: Operator) -> None:
    options = _options(operator, 4)
    kernel = _kernel(conversion, operator)  # (1, lines, columns, outputs)
    dilation = options.integer(6, "i", 1), options.integer(5, "i", 1)
    channels = conversion.picture(operator.inputs[0])[2]
    _convolve(conversion, operator, options, kernel.transpose(3, 0, 1, 2), dilation, groups=channels)


def _kernel(conversion: _Conversion, operator: Operator) -> npt.NDArray[Any]:
    if len(operator.inputs) != 3:
        raise ValueError(f"{len(operator.inputs)} inputs instead of picture, kernel and bias")
    kernel = conversion.values(operator.inputs[1])
    if kernel.ndim != 4:
        raise ValueError(f"a kernel of shape {kernel.shape}")
    return kernel


def _convolve(
    conversion: _Conversion,
    operator: Operator,
    options: Table,
    kernel: npt.NDArray[Any],
    dilation: tuple[int, int],
    groups: int,
) -> None:
    picture, _, bias = operator.inputs
    weights = [conversion.graph.weight(values) for values in (kernel, conversion.values(bias))]
    window = _window(conversion, operator, options, (kernel.shape[2], kernel.shape[3]), dilation)
    inputs = [conversion.name(picture), *weights]
    conversion.add(operator, "Conv", inputs, **window, dilations=[*dilation], group=groups)


def _max_pool(conversion: _Conversion, operator: Operator) -> None:
    options = _options(operator, 5)
    window = _window(conversion, operator, options, (options.integer(4, "i"), options.integer(3, "i")), (1, 1))
    conversion.add(operator, "MaxPool", [conversion.name(operator.inputs[0])], **window)


def _add(conversion: _Conversion, operator: Operator) -> None:
    _options(operator, 0)
    one, other = operator.inputs
    if conversion.shape(one) != conversion.shape(other):
        raise ValueError(f"of shapes {conversion.shape(one)} and {conversion.shape(other)}")
    conversion.add(operator, "Add", [conversion.name(one), conversion.name(other)])


def _concatenation(conversion: _Conversion, operator: Operator) -> None:
    axis = _options(operator, 1).integer(0, "i")
    if len(conversion.shape(operator.output)) == 4:
        axis = TO_ONNX.index(axis)
    conversion.add(operator, "Concat", [conversion.name(number) for number in operator.inputs], axis=axis)


def _dequantize(conversion: _Conversion, operator: Operator) -> None:
    values = conversion.values(operator.inputs[0])
    if values.dtype != np.float16:
        raise ValueError(f"of {values.dtype}")
    conversion.keep(operator.output, values.astype(np.float32))


def _relu(conversion: _Conversion, operator: Operator) -> None:
    conversion.add(operator, "Relu", [conversion.name(operator.inputs[0])])


def _prelu(conversion: _Conversion, operator: Operator) -> None:
    picture, slope = operator.inputs
    slopes = conversion.values(slope)
    if slopes.shape != (1, 1, conversion.picture(picture)[2]):
        raise ValueError(f"slopes of shape {slopes.shape}")
    # Not as PRelu, which takes ONNX Runtime longer on a CPU than all convolutions: slope * x + (1 - slope) * max(x, 0).
    graph, x, slopes = conversion.graph, conversion.name(picture), slopes.transpose(2, 0, 1)
    everywhere = graph.add("Mul", [x, graph.weight(slopes)])
    above = graph.add("Mul", [graph.add("Relu", [x]), graph.weight(1 - slopes)])
    conversion.add(operator, "Add", [everywhere, above])


def _pad(conversion: _Conversion, operator: Operator) -> None:
    picture, paddings = operator.inputs
    ends = conversion.values(paddings)  # (dimensions, 2), before and after
    if ends.shape != (4, 2):
        raise ValueError(f"of {len(ends)} dimensions")
    pads = conversion.graph.weight(ends[list(TO_ONNX)].T.reshape(-1).astype(np.int64))
    conversion.add(operator, "Pad", [conversion.name(picture), pads])


def _reshape(conversion: _Conversion, operator: Operator) -> None:
    shape = conversion.shape(operator.output)
    if shape[0] != 1 or conversion.shape(operator.inputs[0])[0] != 1 or len(shape) == 4:
        raise ValueError(f"to {shape}")
    # 0 leaves the batch as it is.
    sizes = conversion.graph.weight(np.array([0, *shape[1:]], np.int64))
    conversion.add(operator, "Reshape", [conversion.as_in_tflite(operator.inputs[0]), sizes])


CONVERTERS: dict[Kind, Callable[[_Conversion, Operator], None]] = {
    Kind.ADD: _add,
    Kind.CONCATENATION: _concatenation,
    Kind.CONV_2D: _convolution,
    Kind.DEPTHWISE_CONV_2D: _depthwise_convolution,
    Kind.DEQUANTIZE: _dequantize,
    Kind.MAX_POOL_2D: _max_pool,
    Kind.RELU: _relu,
    Kind.RESHAPE: _reshape,
    Kind.PAD: _pad,
    Kind.PRELU: _prelu,
}
