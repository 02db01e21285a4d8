"""Mouths: how far they are open, and pictures of them that do not shake."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

UPPER_LIP, LOWER_LIP = (82, 13, 312), (87, 14, 317)
"""Of the 468 landmarks, in the middle of the inner lips, those opposite each other."""

FOREHEAD, BELOW_NOSE = 10, 2
"""The height of a face is measured where the jaw does not move it."""

CORNERS = (61, 291)
"""Of the mouth."""

Values = npt.NDArray[np.float64]


def opening(landmarks: npt.NDArray[np.floating]) -> Values:
    """How far a mouth is open: the distance of the inner lips by that from the forehead to below the nose.

    Args:
        landmarks: x, y and more, in units that are the same in both directions, (pictures, 468, 2 or 3).

    Returns:
        (pictures,); 0 is shut, NaN where the face has no height.
    """
    points = np.asarray(landmarks, np.float64)[..., :2]
    gaps = np.linalg.norm(points[:, LOWER_LIP] - points[:, UPPER_LIP], axis=-1).mean(axis=-1)
    heights = np.linalg.norm(points[:, FOREHEAD] - points[:, BELOW_NOSE], axis=-1)
    return np.asarray(np.divide(gaps, heights, out=np.full(len(points), np.nan), where=heights > 0))


def centre(landmarks: npt.NDArray[np.floating]) -> Values:
    """The middle between the corners of the mouth, (pictures, 2), in the landmarks' own units."""
    return np.asarray(np.asarray(landmarks, np.float64)[:, CORNERS, :2].mean(axis=1))


def steadied(values: Values, width: int) -> Values:
    """What varies from picture to picture without its outliers and its shaking: a running median, then a running mean.

    At the ends the windows are as wide as there are values to both sides, so that nothing is drawn to a value beyond,
    and a straight line stays one.

    Args:
        values: (pictures,) or (pictures, more).
        width: Pictures in a window, odd.
    """
    return _running(_running(values, width, np.median), width, np.mean)


def _running(values: Values, width: int, measure: Callable[..., Any]) -> Values:
    reach, count = width // 2, len(values)
    reaches = (min(reach, i, count - 1 - i) for i in range(count))
    return np.array([measure(values[i - r : i + r + 1], axis=0) for i, r in enumerate(reaches)])
