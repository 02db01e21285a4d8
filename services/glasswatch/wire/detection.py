"""Batches of detections: what a detector says, and how far it has come."""

from __future__ import annotations

from glasswatch.core.detection import Detection, Verdict
from glasswatch.core.message import DetectionBatch
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
    rational_from_wire,
    rational_to_wire,
    region_to_wire,
    span_from_wire,
    span_to_wire,
)

_VERDICT = EnumCodec(Verdict, detection_pb2.Verdict, "VERDICT")


def encode_batch(value: DetectionBatch) -> bytes:
    """The message as bytes, the same for equal values; ValueError where a time takes more than 64 bits."""
    return canonical(
        detection_pb2.DetectionBatch(
            channel=value.channel,
            detector=value.detector,
            session=value.session,
            position=value.position,
            detections=[_detection_to_wire(detection) for detection in value.detections],
            epochs=[
                detection_pb2.EpochOffset(epoch=epoch, offset=rational_to_wire(offset))
                for epoch, offset in sorted(value.offsets.items())
            ],
            reached=instant_to_wire(value.reached) if value.reached is not None else None,
            final=value.final,
        )
    )


def decode_batch(raw: bytes) -> DetectionBatch:
    """The inverse of `encode_batch`.

    Raises:
        WireError: It is no batch of detections, or an impossible one.
    """
    with decoding("a batch of detections", raw):
        wire = parse(detection_pb2.DetectionBatch, raw)
        if not wire.channel or not wire.detector:
            raise ValueError("it names no channel or no detector")
        return DetectionBatch(
            channel=wire.channel,
            detector=wire.detector,
            session=wire.session,
            position=wire.position,
            detections=tuple(_detection_from_wire(detection) for detection in wire.detections),
            offsets={epoch.epoch: rational_from_wire(epoch.offset) for epoch in wire.epochs},
            reached=instant_from_wire(wire.reached) if wire.HasField("reached") else None,
            final=wire.final,
        )


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
