"""Figures of merit from scores and maps."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float64]
BlockMap = npt.NDArray[np.bool_]

CELL_BLOCKS = 2
"""A cell of the model's map, 32 x 32 pixels, is so many blocks of the labels down and across."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """Sizes of the intersection and the union of two areas."""

    shared: int
    whole: int

    @property
    def iou(self) -> float:
        """Intersection over union, 0 where both are empty."""
        return self.shared / self.whole if self.whole else 0.0


def auc(damaged: Scores, clean: Scores) -> float | None:
    """Area under the ROC curve: how often a damaged picture scores above a clean one, ties half; None without both."""
    if not len(damaged) or not len(clean):
        return None
    ranked = np.sort(clean)
    below = np.searchsorted(ranked, damaged, "left") + np.searchsorted(ranked, damaged, "right")
    return float(below.mean() / 2 / len(clean))


def rate(scores: Scores, threshold: float) -> float | None:
    """Part of the scores that reach the threshold; None without any."""
    return float((scores >= threshold).mean()) if len(scores) else None


def threshold_for(clean: Scores, false_rate: float) -> float | None:
    """Least threshold that at most `false_rate` of the clean scores reach.

    None where there are too few scores to tell such a rate, fewer than 1 / `false_rate`.
    """
    allowed = math.floor(false_rate * len(clean))
    if not allowed:
        return None
    # Just above the first score that must not reach it.
    return float(np.nextafter(np.sort(clean)[-allowed - 1], np.inf))


def cell_overlap(found: BlockMap, labelled: BlockMap, visible: BlockMap) -> Overlap:
    """Overlap of the map's cells with the damaged ones, by the definition that the network is trained to.

    A cell is damaged where one of its blocks is seen to be. Cells with damaged blocks of which none is seen are neither
    damaged nor whole and count nowhere.

    Args:
        found: Cells (rows, columns) that the map calls damaged.
        labelled: Damaged blocks.
        visible: Blocks that are seen to be damaged, of the same shape.
    """
    damaged = _cells(visible, found.shape)
    unsure = _cells(labelled, found.shape) & ~damaged
    return Overlap(int((found & damaged).sum()), int(((found & ~unsure) | damaged).sum()))


def block_overlap(found: BlockMap, visible: BlockMap) -> Overlap:
    """Overlap with the blocks seen to be damaged themselves; a map of cells cannot be exact to the block."""
    rows, columns = visible.shape
    blocks = found.repeat(CELL_BLOCKS, 0).repeat(CELL_BLOCKS, 1)[:rows, :columns]
    return Overlap(int((blocks & visible).sum()), int((blocks | visible).sum()))


def most_events(count: int, confidence: float = 0.95) -> float:
    """Upper limit of a Poisson mean after `count` events, one-sided; 3.0 for none."""
    low, high = float(count), count + 10.0 + 10.0 * math.sqrt(count + 1)
    for _ in range(60):
        middle = (low + high) / 2
        term = total = math.exp(-middle)
        for k in range(1, count + 1):
            term *= middle / k
            total += term
        low, high = (middle, high) if total > 1 - confidence else (low, middle)
    return high


def _cells(blocks: BlockMap, shape: tuple[int, ...]) -> BlockMap:
    """Cells that have a block which is set."""
    padded = np.zeros((shape[0] * CELL_BLOCKS, shape[1] * CELL_BLOCKS), np.bool_)
    padded[: blocks.shape[0], : blocks.shape[1]] = blocks
    grouped = padded.reshape(shape[0], CELL_BLOCKS, shape[1], CELL_BLOCKS)
    cells: BlockMap = np.logical_or.reduce(grouped, axis=(1, 3))
    return cells
