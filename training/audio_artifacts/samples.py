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
from training.audio_artifacts.defects import Clip, clip
from training.audio_artifacts.labels import label
from training.audio_artifacts.programmes import Generator, draw
from training.sources import Group

SHARES = {"none": 0.2, "resembling": 0.28, "hum": 0.12, "hiss": 0.12, "distortion": 0.16, "clicks": 0.12}

SECONDS = 6
"""Of each clip, at times that are not in step with the defect."""

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
    spans = [(d.start_s, d.end_s) for d in made.defects if d.defect == made.name]
    before, changed = made.programme.samples, made.changed[: len(made.programme.samples)]
    found = label(made.name, before, changed, made.programme.rate, spans, first)
    return UNSURE if found.is_edge or found.is_faint else CLASSES.index(found.name)


def _strength(made: Clip) -> float:
    strengths = [d.strength for d in made.defects if d.defect == made.name]
    if not strengths:
        return float("nan")
    return max(s.get("snr_db", s.get("sdr_db", -s.get("peak_db", float("nan")))) for s in strengths)
