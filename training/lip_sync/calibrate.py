"""How much similarities are to be believed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from glasswatch.detectors.sync.offset import NEAR, REACH, Calibration, estimate, likelihood
from training.lip_sync.fit import BATCH, Batch, Material, similarities

TRUSTS = np.geomspace(0.1, 2.0, 27)
DOUBTS = np.linspace(-4.0, 8.0, 25)
STEPS, BATCHES = 100, 8

Values = npt.NDArray[np.float64]


def calibrated(net: nn.Module, aside: Material) -> Calibration:
    """The calibration by which confidences are the likeliest to be right as often as they say.

    By fragments of 4 s, altered as in training. Of those whose mouth and sound are not related, nothing is right.
    """
    rng = np.random.default_rng(1)
    found, right = judged(net, [aside.batch(BATCH, STEPS, rng) for _ in range(BATCHES)])
    best = min(
        (cross_entropy(found, right, Calibration(float(trust), float(doubt))), float(trust), float(doubt))
        for trust in TRUSTS
        for doubt in DOUBTS
    )
    return Calibration(best[1], best[2])


def judged(net: nn.Module, batches: Sequence[Batch]) -> tuple[Values, npt.NDArray[np.bool_]]:
    """Similarities (fragments, offsets) and whether the best is right."""
    net.eval()
    found, right = [], []
    with torch.no_grad():
        for mouth, sound, related in batches:
            sums = similarities(*net(mouth, sound)).numpy()
            found.append(sums)
            right.append((np.abs(sums.argmax(axis=1) - REACH) <= NEAR) & related.numpy())
    return np.concatenate(found).astype(np.float64), np.concatenate(right)


def cross_entropy(found: Values, right: npt.NDArray[np.bool_], calibration: Calibration) -> float:
    """Of confidences."""
    sure = np.array([estimate(likelihood(one, calibration)).confidence for one in found]).clip(1e-6, 1 - 1e-6)
    return float(-np.where(right, np.log(sure), np.log(1 - sure)).mean())
