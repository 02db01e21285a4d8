"""Which damaged blocks can be seen to be damaged in the picture alone.

A decoder that conceals lost blocks well shows content that is wrong and looks right: a piece of the picture before, in
its place. Nobody can tell that from one picture. What is seen are steps along the edges of blocks that the picture
beside them does not have, smears, and blocks of one colour.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from glasswatch.simulator.blocks import BLOCK_PX, BlockMap

STEP_CODE8 = 10.0
"""By how much the step across an edge is larger than those beside it, in 8-bit codes, in the mean along a block."""

BESIDE = 3
"""Pixels on either side with which an edge is compared; deblocking filters leave those alone or change them alike."""

SMEAR = 0.15
"""A smear changes so little along one direction, as a share of its change along the other."""

FLAT_CODE8 = 0.35

Rgb = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


def visible_blocks(frame: Rgb, damaged: BlockMap, block_px: float = BLOCK_PX) -> BlockMap:
    """Those of the damaged blocks that are seen.

    Args:
        frame: The picture as it is shown, (height, width, 3), uint8.
        damaged: (rows, columns).
        block_px: Side of a block in pixels of the frame; other than BLOCK_PX where it was scaled.
    """
    rows, columns = damaged.shape
    down, across = (np.abs(np.diff(frame.astype(np.int16), axis=axis)).max(2).astype(np.float32) for axis in (0, 1))
    # Steps between rows, in the mean along each block, and the same for columns.
    above = _excess(_means(down, columns, block_px, 1), rows, block_px)
    beside = _excess(_means(across, rows, block_px, 0).T, columns, block_px).T
    sharp = np.pad(damaged & _outlined(above > STEP_CODE8, beside > STEP_CODE8), 1)
    near = np.zeros_like(damaged)
    for row in range(3):
        for column in range(3):
            near |= sharp[row : row + rows, column : column + columns]
    changes = [_means(_means(c, columns, block_px, 1), rows, block_px, 0) for c in (down, across)]
    least, most = np.minimum(*changes), np.maximum(*changes)
    smeared = (most > 2) & (least < SMEAR * most)
    visible: BlockMap = damaged & (near | smeared | (most < FLAT_CODE8))
    return visible


def _means(values: Floats, blocks: int, block_px: float, axis: int) -> Floats:
    """Means of so many blocks along an axis."""
    length = values.shape[axis]
    starts = np.minimum(np.round(np.arange(blocks) * block_px).astype(np.intp), length - 1)
    counts = np.maximum(np.diff([*starts, length]), 1)
    sums = np.add.reduceat(values, starts, axis=axis)
    means: Floats = (sums / np.expand_dims(counts, 1 - axis)).astype(np.float32)
    return means


def _excess(steps: Floats, blocks: int, block_px: float) -> Floats:
    """By how much the step at each edge between blocks exceeds those beside it, (blocks + 1, columns).

    `steps` are those between neighbouring lines, (lines - 1, columns). Edges of the picture have none.
    """
    found = np.zeros((blocks + 1, steps.shape[1]), np.float32)
    at = np.round(np.arange(1, blocks) * block_px).astype(np.intp) - 1
    slack = 0 if block_px == BLOCK_PX else 1  # a scaled edge lies between two pixels
    reach = BESIDE + slack
    inside = (at >= reach) & (at + reach < len(steps))
    at = at[inside]
    here = np.max([steps[at + n] for n in range(-slack, slack + 1)], axis=0)
    before = np.mean([steps[at - slack - n] for n in range(1, BESIDE + 1)], axis=0)
    after = np.mean([steps[at + slack + n] for n in range(1, BESIDE + 1)], axis=0)
    found[1:blocks][inside] = here - np.maximum(before, after)
    return found


def _outlined(above: BlockMap, beside: BlockMap) -> BlockMap:
    """Blocks with two edges that are sharp, or on a line of at least three; one alone may be of the scene.

    `above` (rows + 1, columns) and `beside` (rows, columns + 1) say which edges are.
    """
    count = above[:-1].astype(np.int8) + above[1:] + beside[:, :-1] + beside[:, 1:]
    lines, columns = _in_line(above), _in_line(beside.T).T
    outlined: BlockMap = (count >= 2) | lines[:-1] | lines[1:] | columns[:, :-1] | columns[:, 1:]
    return outlined


def _in_line(edges: BlockMap) -> BlockMap:
    """Those of the edges that are one of at least three in a row along the second axis."""
    padded = np.pad(edges, ((0, 0), (2, 2)))
    middle = padded[:, :-2] & padded[:, 1:-1] & padded[:, 2:]
    found: BlockMap = middle[:, :-2] | middle[:, 1:-1] | middle[:, 2:]
    return found
