from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.integration.worker.stage import Service, Stage
from tests.servers import need_clients


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Kafka with all topics, and Redis, for these tests alone: consumer groups have fixed names."""
    need_clients()
    from glasswatch.runtime.cluster import Cluster  # noqa: PLC0415

    cluster = Cluster(tmp_path_factory.mktemp("worker"), given={})
    try:
        with closing(Stage.start(cluster)) as started:
            yield started
    finally:
        cluster.down()


@pytest.fixture
def run(stage: Stage, tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Starts a service, `run("detect", "black")`, and ends it with the test; `module` for another program."""
    with ExitStack() as ends:
        number = 0

        def start(*command: str, module: str = "glasswatch", **changed: str) -> Service:
            nonlocal number
            number += 1
            service = Service.start(stage, tmp_path / f"{number}-{'-'.join(command)}.log", command, changed, module)
            ends.callback(service.end)
            return service

        yield start
