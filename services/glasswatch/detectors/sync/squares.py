"""Square parts of a picture, upright or turned, as models of faces take them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

Picture = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Square:
    """A square in a picture, in pixels from its left and top edge.

    Attributes:
        x: Of the centre.
        y: Of the centre.
        side: Length of a side.
        angle: How far it is turned clockwise as seen, in radians.
    """

    x: float
    y: float
    side: float
    angle: float = 0.0

    @classmethod
    def around(cls, picture: Picture) -> Square:
        """The smallest upright square that holds all of a picture, (lines, columns, 3)."""
        lines, columns = picture.shape[:2]
        return cls(columns / 2, lines / 2, max(lines, columns))

    def place(self, points: npt.NDArray[np.floating]) -> Points:
        """Points (..., 2) that are parts of the square, from its own left and top edge, in pixels of the picture."""
        offsets = (np.asarray(points, np.float64) - 0.5) * self.side
        across, down = offsets[..., 0], offsets[..., 1]
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        return np.stack([self.x + cos * across - sin * down, self.y + sin * across + cos * down], axis=-1)


def take(picture: Picture, square: Square, size: int, *, repeat_edges: bool) -> Picture:
    """What is in a square, scaled.

    Between pixels the picture is taken as linear, and rounded down; where it shrinks, each pixel is first the mean of
    as many as it stands for, in whole numbers.

    Args:
        picture: (lines, columns, 3).
        square: Where.
        size: Lines and columns of the result.
        repeat_edges: What is beyond the picture: its edge, or else black.

    Returns:
        (size, size, 3).
    """
    shrink = max(int(square.side / size), 1)
    cos, sin = math.cos(square.angle), math.sin(square.angle)
    half = square.side * (abs(cos) + abs(sin)) / 2
    # Only what is near the square is looked at, and the pixels beside that.
    reach = half + shrink + 1
    rows, columns = (
        _within(middle, reach, n) for middle, n in zip((square.y, square.x), picture.shape[:2], strict=True)
    )
    image = Image.fromarray(picture[rows, columns])
    if shrink > 1:
        # Of what is left over at the right and below, the mean of what there is.
        image = image.reduce((min(shrink, image.width), min(shrink, image.height)))
    # From here in pixels of the small image, which are so few that what is beyond it may be made.
    half, step = half / shrink, square.side / size / shrink
    x, left, right = _placed((square.x - columns.start) / shrink, half, image.width)
    y, top, bottom = _placed((square.y - rows.start) / shrink, half, image.height)
    if left or top or right or bottom:
        if not repeat_edges:
            # What is further away is black for Pillow; at the edge itself the picture goes over into that.
            left, top, right, bottom = (min(beyond, 1) for beyond in (left, top, right, bottom))
        image = _extended(image, (left, top, right, bottom), repeat_edges=repeat_edges)
    across, down = step * cos, step * sin
    corner = left + x - (across - down) * size / 2, top + y - (down + across) * size / 2
    places = (across, -down, corner[0], down, across, corner[1])
    return np.asarray(image.transform((size, size), Image.Transform.AFFINE, places, Image.Resampling.BILINEAR))


def _within(middle: float, reach: float, size: int) -> slice:
    """The pixels within reach of a place in one direction, and always at least one of them."""
    first = min(max(math.floor(middle - reach), 0), size - 1)
    return slice(first, min(max(math.ceil(middle + reach), first + 1), size))


def _placed(middle: float, half: float, size: int) -> tuple[float, int, int]:
    """The middle of a square in one direction, and how many pixels before the first and behind the last one it sees.

    One that is wholly beyond is as near as it can be without seeing anything else.
    """
    half += 0.5  # So far from its middle a pixel is between it and the next.
    middle = min(max(middle, -half), size + half)
    return middle, max(math.ceil(half - middle), 0), max(math.ceil(middle + half - size), 0)


def _extended(image: Image.Image, by: tuple[int, int, int, int], *, repeat_edges: bool) -> Image.Image:
    """An image with so many more pixels at the left, above, at the right and below."""
    left, top, right, bottom = by
    if not repeat_edges:
        return image.crop((-left, -top, image.width + right, image.height + bottom))
    return Image.fromarray(np.pad(np.asarray(image), ((top, bottom), (left, right), (0, 0)), mode="edge"))
