"""Lip sync says the same whether its models run in process or on a Triton server, and so does each of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from glasswatch.adapters.local_inference import LocalInference
from glasswatch.adapters.triton_inference import TritonInference
from glasswatch.core.media import MediaUnit
from glasswatch.ports.inference import Inference, Tensors
from tests.drawings import face
from tests.integration.models.building import build_or_skip
from tests.servers import start_servers
from tests.speech import babble
from tests.support import audio_chunks, detect, frame_chunks, make_detector
from tests.talking import RATE, loudness, talk, together
from tests.talking_models import PartlyPainted

if TYPE_CHECKING:
    from glasswatch.runtime.cluster import Cluster

MODELS = Path(__file__).parents[3] / "triton_models"
BUILT = "face_detection", "face_landmarks", "speech", "shots"
TOLERANCE = 2e-4
"""Of probabilities, and of places as parts of a picture: float32 sums in another order."""


def triton(cluster: Cluster, models: Path) -> TritonInference:
    from glasswatch.runtime.cluster import Triton  # noqa: PLC0415 - clients take a second to import

    return TritonInference(start_servers(cluster, [Triton(models)])["triton"])


def same_detections(places: Sequence[Inference], media: Sequence[MediaUnit]) -> None:
    """The detector says the same of media with the models in either place, and not that it cannot judge it."""
    here, there = (detect(make_detector("av_sync", place), media) for place in places)
    assert [(d.span, d.track, d.verdict, d.ceiling, d.reason, d.model) for d in there] == [
        (d.span, d.track, d.verdict, d.ceiling, d.reason, d.model) for d in here
    ]
    assert all("offset" in d.measurements for d in here)
    for one, other in zip(here, there, strict=True):
        assert other.score == pytest.approx(one.score, abs=0.01)
        assert other.measurements == pytest.approx(one.measurements, rel=0.01, abs=0.01)


def test_local_and_triton_are_equal_with_the_released_model(own_cluster: Cluster) -> None:
    with triton(own_cluster, MODELS) as there:
        same_detections([PartlyPainted(place, "lip_sync") for place in (LocalInference(MODELS), there)], talk(9, 0.2))


def faces(count: int, size: int) -> Tensors:
    places = np.random.default_rng(0).uniform((0.35, 0.35, 0.2), (0.65, 0.65, 0.33), (count, 3))
    return {"frames": np.stack([face(size, *place) for place in places.tolist()])}


def spoken(count: int) -> Tensors:
    frames = np.lib.stride_tricks.sliding_window_view(babble(5), 576)[::512][:count]
    return {"input": frames.astype(np.float32)} | dict.fromkeys("hc", np.zeros((1, 1, 128), np.float32))


def shots(count: int) -> Tensors:
    """Noise that is another one after a while."""
    coarse = np.random.default_rng(0).integers(0, 256, (count, 3, 27, 48, 3), np.uint8)
    return {"frames": np.repeat(coarse, (31, 40, 29), axis=1)}


INPUTS: dict[str, tuple[Callable[[int], Tensors], tuple[int, ...]]] = {
    # More than one batch too.
    "face_detection": (lambda count: faces(count, 128), (1, 4, 70)),
    "face_landmarks": (lambda count: faces(count, 192), (1, 3, 70)),
    "speech": (spoken, (1, 31, 125)),
    "shots": (shots, (1, 2)),
}


@pytest.mark.timeout(240)
def test_local_and_triton_are_equal_with_the_models_that_are_built(own_cluster: Cluster, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    repository = build_or_skip(tmp_path / "models", *BUILT)
    shutil.copytree(MODELS / "lip_sync", repository / "lip_sync")
    local = LocalInference(repository)
    with triton(own_cluster, repository) as there:
        for name in BUILT:
            inputs, counts = INPUTS[name]
            for count in counts:
                given = inputs(count)
                expected, found = (place.infer(name, given, 60.0) for place in (local, there))
                assert found.keys() == expected.keys()
                for output, values in expected.items():
                    np.testing.assert_allclose(
                        found[output], values, atol=TOLERANCE, err_msg=f"{name} {output} {count}"
                    )

        openings = loudness(np.arange(25 * 5) / 25)
        drawn = np.stack([face(160, radius=0.28, mouth=0.02 + 0.12 * opening) for opening in openings])
        pictures = frame_chunks(drawn, rendition="rgb-480-r30x1", full_range=True)
        same_detections([local, there], together(pictures, audio_chunks(babble(5), RATE, chunk=4000)))
