"""What needs no server: addresses, shared memory that cannot be had, nobody there, closing."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import socket
import threading
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tritonclient.grpc")

from glasswatch.adapters import triton_memory
from glasswatch.adapters.triton_inference import TritonInference
from glasswatch.adapters.triton_memory import SharedMemory, is_local
from glasswatch.core.errors import InferenceError
from glasswatch.telemetry.metrics import REGISTRY

X = {"x": np.ones((1, 4), np.float32)}


def failures(model: str, reason: str) -> float:
    labels = {"model": model, "reason": reason}
    return REGISTRY.get_sample_value("glasswatch_inference_failures_total", labels) or 0.0


@pytest.fixture
def nobody() -> str:
    """An address where nothing listens, and nothing else can begin to."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("127.0.0.1:8001", True),
        ("127.8.9.10:8001", True),
        ("localhost:8001", True),
        ("[::1]:8001", True),
        ("ipv6:[::1]:8001", True),
        ("ipv4:127.0.0.1:8001", True),
        ("unix:/run/triton.sock", True),
        ("unix-abstract:triton", True),
        ("10.0.0.7:8001", False),
        ("triton.glasswatch.svc:8001", False),
        ("localhost.example.com:8001", False),
        ("dns:///triton:8001", False),
        ("[2001:db8::1]:8001", False),
    ],
)
def test_which_addresses_are_on_this_host(address: str, local: bool) -> None:
    assert is_local(address) is local


def test_without_a_server_a_call_fails_by_its_deadline(nobody: str) -> None:
    before = failures("net", "unavailable")
    with TritonInference(nobody) as inference:
        started = time.monotonic()
        with pytest.raises(InferenceError, match=rf"^model net: {nobody}: .+") as caught:
            inference.infer("net", X, deadline_s=0.5)
        assert time.monotonic() - started < 0.7
    assert "\n" not in str(caught.value)
    assert failures("net", "unavailable") == before + 1


def test_without_a_server_later_calls_fail_at_once(nobody: str, caplog: pytest.LogCaptureFixture) -> None:
    with TritonInference(nobody, failures_to_open=2, pause_s=60) as inference:
        for _ in range(2):
            with pytest.raises(InferenceError, match=nobody):
                inference.infer("held", X, deadline_s=0.1)
        started = time.monotonic()
        for _ in range(20):
            with pytest.raises(InferenceError, match=r"model held: .* held back"):
                inference.infer("held", X, deadline_s=5)
        assert time.monotonic() - started < 1
        with pytest.raises(InferenceError, match="held back"):
            inference.version("held")
        with pytest.raises(InferenceError, match=nobody):
            inference.infer("another", X, deadline_s=0.1)
    assert REGISTRY.get_sample_value("glasswatch_inference_circuit_open", {"model": "held"}) == 1
    assert len([r for r in caplog.records if "held back" in r.message]) == 1


def test_a_server_that_takes_connections_but_never_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with TritonInference(address) as inference:
            started = time.monotonic()
            with pytest.raises(InferenceError, match=r"model net: not done within 0\.3 s"):
                inference.infer("net", X, deadline_s=0.3)
            assert time.monotonic() - started < 0.6


def test_closing_ends_calls_that_are_under_way() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        inference = TritonInference(f"127.0.0.1:{silent.getsockname()[1]}")
        said: list[str] = []

        def call() -> None:
            with pytest.raises(InferenceError) as caught:
                inference.infer("net", X, deadline_s=30)
            said.append(str(caught.value))

        caller = threading.Thread(target=call)
        caller.start()
        time.sleep(0.2)
        inference.close()
        caller.join(5)
    assert len(said) == 1
    assert "closed" in said[0]


def test_after_close_a_call_is_an_error_and_closing_again_is_not(nobody: str) -> None:
    inference = TritonInference(nobody)
    inference.close()
    inference.close()
    with pytest.raises(InferenceError, match=r"net.*closed"):
        inference.infer("net", X, deadline_s=1)
    with pytest.raises(InferenceError, match=r"net.*closed"):
        inference.version("net")
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("triton")]


class Registrar:
    """Takes part of the client: the registration of regions."""

    def __init__(self) -> None:
        self.registered: set[str] = set()

    async def register_system_shared_memory(self, name: str, key: str, size: int, client_timeout: float) -> None:
        assert Path("/dev/shm", key.removeprefix("/")).stat().st_size == size
        self.registered.add(name)

    async def unregister_system_shared_memory(self, name: str, client_timeout: float) -> None:
        self.registered.remove(name)


def ours() -> list[Path]:
    return list(Path("/dev/shm").glob(f"glasswatch-{os.getpid()}-*"))


def test_regions_keep_to_the_limit_are_used_again_and_leave_no_name() -> None:
    async def use() -> None:
        server = Registrar()
        memory = SharedMemory(server, usable=True, limit=3 << 20)
        first, second = await memory.take(1 << 20), await memory.take((1 << 20) - 5)
        assert first is not None
        assert second is not None
        assert not ours()
        assert await memory.take(2 << 20) is None  # It would be 4 MiB.
        memory.give_back(first)
        assert await memory.take(700_000) is first
        memory.give_back(second)
        larger = await memory.take(2 << 20)  # The free one makes room.
        assert larger is not None
        assert server.registered == {first.name, larger.name}
        memory.retire(first)
        memory.give_back(larger)
        await memory.close()
        assert not server.registered

    asyncio.run(use())


def test_a_region_without_an_answer_is_not_used_again() -> None:
    async def use() -> None:
        memory = SharedMemory(Registrar(), usable=True)
        first = await memory.take(1 << 20)
        assert first is not None
        memory.retire(first)
        assert await memory.take(1 << 20) is not first
        await memory.close()

    asyncio.run(use())


def test_shared_memory_that_is_full_is_done_without(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(triton_memory.os, "posix_fallocate", full)

    async def use() -> None:
        memory = SharedMemory(Registrar(), usable=True)
        assert await memory.take(1 << 20) is None
        assert await memory.take(1 << 20) is None
        await memory.close()

    with caplog.at_level(logging.INFO):
        asyncio.run(use())
    assert [r.message.count("No space left") for r in caplog.records if r.name.endswith("triton_memory")] == [1]
    assert not ours()
