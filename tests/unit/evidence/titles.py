"""Titles made on the spot: people that talk, and flashes with clicks."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from tests.talking import RATE, loudness, pictures, voice

FLASH_SIZE, FLASH_RATE = (128, 96), 48_000
MILLISECOND = Fraction(1, 1000)


def write_talk(path: Path, seconds: float, early_s: Sequence[float] = (0.0,)) -> Path:
    """Somebody who talks, with a track of sound for each of the offsets; lossless, for .mkv."""
    shown = np.concatenate([c.planes[0] for c in pictures(loudness(np.arange(round(25 * seconds)) / 25))])
    heard = [np.concatenate([c.samples for c in voice(seconds, early)], axis=1) for early in early_s]
    return _write(path, shown, range(0, 40 * len(shown), 40), heard, RATE, "ffv1", "bgr0", 0)


def write_flashes(
    path: Path, times_ms: Sequence[int], flashes: Sequence[int], clicks_ms: Sequence[int], sound_ms: int
) -> Path:
    """A grey picture that is white at some of its times, and 5 ms of tone from some others on.

    Args:
        path: Of the title.
        times_ms: When each picture is shown.
        flashes: Numbers of the white ones.
        clicks_ms: When there is a tone.
        sound_ms: When the sound begins.
    """
    shown = np.full((len(times_ms), FLASH_SIZE[1], FLASH_SIZE[0], 3), 60, np.uint8)
    shown[list(flashes)] = 255
    pcm = np.zeros((1, (times_ms[-1] - sound_ms) * FLASH_RATE // 1000), np.float32)
    tone = 0.8 * np.cos(2 * np.pi * 2000 * np.arange(FLASH_RATE // 200) / FLASH_RATE)
    for click in clicks_ms:
        first = (click - sound_ms) * FLASH_RATE // 1000
        pcm[0, first : first + len(tone)] = tone
    return _write(path, shown, times_ms, [pcm], FLASH_RATE, "libx264", "yuv420p", sound_ms)


def _write(
    path: Path, shown: npt.NDArray[np.uint8], times_ms: Sequence[int], heard: Sequence[npt.NDArray[np.float32]],
    rate: int, codec: str, pixel_format: str, sound_ms: int,
) -> Path:  # fmt: skip
    with av.open(str(path), "w") as out:
        video = out.add_stream(codec, rate=25)
        video.height, video.width = shown.shape[1:3]
        video.pix_fmt = pixel_format
        video.codec_context.time_base = MILLISECOND
        tracks = [out.add_stream("pcm_s16le", rate=rate, layout="mono") for _ in heard]
        for picture, time in zip(shown, times_ms, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format=pixel_format)
            frame.pts, frame.time_base = time, MILLISECOND
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        for track, pcm in zip(tracks, heard, strict=True):
            for first in range(0, pcm.shape[1], 1024):
                samples = np.rint(32767 * pcm[:, first : first + 1024]).astype(np.int16)
                block = av.AudioFrame.from_ndarray(samples, "s16", "mono")
                block.sample_rate, block.time_base = rate, Fraction(1, rate)
                block.pts = sound_ms * rate // 1000 + first
                out.mux(track.encode(block))
            out.mux(track.encode(None))
    return path


def frames_of(path: Path) -> list[tuple[Fraction, npt.NDArray[np.uint8]]]:
    """Pictures of a video with their times, (height, width, 3) RGB."""
    with av.open(str(path)) as container:
        return [(f.pts * f.time_base, f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]


def sound_of(path: Path) -> tuple[Fraction, npt.NDArray[np.float32], int]:
    """When the sound of a video begins, its samples and their rate."""
    with av.open(str(path)) as container:
        blocks = list(container.decode(audio=0))
    samples = np.concatenate([b.to_ndarray() for b in blocks], axis=1)[0]
    return blocks[0].pts * blocks[0].time_base, samples, blocks[0].sample_rate
