"""Reads a local transport stream alongside the demuxer, so that its packets are checked at their place in time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from glasswatch.core.media import StreamFact
from glasswatch.core.time import Instant
from glasswatch.decoder.transport import TransportAnalyser, to_fact

BLOCK = 1 << 16
"""Bytes read at a time; a finding is placed at most this much too late."""


class TransportReader:
    """Feeds a file's bytes to the analyser, up to the position that the demuxer has reached.

    The bytes are read a second time, from the page cache, so that FFmpeg keeps its own fast way to read files.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self._analyser = TransportAnalyser()
        self._at = 0

    def read_to(self, position: int, where: Instant) -> Iterator[StreamFact]:
        """Facts shown by the bytes before `position`, placed at `where`."""
        while position - self._at >= BLOCK and (data := self._file.read(BLOCK)):
            self._at += len(data)
            yield from (to_fact(error, where) for error in self._analyser.feed(data))

    def finish(self, where: Instant) -> Iterator[StreamFact]:
        """Facts shown by the rest of the file."""
        yield from self.read_to(sys.maxsize, where)
        yield from (to_fact(error, where) for error in self._analyser.finish())

    def close(self) -> None:
        """Close the file."""
        self._file.close()
