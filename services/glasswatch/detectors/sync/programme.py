"""What is known of a programme's offset, narrower with every fragment."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from glasswatch.detectors.sync.offset import NEAR, Line, Values, estimate, line

MOST_FRAGMENTS = 75
"""Five minutes: a drift of a frame in three minutes shows, and what was long ago is no evidence of what is now."""


@dataclass(slots=True)
class Said:
    """What a fragment says.

    Attributes:
        time: Its middle, in seconds.
        votes: What `offset.vote` gives, of float64.
    """

    time: float
    votes: np.ndarray


@dataclass(slots=True)
class Programme:
    """The evidence of the last fragments with faces.

    Attributes:
        fragments: What each says.
        apart: Time of the one that is sure of another offset than the rest, and does not count unless the next that is
            sure agrees with it; None where there is none.
    """

    fragments: list[Said] = field(default_factory=list)
    apart: float | None = None

    @property
    def is_last_apart(self) -> bool:
        """Whether the last fragment is sure of another offset than those before."""
        return self.apart is not None and self.fragments[-1].time == self.apart

    def add(self, time: float, votes: Values, confidence: float) -> None:
        """Take the next fragment.

        One that is sure of another offset than the programme's may be wrong. Where the next one that is sure agrees
        with it, the offset has stepped: what was before both is forgotten. Else it is forgotten itself.
        """
        own = estimate(votes)
        if self.fragments and own.confidence >= confidence:
            before = self.line()
            expected = before.steps + before.drift * (time - self._counted[-1].time)
            differs = abs(own.steps - expected) > 2 * NEAR
            first = next((n for n, said in enumerate(self.fragments) if said.time == self.apart), None)
            agreed = first is not None and abs(own.steps - estimate(self.fragments[first].votes).steps) <= 2 * NEAR
            if differs and agreed:
                self.fragments, self.apart = self.fragments[first:], None
            else:
                self.fragments = self._counted
                self.apart = time if differs and before.confidence >= confidence else None
        self.fragments = [*self.fragments, Said(time, votes)][-MOST_FRAGMENTS:]

    def line(self, early: float = np.inf, late: float = np.inf) -> Line:
        """The offset now, after at least one fragment; the limits are those of `offset.line`."""
        counted = self._counted
        return line(np.array([said.time for said in counted]), [said.votes for said in counted], early, late)

    @property
    def _counted(self) -> list[Said]:
        return [said for said in self.fragments if said.time != self.apart]
