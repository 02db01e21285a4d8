"""Which channels are watched, and which decoders have begun or ended them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChannelConfig:
    """A channel to be watched.

    Attributes:
        channel: Channel id.
        location: File or URL of the input; it may hold credentials.
        detectors: Names of the detectors that run on it, all when empty.
        program: Number of the programme of a multiplex, None for the first one that has picture.
    """

    channel: str
    location: str
    detectors: tuple[str, ...] = ()
    program: int | None = None


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


ControlMessage = ChannelConfig | ChannelRemoved | ChannelStarted | ChannelStopped
