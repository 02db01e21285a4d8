"""Silero VAD itself, on syllables that are synthesised."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from glasswatch.adapters.local_inference import LocalInference
from glasswatch.models.check import check
from tests.integration.models.building import build_or_skip
from tests.speech import babble

pytest.importorskip("onnx")

RATE = 16_000
STATE = np.zeros((1, 1, 128), np.float32)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_or_skip(tmp_path_factory.mktemp("models"), "speech")


def frames(samples: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """As the model's card says; (frames, 576)."""
    own = samples[: len(samples) // 512 * 512].reshape(-1, 512)
    before = np.concatenate([np.zeros((1, 64)), own[:-1, -64:]])
    return np.concatenate([before, own], axis=1).astype(np.float32)


T = np.arange(2 * RATE) / RATE


@pytest.mark.parametrize(
    ("samples", "least", "most"),
    [
        (babble(2), 0.5, 1),
        (np.zeros(2 * RATE), 0, 0.1),
        (0.3 * np.sin(2 * np.pi * 440 * T), 0, 0.1),
        (0.1 * np.random.default_rng(0).standard_normal(2 * RATE), 0, 0.1),
    ],
    ids=["speech", "silence", "sine", "noise"],
)
def test_it_tells_speech(repository: Path, samples: npt.NDArray[np.float64], least: float, most: float) -> None:
    inputs = {"input": frames(samples), "h": STATE, "c": STATE}
    speech = LocalInference(repository).infer("speech", inputs, 60.0)["speech_probs"]
    assert speech.shape == (62,)
    assert speech.min() >= least
    assert speech.max() <= most


def test_calls_go_on_where_the_last_one_stopped(repository: Path) -> None:
    inference, sound = LocalInference(repository), frames(babble(2))
    whole = inference.infer("speech", {"input": sound, "h": STATE, "c": STATE}, 60.0)["speech_probs"]
    first = inference.infer("speech", {"input": sound[:20], "h": STATE, "c": STATE}, 60.0)
    second = inference.infer("speech", {"input": sound[20:], "h": first["hn"], "c": first["cn"]}, 60.0)
    assert [*first["speech_probs"], *second["speech_probs"]] == pytest.approx([*whole], abs=1e-6)


def test_it_is_right(repository: Path) -> None:
    assert check(repository, "speech").version == 1
