"""Moving media, detections and events between the parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, TypeVar

T_co = TypeVar("T_co", covariant=True)


class BusClosedError(Exception):
    """The bus was aborted, or the topic closed: whoever publishes or reads must stop."""


class Subscription(Protocol[T_co]):
    """One consumer's view of a topic: every message published after it subscribed, in order."""

    def __iter__(self) -> Iterator[T_co]:
        """Messages until the topic is closed; BusClosedError when the bus was aborted."""
        ...

    def close(self) -> None:
        """Take no more messages: iteration ends, and publishers no longer wait for this consumer."""
        ...


class Bus(Protocol):
    """Topics with bounded queues: publishing blocks while the slowest subscriber has no room."""

    def publish(self, topic: str, message: object) -> None:
        """Hand the message to every subscriber of the topic, to nobody where there is none.

        Raises:
            BusClosedError: The topic was closed, or the bus aborted, before the message was handed over.
        """
        ...

    def subscribe(self, topic: str) -> Subscription[object]:
        """Start to receive the topic's messages."""
        ...

    def close(self, topic: str) -> None:
        """No more messages will come on this topic: subscribers end after what they have queued."""
        ...

    def abort(self) -> None:
        """Wake everyone who waits, with BusClosedError; queued messages are dropped."""
        ...
