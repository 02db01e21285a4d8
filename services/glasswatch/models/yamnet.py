"""YAMNet as ONNX, out of a TensorFlow SavedModel: MobileNet v1 on log-mel spectrograms, trained on AudioSet.

The network is that of tensorflow/models, research/audioset/yamnet/yamnet.py and params.py. Batch normalisation is
folded into the convolutions before it, so that each has a weight and a bias, laid out as in PyTorch:

    conv1.weight (32, 1, 3, 3)
    depthwise{i}.weight (channels, 1, 3, 3), pointwise{i}.weight (outputs, channels, 1, 1) for i in 2 to 14
    logits.weight (521, 1024)
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from glasswatch.models.onnx_graph import Graph, Port
from glasswatch.models.tensor_bundle import TensorBundle

FRAMES, BANDS, CLASSES = 96, 64, 521
CONV1_FILTERS = 32
LAYERS = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
    *((512, 1),) * 5,
    *((1024, 2), (1024, 1)),
)
"""Filters and stride of the separable convolutions 2 to 14."""

BATCHNORM_EPSILON = 1e-4

VARIABLE = "layer-1/layer/_func/_yamnet/layer_with_weights-{}/{}/.ATTRIBUTES/VARIABLE_VALUE"
"""Name of a variable in the SavedModel, by the place of its layer among those that have any."""

Weights = dict[str, npt.NDArray[np.float32]]


def convert(members: Mapping[str, bytes]) -> dict[str, bytes]:
    """YAMNet from the `index` and `data` of a SavedModel's variables and the CSV file of its `classes`.

    Returns:
        `model.onnx`, and `labels.txt`: the names of the classes, one a line.

    Raises:
        ValueError: They are not YAMNet's.
    """
    names = [row["display_name"] for row in csv.DictReader(io.StringIO(members["classes"].decode("utf-8")))]
    if len(names) != CLASSES:
        raise ValueError(f"{len(names)} classes instead of {CLASSES}")
    labels = "".join(f"{name}\n" for name in names)
    weights = read_weights(TensorBundle(members["index"], members["data"]))
    return {"model.onnx": to_onnx(weights), "labels.txt": labels.encode("utf-8")}


def read_weights(bundle: TensorBundle) -> Weights:
    """The weights by their names in the ONNX model; ValueError where a variable is missing or of another shape."""
    layers = iter(range(2 * (1 + 2 * len(LAYERS)) + 1))
    weights: Weights = {}

    def read(what: str, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
        return bundle.float32(VARIABLE.format(next(layers), what), shape)

    def convolution(name: str, kernel: npt.NDArray[np.float32], filters: int) -> None:
        layer = next(layers)
        beta, mean, variance = (
            bundle.float32(VARIABLE.format(layer, what), (filters,)).astype(np.float64)
            for what in ("beta", "moving_mean", "moving_variance")
        )
        scale = 1 / np.sqrt(variance + BATCHNORM_EPSILON)
        weights[f"{name}.weight"] = (kernel * scale[:, None, None, None]).astype(np.float32)
        weights[f"{name}.bias"] = (beta - mean * scale).astype(np.float32)

    # TensorFlow's kernels are (height, width, inputs, outputs), depthwise ones (height, width, channels, 1).
    convolution("conv1", read("kernel", (3, 3, 1, CONV1_FILTERS)).transpose(3, 2, 0, 1), CONV1_FILTERS)
    channels = CONV1_FILTERS
    for i, (filters, _) in enumerate(LAYERS, start=2):
        convolution(f"depthwise{i}", read("depthwise_kernel", (3, 3, channels, 1)).transpose(2, 3, 0, 1), channels)
        convolution(f"pointwise{i}", read("kernel", (1, 1, channels, filters)).transpose(3, 2, 0, 1), filters)
        channels = filters
    logits = next(layers)
    weights["logits.weight"] = bundle.float32(VARIABLE.format(logits, "kernel"), (channels, CLASSES)).T
    weights["logits.bias"] = bundle.float32(VARIABLE.format(logits, "bias"), (CLASSES,))
    return weights


def to_onnx(weights: Weights) -> bytes:
    """The network with these weights, as the content of an ONNX file."""
    graph = Graph()
    channel_axis = graph.weight([1], "channel_axis")
    for name, values in weights.items():
        graph.weight(values, name)

    def convolution(name: str, source: str, kernel: int, stride: int = 1, groups: int = 1) -> str:
        # TensorFlow's SAME: as many zeros as give size / stride outputs, the odd one below and right. The sizes on the
        # way from 96 x 64 down to 3 x 2 are even wherever the stride is 2.
        begin, end = {(1, 1): (0, 0), (3, 1): (1, 1), (3, 2): (0, 1)}[kernel, stride]
        attributes = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "group": groups}
        inputs = [source, f"{name}.weight", f"{name}.bias"]
        graph.add("Conv", inputs, f"{name}.sum", **attributes, pads=[begin, begin, end, end])
        return graph.add("Relu", [f"{name}.sum"], f"{name}.relu")

    last = graph.add("Unsqueeze", ["log_mel", channel_axis], "picture")
    last = convolution("conv1", last, 3, stride=2)
    channels = CONV1_FILTERS
    for i, (filters, stride) in enumerate(LAYERS, start=2):
        last = convolution(f"depthwise{i}", last, 3, stride, groups=channels)
        last = convolution(f"pointwise{i}", last, 1)
        channels = filters
    last = graph.add("GlobalAveragePool", [last], "pooled")
    graph.add("Flatten", [last], "embedding")
    graph.add("Gemm", ["embedding", "logits.weight", "logits.bias"], "logits", transB=1)
    graph.add("Sigmoid", ["logits"], "scores")
    outputs = [Port("embedding", "float32", (channels,)), Port("scores", "float32", (CLASSES,))]
    return graph.model("yamnet", [Port("log_mel", "float32", (FRAMES, BANDS))], outputs)
