"""True peak as ITU-R BS.1770-4 Annex 2 has it: four-fold oversampling with the FIR filter printed there."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from glasswatch.detectors.audio.pcm import Pcm

_PHASE_0 = (
    0.0017089843750, 0.0109863281250, -0.0196533203125, 0.0332031250000, -0.0594482421875, 0.1373291015625,
    0.9721679687500, -0.1022949218750, 0.0476074218750, -0.0266113281250, 0.0148925781250, -0.0083007812500,
)  # fmt: skip
_PHASE_1 = (
    -0.0291748046875, 0.0292968750000, -0.0517578125000, 0.0891113281250, -0.1665039062500, 0.4650878906250,
    0.7797851562500, -0.2003173828125, 0.1015625000000, -0.0582275390625, 0.0330810546875, -0.0189208984375,
)  # fmt: skip

TAPS = len(_PHASE_0)
FILTER = np.array([_PHASE_0, _PHASE_1, _PHASE_1[::-1], _PHASE_0[::-1]], np.float32).T
"""(taps, phases), to be applied to the last TAPS samples; the filter is symmetric over all phases."""

MOST_GAIN = float(np.abs(FILTER).sum(axis=0).max())
"""No output exceeds the highest of its TAPS input samples by more than this factor, 6.1 dB."""

BLOCK = 64


def true_peaks(signal: Pcm, threshold: float) -> tuple[npt.NDArray[np.int64], Pcm]:
    """Where the true peak of one channel can reach a threshold, and how high it is there.

    Args:
        signal: Samples of one channel, the first TAPS - 1 of them history.
        threshold: Linear true peak of interest; stretches that cannot reach it are not oversampled.

    Returns:
        Indices after the history, in blocks of BLOCK samples, and the highest of the four phases at each.
    """
    fresh = len(signal) - (TAPS - 1)
    blocks = -(-fresh // BLOCK)
    if fresh <= 0:
        return np.zeros(0, np.int64), np.zeros(0, np.float32)
    padded = np.concatenate([signal, np.zeros(blocks * BLOCK - fresh, np.float32)])
    peaks = sliding_window_view(np.abs(padded), BLOCK + TAPS - 1)[::BLOCK].max(axis=1)
    wanted = np.flatnonzero(peaks * MOST_GAIN >= threshold)
    windows = sliding_window_view(padded, TAPS)[: blocks * BLOCK].reshape(blocks, BLOCK, TAPS)
    heights = np.abs(windows[wanted].reshape(-1, TAPS) @ FILTER).max(axis=1)
    places = (wanted[:, None] * BLOCK + np.arange(BLOCK)).reshape(-1)
    inside = places < fresh
    return places[inside], heights[inside]
