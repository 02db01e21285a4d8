"""Which channels are wanted: by a file, or by the control topic."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from glasswatch.config.channels import Channel, load_channels
from glasswatch.core.control import ChannelConfig, ChannelRemoved, ChannelStarted, ChannelStopped
from glasswatch.core.errors import ConfigError, WireError
from glasswatch.wire.control import decode_control
from glasswatch.wire.headers import MessageType, check_headers

log = logging.getLogger(__name__)


class Wanted(Protocol):
    """Tells which channels are wanted, by id."""

    @property
    def complete(self) -> bool:
        """Whether all is known that was wanted when the process began."""
        ...

    def poll(self, *, again: bool = False) -> dict[str, Channel]:
        """The channels that are wanted now; `again` asks for finished ones anew."""
        ...


class WantedByFile:
    """The channels of a file, read again when it changes. An invalid change is logged, and the channels stay."""

    complete = True

    def __init__(self, path: Path) -> None:
        """Read the file; ConfigError where it is not valid."""
        self._path = path
        self._seen = self._stamp()
        self._revision = 0
        self._channels = load_channels(path)

    def poll(self, *, again: bool = False) -> dict[str, Channel]:
        """The channels that are wanted now."""
        stamp = self._stamp()
        if again or stamp != self._seen:
            self._seen = stamp
            self._revision += again
            try:
                self._channels = load_channels(self._path)
            except ConfigError as error:
                log.error("the channels stay as they are: %s", error)
        return {name: _revised(channel, self._revision) for name, channel in self._channels.items()}

    def _stamp(self) -> tuple[int, ...]:
        """Changes with the file; a mounted ConfigMap is replaced, not written to."""
        try:
            status = self._path.stat()
        except OSError:
            return ()
        return status.st_ino, status.st_size, status.st_mtime_ns


class Records(Protocol):
    """What is read of the control topic, see `adapters.kafka_log`."""

    @property
    def caught_up(self) -> bool:
        """Whether all has been read that was there when reading began."""
        ...

    def poll(self, timeout_s: float) -> Sequence[Record]:
        """The next messages."""
        ...


class Record(Protocol):
    """One message of the control topic."""

    @property
    def offset(self) -> int: ...  # noqa: D102
    @property
    def value(self) -> bytes: ...  # noqa: D102
    @property
    def headers(self) -> tuple[tuple[str, bytes], ...]: ...  # noqa: D102


@dataclass(slots=True)
class ControlState:
    """What the control topic says.

    Attributes:
        channels: Channels that are wanted.
        states: What decoders said last of each channel.
        finished: Channels whose input has been decoded to its regular end since they were last asked for.
    """

    channels: dict[str, Channel] = field(default_factory=dict)
    states: dict[str, ChannelStarted | ChannelStopped] = field(default_factory=dict)
    finished: set[str] = field(default_factory=set)

    @property
    def running(self) -> set[str]:
        """Channels that a decoder has begun and not ended."""
        return {name for name, state in self.states.items() if isinstance(state, ChannelStarted)}

    def read(self, record: Record) -> None:
        """Take one message in; one that is not valid is logged and left out."""
        try:
            check_headers(record.headers, MessageType.CONTROL, record.value)
            message = decode_control(record.value)
            match message:
                case ChannelConfig(channel, location, detectors, program):
                    what = Channel(channel, location, detectors, program=program, revision=record.offset)
                    self.channels[channel] = what
                    self.finished.discard(channel)
                case ChannelRemoved(channel):
                    self.channels.pop(channel, None)
                case ChannelStarted(channel) | ChannelStopped(channel):
                    self.states[channel] = message
                    if message == ChannelStopped(channel):
                        self.finished.add(channel)
        except (WireError, ConfigError) as error:
            log.warning("message %d of the control topic is left out: %s", record.offset, error)


class WantedByTopic:
    """The channels that were added on the control topic, not removed and not finished, followed from its first message.

    So a decoder that starts anew does not decode again what has been decoded.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._state = ControlState()
        self._revision = 0

    @property
    def complete(self) -> bool:
        """Whether all has been read that was there when reading began."""
        return self._records.caught_up

    def poll(self, *, again: bool = False) -> dict[str, Channel]:
        """The channels that are wanted now; none before all is known, for what is added may have been removed since."""
        for record in self._records.poll(0.05):
            self._state.read(record)
        if again:
            self._revision += 1
            self._state.finished.clear()
        if not self.complete:
            return {}
        channels = self._state.channels
        return {name: _revised(channels[name], self._revision) for name in channels if name not in self._state.finished}


def _revised(channel: Channel, more: int) -> Channel:
    """The channel, asked for `more` times again."""
    return replace(channel, revision=channel.revision + more)
