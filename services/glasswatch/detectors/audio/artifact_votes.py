"""Votes over seconds: a second of a defect counts where enough of those around it, in the same channel, agree.

One second is not enough to tell an artifact from an effect: a guitar amplifier is distorted for a note, a synthesiser
hums for another. What is wrong with the sound itself is there in the next second too. The surer the classifier is, the
fewer seconds it takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from glasswatch.core.runs import Reading
from glasswatch.detectors.params import Params

MOST_WINDOW = 6
"""Seconds that a decision may wait for, at most: an operator does."""


class Agreement(Params):
    """How many seconds must say the same, and how surely.

    Attributes:
        threshold: Probability from which a second has a vote, if the signal confirms it.
        votes: How many seconds must agree.
        window: Out of how many in a row.
        spread: How far apart what is measured in those that agree may lie: of hum the frequency in Hz, else the level
            in dB. Equipment keeps to it, music does not. None where that does not matter.
        doubtful: Whether seconds count, too, of which the signal leaves it open that they are meant so.
        ceiling: "info" where programmes sound so too often to call anybody.
    """

    threshold: Annotated[float, Field(gt=0, lt=1)]
    votes: Annotated[int, Field(ge=1)]
    window: Annotated[int, Field(ge=1, le=MOST_WINDOW)]
    spread: Annotated[float, Field(gt=0)] | None = None
    doubtful: bool = False
    ceiling: Literal["info"] | None = None

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.votes > self.window:
            raise ValueError(f"{self.votes} votes of {self.window} seconds cannot be")
        return self


@dataclass(frozen=True, slots=True)
class Voice:
    """What a second says of a defect in one channel: how probable it is, what is measured, and why it may be meant."""

    probability: float
    value: float = 0.0
    doubt: str | None = None

    def counts_for(self, agreement: Agreement) -> bool:
        """Whether it has a vote."""
        return self.probability >= agreement.threshold and (agreement.doubtful or self.doubt is None)


@dataclass(frozen=True, slots=True)
class Ballot:
    """What one second says of one defect; positions are sample numbers.

    Attributes:
        first: Of the samples that it speaks for.
        last: Behind the last of them.
        voices: By channel, where the signal confirms the defect.
        reading: The second's judgement, as if it were alone.
        counts: Whether it speaks for itself only, or also for the seconds around it. One that overlaps the second
            before it has hardly anything new to say.
        edge: Where the defect begins or ends between the second before and the end of this one, which may lie beyond
            `last` where seconds overlap; None where that is not known.
    """

    first: int
    last: int
    voices: Mapping[int, Voice]
    reading: Reading
    counts: bool = True
    edge: int | None = None


class Told(NamedTuple):
    """What is decided of the samples `first` to `last`, half open.

    `reading` is what their second said, `agreement` what makes it a defect; None where it is none.
    """

    first: int
    last: int
    reading: Reading
    agreement: Agreement | None


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

    def add(self, ballot: Ballot, agreements: Sequence[Agreement]) -> Iterator[Told]:
        """Take the next second; give what is decided now.

        Args:
            ballot: Its `first` is the `last` of the one before.
            agreements: Any of them is enough. The first one that holds is told.
        """
        self.ballots.append(ballot)
        yield from self._tell(agreements, ended=False)

    def end(self, agreements: Sequence[Agreement]) -> Iterator[Told]:
        """Give the rest: no second follows."""
        yield from self._tell(agreements, ended=True)

    def _tell(self, agreements: Sequence[Agreement], *, ended: bool) -> Iterator[Told]:
        while self.told < len(self.ballots):
            ballot = self.ballots[self.told]
            if not self._is_decided(self.told, agreements, ended=ended):
                break
            agreement = self._agreement(self.told, agreements)
            if self.told + 1 < len(self.ballots):
                if not self._is_decided(self.told + 1, agreements, ended=ended):  # it may begin within this second
                    break
                follower, follows = self.ballots[self.told + 1], self._agreement(self.told + 1, agreements)
                edge = follower.edge if (follows is None) is not (agreement is None) else None
                last = max(follower.first if edge is None else edge, self.at)
            elif ended:
                last = max(ballot.last, self.at)
            else:
                break
            if last > self.at:
                yield Told(self.at, last, ballot.reading, agreement)
            self.at = last
            self.told += 1
        gone = max(self.told - max(a.window for a in agreements) + 1, 0)
        del self.ballots[:gone]
        self.told -= gone

    def _is_decided(self, index: int, agreements: Sequence[Agreement], *, ended: bool) -> bool:
        """Whether seconds to come cannot change which agreement holds for a second."""
        if ended:
            return True
        for agreement in agreements:
            if self._holds(index, agreement):
                return True
            open_to_more = index + agreement.window > len(self.ballots)
            if open_to_more and any(v.counts_for(agreement) for v in self.ballots[index].voices.values()):
                return False
        return True

    def _agreement(self, index: int, agreements: Sequence[Agreement]) -> Agreement | None:
        """The first one that holds for a second."""
        return next((a for a in agreements if self._holds(index, a)), None)

    def _holds(self, index: int, agreement: Agreement) -> bool:
        for channel, voice in self.ballots[index].voices.items():
            if not voice.counts_for(agreement):
                continue
            for start in range(max(index - agreement.window + 1, 0), index + 1):
                around = self.ballots[start : start + agreement.window]
                heard = [b.voices[channel] for b in around if b.counts and channel in b.voices]
                values = sorted(v.value for v in heard if v.counts_for(agreement))
                if _alike(values, voice.value, agreement.spread) >= agreement.votes:
                    return True
        return False


def _alike(values: Sequence[float], value: float, spread: float | None) -> int:
    """How many of these values, lowest first, lie together with `value` in the spread."""
    if spread is None:
        return len(values)
    lows = [low for low in values if low <= value <= low + spread]
    return max((sum(low <= other <= low + spread for other in values) for low in lows), default=0)
