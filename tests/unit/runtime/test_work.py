"""What goes on from message to message: traces, times, and what is wrong with a dead letter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from glasswatch.core.errors import WireError
from glasswatch.runtime.worker.work import MEDIA_TIME, Cause, Record, dead_letter, follow_up, without_value
from glasswatch.wire.headers import Headers, MessageType, check_headers

TRACE = "0af7651916cd43dd8448eb211c80319c"
PUBLISHED = datetime(2026, 5, 4, 12, 30, 15, 250000, UTC)
HEADERS: Headers = [
    ("ce_time", PUBLISHED.isoformat().encode()),
    ("traceparent", f"00-{TRACE}-b7ad6b7169203331-01".encode()),
]


def record(value: bytes | None = b"value", headers: Headers = HEADERS) -> Record:
    return Record("glasswatch.media.audio.v1", 3, 17, b"news", value, headers)


def next_record(cause: Cause) -> Record:
    sent = follow_up(MessageType.DETECTION, "glasswatch.detections.black.v1", "news", b"batch", "/test", cause)
    check_headers(sent.headers, MessageType.DETECTION, sent.value)
    assert (sent.key, sent.value) == (b"news", b"batch")
    return Record(sent.topic, 0, 0, sent.key, sent.value, sent.headers)


def test_the_trace_and_the_time_of_the_media_go_on_through_every_step() -> None:
    detection = next_record(record().cause)
    event = next_record(detection.cause)
    for cause in (detection.cause, event.cause):
        assert cause.published == PUBLISHED
        assert cause.trace is not None
        assert cause.trace.split("-")[1] == TRACE
    assert len({record().cause.trace, detection.cause.trace, event.cause.trace}) == 3, "each step is a span of its own"


def test_the_time_of_the_media_is_not_that_of_the_detection() -> None:
    detection = next_record(record().cause)
    told = dict(detection.headers)
    assert told[MEDIA_TIME] != told["ce_time"]


@pytest.mark.parametrize("time", [b"", b"yesterday", b"2026-05-04T12:30:15", b"\xff"])
def test_a_time_that_cannot_be_read_is_not_known(time: bytes) -> None:
    cause = record(headers=[("ce_time", time)]).cause
    assert (cause.published, cause.age_s) == (None, 0.0)
    assert MEDIA_TIME not in dict(next_record(cause).headers)


def test_age_is_never_negative() -> None:
    now = datetime.now(UTC)
    assert Cause(published=now + timedelta(hours=1)).age_s == 0
    assert Cause(published=now - timedelta(seconds=9)).age_s == pytest.approx(9, abs=1)


def test_a_record_without_a_value_is_not_what_a_topic_promises() -> None:
    with pytest.raises(WireError, match="has no value"):
        _ = record(value=None).body


def test_a_dead_letter_is_the_record_as_it_came_and_what_is_wrong_with_it() -> None:
    letter = dead_letter(record(), "glasswatch.media.audio.v1.dlq", WireError("no sound\nin it", b"value"))
    assert (letter.topic, letter.key, letter.value) == ("glasswatch.media.audio.v1.dlq", b"news", b"value")
    assert letter.headers == [
        *HEADERS,
        ("glasswatch-error", b"WireError: no sound in it"),
        ("glasswatch-topic", b"glasswatch.media.audio.v1"),
        ("glasswatch-partition", b"3"),
        ("glasswatch-offset", b"17"),
    ]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError(), b"ValueError: ValueError"),
        (KeyError("x" * 5000), b"KeyError: '" + b"x" * 999),
        (ValueError("Störung"), "ValueError: Störung".encode()),
    ],
)
def test_whatever_the_error_says_it_is_one_short_line(error: Exception, told: bytes) -> None:
    assert dict(dead_letter(record(), "t.dlq", error).headers)["glasswatch-error"] == told


def test_a_dead_letter_that_is_too_large_tells_that_its_value_is_left_out() -> None:
    letter = dead_letter(record(), "t.dlq", ValueError("wrong"))
    small = without_value(letter)
    assert small.value == b""
    assert small.headers == [*letter.headers, ("glasswatch-left-out", b"value")]
    assert dead_letter(record(value=None), "t.dlq", ValueError("wrong")).value == b""
