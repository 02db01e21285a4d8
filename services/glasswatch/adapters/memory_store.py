"""Stores inside one process, for reports and tests; each may be used by any number of threads."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from glasswatch.core.detection import Event
from glasswatch.ports.event_store import revision


class MemoryEventStore:
    """Events by channel and id; implements `glasswatch.ports.event_store.EventStore`."""

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


class MemoryStateStore:
    """States by channel and worker; implements `glasswatch.ports.state_store.StateStore`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._states: dict[tuple[str, str], tuple[int, bytes]] = {}

    def load(self, channel: str, worker: str) -> bytes | None:
        """The state that was saved last, None where there is none."""
        with self._lock:
            kept = self._states.get((channel, worker))
        return kept[1] if kept is not None else None

    def save(self, channel: str, worker: str, version: int, state: bytes) -> bool:
        """Keep the state, unless one of a higher version is kept; whether it is kept.

        Raises:
            ValueError: The version is negative.
        """
        if version < 0:
            raise ValueError(f"version {version} is negative")
        with self._lock:
            kept = self._states.get((channel, worker))
            if kept is not None and kept[0] > version:
                return False
            self._states[channel, worker] = version, state
            return True

    def forget(self, channel: str, worker: str) -> None:
        """Drop the state, so that one of any version can be saved."""
        with self._lock:
            self._states.pop((channel, worker), None)


class MemoryMediaStore:
    """Payloads by key, kept for as long as the process runs; implements `glasswatch.ports.media_store.MediaStore`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._payloads: dict[str, bytes] = {}

    def put(self, key: str, data: bytes) -> None:
        """Keep a payload."""
        with self._lock:
            self._payloads.setdefault(key, data)

    def get(self, key: str) -> bytes | None:
        """A payload, None where it is not kept."""
        with self._lock:
            return self._payloads.get(key)
