"""Pictures that are drawn for tests."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

EYES = ((-0.36, -0.22), (0.36, -0.22))
"""Where the eyes of `face` are, from its centre, in radii; the left one of the picture first."""

MOUTH = (0.0, 0.55)


def face(size: int, x: float = 0.5, y: float = 0.5, radius: float = 0.25, mouth: float = 0.02) -> npt.NDArray[np.uint8]:
    """A face, as far as detectors of faces are concerned.

    Args:
        size: Of the square, in pixels.
        x: Of the centre, as part of the square.
        y: Likewise.
        radius: Of the face, as part of the square.
        mouth: Half of how far it is open, in radii.

    Returns:
        R'G'B', (size, size, 3).
    """
    across = (np.arange(size) + 0.5) / size
    picture = np.full((size, size, 3), (90.0, 110.0, 130.0))

    def put(at: tuple[float, float], width: float, height: float, colour: tuple[int, int, int], soft: float) -> None:
        """An ellipse with a soft edge."""
        nonlocal picture
        distance = ((across - x) / radius - at[0])[None] ** 2 / width**2
        distance = distance + ((across - y) / radius - at[1])[:, None] ** 2 / height**2
        part = np.clip((1 - distance) / soft / 2 + 0.5, 0, 1)[..., None]
        picture = picture * (1 - part) + np.array(colour) * part

    put((0, 1.6), 1.6, 0.8, (60, 60, 90), 0.2)  # Shoulders.
    put((0, 1.0), 0.45, 0.6, (190, 150, 125), 0.2)  # Neck.
    put((0, -0.35), 0.95, 1.0, (60, 40, 30), 0.2)  # Hair.
    put((0, 0), 0.8, 1.05, (215, 172, 145), 0.3)
    for eye in EYES:
        put((eye[0], eye[1] - 0.2), 0.22, 0.05, (80, 55, 40), 0.6)
        put(eye, 0.17, 0.09, (240, 240, 240), 0.2)
        put(eye, 0.08, 0.085, (50, 35, 25), 0.2)
    put((0, 0.05), 0.07, 0.28, (195, 150, 122), 0.9)  # Nose.
    put((0, 0.25), 0.14, 0.06, (170, 120, 100), 0.9)
    put(MOUTH, 0.3, 0.06 + mouth, (175, 80, 80), 0.2)
    put(MOUTH, 0.22, mouth, (60, 20, 20), 0.2)
    return picture.round().astype(np.uint8)
