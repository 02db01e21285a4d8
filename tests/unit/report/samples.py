"""Reports to present, small and large."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from glasswatch.core.detection import Severity, Verdict
from glasswatch.core.input import AudioTrackInfo, CaptionTrackInfo, InputInfo, VideoInfo
from glasswatch.report.model import DetectorResult, Report, ReportEvent, Status, Timing

BLACK = ReportEvent(
    id="b1ac",
    defect="black",
    detector="black",
    severity=Severity.ERROR,
    verdict=Verdict.DEFECT,
    start_s=12.48,
    end_s=15.04,
    score=0.97,
    measurements={"dark_ratio": 0.999},
    region=(0, 0, 1920, 1080),
    worst_s=13.0,
)
SILENCE = ReportEvent(
    id="511e",
    defect="silence",
    detector="silence",
    severity=Severity.WARNING,
    verdict=Verdict.DEFECT,
    start_s=12.5,
    end_s=13.5,
    score=1.0,
    measurements={"level_dbfs": float("-inf")},
    kind="digital",
    track="1",
    reason="every sample is zero",
)
FULL_INPUT = InputInfo(
    path="title.mp4",
    container="mov,mp4,m4a,3gp,3g2,mj2",
    duration_s=60.06,
    start_s=0.0,
    video=VideoInfo("h264", 1920, 1080, Fraction(30000, 1001), "yuv420p", 8, "limited"),
    audio=(AudioTrackInfo("aac", 48000, 2, "stereo", "eng"), AudioTrackInfo("ac3", 48000, 6, "5.1")),
    captions=(CaptionTrackInfo("mov_text", "eng"),),
)
DETECTORS = (
    DetectorResult("black", "1.0.0", Status.OK, 0.8),
    DetectorResult("silence", "1.0.0", Status.OK, 0.2),
    DetectorResult(
        "av_sync", "2.1.0", Status.INCONCLUSIVE, 9.5, "no face was found in 12 of 15 fragments", "syncnet-3"
    ),
    DetectorResult("banding", "1.0.0", Status.FAILED, 0.1, "the model banding cannot be loaded"),
    DetectorResult("caption_format", "1.0.0", Status.SKIPPED, 0.0, "the input has no captions"),
)
TIMING = Timing(6.1, 11.2, 60.06, 412_000_000, 2.5, {"black": 0.8, "silence": 0.2, "av_sync": 9.5})


def make_report(**changes: Any) -> Report:
    """A report with one event of each kind and a detector of each status."""
    report = Report(FULL_INPUT, DETECTORS, (BLACK, SILENCE), TIMING)
    return replace(report, **changes)


def clean_report() -> Report:
    """Nothing found, everything judged."""
    return make_report(detectors=DETECTORS[:2], events=())


def audio_only_report() -> Report:
    """Unknown length, stopped half-way, no picture."""
    return make_report(
        input=InputInfo("rtp://239.0.0.1:5004", "rtp", None, 1.5, audio=FULL_INPUT.audio[:1]),
        detectors=DETECTORS[1:2],
        events=(SILENCE,),
        complete=False,
        stopped="interrupted by the user",
    )
