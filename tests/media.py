"""Small media that tests make for themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

Luma = Callable[[int], npt.NDArray[Any]]


def moving_pattern(index: int, width: int = 64, height: int = 48) -> npt.NDArray[np.uint8]:
    """Luma of frame number `index`: a slanted ramp that moves, studio range, no two frames alike."""
    y, x = np.mgrid[:height, :width]
    return (16 + (3 * x + 5 * y + 7 * index) % 220).astype(np.uint8)


def write_video(
    path: Path,
    *,
    frames: int = 25,
    size: tuple[int, int] = (64, 48),
    fps: Fraction | int = 25,
    codec: str = "mpeg4",
    pixel_format: str = "yuv420p",
    pts: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    options: dict[str, str] | None = None,
    audio_s: float = 0,
    **more: Any,
) -> Path:
    """A clip of `moving_pattern`, with a tone of `audio_s` seconds beside it; `more` sets fields of the encoder."""
    with av.open(str(path), "w", options=more.pop("container_options", {})) as out:
        video = out.add_stream(codec, rate=fps, options=options or {})
        video.width, video.height, video.pix_fmt = *size, pixel_format
        if time_base is not None:
            video.codec_context.time_base = time_base
        for name, value in more.items():
            setattr(video.codec_context, name, value)
        audio = out.add_stream("aac", rate=48000, layout="stereo") if audio_s else None
        tick = time_base or 1 / Fraction(fps)
        for i in range(frames):
            frame = av.VideoFrame.from_ndarray(moving_pattern(i, *size), "gray").reformat(format=pixel_format)
            frame.pts, frame.time_base = (pts[i] if pts is not None else i), tick
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if audio is not None:
            for sound in tone_frames(audio_s):
                out.mux(audio.encode(sound))
            out.mux(audio.encode(None))
    return path


def tone(seconds: float, *, rate: int = 48000, channels: int = 2) -> npt.NDArray[np.float32]:
    """Slowly rising tones at -12 dBFS of shape (channels, samples), each channel of another pitch."""
    t = np.arange(round(seconds * rate)) / rate
    return np.stack([0.25 * np.sin(2 * np.pi * (400 + 110 * c + 60 * t) * t) for c in range(channels)]).astype(
        np.float32
    )


def tone_frames(seconds: float, *, rate: int = 48000, layout: str = "stereo", size: int = 1024) -> list[av.AudioFrame]:
    """`tone` in frames of float."""
    pcm = tone(seconds, rate=rate, channels=av.AudioLayout(layout).nb_channels)
    frames = []
    for first in range(0, pcm.shape[1], size):
        part = np.ascontiguousarray(pcm[:, first : first + size].T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(part, "flt", layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, first, Fraction(1, rate)
        frames.append(frame)
    return frames


def write_audio(
    path: Path,
    *,
    seconds: float = 1.0,
    codec: str = "pcm_s16le",
    rate: int = 48000,
    layout: str = "stereo",
    form: str | None = None,
    tracks: int = 1,
) -> Path:
    """Tracks of `tone`, the encoder's samples in the format `form` (its own choice where None)."""
    with av.open(str(path), "w") as out:
        streams = [out.add_stream(codec, rate=rate, layout=layout) for _ in range(tracks)]
        for stream in streams:
            if form is not None:
                stream.format = form
        for frame in tone_frames(seconds, rate=rate, layout=layout):
            for stream in streams:
                out.mux(stream.encode(frame))
        for stream in streams:
            out.mux(stream.encode(None))
    return path
