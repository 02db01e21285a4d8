"""FFV1: each slice ends in its size and, where error correction is on, a CRC-32 parity (RFC 9043, 4.8 and 4.9)."""

from __future__ import annotations

from dataclasses import dataclass, field

from glasswatch.decoder.checksums.crc import crc32_04c11db7
from glasswatch.decoder.checksums.finding import NOTHING_PROTECTED, Damage, Finding, damaged

_SIZE, _STATUS_AND_PARITY = 3, 5
_BARE, _PROTECTED = _SIZE, _SIZE + _STATUS_AND_PARITY
"""Bytes of a slice's footer with `ec` 0 and above."""

_LATER_START = 0x79408C7A
"""Where the register starts, and ends, with `ec` 2 (FFmpeg 8 and later, which keeps it byte-swapped: 0x7a8c4079)."""


@dataclass(slots=True)
class Ffv1Check:
    """Checks the slices of frames of one stream.

    The configuration record is coded arithmetically; what is asked of it is read from the outside. It ends in a parity
    of its own, which starts where those of slices do. Whether slices have one is seen by the sizes in their footers,
    which lead from the frame's end to its start with footers of one length only.

    Attributes:
        extradata: The stream's configuration record (RFC 9043, 4.3); versions below 3 have no checksums.
    """

    extradata: bytes
    _start: int = field(init=False)
    _footer: int | None = field(init=False)

    def __post_init__(self) -> None:
        later = crc32_04c11db7(self.extradata, _LATER_START) == _LATER_START
        self._start = _LATER_START if later else 0
        self._footer = _PROTECTED if later else None

    def __call__(self, packet: bytes) -> Finding:
        """Check a frame."""
        if not self.extradata or self._footer == _BARE:
            return NOTHING_PROTECTED
        slices = _slices(packet, _PROTECTED)
        if slices is None:
            if self._footer is None and _slices(packet, _BARE) is not None:
                self._footer = _BARE
                return NOTHING_PROTECTED
            return damaged("the sizes of its slices do not add up")
        failed = sum(crc32_04c11db7(part, self._start) != self._start for part in slices)
        self._footer = _PROTECTED
        text = f"{failed} of {len(slices)} slices do not fit their CRC-32"
        return Finding(held=len(slices) - failed, failed=(Damage(text),) if failed else ())


def _slices(packet: bytes, footer: int) -> list[bytes] | None:
    """The slices of a frame with their footers, None where the sizes do not lead to its start."""
    parts, end = [], len(packet)
    while end > 0:
        at = end - footer
        start = at - int.from_bytes(packet[at : at + _SIZE], "big") if at >= 0 else -1
        if start < 0:
            return None
        parts.append(packet[start:end])
        end = start
    return parts
