"""What came of one stream so far."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from av.audio.stream import AudioStream
from av.packet import Packet
from av.video.stream import VideoStream

from glasswatch.core.media import FactKind, MediaUnit, StreamFact
from glasswatch.core.time import Instant, Timeline
from glasswatch.decoder.packets import PacketTimes

Emit = Callable[[MediaUnit], None]
"""Where media units go, in the order in which they come about."""


CONFIRMED_S = Fraction(1, 2)
"""A flag stands if no announced join follows within this decoding time: the demuxer flags what it holds back then."""

MOST_FLAGGED = 64
"""Flagged packets whose frames may still be in the decoder."""


@dataclass(slots=True)
class Tally:
    """Counts of one stream, and its start.

    Attributes:
        stream: The stream.
        name: Its name in facts, for example "audio:1".
        emit: Where facts go.
        timeline: Where the epochs of the input lie.
        packets: Packets read.
        frames: Frames decoded.
        first: When the first frame is shown or heard.
        times: Decoding times of its packets.
        has_joined: Whether the programme has had this track only since a later PMT.
        has_left: Whether the programme has this track no longer, by its last PMT.
    """

    stream: VideoStream | AudioStream
    name: str
    emit: Emit
    timeline: Timeline
    packets: int = 0
    frames: int = 0
    first: Instant | None = None
    times: PacketTimes = field(default_factory=PacketTimes)
    _is_torn: bool = False
    _flagged: deque[int | None] = field(default_factory=lambda: deque(maxlen=MOST_FLAGGED))
    _unconfirmed: deque[tuple[Fraction | None, Instant]] = field(default_factory=deque)
    has_joined: bool = False
    has_left: bool = False

    def seconds(self, ticks: int | None) -> Fraction | None:
        """A timestamp or duration of the stream in seconds, None where there is none.

        By the stream's time base: frames that are drained from a decoder at the end carry none of their own.
        """
        time_base = self.stream.time_base
        return ticks * time_base if ticks is not None and time_base else None

    def start(self, at: Instant) -> None:
        """State that the first frame has been decoded."""
        self.first = at
        position = float(self.timeline.position(at))
        values = {"start_s": float(at.seconds), "position_s": position} | (
            {"announced": 1.0} if self.has_joined else {}
        )
        self.say(FactKind.STREAM_STARTED, at, "the stream starts", **values)

    def begin_torn(self, at: Instant) -> None:
        """State, once, that the first packets are the rest of a frame from before the recording began."""
        if not self._is_torn:
            self._is_torn = True
            self.say(FactKind.BROKEN_START, at, "the input begins within a frame")

    def flag(self, packet: Packet[Any], at: Instant) -> None:
        """Take note that a packet lacks data or carries an error flag; what follows tells whether that is a fault."""
        self._flagged.append(packet.pts)
        self._unconfirmed.append((self.times.end, at))

    def confirm_flags(self) -> None:
        """Report packets that were flagged and that no announced join has followed."""
        now = self.times.end
        while self._unconfirmed and (now is None or (self._unconfirmed[0][0] or 0) + CONFIRMED_S <= now):
            self._report_flag()

    def end_flags(self, *, is_fault: bool) -> None:
        """Report the packets that are still flagged at the end of the stream, or let them go."""
        while self._unconfirmed and is_fault:
            self._report_flag()

    def forgive_flags(self) -> None:
        """Let go of the packets before an announced join: data was not lost between them and what follows."""
        self._unconfirmed.clear()

    def is_flagged(self, pts: int | None) -> bool:
        """Whether a damaged frame, by its presentation time in ticks, is only that of a packet that was flagged."""
        return pts is not None and pts in self._flagged

    def _report_flag(self) -> None:
        _, at = self._unconfirmed.popleft()
        self.say(FactKind.CORRUPT_PACKET, at, "a packet lacks data or carries an error flag")

    def say(self, kind: FactKind, at: Instant, message: str, **values: float) -> None:
        """Report a fact about this stream."""
        self.emit(StreamFact(kind, at, self.name, message, values=values))
