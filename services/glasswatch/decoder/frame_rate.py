"""The frame rate of a stream: what its container says, where what was read bears it out.

Containers state rates that are none: DV gives that of its clock (60000), and the average of a variable rate is no rate
at which anything is shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from statistics import fmean, median

MOST_STEPS = 1000
"""Steps between frames that are looked at, from the start of the input."""

FEWEST_STEPS = 4
"""With fewer the container is believed."""

HIGHEST = 1000
"""No stream has as many frames a second; the clock of a container may be taken for a rate."""

TOLERANCE = 0.02
"""By so much of itself a stated rate may differ from the one that was read: containers round timestamps to 1 ms."""

_REGULAR = 0.6, 1.55
"""Steps within these multiples of their median are of one rate, also where pulldown shows some for a field longer."""

_STANDARD = (
    *(Fraction(1000 * n, 1001) for n in (24, 30, 48, 60, 120)),
    *(Fraction(n) for n in (10, 12, 15, 20, 24, 25, 30, 48, 50, 60, 90, 100, 120)),
)


@dataclass(slots=True)
class FrameSteps:
    """Times between frames that follow one another, in seconds."""

    steps: list[float] = field(default_factory=list)
    _last: tuple[int, Fraction] | None = None

    def add(self, epoch: int, pts: Fraction) -> None:
        """Take the next frame: its epoch, and when it is shown."""
        if len(self.steps) >= MOST_STEPS:
            return
        if self._last is not None and self._last[0] == epoch and pts > self._last[1]:
            self.steps.append(float(pts - self._last[1]))
        self._last = epoch, pts

    def usual(self) -> float | None:
        """The usual step, None where none is usual."""
        middle = median(self.steps)
        kept = [step for step in self.steps if _REGULAR[0] * middle <= step <= _REGULAR[1] * middle]
        if len(kept) >= 0.9 * len(self.steps):
            return fmean(kept)
        # A rate at which frames are left out while nothing moves, or one that changes.
        near = [step for step in self.steps if abs(step - middle) <= 0.1 * middle]
        return fmean(near) if 2 * len(near) >= len(self.steps) else None


def frame_rate(stated: Iterable[Fraction | None], read: FrameSteps) -> Fraction | None:
    """Frames per second, None where no rate makes sense.

    Args:
        stated: Rates that the container gives, the best one first.
        read: What was decoded.
    """
    possible = [rate for rate in stated if rate is not None and 0 < rate <= HIGHEST]
    if len(read.steps) < FEWEST_STEPS:
        return next(iter(possible), None)
    usual = read.usual()
    if usual is None:
        return None
    nearest = min(_STANDARD, key=lambda rate: abs(rate * usual - 1))
    return next((rate for rate in (*possible, nearest) if abs(float(rate) * usual - 1) <= TOLERANCE), None)
