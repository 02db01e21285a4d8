"""TransNet V2 itself, on scenes that are drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from glasswatch.adapters.local_inference import LocalInference
from glasswatch.models.check import check
from tests.integration.models.building import build_or_skip

pytest.importorskip("onnx")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_or_skip(tmp_path_factory.mktemp("models"), "shots")


COLOURS = ((190, 110, 60), (60, 120, 190), (90, 160, 80))


def scene(number: int, length: int) -> npt.NDArray[np.uint8]:
    """Soft shapes in a colour of the scene's own, past which a camera pans; (length, 27, 48, 3)."""
    coarse = COLOURS[number] + np.random.default_rng(number).normal(0, 35, (9, 40, 3))
    wide = coarse.repeat(6, axis=0).repeat(6, axis=1)
    soft = sum(np.roll(wide, (i, j), (0, 1)) for i in range(6) for j in range(6)) / 36
    pan = [soft[10:37, 20 + i // 2 : 68 + i // 2] for i in range(length)]
    return np.clip(pan, 0, 255).astype(np.uint8)


def judge(repository: Path, frames: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    outputs = LocalInference(repository).infer("shots", {"frames": frames[None]}, 60.0)
    return outputs["cuts"][0], outputs["transitions"][0]


def test_a_cut_is_after_the_last_picture_of_a_shot(repository: Path) -> None:
    cuts, _ = judge(repository, np.concatenate([scene(0, 40), scene(1, 25), scene(2, 35)]))
    assert np.flatnonzero(cuts > 0.5).tolist() == [39, 64]


def test_a_shot_without_a_cut_has_none(repository: Path) -> None:
    cuts, _ = judge(repository, scene(1, 100))
    assert cuts.max() < 0.1


def test_a_dissolve_is_a_transition(repository: Path) -> None:
    rise = np.clip((np.arange(100) - 39) / 20, 0, 1)[:, None, None, None]
    frames = ((1 - rise) * scene(0, 100) + rise * scene(1, 100)).astype(np.uint8)
    cuts, transitions = judge(repository, frames)
    assert 40 <= int(cuts.argmax()) < 59
    assert transitions[45:54].min() > 0.5
    assert max(transitions[:35].max(), transitions[65:].max()) < 0.5


def test_it_is_right(repository: Path) -> None:
    assert check(repository, "shots").version == 1
