"""The lengths that headers state: FFmpeg takes that of the file where it is shorter, and so hides a truncation."""

from __future__ import annotations

import re
import struct
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

from av.stream import Stream

MOST_CHUNKS = 256
"""Chunks in front of the samples that are passed over; real files have a handful."""

_PIPED = ((0, 0), (0x7FFFE000, 0x80000000), (0xFFFFE000, 0xFFFFFFFF))
"""Sizes that writers into a pipe, who cannot go back, put for one that they do not know: 0, and the largest that a
signed or an unsigned number of 32 bits holds, less the header."""

_LARGE = (b"RF64", b"BW64")
_W64_HEADER = 24
"""Bytes of a chunk's GUID and size, which the size of a chunk of Sony Wave64 includes."""

_DURATION = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")


def stated_length_s(path: Path) -> Fraction | None:
    """Seconds of PCM by the header of a RIFF, RF64 (EBU Tech 3306), Wave64 or CAF file; None where it states none."""
    with path.open("rb") as file:
        try:
            match file.read(4):
                case b"riff":
                    return _wave64(file)
                case b"caff":
                    return _caf(file)
                case form:
                    return _wave(file, form)
        except (struct.error, ValueError, OverflowError):
            return None


def lacks_length(path: Path) -> bool:
    """Whether it is an RF64 file whose writer could not go back: FFmpeg takes its size of 0 for that of the sound."""
    with path.open("rb") as file:
        head = file.read(36)
    return head[:4] in _LARGE and head[8:16] == b"WAVEds64" and head[28:36] == bytes(8)


def _wave(file: BinaryIO, form: bytes) -> Fraction | None:
    kind = file.read(8)[4:]
    if form not in (b"RIFF", *_LARGE) or kind != b"WAVE":
        return None
    bytes_per_s, long_size = 0, None
    for _ in range(MOST_CHUNKS):
        name, size = struct.unpack("<4sI", file.read(8))
        if name == b"data":
            size = long_size if size == 0xFFFFFFFF and long_size else size
            is_known = not any(low <= size <= high for low, high in _PIPED)
            return Fraction(size, bytes_per_s) if is_known and bytes_per_s else None
        start = file.tell()
        if name == b"fmt ":
            bytes_per_s = struct.unpack("<8xI", file.read(12))[0]
        elif name == b"ds64":
            long_size = struct.unpack("<8xQ", file.read(16))[0]
        file.seek(start + size + size % 2)
    return None


def _wave64(file: BinaryIO) -> Fraction | None:
    """Chunks have a GUID whose first four bytes are RIFF's name, and begin at multiples of 8."""
    file.seek(40)
    bytes_per_s = 0
    for _ in range(MOST_CHUNKS):
        name, size = struct.unpack("<4s12xQ", file.read(_W64_HEADER))
        if size < _W64_HEADER:
            return None
        if name == b"data":
            return Fraction(size - _W64_HEADER, bytes_per_s) if size > _W64_HEADER and bytes_per_s else None
        start = file.tell() - _W64_HEADER
        if name == b"fmt ":
            bytes_per_s = struct.unpack("<8xI", file.read(12))[0]
        file.seek(start + -(-size // 8) * 8)
    return None


def _caf(file: BinaryIO) -> Fraction | None:
    """Apple Core Audio Format; a size of -1 means: to the end of the file."""
    file.seek(8)
    bytes_per_s = Fraction(0)
    for _ in range(MOST_CHUNKS):
        name, size = struct.unpack(">4sq", file.read(12))
        if size < 0:
            return None
        if name == b"data":
            # It begins with a count of edits.
            return Fraction(size - 4) / bytes_per_s if bytes_per_s and size > 4 else None
        start = file.tell()
        if name == b"desc":
            rate, packet_bytes, packet_frames = struct.unpack(">d8xII", file.read(24))
            bytes_per_s = Fraction(rate) * packet_bytes / packet_frames if packet_frames else Fraction(0)
        file.seek(start + size)
    return None


def cut_avi_length_s(path: Path) -> Fraction | None:
    """Seconds of an AVI file by its main header, where the file is shorter than its first RIFF chunk; else None."""
    with path.open("rb") as file:
        head = file.read(52)
        length = file.seek(0, 2)
    if len(head) < 52 or head[:4] != b"RIFF" or head[8:12] != b"AVI " or head[24:28] != b"avih":
        return None
    size = int.from_bytes(head[4:8], "little")
    if length >= size + 8 or any(low <= size <= high for low, high in _PIPED):
        return None
    frame_us, frames = struct.unpack("<I12xI", head[32:52])
    return Fraction(frame_us * frames, 1_000_000) or None


def flac_length_s(streaminfo: bytes) -> Fraction | None:
    """Seconds by a FLAC stream's STREAMINFO (RFC 9639, 8.2), None where it states none."""
    rate, samples = int.from_bytes(streaminfo[10:13], "big") >> 4, int.from_bytes(streaminfo[13:18], "big")
    samples &= (1 << 36) - 1
    return Fraction(samples, rate) if len(streaminfo) >= 18 and rate and samples else None


def tagged_length_s(stream: Stream) -> Fraction | None:
    """Seconds by the tag that writers of Matroska give each track, None where it has none."""
    for name, value in stream.metadata.items():
        if name.partition("-")[0] == "DURATION" and (match := _DURATION.match(value)):
            hours, minutes, seconds = match.groups()
            return 3600 * int(hours) + 60 * int(minutes) + Fraction(seconds)
    return None
