"""MPEG audio: where the header says so, a CRC-16 of the header's end and of what is most sensitive to errors.

ISO/IEC 11172-3, 2.4.1.4 and 2.4.3.1; table 3-B.5 lists the protected bits: the bit allocation of Layer I, that and the
scale factor selection of Layer II, the side information of Layer III. Damage elsewhere in a frame is not seen.
"""

from __future__ import annotations

from dataclasses import dataclass

from glasswatch.decoder.checksums.crc import crc16_8005, crc16_8005_bits
from glasswatch.decoder.checksums.finding import NOTHING_PROTECTED, WHOLE, Damage, Finding, damaged

_HEADER, _CRC = 4, 2
_MONO, _JOINT = 3, 1
_SUBBANDS = 32

_KBITS_LAYER_II = (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384)
_RATES = (44_100, 48_000, 32_000)

_ALLOCATION_BITS = (
    (4,) * 11 + (3,) * 12 + (2,) * 4,
    (4,) * 11 + (3,) * 12 + (2,) * 7,
    (4,) * 2 + (3,) * 6,
    (4,) * 2 + (3,) * 10,
)
"""Bits of the allocation of each subband (ISO/IEC 11172-3, tables 3-B.2a to d)."""

_ALLOCATION_BITS_LOW = (4,) * 4 + (3,) * 7 + (2,) * 19
"""The same at half the sample rates (ISO/IEC 13818-3, table B.1)."""


def check_mpeg_audio(packet: bytes) -> Finding:
    """Check a frame of MPEG-1, MPEG-2 or MPEG-2.5 audio, of any layer."""
    if len(packet) < _HEADER + _CRC or packet[0] != 0xFF or packet[1] & 0xE0 != 0xE0:
        return NOTHING_PROTECTED  # tags and remains, which decoders refuse
    header = _Header.of(packet)
    if packet[1] & 1:
        return NOTHING_PROTECTED
    bits = header.protected_bits(packet[_HEADER + _CRC :])
    if bits is None:
        return NOTHING_PROTECTED
    count, odd = divmod(bits, 8)
    end = _HEADER + _CRC + count
    if len(packet) < end + (odd > 0):
        return Finding(failed=(Damage("a frame is shorter than its header says"),), is_short=True)
    register = crc16_8005(packet[2:4], 0xFFFF)
    register = crc16_8005(packet[_HEADER + _CRC : end], register)
    if odd:
        register = crc16_8005_bits(packet[end] >> 8 - odd, odd, register)
    if register == int.from_bytes(packet[_HEADER : _HEADER + _CRC], "big"):
        return WHOLE
    return damaged("a frame does not fit its CRC-16")


@dataclass(frozen=True, slots=True)
class _Header:
    """What of a frame's header tells which bits are protected."""

    layer: int
    low: bool
    bit_rate: int
    rate: int
    mode: int
    extension: int

    @classmethod
    def of(cls, frame: bytes) -> _Header:
        return cls(
            layer=4 - (frame[1] >> 1 & 3),
            low=not frame[1] & 0x08,
            bit_rate=frame[2] >> 4,
            rate=frame[2] >> 2 & 3,
            mode=frame[3] >> 6,
            extension=frame[3] >> 4 & 3,
        )

    @property
    def channels(self) -> int:
        return 1 if self.mode == _MONO else 2

    @property
    def bound(self) -> int:
        """The first subband that the channels share."""
        return 4 * (self.extension + 1) if self.mode == _JOINT else _SUBBANDS

    def protected_bits(self, data: bytes) -> int | None:
        """How many bits of the frame's `data`, behind its checksum, are protected; None where the header is invalid."""
        if self.layer == 3:
            return 8 * ((9, 17) if self.low else (17, 32))[self.channels - 1]
        if self.layer == 1:
            return 4 * (self.channels * self.bound + _SUBBANDS - self.bound)
        table = self._table() if self.layer == 2 else None
        return None if table is None else self._layer_ii(data, table)

    def _table(self) -> tuple[int, ...] | None:
        """Bits of each subband's allocation: by sample rate and bit rate of a channel (ISO/IEC 11172-3, 2.4.3.3.1)."""
        if self.low:
            return _ALLOCATION_BITS_LOW
        if self.rate >= len(_RATES) or self.bit_rate >= len(_KBITS_LAYER_II):
            return None
        rate, kbits = _RATES[self.rate], _KBITS_LAYER_II[self.bit_rate] // self.channels
        if not self.bit_rate:
            kbits = 192  # free format, for which the tables of high rates hold
        if kbits <= 48:
            return _ALLOCATION_BITS[2 if rate != 32_000 else 3]
        return _ALLOCATION_BITS[0 if rate == 48_000 or kbits <= 80 else 1]

    def _layer_ii(self, data: bytes, table: tuple[int, ...]) -> int:
        """The bits of the allocation, and 2 for each subband and channel that has samples."""
        coded, at = int.from_bytes(data[:32].ljust(32, b"\0"), "big"), 256
        used = 0
        for subband, width in enumerate(table):
            shared = subband >= self.bound
            for _ in range(1 if shared else self.channels):
                at -= width
                if coded >> at & (1 << width) - 1:
                    used += self.channels if shared else 1
        return 256 - at + 2 * used
