from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glasswatch.core.control import ControlMessage
from glasswatch.core.detection import Detection, Event, EventState, Severity, Verdict
from glasswatch.core.errors import WireError
from glasswatch.core.message import DetectionBatch
from glasswatch.core.time import Span
from glasswatch.v1 import control_pb2, detection_pb2, event_pb2
from glasswatch.wire.control import decode_control, encode_control
from glasswatch.wire.detection import decode_batch, encode_batch
from glasswatch.wire.event import decode_event, encode_event
from tests.unit.wire import strategies

SPAN = Span(0, Fraction(1), Fraction(2))
DETECTION = Detection("news", "black", "1", "black", SPAN, Verdict.DEFECT, 0.9)
EVENT = Event("id", "news", "black", "black", "1", Severity.ERROR, SPAN, 0.9, EventState.OPEN)


def batch(detection: Detection) -> DetectionBatch:
    return DetectionBatch("news", detection.detector, session=1, position=4, detections=(detection,))


@given(strategies.batches)
def test_batches_round_trip(value: DetectionBatch) -> None:
    assert decode_batch(encode_batch(value)) == value


@given(strategies.events)
def test_events_round_trip(value: Event) -> None:
    assert decode_event(encode_event(value)) == value


@given(strategies.controls)
def test_control_messages_round_trip(value: ControlMessage) -> None:
    assert decode_control(encode_control(value)) == value


def test_order_of_measurements_changes_no_byte() -> None:
    measured = {f"m{i}": float(i) for i in range(50)}
    one = Detection("news", "a", "1", "a", SPAN, Verdict.OK, 0, measured)
    other = Detection("news", "a", "1", "a", SPAN, Verdict.OK, 0, dict(reversed(measured.items())))
    assert encode_batch(batch(one)) == encode_batch(batch(other))


@pytest.mark.parametrize("decode", [decode_batch, decode_event, decode_control])
@given(raw=st.binary(max_size=100))
def test_random_bytes_decode_or_raise_wire_error(decode: Callable[[bytes], object], raw: bytes) -> None:
    assert strategies.kept(decode, raw) == raw


@pytest.mark.parametrize("decode", [decode_batch, decode_event, decode_control])
def test_empty_message_is_refused(decode: Callable[[bytes], object]) -> None:
    with pytest.raises(WireError):
        decode(b"")


BAD_DETECTIONS = {
    "no verdict": {"verdict": 0},
    "verdict of a later schema": {"verdict": 9},
    "inconclusive without a reason": {"verdict": 3},
    "score above 1": {"score": 1.5},
    "score is no number": {"score": float("nan")},
    "ceiling of a later schema": {"ceiling": 9},
}


@pytest.mark.parametrize("wrong", BAD_DETECTIONS.values(), ids=BAD_DETECTIONS)
def test_impossible_detection_is_refused(wrong: dict[str, float]) -> None:
    wire = detection_pb2.DetectionBatch.FromString(encode_batch(batch(DETECTION)))
    for field, value in wrong.items():
        setattr(wire.detections[0], field, value)
    with pytest.raises(WireError):
        decode_batch(wire.SerializeToString())


def test_span_that_ends_before_it_starts_is_refused() -> None:
    wire = event_pb2.Event.FromString(encode_event(EVENT))
    wire.span.end.numerator = -5
    with pytest.raises(WireError, match="before it starts"):
        decode_event(wire.SerializeToString())


def test_control_message_of_a_later_schema_is_refused() -> None:
    unknown_field = control_pb2.ControlMessage().SerializeToString() + b"\xf2\x03\x00"
    with pytest.raises(WireError, match="nothing that this version knows"):
        decode_control(unknown_field)
