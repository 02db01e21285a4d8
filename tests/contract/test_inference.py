"""What every place that runs models must do; an adapter joins with one line in BACKENDS.

An entry is a function that takes a model repository and gives the port, ready to run its models.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glasswatch.adapters.local_inference import LocalInference
from glasswatch.core.errors import InferenceError
from glasswatch.ports.inference import Inference

REPOSITORY = Path(__file__).parents[1] / "data" / "triton_models"
MODEL = "identity_scale"
"""y = 2 x + 1 for batches of up to 8 vectors of any length."""

BACKENDS = [pytest.param(LocalInference, id="local")]

AMPLE_S = 30.0

pytestmark = pytest.mark.timeout(120)

VECTORS = np.ones((2, 3), np.float32)


@pytest.fixture(params=BACKENDS, scope="module")
def inference(request: pytest.FixtureRequest) -> Inference:
    make: Callable[[Path], Inference] = request.param
    return make(REPOSITORY)


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
        pytest.param({"x": np.ones((9, 3), np.float32)}, "8", id="batch-too-large"),
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


def test_an_error_does_not_spoil_the_next_call(inference: Inference) -> None:
    with pytest.raises(InferenceError):
        inference.infer(MODEL, {"x": VECTORS.astype(np.int32)}, AMPLE_S)
    with pytest.raises(InferenceError):
        inference.infer(MODEL, {"x": VECTORS}, deadline_s=1e-9)
    assert float(inference.infer(MODEL, {"x": VECTORS}, AMPLE_S)["y"][0, 0]) == 3.0
