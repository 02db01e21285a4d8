"""What can go wrong with third-party models."""

from __future__ import annotations

from glasswatch.core.errors import GlasswatchError


class BuildError(GlasswatchError):
    """A third-party model cannot be fetched, converted or written."""
