"""Whether there is speech: what the model `speech` is given, and what it says."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from glasswatch.detectors.sync.follow import Infer

RATE = 16_000
"""Samples per second that the model takes."""

FRAME, BEFORE, HIDDEN = 512, 64, 128
"""Samples of a frame, of what the model sees before it, and the size of its memory."""

LIKELY = 0.5
"""Probability from which a frame is speech; its authors' threshold."""

LOBES = 12
"""Zero crossings to either side of the low-pass filter that resamples: a Hann-windowed sinc."""

Samples = npt.NDArray[np.float32]


def share(samples: npt.NDArray[np.int16], infer: Infer) -> float:
    """Part of the frames of some mono sound at RATE that is speech, 0 without a whole frame."""
    count = len(samples) // FRAME
    if count == 0:
        return 0.0
    padded = np.concatenate([np.zeros(BEFORE, np.float32), samples[: count * FRAME] / np.float32(32768)])
    frames = np.lib.stride_tricks.sliding_window_view(padded, BEFORE + FRAME)[::FRAME]
    start = np.zeros((1, 1, HIDDEN), np.float32)
    found = infer("speech", {"input": np.ascontiguousarray(frames), "h": start, "c": start})
    return float((found["speech_probs"] >= LIKELY).mean())


def reach(rate: int) -> int:
    """Samples to either side of a moment that `resampled` looks at."""
    return int(LOBES * max(rate / RATE, 1.0)) + 1


def resampled(samples: Samples, rate: int, first: Fraction, count: int) -> npt.NDArray[np.int16]:
    """Sound at RATE.

    Args:
        samples: Mono at `rate`, full scale 1, with `reach` samples before and behind what is asked for.
        rate: Samples per second.
        first: Where the first sample is, in samples of the input.
        count: How many.
    """
    if count == 0:
        return np.zeros(0, np.int16)
    # In whole numbers, so that nothing drifts: a sample's place is so many of these parts of one of the input.
    begin, rest = divmod(first, 1)
    parts = RATE * rest.denominator
    whole, left = np.divmod(RATE * rest.numerator + np.arange(count) * (rate * rest.denominator), parts)
    whole, part = whole + begin, left / parts
    wide = reach(rate)
    offsets = np.arange(1 - wide, wide + 1)
    # Places between samples recur, at 48 kHz with every sample and at 44.1 kHz with every 160th.
    cycle = min(RATE // math.gcd(rate, RATE), count)
    distance = (offsets - part[:cycle, None]) / max(rate / RATE, 1.0)
    weights = np.sinc(distance) * np.where(np.abs(distance) < LOBES, 0.5 + 0.5 * np.cos(np.pi * distance / LOBES), 0.0)
    weights /= weights.sum(axis=1, keepdims=True)
    windows = np.lib.stride_tricks.sliding_window_view(samples, 2 * wide)[whole - wide + 1]
    values = (windows * weights[np.arange(count) % cycle]).sum(axis=1)
    return np.asarray(np.rint(np.clip(values, -1, 1) * 32767), np.int16)
