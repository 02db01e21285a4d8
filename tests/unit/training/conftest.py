from __future__ import annotations

import pytest
from bench.sources import Source
from training.sources import Group

from tests.media import write_video


@pytest.fixture(scope="session")
def groups(tmp_path_factory: pytest.TempPathFactory) -> dict[Group, list[Source]]:
    """A group of one moving picture that may be learned from."""
    path = write_video(tmp_path_factory.mktemp("media") / "a.mkv", frames=60, size=(640, 360), codec="mpeg4")
    return {Group("a"): [Source("a.mkv", path, "train", 2.4, (640, 360), 0)]}
