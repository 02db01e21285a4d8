"""Records on their way: taken from Faust, not yet acknowledged."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any

import faust

from glasswatch.runtime.worker.work import Record


class HeldEvent(faust.Event):
    """An event that Faust cannot acknowledge."""

    def ack(self) -> bool:
        """Nothing: Faust calls this for records that it skips in a rebalance, too."""
        return False

    def confirm(self) -> None:
        """Let the offset be committed."""
        super().ack()


@dataclass(slots=True)
class Pending:
    """What waits for the next checkpoint."""

    events: list[HeldEvent] = field(default_factory=list)
    sent: list[Awaitable[Any]] = field(default_factory=list)
    dirty: set[str] = field(default_factory=set)

    def clear(self) -> None:
        """Forget it all: the records will be delivered again."""
        self.events.clear()
        self.sent.clear()
        self.dirty.clear()


def record_of(event: HeldEvent) -> Record:
    """The record as Kafka gave it."""
    message = event.message
    headers = [(name, bytes(value or b"")) for name, value in _pairs(message.headers)]
    return Record(message.topic, message.partition, message.offset, message.key, message.value, headers)


def _pairs(headers: Any) -> list[tuple[str, bytes]]:
    """Headers as aiokafka or Faust give them."""
    if not headers:
        return []
    return list(headers.items() if hasattr(headers, "items") else headers)
