"""Lip sync with MediaPipe's models of faces themselves, on a face that is drawn and opens its mouth."""

from __future__ import annotations

import numpy as np
import pytest

from glasswatch.adapters.local_inference import LocalInference
from glasswatch.core.detection import Verdict
from tests.drawings import face
from tests.integration.models.building import build_or_skip
from tests.support import detect, frame_chunks, make_detector
from tests.talking import loudness, together, voice
from tests.talking_models import PartlyPainted

pytest.importorskip("onnx")

FACES = "face_detection", "face_landmarks"
SECONDS, SIZE = 5, 160


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> PartlyPainted:
    """Only the networks that hear are painted."""
    repository = build_or_skip(tmp_path_factory.mktemp("models"), *FACES)
    return PartlyPainted(LocalInference(repository), *FACES)


@pytest.fixture(scope="module")
def talking() -> np.ndarray:
    openings = loudness(np.arange(25 * SECONDS) / 25)
    return np.stack([face(SIZE, radius=0.28, mouth=0.02 + 0.12 * opening) for opening in openings])


@pytest.mark.parametrize(("early_s", "verdict"), [(0.0, Verdict.OK), (0.36, Verdict.DEFECT)])
def test_the_offset_of_a_face_is_found(
    models: PartlyPainted, talking: np.ndarray, early_s: float, verdict: Verdict
) -> None:
    detector = make_detector("av_sync", models, trust=1.0, doubt=25.0, bias_ms=0.0)
    pictures = frame_chunks(talking, rendition="rgb-480-r30x1", full_range=True)
    found = detect(detector, together(pictures, voice(SECONDS, early_s)))[0]
    assert found.verdict is verdict, found
    assert found.measurements["offset"] == pytest.approx(1000 * early_s, abs=40)
    assert found.region is not None
    left, top, width, height = found.region
    assert left < SIZE / 2 < left + width
    assert top < SIZE / 2 < top + height


def test_nobody_is_seen_in_noise(models: PartlyPainted) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (25 * SECONDS, SIZE, SIZE, 3), np.uint8)
    pictures = frame_chunks(noise, rendition="rgb-480-r30x1", full_range=True)
    found = detect(make_detector("av_sync", models), together(pictures, voice(SECONDS)))
    assert {(d.verdict, d.reason) for d in found} == {(Verdict.INCONCLUSIVE, "no face is seen")}
