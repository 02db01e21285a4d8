"""Decoding a test's medium and sorting what comes of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from glasswatch.core.input import InputInfo
from glasswatch.core.media import AudioChunk, FactKind, FrameChunk, StreamFact
from glasswatch.core.needs import AudioNeed, Need, Planes, VideoNeed
from glasswatch.core.time import Timeline
from glasswatch.decoder.decode import Decoder
from glasswatch.decoder.limits import Limits
from glasswatch.decoder.source import open_source

NATIVE = VideoNeed(Planes.PICTURE)
EVERYTHING = (NATIVE, AudioNeed())


@dataclass
class Decoded:
    """Everything that a decoder gave."""

    info: InputInfo
    timeline: Timeline
    chunks: dict[str, list[FrameChunk]] = field(default_factory=dict)
    tracks: dict[int, list[AudioChunk]] = field(default_factory=dict)
    facts: list[StreamFact] = field(default_factory=list)

    def kinds(self, stream: str | None = None) -> set[FactKind]:
        """Kinds of the facts that tell of faults."""
        usual = {FactKind.STREAM_STARTED, FactKind.STREAM_ENDED, FactKind.PROGRESS}
        return {f.kind for f in self.facts if stream in (None, f.stream)} - usual

    def fact(self, kind: FactKind, stream: str) -> StreamFact:
        """The only fact of that kind about a stream."""
        (fact,) = [f for f in self.facts if f.kind is kind and f.stream == stream]
        return fact

    def pts(self, rendition: str = "picture") -> list[Fraction]:
        """Time of every frame."""
        return [pts for chunk in self.chunks.get(rendition, []) for pts in chunk.pts]

    def luma(self, rendition: str = "picture") -> npt.NDArray[np.generic]:
        """First plane of every frame."""
        return np.concatenate([chunk.luma for chunk in self.chunks[rendition]])

    def pcm(self, track: int = 0) -> npt.NDArray[np.float32]:
        """Samples of a track, (channels, samples)."""
        return np.concatenate([chunk.samples for chunk in self.tracks[track]], axis=1)


def decode(
    path: Path | str, needs: Collection[Need] = EVERYTHING, *, limits: Limits | None = None, threads: int = 1
) -> Decoded:
    """Decode an input to its end and check what must hold for any input."""
    source = open_source(str(path), limits)
    try:
        decoder = Decoder(source, needs, threads=threads)
        units = list(decoder.units())
        decoded = Decoded(source.describe(), decoder.timeline)
    finally:
        source.close()
    for unit in units:
        match unit:
            case FrameChunk():
                decoded.chunks.setdefault(unit.rendition, []).append(unit)
            case AudioChunk():
                decoded.tracks.setdefault(unit.track, []).append(unit)
            case StreamFact():
                decoded.facts.append(unit)
    for chunks in decoded.chunks.values():
        check_frames(chunks)
    for track in decoded.tracks.values():
        check_sound(track)
    return decoded


def check_frames(chunks: Sequence[FrameChunk]) -> None:
    """Frames are in order and tile their epoch."""
    for before, after in zip([None, *chunks], chunks, strict=False):
        n = len(after)
        assert n > 0
        assert all(a < b for a, b in zip(after.pts, after.pts[1:], strict=False))
        assert after.ends[:-1] == after.pts[1:]
        assert after.ends[-1] > after.pts[-1]
        assert {len(plane) for plane in after.planes} == {n}
        assert len(after.key) == len(after.interlaced) == len(after.damaged) == n
        if before is not None and before.epoch == after.epoch:
            assert before.ends[-1] == after.pts[0]


def check_sound(chunks: Sequence[AudioChunk]) -> None:
    """Chunks of a track never overlap, and touch where they say so."""
    for before, after in zip([None, *chunks], chunks, strict=False):
        assert len(after) > 0
        assert after.samples.dtype == np.float32
        assert after.samples.flags.c_contiguous
        assert np.isfinite(after.samples).all()
        if before is None or before.epoch != after.epoch:
            assert not after.contiguous
        else:
            assert (after.start == before.span.end) if after.contiguous else (after.start >= before.span.end)


def straight_frames(path: Path) -> list[tuple[Fraction | None, npt.NDArray[np.generic]]]:
    """Time and luma of every frame as PyAV alone decodes them."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.time_base is not None
        tick = stream.time_base
        return [(None if f.pts is None else f.pts * tick, _luma(f)) for f in container.decode(stream)]


def straight_pcm(path: Path, track: int = 0) -> npt.NDArray[np.float32]:
    """Samples of a track as PyAV alone decodes them, made float by FFmpeg's resampler."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("flt")
        frames = [g for f in container.decode(audio=track) for g in resampler.resample(f)]
        pcm = [frame.to_ndarray().reshape(-1, frame.layout.nb_channels) for frame in frames]
        return np.concatenate(pcm).T


def _luma(frame: av.VideoFrame) -> npt.NDArray[np.generic]:
    plane = frame.planes[0]
    dtype = np.dtype("<u2" if frame.format.components[0].bits > 8 else "u1")
    shape, strides = (plane.height, plane.width), (plane.line_size, dtype.itemsize)
    return np.ndarray(shape, dtype, plane, 0, strides).copy()  # type: ignore[call-overload,no-any-return]
