"""Whether an MP3 file states how many frames it has: where it does not, FFmpeg guesses the length from the bit rate."""

from __future__ import annotations

import re
from pathlib import Path

MOST_BYTES = 1 << 12
"""How far the first frame is looked for behind a tag: some writers pad."""

_HEADER = re.compile(rb"\xff[\xe2-\xff][^\xff].(?:.{17}|.{32}|.{9})(?:.{2})?(Xing|Info)(.{4})", re.DOTALL)
"""A frame whose side information is followed by a header with flags (32 or 17 bytes, in MPEG-2 17 or 9; CRC 2 more)."""

_VBRI = re.compile(rb"\xff[\xe2-\xff].{34}VBRI", re.DOTALL)
_HAS_FRAMES, _HAS_BYTES = 1, 2


def states_frames(path: Path) -> bool:
    """Whether the first frame holds a Xing, Info or VBRI header that counts the frames of the file.

    Where the file is more than a sixteenth longer than the header says, it is of several that were joined, whose first
    header says nothing of the others; FFmpeg does not believe it either.
    """
    with path.open("rb") as file:
        start = file.seek(_tag_bytes(file.read(10)))
        data = file.read(MOST_BYTES)
        length = file.seek(0, 2) - start
    found = _HEADER.search(data)
    if found is None or not found[2][3] & _HAS_FRAMES:
        return _VBRI.search(data) is not None
    stated = int.from_bytes(data[found.end() + 4 : found.end() + 8], "big") if found[2][3] & _HAS_BYTES else 0
    return not stated or length - stated <= stated >> 4


def _tag_bytes(start: bytes) -> int:
    """Length of an ID3v2 tag at the start, 0 where there is none; its size has 7 bits in each byte."""
    if len(start) < 10 or not start.startswith(b"ID3"):
        return 0
    size = 0
    for byte in start[6:10]:
        size = size << 7 | byte & 0x7F
    return 10 + size
