"""Clicks within seconds that the classifier takes for clicks: the moments, and how they are told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, NamedTuple

import numpy as np
from pydantic import Field

from glasswatch.core.detection import Severity, Verdict
from glasswatch.core.runs import Reading
from glasswatch.detectors.audio.impulses import LENGTH_S, impulses
from glasswatch.detectors.audio.pcm import Pcm, dbfs, linear
from glasswatch.detectors.params import Params

UNSURE = "not sure: drums and plosives may be as sudden"


class SureParams(Params):
    """What a click takes to be none of the programme's own: drums and plosives are impulses too, but seldom such.

    Attributes:
        threshold: Probability of its second.
        crest_db: Its crest.
        over_db: How far its peak is above the RMS level of its second.
    """

    threshold: Annotated[float, Field(gt=0, lt=1)]
    crest_db: Annotated[float, Field(gt=0)]
    over_db: float


class ClicksParams(Params):
    """What clicks take.

    Attributes:
        threshold: Probability from which a second is taken for one with clicks, if the signal has one.
        sure: Each of them makes a click sure, whatever the threshold is; the other ones call nobody.
        crest_db: How far the prediction error of a click stands out of what is before and after it.
        spread_db: How much lower than the clearest one of a second another one may be. Voices have moments that nothing
            foretells, too, and where there are clear clicks those are none.
        peak_dbfs: How high it is at least.
    """

    threshold: Annotated[float, Field(gt=0, lt=1)]
    sure: tuple[SureParams, ...]
    crest_db: Annotated[float, Field(gt=0)]
    spread_db: Annotated[float, Field(ge=0)]
    peak_dbfs: Annotated[float, Field(ge=-144, le=0)]

    @property
    def least(self) -> float:
        """Probability from which a second can have clicks."""
        return min(self.threshold, *(sure.threshold for sure in self.sure))


@dataclass(frozen=True, slots=True)
class Click:
    """One click.

    Attributes:
        at: Sample number of its highest error.
        peak: Height of that, linear.
        crest_db: How far it stands out.
        channel: Where it is highest.
        is_sure: Whether it can hardly be the programme's own.
    """

    at: int
    peak: float
    crest_db: float
    channel: int
    is_sure: bool = True


def clicks_in(
    samples: Pcm, rate: int, first: int, last: int, channel: int, probability: float, params: ClicksParams
) -> list[Click]:
    """Clicks at samples `first` to `last`, half open, of one channel; arguments as of `impulses`."""
    seen = impulses(samples, rate, first, last, params.crest_db)
    if not len(seen.at):
        return []
    clearest = float(seen.peaks[seen.crests_db.argmax()])
    least = max(linear(params.peak_dbfs), clearest * linear(-params.spread_db))
    level = max(float(np.sqrt(np.mean(np.square(samples[first:last], dtype=np.float64)))), linear(params.peak_dbfs))
    grades = [sure for sure in params.sure if probability >= sure.threshold]
    found = []
    for at, peak, crest_db in zip(seen.at.tolist(), seen.peaks.tolist(), seen.crests_db.tolist(), strict=True):
        is_sure = any(crest_db >= grade.crest_db and peak >= level * linear(grade.over_db) for grade in grades)
        if peak >= least and (is_sure or probability >= params.threshold):
            found.append(Click(at, peak, crest_db, channel, is_sure))
    return found


class Told(NamedTuple):
    """What is said of the samples `first` to `last`, half open; `worst` is that of the highest click."""

    first: int
    last: int
    reading: Reading
    worst: int | None = None


@dataclass(slots=True)
class Clicks:
    """Clicks that are not told yet.

    Attributes:
        found: In order; positions are sample numbers of the clock.
        at: Everything before this sample has been told.
    """

    found: list[Click] = field(default_factory=list)
    at: int = 0

    def add(self, clicks: Sequence[Click], rate: int) -> None:
        """Take in clicks; those that channels, or overlapping seconds, have in common count once."""
        reach = round(LENGTH_S * rate)
        for click in sorted(clicks, key=lambda c: (-c.crest_db, c.channel, c.at)):
            if click.at >= self.at and all(abs(click.at - other.at) > reach for other in self.found):
                self.found.append(click)
        self.found.sort(key=lambda c: c.at)

    def tell(self, until: int, reading: Reading, rate: int) -> Iterator[Told]:
        """Everything up to sample `until`, before which no further click can be found.

        Args:
            until: A sample number.
            reading: The judgement of the second that this stretch belongs to.
            rate: Samples per second.
        """
        mine = [click for click in self.found if click.at < until]
        self.found = self.found[len(mine) :]
        around = replace(reading, score=min(reading.score, 0.49))
        if mine:
            begin, end = mine[0].at, min(mine[-1].at + round(LENGTH_S * rate), until)
            if begin > self.at:
                yield Told(self.at, begin, around)
            worst = max(mine, key=lambda c: c.crest_db)
            score = max(reading.score, 0.5)
            measured = {**reading.measurements, **_measured(worst, len(mine))}
            told = replace(reading, verdict=Verdict.DEFECT, score=score, measurements=measured)
            if not any(click.is_sure for click in mine):
                told = replace(told, ceiling=Severity.INFO, reason=UNSURE)
            yield Told(begin, end, told, worst.at)
            self.at = end
        if until > self.at:
            yield Told(self.at, until, around)
        self.at = until


def _measured(worst: Click, count: int) -> Mapping[str, float]:
    return {
        "clicks": float(count),
        "crest_db": round(worst.crest_db, 1),
        "peak_dbfs": dbfs(worst.peak),
        "channel": float(worst.channel),
    }
