"""Where files of this user are kept, by the XDG Base Directory specification."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/glasswatch`: what can be fetched or made again."""
    # The specification: a path that is not absolute is to be ignored.
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (base if base.is_absolute() else Path.home() / ".cache") / "glasswatch"
