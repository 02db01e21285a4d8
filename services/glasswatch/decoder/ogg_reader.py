"""Reads a local Ogg file alongside the demuxer, so that its pages are checked at their place in time.

FFmpeg leaves out a page that does not fit its checksum; a hole in the timestamps is all that shows then.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from glasswatch.core.media import FactKind, StreamFact
from glasswatch.core.time import Instant
from glasswatch.decoder.checksums.crc import crc32_04c11db7

BLOCK = 1 << 16
"""Bytes read at a time."""

_CAPTURE = b"OggS"
_HEADER = 27
_CRC = slice(22, 26)


class OggReader:
    """Compares the CRC-32 of each page (RFC 3533, 6) up to the position that the demuxer has reached."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self._pending = b""
        self._at = 0
        self._found = False
        self._lost = False
        self._since: tuple[Instant, int] | None = None

    def read_to(self, position: int, where: Instant) -> Iterator[StreamFact]:
        """Facts shown by the pages that begin before `position`, placed at `where`."""
        if self._since is None or self._since[0].epoch != where.epoch:
            self._since = where, self._at
        while self._at < position:
            size = self._page_size()
            if size is None or size > len(self._pending):
                data = self._file.read(BLOCK)
                if data:
                    self._pending += data
                    continue
                if size is not None and self._found:
                    values = {"missing_s": self._missing_s(where)}
                    text = "the input ends within a page"
                    yield StreamFact(FactKind.TRUNCATED, where, "container", text, values=values)
                self._pass(len(self._pending))
                return
            yield from self._check(size, where)

    def finish(self, where: Instant) -> Iterator[StreamFact]:
        """Facts shown by the rest of the file."""
        yield from self.read_to(sys.maxsize, where)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _page_size(self) -> int | None:
        """Bytes of the page that begins here, or up to the next one where none does; None where more must be read."""
        data = self._pending
        if not data.startswith(_CAPTURE):
            following = data.find(_CAPTURE)
            return following if following >= 0 else None
        if len(data) < _HEADER or len(data) < _HEADER + data[26]:
            return None
        return _HEADER + data[26] + sum(data[_HEADER : _HEADER + data[26]])

    def _check(self, size: int, where: Instant) -> Iterator[StreamFact]:
        page = self._pending[:size]
        if not page.startswith(_CAPTURE):
            # What stands before the first page, or behind the last one, is a tag; behind a damaged one, the rest of it.
            if self._found and not self._lost:
                yield self._fact(where, f"{size} bytes between two pages are no page")
            self._pass(size)
        elif _holds(page):
            self._found, self._lost = True, False
            self._pass(size)
        else:
            yield self._fact(where, "a page does not fit its CRC-32")
            self._lost = True
            # Its size may be what is damaged: the next page is looked for from here on.
            following = self._pending.find(_CAPTURE, len(_CAPTURE))
            self._pass(min(size, following) if following > 0 else size)

    def _missing_s(self, where: Instant) -> float:
        """About how many seconds the part of a page that is there holds, which decoders pass over."""
        since, first = self._since or (where, self._at)
        return float(where.seconds - since.seconds) * len(self._pending) / max(self._at - first, 1)

    def _pass(self, size: int) -> None:
        self._at += size
        self._pending = self._pending[size:]

    def _fact(self, where: Instant, text: str) -> StreamFact:
        return StreamFact(FactKind.CHECKSUM_FAILED, where, "container", text)


def _holds(page: bytes) -> bool:
    """Whether a page fits its checksum, which is least significant byte first and counts as zeros itself."""
    stated = int.from_bytes(page[_CRC], "little")
    return crc32_04c11db7(page[: _CRC.start] + bytes(4) + page[_CRC.stop :]) == stated
