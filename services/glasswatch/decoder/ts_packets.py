"""Packets of an MPEG transport stream, many at a time: framing, header fields, continuity (ISO/IEC 13818-1, 2.4.3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

PACKET = 188
PIDS = 1 << 13
NULL_PID = PIDS - 1

_SYNC_BYTE = 0x47
_FRAMINGS = (188, 192, 204)
"""Distance of sync bytes: plain; with a 4-byte time stamp before each packet (M2TS); with 16 parity bytes behind it."""

_SYNCS = 5
"""Correct sync bytes in a row that make sync (TR 101 290, 1.1)."""

_REACH = (_SYNCS - 1) * max(_FRAMINGS)

Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Skipped:
    """Bytes that hold no packets: `length` of them from `offset` on."""

    offset: int
    length: int


class Packets:
    """Packets in sync, one row each, and their header fields as columns.

    Attributes:
        rows: uint8 of shape (packets, 188).
        offsets: Place of each packet in the stream, in bytes.
        pid: PID of each.
        counter: continuity_counter of each.
        damaged: transport_error_indicator: the rest of the packet cannot be trusted.
        starts: payload_unit_start_indicator.
        scrambled: transport_scrambling_control is not zero, and there is a payload.
        payload: Which have a payload.
        announced: discontinuity_indicator.
        clock: Which carry a PCR.
        reserved: adaptation_field_control has the reserved value: a decoder drops the packet.
    """

    def __init__(self, rows: Bytes, offsets: Integers) -> None:
        self.rows = rows
        self.offsets = offsets
        high, flags = rows[:, 1], rows[:, 3]
        self.pid = (high & 0x1F).astype(np.int64) << 8 | rows[:, 2]
        self.counter = (flags & 0x0F).astype(np.int64)
        self.damaged = high & 0x80 != 0
        self.starts = high & 0x40 != 0
        self.payload = flags & 0x10 != 0
        self.scrambled = (flags & 0xC0 != 0) & self.payload
        adapted = (flags & 0x20 != 0) & (rows[:, 4] > 0)
        self.announced = adapted & (rows[:, 5] & 0x80 != 0)
        self.clock = adapted & (rows[:, 5] & 0x10 != 0) & (rows[:, 4] >= 7)
        self.reserved = flags & 0x30 == 0

    def __len__(self) -> int:
        return len(self.rows)

    def pcr(self, index: int) -> int:
        """Programme clock reference of a packet that carries one, in ticks of 27 MHz."""
        field = int.from_bytes(self.rows[index, 6:12].tobytes(), "big")
        return (field >> 15) * 300 + (field & 0x1FF)

    def payload_of(self, index: int) -> bytes:
        """Payload bytes of a packet, empty where its adaptation field leaves none."""
        if not self.payload[index]:
            return b""
        row = self.rows[index]
        payload: bytes = row[5 + int(row[4]) if row[3] & 0x20 else 4 :].tobytes()
        return payload


@dataclass(frozen=True, slots=True)
class Stretch:
    """Packets in sync, and the places of packets left out because their sync byte alone is wrong."""

    packets: Packets
    bad_syncs: Integers


class Framer:
    """Cuts bytes into packets, and finds them again where sync is lost."""

    def __init__(self) -> None:
        self._rest = b""
        self._offset = 0
        self._size: int | None = None
        self._begun = False

    def cut(self, block: bytes, final: bool) -> Iterator[Skipped | Stretch]:
        """What the next block holds, in order; with `final` all that is left.

        Only the packet after it tells a lone wrong sync byte from lost sync, so the last packet of a block may be kept
        for the next one. Bytes of an incomplete packet at the very end stay in `rest`.
        """
        data = np.frombuffer(self._rest + block, np.uint8)
        syncs = _Syncs(data)
        at = 0
        while True:
            if self._size is None:
                found = syncs.first(at)
                end = found[0] if found is not None else max(at, len(data) - (0 if final else _REACH))
                time_stamp = found == (4, 192) and not self._begun
                if end > at and not time_stamp:
                    yield Skipped(self._offset + at, end - at)
                at = end
                if found is None:
                    break
                self._size, self._begun = found[1], True
            count, over = divmod(len(data) - at, self._size)
            count += final and over >= PACKET
            rows = np.lib.stride_tricks.as_strided(data[at:], (count, PACKET), (self._size, 1), writeable=False)
            bad = rows[:, 0] != _SYNC_BYTE
            pairs = np.flatnonzero(bad[:-1] & bad[1:])
            keep = count > 0 and bool(bad[-1]) and not final
            stop = int(pairs[0]) if pairs.size else count - keep
            offsets = self._offset + at + self._size * np.arange(stop, dtype=np.int64)
            good = ~bad[:stop]
            if stop:
                yield Stretch(Packets(rows[:stop][good], offsets[good]), offsets[~good])
            at = min(len(data), at + stop * self._size)
            if not pairs.size:
                break
            self._size = None
        self._rest = data[at:].tobytes()
        self._offset += at

    @property
    def rest(self) -> int:
        """Bytes that are held back."""
        return len(self._rest)

    @property
    def offset(self) -> int:
        """Where in the stream the held-back bytes start."""
        return self._offset


class _Syncs:
    """Where sync can start in some bytes: `_SYNCS` sync bytes at one distance; worked out when first asked for."""

    def __init__(self, data: Bytes) -> None:
        self._data = data
        self._starts: list[tuple[int, Integers]] | None = None

    def first(self, at: int) -> tuple[int, int] | None:
        """The first start from `at` on, and its packet distance."""
        if self._starts is None:
            is_sync = self._data == _SYNC_BYTE
            self._starts = [(size, _regular(is_sync, size)) for size in _FRAMINGS]
        found = [
            (int(starts[index]), size)
            for size, starts in self._starts
            if (index := int(np.searchsorted(starts, at))) < len(starts)
        ]
        return min(found, default=None)


def _regular(is_sync: Flags, distance: int) -> Integers:
    length = max(0, len(is_sync) - (_SYNCS - 1) * distance)
    regular = is_sync[:length].copy()
    for step in range(1, _SYNCS):
        regular &= is_sync[step * distance : step * distance + length]
    return np.flatnonzero(regular)


@dataclass(frozen=True, slots=True)
class Breaks:
    """What the continuity counters of a stretch show, each of shape (packets,).

    Attributes:
        lost: The counter does not follow from the last packet of the PID, or the packet comes a third time.
        repeated: A legal repetition: the same packet a second time; to be ignored.
        last: Counter of the last packet of the PID, -1 where none is known.
    """

    lost: Flags
    repeated: Flags
    last: Integers


class Continuity:
    """The continuity rules of every PID (ISO/IEC 13818-1, 2.4.3.3).

    The counter goes up by one with each payload and stays with an adaptation field alone; a packet with payload may be
    sent twice, equal but for its PCR; a discontinuity_indicator excuses any value. Damaged packets are left out, since
    even their PID may be wrong.
    """

    def __init__(self) -> None:
        self._rows = np.zeros((PIDS, PACKET), np.uint8)
        self._counter = np.full(PIDS, -1, np.int64)
        self._repeated = np.zeros(PIDS, np.bool_)

    def reset(self) -> None:
        """Sync was lost: nothing is known of any PID."""
        self._counter.fill(-1)
        self._repeated.fill(False)

    def check(self, packets: Packets) -> Breaks:
        """Judge the next packets of the stream."""
        breaks = Breaks(
            lost=np.zeros(len(packets), np.bool_),
            repeated=np.zeros(len(packets), np.bool_),
            last=np.full(len(packets), -1, np.int64),
        )
        counted = np.flatnonzero((packets.pid != NULL_PID) & ~packets.reserved & ~packets.damaged)
        if not counted.size:
            return breaks
        # NumPy sorts 16-bit integers by radix, several times faster than wider ones.
        order = counted[np.argsort(packets.pid[counted].astype(np.uint16), kind="stable")]
        pid, counter, rows = packets.pid[order], packets.counter[order], packets.rows
        first = np.ones(len(pid), np.bool_)
        np.not_equal(pid[1:], pid[:-1], out=first[1:])

        last = _previous(counter, first, self._counter[pid[first]])
        step = (counter - last) & 0x0F
        payload = packets.payload[order]
        repeated = self._repetitions(np.flatnonzero((last >= 0) & payload & (step == 0)), first, rows, order, pid)
        before = _previous(repeated, first, self._repeated[pid[first]])
        wrong = (last >= 0) & (step != payload) & ~packets.announced[order] & ~(repeated & ~before)

        end = np.ones(len(pid), np.bool_)
        end[:-1] = first[1:]
        self._counter[pid[end]] = counter[end]
        self._repeated[pid[end]] = repeated[end]
        self._rows[pid[end]] = rows[order[end]]
        breaks.lost[order] = wrong
        breaks.repeated[order] = repeated
        breaks.last[order] = last
        return breaks

    def _repetitions(self, suspects: Integers, first: Flags, rows: Bytes, order: Integers, pid: Integers) -> Flags:
        """Which of the suspects, with the counter of the packet before, are equal to it but for the PCR."""
        repeated = np.zeros(len(order), np.bool_)
        if suspects.size:
            now = rows[order[suspects]].copy()
            before = np.where(first[suspects, None], self._rows[pid[suspects]], rows[order[suspects - 1]])
            has_pcr = (now[:, 3] & 0x20 != 0) & (now[:, 4] >= 7) & (now[:, 5] & 0x10 != 0)
            now[has_pcr, 6:12] = before[has_pcr, 6:12]
            repeated[suspects] = (now == before).all(axis=1)
        return repeated


def _previous(values: npt.NDArray[Any], first: Flags, known: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The value before each, in the same PID; `known` for the first of each PID."""
    previous = np.empty_like(values)
    previous[1:] = values[:-1]
    previous[first] = known
    return previous
