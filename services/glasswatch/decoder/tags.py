"""Tags between the frames of MPEG audio and AAC: what was joined from several files has them in mid-stream."""

from __future__ import annotations

from dataclasses import dataclass

_ID3V2, _ID3V2_HEADER = b"ID3", 10
_ID3V1, _ID3V1_BYTES = b"TAG", 128


@dataclass(slots=True)
class Tags:
    """Follows the packets of one stream that is nothing but frames and tags.

    Attributes:
        left: Bytes of a tag that are still to come.
    """

    left: int = 0

    def hold(self, packet: bytes) -> bool:
        """Whether a packet lies in a tag: FFmpeg takes what stands between two frames for a packet."""
        if self.left <= 0:
            self.left = _size(packet)
        is_tag = self.left > 0
        self.left -= len(packet)
        return is_tag


def _size(packet: bytes) -> int:
    """Bytes of the tag that begins with a packet, 0 where none does (ID3v2.4 structure, 3.1: seven bits a byte)."""
    if packet.startswith(_ID3V2) and len(packet) >= _ID3V2_HEADER and all(byte < 0x80 for byte in packet[6:10]):
        return _ID3V2_HEADER + sum(byte << 7 * place for place, byte in enumerate(reversed(packet[6:10])))
    return _ID3V1_BYTES if packet.startswith(_ID3V1) else 0
