"""What the HTML page says, in its order and its words; the template only lays it out."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import PurePosixPath

from glasswatch import __version__
from glasswatch.core.detection import Severity
from glasswatch.core.input import InputInfo, VideoInfo
from glasswatch.core.text import timecode
from glasswatch.report import chart
from glasswatch.report.model import DetectorResult, Evidence, Report, ReportEvent, Status, Thumbnail, Timing
from glasswatch.report.wording import clock, duration, number, quantity, words

Units = Mapping[str, Mapping[str, str]]
"""Unit by detector and measurement."""

OPEN_CARDS = 24
"""Events shown as cards from the start; a person looks at the worst ones."""
MOST_CARDS = 200
"""Events that have a card at all; the table has every event."""


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
    events: list[EventView]


@dataclass(frozen=True, slots=True)
class Incident:
    """Events with one cause."""

    name: str
    severity: str
    start: str
    end: str
    length: str
    events: list[EventView]


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
    counts: list[tuple[str, int, str]]
    stopped: str | None
    unjudged: list[DetectorView]
    facts: list[tuple[str, str]]
    ticks: list[chart.Tick]
    busy_lanes: list[DetectorView]
    quiet_lanes: list[DetectorView]
    waveforms: list[Curve]
    loudness: Curve | None
    loudness_levels: list[Level]
    loudness_target: Level | None
    incidents: list[Incident]
    cards: list[EventView]
    more_cards: list[EventView]
    events: list[EventView]
    detectors: list[DetectorView]
    cost: list[tuple[str, str]]
    version: str


def build_page(report: Report, units: Units, loudness_target_lufs: float | None) -> Page:
    """Put the report into words and shapes."""
    length_s = _length_s(report)
    evidence = report.evidence or Evidence()
    ordered = sorted(report.events, key=lambda e: (e.start_s, e.end_s, e.id))
    views = [_event(i, e, report, evidence, units, length_s) for i, e in enumerate(ordered, 1)]
    costliest = max((d.seconds for d in report.detectors), default=0.0)
    detectors = [_detector(d, [v for v in views if v.detector == d.name], costliest) for d in report.detectors]
    busy = [d for d in detectors if d.events or d.status in ("inconclusive", "failed")]
    by_rank = sorted(zip(ordered, views, strict=True), key=lambda p: (-p[0].severity, p[0].start_s - p[0].end_s))
    cards = [view for _, view in by_rank[:MOST_CARDS]]
    return Page(
        title=PurePosixPath(report.input.path).name or report.input.path,
        path=report.input.path,
        verdict=_verdict(report),
        counts=_counts(report),
        stopped=report.stopped,
        unjudged=[d for d in detectors if d.status in ("inconclusive", "failed")],
        facts=_facts(report.input),
        ticks=chart.ticks(length_s),
        busy_lanes=busy,
        quiet_lanes=[d for d in detectors if d not in busy],
        waveforms=[
            Curve(_track_label(report.input, track), chart.waveform_path(envelope, length_s))
            for track, envelope in evidence.waveforms.items()
        ],
        loudness=_loudness(evidence, length_s),
        loudness_levels=[_level(float(lufs), number(lufs)) for lufs in chart.LOUDNESS_LINES],
        loudness_target=None
        if loudness_target_lufs is None
        else _level(loudness_target_lufs, f"target {number(loudness_target_lufs)}"),
        incidents=_incidents(ordered, views),
        cards=cards[:OPEN_CARDS],
        more_cards=cards[OPEN_CARDS:],
        events=views,
        detectors=detectors,
        cost=_cost(report.timing),
        version=__version__,
    )


def _length_s(report: Report) -> float:
    ends = [e.end_s for e in report.events]
    return max(report.input.duration_s or 0.0, report.timing.media_s, *ends, 0.001)


def _verdict(report: Report) -> Verdict:
    gaps = len(report.unjudged)
    judged = f"{gaps} of {len(report.detectors)} detectors could not judge everything" if gaps else ""
    if not report.complete:
        judged = "the input was not read to its end" + (f", and {judged}" if judged else "")
    so_far = f"; {judged}" if judged else ""
    if report.worst is Severity.ERROR:
        return Verdict("error", "Errors found", f"Defects that need attention{so_far}.")
    if report.worst is Severity.WARNING:
        return Verdict("warning", "Warnings", f"Defects that are worth a look{so_far}.")
    if judged:
        return Verdict("unjudged", "Not fully judged", f"Nothing serious was found, but {judged}.")
    found = "Nothing that matters was found." if report.events else "Nothing was found."
    return Verdict("pass", "Pass", found)


def _counts(report: Report) -> list[tuple[str, int, str]]:
    counts = [
        (severity.label, sum(e.severity is severity for e in report.events), label)
        for severity, label in ((Severity.ERROR, "errors"), (Severity.WARNING, "warnings"), (Severity.INFO, "info"))
    ]
    return [*counts, ("unjudged", len(report.unjudged), "not judged")]


def _event(
    index: int, event: ReportEvent, report: Report, evidence: Evidence, units: Units, length_s: float
) -> EventView:
    known = units.get(event.detector, {})
    left = chart.percent(event.start_s, length_s)
    thumbnail = evidence.thumbnails.get(event.id)
    return EventView(
        number=index,
        severity=event.severity.label,
        name=words(event.defect),
        kind=None if event.kind is None else event.kind.replace("_", " "),
        detector=event.detector,
        start=timecode(event.start_s),
        end=timecode(event.end_s),
        length=duration(event.end_s - event.start_s),
        left=left,
        width=round(chart.percent(event.end_s, length_s) - left, 4),
        score=f"{event.score:.2f}",
        measurements=[quantity(name, value, known.get(name)) for name, value in event.measurements.items()],
        track=None if event.track is None else _event_track(event.track),
        incident=None if event.incident is None else incident_name(event.incident),
        reason=event.reason,
        picture=None if thumbnail is None else _picture(thumbnail, event, report.input.video),
    )


def _picture(thumbnail: Thumbnail, event: ReportEvent, video: VideoInfo | None) -> Picture:
    return Picture(
        uri="data:image/jpeg;base64," + base64.b64encode(thumbnail.jpeg).decode(),
        width=thumbnail.width,
        height=thumbnail.height,
        caption=timecode(thumbnail.position_s),
        region=None if video is None else _marked_region(event, video),
    )


def _marked_region(event: ReportEvent, video: VideoInfo) -> tuple[float, float, float, float] | None:
    """The region in percent of the picture as shown, None where it is as good as all of it."""
    if event.region is None:
        return None
    x, y, w, h = (edge / side for edge, side in zip(event.region, (video.width, video.height) * 2, strict=True))
    if w * h > 0.9:
        return None
    turned = {90: (1 - y - h, x, h, w), 180: (1 - x - w, 1 - y - h, w, h), 270: (y, 1 - x - w, h, w)}
    x, y, w, h = (round(100 * min(max(v, 0.0), 1.0), 2) for v in turned.get(video.rotation, (x, y, w, h)))
    return x, y, min(w, 100 - x), min(h, 100 - y)


def _detector(result: DetectorResult, events: list[EventView], costliest: float) -> DetectorView:
    return DetectorView(
        name=result.name,
        version=result.version,
        model=result.model,
        status=result.status.value,
        reason=result.reason,
        cost="" if result.status is Status.SKIPPED else duration(result.seconds),
        share=round(100 * result.seconds / costliest, 2) if costliest else 0.0,
        events=sorted(events, key=lambda e: Severity.parse(e.severity)),
    )


def _facts(info: InputInfo) -> list[tuple[str, str]]:
    facts = [("Container", info.container)]
    facts.append(("Length", "unknown" if info.duration_s is None else timecode(info.duration_s)))
    if info.start_s:
        facts.append(("First timestamp", f"{number(round(info.start_s, 3))} s"))
    facts.append(("Picture", "none" if info.video is None else _video_fact(info.video)))
    for index, track in enumerate(info.audio):
        parts = [track.codec, f"{number(track.sample_rate / 1000)} kHz", track.layout, track.language or ""]
        facts.append((_track_name(info, index), _joined(parts)))
    if not info.audio:
        facts.append(("Audio", "none"))
    captions = [_joined([track.codec, track.language or ""]) for track in info.captions]
    facts.append(("Captions", "; ".join(captions) or "none"))
    return facts


def _video_fact(video: VideoInfo) -> str:
    scan = "interlaced" if video.interlaced else "progressive"
    rate = "unknown frame rate" if video.frame_rate is None else f"{number(float(video.frame_rate))} fps"
    turned = f"turned by {video.rotation}°" if video.rotation else ""
    size = f"{video.width} × {video.height}"
    return _joined([video.codec, size, rate, scan, video.pixel_format, f"{video.range} range", turned])


def _joined(parts: Sequence[str]) -> str:
    return " · ".join(part for part in parts if part)


def _track_label(info: InputInfo, track: int) -> str:
    name = _track_name(info, track)
    known = info.audio[track] if track < len(info.audio) else None
    return name if known is None else _joined([name, known.language or known.layout])


def _track_name(info: InputInfo, track: int) -> str:
    """Counted from 0, as the events count."""
    return f"Audio track {track}" if len(info.audio) > 1 else "Audio"


def _event_track(track: str) -> str:
    """Such as "audio track 1" for "audio:1"."""
    kind, _, index = track.rpartition(":")
    return f"{kind} track {index}".strip()


def _loudness(evidence: Evidence, length_s: float) -> Curve | None:
    if evidence.loudness is None:
        return None
    return Curve("Short-term loudness, LUFS", chart.loudness_path(evidence.loudness, length_s))


def _level(lufs: float, label: str) -> Level:
    return Level(round(float(chart.loudness_y(lufs)), 2), label)


def _incidents(events: Sequence[ReportEvent], views: Sequence[EventView]) -> list[Incident]:
    members = sorted(
        ((e.incident, i) for i, e in enumerate(events) if e.incident is not None), key=lambda member: member
    )
    incidents = []
    for incident, group in groupby(members, key=lambda member: member[0]):
        indices = [i for _, i in group]
        start_s, end_s = min(events[i].start_s for i in indices), max(events[i].end_s for i in indices)
        incidents.append(
            (
                start_s,
                Incident(
                    name=incident_name(incident),
                    severity=max(events[i].severity for i in indices).label,
                    start=timecode(start_s),
                    end=timecode(end_s),
                    length=duration(end_s - start_s),
                    events=[views[i] for i in indices],
                ),
            )
        )
    return [incident for _, incident in sorted(incidents, key=lambda pair: pair[0])]


def incident_name(incident: str) -> str:
    """An incident's id without its hash, as words."""
    name, _, _ = incident.rpartition("-")
    return words(name or incident)


def _cost(timing: Timing) -> list[tuple[str, str]]:
    cost = [("Media inspected", clock(timing.media_s)), ("Elapsed", duration(timing.wall_s))]
    if timing.wall_s > 0:
        cost.append(("Speed", f"{number(float(f'{timing.media_s / timing.wall_s:.3g}'))} × real time"))
    cost += [
        ("Processor time", duration(timing.cpu_s)),
        ("In the decoder", duration(timing.decode_s)),
        ("Peak memory", f"{number(round(timing.peak_rss_bytes / 1e6))} MB"),
    ]
    return cost
