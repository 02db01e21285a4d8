"""Event messages: what users subscribe to."""

from __future__ import annotations

from glasswatch.core.detection import Event, EventState
from glasswatch.v1 import event_pb2
from glasswatch.wire.fields import (
    SEVERITY,
    EnumCodec,
    canonical,
    decoding,
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

_STATE = EnumCodec(EventState, event_pb2.EventState, "EVENT_STATE")


def encode_event(value: Event) -> bytes:
    """The event as bytes, the same for equal events; ValueError where a time takes more than 64 bits."""
    return canonical(
        event_pb2.Event(
            id=value.id,
            channel=value.channel,
            defect=value.defect,
            detector=value.detector,
            version=value.version,
            model=value.model,
            severity=SEVERITY.to_wire(value.severity),
            span=span_to_wire(value.span),
            score=value.score,
            state=_STATE.to_wire(value.state),
            measurements=value.measurements,
            kind=value.kind,
            track=value.track,
            region=region_to_wire(value.region),
            incident=value.incident,
            worst=rational_to_wire(value.worst) if value.worst is not None else None,
            reason=value.reason,
            position=rational_to_wire(value.position),
            consequence_of=value.consequence_of,
        )
    )


def decode_event(raw: bytes) -> Event:
    """The inverse of `encode_event`.

    Raises:
        WireError: It is no event, or an impossible one.
    """
    with decoding("an event", raw):
        wire = parse(event_pb2.Event, raw)
        return Event(
            id=wire.id,
            channel=wire.channel,
            defect=wire.defect,
            detector=wire.detector,
            version=wire.version,
            model=optional_text(wire, "model"),
            severity=SEVERITY.from_wire(wire.severity),
            span=span_from_wire(wire.span),
            score=wire.score,
            state=_STATE.from_wire(wire.state),
            measurements=dict(wire.measurements),
            kind=optional_text(wire, "kind"),
            track=optional_text(wire, "track"),
            region=optional_region(wire),
            incident=optional_text(wire, "incident"),
            worst=optional_rational(wire, "worst"),
            reason=optional_text(wire, "reason"),
            position=rational_from_wire(wire.position),
            consequence_of=optional_text(wire, "consequence_of"),
        )
