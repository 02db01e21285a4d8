"""The detector of audio artifacts says the same whether its model runs in process or on a Triton server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from glasswatch.adapters.local_inference import LocalInference
from glasswatch.adapters.triton_inference import TritonInference
from glasswatch.detectors.audio.artifact_features import features
from tests.servers import start_servers
from tests.support import audio_chunks, detect, make_detector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glasswatch.runtime.cluster import Cluster

MODELS = Path(__file__).parents[3] / "triton_models"
RATE = 48_000
TOLERANCE = 2e-4
"""Of probabilities: float32 sums in another order, and the last of the four digits that are told."""


@pytest.fixture
def triton(own_cluster: Cluster) -> Iterator[TritonInference]:
    from glasswatch.runtime.cluster import Triton  # noqa: PLC0415 - clients take a second to import

    with TritonInference(start_servers(own_cluster, [Triton(MODELS)])["triton"]) as inference:
        yield inference


def programme(seconds: int) -> np.ndarray:
    """Two channels of a chord that swells, then with hum, hiss, clipping and clicks, two seconds each."""
    rng = np.random.default_rng(7)
    t = np.arange(seconds * RATE) / RATE
    chord = sum(np.sin(2 * np.pi * hz * t + hz) for hz in (220.0, 277.2, 329.6)) * (1 + np.sin(2 * np.pi * t / 1.7))
    left = 0.05 * chord + 1e-4 * rng.standard_normal(t.size)
    hum, hiss, bent, clicks = (slice(n * RATE, (n + 2) * RATE) for n in (2, 4, 6, 8))
    left[hum] += 0.02 * sum(np.sin(2 * np.pi * 50 * n * t[hum]) for n in (1, 2, 3))
    left[hiss] += 0.01 * rng.standard_normal(2 * RATE)
    left[bent] = np.clip(4 * left[bent], -0.1, 0.1)
    left[clicks][:: RATE // 3] += 0.5
    return np.stack([left, np.roll(left, RATE // 2)]).astype(np.float32)


def test_local_and_triton_are_equal(triton: TritonInference) -> None:
    local = LocalInference(MODELS)
    sound = programme(11)
    for count in (1, 11, 40):
        inputs = features(np.resize(sound.reshape(-1, RATE), (count, RATE)), RATE)
        here, there = (place.infer("audio_artifacts", inputs, 60.0)["classes"] for place in (local, triton))
        np.testing.assert_allclose(there, here, atol=TOLERANCE)

    found = [detect(make_detector("audio_artifacts", place), audio_chunks(sound, RATE)) for place in (local, triton)]
    assert [(d.defect, d.span, d.verdict, d.model) for d in found[0]] == [
        (d.defect, d.span, d.verdict, d.model) for d in found[1]
    ]
    for here, there in zip(*found, strict=True):
        assert there.score == pytest.approx(here.score, abs=TOLERANCE)
        assert there.measurements == pytest.approx(here.measurements, abs=TOLERANCE)
