"""The decisions on one channel: batches of detections become events, whatever the order between detectors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from glasswatch.aggregator.decisions import Decisions, Open
from glasswatch.aggregator.incidents import Rule, clusters, group_incidents
from glasswatch.aggregator.masks import Mask
from glasswatch.aggregator.rules import DefectRule
from glasswatch.core.detection import Event, EventState
from glasswatch.core.message import DetectionBatch
from glasswatch.core.sessions import Admission, Sessions
from glasswatch.core.state import decode_state, encode_state
from glasswatch.core.time import Timeline

LATENESS_S = Fraction(300)
"""Detectors may be this far apart for their events to find each other in an incident."""

MOST_RECENT = 256
"""Closed events that are kept for incidents at most."""

MOST_EPOCHS = 64
"""Epochs of which it is kept where they lie: those of detections that may still come."""


@dataclass(slots=True)
class _State:
    """All that must survive: how many batches were handled, and up to which position in the input, among it."""

    version: int = 0
    detectors: dict[str, Sessions] = field(default_factory=dict)
    reached: Fraction | None = None
    offsets: dict[int, Fraction] = field(default_factory=dict)
    open: list[Open] = field(default_factory=list)
    recent: dict[str, Event] = field(default_factory=dict)


class ChannelDecisions:
    """Events of one channel.

    Batches of one detector must come in order; one that comes again is skipped. An event is given out whenever it
    changes, and that includes the incident that it belongs to. Events are kept for incidents until the watermark has
    passed them, which follows the foremost detector at a distance of `LATENESS_S`.
    """

    def __init__(
        self, channel: str, rules: Mapping[str, DefectRule], masks: Sequence[Mask], incidents: Sequence[Rule]
    ) -> None:
        self._channel = channel
        self._incidents = incidents
        self._reach = Fraction(max((rule.reach_s for rule in incidents), default=0.0))
        self._timeline = Timeline()
        self._decisions = Decisions(rules, masks, self._timeline)
        self._state = _State()
        self._cache: dict[str, Event] | None = None

    @property
    def version(self) -> int:
        """Grows with every batch handled."""
        return self._state.version

    def handle(self, batch: DetectionBatch) -> tuple[Admission, list[Event]]:
        """Versions of events that this batch brings, in order."""
        sessions = self._state.detectors.setdefault(batch.detector, Sessions())
        admission = sessions.admission(batch.session, batch.position)
        if admission is not Admission.HANDLE:
            return admission, []
        if sessions.current not in (None, batch.session):
            self._state.reached = None
        sessions.advance(batch.session, batch.position)
        self._state.version += 1
        for epoch, offset in batch.offsets.items():
            self._place(epoch, offset)
        changes = [event for detection in batch.detections for event in self._decisions.add(detection)]
        if batch.final:
            changes += self._decisions.finish(self._channel, batch.detector)
        if batch.reached is not None:
            position = self._timeline.position(batch.reached)
            self._state.reached = max(position, self._state.reached or position)
        return admission, self._with_incidents(changes)

    def snapshot(self) -> bytes:
        """All that must survive."""
        self._state.open = self._decisions.open
        return encode_state(self._state)

    def restore(self, data: bytes) -> None:
        """Go on from a snapshot."""
        self._state = decode_state(data, _State)
        self._cache = None
        self._decisions.resume(self._state.open)
        for epoch, offset in self._state.offsets.items():
            self._timeline.place(epoch, offset)

    def _place(self, epoch: int, offset: Fraction) -> None:
        self._timeline.place(epoch, offset)
        self._state.offsets[epoch] = offset
        while len(self._state.offsets) > MOST_EPOCHS:
            del self._state.offsets[next(iter(self._state.offsets))]

    def _with_incidents(self, changes: Sequence[Event]) -> list[Event]:
        """The changes with their incidents, and other events that these change: incident, severity, reason.

        Events are kept as the rules for their defects made them, and grouped afresh each time.
        """
        if not changes:
            return []
        recent = self._state.recent
        before = self._grouped()
        recent.update((event.id, event) for event in changes)
        self._cache = None
        grouped = self._grouped()
        ids = {event.id for event in changes}
        changed = [
            grouped[event.id] if event is recent[event.id] else _older(event, grouped[event.id]) for event in changes
        ]
        others = [event for event in grouped.values() if event.id not in ids and event != before[event.id]]
        self._trim()
        return changed + others

    def _grouped(self) -> dict[str, Event]:
        """Recent events by id, with their incidents."""
        if self._cache is None:
            grouped = group_incidents(list(self._state.recent.values()), self._incidents)
            self._cache = {event.id: event for event in grouped}
        return self._cache

    def _trim(self) -> None:
        """Forget events that can no longer share an incident with one to come."""
        recent = self._state.recent
        before = len(recent)
        watermark = (self._state.reached or Fraction(0)) - LATENESS_S - self._reach
        for cluster in clusters(sorted(recent.values(), key=lambda event: (event.span, event.id)), self._reach):
            if all(event.state is EventState.CLOSED and _end(event) < watermark for event in cluster):
                _remove(recent, cluster)
        closed = [event for event in recent.values() if event.state is EventState.CLOSED]
        _remove(recent, sorted(closed, key=_end)[:-MOST_RECENT])
        if len(recent) != before:
            self._cache = None


def _older(event: Event, newest: Event) -> Event:
    """A version of an event that another one of the same batch replaces, in the same incident."""
    return replace(
        event,
        severity=min(event.severity, newest.severity),
        incident=newest.incident,
        consequence_of=newest.consequence_of,
        reason=newest.reason,
    )


def _end(event: Event) -> Fraction:
    """Position in the input where the event ends so far."""
    return event.position + event.span.duration


def _remove(recent: dict[str, Event], events: Iterable[Event]) -> None:
    for event in events:
        recent.pop(event.id, None)
