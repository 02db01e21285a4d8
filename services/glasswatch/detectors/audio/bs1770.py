"""Loudness as ITU-R BS.1770-4 Annex 1 has it: K-weighting, channel weights, and gating.

The filter is run as blocks of a linear state-space system, all channels and blocks at once: its output is that of the
sample-by-sample recursion, and its whole memory is four numbers for each channel, so that a detector can be stopped and
restored anywhere without a seam.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import numpy.typing as npt

from glasswatch.detectors.audio.pcm import Pcm

Floats = npt.NDArray[np.float64]

BLOCK = 60
"""Samples in a block: about where products within and between the blocks of 100 ms cost the same."""

STATES = 4
"""Memory of the two second-order sections."""

OFFSET_LUFS = -0.691
"""Makes a full-scale 997 Hz tone in one front channel read -3.01 LUFS (BS.1770-4, equation 2)."""

ABSOLUTE_GATE_LUFS = -70.0
INTEGRATED_GATE_LU = -10.0
RANGE_GATE_LU = -20.0

BINS_PER_LU = 100
BINS = 8000
"""From the absolute gate to +10 LUFS."""

_BIN_ENERGIES: Floats = 10 ** ((ABSOLUTE_GATE_LUFS + (np.arange(BINS) + 0.5) / BINS_PER_LU - OFFSET_LUFS) / 10)

SURROUND_WEIGHT = 1.41
"""Channels at 60 to 120 degrees, +1.5 dB (BS.1770-4, tables 3 and 4)."""

_SURROUNDS = frozenset({"BL", "BR", "SL", "SR"})
_UNHEARD = frozenset({"LFE", "LFE2"})


def channel_weights(channels: tuple[str, ...]) -> Floats:
    """Weight of each channel; the low-frequency effects are not measured.

    In 7.1 only the side channels stand at 60 to 120 degrees, as FFmpeg's ebur128 has it; in 5.1 the back ones do.
    """
    loud = frozenset({"SL", "SR"}) if {"SL", "BL"} <= set(channels) else _SURROUNDS
    return np.array([0.0 if c in _UNHEARD else SURROUND_WEIGHT if c in loud else 1.0 for c in channels])


def loudness(energy: float) -> float:
    """LUFS of a weighted mean square; -inf for none."""
    return OFFSET_LUFS + 10 * float(np.log10(energy)) if energy > 0 else float("-inf")


@dataclass(slots=True)
class GatedLoudness:
    """Any number of loudness blocks, kept as counts in bins of 0.01 LU so that they can be gated at the end."""

    counts: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(BINS, np.int32))

    def add(self, energy: float) -> None:
        """Take in the weighted mean square of a block; what lies below the absolute gate is left out."""
        level = loudness(energy)
        if level > ABSOLUTE_GATE_LUFS:
            self.counts[min(int((level - ABSOLUTE_GATE_LUFS) * BINS_PER_LU), BINS - 1)] += 1

    def blocks(self) -> int:
        """How many blocks count for the integrated loudness."""
        return int(self.counts[self._gate(INTEGRATED_GATE_LU) :].sum())

    def integrated(self) -> float:
        """Integrated loudness of 400 ms blocks, in LUFS (BS.1770-4, equations 5 to 7); -inf without any."""
        return self._mean(self._gate(INTEGRATED_GATE_LU))

    def spread(self) -> float:
        """Loudness range of 3 s blocks, in LU: from the 10th to the 95th percentile (EBU Tech 3342)."""
        ranks = np.cumsum(self.counts[self._gate(RANGE_GATE_LU) :])
        if len(ranks) == 0 or ranks[-1] == 0:
            return 0.0
        low, high = (int(np.searchsorted(ranks, share * ranks[-1])) for share in (0.10, 0.95))
        return (high - low) / BINS_PER_LU

    def _mean(self, first: int) -> float:
        """Loudness of the mean of all blocks from bin `first` on."""
        count = int(self.counts[first:].sum())
        return loudness(float(self.counts[first:] @ _BIN_ENERGIES[first:]) / count) if count else float("-inf")

    def _gate(self, relative_lu: float) -> int:
        """First bin above the relative gate, which lies so far from the loudness of all blocks."""
        mean = self._mean(0)
        return BINS if math.isinf(mean) else max(round((mean + relative_lu - ABSOLUTE_GATE_LUFS) * BINS_PER_LU), 0)


@dataclass(frozen=True, slots=True)
class BlockFilter:
    """The K-weighting filter of one rate for `blocks` blocks of n samples in one go; s is the number of states.

    Attributes:
        impulse: (n, n), output of a block for its input.
        recall: (s, n), output of a block for the state at its start.
        write: (n, s), what the input of a block adds to the state.
        carry: (s + blocks * s, (blocks + 1) * s), states at the start of every block and after the last one, for the
            state at the start of the first and what each block adds.
    """

    impulse: Floats
    recall: Floats
    write: Floats
    carry: Floats

    def run(self, samples: Floats, state: Floats) -> tuple[Floats, Floats]:
        """Filter (channels, blocks * n) from a state (channels, s); gives the output and the new state."""
        channels, n = len(samples), len(self.impulse)
        blocks = samples.reshape(channels, -1, n)
        added = (blocks @ self.write).reshape(channels, -1)
        states = (np.concatenate([state, added], axis=1) @ self.carry).reshape(channels, -1, STATES)
        output = blocks @ self.impulse + states[:, :-1] @ self.recall
        return output.reshape(channels, -1), states[:, -1]


@cache
def block_filter(rate: int, length: int, blocks: int) -> BlockFilter:
    """The filter for `blocks` blocks of `length` samples."""
    a, b, c, d = _state_space(rate)
    recall = np.empty((STATES, length))
    write = np.empty((length, STATES))
    power = np.eye(STATES)
    for i in range(length):
        recall[:, i] = c @ power
        write[length - 1 - i] = power @ b
        power = a @ power
    response = np.concatenate([[d], write[::-1][: length - 1] @ c])
    lag = np.arange(length)[None, :] - np.arange(length)[:, None]
    impulse = np.where(lag >= 0, response[np.maximum(lag, 0)], 0.0)
    carry = np.zeros((blocks + 1, STATES, blocks + 1, STATES))
    kept = np.eye(STATES)
    for age in range(blocks + 1):
        for source in range(blocks + 1 - age):
            carry[source, :, source + age, :] = kept.T
        kept = power @ kept
    side = (blocks + 1) * STATES
    return BlockFilter(impulse, recall, write, carry.reshape(side, side))


def _state_space(rate: int) -> tuple[Floats, Floats, Floats, float]:
    """A, B, C, D of both sections in series, each in transposed direct form II."""
    shelf, high_pass = k_weighting(rate)
    a1, b1, c1, d1 = _section(*shelf)
    a2, b2, c2, d2 = _section(*high_pass)
    a = np.block([[a1, np.zeros((2, 2))], [np.outer(b2, c1), a2]])
    return a, np.concatenate([b1, b2 * d1]), np.concatenate([d2 * c1, c2]), d1 * d2


def _section(b: Floats, a: Floats) -> tuple[Floats, Floats, Floats, float]:
    matrix = np.array([[-a[1], 1.0], [-a[2], 0.0]])
    return matrix, np.array([b[1] - a[1] * b[0], b[2] - a[2] * b[0]]), np.array([1.0, 0.0]), float(b[0])


def k_weighting(rate: int) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Coefficients (b, a) of the shelf and the high-pass at any rate.

    BS.1770-4 prints them for 48 kHz; these analogue parameters, by bilinear transform, give the printed numbers there
    (B. De Man, "Evaluation of implementations of the EBU R128 loudness measurement", AES 145, 2018). Where all that a
    rate can hold lies below the shelf, below 3.4 kHz, there is no shelf: its transform would not be stable.
    """
    gain, q, frequency = 3.999843853973347, 0.7071752369554196, 1681.974450955533
    k = np.tan(np.pi * frequency / rate)
    high, band = 10 ** (gain / 20), 10 ** (gain / 20 * 0.4996667741545416)
    norm = 1 + k / q + k * k
    shelf_b = np.array([high + band * k / q + k * k, 2 * (k * k - high), high - band * k / q + k * k]) / norm
    shelf_a = np.array([1.0, 2 * (k * k - 1) / norm, (1 - k / q + k * k) / norm])
    if 2 * frequency >= rate:
        shelf_b = shelf_a = np.array([1.0, 0.0, 0.0])
    q, frequency = 0.5003270373238773, 38.13547087602444
    k = np.tan(np.pi * frequency / rate)
    norm = 1 + k / q + k * k
    return (shelf_b, shelf_a), (
        np.array([1.0, -2.0, 1.0]),
        np.array([1.0, 2 * (k * k - 1) / norm, (1 - k / q + k * k) / norm]),
    )


def weighted_energy(samples: Pcm, state: Floats, weights: Floats, rate: int) -> tuple[float, Floats]:
    """Sum over channels of the weighted energy of some samples after K-weighting, and the filter's new state.

    Args:
        samples: (channels, samples).
        state: (channels, STATES), zeros at the start of a stream.
        weights: Of each channel.
        rate: Samples per second.
    """
    energy = np.zeros(len(samples))
    whole = samples.shape[1] // BLOCK * BLOCK
    for part, length in ((samples[:, :whole], BLOCK), (samples[:, whole:], samples.shape[1] - whole)):
        if part.shape[1]:
            output, state = block_filter(rate, length, part.shape[1] // length).run(part.astype(np.float64), state)
            energy += np.einsum("cs,cs->c", output, output)
    return float(energy @ weights), state
