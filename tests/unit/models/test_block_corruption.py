"""The model block_corruption in triton_models: its form, whatever its weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from glasswatch.adapters.local_inference import LocalInference
from glasswatch.core.errors import InferenceError

MODELS = Path(__file__).parents[3] / "triton_models"


@pytest.fixture(scope="module")
def models() -> LocalInference:
    return LocalInference(MODELS)


def pictures(count: int, lines: int, columns: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(lines).integers(0, 256, (count, lines, columns, 3), np.uint8)


def run(models: LocalInference, frames: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
    return models.infer("block_corruption", {"frames": frames}, 60.0)


@pytest.mark.parametrize(
    ("size", "cells"),
    [
        ((224, 224), (7, 7)),
        ((1080, 1920), (34, 60)),
        ((135, 240), (5, 8)),
        ((97, 33), (4, 2)),
        ((16, 16), (1, 1)),
        ((1, 1), (1, 1)),
    ],
    ids=lambda size: "x".join(map(str, size)),
)
def test_there_is_a_cell_for_every_32_samples(
    models: LocalInference, size: tuple[int, int], cells: tuple[int, int]
) -> None:
    outputs = run(models, pictures(1, *size))
    assert outputs["map"].shape == (1, *cells)
    assert outputs["score"].shape == (1, 1)
    for output in outputs.values():
        assert output.dtype == np.float32
        assert output.min() >= 0
        assert output.max() <= 1


@pytest.mark.parametrize("count", [2, 8, 9], ids=["two", "a full batch", "more than a batch"])
def test_a_picture_is_judged_alike_alone_and_among_others(models: LocalInference, count: int) -> None:
    frames = pictures(count, 70, 100)
    together = run(models, frames)
    assert together["map"].shape == (count, 3, 4)
    for i in range(count):
        alone = run(models, frames[i : i + 1])
        for name, output in together.items():
            np.testing.assert_allclose(output[i : i + 1], alone[name], atol=1e-5)


def test_a_picture_of_another_form_is_refused(models: LocalInference) -> None:
    with pytest.raises(InferenceError, match="input frames is uint8"):
        run(models, pictures(1, 32, 32).astype(np.float32))
    with pytest.raises(InferenceError, match="input frames is uint8"):
        run(models, pictures(1, 32, 32)[..., :1])
