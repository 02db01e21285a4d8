"""Decoded pictures to chunks of the renditions that detectors asked for."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
from av import VideoFrame
from av.video.reformatter import Interpolation
from av.video.stream import VideoStream

from glasswatch.core.media import FactKind, FrameChunk, Samples
from glasswatch.core.needs import Need, Planes, VideoNeed
from glasswatch.core.time import Instant, Timeline
from glasswatch.decoder.clock import StreamClock
from glasswatch.decoder.tally import Tally

CHUNK_S = Fraction(2, 5)
MOST_FRAMES = 16
MOST_CHUNK_BYTES = 24 << 20
"""A chunk holds at most 0.4 s, 16 frames, or the frames that fit into 24 MiB, whichever is least."""

FULL_RANGE = 2
"""FFmpeg's AVCOL_RANGE_JPEG."""

NOMINAL_FRAME = Fraction(1, 25)
"""How long a frame lasts when neither it nor its stream says, in seconds."""


@dataclass(frozen=True, slots=True)
class PictureForm:
    """What must stay the same within a chunk; another form starts a new epoch."""

    width: int
    height: int
    pixel_format: str
    full_range: bool

    @classmethod
    def of(cls, frame: VideoFrame) -> PictureForm:
        """The form of a frame."""
        name = frame.format.name
        full = name.startswith("yuvj") or int(frame.color_range) == FULL_RANGE
        return cls(frame.width, frame.height, name, full)


class PlaneReader:
    """Reads a decoded frame's planes as arrays, without a copy where its pixel format allows that.

    Planar YUV and grey formats in native byte order are viewed as they are. Others (RGB, palette, NV12, P010) are
    converted by FFmpeg's scaler to planar YUV of the same depth first, once for each frame.
    """

    def __init__(self, frame: VideoFrame) -> None:
        self.converted_to = _planar_equivalent(frame)
        self.frame = frame.reformat(format=self.converted_to) if self.converted_to else frame
        self.bit_depth = max(c.bits for c in self.frame.format.components)
        # The scaler writes studio range when it comes from RGB.
        self.full_range = PictureForm.of(frame).full_range and not frame.format.is_rgb

    def planes(self, count: int) -> list[Samples]:
        """The first `count` planes (fewer for grey) as read-only views of shape (lines, columns)."""
        return [self._plane(i) for i in range(min(count, self._plane_count))]

    @property
    def _plane_count(self) -> int:
        return 1 if len(self.frame.format.components) < 3 else 3

    def _plane(self, index: int) -> Samples:
        plane = self.frame.planes[index]
        data = memoryview(plane)[: plane.height * plane.line_size]
        lines: Samples = np.frombuffer(data, np.uint8) if self.bit_depth <= 8 else np.frombuffer(data, np.uint16)
        return lines.reshape(plane.height, -1)[:, : plane.width]


def _planar_equivalent(frame: VideoFrame) -> str | None:
    """The planar YUV format to convert to, None where the frame's own planes can be read."""
    form = frame.format
    name = form.name
    if name.startswith(("yuv", "gray")) and (form.is_planar or name.startswith("gray")) and not form.is_big_endian:
        return None
    deep = max((c.bits for c in form.components), default=8) > 8
    if form.is_rgb or form.has_palette:
        return "yuv444p10le" if deep else "yuv444p"
    return "yuv420p10le" if deep else "yuv420p"


@dataclass(slots=True)
class _Filling:
    """A chunk that is being filled."""

    epoch: int
    planes: list[Samples]
    bit_depth: int
    full_range: bool
    size: tuple[int, int]
    step: tuple[float, float]
    pts: list[Fraction] = field(default_factory=list)
    ends: list[Fraction] = field(default_factory=list)
    flags: list[tuple[bool, bool, bool]] = field(default_factory=list)


class RenditionMaker:
    """Makes chunks of one rendition. A chunk is given once the frame after its last one has come, or at `end`."""

    def __init__(self, need: VideoNeed) -> None:
        self.need = need
        self._filling: _Filling | None = None
        self._due: Fraction | None = None

    def add(self, frame: VideoFrame, reader: PlaneReader, at: Instant, until: Fraction) -> Iterator[FrameChunk]:
        """Take the next frame, shown from `at` until `until` (exact where the next frame is known)."""
        if not self._is_due(at.seconds):
            if self._filling is not None:
                self._filling.ends[-1] = until
            return
        arrays = self._samples(frame, reader)
        filling = self._filling
        if filling is None or self._is_full(filling, at):
            yield from self.end()
            filling = self._filling = self._start(frame, reader, arrays, at)
        for target, source in zip(filling.planes, arrays, strict=True):
            target[len(filling.pts)] = source
        filling.pts.append(at.seconds)
        filling.ends.append(until)
        filling.flags.append((bool(frame.key_frame), bool(frame.interlaced_frame), bool(frame.is_corrupt)))

    def end(self) -> Iterator[FrameChunk]:
        """Give what has been collected: the stream ends, or a new epoch begins."""
        filling, self._filling = self._filling, None
        if filling is None:
            return
        n = len(filling.pts)
        yield FrameChunk(
            rendition=self.need.rendition,
            epoch=filling.epoch,
            pts=tuple(filling.pts),
            ends=tuple(filling.ends),
            planes=tuple(plane[:n] for plane in filling.planes),
            bit_depth=filling.bit_depth,
            full_range=filling.full_range,
            size=filling.size,
            step=filling.step,
            key=tuple(f[0] for f in filling.flags),
            interlaced=tuple(f[1] for f in filling.flags),
            damaged=tuple(f[2] for f in filling.flags),
        )

    def _is_due(self, pts: Fraction) -> bool:
        if self.need.rate is None:
            return True
        if self._due is not None and self._due - 1 / self.need.rate <= pts < self._due:
            return False
        self._due = (math.floor(pts * self.need.rate) + 1) / self.need.rate
        return True

    def _is_full(self, filling: _Filling, at: Instant) -> bool:
        full = len(filling.pts) == len(filling.planes[0])
        return full or at.epoch != filling.epoch or at.seconds - filling.pts[0] >= CHUNK_S

    def _samples(self, frame: VideoFrame, reader: PlaneReader) -> Sequence[npt.NDArray[Any]]:
        if self.need.planes is Planes.RGB:
            lines = min(self.need.lines or frame.height, frame.height)
            width = max(1, round(frame.width * lines / frame.height))
            scaled = frame.reformat(width=width, height=lines, format="rgb24", interpolation=Interpolation.BILINEAR)
            return [scaled.to_ndarray()]
        planes = reader.planes(1 if self.need.planes is Planes.LUMA else 3)
        step = self._step(frame.height)
        steps = [(step, step)]
        for plane in planes[1:]:
            down, across = planes[0].shape[0] / plane.shape[0], planes[0].shape[1] / plane.shape[1]
            steps.append((max(1, round(step / down)), max(1, round(step / across))))
        return [plane[::down, ::across] for plane, (down, across) in zip(planes, steps, strict=True)]

    def _step(self, height: int) -> int:
        return 1 if self.need.lines is None else -(-height // self.need.lines)

    def _start(
        self, frame: VideoFrame, reader: PlaneReader, arrays: Sequence[npt.NDArray[Any]], at: Instant
    ) -> _Filling:
        frame_bytes = sum(a.nbytes for a in arrays)
        capacity = max(1, min(MOST_FRAMES, MOST_CHUNK_BYTES // frame_bytes))
        is_rgb = self.need.planes is Planes.RGB
        step = (frame.width / arrays[0].shape[1], frame.height / arrays[0].shape[0]) if is_rgb else None
        native = float(self._step(frame.height))
        return _Filling(
            epoch=at.epoch,
            planes=[np.empty((capacity, *a.shape), a.dtype) for a in arrays],
            bit_depth=8 if is_rgb else reader.bit_depth,
            full_range=is_rgb or reader.full_range,
            size=(frame.width, frame.height),
            step=step or (native, native),
        )


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A frame that waits for the next one, which says how long it is shown."""

    frame: VideoFrame
    at: Instant
    until: Fraction


class VideoPath:
    """The way of a picture stream's frames: clock, one frame of delay, rendition makers."""

    def __init__(self, tally: Tally, needs: Collection[Need], timeline: Timeline, may_jump: bool) -> None:
        self.tally = tally
        self._clock = StreamClock(tally.name, timeline, may_jump, tally.report)
        wanted = {n for n in needs if isinstance(n, VideoNeed)}
        # Luma is the first plane of the picture: where both are needed it is a view, not a second copy.
        self._views = {replace(n, planes=Planes.PICTURE): n for n in wanted if n.planes is Planes.LUMA}
        self._views = {picture: luma for picture, luma in self._views.items() if picture in wanted}
        self._makers = [RenditionMaker(n) for n in sorted(wanted - set(self._views.values()), key=_name)]
        self._waiting: _Waiting | None = None
        self._form: PictureForm | None = None

    def add(self, frame: VideoFrame) -> Iterator[FrameChunk]:
        """Take the next decoded frame; give the chunks that it completes."""
        tally = self.tally
        tally.frames += 1
        pts = self.tally.seconds(frame.pts)
        duration = _nominal_duration(frame, tally)
        at = self._clock.place(pts, duration)
        if at is None:
            return
        form = PictureForm.of(frame)
        if self._form not in (None, form):
            self._clock.change_form(at.seconds)
            at = Instant(self._clock.epoch, at.seconds)
        self._form = form
        if tally.first is None:
            tally.start(at)
        if frame.is_corrupt:
            tally.say(FactKind.DAMAGED_FRAME, at, "a picture is damaged")
        yield from self._pass_on(at)
        self._waiting = _Waiting(frame, at, at.seconds + duration)
        tally.end = Instant(at.epoch, self._waiting.until)

    def end(self) -> Iterator[FrameChunk]:
        """Give what is left when the stream has ended."""
        yield from self._pass_on(None)
        for maker in self._makers:
            yield from self._with_view(maker, maker.end())

    def _pass_on(self, following: Instant | None) -> Iterator[FrameChunk]:
        """Hand the waiting frame to the makers, now that the next one is known."""
        picture, self._waiting = self._waiting, None
        if picture is None or not self._makers:
            return
        until = picture.until
        if following is not None and following.epoch == picture.at.epoch:
            until = following.seconds
        reader = PlaneReader(picture.frame)
        for maker in self._makers:
            yield from self._with_view(maker, maker.add(picture.frame, reader, picture.at, until))

    def _with_view(self, maker: RenditionMaker, chunks: Iterator[FrameChunk]) -> Iterator[FrameChunk]:
        luma = self._views.get(maker.need)
        for chunk in chunks:
            yield chunk
            if luma is not None:
                yield replace(chunk, rendition=luma.rendition, planes=chunk.planes[:1])


def _name(need: VideoNeed) -> str:
    return need.rendition


def _nominal_duration(frame: VideoFrame, tally: Tally) -> Fraction:
    """How long a frame lasts by its own word or by its stream's rate, in seconds."""
    seconds = tally.seconds(frame.duration or None)
    if seconds:
        return seconds
    rate = tally.stream.average_rate if isinstance(tally.stream, VideoStream) else None
    return 1 / rate if rate else NOMINAL_FRAME
