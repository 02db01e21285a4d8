"""Classifiers that say what they are told, and sound for them: no weights are needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from glasswatch.core.detection import Detection, Event, Verdict
from glasswatch.core.errors import InferenceError
from glasswatch.detectors.audio.artifact_features import CLASSES
from glasswatch.ports.inference import Tensors
from tests.support import audio_chunks, detect, events_of, make_detector

RATE = 16_000
NAME = "audio_artifacts"
Pcm = npt.NDArray[np.float32]


class Classifier:
    """Says of every second what it was told to say, in turn; then goes on with the last."""

    def __init__(self, *said: str | Sequence[str], probability: float = 0.99) -> None:
        self.said = list(said)
        self.probability = probability
        self.batches: list[int] = []

    def infer(self, model: str, inputs: Tensors, deadline_s: float) -> dict[str, npt.NDArray[Any]]:
        assert model == NAME
        count = len(inputs["mel"])
        said = self.said[min(len(self.batches), len(self.said) - 1)]
        self.batches.append(count)
        if said == "nothing":
            raise InferenceError("model audio_artifacts: away")
        names = [said] * count if isinstance(said, str) else said
        rows = np.full((count, len(CLASSES)), (1 - self.probability) / (len(CLASSES) - 1), np.float32)
        rows[np.arange(count), [CLASSES.index(name) for name in names]] = self.probability
        return {"classes": rows}

    def version(self, model: str) -> str:
        return "3"


class Listening(Classifier):
    """Tells hum, hiss and clicks in the features, without weights: enough to follow a programme that changes."""

    def infer(self, model: str, inputs: Tensors, deadline_s: float) -> dict[str, npt.NDArray[Any]]:
        around = inputs["mains"][..., :25]
        # Three partials of either mains by 10 dB; a prediction error ten times as high as those beside it.
        partials = np.sort(around[..., 12] - np.median(around, axis=-1), axis=2)
        stands_out = partials[:, :, -3].max(axis=1) > 0.5
        clicks = inputs["residual"][:, 2].max(axis=1) > 1.0
        found = np.where(clicks, 4, np.where(stands_out, 1, 0))
        self.batches.append(len(found))
        return {"classes": np.eye(len(CLASSES), dtype=np.float32)[found]}


def speech(seconds: float, rate: int = RATE, level: float = 0.05, seed: int = 5) -> Pcm:
    """Noise that pauses as syllables do, to -80 dBFS, (samples,)."""
    t = np.arange(round(seconds * rate)) / rate
    rng = np.random.default_rng(seed)
    pauses = (np.sin(2 * np.pi * 3.1 * t) > -0.3).astype(float)
    return (level * pauses * rng.standard_normal(t.size) + 1e-4 * rng.standard_normal(t.size)).astype(np.float32)


def mains(seconds: float, rate: int = RATE, level_dbfs: float = -35, hz: float = 50.02) -> Pcm:
    """Four partials of that RMS level together, (samples,)."""
    t = np.arange(round(seconds * rate)) / rate
    comb = sum(np.sin(2 * np.pi * n * hz * t + n) for n in (1, 2, 3, 4))
    return np.asarray(10 ** (level_dbfs / 20) / np.sqrt(2) * comb, np.float32)


def with_hum(seconds: float, start_s: float, end_s: float, rate: int = RATE, level_dbfs: float = -35) -> Pcm:
    sound = speech(seconds, rate)
    inside = slice(round(start_s * rate), round(end_s * rate))
    sound[inside] += mains(seconds, rate, level_dbfs)[inside]
    return sound


def said(sound: Pcm, classifier: Any, rate: int = RATE, **params: Any) -> list[Detection]:
    return detect(make_detector(NAME, classifier, **params), audio_chunks(sound, rate))


def of(defect: str, found: Sequence[Detection], verdict: Verdict = Verdict.DEFECT) -> list[tuple[float, float]]:
    return [(float(d.span.start), float(d.span.end)) for d in found if d.defect == defect and d.verdict is verdict]


def events(sound: Pcm, classifier: Any, rate: int = RATE, **params: Any) -> list[Event]:
    return events_of(NAME, audio_chunks(sound, rate), classifier, **params)


def group(defect: str, **changes: Any) -> dict[str, Any]:
    """Parameters of one defect, some changed."""
    defaults = make_detector(NAME, Classifier("none")).params.model_dump()[defect]
    return {defect: {**defaults, **changes}}
