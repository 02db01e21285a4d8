"""Just enough of MPEG-2 transport streams (ISO/IEC 13818-1) to damage one: packets, PES timestamps, clocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

PACKET_BYTES = 188
SYNC_BYTE = 0x47
CLOCK_HZ = 90_000
CLOCK_RANGE = 1 << 33
VIDEO_STREAM_IDS = range(0xE0, 0xF0)
# Stream ids of audio and of private_stream_1, which carries AC-3 and Opus.
AUDIO_STREAM_IDS = frozenset({*range(0xC0, 0xE0), 0xBD})


@dataclass(slots=True)
class TransportPacket:
    """One packet; `time` is the PTS in seconds of the access unit that it belongs to, None outside pictures and sound.

    `starts` is true where an access unit begins, `key` where its adaptation field marks random access.
    """

    data: bytearray
    pid: int
    kind: str | None
    time: Fraction | None
    starts: bool
    key: bool


def packets(path: Path) -> Iterator[TransportPacket]:
    """The packets of a well-formed transport stream, one by one."""
    kinds: dict[int, str] = {}
    times: dict[int, Fraction] = {}
    with path.open("rb") as file:
        while len(data := bytearray(file.read(PACKET_BYTES))) == PACKET_BYTES:
            if data[0] != SYNC_BYTE:
                raise ValueError("lost the transport stream's sync byte")
            pid = (data[1] & 0x1F) << 8 | data[2]
            starts = bool(data[1] & 0x40)
            payload = _payload(data)
            if starts and payload is not None and data[payload : payload + 3] == b"\0\0\1":
                stream_id = data[payload + 3]
                kind = "video" if stream_id in VIDEO_STREAM_IDS else "audio" if stream_id in AUDIO_STREAM_IDS else None
                if kind and data[payload + 7] & 0x80:
                    kinds[pid] = kind
                    times[pid] = Fraction(_read_stamp(data, payload + 9), CLOCK_HZ)
            known = kinds.get(pid)
            key = bool(data[3] & 0x20 and data[4] and data[5] & 0x40)
            yield TransportPacket(data, pid, known, times.get(pid), starts and known is not None, key)


def shift_clocks(packet: TransportPacket, ticks: int) -> None:
    """Add `ticks` of 90 kHz to the packet's PTS, DTS and PCR, in place."""
    data = packet.data
    if data[3] & 0x20 and data[4] and data[5] & 0x10:
        base = (int.from_bytes(data[6:10], "big") << 1 | data[10] >> 7) + ticks
        base %= CLOCK_RANGE
        data[6:10] = (base >> 1).to_bytes(4, "big")
        data[10] = (base & 1) << 7 | data[10] & 0x7F
    payload = _payload(data)
    if packet.starts and payload is not None:
        flags = data[payload + 7] >> 6
        for n in range({2: 1, 3: 2}.get(flags, 0)):
            at = payload + 9 + 5 * n
            _write_stamp(data, at, (_read_stamp(data, at) + ticks) % CLOCK_RANGE)


def _payload(data: bytearray) -> int | None:
    """Where the payload begins, None without one."""
    if not data[3] & 0x10:
        return None
    at = 5 + data[4] if data[3] & 0x20 else 4
    return at if at + 19 <= PACKET_BYTES else None


def _read_stamp(data: bytearray, at: int) -> int:
    """A 33-bit timestamp of a PES header (clause 2.4.3.7)."""
    high, middle, low = data[at] >> 1 & 7, data[at + 1] << 7 | data[at + 2] >> 1, data[at + 3] << 7 | data[at + 4] >> 1
    return high << 30 | middle << 15 | low


def _write_stamp(data: bytearray, at: int, value: int) -> None:
    data[at] = data[at] & 0xF0 | (value >> 30 & 7) << 1 | 1
    data[at + 1] = value >> 22 & 0xFF
    data[at + 2] = (value >> 15 & 0x7F) << 1 | 1
    data[at + 3] = value >> 7 & 0xFF
    data[at + 4] = (value & 0x7F) << 1 | 1
