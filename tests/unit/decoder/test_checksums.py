from __future__ import annotations

import random
import zlib
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glasswatch.core.media import FactKind, MediaUnit, StreamFact
from glasswatch.core.time import Instant, Timeline
from glasswatch.decoder.checksums.ac3 import Ac3Check
from glasswatch.decoder.checksums.crc import crc16_8005, crc16_8005_bits, crc32_04c11db7
from glasswatch.decoder.checksums.ffv1 import Ffv1Check
from glasswatch.decoder.checksums.finding import NOTHING_PROTECTED, WHOLE, Check, Finding, damaged
from glasswatch.decoder.checksums.flac import FlacCheck
from glasswatch.decoder.checksums.layer3 import Layer3Check
from glasswatch.decoder.checksums.mpeg_audio import check_mpeg_audio
from glasswatch.decoder.checksums.png import check_png
from glasswatch.decoder.checksums.tta import check_tta
from glasswatch.decoder.checksums.watch import MOST_UNPROVEN, ChecksumWatch
from glasswatch.decoder.tally import Tally

RATE = 48_000
ENCODED = Path(__file__).parents[2] / "data" / "mpeg_audio"
MPEG_AUDIO = sorted(path.name for path in ENCODED.iterdir())
VIDEO = {
    "ffv1": {"level": "3", "slices": "4", "slicecrc": "1"},
    "ffv1 without": {"level": "3", "slices": "4", "slicecrc": "0"},
    "ffv1 level 1": {"level": "1"},
    "png": {},
}
AUDIO = ("flac", "ac3", "eac3", "tta")


@cache
def encoded(name: str) -> tuple[bytes, tuple[bytes, ...]]:
    """Extradata and packets of at least a second of noise, or of four noisy pictures."""
    codec = name.split(maxsplit=1)[0]
    context = av.CodecContext.create(codec, "w")
    noise = np.random.default_rng(7)
    if codec in AUDIO:
        context.rate, context.layout, context.time_base = RATE, "stereo", Fraction(1, RATE)
        context.format = context.codec.audio_formats[0].name if codec != "flac" else "s16"
        context.open()
        size = context.frame_size or 4608
        frames = []
        for number in range(max(4, RATE // size)):
            samples = noise.integers(-3000, 3000, (1, 2 * size)).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(samples, "s16", "stereo")
            frame.sample_rate, frame.pts = RATE, number * size
            frames += av.AudioResampler(context.format.name, "stereo", RATE).resample(frame)
    else:
        context.width, context.height, context.pix_fmt = 64, 48, "rgb24" if codec == "png" else "yuv420p"
        context.time_base, context.options = Fraction(1, 25), VIDEO[name]
        frames = [
            av.VideoFrame.from_ndarray(noise.integers(0, 255, (48, 64, 3)).astype(np.uint8), "rgb24").reformat(
                format=context.pix_fmt
            )
            for _ in range(4)
        ]
    packets = [bytes(packet) for frame in [*frames, None] for packet in context.encode(frame)]
    return bytes(context.extradata or b""), tuple(packet for packet in packets if packet)


@cache
def recorded(name: str) -> tuple[bytes, ...]:
    """The packets of a file of this repository, made by LAME 3.100 or TwoLAME 0.4.0 with error protection."""
    with av.open(str(ENCODED / name)) as container:
        return tuple(bytes(packet) for packet in container.demux() if packet.size)


def check_of(name: str) -> Check:
    extradata, _ = encoded(name)
    match name.split(maxsplit=1)[0]:
        case "ffv1":
            return Ffv1Check(extradata)
        case "flac":
            return FlacCheck(extradata)
        case "png":
            return check_png
        case "tta":
            return check_tta
        case _:
            return Ac3Check()


def flipped(packet: bytes, bit: int) -> bytes:
    data = bytearray(packet)
    data[bit // 8] ^= 0x80 >> bit % 8
    return bytes(data)


def test_the_checksums_have_the_values_of_the_catalogue() -> None:
    # CRC-32/MPEG-2, CRC-16/UMTS and CRC-16/CMS in the catalogue of parametrised CRC algorithms.
    assert crc32_04c11db7(b"123456789", 0xFFFFFFFF) == 0x0376E6E7
    assert crc16_8005(b"123456789") == 0xFEE8
    assert crc16_8005(b"123456789", 0xFFFF) == 0xAEE7


@given(st.binary(min_size=1, max_size=40), st.integers(0, 0xFFFF))
def test_bits_give_what_bytes_give(data: bytes, register: int) -> None:
    assert crc16_8005_bits(int.from_bytes(data, "big"), 8 * len(data), register) == crc16_8005(data, register)


@pytest.mark.parametrize("name", ["ffv1", "png", *AUDIO])
def test_undamaged_packets_hold(name: str) -> None:
    check = check_of(name)
    _, packets = encoded(name)
    findings = [check(packet) for packet in packets]
    assert len(findings) > 2
    assert all(finding.held and not finding.failed for finding in findings)


@pytest.mark.parametrize("name", ["ffv1 without", "ffv1 level 1"])
def test_streams_without_checksums_are_left_alone(name: str) -> None:
    check = check_of(name)
    _, packets = encoded(name)
    assert check(packets[0]) == NOTHING_PROTECTED
    assert all(check(flipped(packet, 99)) == NOTHING_PROTECTED for packet in packets[1:])


@pytest.mark.parametrize("name", ["ffv1", "png", *AUDIO])
@given(st.data())
def test_any_flipped_bit_is_found(name: str, data: st.DataObject) -> None:
    check = check_of(name)
    _, packets = encoded(name)
    packet = data.draw(st.sampled_from(packets))
    check(packets[0])
    assert check(flipped(packet, data.draw(st.integers(0, 8 * len(packet) - 1)))).failed


@pytest.mark.parametrize("name", ["ffv1", "png", *AUDIO, *MPEG_AUDIO])
@given(st.data())
def test_no_bytes_make_a_check_raise(name: str, data: st.DataObject) -> None:
    if name in MPEG_AUDIO:
        checks, packets = [check_mpeg_audio, Layer3Check()], recorded(name)
    else:
        checks, packets = [check_of(name)], encoded(name)[1]
    noise, damage = data.draw(st.binary(max_size=300)), data.draw(st.binary(max_size=40))
    begin, packet = data.draw(st.integers(0, 40)), packets[1]
    hit = packet[:begin] + damage + packet[begin + len(damage) :]
    cut = packet[: data.draw(st.integers(0, len(packet)))]
    for check in checks:
        assert all(isinstance(check(each), Finding) for each in (noise, hit, cut, packet))


@pytest.mark.parametrize("start", [0, 0x79408C7A])
def test_slices_of_both_error_corrections_are_checked(start: int) -> None:
    def protected(data: bytes) -> bytes:
        # Running over the parity leaves the register where it began, as FFmpeg's encoder has it.
        register = crc32_04c11db7(data, start)
        target = 0x8CD88196 if start else 0
        parity = register ^ int.from_bytes(target.to_bytes(4, "big")[::-1], "big")
        return data + parity.to_bytes(4, "big")

    record = protected(b"a configuration record")
    pixels = random.Random(1).randbytes(50)
    slices = [protected(pixels[:n] + n.to_bytes(3, "big") + b"\0") for n in (20, 50, 33)]
    check = Ffv1Check(record)
    assert check(b"".join(slices)) == Finding(held=3)
    assert check(flipped(b"".join(slices), 300)).failed


@pytest.mark.parametrize("name", MPEG_AUDIO)
def test_mpeg_audio_by_encoders_that_protect_it(name: str) -> None:
    check = check_mpeg_audio
    packets = recorded(name)
    assert len(packets) > 15
    assert all(check(packet) == WHOLE for packet in packets)
    # From the second half of the header to the allocation of the lowest subbands or the side information.
    for bit in (30, *range(48, 48 + 32)):
        assert check(flipped(packets[5], bit)).failed
    unprotected = bytes((packets[5][0], packets[5][1] | 1, *packets[5][2:]))
    assert check(unprotected) == NOTHING_PROTECTED


def reservoir(packets: list[bytes]) -> list[str]:
    """What is damaged in frames of Layer III, one after the other."""
    check = Layer3Check()
    return [damage.what for packet in packets for damage in check(packet).failed]


@pytest.mark.parametrize("name", [name for name in MPEG_AUDIO if name.startswith("layer3")])
def test_the_bit_reservoir_of_undamaged_frames_adds_up(name: str) -> None:
    packets = list(recorded(name))
    assert reservoir(packets) == []
    # Joined in the middle, the reservoir is not known yet.
    assert reservoir(packets[9:]) == []


def test_frames_that_lost_the_one_before_are_found() -> None:
    packets = list(recorded("layer3_stereo_crc.mp3"))
    begins = [packet[6] << 1 | packet[7] >> 7 for packet in packets]
    # A frame that borrows more than the frame two before it has left.
    most = max(range(3, len(packets)), key=lambda n: begins[n] - begins[n - 1])
    assert reservoir([*packets[: most - 1], *packets[most:]]) == [
        "a frame borrows bits that the frame before does not leave"
    ]


def test_main_data_beyond_the_end_of_a_frame_is_found() -> None:
    packet = bytearray(recorded("layer3_low_mono_crc.mp3")[4])
    packet[7] |= 0x60  # part2_3_length, of which these are high bits
    assert reservoir([bytes(packet)]) == ["a frame's main data is longer than its place"]


def test_a_frame_that_the_input_cuts_is_short() -> None:
    packet = recorded("layer3_stereo_crc.mp3")[4]
    assert Layer3Check()(packet[:-1]).is_short
    assert not Layer3Check()(packet).is_short


def test_what_is_left_of_a_frame_before_the_first_one_is_no_damage() -> None:
    _, packets = encoded("ac3")
    check = Ac3Check()
    assert check(packets[0][100:]) == NOTHING_PROTECTED
    assert check(packets[1]) == WHOLE
    assert check(packets[0][100:]).failed


def test_nothing_is_borrowed_across_an_announced_join() -> None:
    packets = list(recorded("layer3_stereo_crc.mp3"))
    begins = [packet[6] << 1 | packet[7] >> 7 for packet in packets]
    most = max(range(3, len(packets)), key=lambda n: begins[n] - begins[n - 1])
    check = Layer3Check()
    for packet in packets[: most - 1]:
        assert not check(packet).failed
    check.restart()
    assert not check(packets[most]).failed


def test_a_frame_that_an_announced_join_cuts_is_no_damage() -> None:
    watched = Watched(may_be_unused=False)
    for packet in (b"+", b"~"):
        watched.watch.add(packet, Instant(0, Fraction(0)), 1.0)
    watched.watch.join()
    assert watched.run("+-") == [(FAILED, 1)]


def test_layer_i_is_protected_to_the_end_of_its_bit_allocation() -> None:
    header = bytes((0xFF, 0xFE, 0x90, 0x40))  # joint stereo, bound 4: 36 fields of 4 bits
    allocation = random.Random(2).randbytes(18)
    crc = crc16_8005(header[2:] + allocation, 0xFFFF).to_bytes(2, "big")
    check = check_mpeg_audio
    frame = header + crc + allocation + bytes(100)
    assert check(frame) == WHOLE
    assert check(flipped(frame, 8 * 24 - 1)).failed
    assert check(flipped(frame, 8 * 24)) == WHOLE


def test_frames_that_a_parser_joined_are_told_apart() -> None:
    extradata, packets = encoded("flac")
    check = FlacCheck(extradata)
    finding = check(packets[0] + packets[1] + flipped(packets[2], 8 * 500) + packets[3])
    assert finding.held == 3
    [damage] = finding.failed
    assert (damage.after_s, damage.lasts_s) == pytest.approx((2 * 4608 / RATE, 4608 / RATE))


def test_a_tag_behind_the_last_frame_is_no_damage() -> None:
    extradata, packets = encoded("flac")
    check = FlacCheck(extradata)
    tag = b"TAG" + bytes(125)
    assert check(packets[-1] + tag) == WHOLE
    assert check(flipped(packets[-1], 999) + tag).failed


def test_a_chunk_names_what_is_damaged() -> None:
    def chunk(name: bytes, data: bytes) -> bytes:
        body = name + data
        return len(data).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

    frame = chunk(b"fcTL", bytes(26)) + chunk(b"fdAT", bytes(99))
    check = check_png
    assert check(frame) == Finding(held=2)
    assert [damage.what for damage in check(flipped(frame, 8 * 60)).failed] == ["chunk fdAT does not fit its CRC-32"]


class Watched:
    """A watch whose packets are b"+" (holds), b"-" (fails), b"~" (fails and is short), b"0" (nothing protected)."""

    def __init__(self, *, may_be_unused: bool) -> None:
        self.facts: list[StreamFact] = []
        findings = {
            b"+": WHOLE,
            b"-": damaged("x"),
            b"~": Finding(0, damaged("x").failed, True),
            b"0": NOTHING_PROTECTED,
        }
        with av.open(str(ENCODED / MPEG_AUDIO[0])) as container:
            tally = Tally(container.streams.audio[0], "audio:0", self._take, Timeline())
        self.watch = ChecksumWatch(tally, findings.__getitem__, may_be_unused)

    def _take(self, unit: MediaUnit) -> None:
        assert isinstance(unit, StreamFact)
        self.facts.append(unit)

    def run(self, packets: str) -> list[tuple[FactKind, int]]:
        for number, packet in enumerate(packets):
            self.watch.add(packet.encode(), Instant(0, Fraction(number)), 1.0)
        self.watch.end()
        return [(fact.kind, int(fact.at.seconds)) for fact in self.facts]


FAILED, UNUSED, CUT = FactKind.CHECKSUM_FAILED, FactKind.CHECKSUM_UNUSED, FactKind.TRUNCATED


@pytest.mark.parametrize(
    ("packets", "told"),
    [
        ("++++", []),
        ("-+-+-", [(FAILED, 0), (FAILED, 2), (FAILED, 4)]),
        ("--", [(FAILED, 0), (FAILED, 1)]),
        ("++~", [(CUT, 2)]),
        ("~+", [(FAILED, 0)]),
        ("+~0", [(FAILED, 1)]),
    ],
)
def test_each_damaged_packet_is_reported(packets: str, told: list[tuple[FactKind, int]]) -> None:
    assert Watched(may_be_unused=False).run(packets) == told


@pytest.mark.parametrize(
    ("packets", "told"),
    [
        ("--+-", [(FAILED, 0), (FAILED, 1), (FAILED, 3)]),
        ("---", [(UNUSED, 0)]),
        ("0000", []),
        ("-" * MOST_UNPROVEN + "+-", [(UNUSED, 0)]),
    ],
)
def test_checksums_that_no_encoder_computed_are_no_damage(packets: str, told: list[tuple[FactKind, int]]) -> None:
    assert Watched(may_be_unused=True).run(packets) == told
