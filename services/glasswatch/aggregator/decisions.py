"""Detections to events: onset, hysteresis, clearing, severity by duration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from glasswatch.aggregator.masks import Mask
from glasswatch.aggregator.rules import DefectRule
from glasswatch.core.detection import Detection, Event, EventState, Severity, Verdict, event_id
from glasswatch.core.time import Instant, Timeline

Key = tuple[str, str, str, str]
"""Channel, defect, kind, track."""


@dataclass(slots=True)
class Open:
    """Evidence of a defect that has not ended; plain data, so that it can be kept.

    `announced` is the last event that was given out, None while the defect has not lasted long enough.
    """

    first: Detection
    strongest: Detection
    last: Detection
    ceiling: Severity | None
    announced: Event | None = None


@dataclass(slots=True)
class Decisions:
    """The aggregator's decision logic for any number of channels.

    Detections of one detector must come in media order, but for INCONCLUSIVE ones of media that came too late; between
    detectors any order gives the same events. Every change of an event is given out as the event's newest version:
    opened, raised in severity, closed.
    """

    rules: Mapping[str, DefectRule]
    masks: Sequence[Mask] = ()
    timeline: Timeline = field(default_factory=Timeline)
    _open: dict[Key, Open] = field(default_factory=dict)

    @property
    def open(self) -> list[Open]:
        """What has not ended, for `resume`."""
        return list(self._open.values())

    def resume(self, evidence: Iterable[Open]) -> None:
        """Go on from what another instance had open."""
        self._open = {_key(seen.first): seen for seen in evidence}

    def add(self, detection: Detection) -> list[Event]:
        """Events that this detection opens, changes or closes."""
        changes: list[Event] = []
        for key, seen in list(self._open.items()):
            same_source = (key[0], key[1], key[3]) == _source(detection)
            if same_source and self._has_cleared(seen, detection):
                changes += self._close(key)
        key = _key(detection)
        seen_now = self._open.get(key)
        if detection.verdict is Verdict.DEFECT or (seen_now is not None and self._keeps_open(seen_now, detection)):
            changes += self._extend(key, detection)
        return changes

    def finish(self, channel: str, detector: str | None = None) -> list[Event]:
        """Close whatever is still open on a channel, or of one detector there: the media has ended."""
        ended = [
            key for key, seen in self._open.items() if key[0] == channel and detector in (None, seen.first.detector)
        ]
        return [event for key in ended for event in self._close(key)]

    def _keeps_open(self, seen: Open, detection: Detection) -> bool:
        enough = detection.score >= self.rules[detection.defect].clear_score
        return detection.verdict is Verdict.OK and enough and seen.last.span.gap_to(detection.span) == 0

    def _has_cleared(self, seen: Open, detection: Detection) -> bool:
        """Whether `detection`, of the same source, proves that the open defect is over.

        A detection without kind speaks for every kind, one with a kind for that kind only; but media that has gone on
        for too long without a word of this kind ends it too.
        """
        gap = seen.last.span.gap_to(detection.span)
        if gap is None:
            is_late = detection.span.epoch < seen.last.span.epoch
            return not (is_late and detection.verdict is Verdict.INCONCLUSIVE)
        clear_after_s = self.rules[detection.defect].clear_after(seen.first.kind)
        about_it = detection.kind is None or detection.kind == seen.first.kind
        goes_on = detection.verdict is Verdict.DEFECT and detection.kind == seen.first.kind
        if goes_on or not about_it or self._keeps_open(seen, detection):
            return gap > clear_after_s
        away = detection.span.end - seen.last.span.end
        return away >= clear_after_s and away > 0

    def _extend(self, key: Key, detection: Detection) -> list[Event]:
        seen = self._open.get(key)
        if seen is None:
            seen = self._open[key] = Open(detection, detection, detection, detection.ceiling)
        elif _sums_up(detection, seen):
            seen.first = seen.strongest = seen.last = detection
            seen.ceiling = detection.ceiling
        else:
            seen.last = max(seen.last, detection, key=lambda d: d.span.end)
            if detection.verdict is Verdict.DEFECT:  # what only keeps it open is no evidence of more
                seen.ceiling = _looser(seen.ceiling, detection.ceiling)
                seen.strongest = max(seen.strongest, detection, key=_weight)
        event = self._event(seen, EventState.OPEN)
        if event is None:
            return []
        if seen.announced is not None and seen.announced.severity == event.severity:
            return []
        seen.announced = event
        return [event]

    def _close(self, key: Key) -> list[Event]:
        event = self._event(self._open.pop(key), EventState.CLOSED)
        return [event] if event is not None else []

    def _event(self, seen: Open, state: EventState) -> Event | None:
        span = seen.first.span.cover(seen.last.span)
        severity = self.rules[seen.first.defect].severity_after(float(span.duration))
        if severity is None:
            return None
        start = self.timeline.position(Instant(span.epoch, span.start))
        end = self.timeline.position(Instant(span.epoch, span.end))
        if any(mask.hides(seen.first.defect, start, end) for mask in self.masks):
            return None
        top = seen.strongest
        return Event(
            id=event_id(top.channel, top.defect, top.kind, top.track, span.epoch, span.start),
            channel=top.channel,
            defect=top.defect,
            detector=top.detector,
            version=top.version,
            severity=severity if seen.ceiling is None else min(severity, seen.ceiling),
            span=span,
            score=top.score,
            state=state,
            measurements=top.measurements,
            model=top.model,
            kind=top.kind,
            track=top.track,
            region=top.region,
            worst=top.worst,
            reason=top.reason,
            position=start,
        )


def _key(detection: Detection) -> Key:
    return detection.channel, detection.defect, detection.kind or "", detection.track or ""


def _source(detection: Detection) -> tuple[str, str, str]:
    return detection.channel, detection.defect, detection.track or ""


def _weight(detection: Detection) -> tuple[Severity, float]:
    """What makes evidence speak for the event: how severe it lets it be, then how strong it is."""
    return (Severity.ERROR if detection.ceiling is None else detection.ceiling), detection.score


def _sums_up(detection: Detection, seen: Open) -> bool:
    """Whether a detection is about the whole event, after others about its pieces: then it is the last word on it."""
    span, first, last = detection.span, seen.first.span, seen.last.span
    covers = (span.epoch, span.start) == (first.epoch, first.start) and span.end >= last.end
    return covers and span.duration > max(first.duration, last.duration)


def _looser(a: Severity | None, b: Severity | None) -> Severity | None:
    """The higher of two ceilings; None, no limit, is the highest."""
    return None if a is None or b is None else max(a, b)
