"""Stand for the models of lip sync, on the faces of `tests.talking`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from glasswatch.detectors.sync.features import FOREHEAD, LIPS, NOSE, OUTER_EYES, PAIRS, SOUND_STEPS
from glasswatch.detectors.sync.mouths import BELOW_NOSE, LOWER_LIP, UPPER_LIP
from glasswatch.ports.inference import Inference, Tensors


def _face() -> npt.NDArray[np.float32]:
    """Landmarks of a face with its mouth shut, parts of the square: all points differ, and left is left."""
    points = np.random.default_rng(0).uniform(0.2, 0.8, (468, 3))
    for left, right in PAIRS:
        points[right] = points[left] * (-1, 1, 1) + (1, 0, 0)
    points[[*OUTER_EYES, FOREHEAD, NOSE, BELOW_NOSE]] = [
        (0.3, 0.4, 0.5),
        (0.7, 0.4, 0.5),
        (0.5, 0.2, 0.5),
        (0.5, 0.55, 0.4),
        (0.5, 0.6, 0.45),
    ]
    points[[*UPPER_LIP, *LOWER_LIP], 1] = 0.7
    return points.astype(np.float32)


FACE = _face()
LIP = len(PAIRS) + [pair[0] for pair in LIPS].index(87)
"""Of the features of a mouth, the height of the lower lip."""


def _code(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Values (batch, steps) as directions in which near ones are alike and others are not."""
    angles = values[..., None] * np.arange(1, 5, dtype=np.float32)
    return np.concatenate([np.cos(angles), np.sin(angles)], axis=-1) / 2


def boxed(frames: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
    """What face_detection says: one face, which is all that is red."""
    count = len(frames)
    boxes, keypoints = np.zeros((count, 2, 4), np.float32), np.zeros((count, 2, 6, 2), np.float32)
    scores = np.zeros((count, 2), np.float32)
    for i, red in enumerate(frames[..., 0] > 128):
        rows, columns = np.flatnonzero(red.any(axis=1)), np.flatnonzero(red.any(axis=0))
        if len(rows):
            left, right, top, bottom = columns[0], columns[-1] + 1, rows[0], rows[-1] + 1
            boxes[i, 0] = np.array([left, top, right, bottom]) / 128
            keypoints[i, 0, 0], keypoints[i, 0, 1] = (left / 128, top / 128), (right / 128, top / 128)
            scores[i, 0] = 0.9
    return {"boxes": boxes, "keypoints": keypoints, "scores": scores}


class TalkingModels:
    """A face is what is red; its mouth is as far open as it is blue; sound that is as loud belongs to it."""

    names = ("face_detection", "face_landmarks", "lip_sync", "speech")

    def infer(self, model: str, inputs: Tensors, deadline_s: float) -> dict[str, npt.NDArray[Any]]:
        if model == "face_detection":
            return boxed(inputs["frames"])
        if model == "face_landmarks":
            return self._locate(inputs["frames"])
        if model == "speech":
            return {"speech_probs": np.ones(len(inputs["input"]), np.float32)}
        assert model == "lip_sync"
        mouth, sound = inputs["mouth"][..., LIP], inputs["sound"].mean(axis=2)
        sound = sound.reshape(len(sound), -1, SOUND_STEPS).mean(axis=2)
        seen, heard = (_code((x - x.mean()) / (x.std() + 1e-6)) for x in (mouth, sound))
        return {"seen": seen, "heard": heard}

    def version(self, model: str) -> str:
        return "1"

    def _locate(self, frames: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
        """A face that opens its mouth as far as its middle is blue."""
        points = np.repeat(FACE[None], len(frames), axis=0)
        middle = frames.shape[1] // 2
        points[:, LOWER_LIP, 1] += frames[:, middle, middle, 2, None] / np.float32(2550)
        red = frames[:, middle, middle, 0, None] > 128
        return {"landmarks": points, "presence": red.astype(np.float32)}


class PartlyPainted(TalkingModels):
    """Some of the models are real."""

    def __init__(self, real: Inference, *names: str) -> None:
        self._real = real
        self._names = names

    def infer(self, model: str, inputs: Tensors, deadline_s: float) -> dict[str, npt.NDArray[Any]]:
        place = self._real if model in self._names else super()
        return dict(place.infer(model, inputs, deadline_s))

    def version(self, model: str) -> str:
        return self._real.version(model) if model in self._names else super().version(model)
