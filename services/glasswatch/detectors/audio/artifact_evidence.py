"""What the signal itself says of a second that the classifier takes for hum, hiss or distortion.

The classifier decides; the signal confirms, measures and vetoes. Clicks are apart (`impulses`): they have moments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Self

import numpy as np
from pydantic import Field, model_validator

from glasswatch.detectors.audio.mains import hum_edge, hum_of
from glasswatch.detectors.audio.noise_floor import floor_edge, noise_floor
from glasswatch.detectors.audio.pcm import Pcm, dbfs
from glasswatch.detectors.params import Params

MOST_WINDOW = 4
"""Seconds that a decision may wait for, at most: an operator does."""

Level = Annotated[float, Field(ge=-144, le=0)]


class LastingParams(Params):
    """What a defect that lasts takes.

    Attributes:
        threshold: Probability from which a second is taken for it, if the signal confirms that.
        votes: How many seconds must agree.
        window: Out of how many in a row.
        level_dbfs: RMS level that it is above, in dBFS: of hum that of its partials, of hiss that of the floor, of
            distortion that of the sound.
    """

    threshold: Annotated[float, Field(gt=0, lt=1)]
    votes: Annotated[int, Field(ge=1)]
    window: Annotated[int, Field(ge=1, le=MOST_WINDOW)]
    level_dbfs: Level

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.votes > self.window:
            raise ValueError(f"{self.votes} votes of {self.window} seconds cannot be")
        return self


class HissParams(LastingParams):
    """What hiss takes besides.

    Attributes:
        contrast_db: How far the programme may be above the noise floor: what is further below it is not heard.
    """

    contrast_db: Annotated[float, Field(ge=0)]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the signal says of a second.

    Attributes:
        confirms: Whether it can have the defect.
        measurements: By name.
    """

    confirms: bool
    measurements: Mapping[str, float] = field(default_factory=dict)


def evidence_of_hum(segment: Pcm, _: int, params: LastingParams) -> Evidence:
    """Without a comb of partials at the multiples of the mains' frequency it is no hum."""
    hum = hum_of(segment)
    if hum is None:
        return Evidence(confirms=False)
    measured = {
        "frequency_hz": hum.frequency_hz,
        "level_dbfs": hum.level_dbfs,
        "partials": float(hum.partials),
        "prominence_db": hum.prominence_db,
    }
    return Evidence(hum.level_dbfs > params.level_dbfs, measured)


def evidence_of_hiss(segment: Pcm, rate: int, params: HissParams) -> Evidence:
    """Without a floor that the sound does not fall below it is no hiss."""
    floor = noise_floor(segment, rate)
    confirms = floor.level_dbfs > params.level_dbfs and floor.contrast_db <= params.contrast_db
    return Evidence(confirms, {"level_dbfs": floor.level_dbfs, "contrast_db": floor.contrast_db})


def evidence_of_distortion(segment: Pcm, _: int, params: LastingParams) -> Evidence:
    """Anything can be distorted that is heard."""
    level = dbfs(float(np.sqrt(np.mean(np.square(segment, dtype=np.float64)))))
    return Evidence(level > params.level_dbfs, {"level_dbfs": level})


EVIDENCE: Mapping[str, Callable[[Pcm, int, Any], Evidence]] = {
    "hum": evidence_of_hum,
    "hiss": evidence_of_hiss,
    "distortion": evidence_of_distortion,
}
"""Of a second (rate,) of one channel: what the signal says, by defect; the parameters are those of the defect."""

EDGES: Mapping[str, Callable[..., int | None]] = {"hum": hum_edge, "hiss": floor_edge}
"""What finds the moment at which a defect begins or ends; the others begin with a second."""
