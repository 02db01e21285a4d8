"""Errors of the stream itself: transport, timestamps, decoding, truncation.

The decoder observes, this detector weighs: it groups facts into few kinds, so that a burst is one event, gives each a
span on the timeline, and limits its severity to what such a fact alone can mean for a viewer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from types import MappingProxyType
from typing import Annotated

from pydantic import Field

from glasswatch.core.detection import Detection, Severity, Verdict
from glasswatch.core.detector import Detector, DetectorSpec
from glasswatch.core.media import FactKind, MediaUnit, StreamFact
from glasswatch.core.needs import FactNeed
from glasswatch.core.time import Instant, Span
from glasswatch.detectors.params import Params

DEFECT = "stream_error"

_GROUPS = MappingProxyType(
    {
        FactKind.DECODE_ERROR: ("decode", Severity.WARNING),
        FactKind.CORRUPT_PACKET: ("decode", Severity.WARNING),
        FactKind.DAMAGED_FRAME: ("decode", Severity.WARNING),
        FactKind.CHECKSUM_FAILED: ("checksum", Severity.WARNING),
        FactKind.CHECKSUM_UNUSED: ("checksum", Severity.INFO),
        FactKind.CONTINUITY_ERROR: ("continuity", Severity.ERROR),
        FactKind.SYNC_LOST: ("transport", Severity.ERROR),
        FactKind.TRANSPORT_ERROR: ("transport", Severity.ERROR),
        FactKind.STREAM_MISSING: ("transport", Severity.WARNING),
        FactKind.TABLE_ERROR: ("signalling", Severity.WARNING),
        FactKind.CLOCK_ERROR: ("signalling", Severity.INFO),
        FactKind.TIMESTAMP_MISSING: ("timestamps", Severity.INFO),
        FactKind.TIMESTAMP_REPEATED: ("timestamps", Severity.INFO),
        FactKind.TIMESTAMP_BACKWARD: ("timestamps", Severity.WARNING),
        FactKind.TIMESTAMP_GAP: ("timestamps", Severity.WARNING),
        FactKind.FRAME_HELD: ("timestamps", Severity.INFO),
        FactKind.DISCONTINUITY: ("timestamps", Severity.WARNING),
        FactKind.BROKEN_START: ("broken_start", Severity.WARNING),
        FactKind.TRUNCATED: ("truncated", Severity.ERROR),
        FactKind.NOTHING_DECODED: ("undecodable", Severity.ERROR),
        FactKind.SCRAMBLED: ("undecodable", Severity.ERROR),
    }
)
"""Kind of event, and the highest severity that one such fact supports.

ERROR where media is surely lost: an indicator of TR 101 290's first priority, an early end, nothing to show. WARNING
where a decoder conceals or a player recovers. INFO where only the stream's form is wrong.
"""

_BURSTS = frozenset({"checksum", "decode", "timestamps"})
"""Kinds whose single facts are concealed or smoothed over, and whose bursts are not."""

MOST_RECENT = 16
"""Held frames and holes in sound that are remembered, to be compared with what the other streams show."""

_SCORES = MappingProxyType({Severity.INFO: 0.6, Severity.WARNING: 0.8, Severity.ERROR: 1.0})


class StreamErrorParams(Params):
    """Settings.

    Attributes:
        moment_s: Length given to a fact that tells none, about one frame.
        burst_count: So many facts of one kind within `burst_s` lift a warning to an error: it is more than one
            concealed frame.
        burst_s: See `burst_count`, seconds.
        lost_s: Missing content of at least this many seconds is an error.
        slack_s: A timestamp gap of at most this many seconds is informative only.
        lead_in_s: A gap of at most this many seconds right after a stream's first frame is no fault: MP4 writers give
            the first audio frame, which holds priming samples, the length that makes the rest fit the picture.
    """

    moment_s: Annotated[float, Field(gt=0, le=1)]
    burst_count: Annotated[int, Field(ge=1, le=1000)]
    burst_s: Annotated[float, Field(gt=0)]
    lost_s: Annotated[float, Field(gt=0)]
    slack_s: Annotated[float, Field(ge=0)]
    lead_in_s: Annotated[float, Field(ge=0)]


@dataclass(slots=True)
class StreamErrorState:
    """What is remembered, by track ("" for the picture and the container).

    Attributes:
        reached: End of the time judged so far.
        recent: Time and count of the last facts of each track and kind of event, at most `burst_count` of them.
        starts: Start of each stream, by its own name.
        held: The last facts of frames that stand longer than usual.
        holes: Where sound was missing last.
    """

    reached: dict[str, Instant] = field(default_factory=dict)
    starts: dict[str, Instant] = field(default_factory=dict)
    recent: dict[str, list[tuple[Instant, int]]] = field(default_factory=dict)
    held: list[StreamFact] = field(default_factory=list)
    holes: list[Span] = field(default_factory=list)


class StreamError(Detector[StreamErrorParams, StreamErrorState]):
    """Turns each fact that tells of a fault into a detection, and the time between them into OK.

    Audio tracks are told apart: each has its own timestamps, and after damage its own epochs.
    """

    spec = DetectorSpec(
        name="stream_error",
        version="2",
        defects=(DEFECT,),
        needs=(FactNeed(),),
        measurements={"count": "1", "gap_s": "s", "duration_s": "s", "jump_s": "s", "missing_s": "s"},
    )

    def fresh_state(self) -> StreamErrorState:
        """Nothing seen."""
        return StreamErrorState()

    def process(self, unit: MediaUnit) -> Sequence[Detection]:
        """Judge one fact. Facts of one track may come a little out of order; spans then overlap."""
        if not isinstance(unit, StreamFact):
            return ()
        if unit.kind is FactKind.PROGRESS:
            return self._reach_all(unit.at)
        track = unit.stream if unit.stream.startswith("audio") else ""
        if unit.kind is FactKind.STREAM_STARTED:
            self.state.starts[unit.stream] = unit.at
        if unit.kind not in _GROUPS or self._is_lead_in(unit):
            return self._reach(track, unit.at)
        return [*self._fault(unit, track), *self._lost_too(unit)]

    def _fault(self, fact: StreamFact, track: str) -> list[Detection]:
        """The detection that a fact brings, behind the time without any before it."""
        kind, _ = _GROUPS[fact.kind]
        severity = self._severity(fact, kind, track)
        span = self._span(fact)
        clean = self._reach(track, span.onset)
        self._reach(track, Instant(span.epoch, span.end))
        measured = {name: fact.values[name] for name in self.spec.measurements if name in fact.values}
        fault = self.detection(
            DEFECT,
            span,
            Verdict.DEFECT,
            _SCORES[severity],
            kind=kind,
            measurements={**measured, "count": float(fact.count)},
            ceiling=severity,
            worst=span.start,
            reason=f"{fact.stream}: {fact.message}",
        )
        return [*clean, replace(fault, track=track or None)]

    def _lost_too(self, fact: StreamFact) -> list[Detection]:
        """Frames that were held where the sound turns out to be missing as well: both were lost."""
        state = self.state
        if fact.kind is FactKind.FRAME_HELD:
            state.held = [*state.held, fact][-MOST_RECENT:]
        if fact.kind is not FactKind.TIMESTAMP_GAP or not fact.stream.startswith("audio"):
            return []
        hole = self._span(fact)
        state.holes = [*state.holes, hole][-MOST_RECENT:]
        lost = [held for held in state.held if _overlap(self._span(held), hole)]
        state.held = [held for held in state.held if held not in lost]
        return [found for held in lost for found in self._fault(held, "")]

    def finish(self, at: Instant) -> Sequence[Detection]:
        """The time since the last fault was clean."""
        return self._reach_all(at)

    def _reach_all(self, at: Instant) -> list[Detection]:
        return [found for track in sorted({"", *self.state.reached}) for found in self._reach(track, at)]

    def _reach(self, track: str, at: Instant) -> list[Detection]:
        """Move the end of a track's judged time up to `at`; the stretch that was passed, as OK."""
        last = self.state.reached.get(track)
        if last is not None and last.epoch == at.epoch and at.seconds <= last.seconds:
            return []
        self.state.reached[track] = at
        if last is None or last.epoch != at.epoch:
            return []
        clean = self.detection(DEFECT, Span(at.epoch, last.seconds, at.seconds), Verdict.OK, 0.0)
        return [replace(clean, track=track or None)]

    def _is_lead_in(self, fact: StreamFact) -> bool:
        start = self.state.starts.get(fact.stream)
        if fact.kind is not FactKind.TIMESTAMP_GAP or start is None or start.epoch != fact.at.epoch:
            return False
        is_first = fact.at.seconds - start.seconds <= self.params.moment_s
        return is_first and fact.values.get("gap_s", 0.0) <= self.params.lead_in_s

    def _span(self, fact: StreamFact) -> Span:
        length = max(fact.values.get("gap_s", 0.0), fact.values.get("duration_s", 0.0), self.params.moment_s)
        exact = Fraction(length).limit_denominator(90_000)
        return Span(fact.at.epoch, fact.at.seconds, fact.at.seconds + exact)

    def _severity(self, fact: StreamFact, kind: str, track: str) -> Severity:
        _, severity = _GROUPS[fact.kind]
        if fact.kind is FactKind.BROKEN_START and fact.stream.startswith("audio"):
            severity = Severity.INFO  # the rest of one frame: sound has no pictures that lack a key frame
        gap_s = fact.values.get("gap_s")
        if fact.kind is FactKind.TABLE_ERROR and gap_s is not None:
            # Rare tables delay tuning in, and are the rule in segments of HLS; nothing of the programme is lost.
            severity = Severity.INFO
        is_lost = fact.kind is FactKind.TIMESTAMP_GAP or (
            fact.kind is FactKind.FRAME_HELD and any(_overlap(self._span(fact), hole) for hole in self.state.holes)
        )
        if is_lost and gap_s is not None:
            severity = Severity.WARNING
            if gap_s <= self.params.slack_s:
                severity = Severity.INFO
            elif gap_s >= self.params.lost_s:
                severity = Severity.ERROR
        if fact.kind is FactKind.TRUNCATED and fact.values.get("missing_s", self.params.lost_s) < self.params.lost_s:
            # Less than a frame is what any cut in a recording leaves.
            is_frame = fact.values["missing_s"] <= self.params.slack_s
            severity = Severity.INFO if is_frame else Severity.WARNING
        if severity is Severity.WARNING and kind in _BURSTS and self._is_burst(fact, f"{kind} {track}"):
            severity = Severity.ERROR
        return severity

    def _is_burst(self, fact: StreamFact, group: str) -> bool:
        """Whether this fact and those of its group just before it are `burst_count` or more."""
        recent = [*self.state.recent.get(group, []), (fact.at, fact.count)][-self.params.burst_count :]
        recent = [(at, n) for at, n in recent if self._is_near(at, fact.at)]
        self.state.recent[group] = recent
        return sum(n for _, n in recent) >= self.params.burst_count

    def _is_near(self, a: Instant, b: Instant) -> bool:
        return a.epoch == b.epoch and abs(a.seconds - b.seconds) <= self.params.burst_s


def _overlap(a: Span, b: Span) -> bool:
    return a.epoch == b.epoch and a.start < b.end and b.start < a.end
