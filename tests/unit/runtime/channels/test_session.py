from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glasswatch.config.channels import Channel
from glasswatch.core.errors import InputError
from glasswatch.core.media import FactKind, StreamFact
from glasswatch.core.message import EndOfStream, MediaMessage
from glasswatch.core.needs import AudioNeed, Planes, VideoNeed
from glasswatch.core.time import Instant
from glasswatch.decoder.decode import Decoder
from glasswatch.decoder.source import open_source
from glasswatch.runtime.channels.session import LiveNumbers, Opener, Session, file_session, is_live
from glasswatch.wire.media import encode_media
from tests.media import write_video

NEEDS = [VideoNeed(Planes.LUMA, lines=32), AudioNeed()]
RENDITIONS = {"luma-32", "audio", "facts"}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("media") / "a.ts", codec="mpeg2video", frames=60, audio_s=2.4)


@pytest.fixture
def cut_clip(clip: Path, tmp_path: Path) -> Path:
    """The clip twice: timestamps jump back in the middle."""
    path = tmp_path / "twice.ts"
    path.write_bytes(clip.read_bytes() * 2)
    return path


def play(path: Path, *, live: bool | None = None, numbers: LiveNumbers | None = None) -> list[MediaMessage]:
    with closing(Opener()(Channel("c", str(path), live=live), NEEDS, numbers or LiveNumbers())) as session:
        return list(session.messages())


def encoded(messages: list[MediaMessage]) -> list[bytes]:
    return [encode_media(message, 1 << 30).value for message in messages]


@settings(max_examples=25)
@given(where=st.sampled_from(["head", "middle", "whole"]), damage=st.integers(0, 2**32 - 1))
def test_a_file_gives_the_same_bytes_again(clip: Path, where: str, damage: int) -> None:
    data = bytearray(clip.read_bytes())
    if where != "whole":
        at = damage % (len(data) // 2) + (len(data) // 2 if where == "middle" else 0)
        data[at : at + 97] = damage.to_bytes(4, "big") * 24 + b"\x00"
    path = clip.with_name("damaged.ts")
    path.write_bytes(data)
    try:
        assert encoded(play(path)) == encoded(play(path))
    except InputError:
        with pytest.raises(InputError):
            play(path)


def test_sequences_count_and_every_rendition_ends(clip: Path) -> None:
    messages = play(clip)
    assert {message.session for message in messages} == {messages[0].session}
    assert {message.rendition for message in messages} == RENDITIONS
    for rendition in RENDITIONS:
        own = [message for message in messages if message.rendition == rendition]
        assert [message.sequence for message in own] == list(range(len(own)))
        ends = [message.unit for message in own if isinstance(message.unit, EndOfStream)]
        assert [type(message.unit) for message in own[-1:]] == [EndOfStream]
        assert len(ends) == 1
        assert ends[0].reason is None
        assert ends[0].at == max(m.unit.end for m in own if not isinstance(m.unit, EndOfStream))


def test_units_are_those_of_the_decoder(clip: Path) -> None:
    with closing(open_source(str(clip))) as source:
        decoder = Decoder(source, NEEDS, threads=1)
        expected = [(unit.end, decoder.timeline.offset(unit.end.epoch)) for unit in decoder.units()]
    got = [(m.unit.end, m.offset) for m in play(clip) if not isinstance(m.unit, EndOfStream)]
    assert got == expected


def test_a_rendition_without_media_ends_too(tmp_path: Path) -> None:
    silent = write_video(tmp_path / "a.mp4", frames=10)
    lull, end = [message for message in play(silent) if message.rendition == "audio"]
    assert isinstance(lull.unit, StreamFact)
    assert (lull.unit.kind, lull.unit.message) == (FactKind.PROGRESS, "the input has no sound")
    assert lull.unit.at == Instant(0, Fraction(2, 5))
    assert end.unit == EndOfStream(None)
    assert (lull.sequence, end.sequence) == (0, 1)


def test_lulls_of_live_sessions_are_in_the_epochs_of_the_channel(tmp_path: Path) -> None:
    silent = write_video(tmp_path / "a.mp4", frames=10)
    played = play(silent, live=True, numbers=LiveNumbers(lambda: 1000.25))
    (lull,) = [m.unit for m in played if m.rendition == "audio" and isinstance(m.unit, StreamFact)]
    assert lull.at.epoch == 1000


def test_a_file_changed_in_any_way_is_another_session(clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.ts"
    path.write_bytes(clip.read_bytes())
    os.utime(path, ns=(1, 10**18))
    sessions = [play(path)[0].session, play(path)[0].session]
    os.utime(path, ns=(1, 10**18 + 1))
    sessions.append(play(path)[0].session)
    path.write_bytes(clip.read_bytes() + clip.read_bytes())
    os.utime(path, ns=(1, 10**18))
    sessions.append(play(path)[0].session)
    moved = path.rename(tmp_path / "b.ts")
    sessions.append(play(moved)[0].session)
    assert sessions[0] == sessions[1]
    assert len(set(sessions)) == 4
    assert all(session >> 63 for session in sessions)


def test_epochs_of_live_sessions_follow_the_clock(cut_clip: Path) -> None:
    numbers = LiveNumbers(lambda: 1000.25)
    first, second = (play(cut_clip, live=True, numbers=numbers) for _ in range(2))
    assert all(message.live for message in first)
    assert {m.session for m in first} == {1_000_250}
    assert {m.session for m in second} == {1_000_251}
    plain = [unit.end for unit in units(play(cut_clip))]
    assert {at.epoch for at in plain} == {0, 1}
    assert [unit.end for unit in units(first)] == [Instant(1000 + at.epoch, at.seconds) for at in plain]


def test_a_live_session_ends_with_a_reason(clip: Path) -> None:
    messages = play(clip, live=True)
    ends = [message.unit for message in messages if isinstance(message.unit, EndOfStream)]
    assert {end.reason for end in ends} == {"the live input ended"}
    assert len(ends) == len(RENDITIONS)


def test_follower_numbers_go_beyond_epochs_that_were_used(cut_clip: Path) -> None:
    numbers = LiveNumbers(lambda: 1000.0)
    opener = Opener()
    channel = Channel("c", str(cut_clip), live=True)
    with closing(opener(channel, NEEDS, numbers)) as session:
        list(session.messages())
        assert session.last_epoch == 1001
        numbers.see(session.last_epoch)
    assert numbers.next()[1] == 1002


@given(st.lists(st.tuples(st.floats(0, 2e9), st.integers(0, 5)), min_size=2, max_size=20))
def test_live_numbers_grow_whatever_the_clock_does(openings: list[tuple[float, int]]) -> None:
    now = 0.0
    numbers = LiveNumbers(lambda: now)
    before = (-1, -1)
    for now, cuts in openings:
        session, epoch = numbers.next()
        assert session > before[0]
        assert epoch > before[1]
        assert session >= int(now * 1000)
        assert not session >> 63
        numbers.see(epoch + cuts)
        before = (session, epoch + cuts)


@given(st.lists(st.tuples(st.text(), st.integers(0), st.integers(0)), unique=True, max_size=50))
def test_files_have_numbers_of_their_own(identities: list[tuple[str, int, int]]) -> None:
    numbers = [file_session(*identity) for identity in identities]
    assert len(set(numbers)) == len(numbers)
    assert all(1 << 63 <= number < 1 << 64 for number in numbers)


class Input:
    """What `is_live` looks at."""

    def __init__(self, location: str, duration: int | None, path: Path | None = None) -> None:
        self.location = location
        self.path = path
        self.container = type("Container", (), {"duration": duration})


@pytest.mark.parametrize(
    ("location", "duration", "path", "live"),
    [
        ("/a.ts", None, Path("/a.ts"), False),
        ("https://h/film.mp4", 5_000_000, None, False),
        ("HTTP://h/vod.m3u8", 5_000_000, None, False),
        ("https://h/live.m3u8", None, None, True),
        ("http://h/live.ts", 0, None, True),
        ("udp://h:1", 5_000_000, None, True),
        ("rtmp://h/a", None, None, True),
        ("srt://h:1", None, None, True),
    ],
)
def test_what_is_live(location: str, duration: int | None, path: Path | None, live: bool) -> None:
    source: Any = Input(location, duration, path)
    assert is_live(source) is live


def test_an_input_cut_short_says_so(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", frames=250, container_options={"movflags": "faststart"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    messages = play(path)
    reasons = {message.unit.reason for message in messages if isinstance(message.unit, EndOfStream)}
    told = {unit.message for unit in units(messages) if getattr(unit, "kind", None) is FactKind.TRUNCATED}
    assert reasons <= told | {None}


class Breaking:
    """A decoder with a defect."""

    def __init__(self, *_: Any, **__: Any) -> None:
        self.timeline = type("Timeline", (), {"offset": lambda *_: Fraction(0)})()

    def units(self) -> Iterator[StreamFact]:
        yield StreamFact(FactKind.PROGRESS, Instant(0, Fraction(1)), "container", "on")
        raise RuntimeError("a defect")


def test_a_defect_of_the_decoder_ends_the_session_with_the_reason(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glasswatch.runtime.channels.session.Decoder", Breaking)
    with closing(open_source(str(clip))) as source:
        session = Session("c", source, NEEDS, number=1, first_epoch=0, live=False)
        messages = list(session.messages())
    ends = [message.unit for message in messages if isinstance(message.unit, EndOfStream)]
    assert {end.reason for end in ends} == {"the decoder failed: RuntimeError: a defect"}
    assert Counter(message.rendition for message in messages) == {"facts": 2, "audio": 1, "luma-32": 1}


def units(messages: list[MediaMessage]) -> list[Any]:
    return [message.unit for message in messages if not isinstance(message.unit, EndOfStream)]
