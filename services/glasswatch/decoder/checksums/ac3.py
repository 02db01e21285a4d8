"""AC-3 and E-AC-3: each sync frame ends in a CRC-16 (ETSI TS 102 366, 4.4.1, 4.4.5.5, E.1.2.4; ATSC A/52)."""

from __future__ import annotations

from dataclasses import dataclass

from glasswatch.decoder.checksums.crc import crc16_8005
from glasswatch.decoder.checksums.finding import NOTHING_PROTECTED, Damage, Finding

_SYNC = b"\x0b\x77"
_SWAPPED = b"\x77\x0b"
_KBITS = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)
_RATES = (48_000, 44_100, 32_000)
_SAMPLES = 1536
_LAST_AC3 = 10
"""Highest bsid of AC-3; above lie E-AC-3's, which has no first checksum (E.1.3.1.6)."""

_HIGHEST = 16


@dataclass(slots=True)
class Ac3Check:
    """Checks the sync frames of one stream.

    Attributes:
        begun: A frame has been found; what comes before is left over from where the input was cut.
    """

    begun: bool = False

    def restart(self) -> None:
        """What follows may begin within a frame."""
        self.begun = False

    def __call__(self, packet: bytes) -> Finding:
        """Check a packet; E-AC-3 has a frame for each substream."""
        if not self.begun and _frame_size(packet, 0) is None:
            return NOTHING_PROTECTED
        self.begun = True
        return _check_frames(packet)


def _check_frames(packet: bytes) -> Finding:
    if packet.startswith(_SWAPPED):
        return NOTHING_PROTECTED  # in words of the other byte order, as RealMedia has it
    failed: list[Damage] = []
    at = held = 0
    while at < len(packet):
        size = _frame_size(packet, at)
        if size is None and (failed or (held and not any(packet[at:]))):
            break  # more of the same damage, or padding of a container
        if size is None:
            return Finding(held, (*failed, Damage("a frame has no valid header")))
        frame = packet[at : at + size]
        if len(frame) < size:
            return Finding(held, (*failed, Damage("a frame is shorter than its header says")), is_short=True)
        # The first checksum, of five eighths, lets a decoder begin early; the last one covers all but the sync word.
        if crc16_8005(frame[2:]) == 0:
            held += 1
        else:
            failed.append(Damage("a frame does not fit its CRC-16"))
        at += size
    return Finding(held, tuple(failed))


def _frame_size(packet: bytes, at: int) -> int | None:
    """Bytes of the sync frame that begins at `at`, None where none does."""
    if packet[at : at + 2] != _SYNC or at + 6 > len(packet):
        return None
    bsid = packet[at + 5] >> 3
    if bsid > _HIGHEST:
        return None
    if bsid > _LAST_AC3:
        return 2 * (((packet[at + 2] & 0x07) << 8 | packet[at + 3]) + 1)
    rate, code = packet[at + 4] >> 6, packet[at + 4] & 0x3F
    if rate >= len(_RATES) or code >= 2 * len(_KBITS):
        return None
    # 16-bit words, rounded down; at 44.1 kHz the odd codes have one more (table 4.13).
    words = _KBITS[code >> 1] * 1000 * _SAMPLES // (_RATES[rate] * 16)
    return 2 * (words + (code & 1 if _RATES[rate] == 44_100 else 0))
