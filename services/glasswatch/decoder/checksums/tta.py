"""TTA: each frame ends in a CRC-32 of all before it, that of zlib, least significant byte first."""

from __future__ import annotations

import zlib

from glasswatch.decoder.checksums.finding import WHOLE, Finding, damaged


def check_tta(packet: bytes) -> Finding:
    """Check a frame."""
    if zlib.crc32(packet[:-4]) == int.from_bytes(packet[-4:], "little"):
        return WHOLE
    return damaged("a frame does not fit its CRC-32")
