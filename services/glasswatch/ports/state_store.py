"""Keeping what workers must know to go on where another one stopped."""

from __future__ import annotations

from typing import Protocol


class StateStore(Protocol):
    """The newest state of each worker on each channel."""

    def load(self, channel: str, worker: str) -> bytes | None:
        """The state that was saved last, None where there is none.

        Raises:
            StoreError: The store cannot be reached.
        """
        ...

    def save(self, channel: str, worker: str, version: int, state: bytes) -> bool:
        """Keep the state, unless one of a higher version is kept: then its writer has lost the channel to another.

        Args:
            channel: Channel id.
            worker: Name of the detector, or "aggregator".
            version: Grows with every message that a worker handles on the channel.
            state: What `load` gives back.

        Returns:
            Whether it is kept.

        Raises:
            StoreError: The store cannot be reached, or is full.
        """
        ...

    def forget(self, channel: str, worker: str) -> None:
        """Drop the state, so that one of any version can be saved: it is of no use to the release that runs now.

        Raises:
            StoreError: The store cannot be reached.
        """
        ...
