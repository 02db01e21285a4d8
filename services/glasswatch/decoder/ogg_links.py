"""Chained Ogg (RFC 3533, 4): finding the link that FFmpeg does not read, since its stream has another form."""

from __future__ import annotations

import sys
from pathlib import Path

BLOCK = 1 << 16
"""Bytes read at a time."""

_CAPTURE = b"OggS"
_VERSION, _FLAGS = 4, 5
_BEGINS, _ALL_FLAGS = 0x02, 0x07
"""Flag of a page that begins a stream, and all that there are."""


def next_link(path: Path, position: int, last: int = sys.maxsize) -> int | None:
    """Where the next stream begins after a place in the file and not behind another; None where none does."""
    with path.open("rb") as file:
        file.seek(position + 1)
        start, data = position + 1, b""
        while (left := last + _FLAGS + 1 - file.tell()) > 0 and (block := file.read(min(left, BLOCK))):
            data += block
            at = data.find(_CAPTURE)
            while 0 <= at <= len(data) - _FLAGS - 1:
                if data[at + _VERSION] == 0 and data[at + _FLAGS] <= _ALL_FLAGS and data[at + _FLAGS] & _BEGINS:
                    return start + at
                at = data.find(_CAPTURE, at + 1)
            kept = data[-_FLAGS - 1 :]
            start, data = start + len(data) - len(kept), kept
    return None
