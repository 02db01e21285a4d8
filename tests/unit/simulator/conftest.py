from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.simulator.clips import make_clip


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Picture and stereo sound without loss in the sound."""
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mkv")


@pytest.fixture(scope="session")
def tone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stereo sound alone."""
    return make_clip(tmp_path_factory.mktemp("clips") / "tone.wav", picture=False)


@pytest.fixture(scope="session")
def chord(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same in Matroska, which opens a hundred times as fast."""
    return make_clip(tmp_path_factory.mktemp("clips") / "chord.mkv", picture=False)
