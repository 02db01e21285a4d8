"""Keeping events."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Protocol

from glasswatch.core.detection import Event, EventState


def revision(event: Event) -> tuple[bool, Fraction, bool, bool, int]:
    """Sorts the versions of one event by age.

    An event grows until it is closed, so the later version is the closed one, or the longer, or the one whose incident
    is known, or its cause, which takes its severity away, or the more severe.
    """
    return (
        event.state is EventState.CLOSED,
        event.span.end,
        event.incident is not None,
        event.consequence_of is not None,
        event.severity,
    )


class EventStore(Protocol):
    """Keeps the latest version of every event; writing the same version twice changes nothing."""

    def put(self, event: Event) -> None:
        """Keep the event, unless a version with a higher `revision` is kept: it was delivered late or again."""
        ...

    def events(self, channel: str) -> Sequence[Event]:
        """All events of a channel, by epoch and onset."""
        ...
