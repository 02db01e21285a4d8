"""The released lip sync model itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from glasswatch.adapters.local_inference import LocalInference
from glasswatch.detectors.sync.features import BANDS, MOUTH_FEATURES, SOUND_STEPS
from glasswatch.detectors.sync.offset import OFFSETS, REACH, similarity
from glasswatch.models.check import check

REPOSITORY = Path(__file__).parents[3] / "triton_models"
EDGE = 8
"""Steps from the ends of what a tower sees, within which its convolutions reach beyond them."""


@pytest.fixture(scope="module")
def inputs() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    mouth = np.cumsum(rng.normal(0, 1, (2, 100, MOUTH_FEATURES)), axis=1)
    sound = rng.normal(0, 0.7, (2, SOUND_STEPS * (100 + 2 * REACH), BANDS))
    return {"mouth": mouth.astype(np.float32), "sound": sound.astype(np.float32)}


def test_it_is_right() -> None:
    assert check(REPOSITORY, "lip_sync").version == 2


def test_steps_are_judged_alike_wherever_they_are(inputs: dict[str, np.ndarray]) -> None:
    inference = LocalInference(REPOSITORY)
    whole = inference.infer("lip_sync", inputs, 60.0)
    part = {"mouth": inputs["mouth"][:, 20:70], "sound": inputs["sound"][:, 20 * SOUND_STEPS :]}
    found = inference.infer("lip_sync", part, 60.0)
    assert found["seen"].shape == (2, 50, 256)
    assert found["heard"].shape == (2, 80 + 2 * REACH, 256)
    assert found["seen"][:, EDGE:-EDGE] == pytest.approx(whole["seen"][:, 20 + EDGE : 70 - EDGE], abs=1e-4)
    assert found["heard"][:, EDGE:] == pytest.approx(whole["heard"][:, 20 + EDGE :], abs=1e-4)
    assert similarity(whole["seen"][0], whole["heard"][0]).shape == OFFSETS.shape


def test_clips_of_a_batch_do_not_meet(inputs: dict[str, np.ndarray]) -> None:
    inference = LocalInference(REPOSITORY)
    both = inference.infer("lip_sync", inputs, 60.0)
    alone = inference.infer("lip_sync", {name: values[1:] for name, values in inputs.items()}, 60.0)
    for name, values in both.items():
        assert values[1] == pytest.approx(alone[name][0], abs=1e-5)
