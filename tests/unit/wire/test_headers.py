from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from glasswatch.core.errors import WireError
from glasswatch.wire import topics
from glasswatch.wire.headers import MessageType, check_headers, event_headers, header, next_traceparent

AT = datetime(2026, 5, 4, 3, 2, 1, 500_000, tzinfo=UTC)
TOPIC = topics.media("luma-270")
HEADERS = event_headers(MessageType.MEDIA, TOPIC, b"identity", "/glasswatch/decoder", AT, "00-trace")


def test_headers_are_cloudevents_in_binary_mode() -> None:
    assert {name: value.decode() for name, value in HEADERS if name != "ce_id"} == {
        "ce_specversion": "1.0",
        "ce_source": "/glasswatch/decoder",
        "ce_type": "glasswatch.v1.MediaMessage",
        "ce_time": "2026-05-04T03:02:01.500000Z",
        "content-type": "application/protobuf",
        "traceparent": "00-trace",
    }


def test_time_is_written_in_utc() -> None:
    east = AT.astimezone(timezone(timedelta(hours=2)))
    headers = event_headers(MessageType.MEDIA, TOPIC, b"", "/x", east)
    assert header(headers, "ce_time") == "2026-05-04T03:02:01.500000Z"
    assert header(headers, "traceparent") is None


def test_id_depends_on_the_message_alone() -> None:
    def id_of(topic: str = TOPIC, identity: bytes = b"identity", at: datetime = AT) -> str | None:
        return header(event_headers(MessageType.MEDIA, topic, identity, "/other", at), "ce_id")

    assert id_of() == header(HEADERS, "ce_id") == id_of(at=AT + timedelta(1))
    assert len({id_of(), id_of(topic=topics.media("audio")), id_of(identity=b"another")}) == 3


def test_expected_type_passes() -> None:
    check_headers(HEADERS, MessageType.MEDIA, b"")


@pytest.mark.parametrize("name", ["ce_specversion", "ce_type", "content-type"])
@pytest.mark.parametrize("value", [None, b"glasswatch.v2.MediaMessage", b"\xff\xfe"])
def test_other_type_or_version_is_refused(name: str, value: bytes | None) -> None:
    headers = [(n, v) for n, v in HEADERS if n != name] + ([(name, value)] if value is not None else [])
    with pytest.raises(WireError, match=name) as caught:
        check_headers(headers, MessageType.MEDIA, b"value")
    assert caught.value.raw == b"value"


def test_trace_goes_on_with_another_step() -> None:
    first = next_traceparent()
    second = next_traceparent(first)
    assert first.split("-")[1] == second.split("-")[1]
    assert first.split("-")[2] != second.split("-")[2]


@pytest.mark.parametrize("broken", ["", "00-trace", f"00-{'0' * 32}-{'1' * 16}-01"])
def test_broken_trace_starts_a_new_one(broken: str) -> None:
    assert len(next_traceparent(broken)) == 55


def test_topic_names() -> None:
    assert topics.media("luma-270") == "glasswatch.media.luma-270.v1"
    assert topics.detections("solid_colour") == "glasswatch.detections.solid_colour.v1"
    assert topics.dead_letter(topics.defects("black")) == "glasswatch.defects.black.v1.dlq"
    assert topics.detector_group("black") == "glasswatch-detector-black"


@pytest.mark.parametrize("name", ["", "a.b", "Black", "a b", "../x"])
def test_name_that_is_no_part_of_a_topic_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="topic name"):
        topics.media(name)
