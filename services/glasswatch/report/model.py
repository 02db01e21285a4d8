"""A finished inspection as data; the other modules of this package only present it.

Times named `_s` are seconds; positions count from the start of the input, not from the stream's first timestamp.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from glasswatch.core.detection import Event, Measurements, Region, Severity, Verdict
from glasswatch.core.input import InputInfo
from glasswatch.core.time import Instant, Timeline


class Status(StrEnum):
    """How a detector fared."""

    OK = "ok"
    """It judged everything it was given, whatever it found."""
    INCONCLUSIVE = "inconclusive"
    """It could not judge some or all of the media."""
    FAILED = "failed"
    """It stopped with an error."""
    SKIPPED = "skipped"
    """The input has nothing for it to judge."""


@dataclass(frozen=True, slots=True)
class DetectorResult:
    """One detector's part in the inspection.

    Attributes:
        name: Detector.
        version: Its version.
        status: How it fared.
        reason: Why the status is not OK, in words.
        model: Version of the model it used, None without one.
        seconds: Processor time it took.
    """

    name: str
    version: str
    status: Status
    seconds: float
    reason: str | None = None
    model: str | None = None

    def __post_init__(self) -> None:
        if self.status is not Status.OK and not self.reason:
            raise ValueError(f"{self.name}: status {self.status} needs a reason")

    @property
    def has_judged(self) -> bool:
        """False where silence of this detector does not mean that the media is sound."""
        return self.status in (Status.OK, Status.SKIPPED)


@dataclass(frozen=True, slots=True)
class ReportEvent:
    """An event with positions in place of media time; the other fields are those of `core.detection.Event`.

    Attributes:
        start_s: Position of the onset, rounded to a microsecond.
        end_s: Position of the end, rounded to a microsecond.
        worst_s: Position of the worst moment, None where the detector names none.
    """

    id: str
    defect: str
    detector: str
    severity: Severity
    verdict: Verdict
    start_s: float
    end_s: float
    score: float
    measurements: Measurements = field(default_factory=dict)
    kind: str | None = None
    track: str | None = None
    region: Region | None = None
    incident: str | None = None
    worst_s: float | None = None
    reason: str | None = None
    consequence_of: str | None = None


def event_row(event: Event, timeline: Timeline) -> ReportEvent:
    """The event as reports show it."""
    epoch = event.span.epoch
    return ReportEvent(
        id=event.id,
        defect=event.defect,
        detector=event.detector,
        severity=event.severity,
        verdict=Verdict.DEFECT,
        start_s=_position_s(timeline, epoch, event.span.start),
        end_s=_position_s(timeline, epoch, event.span.end),
        score=event.score,
        measurements=event.measurements,
        kind=event.kind,
        track=event.track,
        region=event.region,
        incident=event.incident,
        worst_s=None if event.worst is None else _position_s(timeline, epoch, event.worst),
        reason=event.reason,
        consequence_of=event.consequence_of,
    )


def _position_s(timeline: Timeline, epoch: int, seconds: Fraction) -> float:
    # Streams go through a cut a little apart, so what spans it may seem to begin before the input.
    return max(0.0, float(round(timeline.position(Instant(epoch, seconds)), 6)))


@dataclass(frozen=True, slots=True)
class Timing:
    """What the inspection cost.

    Attributes:
        wall_s: Elapsed time.
        cpu_s: Processor time of all threads.
        media_s: Media time inspected.
        peak_rss_bytes: Largest resident memory of the process.
        decode_s: Elapsed time inside the demuxer and the decoders.
        detector_s: Processor time of each detector.
    """

    wall_s: float
    cpu_s: float
    media_s: float
    peak_rss_bytes: int
    decode_s: float
    detector_s: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Envelope:
    """Least and greatest value of a signal in equal stretches of time, for drawing.

    Attributes:
        bucket_s: Length of a stretch; stretch i is [i * bucket_s, (i + 1) * bucket_s) of the input.
        low: Least value, shape (stretches,); NaN where there was no signal.
        high: Greatest value, shape (stretches,); NaN where there was no signal.
    """

    bucket_s: float
    low: npt.NDArray[np.float32]
    high: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A picture of an event: JPEG bytes, size in pixels as shown, position of its frame."""

    jpeg: bytes
    width: int
    height: int
    position_s: float


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What a person needs to see beside the events.

    Attributes:
        thumbnails: Picture of the worst moment by event id; not every event has one.
        waveforms: Sample values by audio track, full scale is 1.0.
        loudness: Short-term loudness in LUFS (EBU Tech 3341), None where nothing measured it.
    """

    thumbnails: Mapping[str, Thumbnail] = field(default_factory=dict)
    waveforms: Mapping[int, Envelope] = field(default_factory=dict)
    loudness: Envelope | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """A finished inspection.

    Attributes:
        input: What was inspected.
        detectors: Every detector that was asked for.
        events: What they found, by onset.
        timing: What it cost.
        evidence: Pictures and curves, None where none were collected.
        complete: Whether the input was read to its end.
        stopped: Why not, in words, where it was not.
        readable: Whether that is not the input's fault: False where it could not be read further.
    """

    input: InputInfo
    detectors: tuple[DetectorResult, ...]
    events: tuple[ReportEvent, ...]
    timing: Timing
    evidence: Evidence | None = None
    complete: bool = True
    stopped: str | None = None
    readable: bool = True

    def __post_init__(self) -> None:
        if not self.complete and not self.stopped:
            raise ValueError("a report that is not complete needs to say why")
        unknown = {e.detector for e in self.events} - {d.name for d in self.detectors}
        if unknown:
            raise ValueError(f"events of detectors that the report does not list: {', '.join(sorted(unknown))}")

    @property
    def worst(self) -> Severity | None:
        """The highest severity among the events, None without events."""
        return max((event.severity for event in self.events), default=None)

    @property
    def unread(self) -> tuple[float, float | None] | None:
        """From where to where the input was not read, in seconds; None where it was read to its end.

        The end is None where the length is not known, or has been passed already.
        """
        if self.complete:
            return None
        start_s, end_s = self.timing.media_s, self.input.duration_s
        return start_s, end_s if end_s is not None and end_s > start_s else None

    @property
    def unjudged(self) -> tuple[DetectorResult, ...]:
        """Detectors whose silence does not mean that the media is sound."""
        return tuple(d for d in self.detectors if not d.has_judged)
