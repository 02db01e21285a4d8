from __future__ import annotations

import threading
from collections.abc import Collection
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glasswatch.config.channels import Channel
from glasswatch.core.control import ChannelStarted, ChannelStopped
from glasswatch.core.errors import BrokerError, InputError
from glasswatch.core.message import EndOfStream, MediaMessage
from glasswatch.core.needs import AudioNeed, FactNeed, Need
from glasswatch.runtime.channels.follower import STOPPED, Backoff, Follower
from glasswatch.runtime.channels.session import LiveNumbers, Opener, Session, SessionRefusedError
from tests.media import write_video

NEEDS = [FactNeed()]
LIVE = Channel("c", "udp://h:1")
FILE = Channel("c", "/media/a.ts")


class Recorder:
    """A sink, and what it was told."""

    def __init__(self) -> None:
        self.messages: list[MediaMessage] = []
        self.told: list[ChannelStarted | ChannelStopped] = []

    def sink(self, message: MediaMessage) -> None:
        self.messages.append(message)

    @property
    def ends(self) -> list[str | None]:
        return [m.unit.reason for m in self.messages if isinstance(m.unit, EndOfStream)]


class Scripted:
    """Opens inputs as it is told: an error, or a session of the clip whose position is so many seconds at the end."""

    def __init__(self, clip: Path, *script: InputError | float) -> None:
        self.script = list(script)
        self.clip = clip

    def __call__(self, channel: Channel, needs: Collection[Need], numbers: LiveNumbers) -> Session:
        step = self.script.pop(0)
        if isinstance(step, InputError):
            raise step
        live = channel is not FILE
        session = Opener()(Channel("c", str(self.clip), live=live), needs, numbers)
        if step:
            session.position = Fraction(step)
        return session


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("media") / "a.ts", codec="mpeg2video", frames=50)


def follow(
    clip: Path, channel: Channel, *script: InputError | float, sink: Any = None, **more: Any
) -> tuple[Recorder, list[float], Follower]:
    """Follow until the script is used up; what was recorded, how long it paused, the follower."""
    recorder, pauses = Recorder(), []
    opener = Scripted(clip, *script)

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if not opener.script:
            follower.stop()

    follower = Follower(
        channel,
        NEEDS,
        sink or recorder.sink,
        recorder.told.append,
        open_session=opener,
        backoff=Backoff(lambda: 1.0),
        pause=pause,
        **more,
    )
    follower.run()
    return recorder, pauses, follower


LOST = InputError("cannot read it")


def test_a_file_is_decoded_once(clip: Path) -> None:
    recorder, pauses, follower = follow(clip, FILE, 0)
    assert follower.reason is None
    assert pauses == []
    assert recorder.ends == [None]
    assert recorder.told == [ChannelStarted("c", ("facts",)), ChannelStopped("c")]


def test_a_file_that_cannot_be_opened_is_told_once(clip: Path) -> None:
    recorder, pauses, follower = follow(clip, FILE, LOST)
    assert follower.reason == "cannot read it"
    assert pauses == []
    assert recorder.told == [ChannelStopped("c", "cannot read it")]


def test_a_url_said_to_be_a_file_is_not_tried_again(clip: Path) -> None:
    _, pauses, _ = follow(clip, Channel("c", "http://h/a.mp4", live=False), LOST)
    assert pauses == []


def test_a_live_input_gives_session_after_session(clip: Path) -> None:
    recorder, pauses, _ = follow(clip, LIVE, 0, 0, 0, numbers=LiveNumbers(lambda: 50.0))
    sessions = list(dict.fromkeys(message.session for message in recorder.messages))
    assert sessions == [50_000, 50_001, 50_002]
    assert recorder.ends == ["the live input ended"] * 3
    epochs = [m.unit.end.epoch for m in recorder.messages if not isinstance(m.unit, EndOfStream)]
    assert sorted(set(epochs)) == [50, 51, 52]
    assert epochs == sorted(epochs)
    assert pauses == [1, 2, 4]


def test_a_live_input_that_stays_away_is_told_once_and_tried_ever_more_seldom(clip: Path) -> None:
    recorder, pauses, _ = follow(clip, LIVE, *[LOST] * 8)
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]
    assert recorder.told == [ChannelStopped("c", "cannot read it"), ChannelStopped("c", STOPPED)]


def test_a_live_input_that_comes_back_is_told_again(clip: Path) -> None:
    recorder, _, _ = follow(clip, LIVE, LOST, LOST, 0, 0, LOST, 0)
    kinds = [type(told) for told in recorder.told]
    assert kinds == [ChannelStopped, ChannelStarted, ChannelStopped, ChannelStarted, ChannelStopped]


@pytest.mark.parametrize(("media_s", "next_pause"), [(59.0, 8), (61.0, 1)])
def test_good_media_begins_the_delays_anew(clip: Path, media_s: float, next_pause: float) -> None:
    _, pauses, _ = follow(clip, LIVE, LOST, LOST, LOST, media_s)
    assert pauses == [1, 2, 4, next_pause]


def test_once_opens_a_live_input_once(clip: Path) -> None:
    recorder, pauses, follower = follow(clip, LIVE, 0, once=True)
    assert pauses == []
    assert follower.reason == "the live input ended"
    assert recorder.told[-1] == ChannelStopped("c", "the live input ended")


@pytest.mark.parametrize("channel", [LIVE, FILE], ids=["live", "file"])
def test_stop_ends_a_live_session_and_leaves_a_files_session_open(clip: Path, channel: Channel) -> None:
    recorder = Recorder()

    def sink(message: MediaMessage) -> None:
        recorder.sink(message)
        follower.stop()

    opener = Scripted(clip, 0)
    follower = Follower(channel, NEEDS, sink, recorder.told.append, open_session=opener)
    follower.run()
    assert follower.reason == STOPPED
    assert recorder.told[-1] == ChannelStopped("c", STOPPED)
    assert recorder.ends == ([STOPPED] if channel is LIVE else [])
    assert [message.sequence for message in recorder.messages] == ([0, 1] if channel is LIVE else [0])


def test_stop_while_a_session_ends_tells_every_end_once(clip: Path) -> None:
    recorder = Recorder()

    def sink(message: MediaMessage) -> None:
        recorder.sink(message)
        if isinstance(message.unit, EndOfStream):
            follower.stop()

    needs = [FactNeed(), AudioNeed()]
    follower = Follower(LIVE, needs, sink, recorder.told.append, open_session=Scripted(clip, 0))
    follower.run()
    assert recorder.ends == ["the live input ended", STOPPED]
    assert {m.rendition for m in recorder.messages if isinstance(m.unit, EndOfStream)} == {"facts", "audio"}


def test_stop_ends_a_pause(clip: Path) -> None:
    begun = threading.Event()

    def opener(*_: Any) -> Session:
        begun.set()
        raise LOST

    follower = Follower(LIVE, NEEDS, Recorder().sink, lambda _: None, open_session=opener, backoff=Backoff(lambda: 60))
    thread = threading.Thread(target=follower.run)
    thread.start()
    assert begun.wait(5)
    follower.stop()
    thread.join(1)
    assert not thread.is_alive()


@pytest.mark.parametrize("channel", [LIVE, FILE], ids=["live", "file"])
def test_what_the_sink_refuses_ends_the_session_with_the_reason(clip: Path, channel: Channel) -> None:
    recorder = Recorder()

    def sink(message: MediaMessage) -> None:
        if not isinstance(message.unit, EndOfStream):
            raise SessionRefusedError("too large")
        recorder.sink(message)

    followed, pauses, follower = follow(clip, channel, 0, sink=sink)
    assert recorder.ends == ["too large"]
    assert ChannelStopped("c", "too large") in followed.told
    assert len(pauses) == (channel is LIVE)
    assert follower.reason == (STOPPED if channel is LIVE else "too large")


def test_what_else_the_sink_raises_goes_to_the_caller(clip: Path) -> None:
    def sink(_: MediaMessage) -> None:
        raise BrokerError("gone")

    with pytest.raises(BrokerError, match="gone"):
        follow(clip, LIVE, 0, sink=sink)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_delays_are_half_to_whole_and_no_longer_than_half_a_minute(chances: list[float]) -> None:
    backoff = Backoff(iter(chances).__next__)
    for attempt in range(len(chances)):
        full = min(2.0**attempt, 30.0)
        assert full / 2 <= backoff.next() <= full
    backoff.reset()
    backoff._chance = lambda: 1.0
    assert backoff.next() == 1.0
