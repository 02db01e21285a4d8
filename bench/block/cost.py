"""What a 1080p picture costs: operations, milliseconds, and an inspection of a file."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from bench.block.events import inspect
from bench.block.frames import DEADLINE_S, RATE, Rgb, decoded, rgb
from glasswatch.adapters.local_inference import LocalInference
from glasswatch.adapters.model_repository import ModelRepository

CLIP = "pristine/bbb_1080p30_10s.mp4"
THREADS = (1, 2)
ROUNDS = 7

# Where the weights stand among the inputs of each operator, and where its output's channels are.
_WEIGHTS = {"Conv": 1, "ConvInteger": 1, "QLinearConv": 3}


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one model.

    Attributes:
        gflop: Billions of operations of its convolutions for one picture, a multiplication and an addition being two.
        bytes: Size of its file.
        ms: By number of threads, the median time of a call with one picture.
    """

    gflop: float
    bytes: int
    ms: dict[int, float]

    def most_hz(self, threads: int) -> float:
        """Pictures a second of media at which inference alone takes as long as the media."""
        return 1000 / self.ms[threads]


@dataclass(frozen=True, slots=True)
class Inspected:
    """An inspection of CLIP with this detector alone."""

    media_s: float
    wall_s: float
    hz: float
    error: str | None


def costs(media: Path, repository: Path, models: tuple[str, ...]) -> dict[str, Cost]:
    """Each model on the first picture of CLIP; models and threads take turns."""
    picture = rgb(next(decoded(media / CLIP))[1])[None]
    runners = {threads: LocalInference(repository, threads) for threads in THREADS}
    times: dict[tuple[str, int], list[float]] = {(model, threads): [] for model in models for threads in THREADS}
    for number in range(ROUNDS + 1):
        for (model, threads), spent in times.items():
            started = time.perf_counter()
            runners[threads].infer(model, {"frames": picture}, DEADLINE_S)
            if number:  # the first call loads the model
                spent.append((time.perf_counter() - started) * 1e3)
    files = {model: ModelRepository(repository).find(model).path for model in models}
    return {
        model: Cost(
            flop(file, picture) / 1e9,
            file.stat().st_size,
            {threads: statistics.median(times[model, threads]) for threads in THREADS},
        )
        for model, file in files.items()
    }


def inspected(media: Path, repository: Path) -> Inspected:
    """Elapsed time of an inspection beside the length of the media."""
    finding = inspect(media / CLIP, repository)
    return Inspected(finding.duration_s, finding.wall_s, float(RATE), finding.error)


def flop(model: Path, frames: Rgb) -> int:
    """Operations of all convolutions for `frames`, (1, height, width, 3).

    The sizes are those of the tensors of a run, since the graph states none for pictures of any size.
    """
    graph = onnx.load(model)
    convolutions = [node for node in graph.graph.node if node.op_type in _WEIGHTS]
    weights = [node.input[_WEIGHTS[node.op_type]] for node in convolutions]
    outputs = [node.output[0] for node in convolutions]
    stored = {tensor.name: tuple(tensor.dims) for tensor in graph.graph.initializer}
    wanted = [*outputs, *(name for name in dict.fromkeys(weights) if name not in stored)]
    known = {output.name for output in graph.graph.output}
    graph.graph.output.extend(onnx.ValueInfoProto(name=name) for name in wanted if name not in known)
    options = onnxruntime.SessionOptions()
    # Fused operators would hide the tensors between.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])
    shapes = {name: array.shape for name, array in zip(wanted, session.run(wanted, {"frames": frames}), strict=True)}
    # An output value takes one multiplication and one addition for each weight of its channel.
    return sum(
        2 * int(np.prod(shapes[output])) * int(np.prod({**stored, **shapes}[weight][1:]))
        for output, weight in zip(outputs, weights, strict=True)
    )
