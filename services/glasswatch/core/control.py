"""What is said about channels besides their media: which are watched, how far work on them has come."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from glasswatch.core.time import Instant


@dataclass(frozen=True, slots=True)
class EndOfStream:
    """The last message of a rendition: detectors say what they still hold.

    Attributes:
        at: Where the media ends, None where there was none.
        reason: Why, None at the regular end of the input.
    """

    at: Instant | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Watermark:
    """A detector has said all that it will say about a channel's media before `at`.

    Attributes:
        channel: Channel id.
        detector: Name of the detector.
        at: Up to where.
        track: Which track, None where there is one only.
        final: Whether the channel's media has ended.
    """

    channel: str
    detector: str
    at: Instant
    track: str | None = None
    final: bool = False


@dataclass(frozen=True, slots=True)
class ChannelConfig:
    """A channel to be watched.

    Attributes:
        channel: Channel id.
        location: File or URL of the input; it may hold credentials.
        detectors: Names of the detectors that run on it, all when empty.
    """

    channel: str
    location: str
    detectors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChannelRemoved:
    """A channel is to be watched no longer."""

    channel: str


@dataclass(frozen=True, slots=True)
class ChannelStarted:
    """A decoder has begun with a channel and publishes these renditions."""

    channel: str
    renditions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChannelStopped:
    """A decoder has ended a channel, for this reason if not at the regular end of the input."""

    channel: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class EpochStarted:
    """An epoch of a channel's timeline lies here: position in the input = presentation time + `offset`, in seconds."""

    channel: str
    epoch: int
    offset: Fraction


ControlMessage = ChannelConfig | ChannelRemoved | ChannelStarted | ChannelStopped | EpochStarted
