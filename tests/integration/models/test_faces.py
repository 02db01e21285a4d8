"""MediaPipe's models of faces themselves, on faces that are drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from glasswatch.adapters.local_inference import LocalInference
from glasswatch.models.check import check
from tests.drawings import EYES, MOUTH, face
from tests.integration.models.building import build_or_skip

pytest.importorskip("onnx")

PLACES = ((0.5, 0.5, 0.25), (0.3, 0.6, 0.18), (0.65, 0.4, 0.3))
"""Centre and radius."""

UPPER_LIP, LOWER_LIP, LEFT_CORNER, RIGHT_CORNER = 13, 14, 61, 291


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_or_skip(tmp_path_factory.mktemp("models"), "face_detection", "face_landmarks")


def test_a_face_is_found_where_it_is(repository: Path) -> None:
    frames = np.stack([face(128, *place) for place in PLACES])
    outputs = LocalInference(repository).infer("face_detection", {"frames": frames}, 60.0)
    for (x, y, radius), boxes, keypoints, scores in zip(
        PLACES, *(outputs[n] for n in ("boxes", "keypoints", "scores")), strict=True
    ):
        best = int(scores.argmax())
        assert scores[best] > 0.75
        left, top, right, bottom = boxes[best]
        assert left < x - 0.5 * radius < x + 0.5 * radius < right
        assert top < y - 0.5 * radius < y + 0.5 * radius < bottom
        for point, (dx, dy) in zip(keypoints[best], EYES, strict=False):
            assert point == pytest.approx((x + dx * radius, y + dy * radius), abs=0.015)
        assert keypoints[best][3] == pytest.approx((x + MOUTH[0] * radius, y + MOUTH[1] * radius), abs=0.015)


def test_there_is_no_face_in_noise(repository: Path) -> None:
    rng = np.random.default_rng(0)
    inference = LocalInference(repository)
    noise = rng.integers(0, 256, (4, 128, 128, 3), dtype=np.uint8)
    assert inference.infer("face_detection", {"frames": noise}, 60.0)["scores"].max() < 0.5
    noise = rng.integers(0, 256, (4, 192, 192, 3), dtype=np.uint8)
    assert inference.infer("face_landmarks", {"frames": noise}, 60.0)["presence"].max() < 0.01


def test_landmarks_tell_how_far_a_mouth_is_open(repository: Path) -> None:
    frames = np.stack([face(192, radius=0.33, mouth=mouth) for mouth in (0.02, 0.1)])
    outputs = LocalInference(repository).infer("face_landmarks", {"frames": frames}, 60.0)
    assert outputs["presence"].min() > 0.99
    gaps = outputs["landmarks"][:, LOWER_LIP, 1] - outputs["landmarks"][:, UPPER_LIP, 1]
    assert gaps == pytest.approx([2 * 0.02 * 0.33, 2 * 0.1 * 0.33], abs=0.02)
    for points in outputs["landmarks"]:
        middle = (points[LEFT_CORNER] + points[RIGHT_CORNER]) / 2
        assert middle[:2] == pytest.approx((0.5, 0.5 + MOUTH[1] * 0.33), abs=0.02)
        assert points[LEFT_CORNER, 0] < 0.5 < points[RIGHT_CORNER, 0]


@pytest.mark.parametrize("name", ["face_detection", "face_landmarks"])
def test_it_is_right(repository: Path, name: str) -> None:
    assert check(repository, name).version == 1
