"""Values that pass between the modules of the accuracy bench."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

OURS = "glasswatch"
DEFECTS = (
    "black",
    "freeze",
    "solid_colour",
    "block_corruption",
    "silence",
    "dropout",
    "clipping",
    "loudness",
    "phase",
    "hum",
    "hiss",
    "distortion",
    "clicks",
    "stream_error",
    "av_length",
)
PICTURE = frozenset({"black", "freeze", "solid_colour", "block_corruption"})
ARTIFACTS = frozenset({"hum", "hiss", "distortion", "clicks"})
SOUND = frozenset({"silence", "dropout", "clipping", "loudness", "phase", *ARTIFACTS})


class Role(StrEnum):
    """What a file is in the test set for."""

    INJECTED = "injected"
    """A defect was put into clean media."""
    NEGATIVE = "negative"
    """Media made to resemble a defect."""
    CLEAN = "clean"
    """Media as they are, taken for clean but for what the reviewed table says."""
    REAL = "real"
    """Media that were damaged in life."""


class Standing(StrEnum):
    """What a truth demands."""

    REQUIRED = "required"
    """Not finding it is a miss."""
    OPTIONAL = "optional"
    """At the edge of the definition: to find it is right, and so is not to."""


@dataclass(frozen=True, slots=True)
class Truth:
    """A defect that is in the file; times in seconds from the start of the input."""

    defect: str
    kind: str | None
    start_s: float
    end_s: float
    standing: Standing = Standing.REQUIRED
    loose: bool = False
    strength: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a tool says: an event.

    `severity` is "info", "warning" or "error"; tools that know none say "warning". `borne_out` is what a measurement
    that is no detector says of it, None where there is none.
    """

    defect: str
    kind: str | None
    start_s: float
    end_s: float
    severity: str = "warning"
    measurements: Mapping[str, float | None] = field(default_factory=dict)
    borne_out: bool | None = None

    @property
    def is_alarm(self) -> bool:
        """Whether somebody is called: information is no alarm."""
        return self.severity != "info"


@dataclass(frozen=True, slots=True)
class Meter:
    """Loudness readings of a whole file: LUFS and dBTP, None where there is none."""

    integrated_lufs: float | None = None
    true_peak_dbtp: float | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What one tool says of one file; `error` in place of events where it did not judge the file."""

    claims: tuple[Claim, ...] = ()
    meter: Meter = Meter()
    unjudged: tuple[str, ...] = ()
    error: str | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Subject:
    """One file of the test set and what is known of it.

    Attributes:
        label: What it is, in a few words; unique.
        path: Where it lies.
        source: Name of the media file that it was made from.
        use: "train" or "validate", of the source.
        defect: What was injected, None if nothing was.
        changed: Where the media differ from the source, None for nowhere.
        fps: Frame rate, None without picture.
        channels: Of the first audio track, 0 without sound.
    """

    label: str
    path: str
    source: str
    role: Role
    use: str
    duration_s: float
    fps: float | None
    channels: int
    truths: tuple[Truth, ...] = ()
    defect: str | None = None
    changed: tuple[float, float] | None = None

    def judges(self, defect: str) -> bool:
        """Whether the file has what a detector of that defect reads."""
        if defect in PICTURE:
            return self.fps is not None
        if defect in SOUND:
            return self.channels > 0
        return True


@dataclass(frozen=True, slots=True)
class Result:
    """A file of the test set with what every tool says of it."""

    subject: Subject
    findings: Mapping[str, Finding]
