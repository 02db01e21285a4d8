"""What a rendition weighs on the bus: bytes and CPU of each payload encoding, per channel-second at 1080p25.

    python -m bench.wire CLIP... [--seconds S] [--markdown F]

Chunks are what the decoder makes of the clips. Clips of another size or frame rate are scaled to 1080p25 by the number
of samples, so that rows can be compared; ratios hold for the clip as it is. CPU is process time of one thread, the
least of three passes. Encodings whose package is not installed are left out: `pip install backports.zstd lz4 cramjam`.
"""

from __future__ import annotations

import importlib
import io
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import click
import numpy as np
import numpy.typing as npt
from rich.console import Console

from bench.provenance import headline, provenance
from bench.tables import Table, number
from glasswatch.core.media import AudioChunk, FrameChunk
from glasswatch.core.needs import AudioNeed, Planes, VideoNeed
from glasswatch.decoder.decode import Decoder
from glasswatch.decoder.source import open_source

PASSES = 3
FRAME_RATE = 25
LUMA_270, PICTURE_270 = VideoNeed(Planes.LUMA, lines=270), VideoNeed(Planes.PICTURE, lines=270)
LUMA_SAMPLES = 480 * 270
"""Samples of luma-270 in one frame of 1080p: every fourth line and column."""

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Encoding:
    """A lossless way to carry the arrays of one chunk."""

    name: str
    encode: Callable[[list[Array]], list[bytes]]
    decode: Callable[[list[bytes], list[Array]], list[Array]]


@dataclass(frozen=True, slots=True)
class Cost:
    """Sums over the chunks of one rendition of one clip; seconds of CPU."""

    raw_bytes: int
    coded_bytes: int
    encode_s: float
    decode_s: float


def _bytewise(name: str, compress: Callable[[bytes], bytes], expand: Callable[[bytes], bytes]) -> Encoding:
    def decode(parts: list[bytes], like: list[Array]) -> list[Array]:
        return [np.frombuffer(expand(p), a.dtype).reshape(a.shape) for p, a in zip(parts, like, strict=True)]

    return Encoding(name, lambda arrays: [compress(a.tobytes()) for a in arrays], decode)


def _filtered(
    name: str, before: Callable[[Array], Array], after: Callable[[Array], Array], inner: Encoding
) -> Encoding:
    def decode(parts: list[bytes], like: list[Array]) -> list[Array]:
        return [after(a) for a in inner.decode(parts, [before(a) for a in like])]

    return Encoding(name, lambda arrays: inner.encode([before(a) for a in arrays]), decode)


def _delta(axis: int) -> tuple[Callable[[Array], Array], Callable[[Array], Array]]:
    """Differences to the neighbour along an axis, modulo the sample's range, and their sums."""

    def forward(a: Array) -> Array:
        out = a.copy()
        lines, neighbours = np.moveaxis(out, axis, 0), np.moveaxis(a, axis, 0)
        lines[1:] -= neighbours[:-1]
        return out

    def backward(a: Array) -> Array:
        if axis == a.ndim - 1:
            return np.cumsum(a, axis=axis, dtype=a.dtype)
        # Line by line, which NumPy vectorises as it does not a cumulative sum.
        out = a.copy()
        lines = np.moveaxis(out, axis, 0)
        for line, before in zip(lines[1:], lines, strict=False):
            np.add(line, before, out=line)
        return out

    return forward, backward


def _shuffle(a: Array) -> Array:
    """All first bytes of the samples, then all second bytes, and so on."""
    return np.ascontiguousarray(np.ascontiguousarray(a).view(np.uint8).reshape(-1, a.itemsize).T)


def _video(name: str, codec: str, options: dict[str, str]) -> Encoding:
    """One elementary stream for each plane, by FFmpeg's encoder of grey pictures."""

    def encode(arrays: list[Array]) -> list[bytes]:
        return [_encode_plane(plane, codec, options) for plane in arrays]

    def decode(parts: list[bytes], _like: list[Array]) -> list[Array]:
        return [_decode_plane(part) for part in parts]

    return Encoding(name, encode, decode)


def _encode_plane(plane: Array, codec: str, options: dict[str, str]) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="nut") as container:
        stream: Any = container.add_stream(codec, rate=FRAME_RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = plane.shape[2], plane.shape[1], "gray"
        stream.codec_context.thread_count = 1
        for picture in plane:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="gray")))
        container.mux(stream.encode())
    return file.getvalue()


def _decode_plane(part: bytes) -> Array:
    with av.open(io.BytesIO(part), format="nut") as container:
        container.streams.video[0].codec_context.thread_count = 1
        return np.stack([_luma(frame) for frame in container.decode(video=0)])


def _luma(frame: av.VideoFrame) -> Array:
    """The first plane as it is: x264 marks grey pictures as 4:2:0, and a conversion would change their range."""
    plane = frame.planes[0]
    return np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]


def _general() -> Iterator[Encoding]:
    """Encodings of any bytes, those that are installed."""
    yield _bytewise("raw", bytes, bytes)
    yield _bytewise("zlib 1", lambda data: zlib.compress(data, 1), zlib.decompress)
    lz4 = _optional("lz4.frame")
    if lz4:
        yield _bytewise("lz4", lz4.compress, lz4.decompress)
    cramjam = _optional("cramjam")
    if cramjam:
        yield _bytewise(
            "snappy", lambda d: bytes(cramjam.snappy.compress(d)), lambda d: bytes(cramjam.snappy.decompress(d))
        )
    zstd = _optional("backports.zstd")
    for level in (-5, -1, 1, 3) if zstd else ():
        yield _zstd(level)


def _zstd(level: int) -> Encoding:
    zstd = importlib.import_module("backports.zstd")
    return _bytewise(f"zstd {level}", lambda data: zstd.compress(data, level), zstd.decompress)


def _for_pictures() -> Iterator[Encoding]:
    yield from _general()
    across, down, in_time = _delta(2), _delta(1), _delta(0)
    zlib_1 = _bytewise("zlib 1", lambda data: zlib.compress(data, 1), zlib.decompress)
    yield _filtered("across + zlib 1", *across, zlib_1)
    if _optional("backports.zstd"):
        for level in (-1, 1, 3):
            yield _filtered(f"across + zstd {level}", *across, _zstd(level))
            yield _filtered(f"down + zstd {level}", *down, _zstd(level))
        yield _filtered("time + zstd 1", *in_time, _zstd(1))
    if lz4 := _optional("lz4.frame"):
        yield _filtered("down + lz4", *down, _bytewise("", lz4.compress, lz4.decompress))
    yield _video("ffv1", "ffv1", {"level": "3", "slices": "4"})
    yield _video("x264 ultrafast qp 0", "libx264", {"preset": "ultrafast", "qp": "0"})


def _for_sound() -> Iterator[Encoding]:
    yield from _general()
    if _optional("backports.zstd"):
        for level in (-1, 1, 3):
            inner = _zstd(level)

            def encode(arrays: list[Array], inner: Encoding = inner) -> list[bytes]:
                return inner.encode([_shuffle(a) for a in arrays])

            def decode(parts: list[bytes], like: list[Array], inner: Encoding = inner) -> list[Array]:
                shuffled = inner.decode(parts, [_shuffle(a) for a in like])
                return [
                    np.ascontiguousarray(s.T).reshape(-1).view(a.dtype).reshape(a.shape)
                    for s, a in zip(shuffled, like, strict=True)
                ]

            yield Encoding(f"shuffle + zstd {level}", encode, decode)


def _optional(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        return None


def measure(encoding: Encoding, chunks: list[list[Array]]) -> Cost:
    """Encode and decode every chunk; AssertionError where an encoding loses anything."""
    encode_s = decode_s = float("inf")
    coded = [encoding.encode(arrays) for arrays in chunks]
    for arrays, parts in zip(chunks, coded, strict=True):
        for before, after in zip(arrays, encoding.decode(parts, arrays), strict=True):
            assert before.tobytes() == after.tobytes(), f"{encoding.name} is not lossless"
    for _ in range(PASSES):
        started = time.process_time()
        for arrays in chunks:
            encoding.encode(arrays)
        between = time.process_time()
        for arrays, parts in zip(chunks, coded, strict=True):
            encoding.decode(parts, arrays)
        encode_s = min(encode_s, between - started)
        decode_s = min(decode_s, time.process_time() - between)
    sizes = sum(len(part) for parts in coded for part in parts)
    return Cost(sum(a.nbytes for arrays in chunks for a in arrays), sizes, encode_s, decode_s)


def read(clip: Path, seconds: float) -> tuple[list[FrameChunk], list[FrameChunk], list[AudioChunk]]:
    """Chunks of luma-270, picture-270 and audio from the first seconds of a clip."""
    luma, picture, sound = [], [], []
    source = open_source(str(clip))
    decoder = Decoder(source, [LUMA_270, PICTURE_270, AudioNeed()])
    for unit in decoder.units():
        if decoder.timeline.position(unit.end) > Fraction(seconds):
            break
        if isinstance(unit, AudioChunk):
            sound.append(unit)
        elif isinstance(unit, FrameChunk):
            (luma if unit.rendition == LUMA_270.rendition else picture).append(unit)
    source.close()
    return luma, picture, sound


def _rows(encodings: Iterable[Encoding], chunks: list[list[Array]], media_s: float) -> Iterator[list[str]]:
    """One row for each encoding, per channel-second, where `media_s` is how much media the chunks stand for."""
    for encoding in encodings:
        cost = measure(encoding, chunks)
        yield [
            encoding.name,
            number(cost.coded_bytes / media_s / 1e6, 3),
            number(cost.raw_bytes / cost.coded_bytes),
            number(cost.encode_s / media_s * 1e3, 1),
            number(cost.decode_s / media_s * 1e3, 1),
        ]


COLUMNS = ("encoding", "MB/s", "ratio", "encode ms/s", "decode ms/s")


def tables(clip: Path, seconds: float) -> Iterator[Table]:
    """One table for each rendition of a clip."""
    luma, picture, sound = read(clip, seconds)
    for name, chunks in (("luma-270", luma), ("picture-270", picture)):
        frames = sum(len(c) for c in chunks)
        shape = chunks[0].luma.shape
        media_s = frames * shape[1] * shape[2] / (LUMA_SAMPLES * FRAME_RATE)
        note = f"{frames} frames of {shape[2]}x{shape[1]}, {chunks[0].bit_depth} bit, from {chunks[0].size}"
        rows = list(_rows(_for_pictures(), [list(c.planes) for c in chunks], media_s))
        yield Table(f"{clip.name}: {name}", COLUMNS, rows, note)
    if sound:
        media_s = sum(len(c) / c.rate for c in sound)
        note = f"{len(sound[0].channels)} channels at {sound[0].rate} Hz, as they are"
        yield Table(
            f"{clip.name}: audio", COLUMNS, list(_rows(_for_sound(), [[c.samples] for c in sound], media_s)), note
        )


@click.command()
@click.argument("clips", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--seconds", default=6.0, show_default=True, help="How much of each clip to measure.")
@click.option("--markdown", type=click.Path(path_type=Path), help="Write the tables as Markdown.")
def main(clips: tuple[Path, ...], seconds: float, markdown: Path | None) -> None:
    """Measure every encoding on CLIPS."""
    origin = headline(provenance("bench.wire", {str(clip): clip.name for clip in clips} | {str(markdown): "FILE"}))
    console, pages = Console(), []
    for clip in clips:
        for table in tables(clip, seconds):
            table.show(console)
            pages.append(table.markdown())
    console.print(origin)
    if markdown is not None:
        markdown.write_text("\n".join([*pages, origin, ""]), "utf-8")


if __name__ == "__main__":
    main()
