"""Short clips of clean media at every scale and speed, from which the samples are made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from typing import cast

import av
import numpy as np
from bench.sources import Source

from glasswatch.simulator.media import MediaInfo, Picture, Plane, VideoInfo
from glasswatch.simulator.source import planes_of
from training.sources import Group

GROUPS = (
    Group("pristine/tears_of_steel", 5),
    Group("pristine/bbb", 5),
    Group("pristine/sam2_blocks", 2),
    Group("pristine/sam2_cups", 2),
    Group("pristine/sam2_football", 2),
    Group("pristine/sam2_dog", kept_aside=True),
    Group("pristine/mdn_flower", 1),
    Group("pristine/mdn", 3),
    Group("pristine/nasa", 1),
    Group("pristine/caminandes", kept_aside=True),
    Group("talking/mdn_friday", 1),
    Group("talking/grid", 2),
    Group("grid_s1", 1),
)
"""The moving pictures that the manifest allows for training, by scene."""

SIZE = (576, 320)
"""Width and height of a clip: whole cells of the map, and room for the network's view of the surroundings."""

FRAMES = 16
LONGEST_STEP = 3
"""Of the frames of a source, each to every third: motion up to three times as fast."""

LARGEST_SCALE = 1.5
"""More than that would only blur; smaller sources are scaled as far as they must."""

FASTEST_PAN_PX = 24.0
LEAST_LEFT_S = 0.5
"""Containers are not exact about where a picture stream ends."""

SHARPENED = 0.15
"""Part of the clips that are enlarged further and sharpened, as by a television; edges overshoot there."""

RATE = Fraction(25)


def draw(groups: Mapping[Group, list[Source]], rng: np.random.Generator) -> tuple[Source, list[Picture]]:
    """A clip of FRAMES pictures of SIZE, 8-bit 4:2:0, and the file that it shows."""
    names = sorted(groups, key=lambda group: group.name)
    weights = np.array([group.weight for group in names])
    sources = groups[names[int(rng.choice(len(names), p=weights / weights.sum()))]]
    source = sources[int(rng.integers(len(sources)))]
    return source, pictures(_frames(source, rng), rng)


def pictures(frames: list[av.VideoFrame], rng: np.random.Generator) -> list[Picture]:
    """Frames scaled, cropped by a window that may move, and perhaps mirrored."""
    first = frames[0]
    least = max(SIZE[0] / first.width, SIZE[1] / first.height)
    scale = float(np.exp(rng.uniform(np.log(least), np.log(max(least * 1.3, min(LARGEST_SCALE, least * 3))))))
    amount = float(rng.uniform(0.5, 2.5)) if rng.random() < SHARPENED else 0.0
    if amount:
        scale *= float(rng.uniform(1, 1.6))
    native = first.width, first.height
    size = tuple(max(round(n * scale / 2) * 2, window) for n, window in zip(native, SIZE, strict=True))
    info = info_of(first, size)
    room = np.array(size) - SIZE
    moves = rng.random() < 0.4
    speed = rng.uniform(-FASTEST_PAN_PX, FASTEST_PAN_PX, 2) if moves else np.zeros(2)
    at = rng.uniform(0, 1, 2) * room
    mirrored = rng.random() < 0.5
    found = []
    for number, frame in enumerate(frames):
        left, top = (int(v) // 2 * 2 for v in np.clip(at + speed * number, 0, room))
        planes = tuple(
            _cut(plane, left, top, mirrored, plane.shape[1] * 2 <= size[0]) for plane in planes_of(frame, info)
        )
        planes = (_sharpened(planes[0], amount), *planes[1:]) if amount else planes
        found.append(Picture(number / RATE, (number + 1) / RATE, planes, replace(info, size=SIZE)))
    return found


def info_of(frame: av.VideoFrame, size: tuple[int, ...]) -> VideoInfo:
    """Pictures of that size in the colours of the frame, 8-bit 4:2:0."""
    full_range = frame.format.name.startswith("yuvj") or int(frame.color_range) == 2
    colour = (int(frame.color_range), int(frame.color_primaries), int(frame.color_trc), int(frame.colorspace))
    return VideoInfo(
        index=0,
        size=(size[0], size[1]),
        pixel_format="yuv420p",
        depth=8,
        full_range=full_range,
        matrix="bt709" if frame.height >= 720 else "bt601",
        colour=colour,
        frame_rate=RATE,
        time_base=1 / RATE,
        pixel_aspect=None,
        rotation=0,
        end=FRAMES / RATE,
    )


def media_of(clip: list[Picture]) -> MediaInfo:
    """A clip as the media of a scene."""
    return MediaInfo(Fraction(0), clip[0].info, ())


def _frames(source: Source, rng: np.random.Generator) -> list[av.VideoFrame]:
    """FRAMES frames from anywhere; a source that ends too early repeats its last one."""
    step = int(rng.integers(1, LONGEST_STEP + 1))
    at = float(rng.random())
    with av.open(str(source.path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        length_s = source.duration_s
        if stream.duration is not None and stream.time_base is not None:  # the sound may go on for longer
            length_s = min(length_s, float(stream.duration * stream.time_base))
        begin_s = at * max(length_s - FRAMES * step / float(stream.average_rate or RATE) - LEAST_LEFT_S, 0)
        container.seek(int(begin_s * av.time_base))
        frames = list(islice(_from(container.decode(stream), begin_s), 0, FRAMES * step, step))
    if not frames:
        raise ValueError(f"{source.name}: nothing to see from {begin_s:.2f} s on")
    return frames + [frames[-1]] * (FRAMES - len(frames))


def _from(frames: Iterator[av.VideoFrame], begin_s: float) -> Iterator[av.VideoFrame]:
    return (frame for frame in frames if frame.time is None or frame.time >= begin_s)


def _sharpened(luma: Plane, amount: float) -> Plane:
    """More contrast against what is around, two pixels each way."""
    padded = np.pad(luma.astype(np.float32), 2, mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, (5, 5)).mean((2, 3))
    return cast(Plane, np.clip(luma + amount * (luma - around), 0, 255).astype(luma.dtype))


def _cut(plane: Plane, left: int, top: int, mirrored: bool, is_chroma: bool) -> Plane:
    step = 2 if is_chroma else 1
    part = plane[top // step : (top + SIZE[1]) // step, left // step : (left + SIZE[0]) // step]
    return cast(Plane, np.ascontiguousarray(part[:, ::-1] if mirrored else part))
