"""Reads a local transport stream alongside the demuxer, so that its packets are checked at their place in time."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from glasswatch.core.media import StreamFact
from glasswatch.core.time import Instant
from glasswatch.decoder.psi import Tables
from glasswatch.decoder.transport import TransportAnalyser, TransportError, to_fact

BLOCK = 1 << 16
"""Bytes read at a time."""

AHEAD = BLOCK + TransportAnalyser.BLOCK
"""So far ahead of the demuxer everything has been analysed: tables are known before the packets that follow them."""

FIRST_TABLES = 5_000_000
"""Bytes in which every programme's first PMT is looked for: FFmpeg's default probesize, in which it finds streams."""


class TransportReader:
    """Feeds a file's bytes to the analyser, a little ahead of the demuxer, and tells findings where that has come to.

    The bytes are read a second time, from the page cache, so that FFmpeg keeps its own fast way to read files.

    Attributes:
        others: PIDs of other programmes; findings about them are left out.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self._analyser = TransportAnalyser()
        self.others: frozenset[int] = frozenset()
        self._at = 0
        self._found: deque[TransportError] = deque()
        self._tables: deque[Tables] = deque()

    def tables(self, position: int) -> Iterator[Tables]:
        """Changes of the tables before `position` since the last call, in order."""
        self._read(position)
        while self._tables and self._tables[0].offset < position:
            yield self._tables.popleft()

    def read_to(self, position: int, where: Instant) -> Iterator[StreamFact]:
        """Facts shown by the bytes before `position`, placed at `where`."""
        self._read(position)
        while self._found and self._found[0].offset < position:
            error = self._found.popleft()
            if error.pid not in self.others:
                yield to_fact(error, where)

    def finish(self, where: Instant) -> Iterator[StreamFact]:
        """Facts shown by the rest of the file."""
        before = -1
        while before < self._at:
            before = self._at
            yield from self.read_to(before, where)
        self._found += self._analyser.finish()
        yield from self.read_to(sys.maxsize, where)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _read(self, position: int) -> None:
        """Read on to a little after a place, or to the end."""
        while self._at < position + AHEAD and (data := self._file.read(BLOCK)):
            self._at += len(data)
            self._found += self._analyser.feed(data)
            self._tables += self._analyser.tables
            self._analyser.tables.clear()


def first_tables(path: Path) -> Tables | None:
    """What the first PAT and the first PMT of each programme name, None where no PAT is found."""
    analyser = TransportAnalyser()
    found: Tables | None = None
    with path.open("rb", buffering=0) as file:
        for _ in range(0, FIRST_TABLES, TransportAnalyser.BLOCK):
            data = file.read(TransportAnalyser.BLOCK)
            is_end = len(data) < TransportAnalyser.BLOCK
            analyser.feed(data)
            if is_end:
                analyser.finish()
            for tables in analyser.tables:
                # A later version within these bytes is met while decoding.
                if found is None or (not found.complete and tables.programmes.keys() == found.programmes.keys()):
                    found = tables
            analyser.tables.clear()
            if is_end or (found is not None and found.complete):
                break
    return found
