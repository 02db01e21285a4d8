"""Processes that outlive the command that started them: how they are known, started, watched and stopped.

A process is known by its id, its start time and the boot it belongs to, as Linux tells them in /proc (proc(5)). A
process id alone is used again sooner or later; signals go through a pidfd (pidfd_open(2)), so that nothing can be
used again between the look and the signal.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_REAP_S = 5.0
"""How long the kernel may take to end a process after SIGKILL."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process, told apart from every other one that has or will have its id.

    Attributes:
        pid: Its process id.
        started: When it started, in clock ticks after boot.
        boot: Id of the boot that it was started in.
    """

    pid: int
    started: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> Self:
        """The process that has this id now.

        Raises:
            ProcessLookupError: There is none.
        """
        return cls(pid, _started(pid), _boot())

    @property
    def alive(self) -> bool:
        """Whether any of its threads runs; one that ended and was not waited for yet does not."""
        with self._open() as descriptor:
            return descriptor is not None and not _ended(descriptor, 0)

    @property
    def resident_bytes(self) -> int:
        """Its resident memory, that of its children included; 0 when it has ended."""
        if not self.alive:
            return 0
        return sum(_resident(pid) for pid in (self.pid, *_children(self.pid)))

    def signal(self, number: signal.Signals) -> bool:
        """Send a signal; False when it has ended before."""
        with self._open() as descriptor:
            if descriptor is None or _ended(descriptor, 0):
                return False
            _send(descriptor, number)
            return True

    def stop(self, grace_s: float) -> bool:
        """SIGTERM, and SIGKILL after `grace_s`; return when it has ended: True if without SIGKILL."""
        with self._open() as descriptor:
            if descriptor is None:
                return True
            _send(descriptor, signal.SIGTERM)
            obeyed = _ended(descriptor, grace_s)
        if not obeyed:
            self.kill()
        self.exit_status()
        return obeyed

    def kill(self) -> None:
        """SIGKILL; return when it has ended."""
        with self._open() as descriptor:
            if descriptor is not None:
                _send(descriptor, signal.SIGKILL)
                _ended(descriptor, _REAP_S)
        self.exit_status()

    def exit_status(self) -> int | None:
        """Its exit status, minus the signal's number if one ended it; None where it runs or is no child of ours."""
        if not self._has_its_id():
            return None
        try:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:
            return None
        return os.waitstatus_to_exitcode(status) if pid else None

    def _has_its_id(self) -> bool:
        try:
            return self.boot == _boot() and self.started == _started(self.pid)
        except ProcessLookupError:
            return False

    @contextlib.contextmanager
    def _open(self) -> Iterator[int | None]:
        """A pidfd, or None when it is gone; looked up after opening, so that it cannot be another process."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            yield None
            return
        try:
            yield descriptor if self._has_its_id() else None
        finally:
            os.close(descriptor)


def start(argv: Sequence[str], env: Mapping[str, str], log: Path) -> Process:
    """Start a program in a session of its own, so that the terminal's Ctrl-C and hang-up do not reach it.

    Args:
        argv: The program, by absolute path, and its arguments.
        env: All its environment.
        log: Where its output is appended.

    Raises:
        OSError: It cannot be run.
    """
    pid = os.posix_spawn(
        argv[0],
        list(argv),
        env,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigmask=[],
        setsigdef=[signal.SIGINT, signal.SIGTERM, signal.SIGPIPE],
    )
    return Process.of(pid)


def _send(descriptor: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):  # It ended, and was waited for, just now.
        signal.pidfd_send_signal(descriptor, number)


def _ended(descriptor: int, timeout_s: float) -> bool:
    """A pidfd becomes readable when its process ends."""
    ready, _, _ = select.select([descriptor], [], [], timeout_s)
    return bool(ready)


def _started(pid: int) -> int:
    """Field 22 of /proc/<pid>/stat; the command's name, field 2, is in brackets and may hold anything."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError) as error:
        raise ProcessLookupError(f"no process {pid}") from error
    return int(text.rpartition(")")[2].split()[19])


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _resident(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
