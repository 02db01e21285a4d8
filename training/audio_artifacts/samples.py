"""Seconds of sound with the class of each, cut from clips."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from bench.sources import Source

from glasswatch.core.errors import UsageError
from glasswatch.detectors.audio.artifact_features import CLASSES
from glasswatch.simulator.audible import audible_share
from training.audio_artifacts.defects import Clip, clip
from training.audio_artifacts.programmes import Generator, Samples, draw, rms
from training.sources import Group

SHARES = {"none": 0.2, "resembling": 0.28, "hum": 0.12, "hiss": 0.12, "distortion": 0.16, "clicks": 0.12}

SECONDS = 6
"""Of each clip, at times that are not in step with the defect."""

LEAST_RMS = 1e-3
"""Nothing can be heard to be wrong with sound below -60 dBFS."""

LEAST_DBFS = {"hum": -50.0, "hiss": -60.0, "distortion": -80.0}
"""From which RMS on what is added or bent counts: hum by its definition, hiss above ordinary recordings."""

HEARD_SHARE = 0.3
"""In which part of a second it is heard, or nothing is learned from that second."""

LEAST_CLICK = 2.0
"""A click reaches twice the programme's RMS within 20 ms, or hardly anybody hears it."""

CUTS = ("slip", "packet_loss")
"""Clicks that nothing is added for."""

MARGIN_S = 0.02
UNSURE = -1


@dataclass(frozen=True, slots=True, eq=False)
class Seconds:
    """Some seconds of one clip.

    Attributes:
        samples: (seconds, rate), int16.
        labels: (seconds,), index in CLASSES, or UNSURE.
        rate: Samples per second.
        kind: What was done, and how.
        strength: Of the defect, in dB below the programme; NaN without.
        source: Name of the file.
    """

    samples: npt.NDArray[np.int16]
    labels: npt.NDArray[np.int8]
    rate: int
    kind: str
    strength: float
    source: str

    def save(self, path: Path) -> None:
        """Write one .npz file."""
        np.savez(
            path,
            samples=self.samples,
            labels=self.labels,
            rate=self.rate,
            kind=self.kind,
            strength=self.strength,
            source=self.source,
        )


def make(groups: Mapping[Group, list[Source]], rng: Generator) -> Seconds:
    """Seconds of a clip that chance decides."""
    name = str(rng.choice(list(SHARES), p=list(SHARES.values())))
    try:
        made = clip(draw(groups, rng), name, rng)
    except UsageError:  # silence where the defect should be
        return make(groups, rng)
    rate, programme = made.programme.rate, made.programme
    room = len(programme.samples) - rate
    starts = np.sort(rng.integers(0, room + 1, min(SECONDS, 1 + 2 * room // rate)))
    seconds = np.stack([made.heard[s : s + rate] for s in starts])
    labels = np.array([_label(made, s) for s in starts.tolist()], np.int8)
    mode = made.settings.get("mode") or made.settings.get("colour") or made.settings.get("shape") or ""
    parts = programme.name.partition(":") if ":" in programme.name else ("", "", programme.name)
    kind = f"{name} {mode}".strip() if name != "resembling" else f"resembling {parts[0]}".strip()
    clipped = np.rint(np.clip(seconds, -1, 1) * 32767).astype(np.int16)
    return Seconds(clipped, labels, rate, kind, _strength(made), parts[2])


def _label(made: Clip, first: int) -> int:
    """The class of the second from sample `first` on, UNSURE where the defect is at its edge or cannot be heard."""
    rate, last = made.programme.rate, first + made.programme.rate
    spans = [(d.start_s * rate, d.end_s * rate) for d in made.defects if d.defect == made.name]
    overlap = max((min(last, e) - max(first, s) for s, e in spans), default=-1.0)
    if not spans or overlap < 0:
        return CLASSES.index("none")
    before, changed = made.programme.samples[first:last], made.changed[first:last]
    heard = is_heard(made.name, made.settings.get("mode", ""), before, changed, rate)
    inside = any(s - MARGIN_S * rate > first and s + MARGIN_S * rate < last for span in spans for s in span)
    is_sure = overlap >= 0.98 * rate or (inside if made.name == "clicks" else overlap > 0.75 * rate)
    return CLASSES.index(made.name) if heard and is_sure else UNSURE


def is_heard(defect: str, mode: str, before: Samples, changed: Samples, rate: int) -> bool:
    """Whether a defect is plainly heard in a second.

    Args:
        defect: One of CLASSES but the first.
        mode: And which sort of it.
        before: (rate,) of one channel.
        changed: What has become of them, before any coding.
        rate: Samples per second.
    """
    level, error = rms(before), changed - before
    if defect != "clicks":
        is_loud = _dbfs(rms(error)) > LEAST_DBFS[defect] and max(level, rms(changed)) > LEAST_RMS
        return is_loud and audible_share(before, changed, rate) >= HEARD_SHARE
    # Cuts wait for a step that is high enough; impulses have to stand out of what is around them.
    if mode in CUTS:
        return level > LEAST_RMS
    at, reach = int(np.argmax(np.abs(error))), rate // 100
    around = rms(before[max(at - reach, 0) : at + reach])
    return bool(np.abs(error[at]) > max(LEAST_CLICK * around, LEAST_RMS))


def _strength(made: Clip) -> float:
    strengths = [d.strength for d in made.defects if d.defect == made.name]
    if not strengths:
        return float("nan")
    return max(s.get("snr_db", s.get("sdr_db", -s.get("peak_db", float("nan")))) for s in strengths)


def _dbfs(value: float) -> float:
    return 20 * float(np.log10(max(value, 1e-9)))
