"""What every server of the local cluster has in common."""

from __future__ import annotations

import random
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from glasswatch.core.errors import GlasswatchError

LOOPBACK = "127.0.0.1"
CONNECT_TIMEOUT_S = 2.0

_PORTS = range(20000, 32768)
"""Ports below Linux's ephemeral range, so that no outgoing connection takes one between the choice and its use."""


class ClusterError(GlasswatchError):
    """A server of the local cluster cannot be had, does not start or cannot be reached."""


class Unhealthy(Exception):  # noqa: N818 - a state, and the reason for it
    """A server does not do its work (yet); the text says what it failed to do."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start a server.

    Attributes:
        argv: The program, by absolute path, and its arguments.
        address: Where clients reach it.
        env: Environment variables on top of those of this process.
        shared_memory: Prefix of the names that it uses in /dev/shm; what it leaves there is removed after its end.
    """

    argv: tuple[str, ...]
    address: str
    env: Mapping[str, str] = field(default_factory=dict)
    shared_memory: str | None = None


class Server(Protocol):
    """One process of the cluster: a server, or a service that works on top of servers."""

    @property
    def name(self) -> str:
        """Its name, which is also that of its folder."""

    @property
    def variable(self) -> str | None:
        """The environment variable that gives the address of one that runs elsewhere.

        None for a service: it is never used from elsewhere, it keeps nothing, and `down` forgets it.
        """

    @property
    def port(self) -> int | None:
        """The port that it must have; None lets the cluster choose a free one."""

    @property
    def settings(self) -> Mapping[str, str]:
        """What else one that already runs must have been started with, to be this one."""

    def launch(self, folder: Path, port: int) -> Launch:
        """Get everything ready in `folder`, downloads included.

        Raises:
            ClusterError: Something is missing that cannot be had here.
        """

    def check(self, address: str, *, given: bool) -> None:
        """Ask it to do its work once; only as much as is polite when the address was `given` from outside.

        Raises:
            Unhealthy: It did not.
            ClusterError: The address is not one.
        """


def free_port() -> int:
    """A loopback port that nothing listens on."""
    for port in random.sample(_PORTS, 100):
        if is_free(port):
            return port
    raise ClusterError(f"found no free port between {_PORTS.start} and {_PORTS.stop - 1}")


def is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port."""
    with socket.socket() as probe:
        # As servers do: a port whose last connections are still in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def check_connection(addresses: str) -> None:
    """Connect to the first of `host:port,host:port` that answers, and hang up.

    Raises:
        Unhealthy: None answers.
        ClusterError: One is no address.
    """
    reasons = []
    for address in addresses.split(","):
        host, _, port = address.strip().rpartition(":")
        if not host or not port.isdecimal():
            raise ClusterError(f"{address!r} is not an address: give HOST:PORT")
        try:
            socket.create_connection((host.strip("[]"), int(port)), CONNECT_TIMEOUT_S).close()
        except (OSError, OverflowError) as error:
            reasons.append(f"cannot connect to {address}: {error}")
        else:
            return
    raise Unhealthy("; ".join(reasons))
