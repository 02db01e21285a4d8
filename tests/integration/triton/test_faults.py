"""TritonInference when the server is slow, is killed, or runs a model no more."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tritonclient.grpc")

from tritonclient.grpc import InferenceServerClient

from glasswatch.adapters.triton_inference import TritonInference
from glasswatch.core.errors import InferenceError
from glasswatch.runtime.cluster import Cluster, Triton
from glasswatch.runtime.cluster.process import Process
from glasswatch.telemetry.metrics import REGISTRY
from tests.servers import MODELS, start_servers

MODEL = "identity_scale"
SLOW = "slow"
AMPLE_S = 30.0


def failures(model: str, reason: str) -> float:
    labels = {"model": model, "reason": reason}
    return REGISTRY.get_sample_value("glasswatch_inference_failures_total", labels) or 0.0


def circuit_open(model: str) -> bool:
    return REGISTRY.get_sample_value("glasswatch_inference_circuit_open", {"model": model}) == 1


def check(inference: TritonInference, value: float, deadline_s: float = AMPLE_S) -> None:
    """One call with tensors large enough for shared memory, and a look at every number of the answer."""
    x = np.full((2, 20_000), value, np.float32)
    np.testing.assert_array_equal(inference.infer(MODEL, {"x": x}, deadline_s)["y"], 2 * x + 1)


def wait_for(condition: Callable[[], bool], timeout_s: float) -> None:
    until = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)


def stubs(triton: Process, model: str) -> list[Process]:
    """The processes in which the server runs a model."""
    children = Path(f"/proc/{triton.pid}/task/{triton.pid}/children").read_text().split()
    return [Process.of(int(pid)) for pid in children if f"/{model}/" in Path(f"/proc/{pid}/cmdline").read_text()]


def test_a_late_answer_is_an_error_at_the_deadline_and_is_counted(triton_address: str) -> None:
    before = failures(SLOW, "deadline")
    with TritonInference(triton_address) as inference:
        inference.infer(SLOW, {"turns": np.array([1])}, AMPLE_S)
        started = time.monotonic()
        with pytest.raises(InferenceError, match=r"model slow: not done within 0\.3 s"):
            inference.infer(SLOW, {"turns": np.array([3000])}, deadline_s=0.3)
        assert 0.29 < time.monotonic() - started < 1.0
        check(inference, 1.0)
    assert failures(SLOW, "deadline") == before + 1


def test_sixteen_threads_get_their_own_answers(triton_address: str) -> None:
    with TritonInference(triton_address) as inference, ThreadPoolExecutor(16) as pool:
        for done in [pool.submit(check, inference, float(value)) for value in range(320)]:
            done.result()


def test_a_server_that_is_killed_and_comes_back(own_cluster: Cluster) -> None:
    """Callers are never told anything wrong, the breaker opens, and all is well again without anybody's doing."""
    server = Triton(MODELS)
    address = start_servers(own_cluster, [server])["triton"]
    process = own_cluster.process("triton")
    assert process is not None
    good, bad, over = [0], [0], threading.Event()
    surprises: list[BaseException] = []

    def work(inference: TritonInference, number: int) -> None:
        while not over.is_set():
            try:
                check(inference, float(number), deadline_s=0.5)
                good[0] += 1
            except InferenceError:
                bad[0] += 1
            except BaseException as error:
                surprises.append(error)
                raise
            time.sleep(0.01)

    with TritonInference(address, failures_to_open=3, pause_s=0.5) as inference, ThreadPoolExecutor(4) as pool:
        check(inference, 1.0)
        for number in range(4):
            pool.submit(work, inference, number)
        try:
            wait_for(lambda: good[0] > 20, 20)
            process.kill()
            wait_for(lambda: circuit_open(MODEL), 10)
            started = time.monotonic()
            failed = bad[0]
            wait_for(lambda: bad[0] > failed + 50, 10)
            assert time.monotonic() - started < 5, "calls wait for their deadline while the breaker is open"

            assert own_cluster.up([server])["triton"] == address
            wait_for(lambda: not circuit_open(MODEL), 15)
            recovered = good[0]
            wait_for(lambda: good[0] > recovered + 20, 10)
        finally:
            over.set()
    assert surprises == []
    assert failures(MODEL, "unavailable") >= 3
    assert failures(MODEL, "circuit_open") >= 50


def test_a_model_whose_processes_died_fails_and_the_others_go_on(own_cluster: Cluster) -> None:
    """The server calls the model ready all the while."""
    address = start_servers(own_cluster, [Triton(MODELS)])["triton"]
    process = own_cluster.process("triton")
    assert process is not None
    with TritonInference(address, failures_to_open=3, pause_s=60) as inference:
        check(inference, 1.0)
        killed = stubs(process, MODEL)
        assert killed
        for stub in killed:
            stub.kill()
        for _ in range(3):
            with pytest.raises(InferenceError, match=f"model {MODEL}"):
                check(inference, 1.0, deadline_s=5)
        assert circuit_open(MODEL)
        with pytest.raises(InferenceError, match="held back"):
            check(inference, 1.0)
        assert inference.infer(SLOW, {"turns": np.array([2])}, AMPLE_S)["done"].tolist() == [2]
        assert not circuit_open(SLOW)


def test_a_version_that_is_replaced_is_followed(own_cluster: Cluster, tmp_path: Path) -> None:
    """Calls name the version, so that no answer is told to be another one's."""
    models = tmp_path / "models"
    shutil.copytree(MODELS, models)
    address = start_servers(own_cluster, [Triton(models)])["triton"]
    with TritonInference(address) as inference, closing(InferenceServerClient(address)) as admin:
        check(inference, 1.0)
        assert inference.version(MODEL) == "1"
        shutil.copytree(models / MODEL / "1", models / MODEL / "2")
        admin.load_model(MODEL)
        check(inference, 1.0)
        assert inference.version(MODEL) == "2"
