"""Packets of an input, from one opened container or from several that stand at different places of one file."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import av
from av.packet import Packet
from av.stream import Stream

from glasswatch.core.redact import redact
from glasswatch.decoder.ogg_links import next_link


def without_leftovers(packets: Iterator[Packet[Any]]) -> Iterator[Packet[Any]]:
    """Packets of a transport stream in which FFmpeg follows the PIDs, without those that come much too late.

    It holds the last packet of a PID until the PID goes on, or to the end of the input. A picture of before the
    advertisements would then be shown after them; the place in the input tells, whatever its time. It is one packet:
    what comes after it is taken, wherever it lies.
    """
    last: dict[Stream, int] = {}
    for packet in packets:
        if packet.pos is not None:
            if packet.pos < last.pop(packet.stream, -1):
                continue
            last[packet.stream] = packet.pos
        yield packet


def until_next_link(packets: Iterator[Packet[Any]], path: Path) -> Iterator[Packet[Any]]:
    """Packets of an Ogg file up to where its next link begins, none of which FFmpeg reads with the right headers."""
    last: int | None = None
    for packet in packets:
        if packet.pos is not None:
            if last is not None and packet.pos > last and next_link(path, last, packet.pos) is not None:
                return
            last = max(packet.pos, last or 0)
        yield packet


class Feed:
    """Packets of one container, in the order of the file.

    Attributes:
        position: Where in the file the last packet lies that has a place, in bytes.
        busy_s: Wall seconds spent in the demuxer.
        failure: Why it could not be read to its end.
    """

    def __init__(self, packets: Iterator[Packet[Any]]) -> None:
        self.position = 0
        self.busy_s = 0.0
        self.failure: str | None = None
        self._packets = packets
        self._next: Packet[Any] | None = None

    def look(self) -> bool:
        """Read the next packet, if that is not done yet; False at the end."""
        if self._next is None:
            self._next = self._read()
            if self._next is not None and self._next.pos is not None:
                self.position = self._next.pos
        return self._next is not None

    def take(self) -> Packet[Any]:
        """The packet that `look` has read."""
        packet, self._next = self._next, None
        assert packet is not None
        return packet

    def _read(self) -> Packet[Any] | None:
        started = time.perf_counter()
        try:
            for packet in self._packets:
                if not _is_flush(packet):
                    return packet
        except (av.FFmpegError, OSError) as error:
            self.failure = redact(str(getattr(error, "strerror", None) or error))
        except IndexError:
            # PyAV trips over streams that appeared after opening when it comes to flush at the end of the input.
            pass
        finally:
            self.busy_s += time.perf_counter() - started
        return None


class Feeds:
    """Packets of all containers of an input, by their place in the file."""

    def __init__(self, packets: Iterator[Packet[Any]], more: Callable[[int], Iterable[Iterator[Packet[Any]]]]) -> None:
        """Begin.

        Args:
            packets: Of the first container.
            more: Called with the place of the next packet, at the end with one behind all of them; gives the packets of
                containers that come in before it.
        """
        self._more = more
        self._feeds = [Feed(packets)]
        self._ended: list[Feed] = []

    @property
    def failure(self) -> str | None:
        """Why one of them could not be read to its end."""
        return next((feed.failure for feed in self._ended if feed.failure is not None), None)

    @property
    def position(self) -> int:
        """Where in the file the last packet lies of those that have ended."""
        return max((feed.position for feed in self._ended), default=0)

    def forgive(self) -> None:
        """Take note that what could not be read is read in another container."""
        for feed in self._ended:
            feed.failure = None

    @property
    def busy_s(self) -> float:
        """Wall seconds spent in the demuxers."""
        return sum(feed.busy_s for feed in (*self._feeds, *self._ended))

    def __iter__(self) -> Iterator[Packet[Any]]:
        while True:
            self._ended += [feed for feed in self._feeds if not feed.look()]
            self._feeds = [feed for feed in self._feeds if feed not in self._ended]
            first = min(self._feeds, key=lambda feed: feed.position, default=None)
            if more := [Feed(packets) for packets in self._more(sys.maxsize if first is None else first.position)]:
                self._feeds += more
            elif first is not None:
                yield first.take()
            else:
                return


def _is_flush(packet: Packet[Any]) -> bool:
    """Whether it is one of the empty packets by which PyAV marks the end of the input."""
    return packet.size == 0 and packet.dts is None and packet.pts is None
