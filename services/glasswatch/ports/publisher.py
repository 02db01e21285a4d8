"""Publishing messages to topics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Publisher(Protocol):
    """Publishes messages in the order of the calls of each thread; for any number of threads."""

    def publish(self, topic: str, key: bytes, value: bytes, headers: Sequence[tuple[str, bytes]] = ()) -> None:
        """Send a message, later confirmed; waits while too much is unconfirmed.

        Raises:
            BrokerError: This message cannot be sent, or an earlier one could not be delivered.
        """
        ...

    def flush(self, timeout_s: float) -> None:
        """Wait until all is confirmed that was published before.

        Raises:
            BrokerError: It is not after `timeout_s` seconds, or something could not be delivered.
        """
        ...
