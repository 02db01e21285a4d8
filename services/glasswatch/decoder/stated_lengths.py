"""The length that a WAV file states: FFmpeg takes that of the file where it is shorter, and so hides a truncation."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

MOST_CHUNKS = 256
"""Chunks in front of the samples that are passed over; real files have a handful."""

_PIPED = ((0, 0), (0x7FFFE000, 0x80000000), (0xFFFFE000, 0xFFFFFFFF))
"""Sizes that writers into a pipe, who cannot go back, put for one that they do not know: 0, and the largest that a
signed or an unsigned number of 32 bits holds, less the header."""


def stated_length_s(path: Path) -> Fraction | None:
    """Seconds of sound by the header of a RIFF or RF64 file (EBU Tech 3306); None where it states none."""
    with path.open("rb") as file:
        try:
            return _read(file)
        except struct.error:
            return None


def _read(file: BinaryIO) -> Fraction | None:
    form, _, kind = struct.unpack("<4sI4s", file.read(12))
    if form not in (b"RIFF", b"RF64", b"BW64") or kind != b"WAVE":
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
