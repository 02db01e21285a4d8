"""How much similarities are to be believed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from glasswatch.detectors.sync.offset import NEAR, REACH, Calibration, estimate, likelihood
from training.lip_sync.fit import similarities
from training.lip_sync.network import LipSyncNet

TRUSTS = np.geomspace(0.1, 2.0, 27)
DOUBTS = np.linspace(-2.0, 14.0, 33)

Values = npt.NDArray[np.float64]


def calibrated(net: LipSyncNet, batches: Sequence[tuple[Tensor, Tensor]]) -> Calibration:
    """The calibration by which confidences are the likeliest to be right as often as they say.

    Half of the fragments are heard with the sound of another, so nothing about them is right.
    """
    found, right = judged(net, batches)
    best = min(
        (cross_entropy(found, right, Calibration(float(trust), float(doubt))), float(trust), float(doubt))
        for trust in TRUSTS
        for doubt in DOUBTS
    )
    return Calibration(best[1], best[2])


def judged(net: LipSyncNet, batches: Sequence[tuple[Tensor, Tensor]]) -> tuple[Values, npt.NDArray[np.bool_]]:
    """Similarities (fragments, offsets) and whether the best is right."""
    net.eval()
    found, right = [], []
    with torch.no_grad():
        for mouth, sound in batches:
            seen, heard = net(mouth, sound)
            for other in (0, 1):
                sums = similarities(seen, heard.roll(other, 0)).numpy()
                found.append(sums)
                right.append((np.abs(sums.argmax(axis=1) - REACH) <= NEAR) & (other == 0))
    return np.concatenate(found).astype(np.float64), np.concatenate(right)


def cross_entropy(found: Values, right: npt.NDArray[np.bool_], calibration: Calibration) -> float:
    """Of confidences."""
    sure = np.array([estimate(likelihood(one, calibration)).confidence for one in found]).clip(1e-6, 1 - 1e-6)
    return float(-np.where(right, np.log(sure), np.log(1 - sure)).mean())
