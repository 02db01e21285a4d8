"""FLAC: each frame ends in a CRC-16 of all before it, and its header in a CRC-8 (RFC 9639, 9.1 and 9.3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from fastcrc import crc8

from glasswatch.decoder.checksums.crc import crc16_8005
from glasswatch.decoder.checksums.finding import WHOLE, Damage, Finding

_TAG_BYTES = 128
_WHAT = "a frame does not fit its CRC-16"
_FIXED_BLOCKS, _VARIABLE_BLOCKS = b"\xff\xf8", b"\xff\xf9"
_FEW_SAMPLES = 192
"""Block size of code 1 (RFC 9639, table 14)."""


@dataclass(frozen=True, slots=True)
class FlacCheck:
    """Checks the frames of one stream.

    FFmpeg's parser joins a damaged frame with its neighbours into one packet; they are told apart here, so that the
    damage is placed where it is heard.

    Attributes:
        extradata: The STREAMINFO block (RFC 9639, 8.2).
    """

    extradata: bytes

    def __call__(self, packet: bytes) -> Finding:
        """Check a packet. The CRC-16 covers the header too, and with it the header's own CRC-8.

        FFmpeg hands over what follows the last frame with it; an ID3v1 tag there is no damage.
        """
        if crc16_8005(packet) == 0:
            return WHOLE
        if packet[-_TAG_BYTES:].startswith(b"TAG"):
            packet = packet[:-_TAG_BYTES]
        rate, held, after, failed = self._rate, 0, 0, []
        headers = list(_headers(packet))
        starts = [0, *(at for at, _ in headers if at)]
        samples = dict(headers)
        for begin, end in pairwise([*starts, len(packet)]):
            count = samples.get(begin, 0)
            if crc16_8005(packet[begin:end]) == 0:
                held += 1
            else:
                failed.append(Damage(_WHAT, after / rate, count / rate or None))
            after += count
        return Finding(held, tuple(failed))

    @property
    def _rate(self) -> int:
        """Samples per second; what is usual where STREAMINFO is missing."""
        return int.from_bytes(self.extradata[10:13], "big") >> 4 or 48_000


def _headers(packet: bytes) -> Iterator[tuple[int, int]]:
    """Where frame headers that fit their CRC-8 begin, and how many samples their frames hold."""
    sync = packet[:2] if packet[:2] in (_FIXED_BLOCKS, _VARIABLE_BLOCKS) else _FIXED_BLOCKS
    at = packet.find(sync)
    while at >= 0:
        samples = _samples(packet[at : at + 16])
        if samples is not None:
            yield at, samples
        at = packet.find(sync, at + 1)


def _samples(header: bytes) -> int | None:
    """Samples of the frame with that header, None where its CRC-8 does not fit."""
    if len(header) < 16:
        return None
    size, rate = header[2] >> 4, header[2] & 0x0F
    # The number of the frame or sample is coded as UTF-8 codes a character.
    ones = 8 - (header[4] ^ 0xFF).bit_length()
    at = 4 + max(1, ones)
    extra = {6: 1, 7: 2}.get(size, 0)
    end = at + extra + {12: 1, 13: 2, 14: 2}.get(rate, 0)
    if not size or end >= len(header) or crc8.smbus(header[:end]) != header[end]:
        return None
    if extra:
        return int.from_bytes(header[at : at + extra], "big") + 1
    if size == 1:
        return _FEW_SAMPLES
    return 576 << size - 2 if size <= 5 else 256 << size - 8
