"""Errors of an MPEG transport stream as ETSI TR 101 290 (V1.4.1, clause 5.2) names them.

First priority, and the part of the second that one input shows. Intervals are measured on the stream's own clock, the
PCR, so they hold for files too: the wall clock says nothing about them. The analyser reads blocks of a fixed size, so
that its findings do not depend on the pieces in which the bytes arrive; whatever the bytes are, it holds a bounded
amount of memory and gives a bounded number of errors for each block.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType

import numpy as np

from glasswatch.core.media import FactKind, StreamFact
from glasswatch.core.time import Instant
from glasswatch.decoder.pcr import CLOCK_HZ, LONGEST_STEP_S, StreamTime
from glasswatch.decoder.psi import (
    PAT_PID,
    PAT_TABLE,
    PMT_TABLE,
    SectionReader,
    Tables,
    crc_holds,
    parse_pat,
    parse_pmt,
)
from glasswatch.decoder.ts_packets import NULL_PID, PIDS, Breaks, Continuity, Framer, Packets, Skipped, Stretch


class TransportErrorKind(StrEnum):
    """Indicators of TR 101 290 by their names, in the order of its tables 5.0a and 5.0b, and two more."""

    SYNC_LOSS = "TS_sync_loss"
    SYNC_BYTE = "Sync_byte_error"
    PAT = "PAT_error"
    CONTINUITY = "Continuity_count_error"
    PMT = "PMT_error"
    PID = "PID_error"
    TRANSPORT = "Transport_error"
    CRC = "CRC_error"
    PCR_REPETITION = "PCR_repetition_error"
    PCR_DISCONTINUITY = "PCR_discontinuity_indicator_error"
    SCRAMBLED = "scrambled"
    CUT = "cut_packet"


_FACT = MappingProxyType(
    {
        TransportErrorKind.SYNC_LOSS: FactKind.SYNC_LOST,
        TransportErrorKind.SYNC_BYTE: FactKind.SYNC_LOST,
        TransportErrorKind.PAT: FactKind.TABLE_ERROR,
        TransportErrorKind.CONTINUITY: FactKind.CONTINUITY_ERROR,
        TransportErrorKind.PMT: FactKind.TABLE_ERROR,
        TransportErrorKind.PID: FactKind.STREAM_MISSING,
        TransportErrorKind.TRANSPORT: FactKind.TRANSPORT_ERROR,
        TransportErrorKind.CRC: FactKind.TABLE_ERROR,
        TransportErrorKind.PCR_REPETITION: FactKind.CLOCK_ERROR,
        TransportErrorKind.PCR_DISCONTINUITY: FactKind.CLOCK_ERROR,
        TransportErrorKind.SCRAMBLED: FactKind.SCRAMBLED,
        TransportErrorKind.CUT: FactKind.TRUNCATED,
    }
)

_ABSENCE_S = MappingProxyType({TransportErrorKind.PAT: 0.5, TransportErrorKind.PMT: 0.5, TransportErrorKind.PID: 5.0})
"""Longest absence in seconds: indicators 1.3.a and 1.5.a; 1.6 leaves the period to the user."""

_PCR_INTERVAL_S = 0.1
"""Longest distance of two PCRs (indicators 2.3a and 2.3b; ISO/IEC 13818-1, 2.7.2)."""


@dataclass(frozen=True, slots=True)
class TransportError:
    """One finding, or several alike ones of one block.

    Attributes:
        kind: Which indicator.
        offset: Where in the stream, in bytes: the start of the packet that shows it.
        pid: Which PID; None where it concerns none, or more than are told one by one.
        clock: The reference clock's last reading up to there, in seconds of PCR time (wraps after 26.5 hours), None
            before the first. The reference is the first PCR PID of the stream, while it lasts.
        message: In words.
        count: How many alike errors this one stands for.
        gap_s: The interval in seconds, where an interval is what is wrong.
    """

    kind: TransportErrorKind
    offset: int
    pid: int | None
    clock: Fraction | None
    message: str
    count: int = 1
    gap_s: float | None = None


def to_fact(error: TransportError, at: Instant) -> StreamFact:
    """The stream fact that tells of `error`; `at` is its place on the media timeline."""
    values = {"offset_bytes": float(error.offset)}
    if error.gap_s is not None:
        values["gap_s"] = error.gap_s
    if error.pid is not None:
        values["pid"] = float(error.pid)
    return StreamFact(_FACT[error.kind], at, "container", f"{error.kind}: {error.message}", error.count, values)


class TransportAnalyser:
    """Finds the errors of one transport stream; feed it every byte, in order."""

    BLOCK = 1 << 17
    """Bytes analysed in one go; an error is told at most about this many bytes (0.2 s at 5 Mbit/s) late."""

    MOST_PIDS = 16
    """PIDs told one by one, for each kind of error in a block."""

    MOST_WATCHED = 1024
    """Tables and streams watched for absence; no real multiplex has as many."""

    MOST_TABLES = 64
    """Changes of the tables kept until they are fetched; further ones replace the last."""

    def __init__(self) -> None:
        self.tables: list[Tables] = []
        self._queue = bytearray()
        self._framer = Framer()
        self._continuity = Continuity()
        self._has_packets = False
        self._clock = StreamTime()
        self._ticks: list[tuple[int, int]] = []
        self._readers = {PAT_PID: SectionReader()}
        self._is_table = np.zeros(PIDS, np.bool_)
        self._is_table[PAT_PID] = True
        self._pat_version: int | None = None
        self._pat_parts: dict[int, dict[int, int]] = {}
        self._pmt_pids: dict[int, int] = {}
        self._streams: dict[int, dict[int, str]] = {}
        self._pids: dict[int, tuple[int, ...]] = {}
        self._pat_offset = 0
        self._tables_changed = False
        self._seen: dict[tuple[TransportErrorKind, int], int] = {}
        self._found: dict[TransportErrorKind, dict[int | None, TransportError]] = {}

    def feed(self, data: bytes) -> list[TransportError]:
        """Errors shown by the next bytes of the stream, in stream order."""
        errors: list[TransportError] = []
        view, at = memoryview(data), 0
        while len(self._queue) + len(view) - at >= self.BLOCK:
            needed = self.BLOCK - len(self._queue)
            self._queue += view[at : at + needed]
            at += needed
            errors += self._analyse(bytes(self._queue), final=False)
            self._queue.clear()
        self._queue += view[at:]
        return errors

    def finish(self) -> list[TransportError]:
        """Errors shown by the rest, when the stream has ended."""
        rest = bytes(self._queue)
        self._queue.clear()
        return self._analyse(rest, final=True)

    def _analyse(self, block: bytes, final: bool) -> list[TransportError]:
        for part in self._framer.cut(block, final):
            if isinstance(part, Skipped):
                self._lose_sync(part)
            else:
                self._read(part)
        if final and self._framer.rest:
            text = f"the stream ends after {self._framer.rest} bytes of a packet"
            self._report(TransportErrorKind.CUT, self._framer.offset, None, text)
        if final and self._has_packets and self._clock.reading is None:
            text = "the stream has no PCR, so no interval could be measured"
            self._report(TransportErrorKind.PCR_REPETITION, self._framer.offset, None, text)
        errors = [self._stamped(error) for alike in self._found.values() for error in alike.values()]
        self._found.clear()
        del self._ticks[:-1]
        return sorted(errors, key=lambda error: error.offset)

    def _lose_sync(self, skipped: Skipped) -> None:
        text = f"{skipped.length} bytes hold no packets"
        self._report(TransportErrorKind.SYNC_LOSS, skipped.offset, None, text)
        self._continuity.reset()
        for reader in self._readers.values():
            reader.reset()

    def _read(self, stretch: Stretch) -> None:
        packets = stretch.packets
        for offset in stretch.bad_syncs[:1]:
            text = "a sync byte is not 0x47"
            self._report(TransportErrorKind.SYNC_BYTE, int(offset), None, text, count=len(stretch.bad_syncs))
        if not len(packets):
            return
        self._has_packets = True
        breaks = self._continuity.check(packets)
        self._read_clocks_and_tables(packets, breaks)
        self._report_packets(packets, breaks)
        if self._tables_changed:
            self._forget_old()
        self._check_absence(packets)

    def _read_clocks_and_tables(self, packets: Packets, breaks: Breaks) -> None:
        usable = ~packets.damaged & ~breaks.repeated & (packets.pid != NULL_PID)
        start = 0
        while start < len(packets):
            wanted = usable[start:] & (packets.clock[start:] | self._is_table[packets.pid[start:]])
            for index in (start + np.flatnonzero(wanted)).tolist():
                start = index + 1
                pid = int(packets.pid[index])
                if packets.clock[index]:
                    self._tick(packets, index, pid)
                if self._is_table[pid] and self._read_table(packets, index, pid, bool(breaks.lost[index])):
                    break
            else:
                return

    def _tick(self, packets: Packets, index: int, pid: int) -> None:
        step = self._clock.tick(pid, packets.pcr(index), bool(packets.announced[index]))
        offset = int(packets.offsets[index])
        self._ticks.append((offset, self._clock.reading or 0))
        self._seen.setdefault((TransportErrorKind.PAT, PAT_PID), self._clock.now)
        if step is None or 0 < step <= _PCR_INTERVAL_S * CLOCK_HZ:
            return
        seconds = step / CLOCK_HZ
        if 0 < seconds <= LONGEST_STEP_S:
            text = f"PID {pid:#06x}: {seconds:.3f} s between two PCRs"
            self._report(TransportErrorKind.PCR_REPETITION, offset, pid, text, gap_s=seconds)
        else:
            text = f"PID {pid:#06x}: the PCR jumps by {seconds:+.3f} s without discontinuity_indicator"
            self._report(TransportErrorKind.PCR_DISCONTINUITY, offset, pid, text)

    def _read_table(self, packets: Packets, index: int, pid: int, lost: bool) -> bool:
        """Read one packet of a table; whether it named new PIDs of tables, which may follow in this very block."""
        offset = int(packets.offsets[index])
        kind = TransportErrorKind.PAT if pid == PAT_PID else TransportErrorKind.PMT
        if packets.scrambled[index]:
            self._report(kind, offset, pid, f"PID {pid:#06x} carries a table and is scrambled")
            return False
        reader = self._readers.setdefault(pid, SectionReader())
        if lost:
            reader.reset()
        named = False
        for section in reader.feed(packets.payload_of(index), bool(packets.starts[index])):
            if pid == PAT_PID and section[0] != PAT_TABLE:
                self._report(kind, offset, pid, f"table_id {section[0]:#04x} on PID 0x0000")
            elif section[0] != (PAT_TABLE if pid == PAT_PID else PMT_TABLE):
                continue  # Private sections may share the PID of a PMT.
            elif not crc_holds(section):
                text = f"PID {pid:#06x}: CRC_32 of table {section[0]:#04x} does not fit"
                self._report(TransportErrorKind.CRC, offset, pid, text)
            else:
                self._come(kind, pid, offset)
                if pid == PAT_PID:
                    named |= self._take_pat(section, offset)
                else:
                    self._take_pmt(section)
        return named

    def _take_pat(self, section: bytes, offset: int) -> bool:
        """Whether the section names PIDs that were not known to carry a PMT."""
        pat = parse_pat(section)
        if pat is None:
            return False
        self._pat_offset = offset
        # Streams that were put one behind the other change without a new version.
        if pat.version != self._pat_version or self._pat_parts.get(pat.number, pat.programmes) != pat.programmes:
            self._pat_version = pat.version
            self._pat_parts.clear()
            self._pmt_pids.clear()
            self._streams.clear()
            self._pids.clear()
            self._is_table.fill(False)
            self._is_table[PAT_PID] = True
            self._readers = {PAT_PID: self._readers[PAT_PID]}
        known = len(self._pmt_pids)
        self._pat_parts[pat.number] = pat.programmes
        for number, pid in pat.programmes.items():
            if number not in self._pmt_pids and len(self._pmt_pids) < self.MOST_WATCHED and pid != NULL_PID:
                self._pmt_pids[number] = pid
                self._is_table[pid] = True
                self._await(TransportErrorKind.PMT, pid)
        if len(self._pmt_pids) > known:
            self._note_tables()
        return len(self._pmt_pids) > known

    def _take_pmt(self, section: bytes) -> None:
        pmt = parse_pmt(section)
        if pmt is None or pmt.programme not in self._pmt_pids:
            return
        if self._pids.get(pmt.programme) != pmt.pids:
            self._pids[pmt.programme] = pmt.pids
            self._note_tables()
        if self._streams.get(pmt.programme) != pmt.streams:
            self._streams[pmt.programme] = pmt.streams
            for pid in pmt.streams:
                self._await(TransportErrorKind.PID, pid)

    def _note_tables(self) -> None:
        del self.tables[self.MOST_TABLES - 1 :]
        programmes = {number: self._pids.get(number) for number in self._pmt_pids}
        self.tables.append(Tables(self._pat_offset, programmes, dict(self._pmt_pids)))

    def _await(self, kind: TransportErrorKind, pid: int) -> None:
        if len(self._seen) < 2 * self.MOST_WATCHED:
            self._seen.setdefault((kind, pid), self._clock.now)
        self._tables_changed = True

    def _forget_old(self) -> None:
        """Await no longer what the tables do not name any more."""
        self._tables_changed = False
        wanted = {(TransportErrorKind.PAT, PAT_PID)}
        wanted |= {(TransportErrorKind.PMT, pid) for pid in self._pmt_pids.values()}
        wanted |= {(TransportErrorKind.PID, pid) for streams in self._streams.values() for pid in streams}
        self._seen = dict([item for item in self._seen.items() if item[0] in wanted][: self.MOST_WATCHED])

    def _report_packets(self, packets: Packets, breaks: Breaks) -> None:
        for index in np.flatnonzero(breaks.lost).tolist():
            pid = int(packets.pid[index])
            text = f"PID {pid:#06x}: continuity_counter {packets.counter[index]} after {breaks.last[index]}"
            self._report(TransportErrorKind.CONTINUITY, int(packets.offsets[index]), pid, text)
        for index in np.flatnonzero(packets.damaged).tolist():
            pid = int(packets.pid[index])
            text = f"PID {pid:#06x}: transport_error_indicator is set"
            self._report(TransportErrorKind.TRANSPORT, int(packets.offsets[index]), pid, text)
        self._report_scrambled(packets)

    def _report_scrambled(self, packets: Packets) -> None:
        """Tell of PIDs most of whose payloads are scrambled; a few among clear ones are damaged headers."""
        usable = packets.payload & ~packets.damaged & ~self._is_table[packets.pid] & (packets.pid != NULL_PID)
        if not (packets.scrambled & usable).any():
            return
        wanted = {pid for streams in self._streams.values() for pid in streams}
        for pid in np.unique(packets.pid[usable & packets.scrambled]).tolist():
            closed = np.flatnonzero(usable & packets.scrambled & (packets.pid == pid))
            if 2 * len(closed) > np.count_nonzero(usable & (packets.pid == pid)) and (pid in wanted or not wanted):
                text = f"PID {pid:#06x} is scrambled and cannot be decoded"
                offset = int(packets.offsets[closed[0]])
                self._report(TransportErrorKind.SCRAMBLED, offset, pid, text, count=len(closed))

    def _check_absence(self, packets: Packets) -> None:
        present = np.zeros(PIDS, np.bool_)
        present[packets.pid] = True
        offset = int(packets.offsets[-1])
        for kind, pid in self._seen:
            if kind is TransportErrorKind.PID and present[pid]:
                self._seen[kind, pid] = self._clock.now
            else:
                self._miss(kind, pid, offset)

    def _come(self, kind: TransportErrorKind, pid: int, offset: int) -> None:
        if (kind, pid) in self._seen:
            self._miss(kind, pid, offset)
            self._seen[kind, pid] = self._clock.now

    def _miss(self, kind: TransportErrorKind, pid: int, offset: int) -> None:
        """Report a table or stream that has been away for too long; it is told again after as long again."""
        gap_s = (self._clock.now - self._seen[kind, pid]) / CLOCK_HZ
        if gap_s <= _ABSENCE_S[kind]:
            return
        self._seen[kind, pid] = self._clock.now
        what = next((s[pid] for s in self._streams.values() if pid in s), "stream")
        name = {TransportErrorKind.PAT: "the PAT", TransportErrorKind.PMT: "a PMT"}.get(kind, f"{what} of the PMT")
        self._report(kind, offset, pid, f"PID {pid:#06x}: {name} has not come for {gap_s:.2f} s", gap_s=gap_s)

    def _report(
        self,
        kind: TransportErrorKind,
        offset: int,
        pid: int | None,
        message: str,
        count: int = 1,
        gap_s: float | None = None,
    ) -> None:
        """Note an error; alike ones of a block become one."""
        alike = self._found.setdefault(kind, {})
        if pid not in alike and len(alike) >= self.MOST_PIDS:
            pid, message = None, "further PIDs, such as " + message
        seen = alike.get(pid)
        if seen is None:
            alike[pid] = TransportError(kind, offset, pid, None, message, count, gap_s)
        else:
            longest = max((gap for gap in (seen.gap_s, gap_s) if gap is not None), default=None)
            alike[pid] = replace(seen, offset=min(offset, seen.offset), count=seen.count + count, gap_s=longest)

    def _stamped(self, error: TransportError) -> TransportError:
        index = bisect_right(self._ticks, error.offset, key=lambda tick: tick[0]) - 1
        if index < 0:
            return error
        return replace(error, clock=Fraction(self._ticks[index][1], CLOCK_HZ))
