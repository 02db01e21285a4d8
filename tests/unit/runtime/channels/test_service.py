from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glasswatch.adapters.memory_publisher import MemoryPublisher
from glasswatch.config.channels import Channel
from glasswatch.core.control import ChannelConfig, ChannelRemoved, ChannelStarted, ChannelStopped, ControlMessage
from glasswatch.core.errors import BrokerError, ConfigError, UsageError
from glasswatch.core.message import EndOfStream, MediaMessage
from glasswatch.runtime.channels.media_publisher import publish_control
from glasswatch.runtime.channels.service import DecoderService, Shard, needs_of
from glasswatch.runtime.channels.wanted import WantedByFile, WantedByTopic
from tests.media import write_video

BLACK = "black"


@dataclass(frozen=True)
class Record:
    offset: int
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


class Topic:
    """A control topic in memory; what is said before `follow` was there when reading began."""

    def __init__(self, *said: ControlMessage) -> None:
        self.publisher = MemoryPublisher()
        self.read = 0
        for message in said:
            self.say(message)
        self.end = len(said)

    def say(self, message: ControlMessage) -> None:
        publish_control(self.publisher, message)

    @property
    def caught_up(self) -> bool:
        return self.read >= self.end

    def poll(self, timeout_s: float) -> list[Record]:
        """One message at a time."""
        if self.read >= len(self.publisher.messages):
            time.sleep(timeout_s)
            return []
        sent = self.publisher.messages[self.read]
        self.read += 1
        return [Record(self.read - 1, sent.value, sent.headers)]


class Log:
    """What a service hands on."""

    def __init__(self) -> None:
        self.messages: list[MediaMessage] = []
        self.told: list[ControlMessage] = []

    def finished(self, channel: str) -> int:
        """How many sessions of the channel have ended."""
        return sum(m.channel == channel and m.rendition == "facts" and is_end(m) for m in list(self.messages))


def is_end(message: MediaMessage) -> bool:
    return isinstance(message.unit, EndOfStream)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("media") / "a.ts", codec="mpeg2video", frames=50)


@contextmanager
def running(wanted: Any, **more: Any) -> Iterator[tuple[DecoderService, Log]]:
    log = Log()
    service = DecoderService(wanted, more.pop("sink", log.messages.append), log.told.append, detectors=[BLACK], **more)
    thread = threading.Thread(target=service.run)
    thread.start()
    try:
        yield service, log
    finally:
        service.stop()
        thread.join(10)
        assert not thread.is_alive()


def wait(condition: Callable[[], object], timeout_s: float = 10) -> None:
    until = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.02)


def write(path: Path, **channels: Path) -> None:
    lines = [f"  {name}: {{location: '{location}'}}" for name, location in channels.items()]
    path.with_suffix(".new").write_text("channels:\n" + "\n".join(lines) if lines else "channels: {}")
    path.with_suffix(".new").rename(path)


def test_a_file_of_channels_is_followed_once_to_the_end(clip: Path, tmp_path: Path) -> None:
    write(tmp_path / "c.yaml", a=clip, b=clip)
    log = Log()
    service = DecoderService(WantedByFile(tmp_path / "c.yaml"), log.messages.append, log.told.append, once=True)
    assert service.run() is True
    assert log.finished("a") == log.finished("b") == 1
    assert sorted(told.channel for told in log.told if told == ChannelStopped(told.channel)) == ["a", "b"]


def test_an_input_that_cannot_be_read_is_not_regular(clip: Path, tmp_path: Path) -> None:
    write(tmp_path / "c.yaml", a=clip, b=tmp_path / "none.ts")
    log = Log()
    service = DecoderService(WantedByFile(tmp_path / "c.yaml"), log.messages.append, log.told.append, once=True)
    assert service.run() is False
    assert log.finished("a") == 1
    (stopped,) = [told for told in log.told if told.channel == "b"]
    assert isinstance(stopped, ChannelStopped)
    assert "no such file" in str(stopped.reason)


def test_changes_of_the_file_are_followed(clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    write(path, a=clip)
    with running(WantedByFile(path)) as (service, log):
        wait(lambda: log.finished("a") == 1)
        write(path, a=clip, b=clip)
        wait(lambda: log.finished("b") == 1)
        path.write_text("channels: [")
        time.sleep(0.5)
        service.reload()
        wait(lambda: log.finished("a") == 2 and log.finished("b") == 2)
        other = clip.with_name("b.ts")
        other.write_bytes(clip.read_bytes())
        write(path, b=other)
        wait(lambda: log.finished("b") == 3)
        assert log.finished("a") == 2
    assert len({m.session for m in log.messages if m.channel == "b"}) == 2


def test_the_control_topic_is_followed(clip: Path) -> None:
    topic = Topic(
        ChannelConfig("a", str(clip)),
        ChannelConfig("gone", str(clip)),
        ChannelRemoved("gone"),
        ChannelConfig("b", "nowhere"),
        ChannelConfig("b", str(clip)),
        ChannelConfig("bad id", str(clip)),
        ChannelConfig("odd", str(clip), ("nonesuch",)),
        ChannelStarted("a"),
    )
    with running(WantedByTopic(topic)) as (_, log):
        wait(lambda: log.finished("a") == 1 and log.finished("b") == 1)
        topic.say(ChannelConfig("later", str(clip)))
        wait(lambda: log.finished("later") == 1)
        topic.say(ChannelConfig("a", str(clip)))
        wait(lambda: log.finished("a") == 2)
    assert {message.channel for message in log.messages} == {"a", "b", "later"}


def test_a_removed_channel_is_stopped_and_one_thread_follows_each(clip: Path) -> None:
    topic = Topic(ChannelConfig("a", str(clip)))
    hold = threading.Event()
    inside: list[str] = []
    most = 0

    def sink(message: MediaMessage) -> None:
        nonlocal most
        inside.append(message.channel)
        most = max(most, len(inside))
        hold.wait(0.05 if hold.is_set() else 5)
        inside.pop()

    with running(WantedByTopic(topic), sink=sink) as (_, log):
        wait(lambda: inside)
        topic.say(ChannelRemoved("a"))
        topic.say(ChannelConfig("a", str(clip), (BLACK,)))
        time.sleep(0.5)
        assert not [told for told in log.told if isinstance(told, ChannelStopped)]
        hold.set()
        wait(lambda: ChannelStopped("a") in log.told)
    kinds = [type(told).__name__ for told in log.told]
    assert kinds == ["ChannelStarted", "ChannelStopped", "ChannelStarted", "ChannelStopped"]
    assert most == 1


def test_a_channel_whose_detectors_run_elsewhere_is_told(clip: Path) -> None:
    with running(WantedByTopic(Topic(ChannelConfig("a", str(clip), ("silence",))))) as (_, log):
        wait(lambda: log.told)
        time.sleep(0.5)
    assert log.told == [ChannelStopped("a", "none of its detectors runs here: silence")]


def test_what_the_sink_raises_ends_the_service(clip: Path, tmp_path: Path) -> None:
    write(tmp_path / "c.yaml", a=clip)

    def sink(_: MediaMessage) -> None:
        raise BrokerError("gone")

    service = DecoderService(WantedByFile(tmp_path / "c.yaml"), sink, lambda _: None)
    assert service.live() is None
    with pytest.raises(BrokerError, match="gone"):
        service.run()
    assert service.live() == "gone"


def test_an_invalid_file_is_refused_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("nothing: 1")
    with pytest.raises(ConfigError):
        WantedByFile(tmp_path / "c.yaml")


def test_a_file_that_is_away_keeps_its_channels(clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    write(path, a=clip)
    wanted = WantedByFile(path)
    os.unlink(path)  # noqa: PTH108
    assert set(wanted.poll()) == {"a"}


def test_needs_are_those_of_the_chosen_detectors_that_are_deployed() -> None:
    def renditions(*detectors: str, deployed: tuple[str, ...] | None) -> set[str]:
        return {need.rendition for need in needs_of(Channel("a", "x", detectors), deployed)}

    assert renditions(deployed=("silence",)) == {"audio", "facts"}
    assert renditions("silence", deployed=("silence", BLACK)) == {"audio", "facts"}
    assert renditions(deployed=("silence", BLACK)) == {"audio", "facts", "picture-270"}
    with pytest.raises(ConfigError, match="none of its detectors"):
        renditions("silence", deployed=(BLACK,))
    assert renditions("av_sync", deployed=None) == {"audio", "facts", "rgb-480-r30x1"}
    assert "rgb-480-r30x1" not in renditions(deployed=None)


@given(st.text(min_size=1), st.integers(1, 9))
def test_every_channel_is_in_one_shard(channel: str, count: int) -> None:
    assert sum(Shard(index, count).holds(channel) for index in range(count)) == 1


def test_shards_share() -> None:
    counts = [sum(Shard(index, 3).holds(f"channel-{n}") for n in range(300)) for index in range(3)]
    assert min(counts) > 60


@pytest.mark.parametrize("text", ["3/3", "a/3", "1", "1/", "-1/3", "0/0", "1/2/3"])
def test_what_is_no_shard(text: str) -> None:
    with pytest.raises(UsageError, match="is no shard"):
        Shard.parse(text)


def test_a_shard() -> None:
    assert Shard.parse("0/3") == Shard(0, 3)


def test_only_channels_of_the_shard_are_followed(clip: Path) -> None:
    names = [f"c{n}" for n in range(6)]
    topic = Topic(*[ChannelConfig(name, str(clip)) for name in names])
    shard = Shard(1, 2)
    log = Log()
    service = DecoderService(
        WantedByTopic(topic), log.messages.append, log.told.append, detectors=[BLACK], shard=shard, once=True
    )
    assert service.run()
    assert {message.channel for message in log.messages} == {name for name in names if shard.holds(name)}
