"""The model audio_artifacts in triton_models: its form, whatever its weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from glasswatch.adapters.local_inference import LocalInference
from glasswatch.core.errors import InferenceError
from glasswatch.detectors.audio.artifact_features import CLASSES, features
from glasswatch.ports.inference import Tensors

MODELS = Path(__file__).parents[3] / "triton_models"


@pytest.fixture(scope="module")
def models() -> LocalInference:
    return LocalInference(MODELS)


def told(count: int, rate: int = 16_000, level: float = 0.05) -> Tensors:
    """What the model is told about seconds of noise, each of its own colour."""
    noise = np.random.default_rng(rate).standard_normal((count, rate))
    smooth = [np.convolve(second, np.ones(n + 1) / (n + 1), "same") for n, second in enumerate(noise)]
    return features((level * np.stack(smooth)).astype(np.float32), rate)


def run(models: LocalInference, inputs: Tensors) -> npt.NDArray[np.float32]:
    classes: npt.NDArray[np.float32] = models.infer("audio_artifacts", inputs, 60.0)["classes"]
    return classes


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000, 192_000])
def test_it_gives_a_probability_for_each_class_at_any_rate(models: LocalInference, rate: int) -> None:
    found = run(models, told(2, rate))
    assert found.shape == (2, len(CLASSES))
    assert found.dtype == np.float32
    assert found.min() >= 0
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("level", [0.0, 1e-4, 1.0, 30.0], ids=["silence", "faint", "full scale", "beyond it"])
def test_it_has_an_answer_at_any_level(models: LocalInference, level: float) -> None:
    assert np.isfinite(run(models, told(1, level=level))).all()


@pytest.mark.parametrize("count", [2, 32, 33], ids=["two", "a full batch", "more than a batch"])
def test_a_second_is_judged_alike_alone_and_among_others(models: LocalInference, count: int) -> None:
    inputs = told(count)
    together = run(models, inputs)
    for i in (0, count // 2, count - 1):
        alone = run(models, {name: values[i : i + 1] for name, values in inputs.items()})
        np.testing.assert_allclose(together[i : i + 1], alone, atol=1e-5)


def test_what_it_is_not_told_by_the_features_is_refused(models: LocalInference) -> None:
    inputs = dict(told(1))
    with pytest.raises(InferenceError, match="mel"):
        run(models, {**inputs, "mel": inputs["mel"][..., :64]})
    with pytest.raises(InferenceError, match="mains"):
        run(models, {**inputs, "mains": inputs["mains"].astype(np.float64)})
