"""The transport stream analyser, on packets made here and on a stream that FFmpeg muxed."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from fractions import Fraction
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glasswatch.core.media import FactKind
from glasswatch.core.time import Instant
from glasswatch.decoder.pcr import CLOCK_HZ, StreamTime
from glasswatch.decoder.psi import SectionReader, crc_holds, parse_pat, parse_pmt
from glasswatch.decoder.transport import TransportAnalyser, TransportError, TransportErrorKind, to_fact
from tests.unit.decoder.transport_streams import AUDIO, PAT, PMT, VIDEO, Mux, mpeg_crc, muxed, pat, pmt, section

Kind = TransportErrorKind


def errors_of(data: bytes) -> list[TransportError]:
    analyser = TransportAnalyser()
    return analyser.feed(data) + analyser.finish()


def kinds_of(data: bytes) -> set[TransportErrorKind]:
    return {error.kind for error in errors_of(data)}


def only(data: bytes, kind: TransportErrorKind) -> TransportError:
    errors = errors_of(data)
    assert {e.kind for e in errors} == {kind}
    return errors[0]


@pytest.fixture(scope="module")
def stream() -> bytes:
    return muxed()


def test_a_clean_stream_has_no_errors(stream: bytes) -> None:
    assert errors_of(Mux().run(200).data) == []
    assert errors_of(stream) == []


@pytest.mark.parametrize(
    ("frame", "name"),
    [(lambda p: b"\x12\x34\x56\x78" + p, "192"), (lambda p: p + bytes(16), "204"), (lambda p: p, "188")],
    ids=["192", "204", "188"],
)
def test_every_framing_is_read(frame: Callable[[bytes], bytes], name: str) -> None:
    mux = Mux().run(100)
    del mux.packets[500]
    errors = errors_of(b"".join(frame(p) for p in mux.packets))
    assert [(e.kind, e.count) for e in errors] == [(Kind.CONTINUITY, 1)], name


def test_a_lost_packet_is_told_with_place_and_clock() -> None:
    mux = Mux().run(100)
    lost = max(n for n, p in enumerate(mux.packets[:600]) if p[1:3] == AUDIO.to_bytes(2, "big"))
    del mux.packets[lost]
    following = next(n for n in range(lost, 700) if mux.packets[n][1:3] == AUDIO.to_bytes(2, "big"))
    error = only(mux.data, Kind.CONTINUITY)
    assert (error.pid, error.offset, error.count) == (AUDIO, following * 188, 1)
    ticks = sum(1 for p in mux.packets[: following + 1] if p[3] & 0x20)
    assert error.clock == 10 + Fraction(ticks, 50)


def test_a_packet_may_come_twice_but_not_three_times() -> None:
    mux = Mux().run(50)
    mux.packets.insert(201, mux.packets[200])
    assert kinds_of(mux.data) == set()
    mux.packets.insert(201, mux.packets[200])
    assert only(mux.data, Kind.CONTINUITY).count == 1


def test_a_repetition_may_carry_another_clock() -> None:
    mux = Mux().run(50)
    n = next(i for i, p in enumerate(mux.packets) if i > 200 and p[3] & 0x20)
    again = bytearray(mux.packets[n])
    again[11] ^= 1
    mux.packets.insert(n + 1, bytes(again))
    assert kinds_of(mux.data) == set()


def test_an_equal_counter_with_other_content_is_fifteen_lost_packets() -> None:
    mux = Mux().run(50)
    again = bytearray(mux.packets[200])
    again[100] ^= 0xFF
    mux.packets.insert(201, bytes(again))
    assert only(mux.data, Kind.CONTINUITY).count == 1


def test_the_counter_stands_still_without_payload_and_any_value_is_legal_when_announced() -> None:
    mux = Mux().run(20)
    mux.add(AUDIO, adaptation=b"\x00")
    mux.run(20)
    mux.counters[AUDIO] = 5
    mux.add(AUDIO, b"\x01" * 182, adaptation=b"\x80")
    assert kinds_of(mux.run(20).data) == set()
    mux.counters[AUDIO] = (mux.counters[AUDIO] + 1) & 15
    mux.add(AUDIO, adaptation=b"\x00")
    assert kinds_of(mux.data) == {Kind.CONTINUITY}


def test_null_packets_have_no_counter() -> None:
    mux = Mux()
    for _ in range(50):
        mux.run(1, tables_every=1)
        mux.add(0x1FFF, bytes(184))
        mux.counters[0x1FFF] = 3
    assert kinds_of(mux.data) == set()


def test_a_wrong_sync_byte_is_no_loss_of_sync() -> None:
    mux = Mux().run(50)
    mux.packets[300] = b"\x48" + mux.packets[300][1:]
    kinds = kinds_of(mux.data)
    assert Kind.SYNC_BYTE in kinds
    assert Kind.SYNC_LOSS not in kinds


@pytest.mark.parametrize("cut", [1, 100, 187, 189, 5000])
def test_sync_is_lost_and_found_again(cut: int) -> None:
    data = Mux().run(100).data
    broken = data[: 300 * 188] + data[300 * 188 + cut :]
    error = only(broken, Kind.SYNC_LOSS)
    assert 300 * 188 - 188 <= error.offset <= 300 * 188 + 188


def test_bytes_that_are_no_transport_stream_say_so() -> None:
    assert kinds_of(bytes(500_000)) == {Kind.SYNC_LOSS}


def test_a_cut_packet_at_the_end_is_a_truncation() -> None:
    error = only(Mux().run(50).data[:-100], Kind.CUT)
    assert to_fact(error, Instant(0, Fraction(1))).kind is FactKind.TRUNCATED


def test_tables_that_stay_away_are_missed() -> None:
    mux = Mux().run(30).run(60, tables_every=0).run(30)
    errors = errors_of(mux.data)
    assert {e.kind for e in errors} == {Kind.PAT, Kind.PMT}
    assert all(e.gap_s is not None and e.gap_s > 0.5 for e in errors)
    assert errors_of(Mux().run(30).run(15, tables_every=0).run(30).data) == []


def test_a_table_may_be_long_and_lie_across_packets() -> None:
    mux = Mux()
    long = pat({n: PMT + n for n in range(1, 100)})
    for _ in range(40):
        mux.clock()
        mux.add(PAT, b"\0" + long[:183], starts=True)
        mux.add(PAT, long[183:367])
        mux.add(PAT, long[367:])
    assert kinds_of(mux.data) == {Kind.PMT}


@pytest.mark.parametrize("version", [0, 1], ids=["same_version", "next_version"])
def test_tables_that_change_are_noted_with_their_place(version: int) -> None:
    mux = Mux()
    places = []
    for tables in (pat({1: PMT}), pmt({VIDEO: 0x1B, AUDIO: 0x0F})), (pat({1: PMT + 1}, version), pmt({AUDIO: 0x0F})):
        for _ in range(3):
            mux.clock()
            places.append(len(mux.packets))
            mux.add(PAT, b"\0" + tables[0], starts=True)
            mux.add(PMT + (tables[0] != pat({1: PMT})), b"\0" + tables[1], starts=True)
    analyser = TransportAnalyser()
    analyser.feed(mux.data)
    analyser.finish()
    complete = [(t.offset, t.programmes) for t in analyser.tables if t.complete]
    assert complete == [
        (places[0] * 188, {1: (VIDEO, AUDIO)}),
        (places[3] * 188, {1: (AUDIO,)}),
    ]


@pytest.mark.parametrize("pid", [PAT, PMT])
def test_a_damaged_table_fails_its_crc(pid: int) -> None:
    mux = Mux().run(50)
    n = max(i for i, p in enumerate(mux.packets) if p[1:3] == (0x4000 | pid).to_bytes(2, "big"))
    broken = bytearray(mux.packets[n])
    broken[14] ^= 0x40
    mux.packets[n] = bytes(broken)
    error = only(mux.data, Kind.CRC)
    assert (error.pid, error.offset) == (pid, n * 188)


def test_another_table_on_the_pat_pid_is_an_error() -> None:
    mux = Mux().run(20)
    mux.add(PAT, b"\0" + section(0x42, 1, b"abcd"), starts=True)
    assert only(mux.run(20).data, Kind.PAT).gap_s is None


def test_a_scrambled_table_is_an_error() -> None:
    mux = Mux().run(50)
    mux.packets = [p[:3] + bytes([p[3] | 0x80]) + p[4:] if p[1:3] == b"\x40\x00" else p for p in mux.packets]
    assert kinds_of(mux.data) == {Kind.PAT}


def test_scrambled_programme_is_told_for_as_long_as_it_lasts() -> None:
    mux = Mux().run(300)
    mux.packets[1000:] = [
        p[:3] + bytes([p[3] | 0xC0]) + p[4:] if p[2] == VIDEO & 0xFF else p for p in mux.packets[1000:]
    ]
    errors = errors_of(mux.data)
    assert {(e.kind, e.pid) for e in errors} == {(Kind.SCRAMBLED, VIDEO)}
    clocks = [e.clock for e in errors if e.clock is not None]
    assert max(clocks) - min(clocks) > 3


def test_a_pid_of_the_pmt_that_vanishes_is_missed() -> None:
    mux = Mux().run(50).run(300, pids=(VIDEO,))
    error = only(mux.data, Kind.PID)
    assert (error.pid, "audio" in error.message) == (AUDIO, True)
    assert error.gap_s == pytest.approx(5, abs=1)  # a block of this small stream lasts 0.9 s
    assert kinds_of(Mux().run(50).run(200, pids=(VIDEO,)).run(20).data) == set()


def test_a_pid_of_the_pmt_that_never_comes_is_missed() -> None:
    assert only(Mux().run(300, pids=(VIDEO,)).data, Kind.PID).pid == AUDIO


def test_the_error_indicator_is_told_and_such_a_packet_is_not_read() -> None:
    mux = Mux().run(50)
    n = next(i for i, p in enumerate(mux.packets) if i > 200 and p[1:3] == b"\x40\x00")
    mux.packets[n] = bytes([0x47, mux.packets[n][1] | 0x80, *mux.packets[n][2:8], 0xAA, *mux.packets[n][9:]])
    errors = errors_of(mux.data)
    assert {e.kind for e in errors} == {Kind.TRANSPORT, Kind.CONTINUITY}


@pytest.mark.parametrize(
    ("seconds", "flags", "kinds"),
    [
        (0.09, 0x10, set()),
        (0.3, 0x10, {Kind.PCR_REPETITION}),
        (3600.0, 0x10, {Kind.PCR_DISCONTINUITY}),
        (-5.0, 0x10, {Kind.PCR_DISCONTINUITY}),
        (-5.0, 0x90, set()),
    ],
)
def test_clock_steps(seconds: float, flags: int, kinds: set[TransportErrorKind]) -> None:
    mux = Mux().run(50)
    mux.clock(seconds, flags)
    assert kinds_of(mux.run(50).data) == kinds


def test_a_stream_without_clock_says_that_nothing_was_measured() -> None:
    mux = Mux()
    for _ in range(30):
        mux.tables()
        mux.add(VIDEO, bytes(184))
    assert "no PCR" in only(mux.data, Kind.PCR_REPETITION).message


def test_time_goes_on_when_the_reference_clock_is_lost() -> None:
    time = StreamTime()
    for n in range(50):
        time.tick(VIDEO, n * CLOCK_HZ // 25, False)
    for n in range(100):
        time.tick(AUDIO, 7 * CLOCK_HZ + n * CLOCK_HZ // 25, False)
    assert time.now == pytest.approx((49 + 99) / 25 * CLOCK_HZ)
    assert time.reading == 7 * CLOCK_HZ + 99 * CLOCK_HZ // 25


def test_the_clock_may_wrap() -> None:
    mux = Mux()
    mux.pcr = (1 << 33) * 300 - 27_000_000
    assert kinds_of(mux.run(200).data) == set()


def test_a_wild_clock_of_one_packet_does_not_move_the_time_of_errors() -> None:
    mux = Mux().run(50)
    right = mux.pcr
    mux.clock(50_000)
    mux.pcr = right
    mux.run(2)
    del mux.packets[-3]
    late = [e for e in errors_of(mux.run(10).data) if e.kind is Kind.CONTINUITY]
    assert late[0].clock is not None
    assert abs(late[0].clock - Fraction(right, 27_000_000)) < 1


def test_crc_agrees_with_the_definition() -> None:
    data = bytes(range(200))
    assert crc_holds(data + mpeg_crc(data))
    assert not crc_holds(data + zlib.crc32(data).to_bytes(4, "big"))


def test_dvb_audio_in_private_pes_is_known_by_its_descriptor() -> None:
    parsed = parse_pmt(pmt({AUDIO: 0x06}, descriptors=b"\x0a\x04eng\0\x7a\x01\0"))
    assert parsed is not None
    assert parsed.streams == {AUDIO: "audio"}
    subtitles = parse_pmt(pmt({AUDIO: 0x06}, descriptors=b"\x59\x00"))
    assert subtitles is not None
    assert subtitles.streams == {}


def test_a_burst_of_alike_errors_in_a_block_is_one_with_a_count() -> None:
    mux = Mux().run(100)
    for n in range(900, 600, -20):
        del mux.packets[n]
    errors = [e for e in errors_of(mux.data) if e.kind is Kind.CONTINUITY]
    assert sum(e.count for e in errors) == 15
    assert len(errors) <= 6


def test_facts_carry_what_is_known() -> None:
    error = TransportError(Kind.PAT, 376, 0, Fraction(1), "gone", 3, 0.7)
    fact = to_fact(error, Instant(2, Fraction(5)))
    assert (fact.kind, fact.at, fact.stream, fact.count) == (
        FactKind.TABLE_ERROR,
        Instant(2, Fraction(5)),
        "container",
        3,
    )
    assert fact.values == {"offset_bytes": 376, "gap_s": 0.7, "pid": 0}
    assert {to_fact(TransportError(k, 0, None, None, ""), fact.at).kind for k in Kind} <= set(FactKind)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_pieces_do_not_matter(seed: int) -> None:
    random = Random(seed)
    data = bytearray(Mux().run(120).data)
    for _ in range(random.randrange(12)):
        at = random.randrange(len(data))
        match random.randrange(3):
            case 0:
                del data[at : at + random.randrange(1, 400)]
            case 1:
                data[at] ^= 1 << random.randrange(8)
            case _:
                data[at:at] = data[at : at + 188]
    whole = errors_of(bytes(data))
    analyser, at, found = TransportAnalyser(), 0, []
    while at < len(data):
        size = random.choice([1, 7, 188, 4096, 65536, 100_000])
        found += analyser.feed(bytes(data[at : at + size]))
        at += size
    assert found + analyser.finish() == whole


def bounded(data: bytes) -> None:
    analyser = TransportAnalyser()
    errors = analyser.feed(data)
    assert len(errors) <= (len(data) // TransportAnalyser.BLOCK) * len(Kind) * (TransportAnalyser.MOST_PIDS + 1)
    analyser.finish()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["noise", "packets", "tables", "adaptation"]))
def test_hostile_bytes_never_raise(seed: int, form: str) -> None:
    data = np.random.default_rng(seed).integers(0, 256, (1100, 188), np.uint8)
    if form != "noise":
        data[:, 0] = 0x47
    if form == "tables":
        data[:, 1:4] = [0x40, 0, 0x10]
        data[:, 4] = data[:, 4] % 3
    if form == "adaptation":
        data[:, 3] = 0x30 | data[:, 3] & 15
        data[:, 5] |= 0x10
    bounded(data.tobytes())


@given(st.binary(max_size=300))
def test_sections_of_any_bytes_are_read_or_refused(data: bytes) -> None:
    parse_pat(b"\0" + data)
    parse_pmt(b"\2" + data)
    reader = SectionReader()
    for starts in (True, False, False, True):
        for whole in reader.feed(data, starts):
            assert 3 <= len(whole) <= 4096


@pytest.mark.parametrize("number", [1, 3])
def test_many_programmes_are_watched_to_a_bound(number: int) -> None:
    mux = Mux()
    for first in range(0, 60_000, 40):
        mux.add(PAT, b"\0" + pat({n + 1: 32 + n % 8000 for n in range(first, first + 40)}), starts=True)
    analyser = TransportAnalyser()
    analyser.feed(mux.data * number)
    assert len(analyser._seen) <= TransportAnalyser.MOST_WATCHED
    assert len(analyser._pmt_pids) <= TransportAnalyser.MOST_WATCHED
