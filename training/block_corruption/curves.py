"""A drawing of how the learning went."""

from __future__ import annotations

import csv
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")
from matplotlib import pyplot as plt


def draw(curves: Path) -> Path:
    """Draw a CSV of `fit.Watched` beside it, as PNG."""
    with curves.open(encoding="utf-8", newline="") as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    steps = [row["step"] for row in rows]
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    left.plot(steps, [row["loss"] for row in rows])
    left.set(title="loss, learned from", xlabel="step", yscale="log")
    for name in ("auc_cells", "auc_score", "auc_area", "iou"):
        right.plot(steps, [row[name] for row in rows], label=name)
    right.set(title="kept aside", xlabel="step", ylim=(0, 1))
    right.legend()
    for axes in (left, right):
        axes.grid(alpha=0.3)
    target = curves.with_suffix(".png")
    figure.savefig(target, dpi=120)
    plt.close(figure)
    return target
