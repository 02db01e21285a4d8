"""An event store inside one process, for reports and tests."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from glasswatch.core.detection import Event
from glasswatch.ports.event_store import revision


class MemoryEventStore:
    """Events by channel and id; implements `glasswatch.ports.event_store.EventStore` for any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._channels: dict[str, dict[str, Event]] = {}

    def put(self, event: Event) -> None:
        """Keep the event, unless a later version of it is kept."""
        with self._lock:
            kept = self._channels.setdefault(event.channel, {})
            if event.id not in kept or revision(event) >= revision(kept[event.id]):
                kept[event.id] = event

    def events(self, channel: str) -> Sequence[Event]:
        """All events of a channel, by epoch and onset; empty for a channel that has none."""
        with self._lock:
            events = list(self._channels.get(channel, {}).values())
        return sorted(events, key=lambda event: (event.span, event.id))
