"""Square parts of a picture, upright or turned, as models of faces take them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

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

    Between pixels the picture is taken as linear; where it shrinks, each pixel is first the mean of as many as it
    stands for, in whole numbers.

    Args:
        picture: (lines, columns, 3).
        square: Where.
        size: Lines and columns of the result.
        repeat_edges: What is beyond the picture: its edge, or else black.

    Returns:
        (size, size, 3).
    """
    shrink = max(int(square.side / size), 1)
    # Only what is near the square is looked at: half its diagonal from the centre, and the pixels beside that.
    reach = square.side * math.sqrt(0.5) + shrink + 1
    rows, columns = (
        _within(middle, reach, n) for middle, n in zip((square.y, square.x), picture.shape[:2], strict=True)
    )
    values = _shrunk(picture[rows, columns], shrink)
    lines, width = values.shape[:2]
    middles = (np.arange(size) + 0.5) / size
    places = square.place(np.stack(np.meshgrid(middles, middles), axis=-1)) - (columns.start, rows.start)
    x, y = np.moveaxis(places / shrink - 0.5, -1, 0)
    left, top = np.floor(x).astype(np.intp), np.floor(y).astype(np.intp)
    across, down = (x - left)[..., None].astype(np.float32), (y - top)[..., None].astype(np.float32)
    pixels = values.reshape(-1, 3)

    def at(row: npt.NDArray[np.intp], column: npt.NDArray[np.intp]) -> npt.NDArray[np.float32]:
        found = pixels.take(row.clip(0, lines - 1) * width + column.clip(0, width - 1), axis=0).astype(np.float32)
        if not repeat_edges:
            found[(row < 0) | (row >= lines) | (column < 0) | (column >= width)] = 0
        return np.asarray(found)

    upper = at(top, left) * (1 - across) + at(top, left + 1) * across
    lower = at(top + 1, left) * (1 - across) + at(top + 1, left + 1) * across
    return np.asarray((upper * (1 - down) + lower * down + 0.5).astype(np.uint8))


def _within(middle: float, reach: float, size: int) -> slice:
    """The pixels within reach of a place in one direction, and always at least one of them."""
    first = min(max(math.floor(middle - reach), 0), size - 1)
    return slice(first, min(max(math.ceil(middle + reach), first + 1), size))


def _shrunk(picture: Picture, by: int) -> npt.NDArray[np.generic]:
    """Means of `by` x `by` pixels; what is left over at the right and below repeats the edge."""
    if by == 1:
        return picture
    lines, columns = (-(-n // by) for n in picture.shape[:2])
    missing = lines * by - picture.shape[0], columns * by - picture.shape[1]
    padded = np.pad(picture, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")
    # Lines first: whole ones are added, which is quick.
    sums = padded.reshape(lines, by, columns * by, 3).sum(axis=1, dtype=np.uint32)
    return np.asarray(sums.reshape(lines, columns, by, 3).sum(axis=2) / np.float32(by * by), np.float32)
