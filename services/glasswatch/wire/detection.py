"""Detection messages: what detectors say, and how far they have come."""

from __future__ import annotations

from glasswatch.core.control import Watermark
from glasswatch.core.detection import Detection, Verdict
from glasswatch.v1 import detection_pb2
from glasswatch.wire.fields import (
    SEVERITY,
    EnumCodec,
    canonical,
    decoding,
    instant_from_wire,
    instant_to_wire,
    optional_rational,
    optional_region,
    optional_text,
    parse,
    rational_to_wire,
    region_to_wire,
    span_from_wire,
    span_to_wire,
)

_VERDICT = EnumCodec(Verdict, detection_pb2.Verdict, "VERDICT")


def encode_detection(value: Detection | Watermark) -> bytes:
    """The message as bytes, the same for equal values; ValueError where a time takes more than 64 bits."""
    if isinstance(value, Watermark):
        return canonical(detection_pb2.DetectionMessage(watermark=_watermark_to_wire(value)))
    return canonical(detection_pb2.DetectionMessage(detection=_detection_to_wire(value)))


def decode_detection(raw: bytes) -> Detection | Watermark:
    """The inverse of `encode_detection`.

    Raises:
        WireError: It is no detection message, or an impossible one.
    """
    with decoding("a detection message", raw):
        wire = parse(detection_pb2.DetectionMessage, raw)
        match wire.WhichOneof("content"):
            case "detection":
                return _detection_from_wire(wire.detection)
            case "watermark":
                return _watermark_from_wire(wire.watermark)
            case _:
                raise ValueError("it carries nothing that this version knows")


def _detection_to_wire(value: Detection) -> detection_pb2.Detection:
    return detection_pb2.Detection(
        channel=value.channel,
        detector=value.detector,
        version=value.version,
        model=value.model,
        defect=value.defect,
        span=span_to_wire(value.span),
        verdict=_VERDICT.to_wire(value.verdict),
        score=value.score,
        measurements=value.measurements,
        kind=value.kind,
        track=value.track,
        region=region_to_wire(value.region),
        ceiling=SEVERITY.to_wire(value.ceiling) if value.ceiling is not None else None,
        worst=rational_to_wire(value.worst) if value.worst is not None else None,
        reason=value.reason,
    )


def _detection_from_wire(wire: detection_pb2.Detection) -> Detection:
    return Detection(
        channel=wire.channel,
        detector=wire.detector,
        version=wire.version,
        model=optional_text(wire, "model"),
        defect=wire.defect,
        span=span_from_wire(wire.span),
        verdict=_VERDICT.from_wire(wire.verdict),
        score=wire.score,
        measurements=dict(wire.measurements),
        kind=optional_text(wire, "kind"),
        track=optional_text(wire, "track"),
        region=optional_region(wire),
        ceiling=SEVERITY.from_wire(wire.ceiling) if wire.ceiling else None,
        worst=optional_rational(wire, "worst"),
        reason=optional_text(wire, "reason"),
    )


def _watermark_to_wire(value: Watermark) -> detection_pb2.Watermark:
    return detection_pb2.Watermark(
        channel=value.channel,
        detector=value.detector,
        track=value.track,
        at=instant_to_wire(value.at),
        final=value.final,
    )


def _watermark_from_wire(wire: detection_pb2.Watermark) -> Watermark:
    track = optional_text(wire, "track")
    return Watermark(wire.channel, wire.detector, instant_from_wire(wire.at), track, wire.final)
