"""When to leave media of a live channel out, so that what is told of it is not too old to be of use."""

from __future__ import annotations

from dataclasses import dataclass, field

SHED_AFTER_S = 15.0
"""A detector that is this far behind a live channel leaves media out ..."""

SHED_UNTIL_S = 5.0
"""... until it is no further behind than this: it leaves out enough to have some room again."""


@dataclass(slots=True)
class Shedding:
    """The rule, for any number of channels.

    Attributes:
        after_s: How far a detector may fall behind, in seconds.
    """

    after_s: float = SHED_AFTER_S
    _channels: set[str] = field(default_factory=set)

    def must_shed(self, channel: str, age_s: float, *, live: bool) -> bool:
        """Whether to leave out media that was published `age_s` seconds ago; never for a file, which waits."""
        if not live or age_s < min(SHED_UNTIL_S, self.after_s):
            self._channels.discard(channel)
        elif age_s > self.after_s:
            self._channels.add(channel)
        return channel in self._channels
