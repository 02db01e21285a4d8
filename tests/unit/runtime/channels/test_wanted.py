"""What the control topic says of channels."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from glasswatch.core.control import ChannelConfig, ChannelRemoved, ChannelStarted, ChannelStopped, ControlMessage
from glasswatch.runtime.channels.wanted import Record, WantedByTopic
from glasswatch.wire import topics
from glasswatch.wire.control import encode_control
from glasswatch.wire.headers import MessageType, event_headers


class Message:
    def __init__(self, offset: int, message: ControlMessage) -> None:
        self.offset = offset
        self.value = encode_control(message)
        now = datetime.now(UTC)
        self.headers = tuple(event_headers(MessageType.CONTROL, topics.CONTROL, self.value, "/test", now))


class Log:
    """A control topic in memory."""

    def __init__(self, *messages: ControlMessage) -> None:
        self.new: list[ControlMessage] = list(messages)
        self.offset = 0

    @property
    def caught_up(self) -> bool:
        return not self.new

    def poll(self, timeout_s: float) -> Sequence[Record]:
        records = [Message(self.offset + i, message) for i, message in enumerate(self.new)]
        self.offset += len(records)
        self.new = []
        return records


ADDED = ChannelConfig("film", "/media/film.mp4")


def test_a_channel_is_wanted_from_when_it_is_added_until_it_is_removed() -> None:
    log = Log(ADDED, ChannelConfig("news", "https://example.org/news.m3u8"))
    wanted = WantedByTopic(log)
    assert set(wanted.poll()) == {"film", "news"}
    log.new.append(ChannelRemoved("news"))
    assert set(wanted.poll()) == {"film"}


def test_what_was_decoded_to_its_end_is_not_wanted_again_by_a_decoder_that_starts_anew() -> None:
    assert WantedByTopic(Log(ADDED, ChannelStarted("film"), ChannelStopped("film"))).poll() == {}


def test_what_ended_for_a_reason_is_still_wanted() -> None:
    log = Log(ADDED, ChannelStarted("film"), ChannelStopped("film", "it is no longer followed"))
    assert set(WantedByTopic(log).poll()) == {"film"}


def test_a_finished_channel_that_is_added_again_is_wanted_again() -> None:
    log = Log(ADDED, ChannelStopped("film"))
    wanted = WantedByTopic(log)
    assert wanted.poll() == {}
    log.new.append(ADDED)
    assert set(wanted.poll()) == {"film"}


def test_finished_channels_are_wanted_again_when_all_is_asked_for_anew() -> None:
    wanted = WantedByTopic(Log(ADDED, ChannelStopped("film")))
    assert wanted.poll() == {}
    assert set(wanted.poll(again=True)) == {"film"}
