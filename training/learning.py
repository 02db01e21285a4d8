"""What every run of learning shares: the learning rate along the way, and the curves that it leaves."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

WARM_UP = 0.05
"""The part of the steps in which the learning rate rises."""


def schedule(passed: float) -> float:
    """The learning rate as a part of the highest, where that part of the steps has passed: up, then down a cosine."""
    if passed < WARM_UP:
        return passed / WARM_UP + 1e-3
    return 0.5 * (1 + math.cos(math.pi * (passed - WARM_UP) / (1 - WARM_UP))) + 1e-3


def note(curves: Path, watched: dict[str, Any]) -> None:
    """Add a row to a CSV of numbers by their names."""
    is_new = not curves.exists()
    with curves.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(watched))
        if is_new:
            writer.writeheader()
        writer.writerow({k: round(v, 5) for k, v in watched.items()})
