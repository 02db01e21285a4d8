"""Colours, lettering and words that all parts of the video share."""

from __future__ import annotations

from functools import lru_cache

from PIL import ImageDraw, ImageFont

from glasswatch.core.detection import Verdict

Colour = tuple[int, int, int]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Point = tuple[float, float]

BACKGROUND, PLOT, FRAME = (18, 20, 24), (30, 33, 39), (78, 84, 94)
TEXT, FAINT, CURSOR = (236, 238, 242), (150, 156, 166), (255, 255, 255)

PROGRAMME = (255, 215, 90)
"""Of its offset, in words and in the plot."""

VERDICTS = {Verdict.OK: (30, 132, 73), Verdict.DEFECT: (192, 57, 43), Verdict.INCONCLUSIVE: (104, 109, 120)}

TRACKS: tuple[Colour, ...] = (
    (86, 180, 233),
    (230, 159, 0),
    (0, 190, 140),
    (226, 140, 190),
    (240, 228, 66),
    (240, 110, 40),
)
"""After M. Okabe and K. Ito, "Color Universal Design": told apart by those who do not see all colours too."""

SMALL, NORMAL = 12, 15


def colour_of(number: int) -> Colour:
    """Colour of a face track, by its number in the fragment from 0."""
    return TRACKS[number % len(TRACKS)]


def dim(colour: Colour, part: float = 0.45) -> Colour:
    """A colour that stands back."""
    r, g, b = (round(part * value + (1 - part) * ground) for value, ground in zip(colour, PLOT, strict=True))
    return r, g, b


@lru_cache(maxsize=8)
def font(size: int) -> Font:
    """The lettering that Pillow brings along, so many pixels high."""
    return ImageFont.load_default(size)


def write(
    draw: ImageDraw.ImageDraw, at: Point, text: str, colour: Colour = TEXT, size: int = SMALL, anchor: str = "la"
) -> float:
    """Write a line; gives where it ends. The anchor is Pillow's: left, middle, right; ascender, middle, baseline."""
    draw.text(at, text, fill=colour, font=font(size), anchor=anchor)
    return draw.textbbox(at, text, font=font(size), anchor=anchor)[2]


def fitted(draw: ImageDraw.ImageDraw, text: str, width: float, size: int = SMALL) -> str:
    """As much of a text as there is room for, with dots where it is cut; nothing where not even those fit."""
    if draw.textlength(text, font=font(size)) <= width:
        return text
    kept = len(text)
    while kept and draw.textlength(f"{text[:kept]}...", font=font(size)) > width:
        kept -= 1
    return f"{text[:kept].rstrip()}..." if kept else ""


def tag(draw: ImageDraw.ImageDraw, at: Point, text: str, ground: Colour, size: int = SMALL) -> float:
    """Write a line on a ground that hides what is behind it, its left top corner at a point; gives where it ends."""
    box = draw.textbbox((at[0] + 4, at[1] + 2), text, font=font(size), anchor="la")
    draw.rectangle((at[0], at[1], box[2] + 4, at[1] + size + 5), fill=ground)
    light = sum(ground) > 380
    draw.text((at[0] + 4, at[1] + 2), text, fill=BACKGROUND if light else TEXT, font=font(size), anchor="la")
    return box[2] + 4


def offset_words(offset_ms: float) -> str:
    """An offset as people say it."""
    whole = round(offset_ms)
    return "sound in time" if whole == 0 else f"sound {abs(whole)} ms {'early' if whole > 0 else 'late'}"


def signed(offset_ms: float) -> str:
    """An offset as it stands at an axis: positive where the sound is early."""
    whole = round(offset_ms)
    return f"{whole:+d} ms" if whole else "0 ms"
