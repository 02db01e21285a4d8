from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
import pytest

from glasswatch.models import tflite
from glasswatch.models.onnx_graph import Graph, Port
from glasswatch.models.tflite import Kind
from glasswatch.models.tflite_to_onnx import CONVERTERS, TO_ONNX, append
from tests.unit.models.tflite_files import Model

pytest.importorskip("onnx")

Floats = npt.NDArray[Any]

SAME, VALID = 0, 1
RNG = np.random.default_rng(3)


def run(model: Model, batch: int = 2) -> tuple[Floats, Floats]:
    """Random pictures, and what the converted network makes of them, with TensorFlow Lite's dimensions."""
    network = tflite.read(model.content())
    (picture,) = (network.tensors[number] for number in network.inputs)
    (result,) = (network.tensors[number] for number in network.outputs)
    graph = Graph()
    (output,) = append(network, graph, graph.add("Transpose", ["pictures"], perm=TO_ONNX))
    graph.add("Identity", [output], "results")
    inputs, outputs = Port("pictures", "float32", picture.shape[1:]), Port("results", "float32", result.shape[1:])
    content = graph.model("test", [inputs], [outputs])
    pictures = RNG.standard_normal((batch, *picture.shape[1:])).astype(np.float32)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return pictures, session.run(["results"], {"pictures": pictures})[0]


def windows(pictures: Floats, size: int, stride: int, dilation: int, padding: int, fill: float) -> Floats:
    """What a window sees at each of its places: (batch, lines, columns, channels, size, size)."""
    reach = (size - 1) * dilation + 1
    if padding == SAME:
        around = [(0, 0)]
        for length in pictures.shape[1:3]:
            total = max((-(-length // stride) - 1) * stride + reach - length, 0)
            around.append((total // 2, total - total // 2))
        pictures = np.pad(pictures, [*around, (0, 0)], constant_values=fill)
    seen = np.lib.stride_tricks.sliding_window_view(pictures, (reach, reach), axis=(1, 2))
    return seen[:, ::stride, ::stride, ..., ::dilation, ::dilation]


def half(*shape: int) -> Floats:
    return RNG.standard_normal(shape).astype(np.float16).astype(np.float64)


@pytest.mark.parametrize(
    ("size", "stride", "dilation", "padding", "kernel", "shape"),
    [
        (8, 1, 1, SAME, 3, 8),
        (8, 2, 1, SAME, 3, 4),
        (9, 2, 1, SAME, 3, 5),
        (9, 2, 1, SAME, 2, 5),
        (9, 2, 1, SAME, 5, 5),
        (9, 1, 2, SAME, 3, 9),
        (9, 1, 1, VALID, 3, 7),
        (9, 3, 1, VALID, 2, 3),
        (9, 1, 2, VALID, 3, 5),
    ],
)
def test_convolution(size: int, stride: int, dilation: int, padding: int, kernel: int, shape: int) -> None:
    weights = half(5, kernel, kernel, 3)
    model = Model()
    model.inputs = (model.empty(1, size, size, 3),)
    model.outputs = (model.convolve(0, weights, (1, shape, shape, 5), stride, padding, dilation),)
    pictures, found = run(model)
    seen = windows(pictures, kernel, stride, dilation, padding, 0)
    expected = np.einsum("bxyckl,oklc->bxyo", seen, weights) + np.linspace(-1, 1, 5).astype(np.float16)
    assert found.shape == (2, shape, shape, 5)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize(("stride", "shape", "multiplier"), [(1, 6, 1), (2, 3, 1), (2, 3, 2)])
def test_depthwise_convolution(stride: int, shape: int, multiplier: int) -> None:
    weights, bias = half(1, 3, 3, 4 * multiplier), half(4 * multiplier)
    model = Model()
    model.inputs = (model.empty(1, 6, 6, 4),)
    options = {0: ("Int8", SAME), 1: ("Int32", stride), 2: ("Int32", stride), 3: ("Int32", multiplier)}
    inputs = [0, model.values(weights), model.values(bias)]
    output = model.step(Kind.DEPTHWISE_CONV_2D, inputs, (1, shape, shape, 4 * multiplier), options)
    model.outputs = (output,)
    pictures, found = run(model)
    seen = windows(pictures, 3, stride, 1, SAME, 0).repeat(multiplier, axis=3)
    np.testing.assert_allclose(found, np.einsum("bxyckl,klc->bxyc", seen, weights[0]) + bias, atol=1e-4)


@pytest.mark.parametrize(("padding", "shape"), [(SAME, 4), (VALID, 3)])
def test_max_pool(padding: int, shape: int) -> None:
    model = Model()
    model.inputs = (model.empty(1, 7, 7, 2),)
    options = {0: ("Int8", padding), 1: ("Int32", 2), 2: ("Int32", 2), 3: ("Int32", 2), 4: ("Int32", 2)}
    model.outputs = (model.step(Kind.MAX_POOL_2D, [0], (1, shape, shape, 2), options),)
    pictures, found = run(model)
    np.testing.assert_array_equal(found, windows(pictures, 2, 2, 1, padding, -np.inf).max(axis=(-2, -1)))


def test_what_works_on_each_number() -> None:
    slopes = half(1, 1, 3)
    model = Model()
    model.inputs = (model.empty(1, 4, 5, 3),)
    bent = model.step(Kind.PRELU, [0, model.values(slopes)], (1, 4, 5, 3))
    model.outputs = (model.step(Kind.ADD, [bent, model.step(Kind.RELU, [0], (1, 4, 5, 3))], (1, 4, 5, 3), {}),)
    pictures, found = run(model)
    expected = np.where(pictures < 0, slopes * pictures, 2 * pictures)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_padding_of_lines_columns_and_channels() -> None:
    model = Model()
    model.inputs = (model.empty(1, 2, 3, 2),)
    ends = [[0, 0], [1, 0], [0, 2], [0, 3]]
    model.outputs = (model.step(Kind.PAD, [0, model.values(ends, np.int32)], (1, 3, 5, 5)),)
    pictures, found = run(model)
    np.testing.assert_array_equal(found, np.pad(pictures, ends))


def test_a_picture_becomes_a_list_in_the_order_of_tensorflow() -> None:
    model = Model()
    model.inputs = (model.empty(1, 4, 5, 6),)
    lists = [model.step(Kind.RESHAPE, [0], (1, 40, 3)), model.step(Kind.RESHAPE, [0], (1, 40, 3))]
    model.outputs = (model.step(Kind.CONCATENATION, lists, (1, 80, 3), {0: ("Int32", 1)}),)
    pictures, found = run(model, batch=3)
    expected = pictures.reshape(3, 40, 3)
    np.testing.assert_array_equal(found, np.concatenate([expected, expected], axis=1))


def test_channels_are_joined() -> None:
    model = Model()
    model.inputs = (model.empty(1, 4, 5, 2),)
    same = model.step(Kind.RELU, [0], (1, 4, 5, 2))
    model.outputs = (model.step(Kind.CONCATENATION, [same, 0], (1, 4, 5, 4), {0: ("Int32", 3)}),)
    pictures, found = run(model)
    np.testing.assert_array_equal(found, np.concatenate([np.maximum(pictures, 0), pictures], axis=3))


def test_every_operator_that_is_read_is_converted() -> None:
    assert CONVERTERS.keys() == set(Kind)


def fused(model: Model) -> int:
    return model.step(Kind.ADD, [0, 0], (1, 4, 4, 2), {0: ("Int8", 1)})


def broadcast(model: Model) -> int:
    return model.step(Kind.ADD, [0, model.values(np.zeros(2))], (1, 4, 4, 2), {})


def computed_weights(model: Model) -> int:
    options = {0: ("Int8", SAME), 1: ("Int32", 1), 2: ("Int32", 1)}
    return model.step(Kind.CONV_2D, [0, 0, model.values(np.zeros(1))], (1, 4, 4, 1), options)


def no_stride(model: Model) -> int:
    return model.convolve(0, np.zeros((1, 3, 3, 2)), (1, 4, 4, 1), stride=0, padding=SAME)


def no_options(model: Model) -> int:
    return model.step(Kind.MAX_POOL_2D, [0], (1, 2, 2, 2))


def out_of_order(model: Model) -> int:
    later = model.empty(1, 4, 4, 2)
    return model.step(Kind.RELU, [later], (1, 4, 4, 2))


def across_the_batch(model: Model) -> int:
    return model.step(Kind.RESHAPE, [0], (2, 16))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (fused, "ADD: a fused activation"),
        (broadcast, r"ADD: of shapes \(1, 4, 4, 2\) and \(2,\)"),
        (computed_weights, "CONV_2D: weights that are computed"),
        (no_stride, r"CONV_2D: strides \(0, 0\)"),
        (no_options, "MAX_POOL_2D: no options"),
        (out_of_order, "RELU: an input that is not computed before"),
        (across_the_batch, r"RESHAPE: to \(2, 16\)"),
    ],
)
def test_what_is_not_converted_is_refused(wrong: Callable[[Model], int], says: str) -> None:
    model = Model()
    model.inputs = (model.empty(1, 4, 4, 2),)
    model.outputs = (wrong(model),)
    with pytest.raises(ValueError, match=says):
        append(tflite.read(model.content()), Graph(), "pictures")
