"""How much pictures differ, and the recent motion of a shot."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from glasswatch.core.media import Samples
from glasswatch.detectors.video._sampling import block_means

ROWS = 18
"""Blocks from top to bottom: a face in a medium shot has some twenty of them."""

TOP_SHARE = 0.01
"""Share of the blocks that may change more than the change that is reported."""

WINDOW = 0.5
"""Seconds of the past that tell how a shot moves."""

LEAST_PAST = 0.4
"""Seconds of a shot that must be known to say how it moves: graphics often settle right after a cut."""

SPACING = 0.08
"""Seconds at least between pictures kept of the past."""

CUT_MEAN = 10.0
"""Mean change of the whole picture, in codes of 8 bit, below which there is no cut."""

CUT_TOP = 40.0
"""Change of the most changed blocks below which there is none either: pages of text differ in little else."""

CUT_RATIO = 3.0
"""A cut changes the picture this many times as much as any step shortly before."""

REPEAT = 0.2
"""A step with less than this share of the mean change did not move."""

AT_REST = 0.35
"""Motion that has shrunk to this share is about to end."""

SLOWED = 0.5
"""The same for limited animation, whose steps are few."""

STOP = 0.1
"""A step of this share of the one before does not continue the slowing down of motion."""

CADENCE = 0.7
"""Where at most this share of the steps moved, pictures are repeated as a matter of course."""

DISSOLVE = 0.9
"""Correlation of successive changes above which a picture is being mixed, not moved."""

CELL = 8
"""Lines and columns of the cells by which flat ground is found."""

FLAT_CODES = 3
"""Most spread within a cell of flat ground, in codes of 8 bit: what codecs leave on it."""

TITLE_GROUND = 0.4
"""Least share of flat cells behind rolling titles; a live picture has less, but for a dark stage."""

ROLLED = 0.65
"""Of the difference of two pictures, rolling explains all but this share when it is what moved them.

Lines are sampled, not averaged: a shift by parts of a line explains less than a whole one, but other motion leaves
nearly all."""


def changes(before: Samples, after: Samples, scale: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Change between pairs of frames, both (frames, lines, columns).

    Returns:
        For each pair the change of the most changed blocks (that of the block which `TOP_SHARE` of all exceed) and the
        mean of all blocks: mean absolute differences, divided by `scale`.
    """
    apart = np.maximum(before, after) - np.minimum(before, after)
    blocks = block_means(apart, max(1, apart.shape[1] // ROWS))
    flat = blocks.reshape(len(blocks), -1) / np.float32(scale)
    rank = flat.shape[1] - 1 - int(TOP_SHARE * flat.shape[1])
    return np.partition(flat, rank, axis=1)[:, rank], flat.mean(axis=1)


def change(before: np.ndarray, after: np.ndarray, scale: int) -> float:
    """Change of the most changed blocks between two pictures (lines, columns), as in `changes`."""
    return float(changes(before[None], after[None], scale)[0][0])


def is_dissolve(older: np.ndarray, middle: np.ndarray, newer: np.ndarray) -> bool:
    """Whether a picture changed the same way twice: mixing and fading do, motion does not."""
    a, b, c = (p.astype(np.float32) for p in (older, middle, newer))
    first, second = b - a, c - b
    size = float(np.linalg.norm(first) * np.linalg.norm(second))
    return size > 0 and float((first * second).sum()) / size > DISSOLVE


def is_rolling_title(before: np.ndarray, after: np.ndarray, scale: int) -> bool:
    """Whether writing on flat ground was moved up or down as a whole: titles roll, and then stand, by design.

    Shifts of up to a third of the picture are tried, each against no shift on the same lines.
    """
    lines, columns = (size // CELL * CELL for size in after.shape)
    cells = after[:lines, :columns].reshape(lines // CELL, CELL, columns // CELL, CELL)
    spread = cells.max((1, 3)) - cells.min((1, 3))
    if float((spread <= FLAT_CODES * scale).mean()) < TITLE_GROUND:
        return False
    a, b = before.astype(np.int32), after.astype(np.int32)
    unmoved = np.abs(a - b).mean(axis=1)
    for shift in range(1, len(a) // 3):
        for moved, rows in ((a[shift:] - b[:-shift], unmoved[:-shift]), (a[:-shift] - b[shift:], unmoved[shift:])):
            if float(np.abs(moved).mean()) <= ROLLED * float(rows.mean()):
                return True
    return False


@dataclass(slots=True)
class Motion:
    """The last half second of a shot.

    Attributes:
        steps: Start of each frame in seconds, the change of its most changed blocks and the mean change, oldest first.
        pictures: Some of its pictures with their start in seconds, oldest first.
    """

    steps: list[tuple[float, float, float]] = field(default_factory=list)
    pictures: list[tuple[float, np.ndarray]] = field(default_factory=list)

    def add(self, at: float, picture: np.ndarray, top: float, mean: float) -> None:
        """Take the next frame; a cut forgets the shot before."""
        if self._is_cut(top, mean):
            self.steps, self.pictures = [], [(at, picture)]
            return
        self.add_step(at, top, mean)
        if not self.pictures or at - self.pictures[-1][0] >= SPACING:
            self.pictures = [p for p in self.pictures if at - p[0] <= WINDOW]
            self.pictures.append((at, picture))

    def add_step(self, at: float, top: float, mean: float) -> None:
        """Take the next frame's change alone."""
        self.steps = [s for s in self.steps if at - s[0] <= WINDOW]
        self.steps.append((at, top, mean))

    def copy(self) -> Motion:
        """The same past, to be kept while this one goes on."""
        return Motion(list(self.steps), list(self.pictures))

    def moving(self) -> list[float]:
        """Changes of the steps that moved, oldest first: limited animation repeats every second picture or more."""
        tops = [s[1] for s in self.steps]
        return [top for top in tops if top > REPEAT * sum(tops) / len(tops)]

    def level(self) -> float:
        """Mean change of the steps that moved, 0 where less than three are known."""
        moving = self.moving()
        return sum(moving) / len(moving) if len(moving) >= 3 else 0.0

    def last_step(self, of: int = 1) -> float:
        """Change of the last step, or the greatest `of` the last ones: coded pictures of different types take turns."""
        return max((s[1] for s in self.steps[-of:]), default=0.0)

    def comes_to_rest(self, next_step: float) -> bool:
        """Whether motion was about to end by itself when `next_step`, a small change, followed.

        Either its last three steps shrink one after the other, or the last two are small against the largest. A step to
        nearly nothing speaks against the latter, except in limited animation, which knows no other.
        """
        moving = self.moving()
        in_cadence = len(moving) <= CADENCE * len(self.steps)
        last = moving[-3:]
        if len(last) == 3 and last[0] > last[1] > last[2] and last[2] <= (SLOWED if in_cadence else AT_REST) * last[0]:
            return True
        last_step = self.last_step(of=2)
        slow = last_step < AT_REST * max((s[1] for s in self.steps), default=0.0)
        return slow and (in_cadence or next_step > STOP * last_step)

    def earlier(self, at: float) -> tuple[np.ndarray | None, np.ndarray | None]:
        """The oldest picture known, and one midway between it and `at`; None where the shot is too young."""
        if len(self.pictures) < 2 or at - self.pictures[0][0] < LEAST_PAST:
            return None, None
        start, oldest = self.pictures[0]
        middle = min(self.pictures[1:], key=lambda p: abs(p[0] - (start + at) / 2))
        return oldest, middle[1]

    def _is_cut(self, top: float, mean: float) -> bool:
        recent = max((s[2] for s in self.steps[-5:]), default=mean)
        return (mean > CUT_MEAN or top > CUT_TOP) and mean > CUT_RATIO * recent
