"""How much pictures differ, and the recent motion of a shot."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from glasswatch.core.media import Samples
from glasswatch.detectors.video._sampling import block_means

ROWS = 18
"""Blocks from top to bottom: a face in a medium shot has some twenty of them."""

TOP_SHARE = 0.01
"""Share of the blocks that may change more than the change that is reported."""

WINDOW = 0.5
"""Seconds of the past that tell how a shot moves, where they have `LEAST_STEPS`."""

LEAST_STEPS = 8
"""Frames of the past at least: at 2 frames per second motion is told from four seconds."""

LEAST_PICTURES = 7
"""Pictures kept of the past at least: as many as `WINDOW` has at 25 frames per second."""

MAPS = 4
"""Steps of which the change of each block is kept."""

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

FILM_RATE = 16.0
"""Pictures per second: silent film had as many, drawings on twos are 12 or 12.5."""

SHORTLY = 0.2
"""Seconds before a picture at which it is looked for where titles rolled from: some lines, and less than a third of the
picture."""

DISSOLVE = 0.65
"""Correlation of successive changes above which a picture is being mixed, not moved: dissolves have 0.74 and more, even
of pictures that move, and motion before freezes has 0.51 at most."""

CELL = 8
"""Lines and columns of the cells by which flat ground is found."""

FLAT_CODES = 3
"""Most spread within a cell of flat ground, in codes of 8 bit: what codecs leave on it."""

TITLE_GROUND = 0.4
"""Least share of flat cells, or of one level, behind rolling titles; a live picture has less, but for a dark stage."""

ROLLED = 0.65
"""Of the difference of two pictures, rolling explains all but this share when it is what moved them.

Lines are sampled, not averaged: a shift by parts of a line explains less than a whole one, but other motion leaves
nearly all."""

BANDS = 8
WORSE = 0.05
"""Where titles rolled, shifting the picture back makes none of this many bands of columns worse, as it does where
things move all ways: of the difference by 0.09 and more, in a test picture of which half rolls."""


def changes(
    before: Samples, after: Samples, scale: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Change between pairs of frames, both (frames, lines, columns).

    Returns:
        For each pair the change of the most changed blocks (that of the block which `TOP_SHARE` of all exceed), the
        mean of all blocks, and the change of each block (frames, rows, columns): mean absolute differences, divided by
        `scale`.
    """
    apart = np.maximum(before, after) - np.minimum(before, after)
    blocks = block_means(apart, max(1, apart.shape[1] // ROWS)) / np.float32(scale)
    flat = blocks.reshape(len(blocks), -1)
    rank = flat.shape[1] - 1 - int(TOP_SHARE * flat.shape[1])
    return np.partition(flat, rank, axis=1)[:, rank], flat.mean(axis=1), blocks


def change(before: np.ndarray, after: np.ndarray, scale: int) -> tuple[float, npt.NDArray[np.float32]]:
    """Change of the most changed blocks between two pictures (lines, columns), and of each block, as in `changes`."""
    top, _, blocks = changes(before[None], after[None], scale)
    return float(top[0]), blocks[0]


def is_dissolve(older: np.ndarray, middle: np.ndarray, newer: np.ndarray) -> bool:
    """Whether a picture changed the same way twice: mixing and fading do, motion does not."""
    a, b, c = (p.astype(np.float32) for p in (older, middle, newer))
    first, second = b - a, c - b
    size = float(np.linalg.norm(first) * np.linalg.norm(second))
    return size > 0 and float((first * second).sum()) / size > DISSOLVE


def flat_share(picture: np.ndarray, scale: int) -> float:
    """Share of the cells of a picture (lines, columns) that are flat."""
    lines, columns = (size // CELL * CELL for size in picture.shape)
    if not lines or not columns:
        return 0.0
    cells = picture[:lines, :columns].reshape(lines // CELL, CELL, columns // CELL, CELL)
    return float((cells.max((1, 3)) - cells.min((1, 3)) <= FLAT_CODES * scale).mean())


def _paper_share(picture: np.ndarray, scale: int) -> float:
    """Share of a picture that has its most common level: between close lines of writing is no flat cell."""
    levels = np.bincount(picture.ravel() // scale, minlength=256)
    return float(np.convolve(levels, np.ones(FLAT_CODES, np.intp)).max() / picture.size)


def is_rolling_title(before: np.ndarray, after: np.ndarray, scale: int) -> bool:
    """Whether writing on flat ground was moved up or down as a whole: titles roll, and then stand, by design.

    Shifts of up to a third of the picture are tried, each against no shift on the same lines.
    """
    if max(flat_share(after, scale), _paper_share(after, scale)) < TITLE_GROUND:
        return False
    a, b = before.astype(np.int32), after.astype(np.int32)
    unmoved = np.abs(a - b)
    lines = unmoved.mean(axis=1)
    for shift in range(1, len(a) // 3):
        up, down = slice(None, -shift), slice(shift, None)
        for moved, rows in ((a[down] - b[up], up), (a[up] - b[down], down)):
            left = np.abs(moved)
            if float(left.mean()) <= ROLLED * float(lines[rows].mean()) and not _is_worse(left, unmoved[rows]):
                return True
    return False


def _is_worse(left: np.ndarray, before: np.ndarray) -> bool:
    """Whether bands of columns differ more in `left` than they did in `before`, both (lines, columns)."""
    edges = np.arange(BANDS) * left.shape[1] // BANDS
    now, then = (np.add.reduceat(apart.sum(axis=0), edges) for apart in (left, before))
    return float(np.maximum(now - then, 0).sum()) > WORSE * float(then.sum())


@dataclass(frozen=True, slots=True)
class Step:
    """How a frame differs from the one before: see `changes`."""

    top: float
    mean: float
    blocks: np.ndarray


@dataclass(slots=True)
class Motion:
    """The last half second of a shot, or its last frames at low frame rates.

    Attributes:
        steps: Start of each frame in seconds, the change of its most changed blocks and the mean change, oldest first.
        pictures: Some of its pictures with their start in seconds, oldest first.
        maps: Changes of the blocks in its last steps, (rows, columns), oldest first.
        cut: When the shot began, in seconds; None before any picture.
    """

    steps: list[tuple[float, float, float]] = field(default_factory=list)
    pictures: list[tuple[float, np.ndarray]] = field(default_factory=list)
    maps: list[np.ndarray] = field(default_factory=list)
    cut: float | None = None

    def add(self, at: float, picture: np.ndarray, step: Step) -> None:
        """Take the next frame; a cut forgets the shot before."""
        if self.cut is None or self._is_cut(step.top, step.mean):
            self.steps, self.pictures, self.maps, self.cut = [], [(at, picture)], [], at
            return
        self.add_step(at, step)
        if not self.pictures or at - self.pictures[-1][0] >= SPACING:
            self.pictures = _recent(self.pictures, at, LEAST_PICTURES - 1)
            self.pictures.append((at, picture))

    def add_step(self, at: float, step: Step) -> None:
        """Take the next frame's change alone."""
        self.steps = _recent(self.steps, at, LEAST_STEPS - 1)
        self.steps.append((at, step.top, step.mean))
        self.maps = [*self.maps[1 - MAPS :], step.blocks]

    def copy(self) -> Motion:
        """The same past, to be kept while this one goes on."""
        return Motion(list(self.steps), list(self.pictures), list(self.maps), self.cut)

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
        in_cadence = self.in_cadence()
        last = self.moving()[-3:]
        if len(last) == 3 and last[0] > last[1] > last[2] and last[2] <= (SLOWED if in_cadence else AT_REST) * last[0]:
            return True
        last_step = self.last_step(of=2)
        slow = last_step < AT_REST * max((s[1] for s in self.steps), default=0.0)
        return slow and (in_cadence or next_step > STOP * last_step)

    def moved(self, steps: int = MAPS) -> npt.NDArray[np.float32]:
        """Median change of each block in the last `steps` that moved, (rows, columns); none before a second picture."""
        means = [float(blocks.mean()) for blocks in self.maps]
        moved = [b for b, mean in zip(self.maps, means, strict=True) if mean > REPEAT * sum(means) / len(means)]
        return np.asarray(np.median(moved[-steps:], axis=0) if moved else np.zeros((1, 1)), np.float32)

    def in_cadence(self) -> bool:
        """Whether pictures are repeated as a matter of course, as limited animation does."""
        return len(self.moving()) <= CADENCE * len(self.steps)

    def is_limited(self) -> bool:
        """Whether it is limited animation: a cadence of fewer pictures a second than any film or television has."""
        lasted = self.steps[-1][0] - self.steps[0][0] if self.steps else 0.0
        return self.in_cadence() and len(self.moving()) < FILM_RATE * lasted

    def interval(self) -> float:
        """Mean time between frames in seconds, 0 where less than two are known."""
        return (self.steps[-1][0] - self.steps[0][0]) / (len(self.steps) - 1) if len(self.steps) > 1 else 0.0

    def earlier(self, at: float) -> tuple[np.ndarray | None, np.ndarray | None]:
        """The oldest picture known, and one midway between it and `at`; None where the shot is too young."""
        if len(self.pictures) < 2 or at - self.pictures[0][0] < LEAST_PAST:
            return None, None
        start, oldest = self.pictures[0]
        middle = min(self.pictures[1:], key=lambda p: abs(p[0] - (start + at) / 2))
        return oldest, middle[1]

    def shortly_before(self) -> np.ndarray | None:
        """The newest picture that is `SHORTLY` older than the last frame, None where the shot is too young."""
        last = self.steps[-1][0] if self.steps else 0.0
        return next((picture for at, picture in reversed(self.pictures) if last - at >= SHORTLY), None)

    def _is_cut(self, top: float, mean: float) -> bool:
        recent = max((s[2] for s in self.steps[-5:]), default=mean)
        return (mean > CUT_MEAN or top > CUT_TOP) and mean > CUT_RATIO * recent


Stamped = TypeVar("Stamped", tuple[float, float, float], tuple[float, np.ndarray])


def _recent(items: list[Stamped], at: float, least: int) -> list[Stamped]:
    """Those of the last `WINDOW` before `at`, and the `least` newest ones in any case."""
    old = len(items) - least
    return [item for n, item in enumerate(items) if n >= old or at - item[0] <= WINDOW]
