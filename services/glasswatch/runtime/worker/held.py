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


Place = tuple[str, int, int]
"""Topic, partition and offset of a record."""


@dataclass(slots=True)
class Pending:
    """What waits for the next checkpoint, and records whose turn has not come.

    Faust commits what was confirmed even where a record before it was not: records of a partition are let go in order.

    Attributes:
        events: Records that were done.
        sent: What came of them.
        dirty: Channels whose state has changed.
        waiting: Records that are not done, with the channel of each.
        behind: Records that were done and are in a checkpoint, behind one of the same partition that waits.
    """

    events: list[HeldEvent] = field(default_factory=list)
    sent: list[Awaitable[Any]] = field(default_factory=list)
    dirty: set[str] = field(default_factory=set)
    waiting: dict[Place, tuple[str, HeldEvent]] = field(default_factory=dict)
    behind: list[HeldEvent] = field(default_factory=list)

    @property
    def records(self) -> int:
        """How many records are not acknowledged."""
        return len(self.events) + len(self.waiting) + len(self.behind)

    def wait(self, channel: str, event: HeldEvent) -> None:
        """Keep a record until `done` is called for its place."""
        self.waiting[place_of(event)] = channel, event

    def done(self, place: Place) -> None:
        """A record that waited is done."""
        _, event = self.waiting.pop(place)
        self.events.append(event)

    def confirm(self) -> None:
        """What was done is safe: let the offsets be committed, as far as nothing before them waits."""
        first: dict[tuple[str, int], int] = {}
        for topic, partition, offset in self.waiting:
            first[topic, partition] = min(offset, first.get((topic, partition), offset))
        done, self.behind = self.behind + self.events, []
        for event in done:
            topic, partition, offset = place_of(event)
            if offset < first.get((topic, partition), offset + 1):
                event.confirm()
            else:
                self.behind.append(event)
        self.events.clear()
        self.sent.clear()
        self.dirty.clear()

    def give_away(self, channel: str) -> None:
        """Another worker has the channel: what waits of it will not be done here."""
        for place in [place for place, (of, _) in self.waiting.items() if of == channel]:
            self.done(place)

    def clear(self) -> None:
        """Forget it all: the records will be delivered again."""
        self.events.clear()
        self.sent.clear()
        self.dirty.clear()
        self.waiting.clear()
        self.behind.clear()


def place_of(event: HeldEvent) -> Place:
    """Where a record lies."""
    message = event.message
    return message.topic, message.partition, message.offset


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
