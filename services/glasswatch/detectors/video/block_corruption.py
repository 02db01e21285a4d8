"""Block corruption: blocks that are displaced, smeared or of one colour, because data was lost before decoding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from glasswatch.core.detection import Detection, Region, Verdict
from glasswatch.core.detector import DetectorSpec
from glasswatch.core.media import FrameChunk, MediaUnit
from glasswatch.core.needs import Planes, VideoNeed
from glasswatch.core.runs import Reading
from glasswatch.core.time import Instant
from glasswatch.detectors.modelled import ModelDetector, ModelState, Outputs
from glasswatch.detectors.video._block_decision import NO_CHANGE_KNOWN, BlockCorruptionParams, Decision, Look
from glasswatch.detectors.video._sampling import thumbnails, with_neighbours

MODEL = "block_corruption"

CELL = 32
"""Samples along the side of a cell of the model's map: the stride of ResNet18."""

Cells = npt.NDArray[np.bool_]


@dataclass(slots=True)
class BlockCorruptionState(ModelState):
    """What was found in the frames before, and the last one.

    Attributes:
        decision: Decides about each frame once the next one has come.
        last: A thumbnail of the last frame, (lines, columns), None before the first.
    """

    decision: Decision = field(default_factory=Decision)
    last: np.ndarray | None = None


class BlockCorruptionDetector(ModelDetector[BlockCorruptionParams, BlockCorruptionState]):
    """Asks a residual network where each sampled frame is damaged, and decides by the frames around it.

    Each frame is a detection of its own, so that what was measured of all of them is kept (`_block_decision.decide`).
    """

    spec = DetectorSpec(
        name="block_corruption",
        version="2",
        defects=("block_corruption",),
        needs=(VideoNeed(Planes.RGB, lines=1080, rate=Fraction(4)),),
        measurements={"probability": "1", "area": "1", "change": "8-bit codes", "marked": "1"},
        models=(MODEL,),
        lookback_s=2.0,
    )

    def fresh_state(self) -> BlockCorruptionState:
        """No frame seen."""
        return BlockCorruptionState()

    def process(self, unit: MediaUnit) -> Sequence[Detection]:
        """Judge the frames of a chunk, all in one call of the model."""
        assert isinstance(unit, FrameChunk)
        decision, params = self.state.decision, self.params
        readings = self.readings(MODEL, {"frames": unit.planes[0]}, len(unit), lambda found: self._read(unit, found))
        decided = []
        for i, (reading, change) in enumerate(zip(readings, self._changes(unit), strict=True)):
            measured = {**reading.measurements, "change": change, "marked": float(unit.damaged[i])}
            decided.append(decision.add(Look(unit.frame_span(i), replace(reading, measurements=measured)), params))
        return [self._emit(*one) for one in decided if one is not None]

    def finish(self, at: Instant) -> Sequence[Detection]:
        """The last frame, which nothing follows."""
        decided = self.state.decision.end(self.params)
        return [] if decided is None else [self._emit(*decided)]

    def _read(self, chunk: FrameChunk, outputs: Outputs) -> list[Reading]:
        """What the model found in each frame, and its region; verdicts come with the frames beside it."""
        found = []
        for learned, cells in zip(outputs["score"][:, 0], outputs["map"] >= self.params.cell_threshold, strict=True):
            measured = {"probability": float(learned), "area": float(cells.mean())}
            evidence = self.params.evidence(**measured)
            found.append(Reading(Verdict.OK, self._score(evidence), measured, region=_region(cells, chunk)))
        return found

    def _score(self, evidence: float) -> float:
        """Evidence as a score: 0.5 at the threshold, linear on either side."""
        threshold = self.params.least()
        if evidence < threshold:
            return 0.5 * evidence / threshold
        return 0.5 + 0.5 * (evidence - threshold) / (1.0 - threshold)

    def _changes(self, chunk: FrameChunk) -> list[float]:
        """Median change of each frame's samples against the frame before, 8-bit codes; green stands for luma."""
        small = thumbnails(chunk.planes[0][..., 1])
        last = self.state.last
        known = last is not None and last.shape == small.shape[1:]
        before = np.concatenate([last[None] if known and last is not None else small[:1], small[:-1]])
        changes = np.median(np.abs(small.astype(np.int16) - before), axis=(1, 2)).tolist()
        if not known:
            changes[0] = NO_CHANGE_KNOWN
        self.state.last = small[-1]
        return [float(change) for change in changes]

    def _emit(self, look: Look, damaged: bool) -> Detection:
        reading = look.reading
        if damaged:
            reading = replace(reading, verdict=Verdict.DEFECT, score=max(reading.score, 0.5))
        elif reading.verdict is Verdict.OK:
            reading = replace(reading, score=min(reading.score, 0.49), region=None)
        return self.detection(
            "block_corruption",
            look.span,
            reading.verdict,
            reading.score,
            measurements=reading.measurements,
            region=reading.region,
            worst=look.span.start,
            reason=reading.reason,
        )


def _region(cells: Cells, chunk: FrameChunk) -> Region | None:
    """Around the largest group of damaged cells, (rows, columns), in native pixels; None where there is none.

    A single cell elsewhere, rightly or wrongly found, would otherwise make the region the whole picture.
    """
    if not cells.any():
        return None
    rows, columns = np.nonzero(_largest_group(cells))
    (width, height), (across, down) = chunk.size, chunk.step
    left, top = (math.floor(CELL * first.min() * step) for first, step in ((columns, across), (rows, down)))
    right = min(width, math.ceil(CELL * (columns.max() + 1) * across))
    bottom = min(height, math.ceil(CELL * (rows.max() + 1) * down))
    return left, top, right - left, bottom - top


def _largest_group(cells: Cells) -> Cells:
    """The most cells that hang together, corners included; of equal groups the first from the top left."""
    left, best = cells.copy(), np.zeros_like(cells)
    while np.count_nonzero(left) > np.count_nonzero(best):
        group = np.zeros_like(cells)
        group.flat[int(left.argmax())] = True
        while np.count_nonzero(grown := with_neighbours(group) & left) > np.count_nonzero(group):
            group = grown
        left &= ~group
        if np.count_nonzero(group) > np.count_nonzero(best):
            best = group
    return best
