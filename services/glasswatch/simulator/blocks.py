"""Which blocks of a picture are damaged: the ground truth of block corruption, by comparison with the clean picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from glasswatch.simulator.media import Plane, Values, VideoInfo

BlockMap = npt.NDArray[np.bool_]

# The macroblock of MPEG-2 and H.264, in luma pixels.
BLOCK_PX = 16
# Mean absolute difference in 8-bit codes above which a block counts. A re-encode of good quality (PSNR 40 dB, that is
# an RMS error of 2.5 codes, 2 in the mean) changes blocks by half of it; smaller damage drowns in that.
DAMAGE_CODE8 = 4.0

# Above this a block is another picture, whatever the content: what a decoder shows that lost its data.
LARGE_CODE8 = 10.0


def block_differences(clean: Sequence[Plane], shown: Sequence[Plane], info: VideoInfo) -> Values:
    """Mean absolute difference of each block of BLOCK_PX in 8-bit codes, the largest of luma and the chroma planes.

    The shape is (rows, columns); blocks at the right and lower edge are as large as the picture leaves them.
    """
    lines, columns = clean[0].shape
    found = np.zeros((-(-lines // BLOCK_PX), -(-columns // BLOCK_PX)), np.float32)
    for ours, theirs in zip(clean, shown, strict=True):
        if ours is theirs or np.array_equal(ours, theirs):
            continue
        difference = np.abs(ours.astype(np.int32) - theirs.astype(np.int32))
        counts = np.ones((1, 1), np.int64)
        for axis in (0, 1):
            # Chroma is subsampled by 2 or not at all.
            step = BLOCK_PX if ours.shape[axis] == clean[0].shape[axis] else BLOCK_PX // 2
            starts = np.arange(0, ours.shape[axis], step)
            difference = np.add.reduceat(difference, starts, axis=axis)
            sizes = np.diff([*starts, ours.shape[axis]])
            counts = counts * np.expand_dims(sizes, 1 - axis)
        found = np.maximum(found, (difference / counts).astype(np.float32))
    in_8bit: Values = (found / (1 << (info.depth - 8))).astype(np.float32)
    return in_8bit


def damaged_blocks(
    clean: Sequence[Plane], shown: Sequence[Plane], info: VideoInfo, least_code8: float = DAMAGE_CODE8
) -> BlockMap:
    """Blocks whose `block_differences` are above `least_code8`, (rows, columns)."""
    damaged: BlockMap = block_differences(clean, shown, info) > least_code8
    return damaged
