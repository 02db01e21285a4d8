"""Where files of this user are kept, by the XDG Base Directory specification."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """`$XDG_CACHE_HOME/glasswatch`: what can be fetched or made again."""
    return _base("XDG_CACHE_HOME", ".cache") / "glasswatch"


def state_folder() -> Path:
    """`$XDG_STATE_HOME/glasswatch`: what a restart must find again."""
    return _base("XDG_STATE_HOME", ".local/state") / "glasswatch"


def _base(variable: str, default: str) -> Path:
    # The specification: a path that is not absolute is to be ignored.
    path = Path(os.environ.get(variable, ""))
    return path if path.is_absolute() else Path.home() / default
