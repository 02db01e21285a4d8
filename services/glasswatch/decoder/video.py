"""Decoded pictures to chunks of the renditions that detectors asked for."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av import VideoFrame
from av.audio.stream import AudioStream
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from glasswatch.core.media import FactKind, FrameChunk
from glasswatch.core.needs import Need, Planes, VideoNeed
from glasswatch.core.time import Instant
from glasswatch.decoder.clock import ABSURD, StreamClock
from glasswatch.decoder.frame_rate import FrameSteps, frame_rate
from glasswatch.decoder.pixels import PictureForm, pixel_layout, readable, rgb, sample_plane, size_of_lines
from glasswatch.decoder.tally import Tally

CHUNK_S = Fraction(2, 5)
MOST_FRAMES = 16
MOST_CHUNK_BYTES = 24 << 20
"""A chunk holds at most 0.4 s, 16 frames, or the frames that fit into 24 MiB, whichever is least."""

NOMINAL_FRAME = Fraction(1, 25)
"""How long a frame lasts when neither it nor its stream says, in seconds."""


@dataclass(slots=True)
class Picture:
    """One decoded frame on the timeline.

    Attributes:
        frame: The decoded frame.
        form: Its size and format.
        at: When it is shown.
        until: When it stops being shown if no other frame comes before.
    """

    frame: VideoFrame
    form: PictureForm
    at: Instant
    until: Fraction
    _readable: VideoFrame | None = None

    def sample(self, reformatter: VideoReformatter, step: int, with_chroma: bool) -> list[npt.NDArray[Any]]:
        """Every `step`-th line and column of luma, and as many of chroma unless it is a grey picture."""
        layout = pixel_layout(self.form.pixel_format)
        if self._readable is None:
            # Once, however many renditions are made of it.
            self._readable = readable(self.frame, reformatter)
        luma, *chroma = self._readable.planes[: layout.planes if with_chroma else 1]
        down, across = (max(1, round(step / shared)) for shared in layout.chroma_step)
        return [
            sample_plane(luma, layout.dtype, step, step),
            *(sample_plane(plane, layout.dtype, down, across) for plane in chroma),
        ]


@dataclass(slots=True)
class _Filling:
    """A chunk that is being filled."""

    form: PictureForm
    epoch: int
    planes: list[npt.NDArray[Any]]
    pts: list[Fraction] = field(default_factory=list)
    ends: list[Fraction] = field(default_factory=list)
    key: list[bool] = field(default_factory=list)
    interlaced: list[bool] = field(default_factory=list)
    damaged: list[bool] = field(default_factory=list)

    def add(self, picture: Picture, samples: Sequence[npt.NDArray[Any]]) -> None:
        for target, source in zip(self.planes, samples, strict=True):
            target[len(self.pts)] = source
        self.pts.append(picture.at.seconds)
        self.ends.append(picture.until)
        self.key.append(bool(picture.frame.key_frame))
        self.interlaced.append(bool(picture.frame.interlaced_frame))
        self.damaged.append(bool(picture.frame.is_corrupt))

    def takes(self, picture: Picture) -> bool:
        """Whether a frame still belongs to this chunk."""
        if len(self.pts) == len(self.planes[0]) or picture.form != self.form:
            return False
        return picture.at.epoch == self.epoch and picture.at.seconds - self.pts[0] < CHUNK_S


class RenditionMaker:
    """Makes chunks of one rendition. A chunk is given once the frame after its last one has come, or at `end`."""

    def __init__(self, need: VideoNeed, emit: Callable[[FrameChunk], None]) -> None:
        self.need = need
        self._emit = emit
        self._reformatter = VideoReformatter()
        self._filling: _Filling | None = None
        self._slot: tuple[int, int] | None = None

    def add(self, picture: Picture) -> None:
        """Take the next frame."""
        at, filling = picture.at, self._filling
        is_due = self._is_due(at)
        if filling is not None and filling.epoch == at.epoch:
            filling.ends[-1] = at.seconds if is_due else picture.until
        if not is_due:
            return
        samples = self._samples(picture)
        if filling is None or not filling.takes(picture):
            self.end()
            dtype = np.dtype("u1") if self.need.planes is Planes.RGB else pixel_layout(picture.form.pixel_format).dtype
            frame_bytes = sum(a.size for a in samples) * dtype.itemsize
            frames = max(1, min(MOST_FRAMES, MOST_CHUNK_BYTES // frame_bytes))
            planes = [np.empty((frames, *a.shape), dtype) for a in samples]
            filling = self._filling = _Filling(picture.form, at.epoch, planes)
        filling.add(picture, samples)

    def end(self) -> None:
        """Give what has been collected: the stream ends, or a new epoch begins."""
        filling, self._filling = self._filling, None
        if filling is None:
            return
        form, count = filling.form, len(filling.pts)
        layout = pixel_layout(form.pixel_format)
        is_rgb = self.need.planes is Planes.RGB
        lines, columns = filling.planes[0].shape[1:3]
        native = self._step(form.height)
        self._emit(
            FrameChunk(
                rendition=self.need.rendition,
                epoch=filling.epoch,
                pts=tuple(filling.pts),
                ends=tuple(filling.ends),
                planes=tuple(plane[:count] for plane in filling.planes),
                bit_depth=8 if is_rgb else layout.bit_depth,
                full_range=is_rgb or (form.full_range if layout.full_range is None else layout.full_range),
                size=(form.width, form.height),
                step=(form.width / columns, form.height / lines) if is_rgb else (float(native), float(native)),
                key=tuple(filling.key),
                interlaced=tuple(filling.interlaced),
                damaged=tuple(filling.damaged),
            )
        )

    def _is_due(self, at: Instant) -> bool:
        """Whether it is the first frame of its slot of 1/rate seconds."""
        if self.need.rate is None:
            return True
        slot = at.epoch, math.floor(at.seconds * self.need.rate)
        is_first = slot != self._slot
        self._slot = slot
        return is_first

    def _samples(self, picture: Picture) -> Sequence[npt.NDArray[Any]]:
        form = picture.form
        if self.need.planes is Planes.RGB:
            size = size_of_lines(form.width, form.height, self.need.lines)
            return [rgb(picture.frame, size, self._reformatter)]
        return picture.sample(self._reformatter, self._step(form.height), self.need.planes is Planes.PICTURE)

    def _step(self, height: int) -> int:
        return 1 if self.need.lines is None else -(-height // self.need.lines)


class VideoPath:
    """The way of a picture stream's frames: clock, then rendition makers.

    Attributes:
        tally: What came of the stream so far.
        clock: Places its frames on the timeline.
        has_pts: Whether the container keeps presentation times. AVI keeps decoding order only, and what FFmpeg makes
            up for presentation times is not in order; frames are decoded in the order in which they are shown, so
            each is placed at the decoding time of the packet that completed it, less the decoder's delay.
        reached: When the last frame stops being shown, None before the first.
        steps: Times between the frames so far.
    """

    def __init__(self, tally: Tally, needs: Collection[Need], clock: StreamClock, has_pts: bool = True) -> None:
        self.tally = tally
        self.has_pts = has_pts
        self.reached: Instant | None = None
        self.steps = FrameSteps()
        self.clock = clock
        wanted = {n for n in needs if isinstance(n, VideoNeed)}
        # Luma is the first plane of the picture: where both are needed it is a view, not a second copy.
        self._luma_of = {n.rendition: luma for luma in wanted if (n := _with_chroma(luma)) in wanted - {luma}}
        made = wanted - set(self._luma_of.values())
        self._makers = [RenditionMaker(n, self._emit) for n in sorted(made, key=lambda n: n.rendition)]
        self._opening: int | None = None
        self._repeats: deque[int] = deque()
        self._last: Picture | None = None
        self._delay: Fraction | None = None
        self._usual: tuple[int | None, Fraction] = None, NOMINAL_FRAME

    def go_on_in(self, stream: VideoStream | AudioStream) -> None:
        """Take the track's frames from a stream."""
        self.tally.stream = stream

    def begin_with(self, pts: int | None) -> None:
        """State when the key frame is shown that the stream begins with, in ticks."""
        self._opening = pts

    def add(self, frame: VideoFrame) -> None:
        """Take the next decoded frame."""
        tally = self.tally
        if self._is_leading(frame):
            return
        self._repeat_until(frame.pts)
        tally.frames += 1
        duration = self._nominal_duration(frame.duration)
        pts = tally.seconds(frame.pts) if self.has_pts else self._counted_pts(frame.dts)
        at = self.clock.place(pts, duration)
        if at is None:
            return
        if tally.first is None:
            tally.start(at)
        if frame.is_corrupt and not tally.is_flagged(frame.pts):
            tally.say(FactKind.DAMAGED_FRAME, at, "a picture is damaged")
        self._show(Picture(frame, PictureForm.of(frame), at, at.seconds + duration))

    def repeat(self, pts: int | None) -> None:
        """Take an empty packet, by which a stream says that the frame before it is shown again at `pts`, in ticks.

        Frames from before it may still be in the decoder, so it waits for the next one.
        """
        if pts is not None:
            self._repeats.append(pts)

    def end(self) -> None:
        """Give what is left when the stream has ended."""
        self._repeat_until(None)
        for maker in self._makers:
            maker.end()

    def _is_leading(self, frame: VideoFrame) -> bool:
        """Whether a frame before the first key frame refers to pictures from before the stream's start.

        An open group of pictures begins with some that follow the key frame in the stream, are shown before it, and
        are not for display where decoding begins with it (ISO/IEC 14496-10, recovery point SEI; 23008-2, RASL).
        """
        if self.tally.first is not None or not frame.is_corrupt or frame.key_frame:
            return False
        return self._opening is not None and (frame.pts is None or frame.pts < self._opening)

    def _repeat_until(self, pts: int | None) -> None:
        """Show the last frame again at each time that empty packets named before `pts`."""
        while self._repeats and (pts is None or self._repeats[0] < pts):
            again = self._repeats.popleft()
            if self._last is None:
                continue
            duration = self._nominal_duration(self._last.frame.duration)
            at = self.clock.place(self.tally.seconds(again), duration)
            if at is not None:
                self._show(replace(self._last, at=at, until=at.seconds + duration))

    def _show(self, picture: Picture) -> None:
        self._last = picture
        self.reached = Instant(picture.at.epoch, picture.until)
        self.steps.add(picture.at.epoch, picture.at.seconds)
        try:
            for maker in self._makers:
                maker.add(picture)
        except (av.FFmpegError, ValueError) as error:
            self.tally.say(FactKind.DECODE_ERROR, picture.at, f"a picture cannot be converted: {error}")

    def _counted_pts(self, dts: int | None) -> Fraction:
        """Time of a frame by decoding times alone, in seconds; what has none comes right after the frame before."""
        seconds = self.tally.seconds(dts)
        if seconds is None:
            return self.clock.end
        if self._delay is None:
            self._delay = seconds - self.clock.end
        return seconds - self._delay

    def _emit(self, chunk: FrameChunk) -> None:
        self.tally.emit(chunk)
        luma = self._luma_of.get(chunk.rendition)
        if luma is not None:
            self.tally.emit(replace(chunk, rendition=luma.rendition, planes=chunk.planes[:1]))

    def _nominal_duration(self, ticks: int) -> Fraction:
        """How long a frame lasts by its own word or by its stream's rate, in seconds."""
        if ticks != self._usual[0]:
            stream = self.tally.stream
            seconds = self.tally.seconds(ticks or None)
            if seconds is None and isinstance(stream, VideoStream):
                rate = frame_rate((stream.average_rate, stream.guessed_rate), FrameSteps())
                seconds = 1 / rate if rate is not None else None
            self._usual = ticks, seconds if seconds is not None and 0 < seconds <= ABSURD else NOMINAL_FRAME
        return self._usual[1]


def _with_chroma(need: VideoNeed) -> VideoNeed:
    return replace(need, planes=Planes.PICTURE) if need.planes is Planes.LUMA else need
