"""Simple shapes for slates, credits and test patterns: a bitmap font, overlays, colour bars."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from glasswatch.simulator.media import Picture, Plane, Rgb, Values, VideoInfo, yuv_of

Mask = npt.NDArray[np.float32]

GLYPH_LINES = 7
GLYPH_COLUMNS = 5
# Columns of each 5x7 glyph, the lowest bit on top.
_GLYPHS = {
    "0": "3e5149453e", "1": "00427f4000", "2": "4261514946", "3": "2141454b31", "4": "1814127f10", "5": "2745454539",
    "6": "3c4a494930", "7": "0171090503", "8": "3649494936", "9": "064949291e", "A": "7e1111117e", "B": "7f49494936",
    "C": "3e41414122", "D": "7f4141221c", "E": "7f49494941", "F": "7f09090901", "G": "3e4149497a", "H": "7f0808087f",
    "I": "00417f4100", "J": "2040413f01", "K": "7f08142241", "L": "7f40404040", "M": "7f020c027f", "N": "7f0408107f",
    "O": "3e4141413e", "P": "7f09090906", "Q": "3e4151215e", "R": "7f09192946", "S": "4649494931", "T": "01017f0101",
    "U": "3f4040403f", "V": "1f2040201f", "W": "3f4038403f", "X": "6314081463", "Y": "0708700807", "Z": "6151494543",
    " ": "0000000000",
}  # fmt: skip
_LETTERS = "ABCDEFGHIKLMNOPRSTUVWY"

# 75 % bars in the order of both patterns, after white.
_BARS: tuple[Rgb, ...] = ((1, 1, 0), (0, 1, 1), (0, 1, 0), (1, 0, 1), (1, 0, 0), (0, 0, 1))


def text_mask(lines: list[str], glyph_scale: int) -> Mask:
    """Centred lines of text as a mask of 0 and 1; one glyph cell is 6 x 10 of `glyph_scale` pixels."""
    columns = max(len(line) for line in lines) * (GLYPH_COLUMNS + 1)
    mask = np.zeros((len(lines) * (GLYPH_LINES + 3), columns), np.float32)
    for row, line in enumerate(lines):
        left = (columns - len(line) * (GLYPH_COLUMNS + 1)) // 2
        for n, letter in enumerate(line):
            bits = np.frombuffer(bytes.fromhex(_GLYPHS[letter]), np.uint8)
            glyph = (bits[None, :] >> np.arange(GLYPH_LINES, dtype=np.uint8)[:, None]) & 1
            x = left + n * (GLYPH_COLUMNS + 1)
            mask[row * (GLYPH_LINES + 3) + 1 :][:GLYPH_LINES, x : x + GLYPH_COLUMNS] = glyph
    return np.kron(mask, np.ones((glyph_scale, glyph_scale), np.float32))


def words(rng: np.random.Generator, count: int) -> str:
    """Invented words of capital letters."""
    lengths = rng.integers(3, 9, count)
    return " ".join("".join(rng.choice(list(_LETTERS), int(n))) for n in lengths)


def placed(mask: Mask, size: tuple[int, int], left: int, top: int) -> Mask:
    """The mask on a picture of (width, height) with its corner at (left, top); what lies outside is cut off."""
    width, height = size
    canvas = np.zeros((height, width), np.float32)
    y0, x0 = max(top, 0), max(left, 0)
    y1, x1 = min(top + mask.shape[0], height), min(left + mask.shape[1], width)
    if y1 > y0 and x1 > x0:
        canvas[y0:y1, x0:x1] = mask[y0 - top : y1 - top, x0 - left : x1 - left]
    return canvas


def overlaid(planes: tuple[Values | Plane, ...], mask: Mask, rgb: Rgb, info: VideoInfo) -> tuple[Values, ...]:
    """Planes with a colour painted where the mask is, as opaque as the mask says."""
    done = []
    for plane, code in zip(planes, yuv_of(info, rgb), strict=True):
        weight = at_size(mask, plane.shape)
        done.append(plane.astype(np.float32) * (1 - weight) + np.float32(code) * weight)
    return tuple(done)


def at_size(mask: Mask, shape: tuple[int, ...]) -> Mask:
    """The mask sampled for a plane of that shape."""
    ys = np.minimum(np.arange(shape[0]) * mask.shape[0] // shape[0], mask.shape[0] - 1)
    xs = np.minimum(np.arange(shape[1]) * mask.shape[1] // shape[1], mask.shape[1] - 1)
    return mask[np.ix_(ys, xs)]


def bars(picture: Picture, pattern: str) -> tuple[Values, ...]:
    """Colour bars: "bars_ebu" (100/0/75/0, full height) or "bars_smpte" (ECR 1-1978, three bands)."""
    three_quarters: list[Rgb] = [(0.75 * r, 0.75 * g, 0.75 * b) for r, g, b in _BARS]
    bands: list[tuple[float, list[Rgb]]]
    if pattern == "bars_ebu":
        bands = [(1.0, [_grey(1.0), *three_quarters, _grey(0.0)])]
    else:
        grey, black, white = _grey(0.75), _grey(0.0), _grey(1.0)
        yellow, cyan, green, magenta, red, blue = three_quarters
        minus_i, plus_q = (0.0, 0.24, 0.35), (0.25, 0.1, 0.5)
        bands = [
            (2 / 3, [grey, yellow, cyan, green, magenta, red, blue]),
            (3 / 4, [blue, black, magenta, black, cyan, black, grey]),
            (1.0, [minus_i, white, plus_q, black, black, black]),
        ]
    planes: tuple[Values, ...] = tuple(np.empty(p.shape, np.float32) for p in picture.planes)
    for n, plane in enumerate(planes):
        top = 0
        height, width = int(plane.shape[0]), int(plane.shape[1])
        for until, colours in bands:
            bottom = round(height * until)
            codes = np.array([yuv_of(picture.info, c)[n] for c in colours], np.float32)
            plane[top:bottom] = codes[np.arange(width) * len(codes) // width]
            top = bottom
    return planes


def _grey(level: float) -> Rgb:
    return level, level, level
