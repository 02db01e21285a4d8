"""Which sampled frames are damaged: what a model found in each of them, against the frames around it in its shot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from glasswatch.core.runs import Reading
from glasswatch.core.time import Span
from glasswatch.detectors.params import Params

SHOT_FRAMES = 8
"""Frames of a shot of which the median is its baseline: two seconds of four a second."""

LEAST_EVIDENCE = 1e-4
"""Evidence below this and above 1 minus this is not told apart; log-odds would be without bounds."""

NO_CHANGE_KNOWN = 255.0
"""Change of a frame that has none before it to be compared with: as large as it can be, in 8-bit codes."""

Inner = Annotated[float, Field(gt=0, lt=1)]
Rise = Annotated[float, Field(ge=0)]


class Level(IntEnum):
    """How much of the evidence that damage takes a frame has by itself."""

    NONE = 0
    LIKELY = 1
    CERTAIN = 2
    BEYOND_DOUBT = 3


class BlockCorruptionParams(Params):
    """What counts as damaged.

    Attributes:
        decision: What the evidence is: "learned", the model's own probability that the frame is damaged; "area", the
            share of its cells that are; or "either", the first, of which less is enough where the second is large.
        threshold: Learned evidence from which damage is likely.
        certain: And from which it is certain.
        area_threshold: The same for the area, after the published decision function: above 0.07.
        area_certain: And for certain.
        supported: Probability that is enough where something else supports it: by "either" the area, or the decoder,
            which has marked the frame corrupt.
        cell_threshold: Probability from which a cell is damaged.
        rise: How far the log-odds of the evidence must lie above those of the shot so far.
        alone_rise: And for a frame whose damage is likely, with nothing beside it.
        alone_area: Area from which such a frame is damaged.
        cut: Change to the frame before from which a shot begins anew, median of its samples, 8-bit codes.
        hold: Damage goes on while the evidence is at least this share of the threshold.
    """

    decision: Literal["learned", "area", "either"]
    threshold: Inner
    certain: Inner
    area_threshold: Inner
    area_certain: Inner
    supported: Inner
    cell_threshold: Inner
    rise: Rise
    alone_rise: Rise
    alone_area: Annotated[float, Field(ge=0, le=1)]
    cut: Annotated[float, Field(gt=0, le=255)]
    hold: Annotated[float, Field(gt=0, le=1)]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.supported <= self.threshold <= self.certain or self.area_certain < self.area_threshold:
            raise ValueError("what is certain cannot take less evidence than the threshold")
        if self.alone_rise < self.rise:
            raise ValueError("what stands alone cannot take a smaller rise than what does not")
        return self

    def evidence(self, probability: float, area: float) -> float:
        """What is compared with the shot so far, 0..1."""
        return area if self.decision == "area" else probability

    def least(self) -> float:
        """Evidence from which damage is likely."""
        return self.area_threshold if self.decision == "area" else self.threshold

    def level(self, probability: float, area: float) -> Level:
        """What a frame shows by itself; by "either", a large area raises what its probability shows by a step."""
        if self.decision == "area":
            return Level((area >= self.area_threshold) + (area >= self.area_certain))
        steps = (probability >= self.supported) + (probability >= self.threshold) + (probability >= self.certain)
        if self.decision == "learned" or not steps:
            return Level(max(steps - 1, 0))
        return Level(steps - 1 + (area >= (self.area_threshold if steps == 1 else self.area_certain)))


@dataclass(frozen=True, slots=True)
class Look:
    """One sampled frame: when it is shown, and what is reported of it but for the verdict, which is still to come.

    What the decision regards are its measurements, so that it can be made anew of those that were recorded.
    """

    span: Span
    reading: Reading

    @property
    def is_judged(self) -> bool:
        """Whether the model has answered."""
        return "probability" in self.reading.measurements

    @property
    def probability(self) -> float:
        """The model's own that the frame is damaged, 0 where it did not answer."""
        return self.reading.measurements.get("probability", 0.0)

    @property
    def area(self) -> float:
        """Share of damaged cells, 0 where the model did not answer."""
        return self.reading.measurements.get("area", 0.0)

    @property
    def change(self) -> float:
        """To the frame before it, median of its samples, 8-bit codes."""
        return self.reading.measurements["change"]

    @property
    def is_marked(self) -> bool:
        """Whether the decoder has marked it corrupt."""
        return bool(self.reading.measurements["marked"])


@dataclass(slots=True)
class Decision:
    """Decides about a frame once the next one has come; plain data, part of the detector's state.

    Lost data damages a shot that was whole: what is found rises within one quarter of a second, in a scene that is
    the same before and after but for the damage. Content that resembles damage is there from the shot's first frame
    (blurred panels, enlarged and sharpened encodes), or comes with a cut, a wipe or motion graphics, when everything
    changes. So evidence counts against the shot's own baseline. Where a shot has none, it takes certain evidence twice
    in a row. Where the decoder has marked the frame corrupt, it takes no more than that the model agrees.

    Attributes:
        last: The frame that waits for the next one.
        before: What the one before it showed.
        damaged: Whether the one before it was damaged.
        shot: Log-odds of the evidence of the last whole frames of the shot.
    """

    last: Look | None = None
    before: Level = Level.NONE
    damaged: bool = False
    shot: list[float] = field(default_factory=list)

    def add(self, look: Look, params: BlockCorruptionParams) -> tuple[Look, bool] | None:
        """Take the next frame; give the one before it, and whether that is damaged."""
        last = self.last
        touches = last is not None and last.span.epoch == look.span.epoch and last.span.end == look.span.start
        following = params.level(look.probability, look.area) if touches else Level.NONE
        decided = self.end(params, following)
        if last is None or not touches:
            self.before, self.damaged, self.shot = Level.NONE, False, []
        else:
            self.before = params.level(last.probability, last.area)
        self.last = look
        return decided

    def end(self, params: BlockCorruptionParams, following: Level = Level.NONE) -> tuple[Look, bool] | None:
        """Give the last frame, and whether it is damaged, when what follows shows this much."""
        look = self.last
        if look is None:
            return None
        if look.change >= params.cut:
            self.shot = []
        self.last = None
        evidence = params.evidence(look.probability, look.area)
        odds = log_odds(evidence)
        rise = odds - float(np.median(self.shot)) if self.shot else None
        self.damaged = self._is_damaged(look, rise, max(self.before, following), params) or (
            self.damaged and evidence >= params.hold * params.least() and (rise is None or rise >= params.rise / 2)
        )
        if not self.damaged and look.is_judged:
            self.shot = [*self.shot, odds][-SHOT_FRAMES:]
        return look, self.damaged

    @staticmethod
    def _is_damaged(look: Look, rise: float | None, beside: Level, params: BlockCorruptionParams) -> bool:
        """By itself and those beside it."""
        if look.is_marked and look.probability >= params.supported:
            return True
        level = params.level(look.probability, look.area)
        if level is Level.BEYOND_DOUBT:
            return True
        if rise is None or rise < params.rise:
            return level is Level.CERTAIN and beside >= Level.CERTAIN
        stands_alone = rise >= params.alone_rise and look.area >= params.alone_area
        return level is Level.CERTAIN or (level is Level.LIKELY and (beside is not Level.NONE or stands_alone))


def log_odds(evidence: float) -> float:
    """Natural logarithm of the odds, within what LEAST_EVIDENCE allows."""
    kept = min(max(evidence, LEAST_EVIDENCE), 1 - LEAST_EVIDENCE)
    return float(np.log(kept / (1 - kept)))


def decide(looks: Sequence[Look], params: BlockCorruptionParams) -> list[bool]:
    """Whether each of the frames of one stream, in order, is damaged: what tuning asks of recorded frames."""
    decision = Decision()
    found = [*[decision.add(look, params) for look in looks], decision.end(params)]
    return [decided[1] for decided in found if decided is not None]
