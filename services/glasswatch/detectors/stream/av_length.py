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

    starts: dict[str, Instant] = field(default_factory=dict)
    ends: dict[str, Instant] = field(default_factory=dict)
    declared_s: dict[str, float] = field(default_factory=dict)
    judged: list[str] = field(default_factory=list)
    joined: bool = False


class AvLength(Detector[AvLengthParams, AvLengthState]):
    """Compares presented times, so priming samples and edit lists, which are never presented, do not count.

    A stream by itself has nothing to differ from; it can only end before its container says. Streams are compared
    within an epoch, since times of two epochs have no common zero.
    """

    spec = DetectorSpec(
        name="av_length",
        version="1",
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
        elif unit.stream.partition(":")[0] in {"video", "audio"}:
            if unit.kind is FactKind.STREAM_STARTED:
                self._start(unit)
            elif unit.kind is FactKind.STREAM_ENDED:
                state.ends[unit.stream] = unit.at
                if "declared_s" in unit.values:
                    state.declared_s[unit.stream] = unit.values["declared_s"]
        return ()

    def finish(self, at: Instant) -> Sequence[Detection]:
        """Judge what ended. At a cut in the timeline no stream has ended, and nothing is said of ends."""
        return [*self._judge_starts(), *self._judge_ends()]

    def _start(self, fact: StreamFact) -> None:
        starts = self.state.starts
        if starts and fact.at < min(starts.values()):
            self.state.judged.clear()
        starts[fact.stream] = fact.at

    def _judge_starts(self) -> list[Detection]:
        starts = self.state.starts
        if len(starts) < 2:
            return []
        first = min(starts, key=lambda name: (starts[name], name))
        found: list[Detection] = []
        for stream in sorted(set(starts) - {first, *self.state.judged}):
            self.state.judged.append(stream)
            reason = f"{stream} starts {{gap:.3f}} s after {first}"
            ceiling = None
            if self.state.joined:
                ceiling, reason = Severity.INFO, reason + ", as a stream does that is joined in its middle"
            found.append(self._compare(START, stream, starts[first], starts[stream], reason, ceiling))
        return found

    def _judge_ends(self) -> list[Detection]:
        state, found = self.state, []
        if not state.ends:
            return []
        last = max(state.ends, key=lambda name: (state.ends[name], name))
        for stream, end in sorted(state.ends.items()):
            declared = self._declared_end(stream)
            if declared is not None and declared > state.ends[last]:
                reason = f"{stream} ends {{gap:.3f}} s before the end that the container declares"
                found.append(self._compare(END, stream, end, declared, reason))
            elif stream != last:
                reason = f"{stream} ends {{gap:.3f}} s before {last}"
                found.append(self._compare(END, stream, end, state.ends[last], reason))
        return found

    def _declared_end(self, stream: str) -> Instant | None:
        start, declared_s = self.state.starts.get(stream), self.state.declared_s.get(stream)
        if start is None or declared_s is None or start.epoch != self.state.ends[stream].epoch:
            return None
        return Instant(start.epoch, start.seconds + Fraction(declared_s).limit_denominator(90_000))

    def _compare(
        self, kind: str, stream: str, begin: Instant, end: Instant, reason: str, ceiling: Severity | None = None
    ) -> Detection:
        """The detection on a stream that is not there from `begin` to `end`."""
        if begin.epoch != end.epoch:
            span = Span(end.epoch, end.seconds, end.seconds)
            text = f"{stream}: the timeline jumps in between, so its {kind} cannot be compared"
            return self._of(stream, self.detection(DEFECT, span, Verdict.INCONCLUSIVE, 0.0, kind=kind, reason=text))
        span = Span(end.epoch, begin.seconds, end.seconds)
        gap = float(span.duration)
        measured = {"gap_s": gap}
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
                reason=reason.format(gap=gap),
            ),
        )

    def _of(self, stream: str, detection: Detection) -> Detection:
        """The same about one stream: tracks of audio are told apart."""
        return replace(detection, track=stream if stream.startswith("audio") else None)
