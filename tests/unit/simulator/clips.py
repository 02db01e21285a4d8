"""Small clips made on the spot, and decoding them again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

FPS = 25
RATE = 48000
SIZE = (64, 48)
SECONDS = 4


def make_clip(
    path: Path,
    *,
    size: tuple[int, int] = SIZE,
    picture: bool = True,
    layouts: Sequence[str] = ("stereo",),
    pixel_format: str = "yuv420p",
    full_range: bool = False,
    times_ms: Sequence[int] | None = None,
    peak: float = 0.3,
    rate: int = RATE,
    container: str | None = None,
) -> Path:
    """A texture that moves two pixels a frame, with a steady two-tone chord; lossless sound where MKV or WAV."""
    width, height = size
    pcm = path.suffix in (".mkv", ".wav")
    with av.open(str(path), "w", format=container) as out:
        video = None
        if picture:
            video = out.add_stream("libx264", rate=FPS, options={"crf": "8", "preset": "ultrafast"})
            video.width, video.height, video.pix_fmt = width, height, pixel_format
            video.codec_context.time_base = Fraction(1, 1000)
            if full_range:
                video.codec_context.color_range = 2
        tracks = [out.add_stream("pcm_s16le" if pcm else "aac", rate=rate, layout=name) for name in layouts]
        texture = np.random.default_rng(5).integers(60, 200, (height, width * 8))
        texture = texture.repeat(4, 0)[:height].repeat(4, 1)
        for n, ms in enumerate(times_ms or range(0, SECONDS * 1000, 1000 // FPS)):
            if video is None:
                break
            frame = av.VideoFrame(width, height, pixel_format)
            frame.color_range = 2 if full_range else 0
            for index, plane in enumerate(frame.planes):
                depth10 = "10" in pixel_format
                line = np.full((plane.height, plane.line_size // (2 if depth10 else 1)), 128)
                if index == 0:
                    line[:, :width] = texture[:, 2 * n : 2 * n + width]
                plane.update((line * 4).astype(np.uint16).tobytes() if depth10 else line.astype(np.uint8).tobytes())
            frame.pts, frame.time_base = ms, Fraction(1, 1000)
            out.mux(video.encode(frame))
        t = np.arange(SECONDS * rate) / rate
        tone = peak * (0.7 * np.sin(2 * np.pi * 440 * t) + 0.3 * np.sin(2 * np.pi * 1234 * t))
        for number, track in enumerate(tracks):
            channels = len(track.codec_context.layout.channels)
            samples = np.stack([tone * 0.8**c for c in range(channels)]).astype(np.float32)
            for first in range(0, samples.shape[1], 1024):
                block = np.ascontiguousarray(samples[:, first : first + 1024])
                sound = av.AudioFrame.from_ndarray(block, "fltp", layouts[number])
                sound.sample_rate, sound.pts, sound.time_base = rate, first, Fraction(1, rate)
                out.mux(track.encode(sound))
            out.mux(track.encode(None))
        if video is not None:
            out.mux(video.encode(None))
    return path


@dataclass
class Decoded:
    """A file's content on its own clock from its first timestamp."""

    times: list[Fraction] = field(default_factory=list)
    luma: list[npt.NDArray[np.float64]] = field(default_factory=list)
    chroma: list[tuple[float, float]] = field(default_factory=list)
    starts: dict[int, Fraction] = field(default_factory=dict)
    sound: dict[int, npt.NDArray[np.float32]] = field(default_factory=dict)
    rates: dict[int, int] = field(default_factory=dict)
    color_range: int = 0
    format: str = ""
    errors: int = 0

    def shown(self, start: float, end: float) -> list[int]:
        """Numbers of the frames that begin in [start, end)."""
        return [n for n, t in enumerate(self.times) if start - 1e-6 <= t < end - 1e-6]

    def heard(self, start: float, end: float, track: int = 0) -> npt.NDArray[np.float32]:
        """Samples of a track in [start, end)."""
        rate, first = self.rates[track], float(self.starts[track])
        return self.sound[track][:, round((start - first) * rate) : round((end - first) * rate)]


def decode(path: Path) -> Decoded:
    """Everything in a file; packets that cannot be decoded are counted."""
    got = Decoded()
    blocks: dict[int, list[npt.NDArray[np.float32]]] = {}
    with av.open(str(path)) as container:
        numbers = {s.index: n for n, s in enumerate(container.streams.audio)}
        resamplers = {n: av.AudioResampler(format="fltp") for n in numbers.values()}
        for packet in container.demux():
            try:
                frames = packet.decode()
            except av.FFmpegError:
                got.errors += 1
                continue
            for frame in frames:
                if isinstance(frame, av.VideoFrame):
                    got.times.append(frame.pts * frame.time_base)
                    planes = [_plane(p, "10" in frame.format.name) for p in frame.planes]
                    got.luma.append(planes[0])
                    got.chroma.append((planes[1].mean(), planes[2].mean()))
                    got.color_range, got.format = int(frame.color_range), frame.format.name
                else:
                    number = numbers[packet.stream_index]
                    got.starts.setdefault(number, frame.pts * frame.time_base)
                    got.rates[number] = frame.sample_rate
                    blocks.setdefault(number, []).extend(r.to_ndarray() for r in resamplers[number].resample(frame))
    origin = min([*got.times[:1], *got.starts.values()])
    got.times = [t - origin for t in got.times]
    got.starts = {n: t - origin for n, t in got.starts.items()}
    got.sound = {n: np.concatenate(b, axis=1) for n, b in blocks.items()}
    return got


def _plane(plane: av.video.plane.VideoPlane, wide: bool) -> npt.NDArray[np.float64]:
    values = np.frombuffer(plane, np.uint16 if wide else np.uint8).reshape(plane.height, -1)
    return values[:, : plane.width].astype(np.float64)
