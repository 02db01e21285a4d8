"""Reading clean media: a survey of the file, then its pictures and sound in the order of the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast

import av
import numpy as np
from av.stream import Disposition

from glasswatch.core.errors import InputError
from glasswatch.simulator.media import AudioInfo, MediaInfo, Picture, Plane, Sound, VideoInfo

if TYPE_CHECKING:
    from av.container import InputContainer

PLANAR_FORMATS = frozenset(f"yuv{s}p{depth}" for s in (420, 422, 444) for depth in ("", "10le"))
USUAL_LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
# Timestamps of muxers with a coarse clock wander by a few ms; beyond this the sound really has a hole.
SOUND_HOLE = Fraction(1, 10)


def survey(path: Path) -> MediaInfo:
    """Decode the first frame of each stream and find where each ends, in one pass over the packets.

    Raises:
        InputError: The file cannot be opened, or holds no picture and no sound.
    """
    with _opened(path) as container:
        streams = _streams(container)
        firsts: dict[int, av.VideoFrame | av.AudioFrame] = {}
        ends: dict[int, Fraction] = {}
        for packet in container.demux(streams):
            index = packet.stream_index
            if packet.pts is not None and packet.time_base is not None:
                end = (packet.pts + (packet.duration or 0)) * packet.time_base
                ends[index] = max(ends.get(index, end), end)
            if index not in firsts:
                for frame in packet.decode():
                    firsts.setdefault(index, frame)  # type: ignore[arg-type]
        times = {i: f.pts * f.time_base for i, f in firsts.items() if f.pts is not None and f.time_base is not None}
        if not times:
            raise InputError(f"{path}: holds no picture and no sound that can be decoded")
        origin = min(times.values())
        video = None
        audio = []
        for stream in streams:
            first = firsts.get(stream.index)
            if stream.index not in times or first is None:
                continue
            end = ends.get(stream.index, times[stream.index]) - origin
            if isinstance(first, av.VideoFrame) and isinstance(stream, av.VideoStream):
                video = _video_info(stream, first, end)
            elif isinstance(first, av.AudioFrame):
                layout = first.layout
                # Some containers count channels and do not name them; then the usual layout of that many is meant.
                if layout.nb_channels in USUAL_LAYOUTS and any(c.name == "NONE" for c in layout.channels):
                    layout = av.AudioLayout(USUAL_LAYOUTS[layout.nb_channels])
                channels = tuple(c.name for c in layout.channels)
                info = AudioInfo(stream.index, first.sample_rate, layout.name, channels, first.format.name, end)
                audio.append(info)
        return MediaInfo(origin, video, tuple(audio))


def read(path: Path, media: MediaInfo, *, pictures: bool = True, sound: bool = True) -> Iterator[Picture | Sound]:
    """Every picture and block of sound, each stream in its own order; pictures come one late, as they need an end.

    Raises:
        InputError: The file cannot be decoded to its end, or its timestamps go backward.
    """
    with _opened(path) as container:
        screen = _Pictures(media.video, media.origin) if media.video and pictures else None
        tracks = {a.index: _Track(n, a, media.origin) for n, a in enumerate(media.audio)} if sound else {}
        wanted = [s for s in container.streams if s.index in tracks or (screen and s.index == screen.info.index)]
        for packet in container.demux(wanted):
            for frame in packet.decode():
                if isinstance(frame, av.VideoFrame) and screen is not None:
                    yield from screen.add(frame, path)
                elif isinstance(frame, av.AudioFrame):
                    yield from tracks[packet.stream_index].add(frame)
        if screen is not None:
            yield from screen.finish()


@contextmanager
def _opened(path: Path) -> Iterator[InputContainer]:
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            for stream in container.streams.video:
                stream.thread_type = "AUTO"
            yield container
    except (av.FFmpegError, OSError) as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def _streams(container: InputContainer) -> list[av.VideoStream | av.AudioStream]:
    """The first real video stream (cover art is none) and every audio stream."""
    videos = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    return [*videos[:1], *container.streams.audio]


def _video_info(stream: av.VideoStream, first: av.VideoFrame, end: Fraction) -> VideoInfo:
    name = first.format.name
    full_range = name.startswith("yuvj") or int(first.color_range) == 2
    name = name.replace("yuvj", "yuv")
    depth = max(c.bits for c in first.format.components)
    if name not in PLANAR_FORMATS:
        name, depth = ("yuv420p", 8) if depth == 8 else ("yuv420p10le", 10)
    colour = (int(first.color_range), int(first.color_primaries), int(first.color_trc), int(first.colorspace))
    # AVColorSpace: 1 BT.709, 9 and 10 BT.2020, 5 and 6 BT.601; unspecified follows the usual rule by picture height.
    matrix = {1: "bt709", 9: "bt2020", 10: "bt2020", 5: "bt601", 6: "bt601"}.get(
        colour[3], "bt709" if first.height >= 720 else "bt601"
    )
    rate = stream.average_rate or stream.guessed_rate or Fraction(25)
    if stream.time_base is None:
        raise InputError("the video stream has no time base")
    return VideoInfo(
        index=stream.index,
        size=(first.width, first.height),
        pixel_format=name,
        depth=depth,
        full_range=full_range,
        matrix=matrix,
        colour=colour,
        frame_rate=rate,
        time_base=stream.time_base,
        pixel_aspect=stream.sample_aspect_ratio,
        rotation=first.rotation,
        end=end,
    )


class _Pictures:
    """Frames to pictures; each waits for the next one's timestamp, which is its end."""

    def __init__(self, info: VideoInfo, origin: Fraction) -> None:
        self.info, self.origin = info, origin
        self.waiting: Picture | None = None

    def add(self, frame: av.VideoFrame, path: Path) -> Iterator[Picture]:
        nominal = 1 / self.info.frame_rate
        if frame.pts is not None and frame.time_base is not None:
            time = frame.pts * frame.time_base - self.origin
        else:
            time = self.waiting.end if self.waiting else Fraction(0)
        own = frame.duration * frame.time_base if frame.duration and frame.time_base is not None else nominal
        if self.waiting is not None:
            if time <= self.waiting.time:
                raise InputError(f"{path}: timestamps go backward at {float(time):.3f} s; clean media are needed")
            yield replace(self.waiting, end=time)
        self.waiting = Picture(time, time + own, planes_of(frame, self.info), self.info)

    def finish(self) -> Iterator[Picture]:
        if self.waiting is not None:
            yield self.waiting


class _Track:
    """Audio frames to blocks on one sample grid without holes: lost sound is filled with zeros as players do."""

    def __init__(self, number: int, info: AudioInfo, origin: Fraction) -> None:
        self.number, self.info, self.origin = number, info, origin
        self.resampler = av.AudioResampler(format="fltp", layout=info.layout, rate=info.rate)
        self.next: int | None = None

    def add(self, frame: av.AudioFrame) -> Iterator[Sound]:
        at = None
        if frame.pts is not None and frame.time_base is not None:
            at = round((frame.pts * frame.time_base - self.origin) * self.info.rate)
        samples = np.concatenate([f.to_ndarray() for f in self.resampler.resample(frame)] or [_none(self.info)], axis=1)
        if self.next is None:
            self.next = at or 0
        hole = at - self.next if at is not None else 0
        if abs(hole) > SOUND_HOLE * self.info.rate:
            samples = np.pad(samples, ((0, 0), (hole, 0))) if hole > 0 else samples[:, -hole:]
        if samples.shape[1]:
            yield Sound(self.number, self.next, samples.astype(np.float32, copy=False), self.info)
            self.next += samples.shape[1]


def _none(info: AudioInfo) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.zeros((len(info.channels), 0), np.float32)


def planes_of(frame: av.VideoFrame, info: VideoInfo) -> tuple[Plane, ...]:
    """Copies of the decoder's planes; formats outside PLANAR_FORMATS go through the scaler."""
    name = frame.format.name.replace("yuvj", "yuv")
    if name != info.pixel_format or (frame.width, frame.height) != info.size:
        frame = frame.reformat(width=info.size[0], height=info.size[1], format=info.pixel_format)
    dtype = np.uint16 if info.depth > 8 else np.uint8
    wide = [np.frombuffer(memoryview(p), dtype).reshape(p.height, -1) for p in frame.planes]
    return tuple(cast(Plane, w[:, : p.width].copy()) for w, p in zip(wide, frame.planes, strict=True))
