"""The detector of block corruption says the same whether its model runs in process or on a Triton server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from glasswatch.adapters.local_inference import LocalInference
from glasswatch.adapters.triton_inference import TritonInference
from tests.servers import start_servers
from tests.support import detect, frame_chunks, make_detector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from glasswatch.runtime.cluster import Cluster

MODELS = Path(__file__).parents[3] / "triton_models"
TOLERANCE = 1e-4
"""Of probabilities: float32 sums in another order, far below what decides."""


@pytest.fixture
def triton(own_cluster: Cluster) -> Iterator[TritonInference]:
    from glasswatch.runtime.cluster import Triton  # noqa: PLC0415 - clients take a second to import

    with TritonInference(start_servers(own_cluster, [Triton(MODELS)])["triton"]) as inference:
        yield inference


def pictures(count: int, lines: int, columns: int) -> np.ndarray:
    """A smooth picture that drifts, in which blocks of other places and colours appear, (count, lines, columns, 3)."""
    rng = np.random.default_rng(7)
    y, x, n = np.mgrid[:lines, :columns, :count].astype(np.float32)
    waves = [127 + 90 * np.sin((x + 3 * n) / period + y / 17) for period in (9, 23, 41)]
    frames = np.rint(np.stack(waves, axis=-1)).transpose(2, 0, 1, 3).astype(np.uint8)
    for number, frame in enumerate(frames):
        for _ in range(3 * number):
            top, left = 16 * rng.integers(0, [lines // 16, columns // 16])
            block = frame[top : top + 16, left : left + 16]
            block[:] = rng.integers(0, 256, 3) if rng.random() < 0.5 else np.roll(block, 5, axis=1)
    return frames


def test_local_and_triton_are_equal(triton: TritonInference) -> None:
    local = LocalInference(MODELS)
    for frames in (pictures(1, 1080, 1920), pictures(9, 135, 240), pictures(3, 16, 16)):
        here, there = (place.infer("block_corruption", {"frames": frames}, 60.0) for place in (local, triton))
        assert here.keys() == there.keys()
        for name, output in here.items():
            np.testing.assert_allclose(there[name], output, atol=TOLERANCE)

    media = frame_chunks(pictures(8, 270, 480), fps=2, chunk=3, full_range=True)
    params = {"threshold": 0.7, "certain": 0.9, "supported": 0.5}
    found = [detect(make_detector("block_corruption", place, **params), media) for place in (local, triton)]
    assert [(d.span, d.verdict, d.model) for d in found[0]] == [(d.span, d.verdict, d.model) for d in found[1]]
    for here, there in zip(*found, strict=True):
        assert there.score == pytest.approx(here.score, abs=TOLERANCE)
        assert there.measurements["probability"] == pytest.approx(here.measurements["probability"], abs=TOLERANCE)
