"""What people lay over and beside pictures, with the straight edges that damaged blocks have too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from glasswatch.simulator.drawing import overlaid, placed, text_mask, words
from glasswatch.simulator.encode import video_frame
from glasswatch.simulator.media import Picture, Rgb, Values, yuv_of
from glasswatch.simulator.source import planes_of

Clip = list[Picture]
Generator = np.random.Generator


def decorated(clip: Clip, other: Clip, rng: Generator) -> Clip:
    """A clip with graphics; `other` is what insets and walls show."""
    kinds: tuple[Callable[[Clip, Clip, Generator], Clip], ...] = (_titled, _inset, _barred, _screen, _wall)
    return kinds[int(rng.integers(len(kinds)))](clip, other, rng)


def _titled(clip: Clip, _: Clip, rng: Generator) -> Clip:
    """A band with running or standing text, as of news and scores."""
    width, height = clip[0].info.size
    glyph = int(rng.integers(1, 5))
    text = text_mask([words(rng, int(rng.integers(2, 12))) for _ in range(int(rng.integers(1, 3)))], glyph)
    top = int(rng.integers(0, max(height - text.shape[0], 1)))
    band = np.zeros((height, width), np.float32)
    if rng.random() < 0.7:
        left, right = sorted(rng.integers(0, width + 1, 2)) if rng.random() < 0.5 else (0, width)
        band[top : top + text.shape[0], left:right] = rng.uniform(0.5, 1)
    ground, letters = _colour(rng), _colour(rng)
    speed = int(rng.integers(-12, 13)) if rng.random() < 0.5 else 0
    left = int(rng.integers(-width // 4, width // 2))
    done = []
    for number, picture in enumerate(clip):
        mask = placed(text, (width, height), left + speed * number, top)
        planes = overlaid(overlaid(picture.planes, band, ground, picture.info), mask, letters, picture.info)
        done.append(picture.with_planes(planes))
    return done


def _inset(clip: Clip, other: Clip, rng: Generator) -> Clip:
    """A smaller picture in the picture, with or without a frame."""
    width, height = clip[0].info.size
    size = int(rng.integers(width // 6, width // 2)) * 2 // 2, int(rng.integers(height // 6, height // 2)) * 2 // 2
    left, top = int(rng.integers(0, width - size[0])), int(rng.integers(0, height - size[1]))
    frame = int(rng.integers(0, 6))
    code = yuv_of(clip[0].info, _colour(rng))
    return [_pasted(p, [(q, (left, top, *size))], frame, code) for p, q in zip(clip, other, strict=True)]


def _wall(clip: Clip, other: Clip, rng: Generator) -> Clip:
    """Many pictures side by side, as in menus and monitor walls."""
    width, height = clip[0].info.size
    across, down = int(rng.integers(2, 7)), int(rng.integers(2, 5))
    gap = int(rng.integers(0, 8))
    shift = rng.integers(0, len(clip), (down, across))
    ours = rng.random((down, across)) < 0.5
    ground = yuv_of(clip[0].info, _colour(rng))
    done = []
    for number, picture in enumerate(clip):
        blank = picture.with_planes(
            tuple(np.full(p.shape, c, np.float32) for p, c in zip(picture.planes, ground, strict=True))
        )
        tiles = []
        for row in range(down):
            for column in range(across):
                from_clip = clip if ours[row, column] else other
                shown = from_clip[(number + int(shift[row, column])) % len(clip)]
                box = width * column // across + gap, height * row // down + gap
                size = max(width // across - 2 * gap, 16), max(height // down - 2 * gap, 16)
                tiles.append((shown, (*box, *size)))
        done.append(_pasted(blank, tiles, 0, ground))
    return done


def _barred(clip: Clip, _: Clip, rng: Generator) -> Clip:
    """Black or coloured bars at the edges."""
    width, height = clip[0].info.size
    mask = np.zeros((height, width), np.float32)
    high, wide = int(rng.integers(0, height // 4)), int(rng.integers(0, width // 4))
    if rng.random() < 0.5:
        wide = 0
    mask[:high] = mask[height - high :] = 1
    mask[:, :wide] = mask[:, width - wide :] = 1
    colour = (0.0, 0.0, 0.0) if rng.random() < 0.7 else _colour(rng)
    return [p.with_planes(overlaid(p.planes, mask, colour, p.info)) for p in clip]


def _screen(clip: Clip, _: Clip, rng: Generator) -> Clip:
    """A screen of boxes, bars, tables and text that may scroll; nothing of the picture is left, or some."""
    width, height = clip[0].info.size
    first = clip[0]
    kept = rng.random() < 0.3
    planes: tuple[Values, ...] = tuple(p.astype(np.float32) for p in first.planes)
    if not kept:
        planes = tuple(
            np.full(p.shape, c, np.float32) for p, c in zip(first.planes, yuv_of(first.info, _colour(rng)), strict=True)
        )
    for _box in range(int(rng.integers(2, 40))):
        mask = np.zeros((height, width), np.float32)
        left, top = int(rng.integers(0, width)), int(rng.integers(0, height))
        wide, high = (int(rng.integers(4, 8 + limit // int(rng.integers(2, 10)))) for limit in (width, height))
        mask[top : top + high, left : left + wide] = 1
        planes = overlaid(planes, mask, _colour(rng), first.info)
    for _line in range(int(rng.integers(0, 12))):
        text = text_mask([words(rng, int(rng.integers(1, 5)))], int(rng.integers(1, 4)))
        mask = placed(text, first.info.size, int(rng.integers(0, width)), int(rng.integers(0, height)))
        planes = overlaid(planes, mask, _colour(rng), first.info)
    speed = int(rng.integers(-4, 5)) * 2 if rng.random() < 0.4 else 0
    return [
        p.with_planes(tuple(np.roll(plane, speed * n * plane.shape[0] // height, 0) for plane in planes))
        for n, p in enumerate(clip)
    ]


def _pasted(
    picture: Picture, insets: list[tuple[Picture, tuple[int, int, int, int]]], frame: int, code: tuple[float, ...]
) -> Picture:
    """The picture with others in the boxes (left, top, width, height), each with a frame so many pixels wide."""
    planes = [p.astype(np.float32) for p in picture.planes]
    for shown, (left, top, width, height) in insets:
        info = replace(shown.info, size=(width // 2 * 2, height // 2 * 2))
        small = planes_of(video_frame(shown), info)
        for n, (plane, inset) in enumerate(zip(planes, small, strict=True)):
            step = 2 if n else 1
            x, y, edge = left // step, top // step, frame // step
            plane[max(y - edge, 0) : y + inset.shape[0] + edge, max(x - edge, 0) : x + inset.shape[1] + edge] = code[n]
            room = plane[y : y + inset.shape[0], x : x + inset.shape[1]]
            room[:] = inset[: room.shape[0], : room.shape[1]]
    return picture.with_planes(tuple(planes))


def _colour(rng: Generator) -> Rgb:
    if rng.random() < 0.3:
        grey = float(rng.choice([0.0, 1.0, rng.random()]))
        return grey, grey, grey
    red, green, blue = rng.random(3)
    return float(red), float(green), float(blue)
