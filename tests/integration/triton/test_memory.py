"""Shared memory with a real server: that it is used, that answers are right, that nothing is left behind."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tritonclient.grpc")

from tritonclient.grpc import InferenceServerClient

from glasswatch.adapters import triton_memory
from glasswatch.adapters.triton_inference import TritonInference
from glasswatch.core.errors import InferenceError

MODEL = "identity_scale"
SLOW = "slow"
AMPLE_S = 30.0
LARGE = np.arange(400_000, dtype=np.float32).reshape(4, 100_000)


def registered(address: str, pid: int) -> list[str]:
    """Regions of a process that the server has mapped."""
    with closing(InferenceServerClient(address)) as client:
        names = client.get_system_shared_memory_status(client_timeout=10).regions
    return [name for name in names if name.startswith(f"glasswatch-{pid}-")]


def names_left(pid: int) -> list[Path]:
    return list(Path("/dev/shm").glob(f"glasswatch-{pid}-*"))


def test_large_tensors_go_through_it_and_nothing_is_left(triton_address: str) -> None:
    with TritonInference(triton_address) as inference:
        for _ in range(10):
            np.testing.assert_array_equal(inference.infer(MODEL, {"x": LARGE}, AMPLE_S)["y"], 2 * LARGE + 1)
        assert len(registered(triton_address, os.getpid())) == 1
        assert not names_left(os.getpid())
    assert not registered(triton_address, os.getpid())


def test_small_tensors_do_not(triton_address: str) -> None:
    with TritonInference(triton_address) as inference:
        inference.infer(MODEL, {"x": LARGE[:, :8]}, AMPLE_S)
        assert not registered(triton_address, os.getpid())


def test_an_output_of_known_size_comes_through_it(triton_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triton_memory, "LEAST_BYTES", 1)
    with TritonInference(triton_address) as inference:
        for turns in range(5):
            assert inference.infer(SLOW, {"turns": np.array([turns])}, AMPLE_S)["done"].tolist() == [turns]
        assert len(registered(triton_address, os.getpid())) == 1


def test_a_region_that_the_server_still_uses_is_left_alone_until_it_is_done(
    triton_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(triton_memory, "LEAST_BYTES", 1)
    monkeypatch.setattr(triton_memory, "_TIMEOUT_S", AMPLE_S)  # The machine may be busy.
    with TritonInference(triton_address) as inference:
        with pytest.raises(InferenceError, match="not done within"):
            inference.infer(SLOW, {"turns": np.array([2500])}, deadline_s=0.1)
        for turns in range(5):
            assert inference.infer(SLOW, {"turns": np.array([turns])}, AMPLE_S)["done"].tolist() == [turns]
        assert len(registered(triton_address, os.getpid())) == 2
    assert not registered(triton_address, os.getpid())


def test_a_server_that_cannot_map_it_gets_tensors_over_the_connection(
    triton_address: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As where server and client have one network but not one /dev/shm."""
    monkeypatch.setattr(triton_memory, "_FOLDER", tmp_path)
    with caplog.at_level(logging.INFO), TritonInference(triton_address) as inference:
        for _ in range(3):
            np.testing.assert_array_equal(inference.infer(MODEL, {"x": LARGE}, AMPLE_S)["y"], 2 * LARGE + 1)
    assert len([r for r in caplog.records if "not through shared memory" in r.message]) == 1
    assert not list(tmp_path.iterdir())


CRASH = """
import os, sys
import numpy as np
from glasswatch.adapters.triton_inference import TritonInference
inference = TritonInference(sys.argv[1])
inference.infer("identity_scale", {"x": np.ones((4, 100_000), np.float32)}, 30)
print(os.getpid(), flush=True)
os.kill(os.getpid(), 9)
"""


def test_a_client_that_is_killed_leaves_no_name_behind(triton_address: str) -> None:
    killed = subprocess.run([sys.executable, "-c", CRASH, triton_address], capture_output=True, check=False, timeout=60)
    assert killed.returncode == -9, killed.stderr
    pid = int(killed.stdout)
    assert registered(triton_address, pid), "it did not use shared memory"
    assert not names_left(pid)
    with closing(InferenceServerClient(triton_address)) as client:
        for name in registered(triton_address, pid):
            client.unregister_system_shared_memory(name)


def test_it_can_be_turned_off(triton_address: str) -> None:
    with TritonInference(triton_address, shared_memory=False) as inference:
        np.testing.assert_array_equal(inference.infer(MODEL, {"x": LARGE}, AMPLE_S)["y"], 2 * LARGE + 1)
        assert not registered(triton_address, os.getpid())
