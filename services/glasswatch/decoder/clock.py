"""From timestamps to media time: epochs, gaps, repeats."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum
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


DELAY_S = Fraction(5)
"""What a packet shows may take this long, in seconds of media, to show in frames: decoders hold some back."""


class Holds(Enum):
    """What a longer time between two frames means in a container."""

    STATED = "stated"
    """The container states how long each sample lasts (ISO base media): time that no sample covers is missing."""
    UNSTATED = "unstated"
    """The container only states when a frame is shown (Matroska, FLV): it may be held, or frames may be missing."""
    REGULAR = "regular"
    """Frames follow one another at a rate (transport streams, raw streams): they are missing."""


@dataclass(slots=True)
class StreamClock:
    """Places the frames of one stream on the timeline and reports what is wrong with their timestamps.

    Attributes:
        stream: Name of the stream in facts.
        timeline: Shared by the streams of an input.
        may_jump: Whether a large forward step is a cut in the timeline rather than missing frames.
        emit: Where facts go.
        end: When the last frame ends; a frame without a timestamp is placed there.
        holds: What a longer time between two frames means.
        epoch: The stream's present epoch.
        takes_over: Whether the next frame is the first one of another PID, as the tables of a multiplex announce. Its
            clock may be another one, and what overlaps is no fault; what is missing is.
        was_away: Whether the tables had no such stream before the next frame: what is missing is no fault either.
    """

    stream: str
    timeline: Timeline
    may_jump: bool
    emit: Emit
    end: Fraction
    holds: Holds = Holds.REGULAR
    epoch: int = 0
    takes_over: bool = False
    was_away: bool = False
    _last: Fraction | None = None
    _steps: deque[Fraction] = field(default_factory=lambda: deque(maxlen=15))
    _uncovered: Fraction = Fraction(0)
    _uncovered_until: Fraction = Fraction(0)
    _join_until: Fraction | None = None

    def leave_uncovered(self, seconds: Fraction) -> None:
        """Take note of decoding time that no sample of the container covers."""
        self._uncovered = seconds + (self._uncovered if self.end <= self._uncovered_until else 0)
        self._uncovered_until = self.end + DELAY_S

    def announce_join(self, now: Fraction) -> None:
        """Take note, where the stream has come to `now`, that the input announces a discontinuity.

        The next irregular timestamp is no fault.
        """
        self._join_until = now + DELAY_S

    def is_joining(self, now: Fraction) -> bool:
        """Whether an announced discontinuity may still show where the stream has come to `now`."""
        return self._join_until is not None and now <= self._join_until

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
        self.takes_over = self.was_away = False
        self._last = pts
        self.end = pts + duration
        return Instant(self.epoch, pts)

    def jumps(self, step: Fraction) -> bool:
        """Whether a step between timestamps, in seconds, is a cut in the timeline."""
        return step < -BACK or step > (JUMP if self.may_jump else ABSURD)

    def cut(self, pts: Fraction) -> None:
        """Start a new epoch: the stream goes on at `pts` where the last frame has ended."""
        before = Instant(self.epoch, self.end)
        self.epoch = self.timeline.cut(self.epoch, pts, self.timeline.position(before))
        self._steps.clear()
        jump = float(pts - before.seconds)
        announced = self.is_joining(self.end) or self.takes_over
        self._join_until = None
        kind = FactKind.JOIN if announced else FactKind.DISCONTINUITY
        message = f"timestamps jump by {jump:+.3f} s" + (", as the input announces" if announced else "")
        self.emit(StreamFact(kind, before, self.stream, message, values={"jump_s": jump}))

    def _admit(self, pts: Fraction, step: Fraction, duration: Fraction) -> bool:
        """Report an unusual step; False where the frame must be left out."""
        if self.takes_over and -BACK <= step <= 0:
            return False
        if self.is_joining(self.end):
            self.cut(pts)
            return True
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
        if step <= GAP_FACTOR * max(usual, duration) or self.was_away:
            return
        at = Instant(self.epoch, pts - step + usual)
        kind, gap, text = FactKind.TIMESTAMP_GAP, step - usual, "{:.3f} s are missing between two frames"
        if self.holds is Holds.STATED:
            # Decoding time and presentation time differ by the order of frames only, so both lack the same.
            if self._uncovered <= 0 or at.seconds > self._uncovered_until:
                return
            gap, self._uncovered = min(gap, self._uncovered), Fraction(0)
        elif self.holds is Holds.UNSTATED:
            kind, text = FactKind.FRAME_HELD, "a frame stands {:.3f} s longer than usual: held, or others are missing"
        self.emit(StreamFact(kind, at, self.stream, text.format(float(gap)), values={"gap_s": float(gap)}))

    def _say(self, kind: FactKind, pts: Fraction, message: str) -> None:
        self.emit(StreamFact(kind, Instant(self.epoch, pts), self.stream, message))
