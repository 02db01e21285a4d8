"""A publisher that keeps what it is given, for tests."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Published:
    """One message."""

    topic: str
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


class MemoryPublisher:
    """Implements `glasswatch.ports.publisher.Publisher`; `messages` holds all of them in order."""

    def __init__(self) -> None:
        self.messages: list[Published] = []
        self._lock = threading.Lock()

    def publish(self, topic: str, key: bytes, value: bytes, headers: Sequence[tuple[str, bytes]] = ()) -> None:
        """Keep a message."""
        with self._lock:
            self.messages.append(Published(topic, key, value, tuple(headers)))

    def flush(self, timeout_s: float) -> None:
        """Nothing is ever unconfirmed."""
