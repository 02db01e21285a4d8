"""Structure on a flat ground: what is there to see, and what is laid over a picture that is gone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from glasswatch.core.media import FrameChunk, Samples
from glasswatch.detectors.video._sampling import chroma_span, grid_sums, with_neighbours

CELLS = 24
"""Rows of cells in which structure is looked for; a cell is about as wide as high."""

CONTRAST = 0.10
"""Luma above the ground, as a share of the range, from which a sample stands out: what is darker than this on black is
black by definition."""

NOISE_SIGMAS = 6.0
"""And this many standard deviations of the noise: among a million samples of Gaussian noise none does."""

COLOUR = 0.15
"""Chroma, as a share of its range, from which a sample stands out: a blue light has next to no luma. Grain and coding
leave a third of this at most."""

LEAST_SAMPLES = 4
"""Samples of structure that are something to see: a hot pixel is one, a star field or a cursor has some more."""

EDGE_LINES, EDGE_COLUMNS = 0.025, 0.01
"""Shares of the lines and columns at each edge that are not looked at: head-switching noise of tape takes up to 12 of
576 lines, half lines and signalling of analogue television the first ones."""

SAFE = 0.035
"""Overlays keep this far off the edges of the picture: action-safe area, EBU R 95."""

MARGIN = 0.25
"""Share of the lines at the top and at the bottom where logos, clocks, timecode and subtitles are."""

CENTRE = 0.15
"""Subtitles lie about the middle: they have something within this share of the width to either side of it."""

LIKENESS = 0.5
"""Correlation of a cell with the same cell of the last picture, above which what it shows has been there before.
Opaque writing on a live ground has 0.8 and more, unrelated pictures are about 0."""

BRISK = 0.1
"""Seconds between frames up to which structure is expected to be found again near its place; at lower rates it may have
moved on."""

Mask = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.float32]


def standing_out(chunk: FrameChunk, i: int) -> Counts:
    """How many samples of frame `i` stand out of a flat ground, by luma or by colour, in each cell (rows, columns)."""
    low, high = chunk.luma_range
    luma = chunk.luma[i]
    found = _off_ground(luma, CONTRAST * (high - low))
    for plane in chunk.planes[1:]:
        colour = _off_ground(plane[i], COLOUR * chroma_span(chunk))
        if colour.any():
            # Chroma may have fewer samples; each stands for the luma samples that it lies among.
            down, across = (np.arange(n) * m // n for n, m in zip(luma.shape, colour.shape, strict=True))
            found |= colour[down][:, across]
    down, across = (max(1, round(share * n)) for share, n in zip((EDGE_LINES, EDGE_COLUMNS), luma.shape, strict=True))
    inner: Mask = np.zeros_like(found)
    inner[down:-down, across:-across] = found[down:-down, across:-across]
    return grid_sums(inner, _cells(luma))


def _off_ground(plane: Samples, least: float) -> Mask:
    """Samples that lie further than `least` codes, and further than noise does, off the level of most of them."""
    few = plane[::4, ::4].astype(np.int32)
    ground = float(np.median(few))
    noise = 1.4826 * float(np.median(np.abs(few - ground)))  # of a Gaussian, by its median deviation
    apart = max(least, NOISE_SIGMAS * noise)
    found: Mask = (plane > ground + apart) | (plane < ground - apart)
    return found


def _cells(luma: Samples) -> tuple[int, int]:
    lines, columns = luma.shape
    rows = min(CELLS, lines)
    return rows, max(1, min(columns, round(rows * columns / lines)))


@dataclass(slots=True)
class Overlay:
    """What is laid over black or one colour; part of a detector's state.

    A logo, timecode or subtitles stay when the picture behind them is lost. They are known by their place: that of the
    same thing in the last picture, or the safe part of the upper and lower margin if they come with the loss. What
    appears or moves elsewhere is to be seen: the picture is not gone.

    Attributes:
        known: Cells with overlays, (rows, columns), None while there is a picture.
        before: Cells with structure in the frame before.
        last: Luma of the last picture, (lines, columns).
        seen: Whether there has been something to see on the present ground.
    """

    known: np.ndarray | None = None
    before: np.ndarray | None = None
    last: np.ndarray | None = None
    seen: bool = False

    def lift(self, picture: Samples | None = None) -> None:
        """There is a picture; `picture` is its luma, given at the latest before the first frame without one."""
        self.known, self.before, self.seen = None, None, False
        if picture is not None:
            self.last = picture.copy()

    def shows_something(self, chunk: FrameChunk, i: int) -> bool:
        """Whether there is structure in the flat frame `i` that is no overlay."""
        counts = standing_out(chunk, i)
        if self.known is None or self.known.shape != counts.shape:
            self.known, self.before = self._overlays(counts > 0, chunk.luma[i]), None
        before, self.before = self.before, counts > 0
        shown = counts * ~self.known
        if before is not None and chunk.ends[i] - chunk.pts[i] <= BRISK:
            shown *= with_neighbours(before)
        shows = float(shown.sum()) >= LEAST_SAMPLES
        self.seen |= shows
        return shows

    def _overlays(self, cells: Mask, luma: Samples) -> Mask:
        """Where overlays are, by the first frame without a picture: `cells` with structure."""
        row, column = ((np.arange(size) + 0.5) / size for size in cells.shape)
        edge = np.minimum(np.minimum(row, 1 - row)[:, None], np.minimum(column, 1 - column)[None, :])
        inside = edge >= SAFE
        upper, lower = inside & (row <= MARGIN)[:, None], inside & (row >= 1 - MARGIN)[:, None]
        known = with_neighbours(cells & (upper | lower | self._seen_before(luma, cells.shape)))
        for place in (upper, lower):
            if (cells & place & (np.abs(column - 0.5) < CENTRE)).any():
                known |= place  # subtitles come and go while the picture is lost
        return known

    def _seen_before(self, luma: Samples, shape: tuple[int, ...]) -> Mask:
        """Cells that look as in the last picture."""
        if self.last is None or self.last.shape != luma.shape:
            return np.zeros(shape, np.bool_)
        now, then = luma.astype(np.float32), self.last.astype(np.float32)
        size = grid_sums(np.ones_like(now), shape)
        mean_now, mean_then = grid_sums(now, shape) / size, grid_sums(then, shape) / size
        both = grid_sums(now * then, shape) / size - mean_now * mean_then
        spread = (grid_sums(now * now, shape) / size - mean_now**2) * (
            grid_sums(then * then, shape) / size - mean_then**2
        )
        alike: Mask = both > LIKENESS * np.sqrt(np.maximum(spread, 1e-6))
        return alike
