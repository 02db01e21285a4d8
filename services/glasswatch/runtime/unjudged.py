"""What is said of media that cannot be judged, whatever the reason."""

from __future__ import annotations

from glasswatch.core.detection import Detection, Verdict
from glasswatch.core.detector import DetectorSpec
from glasswatch.core.media import AudioChunk, FrameChunk, MediaUnit, StreamFact
from glasswatch.core.time import Span


def unjudged(
    spec: DetectorSpec, channel: str, span: Span, reason: str, unit: MediaUnit | None = None
) -> list[Detection]:
    """INCONCLUSIVE for each defect of a detector; `unit` says which track of sound it is about."""
    return [
        Detection(
            channel=channel,
            detector=spec.name,
            version=spec.version,
            defect=defect,
            span=span,
            verdict=Verdict.INCONCLUSIVE,
            score=0.0,
            track=unit.label if isinstance(unit, AudioChunk) else None,
            reason=reason,
        )
        for defect in spec.defects
    ]


def span_of(unit: MediaUnit) -> Span:
    """The media time of a unit; a fact is a moment."""
    match unit:
        case FrameChunk():
            return Span(unit.epoch, unit.pts[0], unit.ends[-1])
        case AudioChunk():
            return unit.span
        case StreamFact():
            return Span(unit.at.epoch, unit.at.seconds, unit.at.seconds)
