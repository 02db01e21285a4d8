"""Program specific information of an MPEG transport stream: sections, PAT and PMT (ISO/IEC 13818-1, 2.4.4).

Everything here reads bytes that may be damaged or hostile: what does not fit gives None, never an exception, and no
buffer grows beyond one section.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from glasswatch.decoder.checksums.crc import crc32_04c11db7

PAT_PID = 0x0000
PAT_TABLE, PMT_TABLE, STUFFING = 0x00, 0x02, 0xFF

_HEADER = 3
_LONGEST = _HEADER + 4093

_VIDEO_TYPES = frozenset({0x01, 0x02, 0x10, 0x1B, 0x1F, 0x20, 0x21, 0x24, 0x25, 0x32, 0x33, 0x42, 0xD1, 0xD2, 0xEA})
_AUDIO_TYPES = frozenset({0x03, 0x04, 0x0F, 0x11, 0x1C, 0x2D, 0x2E, 0x81, 0x87})
"""Stream types of ISO/IEC 13818-1 table 2-34, and those of ATSC A/53 (0x81, 0x87), AVS, Dirac and VC-1."""

_PRIVATE_PES = 0x06
_DVB_AUDIO_DESCRIPTORS = frozenset({0x6A, 0x7A, 0x7B, 0x7C})
"""AC-3, Enhanced AC-3, DTS and AAC in private PES (ETSI EN 300 468, table 12)."""


def crc_holds(section: bytes) -> bool:
    """Whether the CRC_32 at the end of `section` fits it (ISO/IEC 13818-1 annex A)."""
    return crc32_04c11db7(section, 0xFFFFFFFF) == 0


@dataclass(slots=True)
class SectionReader:
    """Puts the sections of one PID together from the payloads of its packets."""

    _pending: bytearray | None = None

    def reset(self) -> None:
        """Forget a half section: packets have been lost, wait for the next start."""
        self._pending = None

    def feed(self, payload: bytes, starts: bool) -> Iterator[bytes]:
        """Sections completed by this payload; `starts` is the packet's payload_unit_start_indicator."""
        if not payload:
            return
        if starts:
            first = 1 + payload[0]
            if self._pending is not None:
                self._pending += payload[1:first]
                yield from self._complete()
            self._pending = bytearray(payload[first:])
        elif self._pending is not None:
            self._pending += payload
        yield from self._complete()

    def _complete(self) -> Iterator[bytes]:
        while self._pending:
            if self._pending[0] == STUFFING:
                self._pending = None
                return
            if len(self._pending) < _HEADER:
                return
            length = _HEADER + ((self._pending[1] & 0x0F) << 8 | self._pending[2])
            if length > _LONGEST:
                self._pending = None
                return
            if len(self._pending) < length:
                return
            yield bytes(self._pending[:length])
            del self._pending[:length]
        self._pending = None


@dataclass(frozen=True, slots=True)
class PatSection:
    """One section of the program association table: PMT PIDs by programme number."""

    version: int
    number: int
    last_number: int
    programmes: dict[int, int]


@dataclass(frozen=True, slots=True)
class PmtSection:
    """A programme's map.

    Attributes:
        programme: Its number.
        streams: PIDs of its audio and video, with their kind in words. Streams that may rightly be silent for long
            (subtitles, markers, data) are not among them.
        pids: PIDs of all its streams, in order.
    """

    programme: int
    streams: dict[int, str] = field(default_factory=dict)
    pids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Tables:
    """What PAT and PMTs name from a place in the stream on.

    Attributes:
        offset: Where the last PAT stands before the section that changed them, in bytes: who begins to read here finds
            all of them.
        programmes: PIDs of each programme in the order of its PMT, None while that has not come; by programme number
            in the order of the PAT.
        pmt_pids: PID of each programme's PMT.
    """

    offset: int
    programmes: Mapping[int, tuple[int, ...] | None]
    pmt_pids: Mapping[int, int]

    @property
    def complete(self) -> bool:
        """Whether every programme's PMT has come."""
        return None not in self.programmes.values()

    def only_of_others(self, programme: int) -> frozenset[int]:
        """PIDs that other programmes have, and this one does not share."""
        used = {n: {*(pids or ()), self.pmt_pids[n]} for n, pids in self.programmes.items()}
        return frozenset().union(*used.values()) - used.get(programme, set())


def parse_pat(section: bytes) -> PatSection | None:
    """A PAT section that is valid now; None where it is not one, or only announces the next version."""
    if len(section) < 12 or section[0] != PAT_TABLE or not section[5] & 1:
        return None
    programmes: dict[int, int] = {}
    for at in range(8, len(section) - 7, 4):
        number = section[at] << 8 | section[at + 1]
        if number:
            programmes[number] = (section[at + 2] & 0x1F) << 8 | section[at + 3]
    return PatSection(section[5] >> 1 & 0x1F, section[6], section[7], programmes)


def parse_pmt(section: bytes) -> PmtSection | None:
    """A PMT section that is valid now; None where it is not one, or only announces the next version."""
    if len(section) < 16 or section[0] != PMT_TABLE or not section[5] & 1:
        return None
    streams: dict[int, str] = {}
    pids: list[int] = []
    at, end = 12 + ((section[10] & 0x0F) << 8 | section[11]), len(section) - 4
    while at + 5 <= end:
        stream_type = section[at]
        pid = (section[at + 1] & 0x1F) << 8 | section[at + 2]
        descriptors = section[at + 5 : at + 5 + ((section[at + 3] & 0x0F) << 8 | section[at + 4])]
        pids.append(pid)
        if stream_type in _VIDEO_TYPES:
            streams[pid] = "video"
        elif stream_type in _AUDIO_TYPES or (stream_type == _PRIVATE_PES and _names_audio(descriptors)):
            streams[pid] = "audio"
        at += 5 + len(descriptors)
    return PmtSection(section[3] << 8 | section[4], streams, tuple(pids))


def _names_audio(descriptors: bytes) -> bool:
    at = 0
    while at + 2 <= len(descriptors):
        if descriptors[at] in _DVB_AUDIO_DESCRIPTORS:
            return True
        at += 2 + descriptors[at + 1]
    return False
