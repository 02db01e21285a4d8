from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.deployment import Deployment, damaged_title
from tests.servers import need_clients


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """All of glasswatch as processes of its own. Tests that use it are of xdist group "deployment"."""
    need_clients()
    from glasswatch.runtime.cluster import Cluster  # noqa: PLC0415

    cluster = Cluster(tmp_path_factory.mktemp("deployment"), given={})
    try:
        yield Deployment.start(cluster)
    finally:
        cluster.down()


@pytest.fixture(scope="session")
def title(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return damaged_title(tmp_path_factory.mktemp("title"))
