"""Media messages: chunks of pictures and sound, facts, the end of a stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from glasswatch.core.media import AudioChunk, FactKind, FrameChunk, MediaUnit, StreamFact
from glasswatch.core.message import EndOfStream, MediaMessage
from glasswatch.v1 import media_pb2
from glasswatch.wire import payload as payloads
from glasswatch.wire.fields import (
    EnumCodec,
    canonical,
    decoding,
    instant_from_wire,
    instant_to_wire,
    optional_text,
    parse,
    rational_from_wire,
    rational_to_wire,
)

MOST_FRAMES = 1024
MOST_PLANES = 4
MOST_LINES = 65_536
MOST_CHANNELS = 1024
"""Far beyond what decoders make: more is an attack or a defect. Lines and planes take time even where empty."""

OVERHEAD_BYTES = 64 << 10
"""What a media message takes besides its payload, record and batch included, at most: a topic's max.message.bytes less
this is what may be inline."""

_FACT_KIND = EnumCodec(FactKind, media_pb2.FactKind, "FACT_KIND")
_DTYPES: dict[media_pb2.SampleFormat, np.dtype[Any]] = {
    media_pb2.SAMPLE_FORMAT_U8: np.dtype(np.uint8),
    media_pb2.SAMPLE_FORMAT_U16LE: np.dtype(np.uint16),
}
_FORMATS = {dtype: number for number, dtype in _DTYPES.items()}


@dataclass(frozen=True, slots=True)
class EncodedMedia:
    """A media message as bytes.

    Attributes:
        value: The message.
        identity: Everything but the samples: equal for equal messages, for the event id.
        detached: What must be stored before the message is published, None where the message holds it all.
    """

    value: bytes
    identity: bytes
    detached: payloads.Detached | None = None


def encode_media(message: MediaMessage, most_inline: int) -> EncodedMedia:
    """The message as bytes; an encoded payload of more than `most_inline` bytes is detached.

    Raises:
        ValueError: A time takes more than 64 bits, or a plane has a form that renditions do not have.
    """
    wire = media_pb2.MediaMessage(
        channel=message.channel,
        session=message.session,
        rendition=message.rendition,
        sequence=message.sequence,
        offset=rational_to_wire(message.offset),
        live=message.live,
        detectors=message.detectors,
    )
    match message.unit:
        case FrameChunk() as chunk:
            wire.frames.CopyFrom(_frames_to_wire(chunk))
            identity = canonical(wire)
            payload, detached = payloads.planes_to_wire(chunk.planes, most_inline)
            wire.frames.payload.CopyFrom(payload)
        case AudioChunk() as chunk:
            wire.audio.CopyFrom(_audio_to_wire(chunk))
            identity = canonical(wire)
            payload, detached = payloads.pcm_to_wire(chunk.samples, most_inline)
            wire.audio.payload.CopyFrom(payload)
        case StreamFact() as fact:
            wire.fact.CopyFrom(_fact_to_wire(fact))
            identity, detached = canonical(wire), None
        case EndOfStream() as end:
            wire.end.CopyFrom(_end_to_wire(end))
            identity, detached = canonical(wire), None
    return EncodedMedia(canonical(wire), identity, detached)


def decode_media(raw: bytes, fetch: payloads.Fetch | None = None) -> MediaMessage:
    """The message in `raw`; `fetch` reads detached payloads.

    Raises:
        WireError: It is no media message, or declares what it does not hold.
    """
    with decoding("a media message", raw):
        wire = parse(media_pb2.MediaMessage, raw)
        unit: MediaUnit | EndOfStream
        match wire.WhichOneof("unit"):
            case "frames":
                unit = _frames_from_wire(wire.rendition, wire.frames, fetch)
            case "audio":
                unit = _audio_from_wire(wire.rendition, wire.audio, fetch)
            case "fact":
                unit = _fact_from_wire(wire.fact)
            case "end":
                unit = _end_from_wire(wire.end)
            case _:
                raise ValueError("it carries nothing that this version knows")
        if not wire.channel:
            raise ValueError("it names no channel")
        return MediaMessage(
            channel=wire.channel,
            session=wire.session,
            rendition=wire.rendition,
            sequence=wire.sequence,
            unit=unit,
            offset=rational_from_wire(wire.offset),
            live=wire.live,
            detectors=tuple(wire.detectors),
        )


def _frames_to_wire(chunk: FrameChunk) -> media_pb2.FrameChunk:
    dtypes = {plane.dtype.newbyteorder("=") for plane in chunk.planes} or {np.dtype(np.uint8)}
    if len(dtypes) > 1 or not dtypes <= set(_FORMATS):
        raise ValueError(f"planes of {', '.join(map(str, dtypes))} have no wire format")
    return media_pb2.FrameChunk(
        epoch=chunk.epoch,
        frames=[
            media_pb2.Frame(
                pts=rational_to_wire(pts), end=rational_to_wire(end), key=key, interlaced=interlaced, damaged=damaged
            )
            for pts, end, key, interlaced, damaged in zip(
                chunk.pts, chunk.ends, chunk.key, chunk.interlaced, chunk.damaged, strict=True
            )
        ],
        sample_format=_FORMATS[dtypes.pop()],
        planes=[_shape_to_wire(plane.shape, len(chunk)) for plane in chunk.planes],
        bit_depth=chunk.bit_depth,
        full_range=chunk.full_range,
        width=chunk.size[0],
        height=chunk.size[1],
        step_x=chunk.step[0],
        step_y=chunk.step[1],
    )


def _shape_to_wire(shape: payloads.Shape, frames: int) -> media_pb2.PlaneShape:
    components = 1 if len(shape) == 3 else shape[-1]
    if shape[0] != frames or shape[1:] != _plane_shape(shape[1], shape[2], components):
        raise ValueError(f"a plane of shape {shape} is none of {frames} frames")
    return media_pb2.PlaneShape(lines=shape[1], columns=shape[2], components=components)


def _plane_shape(lines: int, columns: int, components: int) -> payloads.Shape:
    """Shape of one frame's plane; ValueError for anything but one component or RGB."""
    if components not in (1, 3):
        raise ValueError(f"a plane has {components} components")
    return (lines, columns) if components == 1 else (lines, columns, components)


def _frames_from_wire(rendition: str, wire: media_pb2.FrameChunk, fetch: payloads.Fetch | None) -> FrameChunk:
    count = len(wire.frames)
    if count > MOST_FRAMES or len(wire.planes) > MOST_PLANES or any(p.lines > MOST_LINES for p in wire.planes):
        raise ValueError(f"{count} frames of {len(wire.planes)} planes, or their lines, are beyond the limit")
    dtype = _DTYPES.get(wire.sample_format)
    if dtype is None:
        raise ValueError(f"sample format {wire.sample_format} is not known")
    if not 1 <= wire.bit_depth <= dtype.itemsize * 8:
        raise ValueError(f"{wire.bit_depth} bits in a sample of {dtype.itemsize} bytes")
    shapes = [(count, *_plane_shape(p.lines, p.columns, p.components)) for p in wire.planes]
    pts = tuple(rational_from_wire(f.pts) for f in wire.frames)
    ends = tuple(rational_from_wire(f.end) for f in wire.frames)
    if any(end < start for start, end in zip(pts, ends, strict=True)):
        raise ValueError("a frame ends before it starts")
    return FrameChunk(
        rendition=rendition,
        epoch=wire.epoch,
        pts=pts,
        ends=ends,
        planes=payloads.planes_from_wire(wire.payload, shapes, dtype, fetch),
        bit_depth=wire.bit_depth,
        full_range=wire.full_range,
        size=(wire.width, wire.height),
        step=(wire.step_x, wire.step_y),
        key=tuple(f.key for f in wire.frames),
        interlaced=tuple(f.interlaced for f in wire.frames),
        damaged=tuple(f.damaged for f in wire.frames),
    )


def _audio_to_wire(chunk: AudioChunk) -> media_pb2.AudioChunk:
    if chunk.samples.ndim != 2 or len(chunk.samples) != len(chunk.channels):
        raise ValueError(f"PCM of shape {chunk.samples.shape} for {len(chunk.channels)} channels")
    return media_pb2.AudioChunk(
        track=chunk.track,
        epoch=chunk.epoch,
        start=rational_to_wire(chunk.start),
        rate=chunk.rate,
        channels=chunk.channels,
        samples=len(chunk),
        contiguous=chunk.contiguous,
        tracks=chunk.tracks,
        members=chunk.members,
        may_be_unused=chunk.may_be_unused,
    )


def _audio_from_wire(rendition: str, wire: media_pb2.AudioChunk, fetch: payloads.Fetch | None) -> AudioChunk:
    if wire.rate < 1:
        raise ValueError("a sample rate of 0")
    if len(wire.channels) > MOST_CHANNELS:
        raise ValueError(f"{len(wire.channels)} channels, the limit is {MOST_CHANNELS}")
    return AudioChunk(
        rendition=rendition,
        track=wire.track,
        epoch=wire.epoch,
        start=rational_from_wire(wire.start),
        samples=payloads.pcm_from_wire(wire.payload, (len(wire.channels), wire.samples), fetch),
        rate=wire.rate,
        channels=tuple(wire.channels),
        contiguous=wire.contiguous,
        tracks=wire.tracks,
        members=tuple(wire.members),
        may_be_unused=wire.may_be_unused,
    )


def _fact_to_wire(fact: StreamFact) -> media_pb2.StreamFact:
    return media_pb2.StreamFact(
        kind=_FACT_KIND.to_wire(fact.kind),
        at=instant_to_wire(fact.at),
        stream=fact.stream,
        message=fact.message,
        count=fact.count,
        values=fact.values,
    )


def _fact_from_wire(wire: media_pb2.StreamFact) -> StreamFact:
    kind = _FACT_KIND.from_wire(wire.kind)
    return StreamFact(kind, instant_from_wire(wire.at), wire.stream, wire.message, wire.count, dict(wire.values))


def _end_to_wire(end: EndOfStream) -> media_pb2.EndOfStream:
    at = instant_to_wire(end.at) if end.at is not None else None
    return media_pb2.EndOfStream(at=at, reason=end.reason)


def _end_from_wire(wire: media_pb2.EndOfStream) -> EndOfStream:
    at = instant_from_wire(wire.at) if wire.HasField("at") else None
    return EndOfStream(at, optional_text(wire, "reason"))
