"""Keys of their own for tests that share one Redis."""

from __future__ import annotations

import uuid


def own_prefix() -> str:
    """A first part of keys that nobody else uses."""
    return f"test-{uuid.uuid4().hex}"
