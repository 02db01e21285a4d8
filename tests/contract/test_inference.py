"""What every place that runs models must do; an adapter joins with one line in BACKENDS.

An entry is a function that gives the port, ready to run the models of tests/data/triton_models; it asks pytest for the
server that it needs.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glasswatch.adapters.local_inference import LocalInference
from glasswatch.core.errors import InferenceError
from glasswatch.ports.inference import Inference
from tests.servers import MODELS, shared_cluster, triton_address  # noqa: F401 - pytest finds fixtures by name

MODEL = "identity_scale"
"""y = 2 x + 1 for batches of up to 8 vectors of any length."""

SLOW = "slow"
"""Gives back `turns`, one number, after so many products of matrices: 5000 take more than a second."""

AMPLE_S = 30.0

pytestmark = pytest.mark.timeout(120)

VECTORS = np.ones((2, 3), np.float32)


@contextmanager
def local(request: pytest.FixtureRequest) -> Iterator[Inference]:
    yield LocalInference(MODELS)


@contextmanager
def triton(request: pytest.FixtureRequest, **settings: Any) -> Iterator[Inference]:
    address = request.getfixturevalue("triton_address")
    from glasswatch.adapters.triton_inference import TritonInference  # noqa: PLC0415 - needs the extra `cluster`

    with TritonInference(address, **settings) as inference:
        yield inference


BACKENDS = [
    pytest.param(local, id="local"),
    pytest.param(triton, id="triton"),
    pytest.param(partial(triton, shared_memory=False), id="triton-without-shared-memory"),
]


@pytest.fixture(params=BACKENDS, scope="module")
def inference(request: pytest.FixtureRequest) -> Iterator[Inference]:
    with request.param(request) as inference:
        yield inference


@settings(max_examples=50, deadline=None)
@given(batch=st.integers(1, 8), size=st.integers(1, 300), seed=st.integers(0, 2**32 - 1))
def test_outputs_come_by_name_for_any_batch_and_size(inference: Inference, batch: int, size: int, seed: int) -> None:
    x = np.random.default_rng(seed).normal(size=(batch, size), scale=1e3).astype(np.float32)
    outputs = inference.infer(MODEL, {"x": x}, AMPLE_S)
    assert set(outputs) == {"y"}
    assert outputs["y"].dtype == np.float32
    np.testing.assert_array_equal(outputs["y"], np.float32(2) * x + np.float32(1))


@pytest.mark.parametrize(
    "x",
    [
        pytest.param(np.arange(24, dtype=np.float32).reshape(4, 6)[::2, ::3], id="strided"),
        pytest.param(np.asfortranarray(np.arange(24, dtype=np.float32).reshape(4, 6)), id="column-major"),
        pytest.param(np.broadcast_to(np.float32(3), (2, 5)), id="broadcast"),
    ],
)
def test_views_are_taken_as_they_are(inference: Inference, x: npt.NDArray[np.float32]) -> None:
    x.flags.writeable = False
    before = x.copy()
    outputs = inference.infer(MODEL, {"x": x}, AMPLE_S)
    np.testing.assert_array_equal(outputs["y"], 2 * before + 1)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("rows", [9, 16, 21])
def test_a_batch_larger_than_the_model_takes_is_run_in_parts(inference: Inference, rows: int) -> None:
    x = np.arange(rows * 5, dtype=np.float32).reshape(rows, 5)
    np.testing.assert_array_equal(inference.infer(MODEL, {"x": x}, AMPLE_S)["y"], 2 * x + 1)


@pytest.mark.parametrize("rows", [1, 8, 20])
def test_large_tensors_come_back_whole(inference: Inference, rows: int) -> None:
    x = np.random.default_rng(rows).normal(size=(rows, 100_003)).astype(np.float32)
    y = inference.infer(MODEL, {"x": x}, AMPLE_S)["y"]
    np.testing.assert_array_equal(y, 2 * x + 1)
    y[:] = 0  # The caller's own: it can be written to, and the next call does not see it.
    np.testing.assert_array_equal(inference.infer(MODEL, {"x": x}, AMPLE_S)["y"], 2 * x + 1)


def test_a_model_without_a_batch_dimension(inference: Inference) -> None:
    assert inference.infer(SLOW, {"turns": np.array([3])}, AMPLE_S)["done"].tolist() == [3]
    with pytest.raises(InferenceError, match=r"turns is int64 \[1\], got int64 \[2\]"):
        inference.infer(SLOW, {"turns": np.array([3, 4])}, AMPLE_S)


def test_several_threads_get_their_own_results(inference: Inference) -> None:
    def call(value: int) -> float:
        x = np.full((1, 1000), value, np.float32)
        return float(inference.infer(MODEL, {"x": x}, AMPLE_S)["y"].mean())

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(call, range(100))) == [2.0 * value + 1 for value in range(100)]


def test_version_is_the_one_that_the_repository_serves(inference: Inference) -> None:
    assert inference.version(MODEL) == "1"


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        pytest.param({}, "x", id="no-input"),
        pytest.param({"z": VECTORS}, "z", id="unknown-input"),
        pytest.param({"x": VECTORS, "z": VECTORS}, "z", id="one-input-too-many"),
        pytest.param({"x": VECTORS.astype(np.float64)}, "float64|FP64", id="dtype"),
        pytest.param({"x": np.ones(3, np.float32)}, "3", id="no-batch"),
        pytest.param({"x": np.ones((2, 3, 1), np.float32)}, r"2, ?3, ?1", id="rank"),
        pytest.param({"x": np.ones((0, 3), np.float32)}, "0", id="empty-batch"),
    ],
)
def test_wrong_inputs_are_refused_with_the_reason(inference: Inference, inputs: dict[str, Any], reason: str) -> None:
    with pytest.raises(InferenceError, match=reason) as caught:
        inference.infer(MODEL, inputs, AMPLE_S)
    assert MODEL in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["missing", ".", "..", f"../triton_models/{MODEL}", f"/{MODEL}", f"{MODEL}/1"])
def test_an_unknown_model_is_an_error_that_names_it(inference: Inference, name: str) -> None:
    with pytest.raises(InferenceError, match=re.escape(name)):
        inference.infer(name, {"x": VECTORS}, AMPLE_S)
    with pytest.raises(InferenceError, match=re.escape(name)):
        inference.version(name)


def test_a_result_that_comes_too_late_is_an_error(inference: Inference) -> None:
    with pytest.raises(InferenceError, match=MODEL):
        inference.infer(MODEL, {"x": VECTORS}, deadline_s=1e-9)


def test_a_slow_model_is_given_up_at_the_deadline(inference: Inference) -> None:
    inference.infer(SLOW, {"turns": np.array([1])}, AMPLE_S)
    started = time.monotonic()
    with pytest.raises(InferenceError, match=rf"{SLOW}: .*0\.2 s"):
        inference.infer(SLOW, {"turns": np.array([5000])}, deadline_s=0.2)
    assert 0.15 < time.monotonic() - started < 1.0


def test_an_error_does_not_spoil_the_next_call(inference: Inference) -> None:
    with pytest.raises(InferenceError):
        inference.infer(MODEL, {"x": VECTORS.astype(np.int32)}, AMPLE_S)
    with pytest.raises(InferenceError):
        inference.infer(MODEL, {"x": VECTORS}, deadline_s=1e-9)
    assert float(inference.infer(MODEL, {"x": VECTORS}, AMPLE_S)["y"][0, 0]) == 3.0
