"""Least and greatest value of a signal over time in bounded memory, whatever its length."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from glasswatch.report.model import Envelope

MOST_BUCKETS = 4096


class EnvelopeBuilder:
    """Takes a signal in any number of pieces; when it outgrows the buckets, they are merged in pairs.

    Pieces may leave gaps and may overlap. Positions before 0 count as 0.
    """

    def __init__(self, bucket_s: float) -> None:
        self._bucket_s = bucket_s
        self._used = 0
        self._low = np.full(MOST_BUCKETS, np.nan, np.float32)
        self._high = np.full(MOST_BUCKETS, np.nan, np.float32)

    def add(self, start_s: float, step_s: float, low: npt.NDArray[np.float32], high: npt.NDArray[np.float32]) -> None:
        """Take values that lie at `start_s`, `start_s + step_s`, ...

        Args:
            start_s: Position of the first.
            step_s: Distance between two, more than 0.
            low: Values for the lower edge, shape (n,), n > 0; NaN is no value.
            high: Values for the upper edge, the same shape; may be the same array.
        """
        count = len(low)
        while max(0.0, start_s + (count - 1) * step_s) >= MOST_BUCKETS * self._bucket_s:
            self._merge_pairs()
        first, last = (self._bucket(start_s + i * step_s) for i in (0, count - 1))
        # The first value that lies in each bucket; rounding may move an edge by one value, which no eye sees.
        starts = (np.arange(first, last + 1) * self._bucket_s - start_s) / step_s
        edges = np.clip(np.ceil(starts), 0, count - 1).astype(np.intp)
        edges[0] = 0
        where = slice(first, last + 1)
        self._low[where] = np.fmin(self._low[where], np.fmin.reduceat(low, edges))
        self._high[where] = np.fmax(self._high[where], np.fmax.reduceat(high, edges))
        self._used = max(self._used, last + 1)

    def finish(self) -> Envelope:
        """What was seen so far."""
        return Envelope(self._bucket_s, self._low[: self._used].copy(), self._high[: self._used].copy())

    def _bucket(self, position_s: float) -> int:
        return min(max(0, math.floor(position_s / self._bucket_s)), MOST_BUCKETS - 1)

    def _merge_pairs(self) -> None:
        half = MOST_BUCKETS // 2
        self._low[:half] = np.fmin(self._low[0::2], self._low[1::2])
        self._high[:half] = np.fmax(self._high[0::2], self._high[1::2])
        self._low[half:] = np.nan
        self._high[half:] = np.nan
        self._used = -(-self._used // 2)
        self._bucket_s *= 2
