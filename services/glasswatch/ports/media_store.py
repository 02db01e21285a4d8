"""Keeping payloads that are too large for a message."""

from __future__ import annotations

from typing import Protocol


class MediaStore(Protocol):
    """Payloads by key, for as long as the messages that name them are kept."""

    def put(self, key: str, data: bytes) -> None:
        """Keep a payload; keys are hashes of what they name, so that writing one twice changes nothing.

        Raises:
            StoreError: The store cannot be reached, or is full.
        """
        ...

    def get(self, key: str) -> bytes | None:
        """A payload, None where it is not (or no longer) kept.

        Raises:
            StoreError: The store cannot be reached.
        """
        ...
