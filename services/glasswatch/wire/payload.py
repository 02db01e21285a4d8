"""Samples as bytes and back: lossless, compressed as docs/wire.md found best, and safe to decode.

What a message declares is checked against limits before anything is allocated, and expansion stops at the declared
size, so that no message takes more memory than its declared shape, and no declared shape more than `MOST_BYTES`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import numpy.typing as npt

from glasswatch.core.media import Samples
from glasswatch.v1 import media_pb2
from glasswatch.wire.compression import zstd

MOST_BYTES = 8192 * 8192 * 3 * 2
"""Expanded size of the largest chunk: one picture of 8192 x 8192 in 4:4:4 with 16-bit samples, 384 MiB."""

LEVEL = 1
_WINDOW: dict[int, int] = {zstd.DecompressionParameter.window_log_max: 23}
"""A decoder needs memory for the window besides its output: at most 8 MiB, of which level 1 uses 512 KiB."""

_RAW = media_pb2.PAYLOAD_ENCODING_RAW
_ZSTD = media_pb2.PAYLOAD_ENCODING_ZSTD
_LINE_DELTA_ZSTD = media_pb2.PAYLOAD_ENCODING_LINE_DELTA_ZSTD

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Detached:
    """An encoded payload that is too large for a message: it must be stored before the message is published.

    Attributes:
        key: Where to store it; equal payloads have equal keys.
        data: What to store.
    """

    key: str
    data: bytes


Fetch = Callable[[str], bytes]
"""Reads a detached payload by its key; what it raises goes to the caller, since the message itself is sound."""


def planes_to_wire(planes: Sequence[Samples], most_inline: int) -> tuple[media_pb2.Payload, Detached | None]:
    """Payload of a chunk's planes, each (frames, lines, columns) or (frames, lines, columns, components)."""
    deltas = np.empty(sum(plane.nbytes for plane in planes), np.uint8)
    first = 0
    for plane in planes:
        last = first + plane.nbytes
        target = deltas[first:last].view(_little_endian(plane.dtype)).reshape(plane.shape)
        target[:, :1] = plane[:, :1]
        np.subtract(plane[:, 1:], plane[:, :-1], out=target[:, 1:])
        first = last
    return _place(_LINE_DELTA_ZSTD, zstd.compress(deltas.data, LEVEL), most_inline)


def planes_from_wire(
    payload: media_pb2.Payload, shapes: Sequence[Shape], dtype: npt.DTypeLike, fetch: Fetch | None
) -> tuple[Samples, ...]:
    """The planes of those shapes; read-only, ValueError where the payload does not hold exactly them."""
    dtype = _little_endian(np.dtype(dtype))
    data = _expand(payload, sum(map(prod, shapes)) * dtype.itemsize, fetch)
    planes = []
    first = 0
    for shape in shapes:
        plane = np.frombuffer(data, dtype, prod(shape), first).reshape(shape)
        first += plane.nbytes
        planes.append(_sum_lines(plane) if payload.encoding == _LINE_DELTA_ZSTD else plane)
    return tuple(planes)


def pcm_to_wire(samples: npt.NDArray[np.float32], most_inline: int) -> tuple[media_pb2.Payload, Detached | None]:
    """Payload of float PCM of shape (channels, samples)."""
    return _place(_ZSTD, zstd.compress(samples.astype("<f4", copy=False).tobytes(), LEVEL), most_inline)


def pcm_from_wire(payload: media_pb2.Payload, shape: Shape, fetch: Fetch | None) -> npt.NDArray[np.float32]:
    """PCM of that shape, read-only; ValueError where the payload does not hold exactly that."""
    if payload.encoding == _LINE_DELTA_ZSTD:
        raise ValueError("sound has no lines to differ")
    return np.frombuffer(_expand(payload, prod(shape) * 4, fetch), "<f4").reshape(shape)


def _place(
    encoding: media_pb2.PayloadEncoding, data: bytes, most_inline: int
) -> tuple[media_pb2.Payload, Detached | None]:
    """Put encoded bytes into the payload, or detach them where they are more than `most_inline`."""
    if len(data) <= most_inline:
        return media_pb2.Payload(encoding=encoding, data=data), None
    digest = hashlib.sha256(data)
    key = digest.hexdigest()
    reference = media_pb2.PayloadReference(key=key, stored_bytes=len(data), sha256=digest.digest())
    return media_pb2.Payload(encoding=encoding, reference=reference), Detached(key, data)


def _expand(payload: media_pb2.Payload, size: int, fetch: Fetch | None) -> bytes:
    """The decoded bytes, exactly `size` of them."""
    if size > MOST_BYTES:
        raise ValueError(f"a chunk of {size} bytes is declared, the limit is {MOST_BYTES}")
    if payload.encoding not in (_RAW, _ZSTD, _LINE_DELTA_ZSTD):
        raise ValueError(f"payload encoding {payload.encoding} is not known")
    data = _content(payload, fetch)
    if payload.encoding == _RAW:
        expanded = data
    else:
        decompressor = zstd.ZstdDecompressor(options=_WINDOW)
        try:
            expanded = decompressor.decompress(data, max_length=size + 1)
        except zstd.ZstdError as error:
            raise ValueError(f"the payload is not zstd: {error}") from error
        if decompressor.unused_data or not decompressor.eof:
            raise ValueError(f"the payload is no single zstd frame of {size} bytes")
    if len(expanded) != size:
        raise ValueError(f"the payload holds {len(expanded)} bytes, its shape takes {size}")
    return expanded


def _content(payload: media_pb2.Payload, fetch: Fetch | None) -> bytes:
    """The encoded bytes, from the message or the store."""
    if payload.WhichOneof("content") == "data":
        return payload.data
    if payload.WhichOneof("content") is None:
        raise ValueError("the payload is missing")
    reference = payload.reference
    if reference.stored_bytes > MOST_BYTES:
        raise ValueError(f"a stored payload of {reference.stored_bytes} bytes, the limit is {MOST_BYTES}")
    if fetch is None:
        raise ValueError("the payload lies in a media store, and there is none")
    data = fetch(reference.key)
    if len(data) != reference.stored_bytes or hashlib.sha256(data).digest() != reference.sha256:
        raise ValueError(f"the media store holds something else under {reference.key}")
    return data


def _sum_lines(deltas: Samples) -> Samples:
    """Undo the differences between lines; line by line, which NumPy vectorises as it does not a cumulative sum."""
    plane = np.empty_like(deltas)
    plane[:, :1] = deltas[:, :1]
    for line in range(1, deltas.shape[1]):
        np.add(deltas[:, line], plane[:, line - 1], out=plane[:, line])
    plane.flags.writeable = False
    return plane


def _little_endian(dtype: np.dtype[np.generic]) -> np.dtype[np.generic]:
    return dtype.newbyteorder("<")
