"""Discontinuities that an input announces: what is irregular there is no fault.

HLS puts EXT-X-DISCONTINUITY between segments (RFC 8216, 4.3.2.3), a transport stream sets discontinuity_indicator
(ISO/IEC 13818-1, 2.4.3.4), and an Ogg file chains streams, each with times of its own (RFC 3533, 4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

from av.packet import Packet

from glasswatch.decoder.playlist import MediaPlaylist
from glasswatch.decoder.source import Source
from glasswatch.decoder.streams import format_names
from glasswatch.decoder.ts_packets import Framer, Skipped


class Joins(Protocol):
    """Says where an input announces a discontinuity."""

    def announces(self, packet: Packet[Any], step: Fraction, position: Fraction) -> bool:
        """Whether an irregular step of timestamps belongs to a discontinuity that is announced.

        Args:
            packet: The packet behind the step.
            step: Seconds between where the packets of its stream had ended and its decoding time.
            position: How far the stream has been decoded, in seconds from the start of the input.
        """


class NoJoins:
    """For containers that cannot announce any."""

    def announces(self, packet: Packet[Any], step: Fraction, position: Fraction) -> bool:
        """Never."""
        return False


class ChainedJoins:
    """For Ogg: its pages count on within a chained stream, so timestamps that go back begin the next one."""

    def announces(self, packet: Packet[Any], step: Fraction, position: Fraction) -> bool:
        """Where timestamps go back."""
        return step < 0


BEFORE = 1 << 20
AFTER = 1 << 16
"""Bytes before and after a packet in which the indicator of its discontinuity lies. Streams of a multiplex are up to a
second apart (ISO/IEC 13818-1, 2.4.2.6), which is 1 MiB at 8 Mbit/s; the packet with the first clock reference of the
new time carries the indicator, and a picture may start a little before it."""


class TransportJoins:
    """For a local transport stream: looks for discontinuity_indicator around the packet, in any PID.

    The indicator on the PID of the clock reference stands for all streams of a programme.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._looked: range | None = None
        self._found: Sequence[int] = ()

    def announces(self, packet: Packet[Any], step: Fraction, position: Fraction) -> bool:
        """Where an indicator is near."""
        if packet.pos is None:
            return False
        wanted = range(max(0, packet.pos - BEFORE), packet.pos + AFTER)
        if self._looked is None or wanted.start < self._looked.start or wanted.stop > self._looked.stop:
            self._look(range(wanted.start, wanted.stop + BEFORE))
        return any(wanted.start <= offset < wanted.stop for offset in self._found)

    def _look(self, where: range) -> None:
        with self._path.open("rb") as file:
            file.seek(where.start)
            data = file.read(len(where))
        self._looked = where
        self._found = [
            where.start + int(offset)
            for part in Framer().cut(data, final=True)
            if not isinstance(part, Skipped)
            for offset in part.packets.offsets[part.packets.announced & ~part.packets.damaged]
        ]


@dataclass(slots=True)
class PlaylistJoins:
    """For HLS: looks into the media playlist, which a live one is read anew for."""

    playlist: MediaPlaylist

    def announces(self, packet: Packet[Any], step: Fraction, position: Fraction) -> bool:
        """Where the playlist has a discontinuity at about this position; in a live one, where it has any."""
        return self.playlist.has_discontinuity(position)


def joins_of(source: Source, playlist: MediaPlaylist | None) -> Joins:
    """What says where this input announces discontinuities."""
    if playlist is not None:
        return PlaylistJoins(playlist)
    if "ogg" in format_names(source.container):
        return ChainedJoins()
    if source.is_transport_stream and source.path is not None:
        return TransportJoins(source.path)
    return NoJoins()
