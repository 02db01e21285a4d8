"""Checksums over decoded samples, which only a decoder can compare."""

from __future__ import annotations

from typing import Any

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.packet import Packet

from glasswatch.core.media import FactKind
from glasswatch.core.time import Instant
from glasswatch.decoder.tally import Tally

CODECS = frozenset({"wavpack"})
"""Codecs whose decoder refuses a packet when it is asked to check, and whose packets stand alone."""

OPTIONS = {"err_detect": "crccheck+explode"}
"""What asks a decoder to check, and to refuse mono too (FFmpeg only logs that without `explode`)."""


class SpareDecoder:
    """Decodes without a check what the stream's decoder has refused: damaged sound is judged all the same."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        context = av.CodecContext.create(tally.stream.codec_context.codec.name, "r")
        assert isinstance(context, AudioCodecContext)
        self._context = context
        self._context.extradata = tally.stream.codec_context.extradata

    def decode(self, packet: Packet[Any], at: Instant) -> list[AudioFrame] | None:
        """The packet's frames, None where it cannot be decoded so either; reported as damaged in both cases."""
        text, frames = "a block does not fit its CRC-32", None
        try:
            frames = self._context.decode(packet) or None
        except (av.FFmpegError, ValueError, MemoryError):
            text = "a block is damaged"  # whoever asks reports the first decoder's error too
        seconds = self._tally.seconds(packet.duration)
        values = {"duration_s": float(seconds)} if seconds else {}
        self._tally.say(FactKind.CHECKSUM_FAILED, at, text, **values)
        return frames
