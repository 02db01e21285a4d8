"""Batches of crops from the samples, with the map that the network should find in each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from glasswatch.simulator.blocks import DAMAGE_CODE8

Generator = np.random.Generator
Blocks = npt.NDArray[np.bool_]

CELL_PX = 32
"""A cell of the map stands for so many pixels, down and across: the network halves its picture five times."""

LEAST_SHARE = 1 / 8
"""Part of a cell that is damaged before the cell is: half a macroblock of 16 x 16 pixels."""

WHOLE, DAMAGED, UNSURE = 0, 1, -1


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Crops with their truth.

    Attributes:
        frames: (crops, height, width, 3), R'G'B', uint8; the last row and column of cells may be cut.
        cells: (crops, rows, columns), WHOLE, DAMAGED or UNSURE, int8.
    """

    frames: npt.NDArray[np.uint8]
    cells: npt.NDArray[np.int8]

    @property
    def pictures(self) -> npt.NDArray[np.int8]:
        """(crops,): DAMAGED with a damaged cell, UNSURE with none but an unsure one."""
        flat = self.cells.reshape(len(self.cells), -1)
        return np.where((flat == DAMAGED).any(1), DAMAGED, np.where((flat == UNSURE).any(1), UNSURE, WHOLE)).astype(
            np.int8
        )


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """The samples of one clip, the frames mapped from their file."""

    frames: npt.NDArray[np.uint8]
    differences: npt.NDArray[np.uint8]
    visible: Blocks
    block_px: float
    kind: str
    source: str


class Samples:
    """All clips of a folder."""

    def __init__(self, folder: Path) -> None:
        self.clips = []
        for path in sorted(folder.glob("*.npz")):
            with np.load(path) as labels:
                self.clips.append(
                    Clip(
                        np.load(path.with_suffix(".frames.npy"), mmap_mode="r"),
                        labels["differences"],
                        labels["visible"],
                        float(labels["block_px"]),
                        str(labels["kind"]),
                        str(labels["source"]),
                    )
                )
        if not self.clips:
            raise FileNotFoundError(f"{folder} holds no samples: run `prepare` first")

    def batch(self, rng: Generator, count: int, size: tuple[int, int]) -> Batch:
        """`count` crops of (height, width), less a part of the last cells, from anywhere, in altered colours."""
        # Pictures seldom end with a whole cell.
        down, across = (int(n) for n in rng.integers(0, CELL_PX * 3 // 4, 2))
        frames = np.empty((count, *size, 3), np.uint8)
        cells = np.empty((count, size[0] // CELL_PX, size[1] // CELL_PX), np.int8)
        for n in range(count):
            clip = self.clips[int(rng.integers(len(self.clips)))]
            at = int(rng.integers(len(clip.frames)))
            frame, off, visible = clip.frames[at], clip.differences[at], clip.visible[at]
            top, left, height, width = _place(frame.shape[:2], visible, clip.block_px, size, rng)
            crop = _recoloured(np.asarray(frame[top : top + height, left : left + width]), rng)
            mirrored = rng.random() < 0.5
            shown = slice(0, size[0] - down), slice(across, None) if mirrored else slice(0, size[1] - across)
            truth = cells_of(off, visible, clip.block_px, (top, left), size, shown)
            if height < size[0] or width < size[1]:  # as at the edge of a picture
                crop = np.pad(crop, ((0, size[0] - height), (0, size[1] - width), (0, 0)), mode="reflect")
                truth[-(-height // CELL_PX) :] = truth[:, -(-width // CELL_PX) :] = UNSURE
            frames[n] = crop[:, ::-1] if mirrored else crop
            cells[n] = truth[:, ::-1] if mirrored else truth
        return Batch(np.ascontiguousarray(frames[:, : size[0] - down, : size[1] - across]), cells)

    def whole(self) -> list[Batch]:
        """Every frame as it is, less what is no whole cell; one batch for each clip."""
        found = []
        for clip in self.clips:
            height, width = (n // CELL_PX * CELL_PX for n in clip.frames.shape[1:3])
            cells = [
                cells_of(off, visible, clip.block_px, (0, 0), (height, width))
                for off, visible in zip(clip.differences, clip.visible, strict=True)
            ]
            found.append(Batch(np.array(clip.frames[:, :height, :width]), np.stack(cells)))
        return found


def cells_of(
    differences: npt.NDArray[np.uint8],
    visible: Blocks,
    block_px: float,
    corner: tuple[int, int],
    size: tuple[int, int],
    shown: tuple[slice, slice] = (slice(None), slice(None)),
) -> npt.NDArray[np.int8]:
    """The truth (rows, columns) of a crop of `size` pixels at `corner` (top, left), from a picture's blocks.

    Only what is `shown` of the crop, rows and columns, can be damaged.
    """
    rows, columns = (
        np.minimum(((np.arange(length) + first + 0.5) / block_px).astype(np.intp), blocks - 1)
        for length, first, blocks in zip(size, corner, differences.shape, strict=True)
    )

    def share(damaged: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        pixels = np.zeros(size, np.bool_)
        pixels[shown] = damaged[np.ix_(rows[shown[0]], columns[shown[1]])]
        means: npt.NDArray[np.float64] = pixels.reshape(size[0] // CELL_PX, CELL_PX, -1, CELL_PX).mean((1, 3))
        return means

    is_damaged = share(visible) >= LEAST_SHARE
    # Nothing is learned from what is off and does not look damaged.
    is_whole = share(differences > DAMAGE_CODE8) == 0
    return np.where(is_damaged, DAMAGED, np.where(is_whole, WHOLE, UNSURE)).astype(np.int8)


def _place(
    shape: tuple[int, ...], visible: Blocks, block_px: float, size: tuple[int, int], rng: Generator
) -> tuple[int, int, int, int]:
    """Top, left, height and width of a crop; half of those of damaged pictures hold a damaged block."""
    height, width = min(size[0], shape[0]), min(size[1], shape[1])
    room = shape[0] - height, shape[1] - width
    top, left = int(rng.integers(room[0] + 1)), int(rng.integers(room[1] + 1))
    damaged = np.argwhere(visible)
    if len(damaged) and rng.random() < 0.5:
        row, column = damaged[int(rng.integers(len(damaged)))]
        top = int(np.clip(row * block_px - rng.integers(height), 0, room[0]))
        left = int(np.clip(column * block_px - rng.integers(width), 0, room[1]))
    if rng.random() < 0.7:  # macroblocks count from the corner of a picture
        top, left = top // 16 * 16, left // 16 * 16
    return top, left, height, width


def _recoloured(crop: npt.NDArray[np.uint8], rng: Generator) -> npt.NDArray[np.uint8]:
    """Another exposure, contrast and white balance."""
    if rng.random() < 0.3:
        return crop
    codes = np.arange(256) / 255
    gain = rng.uniform(0.6, 1.3) * rng.uniform(0.9, 1.1, 3)
    curves = np.clip(codes[:, None] ** rng.uniform(0.7, 1.4) * gain + rng.uniform(-0.08, 0.08), 0, 1)
    table = np.rint(curves * 255).astype(np.uint8)
    return np.stack([table[crop[..., channel], channel] for channel in range(3)], -1)
