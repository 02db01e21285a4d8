"""A track of sound as one stream of samples without holes, whatever the title does."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from glasswatch.core.media import AudioChunk
from glasswatch.simulator.media import AudioInfo, Sound

BLOCK = 65_536
"""Most samples of silence at once."""


class Grid:
    """Places chunks on the samples of one clock, the first of which is at position 0.

    As the detector hears it: the mean of the channels. Where there is no sound it is silent; where chunks overlap, the
    first one counts; a chunk at another rate is put on the line between its samples.
    """

    def __init__(self, rate: int) -> None:
        self.info = AudioInfo(0, rate, "mono", ("FC",), "fltp", Fraction(0))
        self._next = 0

    def add(self, chunk: AudioChunk, offset: Fraction) -> Iterator[Sound]:
        """Sound up to the end of a chunk; `offset` is what to add to its time for the position."""
        rate = self.info.rate
        start = chunk.start + offset
        mono = chunk.samples.mean(axis=0, dtype=np.float32)
        if chunk.rate == rate:
            first = round(start * rate)
        else:
            first, end = math.ceil(start * rate), math.ceil((start + Fraction(len(chunk), chunk.rate)) * rate)
            places = (np.arange(first, end) / rate - float(start)) * chunk.rate
            mono = np.interp(places, np.arange(len(mono)), mono).astype(np.float32)
        while self._next < first:
            yield self._sound(np.zeros(min(first - self._next, BLOCK), np.float32))
        mono = mono[self._next - first :]
        if len(mono):
            yield self._sound(mono)

    def _sound(self, mono: np.ndarray) -> Sound:
        found = Sound(0, self._next, mono[None], self.info)
        self._next += len(mono)
        return found
