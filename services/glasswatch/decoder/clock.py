"""From timestamps to media time: epochs, gaps, repeats."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from statistics import median_high

from glasswatch.core.media import FactKind, StreamFact
from glasswatch.core.time import Instant, Timeline

JUMP = Fraction(10)
"""A forward step beyond this starts a new epoch in inputs whose timestamps may jump (FFmpeg's dts_delta_threshold)."""

BACK = Fraction(1, 2)
"""A step back beyond this starts a new epoch; a smaller one is a fault of single timestamps."""

LEAST_GAP = Fraction(1, 5)
"""Shorter steps between frames are not reported as gaps."""

GAP_FACTOR = 4
"""A gap is at least this many times the usual step, so that slide shows and low frame rates are not gaps."""

Report = Callable[[StreamFact], None]


@dataclass(slots=True)
class StreamClock:
    """Places the frames of one stream on the timeline and reports what is wrong with their timestamps.

    Attributes:
        stream: Name of the stream in facts.
        timeline: Shared by the streams of an input.
        may_jump: Whether a large forward step is a cut in the timeline rather than missing frames.
        report: Where facts go.
    """

    stream: str
    timeline: Timeline
    may_jump: bool
    report: Report
    epoch: int = 0
    last: Fraction | None = None
    end: Fraction = Fraction(0)
    _steps: deque[Fraction] = field(default_factory=lambda: deque(maxlen=15))

    def place(self, pts: Fraction | None, duration: Fraction) -> Instant | None:
        """When a frame that lasts `duration` seconds is shown; None for one that must be left out."""
        if pts is None:
            pts = self.end
            self._say(FactKind.TIMESTAMP_MISSING, pts, "a frame has no timestamp")
        if self.last is not None:
            step = pts - self.last
            if step == 0:
                self._say(FactKind.TIMESTAMP_REPEATED, pts, "two frames have the same timestamp")
                return None
            if step < 0 and -step <= BACK:
                self._say(FactKind.TIMESTAMP_BACKWARD, self.last, f"a timestamp goes back by {float(-step):.3f} s")
                return None
            if self.jumps(step):
                self.cut(pts, self.end)
            else:
                self._watch_gap(pts, step, duration)
        self.last = pts
        self.end = pts + duration
        return Instant(self.epoch, pts)

    def jumps(self, step: Fraction) -> bool:
        """Whether a step between timestamps, in seconds, is a cut in the timeline."""
        return step < -BACK or (step > JUMP and self.may_jump)

    def cut(self, pts: Fraction, end: Fraction) -> None:
        """Start a new epoch at `pts`; what came before ended at `end`."""
        before = Instant(self.epoch, end)
        self._begin_epoch(pts, self.timeline.position(before))
        message = f"timestamps jump by {float(pts - end):+.3f} s"
        values = {"jump_s": float(pts - end)}
        self.report(StreamFact(FactKind.DISCONTINUITY, before, self.stream, message, values=values))

    def change_form(self, pts: Fraction) -> None:
        """Start a new epoch at `pts` because frames look otherwise from here on; time itself goes on."""
        self._begin_epoch(pts, self.timeline.position(Instant(self.epoch, pts)))

    def _begin_epoch(self, pts: Fraction, position: Fraction) -> None:
        self.epoch = self.timeline.cut(self.epoch, pts, position)
        self._steps.clear()

    def _watch_gap(self, pts: Fraction, step: Fraction, duration: Fraction) -> None:
        usual = median_high(self._steps) if self._steps else duration
        self._steps.append(step)
        if step > max(LEAST_GAP, GAP_FACTOR * usual, GAP_FACTOR * duration):
            gap = float(step - usual)
            message = f"{gap:.3f} s are missing between two frames"
            at = Instant(self.epoch, pts - step + usual)
            self.report(StreamFact(FactKind.TIMESTAMP_GAP, at, self.stream, message, values={"gap_s": gap}))

    def _say(self, kind: FactKind, pts: Fraction, message: str) -> None:
        self.report(StreamFact(kind, Instant(self.epoch, pts), self.stream, message))
