"""Faces out of what the model face_detection gives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from glasswatch.detectors.sync.squares import Square

DETECTION_PX, LANDMARKS_PX = 128, 192
"""Sizes of the pictures that face_detection and face_landmarks take."""

LEAST_SCORE, SAME_FACE_OVERLAP = 0.5, 0.3
"""MediaPipe's (mediapipe/modules/face_detection: min_score_thresh, min_suppression_threshold)."""

LANDMARKS_SCALE = 1.5
"""Side of the square for face_landmarks, by the longer one of the box (face_detection_front_detection_to_roi.pbtxt)."""

LEFT_EYE, RIGHT_EYE = 0, 1
"""Of the keypoints, as seen in the picture."""

Values = npt.NDArray[np.floating]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


@dataclass(frozen=True, slots=True)
class Face:
    """A face in a picture, in its pixels.

    Attributes:
        box: Left, top, right, bottom; can reach beyond the picture.
        eyes: x and y of the left and the right one, as seen.
        score: Probability that it is one.
    """

    box: Box
    eyes: tuple[tuple[float, float], tuple[float, float]]
    score: float

    @property
    def square(self) -> Square:
        """What face_landmarks is to see: the eyes are level in it."""
        left, top, right, bottom = self.box
        (x0, y0), (x1, y1) = self.eyes
        side = LANDMARKS_SCALE * max(right - left, bottom - top)
        return Square((left + right) / 2, (top + bottom) / 2, side, math.atan2(y1 - y0, x1 - x0))


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes; 0 where one is empty."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (_area(one) + _area(other) - shared)


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def chosen(boxes: Values, keypoints: Values, scores: Values, square: Square) -> list[Face]:
    """The faces among the boxes of one picture, the surest first.

    Boxes that overlap the surest that is left are of the same face; their places are weighed by score. So it is done by
    MediaPipe (NonMaxSuppressionCalculator, WEIGHTED).

    Args:
        boxes: Left, top, right, bottom as parts of the square, (n, 4).
        keypoints: x, y likewise, (n, 6, 2).
        scores: (n,).
        square: What the model saw; upright.
    """
    likely = np.flatnonzero(scores >= LEAST_SCORE)
    left = likely[np.argsort(-scores[likely], kind="stable")]
    found = []
    while left.size:
        best = _box(boxes[left[0]])
        same = np.array([overlap(best, _box(boxes[i])) > SAME_FACE_OVERLAP for i in left])
        same[0] = True  # A box without an area does not overlap even itself.
        weights = scores[left[same]].astype(np.float64)
        corners = square.place(np.average(boxes[left[same]], axis=0, weights=weights).reshape(2, 2))
        eyes = square.place(np.average(keypoints[left[same]][:, [LEFT_EYE, RIGHT_EYE]], axis=0, weights=weights))
        found.append(Face(_box(corners.reshape(-1)), (_point(eyes[0]), _point(eyes[1])), float(scores[left[0]])))
        left = left[~same]
    return found


def _box(values: Values) -> Box:
    left, top, right, bottom = values.tolist()
    return left, top, right, bottom


def _point(values: Values) -> tuple[float, float]:
    x, y = values.tolist()
    return x, y


def between(one: Face, other: Face, part: float) -> Face:
    """A face on its way from one to another, 0 being the first and 1 the second; as sure as the less sure."""
    ends = [np.array([*face.box, *face.eyes[0], *face.eyes[1]]) for face in (one, other)]
    values: Sequence[float] = (ends[0] * (1 - part) + ends[1] * part).tolist()
    left, top, right, bottom, x0, y0, x1, y1 = values
    return Face((left, top, right, bottom), ((x0, y0), (x1, y1)), min(one.score, other.score))
