"""What is known of a programme's offset, narrower with every fragment."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from glasswatch.detectors.sync.offset import NEAR, Line, Values, estimate, line

MOST_FRAGMENTS = 75
"""Five minutes: a drift of a frame in three minutes shows, and what was long ago is no evidence of what is now."""


@dataclass(slots=True)
class Programme:
    """The evidence of the last fragments with faces.

    Attributes:
        times: Their middles, in seconds.
        votes: What `offset.vote` gave for each, of float64.
        sure: How sure each is by itself.
    """

    times: list[float] = field(default_factory=list)
    votes: list[np.ndarray] = field(default_factory=list)
    sure: list[float] = field(default_factory=list)

    @property
    def surest(self) -> float:
        """Highest confidence of a fragment by itself, 0 without one."""
        return max(self.sure, default=0.0)

    def add(self, time: float, votes: Values, confidence: float) -> None:
        """Take the next fragment.

        Where it is as sure of another offset as the ones before are of theirs, the offset has stepped: they are
        forgotten.
        """
        own = estimate(votes)
        if self.times and own.confidence >= confidence:
            before = self.line()
            expected = before.steps + before.drift * (time - self.times[-1])
            if before.confidence >= confidence and abs(own.steps - expected) > 2 * NEAR:
                self.times, self.votes, self.sure = [], [], []
        self.times = [*self.times[1 - MOST_FRAGMENTS :], time]
        self.votes = [*self.votes[1 - MOST_FRAGMENTS :], votes]
        self.sure = [*self.sure[1 - MOST_FRAGMENTS :], own.confidence]

    def line(self, early: float = np.inf, late: float = np.inf) -> Line:
        """The offset now, after at least one fragment; the limits are those of `offset.line`."""
        return line(np.array(self.times), self.votes, early, late)
