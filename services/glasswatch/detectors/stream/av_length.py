"""Audio and video that do not start or end together, and streams that stop before the container says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Annotated

from pydantic import Field

from glasswatch.core.detection import Detection, Severity, Verdict
from glasswatch.core.detector import Detector, DetectorSpec
from glasswatch.core.media import FactKind, MediaUnit, StreamFact
from glasswatch.core.needs import FactNeed
from glasswatch.core.time import Instant, Span
from glasswatch.detectors.params import Params

DEFECT = "av_length"
START, END = "start", "end"


class AvLengthParams(Params):
    """Settings.

    Attributes:
        tolerance_s: Streams may start and end this far apart, seconds.
    """

    tolerance_s: Annotated[float, Field(ge=0)]


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of a stream: its own time, and seconds from the start of the input, which go on through epochs."""

    at: Instant
    position_s: float

    def since(self, other: Moment) -> Fraction:
        """Seconds from the other one to this one; exact within an epoch."""
        if self.at.epoch == other.at.epoch:
            return self.at.seconds - other.at.seconds
        return Fraction(self.position_s - other.position_s).limit_denominator(90_000)


@dataclass(slots=True)
class AvLengthState:
    """Where audio and video streams ("video:0", "audio:1") start and end, first and last presented moment.

    Attributes:
        starts: Start of the first frame or sample.
        ends: End of the last frame or sample.
        declared_s: Duration that the container declares for a stream.
        judged: Streams whose start has been judged.
        joined: Some stream was joined in its middle: it began with frames that cannot be decoded.
    """

    starts: dict[str, Moment] = field(default_factory=dict)
    ends: dict[str, Moment] = field(default_factory=dict)
    declared_s: dict[str, float] = field(default_factory=dict)
    judged: list[str] = field(default_factory=list)
    joined: bool = False


class AvLength(Detector[AvLengthParams, AvLengthState]):
    """Compares presented times, so priming samples and edit lists, which are never presented, do not count.

    What the tables of a multiplex announce is no fault: a track that comes or goes with a new PMT. A stream by itself
    has nothing to differ from; it can only end before its container says. Where the timeline jumps in between,
    positions in the input are compared: times of two epochs have no common zero.
    """

    spec = DetectorSpec(
        name="av_length",
        version="2",
        defects=(DEFECT,),
        needs=(FactNeed(),),
        measurements={"gap_s": "s"},
    )

    def fresh_state(self) -> AvLengthState:
        """No stream known."""
        return AvLengthState()

    def process(self, unit: MediaUnit) -> Sequence[Detection]:
        """Take note of starts and ends; starts are judged when the stream is under way, ends when it is over."""
        if not isinstance(unit, StreamFact):
            return ()
        state = self.state
        if unit.kind is FactKind.BROKEN_START:
            state.joined = True
        elif unit.kind is FactKind.PROGRESS:
            return self._judge_starts()
        elif unit.stream.partition(":")[0] in {"video", "audio"} and "announced" not in unit.values:
            if unit.kind is FactKind.STREAM_STARTED:
                self._start(unit.stream, _moment(unit))
            elif unit.kind is FactKind.STREAM_ENDED:
                state.ends[unit.stream] = _moment(unit)
                if "declared_s" in unit.values:
                    state.declared_s[unit.stream] = unit.values["declared_s"]
        return ()

    def finish(self, at: Instant) -> Sequence[Detection]:
        """Judge what ended."""
        return [*self._judge_starts(), *self._judge_ends()]

    def _start(self, stream: str, moment: Moment) -> None:
        starts = self.state.starts
        if starts and moment.position_s < min(start.position_s for start in starts.values()):
            self.state.judged.clear()
        starts[stream] = moment

    def _judge_starts(self) -> list[Detection]:
        starts = self.state.starts
        if len(starts) < 2:
            return []
        first = min(starts, key=lambda name: (starts[name].position_s, name))
        found: list[Detection] = []
        for stream in sorted(set(starts) - {first, *self.state.judged}):
            self.state.judged.append(stream)
            reason = f"{stream} starts {{gap:.3f}} s after {first}"
            ceiling = None
            if self.state.joined:
                ceiling, reason = Severity.INFO, reason + ", as a stream does that is joined in its middle"
            found.append(
                self._compare(START, stream, starts[stream], starts[stream].since(starts[first]), reason, ceiling)
            )
        return found

    def _judge_ends(self) -> list[Detection]:
        state, found = self.state, []
        if not state.ends:
            return []
        last = max(state.ends, key=lambda name: (state.ends[name].position_s, name))
        for stream, end in sorted(state.ends.items()):
            gap = state.ends[last].since(end)
            missing = self._missing(stream)
            if missing > gap:
                reason = f"{stream} ends {{gap:.3f}} s before the end that the container declares"
                found.append(self._compare(END, stream, _later(end, missing), missing, reason))
            elif stream != last:
                reason = f"{stream} ends {{gap:.3f}} s before {last}"
                found.append(self._compare(END, stream, state.ends[last], gap, reason))
        return found

    def _missing(self, stream: str) -> Fraction:
        """By how many seconds a stream is shorter than its container declares, 0 where it declares nothing."""
        start, declared_s = self.state.starts.get(stream), self.state.declared_s.get(stream)
        if start is None or declared_s is None:
            return Fraction(0)
        declared = Fraction(declared_s).limit_denominator(90_000)
        return max(declared - self.state.ends[stream].since(start), Fraction(0))

    def _compare(
        self, kind: str, stream: str, end: Moment, gap: Fraction, reason: str, ceiling: Severity | None = None
    ) -> Detection:
        """The detection on a stream that is not there for `gap` seconds until `end`."""
        span = Span(end.at.epoch, end.at.seconds - max(gap, Fraction(0)), end.at.seconds)
        measured = {"gap_s": float(span.duration)}
        if span.duration <= Fraction(self.params.tolerance_s).limit_denominator(90_000):
            return self._of(stream, self.detection(DEFECT, span, Verdict.OK, 0.0, kind=kind, measurements=measured))
        # A stream that is not there is heard or seen as silence or a still for just as long; the ladder follows that.
        return self._of(
            stream,
            self.detection(
                DEFECT,
                span,
                Verdict.DEFECT,
                1.0,
                kind=kind,
                measurements=measured,
                ceiling=ceiling,
                worst=span.start,
                reason=reason.format(gap=float(span.duration)),
            ),
        )

    def _of(self, stream: str, detection: Detection) -> Detection:
        """The same about one stream: tracks of audio are told apart."""
        return replace(detection, track=stream if stream.startswith("audio") else None)


def _moment(fact: StreamFact) -> Moment:
    # A decoder of an earlier version says no position: its own time is one in the first epoch.
    return Moment(fact.at, fact.values.get("position_s", float(fact.at.seconds)))


def _later(moment: Moment, seconds: Fraction) -> Moment:
    return Moment(Instant(moment.at.epoch, moment.at.seconds + seconds), moment.position_s + float(seconds))
