"""Votes over seconds: a second of a defect counts where enough of those around it, in the same channel, agree.

One second is not enough to tell an artifact from an effect: a guitar amplifier is distorted for a note, a synthesiser
hums for another. What is wrong with the sound itself is there in the next second too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from glasswatch.core.runs import Reading


@dataclass(frozen=True, slots=True)
class Ballot:
    """What one second says of one defect; positions are sample numbers.

    Attributes:
        first: Of the samples that it speaks for.
        last: Behind the last of them.
        channels: Those in which the defect is heard.
        reading: The second's judgement, as if it were alone.
        counts: Whether it speaks for itself only, or also for the seconds around it. One that overlaps the second
            before it has hardly anything new to say.
        edge: Where the defect begins or ends between the second before and the end of this one, which may lie beyond
            `last` where seconds overlap; None where that is not known.
    """

    first: int
    last: int
    channels: tuple[int, ...]
    reading: Reading
    counts: bool = True
    edge: int | None = None


class Told(NamedTuple):
    """What is decided of the samples `first` to `last`, half open: what their second said, and whether that holds."""

    first: int
    last: int
    reading: Reading
    is_defect: bool


@dataclass(slots=True)
class Poll:
    """The seconds of one defect that are not told yet, and those before them that still have a vote.

    Attributes:
        ballots: In order.
        told: How many of them have been told.
        at: Everything before this sample has been told.
    """

    ballots: list[Ballot] = field(default_factory=list)
    told: int = 0
    at: int = 0

    def add(self, ballot: Ballot, votes: int, window: int) -> Iterator[Told]:
        """Take the next second; give what is decided now.

        Args:
            ballot: Its `first` is the `last` of the one before.
            votes: How many seconds must agree.
            window: Out of how many in a row.
        """
        self.ballots.append(ballot)
        yield from self._tell(votes, window, ended=False)

    def end(self, votes: int, window: int) -> Iterator[Told]:
        """Give the rest: no second follows."""
        yield from self._tell(votes, window, ended=True)

    def _tell(self, votes: int, window: int, *, ended: bool) -> Iterator[Told]:
        while self.told < len(self.ballots):
            ballot = self.ballots[self.told]
            is_defect = self._verdict(self.told, votes, window, ended=ended)
            if is_defect is None:
                break
            if self.told + 1 < len(self.ballots):
                follower = self.ballots[self.told + 1]
                follows = self._verdict(self.told + 1, votes, window, ended=ended)
                if follows is None:  # it may begin within this second
                    break
                edge = follower.edge if follows is not is_defect else None
                last = max(follower.first if edge is None else edge, self.at)
            elif ended:
                last = max(ballot.last, self.at)
            else:
                break
            if last > self.at:
                yield Told(self.at, last, ballot.reading, is_defect)
            self.at = last
            self.told += 1
        gone = max(self.told - window + 1, 0)
        del self.ballots[:gone]
        self.told -= gone

    def _verdict(self, index: int, votes: int, window: int, *, ended: bool) -> bool | None:
        """Whether a second counts as one of the defect; None while seconds to come may decide."""
        ballot = self.ballots[index]
        for channel in ballot.channels:
            for start in range(max(index - window + 1, 0), index + 1):
                around = self.ballots[start : start + window]
                if sum(b.counts and channel in b.channels for b in around) >= votes:
                    return True
        return False if ended or not ballot.channels or index + window <= len(self.ballots) else None
