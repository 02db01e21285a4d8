"""What came of one stream so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from glasswatch.core.media import FactKind, MediaUnit, StreamFact
from glasswatch.core.time import Instant

Emit = Callable[[MediaUnit], None]
"""Where media units go, in the order in which they come about."""


@dataclass(slots=True)
class Tally:
    """Counts of one stream, and its start.

    Attributes:
        stream: The stream.
        name: Its name in facts, for example "audio:1".
        emit: Where facts go.
        packets: Packets read.
        frames: Frames decoded.
        first: When the first frame is shown or heard.
    """

    stream: VideoStream | AudioStream
    name: str
    emit: Emit
    packets: int = 0
    frames: int = 0
    first: Instant | None = None

    def seconds(self, ticks: int | None) -> Fraction | None:
        """A timestamp or duration of the stream in seconds, None where there is none.

        By the stream's time base: frames that are drained from a decoder at the end carry none of their own.
        """
        time_base = self.stream.time_base
        return ticks * time_base if ticks is not None and time_base else None

    def start(self, at: Instant) -> None:
        """State that the first frame has been decoded."""
        self.first = at
        self.say(FactKind.STREAM_STARTED, at, "the stream starts", start_s=float(at.seconds))

    def say(self, kind: FactKind, at: Instant, message: str, **values: float) -> None:
        """Report a fact about this stream."""
        self.emit(StreamFact(kind, at, self.name, message, values=values))
