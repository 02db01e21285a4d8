"""MPEG audio, Layer III: whether the main data of a frame is where its side information says.

Frames borrow bits of those before them (the bit reservoir, ISO/IEC 11172-3, 2.4.3.4): main_data_begin says how many
bytes back a frame's main data starts, part2_3_length how many bits each granule takes. Both must lie between the main
data of the frame before and the frame's own end. Where frames were lost or joined, or side information was hit, they do
not, and decoders mute or repeat without a word. Most Layer III has no checksum, so this is the check that it allows.
"""

from __future__ import annotations

from dataclasses import dataclass

from glasswatch.decoder.checksums.finding import NOTHING_PROTECTED, WHOLE, Damage, Finding, damaged

_HEADER = 4
_KBITS = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBITS_LOW = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_RATES = (44_100, 48_000, 32_000)
_GRANULE_TAIL = 47
"""Bits of a granule's side information behind part2_3_length at full sample rates; at low ones 4 more."""


@dataclass(slots=True)
class Layer3Check:
    """Follows the bit reservoir of one stream.

    Attributes:
        left: Bytes between the end of the last frame's main data and that frame's end, None where that is not known.
    """

    left: int | None = None

    def restart(self) -> None:
        """What follows does not go on where the last frame ended."""
        self.left = None

    def __call__(self, packet: bytes) -> Finding:
        """Check a frame. After one that cannot be read the reservoir is not known, as at the start."""
        left, self.left = self.left, None
        if len(packet) < _HEADER or packet[0] != 0xFF or packet[1] & 0xE6 != 0xE2:
            return NOTHING_PROTECTED  # no frame of Layer III; decoders refuse it
        low, mono = not packet[1] & 0x08, packet[3] >> 6 == 3
        data = _HEADER + (0 if packet[1] & 1 else 2) + ((9, 17) if low else (17, 32))[not mono]
        size = _frame_size(packet, low=low)
        if len(packet) < max(data, size or 0):
            return Finding(failed=(Damage("a frame is shorter than its header says"),), is_short=True)
        begin, used = _main_data(packet[:data], low=low, channels=1 if mono else 2)
        free = begin + len(packet) - data - used
        if free < 0:
            return damaged("a frame's main data is longer than its place")
        self.left = free
        if left is not None and begin > left:
            return damaged("a frame borrows bits that the frame before does not leave")
        return WHOLE


def _main_data(head: bytes, *, low: bool, channels: int) -> tuple[int, int]:
    """How many bytes before the frame its main data begins, and how many it takes (ISO/IEC 11172-3 2.4.1.7)."""
    side = head[-(9 if channels == 1 else 17) if low else -(17 if channels == 1 else 32) :]
    bits, at = int.from_bytes(side, "big"), 8 * len(side)

    def take(count: int) -> int:
        nonlocal at
        at -= count
        return bits >> at & (1 << count) - 1

    begin = take(8 if low else 9)
    take(channels if low else (5 if channels == 1 else 3) + 4 * channels)
    used = 0
    for _ in range(channels * (1 if low else 2)):
        used += take(12)
        take(_GRANULE_TAIL + (4 if low else 0))
    return begin, -(-used // 8)


def _frame_size(packet: bytes, *, low: bool) -> int | None:
    """Bytes of the frame by its header, None where that does not say (free format)."""
    code, rate = packet[2] >> 4, packet[2] >> 2 & 3
    if rate >= len(_RATES) or not 0 < code < len(_KBITS):
        return None
    halved = low + (not packet[1] & 0x10)  # MPEG-2.5 has a quarter of the sample rates
    bits = (_KBITS_LOW if low else _KBITS)[code] * 1000
    return (72 if low else 144) * bits // (_RATES[rate] >> halved) + (packet[2] >> 1 & 1)
