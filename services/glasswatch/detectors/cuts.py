"""Cuts between shots, told from what a picture has that the last one had not: far cheaper than a network."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

LINES, COLUMNS, POINTS = 27, 48, 4
"""Pictures are compared in so many cells, each the mean of POINTS x POINTS pixels."""

BLOCKS, BLOCK = (3, 6), (9, 8)
"""Down and across: blocks in a picture, and cells in a block."""

REACH = 3
"""Cells in every direction by which a block is looked for: motion through a picture in half a second."""

FLAT = 2.0
"""Codes of 255, mean absolute deviation: what noise and coding leave of a block without contrast."""

LEAST_NEW, OVER_MOTION = 0.7, 0.25
"""How new a picture is with which a shot begins, and by how much more than each of those before. Many others do nearly
as well; docs/lip-sync.md tells how the choice does on titles that it was made without."""

REMEMBERED = 8
"""Pictures before: what motion there is in a third of a second."""

LUMA = np.array([0.299, 0.587, 0.114], np.float32)

Cells = npt.NDArray[np.float32]


@dataclass(slots=True)
class Cuts:
    """Tells of one picture after the other whether a shot begins with it.

    Fades and dissolves are no cuts. Nor is a change of light, as blocks are compared without their means, nor what
    comes in the midst of fast motion or so soon after the last cut.

    Attributes:
        size: Lines and columns of the last picture.
        last: Cells of it, float32 (LINES, COLUMNS).
        novelties: Of the last pictures, those with which a shot began too, see `novelty`.
    """

    size: tuple[int, int] = (0, 0)
    last: np.ndarray | None = None
    novelties: list[float] = field(default_factory=list)

    def begins(self, picture: npt.NDArray[np.uint8]) -> bool:
        """Whether a shot begins with this picture, (lines, columns, 3) RGB; it does with the first one of a size."""
        cells, (lines, columns) = sampled(picture), picture.shape[:2]
        last, self.last = self.last, cells
        if last is None or self.size != (lines, columns):
            self.size, self.novelties = (lines, columns), []
            return True
        new = novelty(cells, last)
        usual = max(self.novelties, default=0.0)
        self.novelties = [*self.novelties[1 - REMEMBERED :], new]
        return new >= max(LEAST_NEW, usual + OVER_MOTION)


def sampled(picture: npt.NDArray[np.uint8]) -> Cells:
    """Luma of a picture, (lines, columns, 3) RGB, stretched to (LINES, COLUMNS)."""
    lines, columns = (
        (2 * np.arange(count * POINTS) + 1) * size // (2 * count * POINTS)
        for count, size in zip((LINES, COLUMNS), picture.shape[:2], strict=True)
    )
    points = picture[lines][:, columns] @ LUMA
    return np.asarray(points.reshape(LINES, POINTS, COLUMNS, POINTS).mean(axis=(1, 3)), np.float32)


def novelty(cells: Cells, last: Cells) -> float:
    """What cannot be predicted of a picture, 0 for the same one, about 1 for an unrelated one.

    Each block is predicted by what is most like it nearby in the last picture; what remains of all of them is compared
    with the contrast that they have. So encoders find cuts (x264's slicetype.c: cost of prediction between pictures
    against that within one).
    """
    padded = np.pad(last, REACH, mode="edge")
    blocks = _blocks(cells)
    nearby = _blocks(np.lib.stride_tricks.sliding_window_view(padded, cells.shape).reshape(-1, *cells.shape))
    remains = np.abs(nearby - blocks).mean(axis=-1).min(axis=0)
    contrast = np.abs(blocks).mean(axis=-1)
    return float(remains.sum() / (contrast + FLAT).sum())


def _blocks(cells: Cells) -> Cells:
    """Blocks of pictures (..., LINES, COLUMNS) without their means, (..., *BLOCKS, cells of a block)."""
    (down, across), (lines, columns) = BLOCKS, BLOCK
    parts = np.moveaxis(cells.reshape(*cells.shape[:-2], down, lines, across, columns), -3, -2)
    parts = parts.reshape(*parts.shape[:-2], -1)
    return np.asarray(parts - parts.mean(axis=-1, keepdims=True))
