"""Real servers for tests: fixtures that give addresses, and start what GLASSWATCH_* does not name.

`kafka_address`, `redis_address` and `triton_address` start one server each when a test first asks for it, `servers` all
of them at once. They are shared by all tests, by the workers of pytest-xdist, and by runs that overlap: use names of
your own for topics, keys and groups, and harm nothing. A test that stops or kills servers takes `own_cluster`.

Where a server cannot be had the test is skipped; where CI=true it fails.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from glasswatch.runtime.cluster import Cluster, Server

MODELS = Path(__file__).parent / "data" / "triton_models"


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the servers are: `host:port`, for Redis a URL."""

    kafka: str
    redis: str
    triton: str


@pytest.fixture(scope="session")
def shared_cluster() -> Iterator[Cluster]:
    """The cluster that all tests share; the last one who uses it stops it."""
    need_clients()
    from glasswatch.config.folders import cache_folder  # noqa: PLC0415
    from glasswatch.runtime.cluster import Cluster  # noqa: PLC0415 - clients take a second to import

    checkout = hashlib.sha256(str(Path(__file__).resolve()).encode()).hexdigest()[:12]
    folder = cache_folder() / f"tests-{checkout}"
    folder.mkdir(parents=True, exist_ok=True)
    cluster = Cluster(folder / "state")
    with (folder / "users").open("a") as users:
        if _alone(users.fileno()):
            _clear(cluster)  # What a run that was killed left behind.
        fcntl.flock(users, fcntl.LOCK_SH)
        yield cluster
        if _alone(users.fileno()):
            _clear(cluster)


@pytest.fixture(scope="session")
def kafka_address(shared_cluster: Cluster) -> str:
    from glasswatch.runtime.cluster import Kafka  # noqa: PLC0415

    return start_servers(shared_cluster, [Kafka()])["kafka"]


@pytest.fixture(scope="session")
def redis_address(shared_cluster: Cluster) -> str:
    from glasswatch.runtime.cluster import Redis  # noqa: PLC0415

    return start_servers(shared_cluster, [Redis()])["redis"]


@pytest.fixture(scope="session")
def triton_address(shared_cluster: Cluster) -> str:
    """A Triton that serves tests/data/triton_models."""
    from glasswatch.runtime.cluster import Triton  # noqa: PLC0415

    return start_servers(shared_cluster, [Triton(MODELS)])["triton"]


@pytest.fixture(scope="session")
def servers(shared_cluster: Cluster) -> Addresses:
    from glasswatch.runtime.cluster import Kafka, Redis, Triton  # noqa: PLC0415

    return Addresses(**start_servers(shared_cluster, [Redis(), Kafka(), Triton(MODELS)]))


@pytest.fixture
def own_cluster(tmp_path: Path) -> Iterator[Cluster]:
    """An empty cluster that the test may harm, with servers of its own whatever the environment says."""
    need_clients()
    from glasswatch.runtime.cluster import Cluster  # noqa: PLC0415

    cluster = Cluster(tmp_path / "cluster", given={})
    yield cluster
    cluster.down()


def start_servers(cluster: Cluster, servers: Sequence[Server]) -> dict[str, str]:
    """Their addresses by name; skip the test, or fail it where CI=true, if one of them cannot be had."""
    from glasswatch.runtime.cluster import ClusterError  # noqa: PLC0415

    try:
        return cluster.up(servers)
    except ClusterError as error:
        _unavailable(str(error))


def need_clients() -> None:
    try:
        import glasswatch.runtime.cluster  # noqa: F401, PLC0415
    except ModuleNotFoundError as error:
        _unavailable(f"{error.name} is missing")


def _unavailable(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def _alone(users: int) -> bool:
    """Whether nobody else holds the file; if so we hold it alone, or else not at all (flock(2))."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _clear(cluster: Cluster) -> None:
    cluster.down()
    shutil.rmtree(cluster.folder)
