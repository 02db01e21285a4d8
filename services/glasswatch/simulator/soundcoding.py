"""Sound through a real codec and back, in place: encode, decode, restore rate and timing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain
from typing import Literal

import av
import numpy as np
from av.packet import Packet

from glasswatch.core.errors import UsageError
from glasswatch.simulator.effect import Pcm

SoundCodec = Literal["libmp3lame", "aac", "libopus", "pcm_mulaw", "pcm_alaw"]
DECODERS: dict[SoundCodec, str] = {
    "libmp3lame": "mp3float",
    "aac": "aac",
    "libopus": "libopus",
    "pcm_mulaw": "pcm_mulaw",
    "pcm_alaw": "pcm_alaw",
}
# Lowest and highest rate that is coded. Layer III has no less than 32 kb/s at the rates of MPEG-1, so that starved
# encodes use those of MPEG-2; Opus is always decoded at 48 kHz; G.711 has one rate.
BOUNDS_HZ: dict[SoundCodec, tuple[int, int]] = {
    "libmp3lame": (8_000, 24_000),
    "libopus": (48_000, 48_000),
    "pcm_mulaw": (8_000, 8_000),
    "pcm_alaw": (8_000, 8_000),
}


def recoded(blocks: Iterable[Pcm], rate: int, codec: SoundCodec, bit_rate: int) -> Iterator[Pcm]:
    """One channel, in blocks of shape (1, n), as it sounds after coding: the same rate and timing, as many samples.

    `bit_rate` is in bit/s; encoders take the nearest that they have.

    Raises:
        UsageError: The encoder does not take that bit rate.
    """
    encoder = _encoder(codec, rate, bit_rate)
    coded_hz = encoder.sample_rate
    decoder = av.CodecContext.create(DECODERS[codec], "r")
    assert isinstance(decoder, av.AudioCodecContext)
    decoder.thread_count = 1
    decoder.sample_rate, decoder.layout = coded_hz, "mono"
    if encoder.extradata:
        decoder.extradata = encoder.extradata
    into = av.AudioResampler(encoder.format, "mono", coded_hz, encoder.frame_size or None)
    count = 0

    def packets() -> Iterator[Packet[av.AudioStream] | None]:
        nonlocal count
        for block in blocks:
            frame = _frame(block, rate, count)
            count += block.shape[1]
            for ready in into.resample(frame):
                yield from encoder.encode(ready)
        for ready in into.resample(None):
            yield from encoder.encode(ready)
        yield from encoder.encode(None)
        yield None

    decoded = _from_zero(frame for packet in packets() for frame in decoder.decode(packet))
    given = 0
    for block in resampled(decoded, coded_hz, rate):
        # Coding delays, so that only the filling of the last packet can be beyond the input's end.
        kept = block[:, : count - given]
        given += kept.shape[1]
        yield kept
    if given < count:
        yield np.zeros((1, count - given), np.float32)


def resampled(blocks: Iterable[Pcm], source_hz: int, target_hz: int) -> Iterator[Pcm]:
    """One channel at another rate, band-limited, without delay."""
    if source_hz == target_hz:
        yield from blocks
        return
    resampler = av.AudioResampler("fltp", "mono", target_hz)
    at = 0
    for block in blocks:
        if not block.shape[1]:
            continue
        for frame in resampler.resample(_frame(block, source_hz, at)):
            yield _samples(frame)
        at += block.shape[1]
    for frame in resampler.resample(None):
        yield _samples(frame)


def _encoder(codec: SoundCodec, rate: int, bit_rate: int) -> av.AudioCodecContext:
    context = av.CodecContext.create(codec, "w")
    assert isinstance(context, av.AudioCodecContext)
    known = context.codec
    least, most = BOUNDS_HZ.get(codec, (8_000, 48_000))
    wanted = min(max(rate, least), most)
    context.sample_rate = min((r for r in known.audio_rates or (wanted,) if wanted <= r <= most), default=most)
    formats = [f.name for f in known.audio_formats or ()]
    context.format = next((f for f in ("fltp", "flt") if f in formats), formats[0])
    context.layout = "mono"
    context.time_base = Fraction(1, context.sample_rate)
    context.thread_count = 1
    context.bit_rate = bit_rate
    try:
        context.open(strict=False)
    except (av.FFmpegError, ValueError) as error:
        raise UsageError(f"{codec} does not take {bit_rate} bit/s for one channel: {error}") from error
    return context


def _frame(block: Pcm, rate: int, at: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block, np.float32), "fltp", "mono")
    frame.sample_rate, frame.pts, frame.time_base = rate, at, Fraction(1, rate)
    return frame


def _samples(frame: av.AudioFrame) -> Pcm:
    return frame.to_ndarray().astype(np.float32, copy=False)


def _from_zero(frames: Iterator[av.AudioFrame]) -> Iterator[Pcm]:
    """The samples from time 0 on: some decoders take the encoder's priming off, the second timestamp tells which."""
    to_float = av.AudioResampler("fltp", "mono")
    head = [f for f in (next(frames, None), next(frames, None)) if f is not None]
    priming = max(head[0].samples - (head[1].pts or 0), 0) if len(head) > 1 else 0
    for frame in chain(head, frames):
        for ready in to_float.resample(frame):
            yield _samples(ready)[:, priming:]
            priming = max(priming - ready.samples, 0)
