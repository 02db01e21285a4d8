"""Freeze: the picture is repeated, grain and noise too, where it had been in motion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Annotated

import numpy as np
from pydantic import Field

from glasswatch.core.detection import Detection, Severity, Verdict
from glasswatch.core.detector import Detector, DetectorSpec
from glasswatch.core.media import FrameChunk, MediaUnit, Samples
from glasswatch.core.needs import Planes, VideoNeed
from glasswatch.core.runs import Reading, Runs
from glasswatch.core.time import Instant, Span
from glasswatch.detectors.params import Params
from glasswatch.detectors.video._motion import Motion, change, changes, is_dissolve, is_rolling_title
from glasswatch.detectors.video._sampling import luma_code, thumbnails

LINES = 135
"""Every second line and column of the rendition: 8,000 samples a frame still show a mouth that moves."""

NATURAL_MEMORY = 4
"""Seconds for which short holds are remembered: some shots of limited animation."""

Codes = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(gt=0, le=1)]
Seconds = Annotated[float, Field(gt=0)]


class FreezeParams(Params):
    """What counts as frozen.

    Changes are mean absolute differences of blocks, in codes of 8 bit; those of the most changed blocks count.

    Attributes:
        still_share: A frame repeats the one before when it changes by at most this share of the change before.
        least_still: But a change up to this is always a repeat, whatever moved before.
        most_still: And a change above this never is.
        drop_share: A hold begins when the change drops to this share of the last step.
        settle_frames: And may change so much for this many frames, in which a codec refines the picture.
        reach_share: All of a hold stays within this share of what motion had changed in as long a time before.
        least_reach: But may always stray this far from its first frame: codecs refine a picture that stands.
        most_reach: And never further than this.
        least_motion: Mean change before a hold that is motion.
        pop_frames: A codec may redraw a held picture in this many frames at a time.
        pop_spread: And redraws all of it: the mean change is at least this share of the change of the top blocks.
        least_s: A hold is an event from this length on.
        least_repeats: And from this many repeated frames on.
        out_of_line: And this many times as long as the short holds before, which limited animation makes all the time.
        black_luma: Luma of a dark sample at most, as a share of the range.
        black_share: A picture with this share of dark samples is black, which is another defect.
    """

    still_share: Share
    least_still: Codes
    most_still: Codes
    drop_share: Share
    settle_frames: Annotated[int, Field(ge=0)]
    reach_share: Share
    least_reach: Codes
    most_reach: Codes
    least_motion: Codes
    pop_frames: Annotated[int, Field(ge=0)]
    pop_spread: Share
    least_s: Seconds
    least_repeats: Annotated[int, Field(ge=1)]
    out_of_line: Annotated[float, Field(ge=1)]
    black_luma: Share
    black_share: Share


@dataclass(slots=True)
class Hold:
    """A picture that is being repeated.

    Attributes:
        onset: Start of the first repeated frame.
        anchor: The picture, (lines, columns).
        still: Most change of a repeat against the frame before it.
        reach: Most change of a repeat against the anchor.
        before: What moved before it.
        first_change: Change of the first repeat against the picture.
        settling: Frames so far that the codec took to refine the picture.
        interrupted: Whether it interrupts motion, None while it is too short to matter.
        black: Whether the picture is black.
        repeats: Repeated frames so far.
        end: When the last of them ends.
        pending: Frames not yet decided, with the change of each.
        popped: How many of the last ones in `pending` may be a redrawn picture or the end of the hold.
    """

    onset: Fraction
    anchor: np.ndarray
    still: float
    reach: float
    before: Motion
    first_change: float
    settling: int = 0
    interrupted: bool | None = None
    black: bool = False
    repeats: int = 0
    end: Fraction = Fraction(0)
    pending: list[tuple[Span, float]] = field(default_factory=list)
    popped: int = 0


@dataclass(slots=True)
class FreezeState:
    """The last frame, what moved before it, and the present hold.

    Attributes:
        last: The frame before, (lines, columns), None at the start.
        motion: The recent past of the shot.
        hold: The present hold.
        natural: End and length in seconds of recent holds that were too short to be an event.
        runs: Joins decided frames.
    """

    last: np.ndarray | None = None
    motion: Motion = field(default_factory=Motion)
    hold: Hold | None = None
    natural: list[tuple[Fraction, float]] = field(default_factory=list)
    runs: Runs = field(default_factory=Runs)


class FreezeDetector(Detector[FreezeParams, FreezeState]):
    """Compares each frame with the one before and with the first of the hold.

    Codecs do not repeat a repeated picture exactly: they refine it over some frames and redraw it at each GOP, so that
    single frames change visibly but all stay near the first one, while motion leaves it behind. What is still is
    therefore judged against the motion before, and so is whether the hold interrupts that motion: in the same shot it
    was going on until the last frame, was no dissolve and no roll of titles, and did not come to rest.
    """

    spec = DetectorSpec(
        name="freeze",
        version="2",
        defects=("freeze",),
        needs=(VideoNeed(Planes.LUMA, lines=270),),
        measurements={"change": "8-bit codes", "motion_before": "8-bit codes"},
        lookback_s=1.0,
    )

    def fresh_state(self) -> FreezeState:
        """No frame seen."""
        return FreezeState()

    def process(self, unit: MediaUnit) -> Sequence[Detection]:
        """Judge each frame of a chunk."""
        assert isinstance(unit, FrameChunk)
        state = self.state
        found: list[Detection] = []
        small = thumbnails(unit.luma, LINES)
        if state.last is not None and state.last.shape != small.shape[1:]:
            found += self._leave_hold()
            state.last, state.motion = None, Motion()
        before = np.concatenate([small[:1] if state.last is None else state.last[None], small[:-1]])
        top, mean = changes(before, small, 1 << (unit.bit_depth - 8))
        for i in range(len(unit)):
            found += self._take(unit, small[i], unit.frame_span(i), float(top[i]), float(mean[i]))
            state.last = small[i]
        return found

    def finish(self, at: Instant) -> Sequence[Detection]:
        """The hold that lasts to the end, and the last run."""
        found = self._leave_hold()
        return found + [self._speak(span, run) for span, run in self.state.runs.end()]

    def _take(self, chunk: FrameChunk, frame: Samples, span: Span, top: float, mean: float) -> list[Detection]:
        state = self.state
        found: list[Detection] = []
        if state.hold is not None:
            if self._goes_on(state.hold, frame, span, top, mean, chunk):
                state.motion.add_step(float(span.start), top, mean)
                return self._judge(state.hold, chunk)
            found += self._leave_hold()
        elif state.last is not None and top <= max(self._still(), self.params.drop_share * state.motion.last_step()):
            state.hold = self._enter(chunk, state.last, span, top)
            state.hold.settling = int(top > state.hold.still)
            self._extend(state.hold, span, top)
            state.motion.add_step(float(span.start), top, mean)
            return found
        state.motion.add(float(span.start), frame, top, mean)
        return found + self._emit(span, _moves(top))

    def _still(self) -> float:
        p = self.params
        return min(max(p.still_share * self.state.motion.level(), p.least_still), p.most_still)

    def _enter(self, chunk: FrameChunk, anchor: np.ndarray, span: Span, top: float) -> Hold:
        p = self.params
        before = self.state.motion.copy()
        older, _ = before.earlier(float(span.start))
        moved = change(older, anchor, 1 << (chunk.bit_depth - 8)) if older is not None else 0.0
        reach = min(max(p.reach_share * moved, p.least_reach), p.most_reach)
        return Hold(span.start, anchor, self._still(), reach, before, top)

    def _interrupts(self, hold: Hold, scale: int) -> bool:
        """Whether the hold breaks off motion: in the same shot, in full swing, no dissolve, no rolling titles."""
        p = self.params
        level = hold.before.level()
        older, middle = hold.before.earlier(float(hold.onset))
        return (
            level >= p.least_motion
            and hold.first_change <= p.drop_share * hold.before.last_step(of=2)
            and not hold.before.comes_to_rest(hold.first_change)
            and older is not None
            and middle is not None
            and not is_dissolve(older, middle, hold.anchor)
            and not is_rolling_title(middle, hold.anchor, scale)
        )

    def _is_black(self, chunk: FrameChunk, picture: np.ndarray) -> bool:
        p = self.params
        return float((picture <= luma_code(chunk, p.black_luma)).mean()) >= p.black_share

    @staticmethod
    def _extend(hold: Hold, span: Span, top: float) -> None:
        hold.pending.append((span, top))
        hold.repeats += 1 + hold.popped
        hold.popped = 0
        hold.end = span.end

    def _goes_on(self, hold: Hold, frame: Samples, span: Span, top: float, mean: float, chunk: FrameChunk) -> bool:
        """Whether the hold takes in this frame, as a repeat or as one that may turn out a redrawn picture."""
        if change(hold.anchor, frame, 1 << (chunk.bit_depth - 8)) > hold.reach:
            return False
        if top <= hold.still:
            self._extend(hold, span, top)
            hold.settling = self.params.settle_frames
            return True
        if hold.settling < self.params.settle_frames and top <= self.params.drop_share * hold.before.last_step():
            self._extend(hold, span, top)
            hold.settling += 1
            return True
        if hold.popped < self.params.pop_frames and mean >= self.params.pop_spread * top:
            hold.pending.append((span, top))
            hold.popped += 1
            return True
        return False

    def _judge(self, hold: Hold, chunk: FrameChunk) -> list[Detection]:
        """Say what is decided of a hold that goes on."""
        p = self.params
        lasted = float(hold.end - hold.onset)
        if lasted < p.least_s or hold.repeats < p.least_repeats:
            return []
        if hold.interrupted is None:
            hold.interrupted = self._interrupts(hold, 1 << (chunk.bit_depth - 8))
            hold.black = self._is_black(chunk, hold.anchor)
        decided = hold.pending[: len(hold.pending) - hold.popped]
        hold.pending = hold.pending[len(decided) :]
        usual = max((length for _, length in self.state.natural), default=0.0)
        ceiling = None if hold.interrupted and lasted >= p.out_of_line * usual else Severity.INFO
        before = hold.before.level()
        found: list[Detection] = []
        for span, top in decided:
            reading = _moves(top)
            if not hold.black:
                score = 1.0 - 0.5 * min(1.0, top / p.most_reach)
                reading = Reading(Verdict.DEFECT, score, {"change": top, "motion_before": before}, ceiling=ceiling)
            found += self._emit(span, reading)
        return found

    def _leave_hold(self) -> list[Detection]:
        """The hold, if there is one, is over: what is pending was too short, or already motion again."""
        state = self.state
        hold, state.hold = state.hold, None
        if hold is None:
            return []
        if hold.interrupted is None:
            state.natural = [n for n in state.natural if hold.end - n[0] <= NATURAL_MEMORY]
            state.natural.append((hold.end, float(hold.end - hold.onset)))
        return [d for span, top in hold.pending for d in self._emit(span, _moves(top))]

    def _emit(self, span: Span, reading: Reading) -> list[Detection]:
        return [self._speak(joined, run) for joined, run in self.state.runs.add(span, reading)]

    def _speak(self, span: Span, run: Reading) -> Detection:
        return self.detection(
            "freeze",
            span,
            run.verdict,
            run.score,
            measurements=run.measurements,
            ceiling=run.ceiling,
            worst=run.at,
        )


def _moves(top: float) -> Reading:
    return Reading(Verdict.OK, 0.0, {"change": top})
