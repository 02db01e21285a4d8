"""A server for tests of the cluster: one Python process that answers every connection with its process id."""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from glasswatch.runtime.cluster.server import LOOPBACK, Launch, Unhealthy, check_connection

_SERVE = """
import os, socket, sys
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
    print("serving", flush=True)
    while True:
        server.accept()[0].sendall(str(os.getpid()).encode())
"""

NEVER_HEALTHY = "import time; print('thinking', flush=True); time.sleep(60)"
ENDS_AT_ONCE = "import sys; print('first line'); print('no room on disk', file=sys.stderr); sys.exit(3)"


@dataclass(frozen=True, slots=True)
class EchoServer:
    """`program` is what it runs instead of serving."""

    name: str = "echo"
    port: int | None = None
    program: str = _SERVE
    shared_memory: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def variable(self) -> str:
        return f"TEST_{self.name.upper()}"

    def launch(self, folder: Path, port: int) -> Launch:
        (folder / "data").mkdir(exist_ok=True)
        argv = (sys.executable, "-c", self.program, str(port))
        return Launch(argv, f"{LOOPBACK}:{port}", shared_memory=self.shared_memory)

    def check(self, address: str, *, given: bool) -> None:
        check_connection(address)
        if not given and not answer(address):
            raise Unhealthy("it says nothing")


def answer(address: str) -> int | None:
    """The process id that the server at `address` answers with."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), 5) as connection:
        said = connection.recv(100)
    return int(said) if said else None
