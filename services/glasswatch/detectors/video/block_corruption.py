"""Block corruption: blocks that are displaced, smeared or of one colour, because data was lost before decoding."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from glasswatch.core.detection import Detection, Region, Verdict
from glasswatch.core.detector import DetectorSpec
from glasswatch.core.media import FrameChunk, MediaUnit
from glasswatch.core.needs import Planes, VideoNeed
from glasswatch.core.runs import Reading, Runs
from glasswatch.core.time import Instant, Span
from glasswatch.detectors.modelled import ModelDetector, ModelState, Outputs
from glasswatch.detectors.params import Params
from glasswatch.detectors.video._sampling import with_neighbours

MODEL = "block_corruption"

CELL = 32
"""Samples along the side of a cell of the model's map: the stride of ResNet18."""

Cells = npt.NDArray[np.bool_]
Inner = Annotated[float, Field(gt=0, lt=1)]


class BlockCorruptionParams(Params):
    """What counts as damaged.

    Attributes:
        decision: What the evidence is: "learned", the model's own probability that the picture is damaged, or "area",
            the share of its cells that are.
        threshold: Learned evidence from which a picture is damaged if one beside it is.
        certain: And from which it is by itself.
        area_threshold: The same for the area, after the published decision function: above 0.07.
        area_certain: And by itself.
        cell_threshold: Probability from which a cell is damaged.
        hold: Damage goes on while the evidence is at least this share of the threshold.
    """

    decision: Literal["learned", "area"]
    threshold: Inner
    certain: Inner
    area_threshold: Inner
    area_certain: Inner
    cell_threshold: Inner
    hold: Annotated[float, Field(gt=0, le=1)]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.certain < self.threshold or self.area_certain < self.area_threshold:
            raise ValueError("what is certain cannot take less evidence than the threshold")
        return self


@dataclass(slots=True)
class BlockCorruptionState(ModelState):
    """The last picture, whose verdict waits for the next one, and what came before it.

    Attributes:
        span: When the last picture is shown, None before the first.
        last: Its reading; a score of 0.5 or more says that the evidence has reached the threshold.
        damaged: Whether the picture before it was damaged.
        runs: Joins decided pictures.
    """

    span: Span | None = None
    last: Reading = field(default_factory=lambda: Reading(Verdict.OK, 0.0))
    damaged: bool = False
    runs: Runs = field(default_factory=Runs)


class BlockCorruptionDetector(ModelDetector[BlockCorruptionParams, BlockCorruptionState]):
    """Asks a residual network where each sampled picture is damaged.

    Damage from lost data stays until the codec's next key frame, for more than one sample as a rule, while a picture
    that only looks like it (a burst of confetti, a flash, a wipe) passes. So evidence that is not certain must come
    twice in a row; once there is damage, less of it is enough for it to go on.
    """

    spec = DetectorSpec(
        name="block_corruption",
        version="1",
        defects=("block_corruption",),
        needs=(VideoNeed(Planes.RGB, lines=1080, rate=Fraction(4)),),
        measurements={"probability": "1", "area": "1"},
        models=(MODEL,),
        lookback_s=2.0,
    )

    def fresh_state(self) -> BlockCorruptionState:
        """No picture seen."""
        return BlockCorruptionState()

    def process(self, unit: MediaUnit) -> Sequence[Detection]:
        """Judge the pictures of a chunk, all in one call of the model."""
        assert isinstance(unit, FrameChunk)
        readings = self.readings(MODEL, {"frames": unit.planes[0]}, len(unit), lambda found: self._read(unit, found))
        return [d for i, reading in enumerate(readings) for d in self._take(unit.frame_span(i), reading)]

    def finish(self, at: Instant) -> Sequence[Detection]:
        """The last picture, which nothing follows, and the last run."""
        found = self._decide(followed=False)
        return found + [self._speak(span, run) for span, run in self.state.runs.end()]

    def _read(self, chunk: FrameChunk, outputs: Outputs) -> list[Reading]:
        """The evidence of each picture as a score; verdicts come with the pictures beside it."""
        found = []
        for learned, cells in zip(outputs["score"][:, 0], outputs["map"] >= self.params.cell_threshold, strict=True):
            measured = {"probability": float(learned), "area": float(cells.mean())}
            evidence = measured["probability" if self.params.decision == "learned" else "area"]
            found.append(Reading(Verdict.OK, self._score(evidence), measured, region=_region(cells, chunk)))
        return found

    def _score(self, evidence: float) -> float:
        """Evidence as a score: 0.5 at the threshold, linear on either side."""
        threshold, _ = self._thresholds()
        if evidence < threshold:
            return 0.5 * evidence / threshold
        return 0.5 + 0.5 * (evidence - threshold) / (1.0 - threshold)

    def _thresholds(self) -> tuple[float, float]:
        p = self.params
        return (p.threshold, p.certain) if p.decision == "learned" else (p.area_threshold, p.area_certain)

    def _take(self, span: Span, reading: Reading) -> list[Detection]:
        """Decide about the last picture, now that the next one has come."""
        state = self.state
        touches = state.span is not None and _touch(state.span, span)
        found = self._decide(followed=touches and reading.score >= 0.5)
        state.damaged = touches and state.damaged
        state.span, state.last = span, reading
        return found

    def _decide(self, *, followed: bool) -> list[Detection]:
        """The verdict on the last picture; `followed` says whether the next one's evidence reaches the threshold."""
        state, last = self.state, self.state.last
        if state.span is None:
            return []
        _, certain = self._thresholds()
        state.damaged = (
            last.score >= self._score(certain)
            or (last.score >= 0.5 and followed)
            or (last.score >= 0.5 * self.params.hold and state.damaged)
        )
        if state.damaged:
            last = replace(last, verdict=Verdict.DEFECT, score=max(last.score, 0.5))
        elif last.verdict is Verdict.OK:
            last = replace(last, score=min(last.score, 0.49), region=None)
        return [self._speak(span, run) for span, run in state.runs.add(state.span, last)]

    def _speak(self, span: Span, run: Reading) -> Detection:
        return self.detection(
            "block_corruption",
            span,
            run.verdict,
            run.score,
            measurements=run.measurements,
            region=run.region,
            worst=run.at,
            reason=run.reason,
        )


def _touch(first: Span, second: Span) -> bool:
    return first.epoch == second.epoch and first.end == second.start


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
