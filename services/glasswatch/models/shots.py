"""TransNet V2 as ONNX, out of a PyTorch file: finds where one shot ends and the next begins.

The network is that of T. Souček and J. Lokoč, "TransNet V2: An effective deep network architecture for fast shot
transition detection", arXiv:2008.04838, with the names of its PyTorch version. A window of 100 small pictures goes in.
Batch normalisation is folded into the convolutions before it, and convolutions of the same pictures are one.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from glasswatch.models import torch_archive
from glasswatch.models.onnx_graph import Graph, Port

WINDOW, LINES, COLUMNS = 100, 27, 48
STAGES, FILTERS = 3, 16
"""The filters of a branch double from stage to stage."""

DILATIONS = (1, 2, 4, 8)
"""How far apart the pictures are that the branches look at."""

BATCHNORM_EPSILON = 1e-3
NEIGHBOURS = 101
"""Pictures that each one is compared with, itself in the middle."""

BINS = 8
"""Of a colour histogram, for each of three colours."""

SIMILARITY, HIDDEN = 128, 1024
SMALLEST_NORM = 1e-12

Floats = npt.NDArray[np.float32]


def convert(members: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files of shots: of the `weights` of TransNet V2 as PyTorch saves them, and the `licence`.

    Raises:
        ValueError: They are those of another network.
    """
    return {"model.onnx": to_onnx(torch_archive.read(members["weights"])), "LICENSE": members["licence"]}


def to_onnx(tensors: Mapping[str, npt.NDArray[np.generic]]) -> bytes:
    """The network with these weights, as the content of an ONNX file.

    Raises:
        ValueError: One is missing, or of another shape.
    """
    network = _Network(tensors)
    graph = network.graph
    x = graph.cast("frames", "float32")
    x = graph.add("Transpose", [graph.add("Div", [x, graph.weight(np.float32(255))])], perm=(0, 4, 1, 2, 3))
    lines, columns, channels, means = LINES, COLUMNS, 3, []
    for stage in range(STAGES):
        filters = FILTERS << stage
        x = network.stage(x, stage, channels, filters)
        lines, columns, channels = lines // 2, columns // 2, len(DILATIONS) * filters
        means.append(graph.add("ReduceMean", [x], axes=[3, 4], keepdims=0))
    values = lines * columns * channels
    x = graph.add("Transpose", [x], perm=(0, 2, 3, 4, 1))
    x = graph.add("Reshape", [x, graph.weight([-1, WINDOW, values])])
    x = graph.add("Concat", [network.colours("frames"), network.similarity(means), x], axis=2)
    x = graph.add("Relu", [network.linear(x, "fc1", values + 2 * SIMILARITY, HIDDEN)])
    for layer, output in (("cls_layer1", "cuts"), ("cls_layer2", "transitions")):
        scores = graph.add("Sigmoid", [network.linear(x, layer, HIDDEN, 1)])
        graph.add("Squeeze", [scores, graph.weight([2])], output)
    inputs = [Port("frames", "uint8", (WINDOW, LINES, COLUMNS, 3))]
    return graph.model("shots", inputs, [Port(name, "float32", (WINDOW,)) for name in ("cuts", "transitions")])


class _Network:
    """The parts of TransNet V2."""

    def __init__(self, tensors: Mapping[str, npt.NDArray[np.generic]]) -> None:
        self.graph = Graph()
        self._tensors = tensors

    def stage(self, x: str, stage: int, channels: int, filters: int) -> str:
        """Two layers, their sum at half the size (StackedDDCNNV2); (batch, channels, time, lines, columns)."""
        first = self.graph.add("Relu", [self._layer(x, f"SDDCNN.{stage}.DDCNN.0", channels, filters)])
        x = self.graph.add("Relu", [self._layer(first, f"SDDCNN.{stage}.DDCNN.1", len(DILATIONS) * filters, filters)])
        x = self.graph.add("Add", [x, first])
        return self.graph.add("AveragePool", [x], kernel_shape=[1, 2, 2], strides=[1, 2, 2])

    def _layer(self, x: str, name: str, channels: int, filters: int) -> str:
        """Four branches side by side (DilatedDCNNV2); (batch, channels, time, lines, columns)."""
        wide, branches = 2 * filters, len(DILATIONS)
        kernels = [self._tensor(f"{name}.Conv3D_{d}.layers.0.weight", wide, channels, 1, 3, 3) for d in DILATIONS]
        inputs = [x, self.graph.weight(np.concatenate(kernels))]
        x = self.graph.add("Conv", inputs, kernel_shape=[1, 3, 3], pads=[0, 1, 1, 0, 1, 1])
        parts = []
        scale, shift = self._batchnorm(f"{name}.bn", branches * filters)
        for branch, d in enumerate(DILATIONS):
            mine = slice(branch * filters, (branch + 1) * filters)
            kernel = self._tensor(f"{name}.Conv3D_{d}.layers.1.weight", filters, wide, 3, 1, 1)
            kernel = (kernel * scale[mine, None, None, None, None]).astype(np.float32)
            weights = [self.graph.weight(kernel), self.graph.weight(shift[mine].astype(np.float32))]
            begin_end_axis = [self.graph.weight([n]) for n in (branch * wide, (branch + 1) * wide, 1)]
            inputs = [self.graph.add("Slice", [x, *begin_end_axis]), *weights]
            pads = [d, 0, 0, d, 0, 0]
            parts.append(self.graph.add("Conv", inputs, kernel_shape=[3, 1, 1], dilations=[d, 1, 1], pads=pads))
        return self.graph.add("Concat", parts, axis=1)

    def similarity(self, means: list[str]) -> str:
        """How alike pictures are in what the stages see in them (FrameSimilarity); (batch, time, 128)."""
        channels = sum(len(DILATIONS) * FILTERS << stage for stage in range(STAGES))
        x = self.graph.add("Transpose", [self.graph.add("Concat", means, axis=1)], perm=(0, 2, 1))
        x = self.linear(x, "frame_sim_layer.projection", channels, SIMILARITY)
        return self._compare(x, "frame_sim_layer.fc")

    def colours(self, frames: str) -> str:
        """How alike pictures are in their colours (ColorHistograms); (batch, time, 128)."""
        graph = self.graph
        x = graph.cast(frames, "int64")
        x = graph.add("Div", [x, graph.weight(256 // BINS)])
        x = graph.add("Mul", [x, graph.weight([BINS**2, BINS, 1])])
        x = graph.add("ReduceSum", [x, graph.weight([4])], keepdims=0)
        x = graph.add("Reshape", [x, graph.weight([-1, WINDOW, LINES * COLUMNS])])
        ones = graph.add("Expand", [graph.weight(np.float32(1)), graph.add("Shape", [x])])
        batch = graph.add("Shape", [x], start=0, end=1)
        zeros = graph.add("Concat", [batch, graph.weight([WINDOW, BINS**3])], axis=0)
        zeros = graph.add("Expand", [graph.weight(np.float32(0)), zeros])
        histograms = graph.add("ScatterElements", [zeros, x, ones], axis=2, reduction="add")
        return self._compare(histograms, "color_hist_layer.fc")

    def _compare(self, x: str, name: str) -> str:
        """The cosine of each picture's vector with those around it, zero beyond the window, and a layer on these."""
        graph, side = self.graph, NEIGHBOURS // 2
        norm = graph.add("ReduceL2", [x], axes=[2])
        x = graph.add("Div", [x, graph.add("Max", [norm, graph.weight(np.float32(SMALLEST_NORM))])])
        x = graph.add("MatMul", [x, graph.add("Transpose", [x], perm=(0, 2, 1))])
        # Line t holds the cosines with all pictures, those with its neighbours beginning at t once there are zeros to
        # both sides. Written one after the other and read with one more column, the lines shift by one each.
        width = WINDOW + 2 * side
        x = graph.add("Pad", [x, graph.weight([0, 0, side, 0, 0, side])])
        x = graph.add("Reshape", [x, graph.weight([-1, WINDOW * width])])
        x = graph.add("Pad", [x, graph.weight([0, 0, 0, WINDOW])])
        x = graph.add("Reshape", [x, graph.weight([-1, WINDOW, width + 1])])
        x = graph.add("Slice", [x, graph.weight([0]), graph.weight([NEIGHBOURS]), graph.weight([2])])
        return graph.add("Relu", [self.linear(x, name, NEIGHBOURS, SIMILARITY)])

    def linear(self, x: str, name: str, inputs: int, outputs: int) -> str:
        """A layer on the last dimension."""
        weight = self.graph.weight(self._tensor(f"{name}.weight", outputs, inputs).T)
        bias = self.graph.weight(self._tensor(f"{name}.bias", outputs))
        return self.graph.add("Add", [self.graph.add("MatMul", [x, weight]), bias])

    def _batchnorm(self, name: str, channels: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """What each channel is multiplied by, and what is then added."""
        weight, bias, mean, variance = (
            self._tensor(f"{name}.{what}", channels).astype(np.float64)
            for what in ("weight", "bias", "running_mean", "running_var")
        )
        scale = weight / np.sqrt(variance + BATCHNORM_EPSILON)
        return scale, bias - mean * scale

    def _tensor(self, name: str, *shape: int) -> Floats:
        tensor = self._tensors.get(name)
        if tensor is None:
            raise ValueError(f"no tensor {name}")
        if tensor.dtype != np.float32 or tensor.shape != shape:
            raise ValueError(f"tensor {name} is {tensor.dtype} {tensor.shape}, not float32 {shape}")
        return tensor.astype(np.float32, copy=False)
