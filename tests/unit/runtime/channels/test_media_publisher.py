from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from glasswatch.adapters.memory_publisher import MemoryPublisher
from glasswatch.adapters.memory_store import MemoryMediaStore
from glasswatch.core.control import ChannelRemoved
from glasswatch.core.errors import StoreError
from glasswatch.core.media import FactKind, StreamFact
from glasswatch.core.message import MediaMessage
from glasswatch.core.time import Instant
from glasswatch.runtime.channels.media_publisher import STORE_DELAYS_S, MediaPublisher, publish_control
from glasswatch.runtime.channels.session import SessionRefusedError
from glasswatch.wire.control import decode_control
from glasswatch.wire.headers import MessageType, check_headers, header
from glasswatch.wire.media import decode_media
from tests.support import frame_chunks

(CHUNK,) = frame_chunks(np.random.default_rng(1).integers(0, 255, (4, 27, 48)), rendition="luma-32")
MESSAGE = MediaMessage("c", 7, "luma-32", 3, CHUNK, Fraction(1, 3), live=True)


class Flaky(MemoryMediaStore):
    """Fails so many times."""

    def __init__(self, failures: int) -> None:
        super().__init__()
        self.failures = failures

    def put(self, key: str, data: bytes) -> None:
        if self.failures:
            self.failures -= 1
            raise StoreError("away")
        super().put(key, data)


def fetched(store: MemoryMediaStore, key: str) -> bytes:
    data = store.get(key)
    assert data is not None
    return data


def test_a_message_goes_to_the_topic_of_its_rendition() -> None:
    publisher = MemoryPublisher()
    MediaPublisher(publisher, {"luma-32": 1 << 20})(MESSAGE)
    (sent,) = publisher.messages
    assert (sent.topic, sent.key) == ("glasswatch.media.luma-32.v1", b"c")
    check_headers(sent.headers, MessageType.MEDIA, sent.value)
    assert header(sent.headers, "traceparent") is not None
    back = decode_media(sent.value)
    assert (back.channel, back.session, back.sequence, back.offset, back.live) == ("c", 7, 3, Fraction(1, 3), True)


def test_ids_repeat_and_traces_do_not() -> None:
    publisher = MemoryPublisher()
    publish = MediaPublisher(publisher, {"luma-32": 1 << 20})
    publish(MESSAGE)
    publish(MESSAGE)
    for name, distinct in (("ce_id", 1), ("traceparent", 2)):
        assert len({header(sent.headers, name) for sent in publisher.messages}) == distinct


def test_a_large_payload_is_stored_before_its_message() -> None:
    publisher, store = MemoryPublisher(), MemoryMediaStore()
    MediaPublisher(publisher, {"luma-32": 100}, store)(MESSAGE)
    (sent,) = publisher.messages
    assert len(sent.value) < 1000
    back = decode_media(sent.value, lambda key: fetched(store, key))
    assert np.array_equal(back.unit.luma, CHUNK.luma)


def test_without_a_store_a_large_payload_is_refused() -> None:
    publisher = MemoryPublisher()
    with pytest.raises(SessionRefusedError, match=r"payload of \d+ bytes on luma-32 .*GLASSWATCH_REDIS"):
        MediaPublisher(publisher, {"luma-32": 100})(MESSAGE)
    assert publisher.messages == []


@pytest.mark.parametrize("failures", [1, len(STORE_DELAYS_S)])
def test_a_store_that_is_away_for_a_while_is_waited_for(failures: int) -> None:
    publisher, pauses = MemoryPublisher(), []
    MediaPublisher(publisher, {"luma-32": 100}, Flaky(failures), pauses.append)(MESSAGE)
    assert len(publisher.messages) == 1
    assert pauses == list(STORE_DELAYS_S[:failures])


def test_a_store_that_stays_away_ends_it() -> None:
    publisher = MemoryPublisher()
    with pytest.raises(StoreError):
        MediaPublisher(publisher, {"luma-32": 100}, Flaky(99), lambda _: None)(MESSAGE)
    assert publisher.messages == []


def test_a_time_that_has_no_form_on_the_wire_is_refused() -> None:
    fact = StreamFact(FactKind.PROGRESS, Instant(0, Fraction(1, 1 << 70)), "container", "on")
    with pytest.raises(SessionRefusedError, match="no form on the wire"):
        MediaPublisher(MemoryPublisher(), {"facts": 100})(MediaMessage("c", 7, "facts", 0, fact))


def test_control_messages_are_events_of_their_own() -> None:
    publisher = MemoryPublisher()
    for _ in range(2):
        publish_control(publisher, ChannelRemoved("c"))
    first, second = publisher.messages
    check_headers(first.headers, MessageType.CONTROL, first.value)
    assert (first.topic, first.key, decode_control(first.value)) == ("glasswatch.control.v1", b"c", ChannelRemoved("c"))
    assert header(first.headers, "ce_id") != header(second.headers, "ce_id")
