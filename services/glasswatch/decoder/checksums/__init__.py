"""Damage that only a checksum shows.

Decoders conceal what does not fit its checksum, or play it, and say so in a log at most. What a codec protects is
compared here, in the bytes of its packets, independent of decoder and threads.
"""

from __future__ import annotations

from glasswatch.decoder.checksums.ac3 import check_ac3
from glasswatch.decoder.checksums.ffv1 import Ffv1Check
from glasswatch.decoder.checksums.finding import Check
from glasswatch.decoder.checksums.flac import FlacCheck
from glasswatch.decoder.checksums.mpeg_audio import check_mpeg_audio
from glasswatch.decoder.checksums.png import check_png
from glasswatch.decoder.checksums.tta import check_tta

__all__ = ["MAY_BE_UNUSED", "Check", "check_for"]

MAY_BE_UNUSED = frozenset({"mp1", "mp2", "mp3"})
"""Codecs of which encoders are known that announce checksums and leave them empty."""

_CHECKS: dict[str, Check] = {
    "ac3": check_ac3,
    "apng": check_png,
    "eac3": check_ac3,
    "mp1": check_mpeg_audio,
    "mp2": check_mpeg_audio,
    "mp3": check_mpeg_audio,
    "png": check_png,
    "tta": check_tta,
}


def check_for(codec: str, extradata: bytes) -> Check | None:
    """What checks the packets of a stream in that codec, by FFmpeg's name; None where packets carry no checksums."""
    if codec == "ffv1":
        return Ffv1Check(extradata)
    if codec == "flac":
        return FlacCheck(extradata)
    return _CHECKS.get(codec)
