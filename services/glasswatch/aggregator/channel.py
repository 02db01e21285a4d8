"""The decisions on one channel: batches of detections become events, whatever the order between detectors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from glasswatch.aggregator.decisions import Decisions, Open
from glasswatch.aggregator.incidents import IncidentRule, clusters, group_incidents
from glasswatch.aggregator.masks import Mask
from glasswatch.aggregator.rules import DefectRule
from glasswatch.core.detection import Event, EventState
from glasswatch.core.message import DetectionBatch
from glasswatch.core.sessions import Admission, Sessions
from glasswatch.core.state import decode_state, encode_state
from glasswatch.core.time import Timeline

MOST_LAG_S = Fraction(300)
"""A detector that is this far behind the others is waited for no longer."""

MOST_RECENT = 256
"""Closed events that are kept for incidents at most."""

MOST_EPOCHS = 64
"""Epochs of which it is kept where they lie: those of detections that may still come."""


@dataclass(slots=True)
class _Progress:
    """How far one detector has come: its sessions, and the position in the input up to which it has judged."""

    sessions: Sessions = field(default_factory=Sessions)
    reached: Fraction | None = None


@dataclass(slots=True)
class _State:
    """All that must survive; `version` counts the batches handled."""

    version: int = 0
    detectors: dict[str, _Progress] = field(default_factory=dict)
    offsets: dict[int, Fraction] = field(default_factory=dict)
    open: list[Open] = field(default_factory=list)
    recent: dict[str, Event] = field(default_factory=dict)


class ChannelDecisions:
    """Events of one channel.

    Batches of one detector must come in order; one that comes again is skipped. An event is given out whenever it
    changes, and that includes the incident that it belongs to. Events are kept for incidents until every detector has
    come further than an incident can reach back (the watermark).
    """

    def __init__(
        self, channel: str, rules: Mapping[str, DefectRule], masks: Sequence[Mask], incidents: Sequence[IncidentRule]
    ) -> None:
        self._channel = channel
        self._incidents = incidents
        self._reach = Fraction(max((rule.within_s for rule in incidents), default=0.0))
        self._timeline = Timeline()
        self._decisions = Decisions(rules, masks, self._timeline)
        self._state = _State()

    @property
    def version(self) -> int:
        """Grows with every batch handled."""
        return self._state.version

    def handle(self, batch: DetectionBatch) -> tuple[Admission, list[Event]]:
        """Versions of events that this batch brings, in order."""
        progress = self._state.detectors.setdefault(batch.detector, _Progress())
        admission = progress.sessions.admission(batch.session, batch.position)
        if admission is not Admission.HANDLE:
            return admission, []
        if batch.session != progress.sessions.current:
            progress.reached = None
        progress.sessions.advance(batch.session, batch.position)
        self._state.version += 1
        for epoch, offset in batch.offsets.items():
            self._place(epoch, offset)
        changes = [event for detection in batch.detections for event in self._decisions.add(detection)]
        if batch.final:
            changes += self._decisions.finish(self._channel, batch.detector)
        if batch.reached is not None:
            position = self._timeline.position(batch.reached)
            progress.reached = position if progress.reached is None else max(position, progress.reached)
        return admission, self._with_incidents(changes)

    def snapshot(self) -> bytes:
        """All that must survive."""
        self._state.open = self._decisions.open
        return encode_state(self._state)

    def restore(self, data: bytes) -> None:
        """Go on from a snapshot."""
        self._state = decode_state(data, _State)
        self._decisions.resume(self._state.open)
        for epoch, offset in self._state.offsets.items():
            self._timeline.place(epoch, offset)

    def _place(self, epoch: int, offset: Fraction) -> None:
        self._timeline.place(epoch, offset)
        self._state.offsets[epoch] = offset
        while len(self._state.offsets) > MOST_EPOCHS:
            del self._state.offsets[next(iter(self._state.offsets))]

    def _with_incidents(self, changes: Sequence[Event]) -> list[Event]:
        """The changes with their incidents, and other events whose incident has changed."""
        if not changes:
            self._trim()
            return []
        recent = self._state.recent
        before = {id_: event.incident for id_, event in recent.items()}
        recent.update((event.id, event) for event in changes)
        grouped = {event.id: event for event in group_incidents(list(recent.values()), self._incidents)}
        self._state.recent = grouped
        changed = {event.id for event in changes}
        others = [e for e in grouped.values() if e.id not in changed and e.incident != before.get(e.id)]
        self._trim()
        return [*(replace(event, incident=grouped[event.id].incident) for event in changes), *others]

    def _trim(self) -> None:
        """Forget events that can no longer share an incident with one to come."""
        recent = self._state.recent
        if not recent:
            return
        horizon = self._watermark() - self._reach
        for cluster in clusters(sorted(recent.values(), key=lambda event: (event.span, event.id)), self._reach):
            if all(event.state is EventState.CLOSED and _end(event) < horizon for event in cluster):
                _remove(recent, cluster)
        closed = [event for event in recent.values() if event.state is EventState.CLOSED]
        _remove(recent, sorted(closed, key=_end)[:-MOST_RECENT])

    def _watermark(self) -> Fraction:
        """The position that every detector has passed which is not far behind."""
        reached = [p.reached for p in self._state.detectors.values() if p.reached is not None]
        if not reached:
            return Fraction(0)
        return min(position for position in reached if position >= max(reached) - MOST_LAG_S)


def _end(event: Event) -> Fraction:
    """Position in the input where the event ends so far."""
    return event.position + event.span.duration


def _remove(recent: dict[str, Event], events: Iterable[Event]) -> None:
    for event in events:
        recent.pop(event.id, None)
