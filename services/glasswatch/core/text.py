"""Text for people: positions, and what comes from outside made harmless."""

from __future__ import annotations

import unicodedata

MINUS = "\N{MINUS SIGN}"

_JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
"""Invisible, but part of how Persian, the languages of India and emoji are written."""


def plain(text: str) -> str:
    r"""Text from outside, such as a file name or a tag, on one line and without what steers who shows it.

    Control characters (a terminal obeys them, XML cannot hold them), overrides of the direction of writing (they make
    "gpj.exe" of "exe.jpg"), separators of lines and halves of characters are written as escapes: `\x1b`, `\u202e`.
    """
    return text if text.isascii() and text.isprintable() else "".join(map(_harmless, text))


def _harmless(letter: str) -> str:
    category = unicodedata.category(letter)
    if letter in _JOINERS or (category[0] != "C" and category not in ("Zl", "Zp")):
        return letter
    return letter.encode("ascii", "backslashreplace").decode() if ord(letter) > 0x7F else f"\\x{ord(letter):02x}"


def timecode(position_s: float) -> str:
    """h:mm:ss.mmm; milliseconds and not frame numbers, so that it reads the same at every frame rate."""
    sign = MINUS if position_s < 0 else ""
    minutes, milliseconds = divmod(round(abs(position_s) * 1000), 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{sign}{hours}:{minutes:02}:{milliseconds // 1000:02}.{milliseconds % 1000:03}"
