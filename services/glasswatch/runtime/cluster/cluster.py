"""Starting, watching and stopping the servers and services of one state folder.

    <folder>/lock                  held by whoever starts or stops something
    <folder>/<name>/process.json   which process it is, and where it is reached
    <folder>/<name>/log            what it printed since its last start; log.1 is the one before

They outlive the command that started them. All that is known about them is in the folder, so that any later command
can tell how they are and stop them.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path

from glasswatch.runtime.cluster.downloads import locked
from glasswatch.runtime.cluster.process import Process, start
from glasswatch.runtime.cluster.server import ClusterError, Server, Unhealthy, free_port, is_free

START_TIMEOUT_S = 90.0
"""A broker that was killed took 16 s on a busy machine; models take a few seconds each."""

STOP_TIMEOUT_S = 30.0

_POLL_S = 0.1
_GIVEN_TIMEOUT_S = 10.0
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where POSIX shared memory is, not a place for temporary files


class State(Enum):
    """What is the matter with a server."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Status:
    """How one server is.

    Attributes:
        name: Which server.
        state: Whether it runs and does its work.
        address: Where it is, or was; None if it was never started.
        pid: Its process id; None if it is stopped or runs elsewhere.
        resident_bytes: Its resident memory, that of its children included.
        log: Its log; None if it runs elsewhere.
        reason: What is wrong with an unhealthy one.
    """

    name: str
    state: State
    address: str | None = None
    pid: int | None = None
    resident_bytes: int = 0
    log: Path | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class _Record:
    """What process.json says; `settings` and `variable` as in Server, `shared_memory` as in Launch."""

    process: Process
    address: str
    port: int
    settings: dict[str, str]
    variable: str | None
    shared_memory: str | None

    def write(self, path: Path) -> None:
        part = path.with_suffix(".part")
        part.write_text(json.dumps(asdict(self)), encoding="utf-8")
        part.replace(path)

    @classmethod
    def read(cls, path: Path) -> _Record | None:
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            return cls(**{**data, "process": Process(**data["process"])})
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError) as error:
            raise ClusterError(f"{path} is damaged: end what it speaks of, and remove it") from error


class Cluster:
    """The servers and services whose state is in one folder.

    Args:
        folder: Where data, logs and what runs are kept.
        given: Addresses of servers that run elsewhere, by the variable that each server names; those are used, and
            not started. By default what the environment says.
        tell: Hears what is being waited for.
    """

    def __init__(
        self, folder: Path, given: Mapping[str, str] = os.environ, tell: Callable[[str], None] = lambda _: None
    ) -> None:
        self.folder = folder.absolute()
        self._given = given
        self._tell = tell

    def up(self, servers: Sequence[Server]) -> dict[str, str]:
        """Start those that do not run, all at once, and wait until every one does its work.

        A server that ran before gets its data and its port again. If one fails, those that this call started are
        stopped.

        Returns:
            Their addresses by name.

        Raises:
            ClusterError: One cannot be had, does not start or cannot be reached.
        """
        if sys.platform != "linux":
            raise ClusterError("the local cluster runs on Linux only: give the addresses of servers that run elsewhere")
        started: list[_Record] = []
        with self._locked():
            try:
                records = {server.name: self._ensure(server, started) for server in servers}
                return {server.name: self._wait(server, records[server.name]) for server in servers}
            except BaseException:
                for record in reversed(started):
                    _stop(record)
                raise

    def status(self, servers: Sequence[Server]) -> list[Status]:
        """How each of them is now."""
        return [self._status(server) for server in servers]

    def down(self) -> dict[str, bool]:
        """Stop all that runs: services at once, then servers, the last started first.

        Returns:
            For each that ran, whether it stopped without being killed.
        """
        with self._locked():
            records = self._records()
            running = {name for name, record in records.items() if record.process.alive}
            services = {name: record for name, record in records.items() if record.variable is None}
            with ThreadPoolExecutor(len(services) or 1) as pool:
                ends = dict(zip(services, pool.map(_stop, services.values()), strict=True))
            for name in services:
                self._path(name).unlink()
            ends |= {name: _stop(record) for name, record in records.items() if name not in services}
            return {name: clean for name, clean in ends.items() if name in running}

    def services(self) -> list[str]:
        """Names of the services that were started here and not stopped by `down` since, in alphabetical order."""
        return sorted(name for name, record in self._records().items() if record.variable is None)

    def process(self, name: str) -> Process | None:
        """The process of a server that was started here."""
        record = self._record(name)
        return record.process if record else None

    def log(self, name: str) -> Path:
        """The log of a server that was started here."""
        return self.folder / name / "log"

    def _locked(self) -> contextlib.AbstractContextManager[None]:
        return locked(
            self.folder / "lock", lambda: self._tell(f"waiting for another command that works on {self.folder}")
        )

    def _path(self, name: str) -> Path:
        return self.folder / name / "process.json"

    def _record(self, name: str) -> _Record | None:
        return _Record.read(self._path(name))

    def _records(self) -> dict[str, _Record]:
        """All that was started here, by name, the last started first."""
        names = [path.parent.name for path in self.folder.glob("*/process.json")]
        found = [(name, record) for name in names if (record := self._record(name)) is not None]
        return dict(sorted(found, key=lambda item: item[1].process.started, reverse=True))

    def _address_given(self, server: Server) -> str | None:
        return self._given.get(server.variable) if server.variable else None

    def _ensure(self, server: Server, started: list[_Record]) -> _Record | None:
        """Start a server unless it runs; None for one that runs elsewhere."""
        if self._address_given(server):
            return None
        record = self._record(server.name)
        if record is not None and record.process.alive:
            if record.settings != server.settings or server.port not in (None, record.port):
                raise ClusterError(
                    f"{server.name} runs with other settings: stop it with `glasswatch cluster down` first"
                )
            return record
        folder = self.folder / server.name
        folder.mkdir(exist_ok=True)
        _remove_shared_memory(record)
        port = _port(server, record)
        self._tell(f"{server.name}: preparing")
        launch = server.launch(folder, port)
        log = self.log(server.name)
        if log.exists():
            log.replace(log.with_name("log.1"))
        self._tell(f"{server.name}: starting at {launch.address}")
        try:
            process = start(launch.argv, {**os.environ, **launch.env}, log)
        except OSError as error:
            raise ClusterError(f"cannot run {launch.argv[0]}: {error.strerror}") from error
        record = _Record(process, launch.address, port, dict(server.settings), server.variable, launch.shared_memory)
        started.append(record)
        record.write(self._path(server.name))
        return record

    def _wait(self, server: Server, record: _Record | None) -> str:
        """Return the address once it is healthy."""
        address = record.address if record else self._address_given(server) or ""
        deadline = time.monotonic() + (START_TIMEOUT_S if record else _GIVEN_TIMEOUT_S)
        while True:
            try:
                server.check(address, given=record is None)
            except Unhealthy as error:
                reason = str(error)
            else:
                # Whoever answered may be another process that took the port.
                if record is None or record.process.alive:
                    return address
                reason = "it ended"
            if record is not None and not record.process.alive:
                raise ClusterError(self._ended(server, record))
            if time.monotonic() >= deadline:
                raise ClusterError(self._overdue(server, record, reason))
            time.sleep(_POLL_S)

    def _ended(self, server: Server, record: _Record) -> str:
        status = record.process.exit_status()
        how = "" if status is None else f" with status {status}"
        return f"{server.name} ended{how} instead of starting; {self._log_end(server)}"

    def _overdue(self, server: Server, record: _Record | None, reason: str) -> str:
        if record is None:
            return f"{server.name} at {self._address_given(server)} ({server.variable}) does not answer: {reason}"
        return f"{server.name} is not healthy after {START_TIMEOUT_S:.0f} s: {reason}; {self._log_end(server)}"

    def _log_end(self, server: Server) -> str:
        path = self.log(server.name)
        try:
            lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
        except FileNotFoundError:
            lines = []
        last = next((line.strip() for line in reversed(lines) if line.strip()), "nothing")
        return f"the last line of {path} is: {last}"

    def _status(self, server: Server) -> Status:
        given = self._address_given(server)
        record = None if given else self._record(server.name)
        if not given and (record is None or not record.process.alive):
            return Status(server.name, State.STOPPED, record.address if record else None)
        address = given or (record.address if record else "")
        try:
            server.check(address, given=record is None)
            state, reason = State.HEALTHY, None
        except (Unhealthy, ClusterError) as error:
            state, reason = State.UNHEALTHY, str(error)
        if record is None:
            return Status(server.name, state, address, reason=reason)
        process = record.process
        return Status(server.name, state, address, process.pid, process.resident_bytes, self.log(server.name), reason)


def _port(server: Server, record: _Record | None) -> int:
    """The port that was asked for, or the one it had, or a free one."""
    if server.port is not None:
        if not is_free(server.port):
            raise ClusterError(f"{server.name} cannot have port {server.port}: something listens on it")
        return server.port
    return record.port if record is not None and is_free(record.port) else free_port()


def _stop(record: _Record) -> bool:
    clean = record.process.stop(STOP_TIMEOUT_S)
    _remove_shared_memory(record)
    return clean


def _remove_shared_memory(record: _Record | None) -> None:
    """Remove what a server that was killed left behind."""
    if record is not None and record.shared_memory:
        for path in _SHARED_MEMORY.glob(f"{record.shared_memory}*"):
            path.unlink(missing_ok=True)
