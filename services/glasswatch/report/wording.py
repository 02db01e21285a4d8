"""Times, quantities and names as people read them."""

from __future__ import annotations

import math

from glasswatch.core.text import MINUS

_SYMBOLS = {"1": "", "percent": "%", "degrees": "°"}
_SPELT = {symbol: word for word, symbol in _SYMBOLS.items()}
_CLOSE = ("", "%", "°")
"""Units that stand at the number without a space."""


def clock(position_s: float) -> str:
    """h:mm:ss, for an axis or a length."""
    minutes, seconds = divmod(round(position_s), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


def duration(seconds: float) -> str:
    """A length in the unit that suits it."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.2f} s" if seconds < 60 else clock(seconds)


def amount(seconds: float) -> str:
    """A length in round numbers, for a sentence."""
    if seconds < 120:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} minutes" if minutes < 180 else f"{minutes // 60} h {minutes % 60} min"


def number(value: float) -> str:
    """Four significant digits, no exponent for everyday sizes."""
    if math.isnan(value):
        return "unknown"
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    whole = abs(value) >= 1000 or value == round(value)
    value += 0.0  # negative zero becomes zero
    text = f"{value:,.0f}" if whole and abs(value) < 1e15 else f"{value:.4g}"
    return text.replace("-", MINUS)


def words(name: str) -> str:
    """An identifier as words: "flash_frame" is "Flash frame"."""
    text = name.replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def quantity(name: str, value: float, unit: str | None) -> tuple[str, str]:
    """Label and value of a measurement; the unit at the end of its name is not said twice.

    Without a unit (`unit` None) the name is shown as it is.
    """
    if unit is None or name == unit:
        return words(name), number(value)
    unit = _SYMBOLS.get(unit, unit)
    if unit.startswith("1/"):
        return words(name.removesuffix(f"_per_{unit[2:]}")), f"{number(value)}{unit[1:]}"
    ending = "_" + _SPELT.get(unit, unit).lower().replace("/", "_per_").replace(" ", "_")
    space = "" if unit in _CLOSE else " "
    return words(name.removesuffix(ending)), f"{number(value)}{space}{unit}"
