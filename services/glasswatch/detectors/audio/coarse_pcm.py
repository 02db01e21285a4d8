"""PCM that is coarser than any format in use: what is left of sound that was cut to a few bits."""

from __future__ import annotations

import numpy as np

from glasswatch.detectors.audio.pcm import Pcm

STEP = 2**-6
"""From value to value, full scale 1: 7 bits. PCM of 8 bits has half of it, and G.711 finer steps where it is quiet."""

LEAST_VALUES = 3
"""Silence has one value, a square wave two."""


def is_coarse(segment: Pcm) -> bool:
    """Whether no two values of the samples (samples,) of one channel lie closer together than STEP."""
    values = np.unique(segment)
    if not LEAST_VALUES <= len(values) <= 2 / STEP + 1:
        return False
    return bool(np.diff(values.astype(np.float64)).min() >= 0.99 * STEP)
