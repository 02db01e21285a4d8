"""Keeping events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from glasswatch.core.detection import Event


class EventStore(Protocol):
    """Keeps the latest version of every event; writing the same version twice changes nothing."""

    def put(self, event: Event) -> None:
        """Insert the event, or replace the version with the same id."""
        ...

    def events(self, channel: str) -> Sequence[Event]:
        """All events of a channel, by epoch and onset."""
        ...
