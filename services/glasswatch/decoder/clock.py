"""From timestamps to media time: epochs, gaps, repeats."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from fractions import Fraction
from statistics import median_high

from glasswatch.core.media import FactKind, StreamFact
from glasswatch.core.time import Instant, Timeline
from glasswatch.decoder.tally import Emit

JUMP = Fraction(10)
"""A forward step beyond this starts a new epoch in inputs whose timestamps may jump (FFmpeg's dts_delta_threshold)."""

ABSURD = Fraction(3600)
"""A forward step beyond this starts a new epoch in any input: no programme pauses for an hour, broken timestamps do."""

BACK = Fraction(1, 2)
"""A step back beyond this starts a new epoch; a smaller one is a fault of single timestamps."""

LEAST_GAP = Fraction(1, 5)
"""Shorter steps between frames are not reported as gaps."""

GAP_FACTOR = 4
"""A gap is at least this many times the usual step, so that slide shows and low frame rates are not gaps."""


@dataclass(slots=True)
class StreamClock:
    """Places the frames of one stream on the timeline and reports what is wrong with their timestamps.

    Attributes:
        stream: Name of the stream in facts.
        timeline: Shared by the streams of an input.
        may_jump: Whether a large forward step is a cut in the timeline rather than missing frames.
        emit: Where facts go.
        end: When the last frame ends; a frame without a timestamp is placed there.
        epoch: The stream's present epoch.
    """

    stream: str
    timeline: Timeline
    may_jump: bool
    emit: Emit
    end: Fraction
    epoch: int = 0
    _last: Fraction | None = None
    _steps: deque[Fraction] = field(default_factory=lambda: deque(maxlen=15))

    def place(self, pts: Fraction | None, duration: Fraction) -> Instant | None:
        """When a frame that lasts `duration` seconds is shown; None for one that must be left out."""
        if pts is None:
            pts = self.end
            self._say(FactKind.TIMESTAMP_MISSING, pts, "a frame has no timestamp")
        if self._last is not None:
            step = pts - self._last
            if 0 < step <= LEAST_GAP:
                self._steps.append(step)
            elif not self._admit(pts, step, duration):
                return None
        self._last = pts
        self.end = pts + duration
        return Instant(self.epoch, pts)

    def jumps(self, step: Fraction) -> bool:
        """Whether a step between timestamps, in seconds, is a cut in the timeline."""
        return step < -BACK or step > (JUMP if self.may_jump else ABSURD)

    def cut(self, pts: Fraction) -> None:
        """Start a new epoch: the stream goes on at `pts` where the last frame has ended."""
        before = Instant(self.epoch, self.end)
        self._begin_epoch(pts, self.timeline.position(before))
        jump = float(pts - before.seconds)
        message = f"timestamps jump by {jump:+.3f} s"
        self.emit(StreamFact(FactKind.DISCONTINUITY, before, self.stream, message, values={"jump_s": jump}))

    def change_form(self, pts: Fraction) -> None:
        """Start a new epoch at `pts` because frames look otherwise from here on; time itself goes on."""
        self._begin_epoch(pts, self.timeline.position(Instant(self.epoch, pts)))

    def _begin_epoch(self, pts: Fraction, position: Fraction) -> None:
        self.epoch = self.timeline.cut(self.epoch, pts, position)
        self._steps.clear()

    def _admit(self, pts: Fraction, step: Fraction, duration: Fraction) -> bool:
        """Report an unusual step; False where the frame must be left out."""
        if step == 0:
            self._say(FactKind.TIMESTAMP_REPEATED, pts, "two frames have the same timestamp")
        elif -BACK <= step < 0:
            self._say(FactKind.TIMESTAMP_BACKWARD, pts - step, f"a timestamp goes back by {float(-step):.3f} s")
        elif self.jumps(step):
            self.cut(pts)
            return True
        else:
            self._watch_gap(pts, step, duration)
            return True
        return False

    def _watch_gap(self, pts: Fraction, step: Fraction, duration: Fraction) -> None:
        usual = median_high(self._steps) if self._steps else duration
        self._steps.append(step)
        if step > GAP_FACTOR * max(usual, duration):
            gap = float(step - usual)
            message = f"{gap:.3f} s are missing between two frames"
            at = Instant(self.epoch, pts - step + usual)
            self.emit(StreamFact(FactKind.TIMESTAMP_GAP, at, self.stream, message, values={"gap_s": gap}))

    def _say(self, kind: FactKind, pts: Fraction, message: str) -> None:
        self.emit(StreamFact(kind, Instant(self.epoch, pts), self.stream, message))
