"""What the HTML page shows, in words and shapes; `page` fills it in, and the template lays it out."""

from __future__ import annotations

from dataclasses import dataclass

from glasswatch.report import chart
from glasswatch.report.gaps import Gap
from glasswatch.report.lanes import Bar


@dataclass(frozen=True, slots=True)
class Verdict:
    """The one word at the top; `level` chooses its colour and sign."""

    level: str
    title: str
    detail: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A thumbnail as a data URI, and the region to mark on it as left, top, width, height in percent."""

    uri: str
    width: int
    height: int
    caption: str
    region: tuple[float, float, float, float] | None


@dataclass(frozen=True, slots=True)
class EventView:
    """An event in words.

    `left` and `width` are percent of the time axis; `number` is what timeline, cards and table call it.
    """

    number: int
    severity: str
    name: str
    kind: str | None
    detector: str
    start: str
    end: str
    length: str
    left: float
    width: float
    score: str
    measurements: list[tuple[str, str]]
    track: str | None
    incident: str | None
    reason: str | None
    picture: Picture | None

    @property
    def summary(self) -> str:
        """One line, for hovering."""
        kind = f" ({self.kind})" if self.kind else ""
        return f"#{self.number} {self.severity}: {self.name}{kind}, {self.start} to {self.end}, {self.length}"


@dataclass(frozen=True, slots=True)
class DetectorView:
    """A detector with its lane of the timeline and its cost; `share` is percent of the costliest."""

    name: str
    version: str
    model: str | None
    status: str
    reason: str | None
    cost: str
    share: float
    count: int
    bars: list[Bar]


@dataclass(frozen=True, slots=True)
class Times:
    """One occurrence of a finding; `number` is that of its worst event."""

    number: int
    start: str
    length: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What is alike, in words: one defect or one kind of incident, of one severity.

    Attributes:
        severity: Of each occurrence.
        name: What it is.
        note: Kind and track, or the defects of an incident; and what was brought along.
        count: How many occurrences.
        first: Where the first one starts.
        longest: Length of the longest.
        total: Length of all.
        times: The occurrences by onset, not more than MOST_TIMES.
    """

    severity: str
    name: str
    note: str
    count: int
    first: str
    longest: str
    total: str
    times: list[Times]


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve under the timeline."""

    label: str
    path: str


@dataclass(frozen=True, slots=True)
class Level:
    """A line across the loudness curve, at `y` percent from the top."""

    y: float
    label: str


@dataclass(frozen=True, slots=True)
class Page:
    """Everything that the template shows."""

    title: str
    path: str
    verdict: Verdict
    counts: list[tuple[str, str, str]]
    gaps: list[Gap]
    unread: tuple[float, float] | None
    facts: list[tuple[str, str]]
    ticks: list[chart.Tick]
    busy_lanes: list[DetectorView]
    quiet_lanes: list[DetectorView]
    waveforms: list[Curve]
    loudness: Curve | None
    loudness_levels: list[Level]
    loudness_target: Level | None
    findings: list[Finding]
    order: str
    cards: list[EventView]
    more_cards: list[EventView]
    events: list[EventView]
    detectors: list[DetectorView]
    cost: list[tuple[str, str]]
    version: str

    @property
    def has_columns(self) -> bool:
        """Whether a column stands for several events anywhere."""
        return any(bar.count > 1 for lane in self.busy_lanes for bar in lane.bars)
