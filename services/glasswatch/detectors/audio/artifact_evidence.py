"""What the signal itself says of a second that the classifier takes for hum, hiss or distortion.

The classifier decides; the signal confirms, measures and vetoes. Clicks are apart (`impulses`): they have moments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from glasswatch.detectors.audio.artifact_votes import Agreement
from glasswatch.detectors.audio.coarse_pcm import is_coarse
from glasswatch.detectors.audio.mains import hum_edge, hum_of
from glasswatch.detectors.audio.noise_floor import floor_edge, noise_floor
from glasswatch.detectors.audio.pcm import Pcm, dbfs
from glasswatch.detectors.audio.tones import is_held_tone, is_keyed_tone, is_test_tone
from glasswatch.detectors.params import Params

PAST_S = 2
"""Seconds before the one in question that are looked at too, where there are any."""

CLEAR_PARTIALS = 4
"""Notes leave two or three steady partials at multiples of the mains' frequency."""
LOUD_DBFS = -40.0
"""Noise of equipment is weaker; what is louder,"""
PROGRAMME_DB = 6.0
"""and is not exceeded by so much, is the programme: rain, applause, cymbals, a test signal."""
PROGRAMME_VALUES = 4
"""Of coarse PCM: keyed square waves have three."""
PAUSES_DB = 6.0
"""Speech rises so far above its own pauses; amplified guitars and synthesisers leave none."""

Level = Annotated[float, Field(ge=-144, le=0)]


class LastingParams(Params):
    """What a defect that lasts takes.

    Attributes:
        level_dbfs: RMS level that it is above, in dBFS: of hum that of its partials, of hiss that of the floor, of
            distortion that of the sound.
        agreements: Each of them is enough; the first one that holds decides.
    """

    level_dbfs: Level
    agreements: Annotated[tuple[Agreement, ...], Field(min_length=1)]

    @property
    def threshold(self) -> float:
        """Probability from which a second may have a vote."""
        return min(agreement.threshold for agreement in self.agreements)


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
        value: What the seconds of one defect have in common: the frequency of hum in Hz, of others the level in dB.
        doubt: Why programmes may be meant to sound so, None where nothing speaks for that.
        measurements: By name.
    """

    confirms: bool
    value: float = 0.0
    doubt: str | None = None
    measurements: Mapping[str, float] = field(default_factory=dict)


def evidence_of_hum(sound: Pcm, rate: int, params: LastingParams) -> Evidence:
    """Without a comb of partials at the multiples of the mains' frequency it is no hum.

    Under music that does not show in one second; in several, notes come and go, and hum stays. A test tone of 60 Hz is
    no hum, nor are the aliases of one that is clipped: mains have many harmonics.
    """
    hum = hum_of(sound[-rate:], rate)
    if hum is None and len(sound) > rate:
        before = hum_of(sound[-2 * rate : -rate], rate)
        # Hum that was clear by itself in the second before, and is not in this one, has ended.
        hum = None if before is not None and before.partials >= CLEAR_PARTIALS else hum_of(sound, rate)
    if hum is None:
        return Evidence(confirms=False)
    measured = {
        "frequency_hz": hum.frequency_hz,
        "level_dbfs": hum.level_dbfs,
        "partials": float(hum.partials),
        "prominence_db": hum.prominence_db,
    }
    is_clear = hum.partials >= CLEAR_PARTIALS
    if not is_clear and is_held_tone(sound[-rate:]):
        return Evidence(confirms=False, measurements=measured)
    doubt = None if is_clear else "so few partials may be notes"
    return Evidence(hum.level_dbfs > params.level_dbfs, hum.frequency_hz, doubt, measured)


def evidence_of_hiss(sound: Pcm, rate: int, params: HissParams) -> Evidence:
    """Without a floor that the sound does not fall below it is no hiss."""
    floor = noise_floor(sound[-rate:], rate)
    confirms = floor.level_dbfs > params.level_dbfs and floor.contrast_db <= params.contrast_db
    measured = {"level_dbfs": floor.level_dbfs, "contrast_db": floor.contrast_db}
    is_all = floor.level_dbfs > LOUD_DBFS and floor.contrast_db < PROGRAMME_DB
    return Evidence(confirms, floor.level_dbfs, "hardly anything else is heard" if is_all else None, measured)


def evidence_of_distortion(sound: Pcm, rate: int, params: LastingParams) -> Evidence:
    """Anything can be distorted that is heard, but for test tones: nothing is there that could have suffered.

    Coarse PCM is distorted for sure.
    """
    segment = sound[-rate:]
    level = dbfs(float(np.sqrt(np.mean(np.square(segment, dtype=np.float64)))))
    measured = {"level_dbfs": level}
    if level <= params.level_dbfs:
        return Evidence(confirms=False, measurements=measured)
    if is_coarse(segment):
        is_programme = len(np.unique(segment)) >= PROGRAMME_VALUES and not is_keyed_tone(segment, rate)
        return Evidence(is_programme, level, measurements=measured)
    if is_test_tone(segment, rate):
        return Evidence(confirms=False, measurements=measured)
    pauses = noise_floor(segment, rate).contrast_db >= PAUSES_DB
    return Evidence(True, level, None if pauses else "music may be meant to sound so", measured)


EVIDENCE: Mapping[str, Callable[[Pcm, int, Any], Evidence]] = {
    "hum": evidence_of_hum,
    "hiss": evidence_of_hiss,
    "distortion": evidence_of_distortion,
}
"""What the signal says of the last second of one channel's sound, by defect; the parameters are those of the defect.

The sound is a second (rate,) or more, up to PAST_S more.
"""

EDGES: Mapping[str, Callable[..., int | None]] = {"hum": hum_edge, "hiss": floor_edge}
"""What finds the moment at which a defect begins or ends; the others begin with a second."""
