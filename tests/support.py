"""Making media units and running one detector over them, for unit tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from glasswatch.aggregator.decisions import Decisions
from glasswatch.config.profile import load_profile
from glasswatch.core.detection import Detection, Event
from glasswatch.core.detector import DetectorContext
from glasswatch.core.media import AudioChunk, FrameChunk, MediaUnit, StreamFact
from glasswatch.core.time import Instant
from glasswatch.detectors.registry import AnyDetector
from glasswatch.ports.inference import Inference, Tensors
from glasswatch.runtime import detectors
from tests.talking_models import TalkingModels

CHANNEL = "test"


def frame_chunks(
    luma: npt.NDArray[Any],
    chroma: tuple[npt.NDArray[Any], ...] = (),
    *,
    fps: Fraction | int = 25,
    chunk: int | Sequence[int] = 8,
    bit_depth: int = 8,
    full_range: bool = False,
    start: Fraction = Fraction(0),
    epoch: int = 0,
    rendition: str = "picture-270",
) -> list[FrameChunk]:
    """Chunks of the frames in `luma` (frames, lines, columns); `chunk` is one length or the list of lengths."""
    sizes = [chunk] * -(-len(luma) // chunk) if isinstance(chunk, int) else list(chunk)
    dtype = np.uint8 if bit_depth == 8 else np.uint16
    chunks, first = [], 0
    for size in sizes:
        last = min(first + size, len(luma))
        if last <= first:
            break
        n = last - first
        chunks.append(
            FrameChunk(
                rendition=rendition,
                epoch=epoch,
                pts=tuple(start + Fraction(i) / fps for i in range(first, last)),
                ends=tuple(start + Fraction(i + 1) / fps for i in range(first, last)),
                planes=tuple(p[first:last].astype(dtype) for p in (luma, *chroma)),
                bit_depth=bit_depth,
                full_range=full_range,
                size=(luma.shape[2], luma.shape[1]),
                step=(1.0, 1.0),
                key=(False,) * n,
                interlaced=(False,) * n,
                damaged=(False,) * n,
            )
        )
        first = last
    return chunks


def audio_chunks(
    samples: npt.NDArray[Any],
    rate: int = 48000,
    *,
    chunk: int | Sequence[int] = 24000,
    channels: tuple[str, ...] | None = None,
    start: Fraction = Fraction(0),
    epoch: int = 0,
    track: int = 0,
    tracks: int = 1,
) -> list[AudioChunk]:
    """Chunks of `samples` (channels, samples) or (samples,)."""
    pcm = np.atleast_2d(np.asarray(samples, np.float32))
    total = pcm.shape[1]
    sizes = [chunk] * -(-total // chunk) if isinstance(chunk, int) else list(chunk)
    names = channels or (("FC",), ("FL", "FR"))[pcm.shape[0] - 1]
    chunks, first = [], 0
    for size in sizes:
        last = min(first + size, total)
        if last <= first:
            break
        chunks.append(
            AudioChunk(
                rendition="audio",
                track=track,
                epoch=epoch,
                start=start + Fraction(first, rate),
                samples=np.ascontiguousarray(pcm[:, first:last]),
                rate=rate,
                channels=names,
                contiguous=first > 0,
                tracks=tracks,
            )
        )
        first = last
    return chunks


class PaintedModels:
    """Stands in for every model: the answers are painted into the pictures, as shares of full intensity.

    Those of lip sync are `TalkingModels`. Of the others red, averaged over each cell, is the map of a picture; green,
    averaged over all of it, is its score. Sound is of the class that its level says, tenth by tenth of a decade.
    """

    cell = 32

    def infer(self, model: str, inputs: Tensors, deadline_s: float) -> dict[str, npt.NDArray[Any]]:
        if model in TalkingModels.names:
            return TalkingModels().infer(model, inputs, deadline_s)
        if "frames" not in inputs:
            return {"classes": np.eye(5, dtype=np.float32)[(10 * inputs["shape"][:, 0, -1]).astype(int) % 5]}
        red, green = (inputs["frames"][..., i] / np.float32(255) for i in (0, 1))
        edges = [np.arange(0, size, self.cell) for size in red.shape[1:]]
        sums = np.add.reduceat(np.add.reduceat(red, edges[0], axis=1), edges[1], axis=2)
        heights, widths = (np.diff([*e, size]) for e, size in zip(edges, red.shape[1:], strict=True))
        return {"map": sums / np.outer(heights, widths), "score": green.mean(axis=(1, 2), keepdims=True)[..., 0]}

    def version(self, model: str) -> str:
        return "1"


def make_detector(name: str, inference: Inference | None = None, **params: Any) -> AnyDetector:
    """The detector with its default parameters, some changed; unless given, models are painted."""
    defaults = load_profile(only=[name]).params[name]
    changed = defaults.model_validate({**defaults.model_dump(), **params})
    return detectors.make_detector(name, changed, DetectorContext(channel=CHANNEL), inference or PaintedModels())


def detect(detector: AnyDetector, units: Iterable[MediaUnit]) -> list[Detection]:
    """Every detection on a stream that ends with the last unit."""
    found: list[Detection] = []
    end = Instant(0, Fraction(0))
    for unit in units:
        found += detector.process(unit)
        end = unit.at if isinstance(unit, StreamFact) else _end(unit)
    return found + list(detector.flush(end))


def events_of(name: str, units: Iterable[MediaUnit], inference: Inference | None = None, **params: Any) -> list[Event]:
    """Closed events of the detector under its default rules, by onset."""
    decisions = Decisions(load_profile(only=[name]).rules)
    changes = [e for d in detect(make_detector(name, inference, **params), units) for e in decisions.add(d)]
    changes += decisions.finish(CHANNEL)
    return sorted({e.id: e for e in changes}.values(), key=lambda e: e.span)


def _end(unit: FrameChunk | AudioChunk) -> Instant:
    if isinstance(unit, FrameChunk):
        return Instant(unit.epoch, unit.ends[-1])
    return Instant(unit.epoch, unit.span.end)
