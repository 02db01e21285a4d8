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
from glasswatch.detectors.video._motion import Motion, Step, change, changes
from glasswatch.detectors.video._sampling import luma_code, thumbnails
from glasswatch.detectors.video._stops import OUT_OF_LINE, Stops, resumes, why_by_itself

LINES = 135
"""Every second line and column of the rendition: 8,000 samples a frame still show a mouth that moves."""

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
        judged: Whether it has become long enough to matter, and been judged.
        why: Why the picture may have come to stand by itself, None where motion was broken off.
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
    judged: bool = False
    why: str | None = None
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
        stops: What the stream does by itself.
        runs: Joins decided frames.
    """

    last: np.ndarray | None = None
    motion: Motion = field(default_factory=Motion)
    hold: Hold | None = None
    stops: Stops = field(default_factory=Stops)
    runs: Runs = field(default_factory=Runs)


class FreezeDetector(Detector[FreezeParams, FreezeState]):
    """Compares each frame with the one before and with the first of the hold.

    Codecs do not repeat a repeated picture exactly: they refine it over some frames and redraw it at each GOP, so that
    single frames change visibly but all stay near the first one, while motion leaves it behind. What is still is
    therefore judged against the motion before, and so is whether the hold interrupts that motion: in the same shot it
    was going on until the last frame, was no dissolve and no roll of titles, did not come to rest, and is not of a kind
    that stops by itself (`_stops`). A hold that interrupts nothing is informative, with the reason.
    """

    spec = DetectorSpec(
        name="freeze",
        version="4",
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
        top, mean, blocks = changes(before, small, 1 << (unit.bit_depth - 8))
        for i in range(len(unit)):
            step = Step(float(top[i]), float(mean[i]), blocks[i])
            found += self._take(unit, small[i], unit.frame_span(i), step)
            state.last = small[i]
        return found

    def finish(self, at: Instant) -> Sequence[Detection]:
        """The hold that lasts to the end, and the last run."""
        found = self._leave_hold()
        return found + [self._speak(span, run) for span, run in self.state.runs.end()]

    def _take(self, chunk: FrameChunk, frame: Samples, span: Span, step: Step) -> list[Detection]:
        state, at = self.state, float(span.start)
        found: list[Detection] = []
        if state.hold is not None:
            if self._goes_on(state.hold, frame, span, step, chunk):
                state.motion.add_step(at, step)
                return self._judge(state.hold, step, chunk)
            found += self._leave_hold(change(state.hold.anchor, frame, _scale(chunk))[1])
        elif state.last is not None and step.top <= max(
            self._still(), self.params.drop_share * state.motion.last_step()
        ):
            state.hold = self._enter(chunk, state.last, span, step.top)
            state.hold.settling = int(step.top > state.hold.still)
            self._extend(state.hold, span, step.top)
            state.motion.add_step(at, step)
            return found
        state.motion.add(at, frame, step)
        return found + self._emit(span, _moves(step.top))

    def _still(self) -> float:
        p = self.params
        return min(max(p.still_share * self.state.motion.level(), p.least_still), p.most_still)

    def _enter(self, chunk: FrameChunk, anchor: np.ndarray, span: Span, top: float) -> Hold:
        p = self.params
        before = self.state.motion.copy()
        older, _ = before.earlier(float(span.start))
        moved = change(older, anchor, _scale(chunk))[0] if older is not None else 0.0
        reach = min(max(p.reach_share * moved, p.least_reach), p.most_reach)
        return Hold(span.start, anchor, self._still(), reach, before, top)

    def _why(self, hold: Hold, step: Step, scale: int) -> str | None:
        """Why the picture may have come to stand by itself, None where motion in full swing was broken off."""
        p, before = self.params, hold.before
        if before.level() < p.least_motion:
            return "nothing moved before it"
        if hold.first_change > p.drop_share * before.last_step(of=2) or before.comes_to_rest(hold.first_change):
            return "what moved had come to rest"
        onset = float(hold.onset)
        interval = float(hold.end - hold.onset) / hold.repeats
        return why_by_itself(before, self.state.stops, onset, hold.anchor, step.blocks, interval, scale)

    def _is_black(self, chunk: FrameChunk, picture: np.ndarray) -> bool:
        p = self.params
        return float((picture <= luma_code(chunk, p.black_luma)).mean()) >= p.black_share

    @staticmethod
    def _extend(hold: Hold, span: Span, top: float) -> None:
        hold.pending.append((span, top))
        hold.repeats += 1 + hold.popped
        hold.popped = 0
        hold.end = span.end

    def _goes_on(self, hold: Hold, frame: Samples, span: Span, step: Step, chunk: FrameChunk) -> bool:
        """Whether the hold takes in this frame, as a repeat or as one that may turn out a redrawn picture."""
        top = step.top
        if change(hold.anchor, frame, _scale(chunk))[0] > hold.reach:
            return False
        if top <= hold.still:
            self._extend(hold, span, top)
            hold.settling = self.params.settle_frames
            return True
        if hold.settling < self.params.settle_frames and top <= self.params.drop_share * hold.before.last_step():
            self._extend(hold, span, top)
            hold.settling += 1
            return True
        if hold.popped < self.params.pop_frames and step.mean >= self.params.pop_spread * top:
            hold.pending.append((span, top))
            hold.popped += 1
            return True
        return False

    def _judge(self, hold: Hold, step: Step, chunk: FrameChunk) -> list[Detection]:
        """Say what is decided of a hold that goes on."""
        p = self.params
        lasted = float(hold.end - hold.onset)
        if lasted < p.least_s or hold.repeats < p.least_repeats:
            return []
        if not hold.judged:
            hold.judged, hold.why = True, self._why(hold, step, _scale(chunk))
            hold.black = self._is_black(chunk, hold.anchor)
        decided = hold.pending[: len(hold.pending) - hold.popped]
        hold.pending = hold.pending[len(decided) :]
        usual, why = self.state.stops.usual(hold.before, float(hold.onset)), hold.why
        if why is None and lasted < OUT_OF_LINE * usual:
            why = f"pictures stand for up to {usual:.1f} s here by themselves"
        before = hold.before.level()
        found: list[Detection] = []
        for span, top in decided:
            reading = _moves(top)
            if not hold.black:
                measured = {"change": top, "motion_before": before}
                if why is None:
                    reading = Reading(Verdict.DEFECT, 1.0 - 0.5 * min(1.0, top / p.most_reach), measured)
                else:
                    reading = Reading(Verdict.DEFECT, 0.5, measured, ceiling=Severity.INFO, reason=why)
            found += self._emit(span, reading)
        return found

    def _leave_hold(self, first: np.ndarray | None = None) -> list[Detection]:
        """The hold, if there is one, is over: what is pending was too short, or already motion again.

        `first` is the change of each block with which the picture goes on, None where it does not.
        """
        state = self.state
        hold, state.hold = state.hold, None
        if hold is None:
            return []
        goes_on = first is not None and not hold.before.in_cadence() and resumes(hold.before, first)
        moved = hold.before.level() >= self.params.least_motion
        by_itself = hold.why is not None or (first is not None and not goes_on)
        state.stops.remember(
            float(hold.end), float(hold.end - hold.onset), is_event=hold.judged, by_itself=by_itself, moved=moved
        )
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
            reason=run.reason,
            worst=run.at,
        )


def _moves(top: float) -> Reading:
    return Reading(Verdict.OK, 0.0, {"change": top})


def _scale(chunk: FrameChunk) -> int:
    """Codes that make one of 8 bit."""
    return 1 << (chunk.bit_depth - 8)
