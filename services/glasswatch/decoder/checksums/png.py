"""PNG and APNG: each chunk ends in a CRC-32 of its type and its data (W3C PNG, third edition, 5.3)."""

from __future__ import annotations

import zlib

from glasswatch.decoder.checksums.finding import Damage, Finding

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_FRAME = 12
"""Bytes of a chunk besides its data: length, type, CRC."""


def check_png(packet: bytes) -> Finding:
    """Check the chunks of a picture; of an animation FFmpeg gives them without a signature."""
    at, held, failed = len(_SIGNATURE) if packet.startswith(_SIGNATURE[:4]) else 0, 0, []
    if at and packet[:at] != _SIGNATURE:
        failed.append(Damage("the signature is damaged"))
    while at < len(packet):
        length = int.from_bytes(packet[at : at + 4], "big")
        end = at + _FRAME + length
        name = packet[at + 4 : at + 8]
        if end > len(packet):
            # Nothing says where the next chunk begins.
            return Finding(held, (*failed, Damage(f"chunk {_word(name)} is longer than the picture")), is_short=True)
        if zlib.crc32(packet[at + 4 : end - 4]) == int.from_bytes(packet[end - 4 : end], "big"):
            held += 1
        else:
            failed.append(Damage(f"chunk {_word(name)} does not fit its CRC-32"))
        at = end
        if name == b"IEND":
            break  # what follows is no part of the picture
    return Finding(held, tuple(failed))


def _word(name: bytes) -> str:
    return name.decode("ascii") if name.isalpha() else name.hex()
