"""Checking claims and truths about level against the samples themselves, apart from any detector.

Silence, clipping and loudness are defined by level. So a claim about clean media can be borne out by measurement, and
a hole that a lossy encoder has filled is not in the file to be found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import av
import numpy as np
import numpy.typing as npt

from bench.accuracy.definitions import meter_verdict
from bench.accuracy.model import Claim, Meter, Standing, Truth

Pcm = npt.NDArray[np.float32]

EDGE_S = 0.02
LOUD_SHARE = 0.01
"""Part of the samples of a claimed silence that may reach the level; edges are judged elsewhere."""

LEVEL_DBFS = {"silence": -60.0, "dropout": -70.0}
LEAST_S = {"silence": 0.475, "dropout": 0.0019}
"""Shortest stretch by definition, 0.5 s and 2 ms, less one twentieth."""

FULL_SCALE = 32767 / 32768
RUN = 3


@dataclass
class Sound:
    """The first audio track of a file, decoded when it is asked for."""

    path: str

    @cached_property
    def decoded(self) -> tuple[Pcm, int, float]:
        """Samples (channels, samples), rate in Hz, position of the first sample in seconds of the input."""
        blocks: list[Pcm] = []
        rate, start_s = 1, 0.0
        with av.open(self.path, metadata_errors="replace") as container:
            resampler = av.AudioResampler(format="fltp")
            try:
                for frame in container.decode(audio=0):
                    if not blocks and frame.pts is not None and frame.time_base is not None:
                        start_s = float(frame.pts * frame.time_base) - (container.start_time or 0) / av.time_base
                    rate = frame.sample_rate
                    blocks += [np.asarray(f.to_ndarray(), np.float32) for f in resampler.resample(frame)]
            except av.FFmpegError:
                pass  # What could be decoded is what can be checked.
        samples = np.concatenate(blocks, axis=1) if blocks else np.zeros((1, 0), np.float32)
        return samples, rate, start_s

    def between(self, start_s: float, end_s: float) -> Pcm:
        """The samples of a span."""
        samples, rate, first_s = self.decoded
        a, b = (max(round((t - first_s) * rate), 0) for t in (start_s, end_s))
        return samples[:, a:b]

    def longest_below(self, start_s: float, end_s: float, dbfs: float, *, any_channel: bool) -> float:
        """Longest stretch of a span, in seconds, in which no sample reaches the level."""
        quiet = np.less(np.abs(self.between(start_s, end_s)), 10 ** (dbfs / 20))
        rows = list(quiet) if any_channel else [np.logical_and.reduce(quiet)]
        return max((_longest_run(row) for row in rows), default=0) / self.decoded[1]

    def is_clipped(self, start_s: float, end_s: float) -> bool:
        """Whether some samples in a row are at full scale."""
        full = np.greater_equal(np.abs(self.between(start_s, end_s)), FULL_SCALE)
        return any(_longest_run(row) >= RUN for row in full)


def settled(truths: Sequence[Truth], sound: Sound) -> tuple[Truth, ...]:
    """What falls short of its definition in the encoded file is optional.

    So are holes and pauses of which less than half is left, or less than the definition asks, and clipping below full
    scale.
    """
    done = []
    for truth in truths:
        kept = truth
        if truth.defect == "clipping" and not sound.is_clipped(truth.start_s - EDGE_S, truth.end_s + EDGE_S):
            kept = replace(truth, standing=Standing.OPTIONAL, reason="nothing is at full scale")
        elif truth.defect in LEVEL_DBFS and not truth.loose:
            least = max(LEAST_S[truth.defect], (truth.end_s - truth.start_s) / 2)
            left = sound.longest_below(
                truth.start_s - 0.005,
                truth.end_s + 0.005,
                LEVEL_DBFS[truth.defect],
                any_channel=truth.defect == "dropout",
            )
            if left < least:
                kept = replace(truth, standing=Standing.OPTIONAL, reason="filled by the encoder")
        done.append(kept)
    return tuple(done)


def weighed(claims: Sequence[Claim], sound: Sound, meter: Meter) -> tuple[Claim, ...]:
    """Claims with the word of a measurement on each."""
    return tuple(replace(claim, borne_out=bears_out(claim, sound, meter)) for claim in claims)


def bears_out(claim: Claim, sound: Sound, meter: Meter) -> bool | None:
    """Whether samples or a reference meter say the same as the claim; None where neither can tell."""
    if claim.defect == "silence":
        loud = np.greater_equal(np.abs(sound.between(claim.start_s, claim.end_s)), 10 ** (LEVEL_DBFS["silence"] / 20))
        return bool(loud.size) and float(loud.mean(axis=1).max()) <= LOUD_SHARE
    if claim.kind == "full_scale":
        return sound.is_clipped(claim.start_s - EDGE_S, claim.end_s + EDGE_S)
    return meter_verdict(meter, claim)


def _longest_run(flags: npt.NDArray[np.bool_]) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    return int((edges[1::2] - edges[::2]).max(initial=0))
