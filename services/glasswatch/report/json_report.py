"""The JSON report, schema "glasswatch.report/1"; docs/report.schema.json describes it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from glasswatch.core.input import AudioTrackInfo, CaptionTrackInfo, InputInfo, VideoInfo
from glasswatch.report.model import DetectorResult, Report, ReportEvent, Timing
from glasswatch.report.output import write_text

SCHEMA = "glasswatch.report/1"


def to_json(report: Report) -> dict[str, Any]:
    """The report as JSON values; numbers that are not finite become null, which JSON has no other word for."""
    return {
        "schema": SCHEMA,
        "input": _input(report.input, report),
        "detectors": [_detector(d) for d in report.detectors],
        "events": [event_to_json(e) for e in report.events],
        "timing": _timing(report.timing),
    }


def event_to_json(event: ReportEvent) -> dict[str, Any]:
    """One event of the report as JSON values."""
    return {
        "id": event.id,
        "defect": event.defect,
        "kind": event.kind,
        "detector": event.detector,
        "severity": event.severity.label,
        "verdict": event.verdict.value,
        "start_s": event.start_s,
        "end_s": event.end_s,
        "score": _number(event.score),
        "measurements": {name: _number(value) for name, value in event.measurements.items()},
        "reason": event.reason,
        "region": None if event.region is None else [int(edge) for edge in event.region],
        "track": event.track,
        "incident": event.incident,
        "consequence_of": event.consequence_of,
    }


def write_json(report: Report, path: Path) -> None:
    """Write the report; OutputError where the path cannot be written."""
    write_text(path, json.dumps(to_json(report), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def _input(info: InputInfo, report: Report) -> dict[str, Any]:
    return {
        "path": info.path,
        "container": info.container,
        "duration_s": _number(info.duration_s),
        "start_s": _number(info.start_s),
        "complete": report.complete,
        "stopped": report.stopped,
        "not_judged_s": _unread_s(report),
        "video": None if info.video is None else _video(info.video),
        "audio": [_audio(track) for track in info.audio],
        "captions": [_captions(track) for track in info.captions],
        "programme": info.programme,
        "not_judged": list(info.not_judged),
    }


def _unread_s(report: Report) -> float | None:
    if report.unread is None:
        return 0.0
    start_s, end_s = report.unread
    return None if end_s is None else _number(end_s - start_s)


def _video(video: VideoInfo) -> dict[str, Any]:
    rate = video.frame_rate
    return {
        "codec": video.codec,
        "width": video.width,
        "height": video.height,
        "frame_rate": None if rate is None else f"{rate.numerator}/{rate.denominator}",
        "fps": None if rate is None else round(float(rate), 6),
        "pixel_format": video.pixel_format,
        "bit_depth": video.bit_depth,
        "range": video.range,
        "rotation": video.rotation,
        "interlaced": video.interlaced,
    }


def _audio(track: AudioTrackInfo) -> dict[str, Any]:
    return {
        "codec": track.codec,
        "sample_rate": track.sample_rate,
        "channels": track.channels,
        "layout": track.layout,
        "language": track.language,
    }


def _captions(track: CaptionTrackInfo) -> dict[str, Any]:
    return {"codec": track.codec, "language": track.language}


def _detector(result: DetectorResult) -> dict[str, Any]:
    return {
        "name": result.name,
        "version": result.version,
        "status": result.status.value,
        "reason": result.reason,
        "model": result.model,
        "seconds": _number(result.seconds),
    }


def _timing(timing: Timing) -> dict[str, Any]:
    return {
        "wall_s": _number(timing.wall_s),
        "cpu_s": _number(timing.cpu_s),
        "media_s": _number(timing.media_s),
        "peak_rss_bytes": timing.peak_rss_bytes,
        "decode_s": _number(timing.decode_s),
        "detector_s": {name: _number(seconds) for name, seconds in timing.detector_s.items()},
    }


def _number(value: float | None) -> float | None:
    """A finite number to a microsecond or a millionth, else None; numpy's scalars become Python's."""
    return round(float(value), 6) if value is not None and math.isfinite(value) else None
