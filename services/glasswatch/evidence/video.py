"""The second pass: decode the title again, draw what was remembered, encode it with its sound."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorRange, Colorspace

from glasswatch.core.errors import OutputError
from glasswatch.core.input import InputInfo
from glasswatch.core.media import AudioChunk, FrameChunk
from glasswatch.core.needs import VideoNeed
from glasswatch.core.time import Instant, Span
from glasswatch.decoder.decode import Decoder
from glasswatch.decoder.limits import Limits
from glasswatch.decoder.pixels import size_of_lines
from glasswatch.decoder.source import Source, open_source
from glasswatch.detectors.sync.av_sync import AvSyncDetector
from glasswatch.evidence.painter import Painter
from glasswatch.evidence.record import Recorder
from glasswatch.evidence.sound import Grid
from glasswatch.simulator.encode import Output, writing
from glasswatch.simulator.media import MediaInfo, Picture, VideoInfo
from glasswatch.simulator.settings import Settings
from glasswatch.simulator.source import planes_of

NAME = AvSyncDetector.spec.name

ENCODING = Settings(crf=23, gop=50, preset="veryfast")
"""A key frame every two seconds, so that one can jump to a fragment."""

BT709 = 1
"""Of H.273, for primaries, transfer and matrix."""

PICTURES = next(need for need in AvSyncDetector.spec.needs if isinstance(need, VideoNeed))
"""What the detector sees."""

LATE_S = 2
"""Sound may lie so far behind its picture in a file."""

USUAL_RATE = Fraction(25)
"""Where a stream does not say."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was written.

    Attributes:
        paths: The videos, one for each track of sound.
        position_s: How far they reach.
        interrupted: Whether somebody did not want to wait for the rest.
    """

    paths: tuple[Path, ...]
    position_s: float
    interrupted: bool


def paths_of(folder: Path, info: InputInfo) -> dict[str | None, Path]:
    """The video of each track of sound by its label; of the picture alone where there is no sound."""
    if len(info.audio) <= 1:
        return {None: folder / f"{NAME}.mp4"}
    return {f"audio:{n}": folder / f"{NAME}-audio-{n}.mp4" for n in range(len(info.audio))}


def draw(
    location: str,
    recorder: Recorder,
    folder: Path,
    *,
    until: Instant | None = None,
    threads: int = 0,
    limits: Limits | None = None,
    on_progress: Callable[[float, float], None] = lambda *_: None,
) -> Drawn:
    """Write a video for each track of sound, on the title's own clock.

    Where KeyboardInterrupt comes meanwhile, the videos end there.

    Args:
        location: The title that was inspected; it has a picture.
        recorder: What was remembered of it.
        folder: Where to write.
        until: Where to end, None for the end of the title.
        threads: Decoder threads; 0 lets FFmpeg choose.
        limits: What the title may cost, as when it was inspected.
        on_progress: Called with the position and the time since the start, both in seconds.

    Raises:
        InputError: The title cannot be opened any more.
        OutputError: A video cannot be written.
    """
    source = open_source(location, limits)
    paths = paths_of(folder, source.describe())
    parts = {path: path.with_name(f".{path.stem}.part{path.suffix}") for path in paths.values()}
    try:
        with ExitStack() as stack:
            videos = [
                _Video(stack, parts[path], source, recorder, number, label)
                for number, (label, path) in enumerate(paths.items())
            ]
            decoder = Decoder(source, AvSyncDetector.spec.needs, threads=threads)
            drawn = _Pass(decoder, videos, until, on_progress)
            drawn.run()
        for path, part in parts.items():
            part.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror}") from error
    finally:
        source.close()
        for part in parts.values():
            part.unlink(missing_ok=True)
    return Drawn(tuple(paths.values()), drawn.position_s, drawn.interrupted)


class _Pass:
    """The second decode, and how far it has come."""

    def __init__(
        self, decoder: Decoder, videos: list[_Video], until: Instant | None, on_progress: Callable[[float, float], None]
    ) -> None:
        self._decoder, self._videos, self._until, self._on_progress = decoder, videos, until, on_progress
        self._started = time.perf_counter()
        self.position_s = 0.0
        self.interrupted = False

    def run(self) -> None:
        """Draw to the end, or until KeyboardInterrupt."""
        try:
            for unit in self._decoder.units():
                if not isinstance(unit, FrameChunk | AudioChunk):
                    continue
                if self._is_behind(unit.end, Fraction(LATE_S)):
                    break
                self._take(unit)
        except KeyboardInterrupt:
            self.interrupted = True

    def _is_behind(self, at: Instant, by: Fraction = Fraction(0)) -> bool:
        """Whether a moment is not to be drawn any more."""
        return self._until is not None and at >= Instant(self._until.epoch, self._until.seconds + by)

    def _take(self, unit: FrameChunk | AudioChunk) -> None:
        offset = self._decoder.timeline.offset(unit.epoch)
        if isinstance(unit, AudioChunk):
            if not self._is_behind(unit.span.onset):
                for video in self._videos:
                    video.hear(unit, offset)
            return
        for number, picture in enumerate(unit.planes[0]):
            span = unit.frame_span(number)
            if self._is_behind(span.onset):
                break
            for video in self._videos:
                video.see(picture, span, offset)
            self.position_s = float(span.end + offset)
        self._on_progress(self.position_s, time.perf_counter() - self._started)


class _Video:
    """One video being written."""

    def __init__(
        self, stack: ExitStack, path: Path, source: Source, recorder: Recorder, track: int, label: str | None
    ) -> None:
        info, stream = source.describe(), source.video
        assert info.video is not None
        assert stream is not None
        size = size_of_lines(info.video.width, info.video.height, PICTURES.lines)
        self._painter = Painter(size, info.video.sample_aspect, recorder.params, label)
        self._sections = recorder.sections(label)
        self._track = track
        self._grid = Grid(info.audio[track].sample_rate) if info.audio else None
        self._info = VideoInfo(
            index=0,
            size=(self._painter.width, self._painter.height),
            pixel_format="yuv420p",
            depth=8,
            full_range=False,
            matrix="bt709",
            colour=(ColorRange.MPEG.value, BT709, BT709, BT709),
            frame_rate=min(info.video.frame_rate or USUAL_RATE, PICTURES.rate or USUAL_RATE),
            time_base=stream.time_base or Fraction(1, 90_000),
            pixel_aspect=None,
            rotation=0,
            end=Fraction(0),
        )
        media = MediaInfo(Fraction(0), self._info, (self._grid.info,) if self._grid is not None else ())
        self._output: Output = stack.enter_context(writing(path, media, ENCODING, index_first=True))
        self._next = Fraction(0)

    def see(self, picture: npt.NDArray[np.uint8], span: Span, offset: Fraction) -> None:
        """Draw on a picture of the title and encode it, at its own time."""
        start, end = span.start + offset, span.end + offset
        if start < self._next:
            return  # Timestamps that go back are the title's defect; encoders take none.
        self._next = start + self._info.time_base
        painted = self._painter.paint(picture, self._sections.at(span.onset), span.start, offset)
        frame = av.VideoFrame.from_ndarray(painted, format="rgb24").reformat(
            format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
        )
        self._output.picture(Picture(start, end, planes_of(frame, self._info), self._info))

    def hear(self, chunk: AudioChunk, offset: Fraction) -> None:
        """Encode sound of the track, at its own time."""
        if self._grid is not None and chunk.track == self._track:
            for sound in self._grid.add(chunk, offset):
                self._output.sound(sound)
