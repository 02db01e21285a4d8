"""What a second of sound costs on one core: features, model, and an inspection of a file."""

from __future__ import annotations

import statistics
import time
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from threadpoolctl import threadpool_limits
from training.audio_artifacts.programmes import Samples as Pcm

from bench.accuracy.evidence import Sound
from bench.audio.events import DETECTOR
from bench.inspection import inspected, why_unjudged
from glasswatch.adapters.local_inference import LocalInference
from glasswatch.adapters.model_repository import ModelRepository
from glasswatch.detectors.audio.artifact_features import features

MUSIC = "audio/singularity_Nebula.ogg"
LENGTH_S = 60
SECONDS = 30
"""In one call."""

ROUNDS = 5
DEADLINE_S = 120.0


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one model, for one second of one channel at 48 kHz.

    Attributes:
        bytes: Size of its file.
        mflop: Millions of operations, a multiplication and an addition being two.
        features_ms: Processor time of what it is told.
        model_ms: Processor time of its answer.
    """

    bytes: int
    mflop: float
    features_ms: float
    model_ms: float


@dataclass(frozen=True, slots=True)
class Inspected:
    """An inspection of LENGTH_S by the detector alone; times over that length, `error` where it did not judge.

    Attributes:
        detector: Processor time of the detector's thread, as a part of the media's length.
        cpu: Processor time of everything: decoding, detector, events.
        wall: Elapsed time.
    """

    detector: float
    cpu: float
    wall: float
    error: str | None


def costs(media: Path, repository: Path, models: tuple[str, ...]) -> dict[str, Cost]:
    """Each model on music; medians of ROUNDS, one thread."""
    with threadpool_limits(limits=1, user_api="blas"):
        return _costs(media, repository, models)


def _costs(media: Path, repository: Path, models: tuple[str, ...]) -> dict[str, Cost]:
    samples, rate = _music(media)
    segments = samples[0, : SECONDS * rate].reshape(SECONDS, rate)
    inference = LocalInference(repository, 1)
    told = features(segments, rate)
    features_ms = _median_ms(lambda: features(segments, rate)) / SECONDS
    found = {}
    for model in models:
        inference.infer(model, told, DEADLINE_S)  # the first call loads the model
        spent = _median_ms(lambda model=model: inference.infer(model, told, DEADLINE_S)) / SECONDS
        path = ModelRepository(repository).find(model).path
        found[model] = Cost(path.stat().st_size, flop(onnx.load(path)) / 1e6, features_ms, spent)
    return found


def inspections(media: Path, repository: Path, folder: Path) -> dict[str, Inspected]:
    """Stereo, two channels that are the same, and one channel."""
    samples, rate = _music(media)
    forms = {"stereo": samples, "dual mono": samples[[0, 0]], "mono": samples[:1]}
    return {
        name: _inspected(_written(folder / f"cost {name}.wav", pcm, rate), repository) for name, pcm in forms.items()
    }


def flop(model: Any) -> int:
    """Operations of all convolutions and matrix products of an ONNX model for a batch of one.

    An output value takes one multiplication and one addition for each weight that it is made with.
    """
    del model.graph.value_info[:]  # These hold for a batch of any size.
    for value in model.graph.input:
        value.type.tensor_type.shape.dim[0].dim_value = 1
    graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    for value in (*graph.value_info, *graph.output, *graph.input):
        shapes[value.name] = tuple(max(d.dim_value, 1) for d in value.type.tensor_type.shape.dim)
    total = 0
    for node in graph.node:
        if node.op_type == "Conv":
            weights = int(np.prod(shapes[node.input[1]][1:]))
        elif node.op_type in ("Gemm", "MatMul"):
            transposed = any(a.name == "transA" and a.i for a in node.attribute)
            weights = shapes[node.input[0]][-2 if transposed else -1]
        else:
            continue
        total += 2 * weights * int(np.prod(shapes[node.output[0]]))
    return total


def _music(media: Path) -> tuple[Pcm, int]:
    samples, rate, _ = Sound(str(media / MUSIC)).decoded
    return samples[:, : LENGTH_S * rate], rate


def _median_ms(call: Any) -> float:
    spent = []
    for _ in range(ROUNDS):
        started = time.process_time()
        call()
        spent.append((time.process_time() - started) * 1e3)
    return statistics.median(spent)


def _written(path: Path, samples: Pcm, rate: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((len(samples), 2, rate, 0, "NONE", ""))
        file.writeframes(np.rint(np.clip(samples.T, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def _inspected(path: Path, repository: Path) -> Inspected:
    report = inspected(path, DETECTOR, repository)
    if isinstance(report, str):
        return Inspected(0.0, 0.0, 0.0, report)
    timing, length_s = report.timing, report.timing.media_s
    spent = timing.detector_s[DETECTOR]
    return Inspected(spent / length_s, timing.cpu_s / length_s, timing.wall_s / length_s, why_unjudged(report))
