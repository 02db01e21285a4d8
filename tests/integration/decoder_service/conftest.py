from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.media import write_video
from tests.servers import kafka_address, own_cluster, redis_address, shared_cluster  # noqa: F401 - fixtures, by name

if TYPE_CHECKING:
    from tests.integration.decoder_service.bus import Bus


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of picture and sound."""
    return write_video(tmp_path_factory.mktemp("media") / "a.ts", codec="mpeg2video", frames=100, audio_s=4)


@pytest.fixture(scope="session")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three minutes: some seconds of work."""
    path = tmp_path_factory.mktemp("media") / "long.ts"
    return write_video(path, codec="mpeg2video", frames=4500, size=(160, 120), audio_s=180)


@pytest.fixture
def bus(kafka_address: str) -> Iterator[Bus]:  # noqa: F811
    from tests.integration.decoder_service import bus as module  # noqa: PLC0415 - the extra `cluster` is there by now

    module.ensure_topics(kafka_address)
    opened = module.Bus(kafka_address)
    yield opened
    opened.close()
