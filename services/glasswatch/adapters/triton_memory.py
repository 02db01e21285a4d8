"""System shared memory between this process and a Triton server on the same host (POSIX, Linux).

A region's name is removed as soon as the server has mapped it, so that nothing stays in /dev/shm however this process
ends. The server keeps its mapping until it is told to unregister the region, which it refuses while a call uses it:
a region whose call got no answer is never used again, and is unregistered once the server lets go of it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import mmap
import os
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException

from glasswatch.adapters.triton_error import DEADLINE_EXCEEDED, UNAVAILABLE

log = logging.getLogger(__name__)

LEAST_BYTES = 64 << 10
"""Smaller calls go over the connection, where they are as fast."""

LIMIT_BYTES = 256 << 20
"""All regions together; a call that finds no room goes over the connection."""

_FOLDER = Path("/dev/shm")  # noqa: S108 - the names that shm_open(3) takes live here
_ALIGNMENT = 64
_TIMEOUT_S = 2.0
_SWEEP_S = 1.0
_POLL_S = 0.1


def is_local(address: str) -> bool:
    """Whether a gRPC target is on this host for sure: a loopback or a Unix socket address."""
    if address.startswith(("unix:", "unix-abstract:")):
        return True
    host = address.removeprefix("ipv4:").removeprefix("ipv6:").rpartition(":")[0].strip("[]")
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def aligned(size: int) -> int:
    """`size` in bytes, rounded up to where the next tensor may start."""
    return -(-size // _ALIGNMENT) * _ALIGNMENT


@dataclass(slots=True, eq=False)
class Region:
    """Memory that the server has mapped too."""

    name: str
    memory: mmap.mmap

    def __len__(self) -> int:
        return len(self.memory)

    def write(self, offset: int, array: npt.NDArray[np.generic]) -> None:
        """Copy an array of any layout to `offset`, in row-major order."""
        np.ndarray(array.shape, array.dtype, self.memory, offset)[...] = array

    def read(self, offset: int, shape: Sequence[int], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        """A copy of the array at `offset`."""
        return np.ndarray(tuple(shape), dtype, self.memory, offset).copy()


@dataclass(slots=True)
class SharedMemory:
    """The regions of one client; belongs to the thread of the client's loop.

    It tries whether the server can map a region when it first needs one; where that fails it says so in the log, once,
    and gives no regions from then on.
    """

    client: InferenceServerClient
    usable: bool
    limit: int = LIMIT_BYTES
    _used: int = field(default=0, init=False)
    _free: list[Region] = field(default_factory=list, init=False)
    _retired: list[Region] = field(default_factory=list, init=False)
    _next_sweep: float = field(default=0.0, init=False)

    async def take(self, size: int) -> Region | None:
        """A region of at least `size` bytes that nobody else uses, None where the call has to do without.

        Raises:
            InferenceServerException: The server cannot be reached.
        """
        if not self.usable or size < LEAST_BYTES:
            return None
        fitting = [region for region in self._free if len(region) >= size]
        if fitting:
            region = min(fitting, key=len)
            self._free.remove(region)
            return region
        size = 1 << (size - 1).bit_length()
        if self._used + size > self.limit:
            self.forget()
        if self._retired:
            await self._sweep()
        return await self._add(size) if self._used + size <= self.limit else None

    def give_back(self, region: Region) -> None:
        """Offer a region again whose call the server has answered."""
        self._free.append(region)

    def retire(self, region: Region) -> None:
        """Set a region aside whose call got no answer: the server may still write into it."""
        self._retired.append(region)

    def forget(self) -> None:
        """Use none of the free regions again, as after a restart of the server, which knows them no more."""
        self._retired += self._free
        self._free.clear()

    async def close(self) -> None:
        """Unregister all regions, as far as the server lets go of them in time; no call may be under way."""
        self.usable = False
        self.forget()
        until = time.monotonic() + _TIMEOUT_S
        await self._unregister()
        while self._retired and time.monotonic() < until:
            await asyncio.sleep(_POLL_S)
            await self._unregister()
        if self._retired:
            log.warning("Triton keeps %d regions of shared memory until it ends", len(self._retired))
        for region in self._retired:
            region.memory.close()
        self._retired.clear()

    async def _add(self, size: int) -> Region | None:
        self._used += size  # Before anything is awaited, so that calls side by side keep to the limit.
        name = f"glasswatch-{os.getpid()}-{secrets.token_hex(8)}"
        path = _FOLDER / name
        region = None
        try:
            region = Region(name, _create(path, size))
            await self.client.register_system_shared_memory(name, f"/{name}", size, client_timeout=_TIMEOUT_S)
        except (OSError, InferenceServerException) as error:
            self._drop(region, size)
            if isinstance(error, InferenceServerException) and error.status() == UNAVAILABLE:
                raise
            if self.usable:
                self.usable = False
                log.info("tensors go to Triton over the connection, not through shared memory: %s", error)
            return None
        except BaseException:
            if region is not None:
                self.retire(region)  # The server may have mapped it.
            raise
        finally:
            path.unlink(missing_ok=True)
        return region

    async def _sweep(self) -> None:
        """Unregister what was set aside, but do not ask at every call for what is still in use."""
        if time.monotonic() >= self._next_sweep:
            self._next_sweep = time.monotonic() + _SWEEP_S
            await self._unregister()

    async def _unregister(self) -> None:
        """Unregister the regions that were set aside, but for those still in use."""
        regions, self._retired = self._retired, []
        for number, region in enumerate(regions):
            try:
                await self.client.unregister_system_shared_memory(region.name, client_timeout=_TIMEOUT_S)
            except InferenceServerException as error:
                self._retired.append(region)
                if error.status() in {UNAVAILABLE, DEADLINE_EXCEEDED}:
                    self._retired += regions[number + 1 :]
                    return
            except BaseException:
                self._retired += regions[number:]
                raise
            else:
                self._drop(region, len(region))

    def _drop(self, region: Region | None, size: int) -> None:
        self._used -= size
        if region is not None:
            region.memory.close()


def _create(path: Path, size: int) -> mmap.mmap:
    """New shared memory with all its pages, so that a full /dev/shm is an OSError now and no SIGBUS later."""
    file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(file, 0, size)
        return mmap.mmap(file, size)
    finally:
        os.close(file)
