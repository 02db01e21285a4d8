"""What a decoder puts on Kafka is what the decoder makes, however often it is interrupted."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glasswatch.config.channels import Channel
from glasswatch.core.control import ControlMessage
from glasswatch.core.media import AudioChunk, FrameChunk, MediaUnit
from glasswatch.core.message import EndOfStream, MediaMessage
from glasswatch.decoder.decode import Decoder
from glasswatch.decoder.limits import Limits
from glasswatch.decoder.source import open_source
from glasswatch.detectors.registry import registered
from glasswatch.runtime.channels.service import DecoderService, needs_of
from glasswatch.runtime.channels.session import Opener
from glasswatch.wire.media import decode_media
from tests.integration.decoder_service.programs import decoding, ended

if TYPE_CHECKING:
    from tests.integration.decoder_service.bus import Bus

DETECTORS = ["black", "silence", "stream_error"]


class Given:
    """Channels that do not change."""

    complete = True

    def __init__(self, *channels: Channel) -> None:
        self._channels = {channel.id: channel for channel in channels}

    def poll(self, *, again: bool = False) -> dict[str, Channel]:
        return self._channels


def media(values: dict[str, list[bytes]], fetch: Any = None) -> list[MediaMessage]:
    return [decode_media(value, fetch) for rendition in values.values() for value in rendition]


def equal(a: MediaUnit | EndOfStream, b: MediaUnit | EndOfStream) -> bool:
    match a, b:
        case FrameChunk(), FrameChunk():
            same = len(a.planes) == len(b.planes) and all(map(np.array_equal, a.planes, b.planes))
            return same and (a.rendition, a.epoch, a.pts, a.ends) == (b.rendition, b.epoch, b.pts, b.ends)
        case AudioChunk(), AudioChunk():
            return np.array_equal(a.samples, b.samples) and (a.span, a.track, a.rate) == (b.span, b.track, b.rate)
        case _:
            return a == b


def test_kafka_holds_exactly_what_the_decoder_makes(bus: Bus, kafka_address: str, clip: Path, tmp_path: Path) -> None:
    from glasswatch.runtime.channels.run import Settings, run_decoder  # noqa: PLC0415
    from tests.integration.decoder_service.bus import RENDITIONS, channels_file, new_channel  # noqa: PLC0415

    channel = new_channel()
    file = channels_file(tmp_path / "c.yaml", channel, clip)
    assert run_decoder(Settings(kafka_address, channels=file, detectors=DETECTORS, once=True))
    found = bus.read(channel)
    assert sorted(found) == RENDITIONS
    with closing(open_source(str(clip))) as source:
        decoder = Decoder(source, needs_of(Channel(channel, "x"), DETECTORS), threads=1)
        made: dict[str, list[MediaUnit]] = {}
        for unit in decoder.units():
            made.setdefault(getattr(unit, "rendition", "facts"), []).append(unit)
    for rendition, values in found.items():
        messages = [decode_media(value) for value in values]
        assert [message.sequence for message in messages] == list(range(len(messages)))
        assert {(m.channel, m.rendition, m.live) for m in messages} == {(channel, rendition, False)}
        *units, end = [message.unit for message in messages]
        assert len(units) == len(made[rendition]) > 0
        assert all(map(equal, units, made[rendition]))
        assert end == EndOfStream(max(unit.end for unit in made[rendition]))


def test_a_decoder_that_is_killed_and_runs_again_loses_nothing(
    bus: Bus, kafka_address: str, long_clip: Path, tmp_path: Path
) -> None:
    from tests.integration.decoder_service.bus import channels_file, expected, new_channel, wait  # noqa: PLC0415

    channel = new_channel()
    file = channels_file(tmp_path / "c.yaml", channel, long_clip)
    undisturbed = expected(channel, long_clip)
    options = ("--channels", file, "--detectors", ",".join(DETECTORS), "--once")
    with decoding(kafka_address, *options) as process:
        wait(lambda: bus.count(channel) > 20)
        process.kill()
        process.wait()
    cut = {rendition: len(values) for rendition, values in bus.read(channel).items()}
    assert 20 < sum(cut.values()) < sum(map(len, undisturbed.values()))
    with decoding(kafka_address, *options) as process:
        assert ended(process, 60) == 0
    found = bus.read(channel)
    for rendition, values in undisturbed.items():
        before = cut.get(rendition, 0)
        assert found[rendition] == values[:before] + values


def test_sigterm_leaves_no_gap(bus: Bus, kafka_address: str, long_clip: Path, tmp_path: Path) -> None:
    from tests.integration.decoder_service.bus import channels_file, expected, new_channel, wait  # noqa: PLC0415

    channel = new_channel()
    file = channels_file(tmp_path / "c.yaml", channel, long_clip)
    with decoding(kafka_address, "--channels", file, "--detectors", ",".join(DETECTORS)) as process:
        wait(lambda: bus.count(channel) > 20)
        process.send_signal(signal.SIGTERM)
        assert ended(process, 10) == 0
    found, undisturbed = bus.read(channel), expected(channel, long_clip)
    assert sum(map(len, found.values())) < sum(map(len, undisturbed.values()))
    for rendition, values in found.items():
        assert values == undisturbed[rendition][: len(values)]


def test_large_payloads_go_by_redis(bus: Bus, kafka_address: str, redis_address: str, clip: Path) -> None:
    from glasswatch.adapters.kafka_producer import KafkaPublisher  # noqa: PLC0415
    from glasswatch.adapters.redis_store import RedisMediaStore  # noqa: PLC0415
    from glasswatch.runtime.channels.media_publisher import MediaPublisher  # noqa: PLC0415
    from tests.integration.decoder_service.bus import RENDITIONS, expected, new_channel  # noqa: PLC0415

    channel = new_channel()
    most_inline = dict.fromkeys(RENDITIONS, 1000)
    with RedisMediaStore.connect(redis_address) as store, KafkaPublisher(kafka_address) as publisher:
        sink = MediaPublisher(publisher, most_inline, store)
        given = Given(Channel(channel, str(clip)))
        assert DecoderService(given, sink, lambda _: None, detectors=DETECTORS, once=True).run()
        publisher.flush(10)
        found = bus.read(channel)
        fetched = []

        def fetch(key: str) -> bytes:
            data = store.get(key)
            assert data is not None
            fetched.append(key)
            return data

        got = media(found, fetch)
    undisturbed = expected(channel, clip)
    wanted = media({rendition: undisturbed[rendition] for rendition in found})
    assert fetched
    assert max(len(value) for values in found.values() for value in values) < 4000
    assert len(got) == len(wanted)
    assert all(equal(a.unit, b.unit) and a.sequence == b.sequence for a, b in zip(got, wanted, strict=True))


@contextmanager
def broadcasting(data: bytes) -> Iterator[str]:
    """A live input: whoever connects is sent `data`, and then left."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(data)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def test_a_live_input_that_ends_and_comes_back_is_a_new_session(bus: Bus, kafka_address: str, clip: Path) -> None:
    from glasswatch.adapters.kafka_producer import KafkaPublisher  # noqa: PLC0415
    from glasswatch.runtime.channels.media_publisher import MediaPublisher  # noqa: PLC0415
    from tests.integration.decoder_service.bus import LARGE, RENDITIONS, new_channel, wait  # noqa: PLC0415

    channel = new_channel()
    told: list[ControlMessage] = []
    with broadcasting(clip.read_bytes()) as url, KafkaPublisher(kafka_address) as publisher:
        sink = MediaPublisher(publisher, dict.fromkeys(RENDITIONS, LARGE))
        opener = Opener(Limits(open_timeout_s=5, read_timeout_s=5))
        given = Given(Channel(channel, url))
        service = DecoderService(given, sink, told.append, detectors=DETECTORS, open_session=opener)
        thread = threading.Thread(target=partial(service.run))
        thread.start()
        try:
            wait(lambda: len({m.session for m in media(bus.read(channel))}) > 2, 60)
        finally:
            service.stop()
            thread.join(10)
        publisher.flush(10)
    messages = media({"facts": bus.read(channel)["facts"]})
    sessions = list(dict.fromkeys(message.session for message in messages))
    assert sessions == sorted(sessions)
    assert all(message.live for message in messages)
    highest = 0
    for session in sessions[:2]:
        own = [message for message in messages if message.session == session]
        assert [message.sequence for message in own] == list(range(len(own)))
        assert isinstance(own[-1].unit, EndOfStream)
        assert own[-1].unit.reason
        epochs = [message.unit.end.epoch for message in own if not isinstance(message.unit, EndOfStream)]
        assert min(epochs) > highest
        highest = max(epochs)
    assert sum(type(message).__name__ == "ChannelStarted" for message in told) == 1


def test_sizes_of_messages_are_those_of_the_topics(bus: Bus, kafka_address: str) -> None:
    from glasswatch.runtime.channels.run import media_topic_sizes  # noqa: PLC0415

    sizes = media_topic_sizes(kafka_address, list(registered()))
    assert set(sizes.values()) == {8 << 20}
