"""Cuts between shots, told from how much a picture differs from the one before: far cheaper than a network."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from glasswatch.detectors.sync.squares import Picture

LEAST_CHANGE, OVER_MOTION = 15.0, 3.0
"""A cut changes the mean pixel by so many codes of 255, and by so many times the median of the changes before
(PySceneDetect's AdaptiveDetector: min_content_val, adaptive_threshold)."""

REMEMBERED = 8
"""Changes before: what motion there is in a third of a second."""

SAMPLED = 64
"""Pixels of a line that are compared, and as many lines at most."""


@dataclass(slots=True)
class Cuts:
    """Tells of one picture after the other whether a shot begins with it.

    Attributes:
        last: Of the last picture, what is compared: int16.
        changes: The last ones, those of cuts too, which are rare.
    """

    last: np.ndarray | None = None
    changes: list[float] = field(default_factory=list)

    def begins(self, picture: Picture) -> bool:
        """Whether a shot begins with this picture, (lines, columns, 3) RGB; it does with the first one."""
        by = [max(size // SAMPLED, 1) for size in picture.shape[:2]]
        sampled = picture[by[0] // 2 :: by[0], by[1] // 2 :: by[1]].astype(np.int16)
        last, self.last = self.last, sampled
        if last is None or last.shape != sampled.shape:
            self.changes = []
            return True
        change = float(np.abs(sampled - last).mean())
        # Without a change before there is nothing to compare with.
        usual = float(np.median(self.changes or [change]))
        self.changes = [*self.changes[1 - REMEMBERED :], change]
        return change >= LEAST_CHANGE and change >= OVER_MOTION * usual
