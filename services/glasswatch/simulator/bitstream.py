"""Damage to coded pictures: encode, lose or alter bytes of chosen packets, decode with the decoder's concealment."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av
import numpy as np
from av.codec.context import Flags
from av.packet import Packet

from glasswatch.simulator.encode import video_frame
from glasswatch.simulator.media import Picture, Plane, VideoInfo
from glasswatch.simulator.source import planes_of

Codec = Literal["libx264", "libx265", "mpeg2video", "libvpx-vp9"]
Loss = Literal["drop", "truncate", "bit_flip", "packet_loss"]
Planes = tuple[Plane, ...]

DECODERS = {"libx264": "h264", "libx265": "hevc", "mpeg2video": "mpeg2video", "libvpx-vp9": "vp9"}
# Constant quality (MPEG-2: quantiser) of an ordinary encode, and of one that has far too few bits.
QUALITY = {"libx264": (23, 44), "libx265": (25, 46), "mpeg2video": (4, 31), "libvpx-vp9": (32, 63)}
# Broadcast encoders cut pictures into several slices, so that a loss costs a band; MPEG-2 has one in each row anyway.
SLICES = 8
# Start codes and picture headers stand first; without them decoders drop the picture and show no damage.
SPARED_BYTES = 16
TS_PAYLOAD_BYTES = 184
# About one bit in 500: a burst that no error correction has caught.
FLIP_EVERY_BYTES = 64
# No decoder holds more pictures back than its buffer of 16 (H.264, HEVC); twice that means that it is lost.
LOST_AFTER_PICTURES = 32

# Which byte after a start code begins a slice: H.264 table 7-1, HEVC table 7-1, MPEG-2 (ISO/IEC 13818-2) table 6-1.
_BEGINS_SLICE: dict[str, Callable[[int], bool]] = {
    "h264": lambda code: 1 <= code & 31 <= 5,
    "hevc": lambda code: (code >> 1 & 63) < 32,
    "mpeg2video": lambda code: 1 <= code <= 0xAF,
}
_START_CODE = re.compile(rb"\x00\x00\x01")


def slices(data: bytes, decoder: str) -> list[tuple[int, int]]:
    """Byte ranges of the slices of a coded picture (start codes, not length fields); VP9 has one."""
    begins = _BEGINS_SLICE.get(decoder)
    if begins is None:
        return [(0, len(data))] if data else []
    starts = [m.start() for m in _START_CODE.finditer(data)]
    return [
        (at, end)
        for at, end in zip(starts, [*starts[1:], len(data)], strict=True)
        if at + 3 < len(data) and begins(data[at + 3])
    ]


def damaged(data: bytes, decoder: str, loss: Loss, strength: float, rng: np.random.Generator) -> bytes:
    """A coded picture of which the part `strength` (0..1) is lost or altered; empty where nothing of it arrives.

    The part is one burst: the end for "truncate", anywhere for the others. "drop" loses whole slices, as RTP does
    that carries one in a packet; "packet_loss" loses payloads of transport packets and joins what is left;
    "bit_flip" alters one bit in each FLIP_EVERY_BYTES.
    """
    units = slices(data, decoder)
    if not units or len(data) <= units[0][0] + SPARED_BYTES:
        return data
    first = units[0][0] + SPARED_BYTES
    room = len(data) - first
    size = max(round(strength * room), 1)
    begin = first + (room - size if loss == "truncate" else int(rng.integers(0, room - size + 1)))
    end = begin + size
    if loss == "truncate":
        return data[:begin]
    if loss == "bit_flip":
        altered = bytearray(data)
        for at in rng.integers(begin * 8, end * 8, max(size // FLIP_EVERY_BYTES, 1)):
            altered[at >> 3] ^= 1 << (at & 7)
        return bytes(altered)
    if loss == "packet_loss":
        # The first payload holds the PES header: without it the picture is gone, and that is a freeze.
        begin = max(begin // TS_PAYLOAD_BYTES, 1) * TS_PAYLOAD_BYTES
        end = max(-(-end // TS_PAYLOAD_BYTES), 2) * TS_PAYLOAD_BYTES
        return data[:begin] + data[end:] if begin < len(data) else b""
    lost = [(a, b) for a, b in units if b > begin and a < end]
    if len(units) == 1:
        return b""
    # One slice arrives: a picture that is lost as a whole is a freeze. HEVC's first slice opens the picture.
    if decoder == "hevc" or len(lost) == len(units):
        lost = [unit for unit in lost if unit != units[0]] or [units[1]]
    return data[: units[0][0]] + b"".join(data[a:b] for a, b in units if (a, b) not in lost)


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """One picture after coding: as it should be, and as a decoder shows it; None where it shows no new one."""

    clean: Planes
    shown: Planes | None


def pictures_shown(path: Path, info: VideoInfo) -> Iterator[tuple[Fraction, Planes]]:
    """Time on the file's clock and planes of what FFmpeg shows of a file's first video stream, damaged or not."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        stream.codec_context.flags |= Flags.output_corrupt
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except av.FFmpegError:
                continue
            for frame in frames:
                if isinstance(frame, av.VideoFrame) and frame.pts is not None and frame.time_base is not None:
                    yield frame.pts * frame.time_base, planes_of(frame, info)


def round_trip(
    pictures: Iterator[Picture],
    info: VideoInfo,
    codec: Codec,
    *,
    gop: int,
    starved: float = 0.0,
    damage: Callable[[bytes, str], bytes] | None = None,
    window: tuple[Fraction, Fraction] = (Fraction(0), Fraction(0)),
) -> Iterator[Decoded]:
    """Code all pictures and decode them, in order; `damage` is applied to the packets of pictures in the window.

    `starved` leads from an ordinary quality (0) to one with far too few bits (1).

    A packet is spared while pictures from before the window wait for their coding: they may be predicted from it.
    """
    encoder = _encoder(codec, info, gop, starved)
    clean, faulty = _decoder(codec), _decoder(codec)
    waiting: deque[tuple[int, Planes]] = deque()
    shown: dict[int, Planes] = {}
    uncoded: dict[int, Fraction] = {}

    def pass_on(packet: Packet[Any] | None) -> None:
        waiting.extend(_decoded(clean, packet, info))
        if packet is not None:
            time = uncoded.pop(packet.pts or 0)
            if (
                damage is not None
                and window[0] <= time < window[1]
                and not any(t < window[0] for t in uncoded.values())
            ):
                data = damage(bytes(packet), DECODERS[codec])
                if not data:
                    return
                packet = like(packet, data)
        if damage is not None:
            shown.update(_decoded(faulty, packet, info))

    def ready(patience: int) -> Iterator[Decoded]:
        while waiting and (damage is None or waiting[0][0] in shown or len(waiting) > patience):
            number, planes = waiting.popleft()
            yield Decoded(planes, planes if damage is None else shown.pop(number, None))

    for number, picture in enumerate(pictures):
        uncoded[number] = picture.time
        frame = video_frame(picture)
        frame.pts, frame.time_base = number, encoder.time_base
        for packet in encoder.encode(frame):
            pass_on(packet)
        yield from ready(LOST_AFTER_PICTURES)
    for packet in encoder.encode(None):
        pass_on(packet)
    pass_on(None)
    yield from ready(0)


def _encoder(codec: Codec, info: VideoInfo, gop: int, starved: float) -> av.VideoCodecContext:
    context = av.CodecContext.create(codec, "w")
    assert isinstance(context, av.VideoCodecContext)
    known = context.codec
    rate = info.frame_rate
    if known.frame_rates:
        rate = min((Fraction(r.numerator, r.denominator) for r in known.frame_rates), key=lambda r: abs(r - rate))
    formats = {f.name for f in known.video_formats or ()}
    context.width, context.height = info.size
    context.pix_fmt = info.pixel_format if info.pixel_format in formats else "yuv420p"
    context.framerate, context.time_base = rate, 1 / rate
    context.gop_size = gop
    context.thread_count = 1
    good, poor = QUALITY[codec]
    quality = str(round(good + (poor - good) * starved))
    context.options = {
        "libx264": {"preset": "veryfast", "crf": quality, "slices": str(SLICES)},
        # Its slices crash without a pool of threads; one thread keeps the result the same everywhere.
        "libx265": {
            "preset": "superfast",
            "crf": quality,
            "x265-params": f"pools=1:frame-threads=1:log-level=error:slices={SLICES}:open-gop=0",
        },
        # A closed GOP, so that a key frame ends all damage; FFmpeg's encoder asks for no scene cuts then.
        "mpeg2video": {"qmin": quality, "qmax": quality, "bf": "2", "flags": "+cgop", "sc_threshold": "1000000000"},
        "libvpx-vp9": {
            "crf": quality,
            "b": "0",
            "deadline": "good",
            "cpu-used": "5",
            "row-mt": "0",
            "auto-alt-ref": "0",
            "lag-in-frames": "0",
        },
    }[codec]
    return context


def _decoder(codec: Codec) -> av.VideoCodecContext:
    context = av.CodecContext.create(DECODERS[codec], "r")
    assert isinstance(context, av.VideoCodecContext)
    context.thread_count = 1
    context.flags |= Flags.output_corrupt
    return context


def _decoded(
    decoder: av.VideoCodecContext, packet: Packet[Any] | None, info: VideoInfo
) -> Iterator[tuple[int, Planes]]:
    try:
        frames = decoder.decode(packet)
    except av.FFmpegError:
        return
    for frame in frames:
        if frame.pts is not None:
            yield frame.pts, planes_of(frame, info)


def like(packet: Packet[Any], data: bytes) -> Packet[Any]:
    """A packet with other data and the same timestamps."""
    changed = Packet(data)
    changed.pts, changed.dts, changed.time_base = packet.pts, packet.dts, packet.time_base
    changed.duration = packet.duration
    changed.is_keyframe = packet.is_keyframe
    return changed
