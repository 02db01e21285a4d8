"""What the HTML page says, in its order and its words; the template only lays it out."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from glasswatch import __version__
from glasswatch.core.detection import Severity
from glasswatch.core.input import InputInfo, VideoInfo
from glasswatch.core.text import timecode
from glasswatch.report import chart
from glasswatch.report.gaps import gaps, unread_words
from glasswatch.report.groups import ORDER, Group, badness, groups, incident_name
from glasswatch.report.harmless import harmless
from glasswatch.report.lanes import bars
from glasswatch.report.model import DetectorResult, Evidence, Report, ReportEvent, Status, Thumbnail, Timing
from glasswatch.report.views import (
    Curve,
    DetectorView,
    EventView,
    Finding,
    Level,
    Page,
    Picture,
    Times,
    Verdict,
)
from glasswatch.report.wording import clock, duration, number, quantity, words

Units = Mapping[str, Mapping[str, str]]
"""Unit by detector and measurement."""

OPEN_CARDS = 24
"""Cards shown from the start. Where there are more events, the worst one of each group comes first."""
MOST_TIMES = 100
"""Occurrences of a finding that are listed by it; the table has every event."""
MOST_CARDS = 200
"""Events that have a card at all; the table has every event."""


def build_page(report: Report, units: Units, loudness_target: tuple[float, str] | None) -> Page:
    """Put the report into words and shapes."""
    report = harmless(report)
    length_s = _length_s(report)
    evidence = report.evidence or Evidence()
    ordered = sorted(report.events, key=lambda e: (e.start_s, e.end_s, e.id))
    views = [_event(i, e, report, evidence, units, length_s) for i, e in enumerate(ordered, 1)]
    costliest = max((d.seconds for d in report.detectors), default=0.0)
    detectors = [
        _detector(d, [v for v in views if v.detector == d.name], costliest, length_s) for d in report.detectors
    ]
    busy = [d for d in detectors if d.count or d.status in ("inconclusive", "failed")]
    view_of = {event.id: view for event, view in zip(ordered, views, strict=True)}
    grouped = groups(ordered)
    open_cards, more_cards = _cards(ordered, grouped)
    return Page(
        title=PurePosixPath(report.input.path).name or report.input.path,
        path=report.input.path,
        verdict=_verdict(report),
        counts=_counts(report),
        gaps=gaps(report),
        unread=_unread(report, length_s),
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
        if loudness_target is None
        else _level(loudness_target[0], f"{loudness_target[1]} {number(loudness_target[0])}"),
        findings=[_finding(group, view_of) for group in grouped],
        order=ORDER,
        cards=[view_of[event.id] for event in open_cards],
        more_cards=[view_of[event.id] for event in more_cards],
        events=views,
        detectors=detectors,
        cost=_cost(report.timing),
        version=__version__,
    )


def _length_s(report: Report) -> float:
    ends = [e.end_s for e in report.events]
    return max(report.input.duration_s or 0.0, report.timing.media_s, *ends, 0.001)


def _unread(report: Report, length_s: float) -> tuple[float, float] | None:
    """Left and width of what was not read, in percent of the axis; None where its end is not known."""
    start_s, end_s = report.unread or (0.0, None)
    if end_s is None:
        return None
    left = chart.percent(start_s, length_s)
    return left, round(chart.percent(end_s, length_s) - left, 4)


def _verdict(report: Report) -> Verdict:
    missed = [unread_words(report)] if report.unread is not None else []
    unjudged = len(report.unjudged)
    if unjudged:
        missed.append(f"{unjudged} of {len(report.detectors)} detectors could not judge everything")
    not_judged = f"Not judged: {'; '.join(missed)}." if missed else ""
    if report.worst is Severity.ERROR:
        return Verdict("error", "Errors found", f"Defects that need attention. {not_judged}".strip())
    if report.worst is Severity.WARNING and report.complete:
        return Verdict("warning", "Warnings", f"Defects that are worth a look. {not_judged}".strip())
    if not_judged:
        found = "Warnings were found" if report.worst is Severity.WARNING else "Nothing serious was found"
        return Verdict("unjudged", "Not fully judged", f"{not_judged} {found} in what was.")
    found = "Nothing that matters was found" if report.events else "Nothing was found"
    aside = " in what was judged of it" if report.input.not_judged else ""
    return Verdict("pass", "Pass", f"{found}{aside}.")


def _counts(report: Report) -> list[tuple[str, str, str]]:
    """Level, how many or how much, and of what."""
    counts = [
        (severity.label, str(count), one if count == 1 else more)
        for severity, one, more in (
            (Severity.ERROR, "error", "errors"),
            (Severity.WARNING, "warning", "warnings"),
            (Severity.INFO, "info", "info"),
        )
        for count in [sum(e.severity is severity for e in report.events)]
    ]
    is_known = report.unread is not None and report.unread[1] is not None
    return [*counts, ("unjudged", unread_words(report) if is_known else str(len(gaps(report))), "not judged")]


def _cards(ordered: Sequence[ReportEvent], grouped: Sequence[Group]) -> tuple[list[ReportEvent], list[ReportEvent]]:
    """Events with a card, worst first: those shown from the start, and others.

    What was brought along by another event has none where there are many.
    """
    ranked = sorted(ordered, key=badness)
    if len(ranked) <= OPEN_CARDS:
        return ranked, []
    shown = [group.worst for group in grouped][:OPEN_CARDS]
    ids = {event.id for event in shown}
    return shown, [event for event in ranked if event.id not in ids][: MOST_CARDS - len(shown)]


def _finding(group: Group, views: Mapping[str, EventView]) -> Finding:
    worst = views[group.worst.id]
    if group.incident is None:
        name, notes = worst.name, [part for part in (worst.kind, worst.track) if part]
    else:
        name = words(group.incident)
        notes = [" + ".join(sorted({words(e.defect) for one in group.occurrences for e in one.heads}))]
    brought = [words(defect).lower() + (f" ({count})" if count > 1 else "") for defect, count in group.consequences]
    notes += [f"with {', '.join(brought)}"] if brought else []
    return Finding(
        severity=group.severity.label,
        name=name,
        note=" · ".join(notes),
        count=len(group.occurrences),
        first=timecode(group.occurrences[0].start_s),
        longest=duration(group.longest_s),
        total=duration(group.total_s),
        times=[
            Times(views[one.worst.id].number, timecode(one.start_s), duration(one.length_s))
            for one in group.occurrences[:MOST_TIMES]
        ],
    )


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
        incident=None if event.incident is None else words(incident_name(event.incident)),
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


def _detector(result: DetectorResult, events: Sequence[EventView], costliest: float, length_s: float) -> DetectorView:
    return DetectorView(
        name=result.name,
        version=result.version,
        model=result.model,
        status=result.status.value,
        reason=result.reason,
        cost="" if result.status is Status.SKIPPED else duration(result.seconds),
        share=round(100 * result.seconds / costliest, 2) if costliest else 0.0,
        count=len(events),
        bars=bars(events, length_s),
    )


def _facts(info: InputInfo) -> list[tuple[str, str]]:
    facts = [("Container", info.container)]
    if info.programme is not None:
        facts.append(("Programme", str(info.programme)))
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
