"""Running glasswatch and FFmpeg's detectors over one file."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator

import imageio_ffmpeg

from bench.accuracy.definitions import TARGET_LUFS, TOLERANCE_LU
from bench.accuracy.filters import PHASE_FILTERS, SOUND_FILTERS, VIDEO_FILTERS
from bench.accuracy.model import Claim, Finding, Meter, Subject
from glasswatch.config.profile import load_profile
from glasswatch.core.detection import Detection
from glasswatch.core.errors import GlasswatchError
from glasswatch.decoder.source import open_source
from glasswatch.report.json_report import to_json
from glasswatch.runtime.inspect import Inspection

FFMPEG = "ffmpeg"
ESSENTIA = "essentia"
TIMEOUT_S = 600

FFMPEG_DEFECTS = frozenset({"black", "freeze", "silence", "phase", "loudness"})
ESSENTIA_DEFECTS = frozenset({"dropout", "clipping"})
PEER_DEFECTS = {FFMPEG: FFMPEG_DEFECTS, ESSENTIA: ESSENTIA_DEFECTS}

_NUMBER = r"(-?[\d.]+)"
_SPANS = (
    # defect, kind, start, end
    ("freeze", None, rf"freeze_start: {_NUMBER}", rf"freeze_end: {_NUMBER}"),
    ("silence", None, rf"silence_start: {_NUMBER}", rf"silence_end: {_NUMBER}"),
    ("phase", "inverted", rf"out_phase_start: {_NUMBER}", rf"out_phase_end: {_NUMBER}"),
    ("phase", "dual_mono", rf" mono_start: {_NUMBER}", rf" mono_end: {_NUMBER}"),
)


def glasswatch(subject: Subject) -> Finding:
    """Every detector with its defaults, in process."""
    started = time.perf_counter()
    readings: dict[str, float] = {}

    def keep(detection: Detection) -> None:
        lufs, peak = (detection.measurements.get(name) for name in ("integrated_lufs", "true_peak_dbtp"))
        if lufs is not None:
            readings["lufs"] = lufs
        if peak is not None:
            readings["peak"] = max(peak, readings.get("peak", peak))

    try:
        source = open_source(subject.path)
        try:
            report = Inspection(source, load_profile(), threads=1, on_detection=keep).run()
        finally:
            source.close()
    except GlasswatchError as error:
        return Finding(error=str(error), seconds=time.perf_counter() - started)
    except Exception as error:  # noqa: BLE001 - a crash is a result of the bench, and must not end it
        return Finding(error=f"crash: {type(error).__name__}: {error}", seconds=time.perf_counter() - started)
    rows = to_json(report)
    claims = tuple(
        Claim(row["defect"], row["kind"], row["start_s"], row["end_s"], row["severity"], row["measurements"])
        for row in rows["events"]
    )
    unjudged = tuple(d.name for d in report.unjudged)
    meter = Meter(readings.get("lufs"), readings.get("peak"))
    return Finding(claims, meter, unjudged, seconds=time.perf_counter() - started)


def ffmpeg(subject: Subject) -> Finding:
    """Black, freeze, silence, phase and loudness in one process."""
    started = time.perf_counter()
    graph, outputs = [], []
    if subject.fps is not None:
        graph.append(f"[0:v:0]{VIDEO_FILTERS}[v]")
        outputs.append("[v]")
    if subject.channels == 2:
        graph += ["[0:a:0]asplit=2[a][b]", f"[a]{SOUND_FILTERS}[s]", f"[b]{PHASE_FILTERS}[p]"]
        outputs += ["[s]", "[p]"]
    elif subject.channels:
        graph.append(f"[0:a:0]{SOUND_FILTERS}[s]")
        outputs.append("[s]")
    if not outputs:
        return Finding(error="nothing to decode")
    command = [
        *(imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostdin", "-nostats", "-threads", "1"),
        *("-i", subject.path, "-filter_complex", ";".join(graph)),
        *(word for name in outputs for word in ("-map", name)),
        *("-f", "null", "-"),
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return Finding(error=f"no end after {TIMEOUT_S} s")
    seconds = time.perf_counter() - started
    if done.returncode:
        return Finding(error=(done.stderr.strip().splitlines() or ["failed"])[-1], seconds=seconds)
    return Finding(tuple(parse_claims(done.stderr, subject.duration_s)), parse_meter(done.stderr), seconds=seconds)


def parse_claims(log: str, duration_s: float) -> Iterator[Claim]:
    """What the filters have written; spans that are open at the end of the file end there."""
    for match in re.finditer(rf"black_start:{_NUMBER} black_end:{_NUMBER}", log):
        yield Claim("black", None, float(match[1]), float(match[2]))
    for defect, kind, start, end in _SPANS:
        begun: float | None = None
        for match in re.finditer(f"{start}|{end}", log):
            if match[1] is not None:
                begun = float(match[1])
            elif begun is not None:
                yield Claim(defect, kind, begun, float(match[2]), "info" if kind == "dual_mono" else "warning")
                begun = None
        if begun is not None:
            yield Claim(defect, kind, begun, max(duration_s, begun))
    meter = parse_meter(log)
    if meter.integrated_lufs is not None:
        yield from loudness_claim(meter.integrated_lufs, duration_s)


def parse_meter(log: str) -> Meter:
    """The summary of ebur128."""
    summary = log.rpartition("Integrated loudness:")[2]
    lufs = re.search(rf"I:\s+{_NUMBER} LUFS", summary)
    peak = re.search(rf"Peak:\s+{_NUMBER} dBFS", summary)
    # -70 LUFS is what the filter shows while nothing has passed the absolute gate.
    integrated = float(lufs[1]) if lufs and float(lufs[1]) > -70 else None
    return Meter(integrated, float(peak[1]) if peak else None)


def loudness_claim(integrated_lufs: float, duration_s: float) -> Iterator[Claim]:
    """A programme verdict by the project's own target, since the filter gives none."""
    if abs(integrated_lufs - TARGET_LUFS) > TOLERANCE_LU:
        yield Claim("loudness", "programme", 0.0, duration_s, measurements={"integrated_lufs": integrated_lufs})
