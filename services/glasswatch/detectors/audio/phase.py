"""Phase: inverted channel pairs; dual mono and dead channels as information."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view
from pydantic import Field

from glasswatch.core.detection import Detection, Severity, Verdict
from glasswatch.core.detector import DetectorSpec
from glasswatch.core.needs import AudioNeed
from glasswatch.detectors.audio.pcm import Pcm, PcmDetector, PcmState, SampleClock, no_samples, runs_of
from glasswatch.detectors.params import Params

HOPS_PER_S = 50
WINDOW = 20
"""Hops in a correlation window: 0.4 s, so that single low notes of a wide recording do not decide alone."""

PAIRS = (("FL", "FR"), ("BL", "BR"), ("SL", "SR"), ("FLC", "FRC"), ("DL", "DR"), ("WL", "WR"))

USUAL = 2 * HOPS_PER_S
"""Windows before an inversion that tell how the pair correlates when it is right."""

LEAST_ACTIVE = HOPS_PER_S // 5
"""Hops with sound that a second needs for a verdict on dual mono or a dead channel."""

SILENT = 1e-20
"""Mean square that stands for digital silence."""

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class PhaseParams(Params):
    """What each kind takes.

    Attributes:
        correlation: An inverted pair correlates below this.
        treble_correlation: So do its differences from sample to sample, which weigh high frequencies more: an inversion
            turns every frequency round, microphones that stand apart turn round only some.
        sure_correlation: Below this, in the signal and in its differences, it is no matter of microphones; above,
            the finding is information.
        flip: So it is where the pair did not correlate before by at least this share of what it does now, the other way
            round: an inversion only turns the sign, while single notes of synthesizers and wide ambience are out of
            phase by design.
        lasting_s: What lasts longer needs no sign of a change.
        level_dbfs: RMS level that both channels need for a verdict on their correlation, in dBFS.
        side_db: Dual mono: level of the difference of the channels relative to both.
        dead_dbfs: RMS level below which a channel is dead if its partner is above `level_dbfs`.
    """

    correlation: Annotated[float, Field(ge=-1, le=0)]
    treble_correlation: Annotated[float, Field(ge=-1, le=0)]
    sure_correlation: Annotated[float, Field(ge=-1, le=0)]
    flip: Annotated[float, Field(ge=0, le=1)]
    lasting_s: Annotated[float, Field(ge=0, le=60)]
    level_dbfs: Annotated[float, Field(ge=-80, le=0)]
    side_db: Annotated[float, Field(le=-20)]
    dead_dbfs: Annotated[float, Field(le=-40)]


@dataclass(slots=True)
class Inversion:
    """Where one pair is inverted, in hops.

    Attributes:
        is_on: Whether the last window was negative.
        since: Where the last inversion began.
        until: Where the last one that is over ended.
        recent: Correlation of the last windows with sound that were not negative, oldest first.
        usual: Median of those before the last inversion began; 0 where there were too few.
    """

    is_on: bool = False
    since: int = 0
    until: int = 0
    recent: Floats = field(default_factory=lambda: np.zeros(0))
    usual: float = 0.0


@dataclass(slots=True)
class PhaseState(PcmState):
    """State between chunks.

    Attributes:
        tail: Samples after the last full hop, (channels, samples).
        products: Mean products by hop since the last second that was judged, (pairs, 7, hops), see `_products`.
        judged: Hops judged.
        inversions: One for each pair.
    """

    tail: Pcm = field(default_factory=no_samples)
    products: Floats = field(default_factory=lambda: np.zeros((0, 7, 0)))
    judged: int = 0
    inversions: list[Inversion] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Finding:
    """What is wrong in some hops of a second, `first` to `last`, half open."""

    kind: str
    first: int
    last: int
    score: float
    measurements: dict[str, float]
    ceiling: Severity | None


class Phase(PcmDetector[PhaseParams, PhaseState]):
    """Correlates the channels of each left-right pair in windows of 0.4 s, stepped by 20 ms.

    The windows tell that there is an inversion; the sign of the products of single hops tells where it starts and ends.
    Each second is judged when the windows that begin in it are complete. Dual mono and dead channels are told by whole
    seconds. Of several pairs the worst speaks.
    """

    spec = DetectorSpec(
        name="phase",
        version="2",
        defects=("phase",),
        needs=(AudioNeed(),),
        measurements={"correlation": "1", "treble_correlation": "1", "side_db": "dB", "channel": "1"},
        lookback_s=2.0,
    )

    def fresh_state(self) -> PhaseState:
        """Nothing heard yet."""
        return PhaseState()

    def listen(self, samples: Pcm, clock: SampleClock) -> Iterator[Detection]:
        """Reduce the samples to products by hop; judge each second whose windows are complete."""
        state = self.state
        pairs = _pairs(clock.channels)
        if clock.count == 0:
            state.products = np.zeros((len(pairs), 7, 0))
            state.inversions = [Inversion() for _ in pairs]
        hop = _hop(clock)
        pcm = np.concatenate([state.tail, samples], axis=1) if state.tail.size else samples
        whole = pcm.shape[1] // hop
        hops = pcm[:, : whole * hop].reshape(len(pcm), whole, hop)
        state.tail = pcm[:, whole * hop :].copy()
        fresh = np.zeros((len(pairs), 7, whole))
        for row, (left, right) in enumerate(pairs):
            fresh[row] = _products(hops[left], hops[right])
        state.products = np.concatenate([state.products, fresh], axis=2)
        while state.products.shape[2] >= HOPS_PER_S + WINDOW - 1:
            yield from self._second(HOPS_PER_S, (state.judged + HOPS_PER_S) * hop, clock)

    def conclude(self, clock: SampleClock) -> Iterator[Detection]:
        """The last hops have no windows of their own: the last complete one speaks for them."""
        state = self.state
        while (hops := state.products.shape[2]) > HOPS_PER_S:
            yield from self._second(HOPS_PER_S, (state.judged + HOPS_PER_S) * _hop(clock), clock)
        yield from self._second(hops, clock.count, clock)

    def _second(self, hops: int, end: int, clock: SampleClock) -> Iterator[Detection]:
        """Judge the next `hops` hops, which end at sample `end`; OK of every kind is told in one word."""
        state = self.state
        found: list[_Finding] = []
        inverted = np.zeros(hops, np.bool_)
        worst: tuple[Floats, Floats, Inversion] | None = None
        for products, inversion in zip(state.products, state.inversions, strict=True):
            flags, correlation, treble = self._inverted(products, hops, inversion)
            if flags.any() and (worst is None or correlation.min() < worst[0].min()):
                worst = correlation, treble, inversion
            inverted |= flags
        if worst is not None:
            found += [self._inversion(*worst, a, b) for a, b, is_on in runs_of(inverted) if is_on]
        found += self._dual_mono(hops)
        found += self._dead_channel(hops, clock)
        start = state.judged * _hop(clock)
        state.judged += hops
        state.products = state.products[:, :, hops:].copy()
        if end > start:
            yield from self._tell(found, start, end, hops, clock)

    def _inverted(self, products: Floats, hops: int, inversion: Inversion) -> tuple[Flags, Floats, Floats]:
        """Which of the next hops of a pair are inverted, with the correlations of the windows that begin there."""
        flags = np.zeros(hops, np.bool_)
        if products.shape[1] < WINDOW:
            return flags, np.zeros(hops), np.zeros(hops)
        xx, yy, xy, dxx, dyy, dxy, _ = sliding_window_view(products, WINDOW, axis=1).mean(axis=2)
        correlation = xy / np.sqrt(np.maximum(xx * yy, SILENT**2))
        treble = dxy / np.sqrt(np.maximum(dxx * dyy, SILENT**2))
        is_active = np.minimum(xx, yy) >= _mean_square(self.params.level_dbfs)
        negative = is_active & (correlation < self.params.correlation) & (treble < self.params.treble_correlation)
        missing = max(hops - len(negative), 0)
        negative, correlation, treble, is_active = (
            np.pad(values[:hops], (0, missing), "edge") for values in (negative, correlation, treble, is_active)
        )
        base = self.state.judged
        flags[: max(inversion.until - base, 0)] = inversion.until > base
        for start, end, is_on in runs_of(negative):
            if is_on and not inversion.is_on:
                # The sum of products grows up to the onset and falls from there.
                rise = np.cumsum(products[2, start : start + WINDOW])
                inversion.since = base + start + int(np.argmax(np.concatenate([[0.0], rise])))
                # The last windows before the first negative one hold some of the inversion.
                before = inversion.recent[:-WINDOW]
                inversion.usual = float(np.median(before)) if len(before) >= WINDOW else 0.0
            elif inversion.is_on and not is_on:
                fall = np.cumsum(products[2, start : start + WINDOW])
                inversion.until = base + start + int(np.argmin(np.concatenate([[0.0], fall])))
                flags[max(inversion.since - base, 0) : max(inversion.until - base, 0)] = True
            inversion.is_on = is_on
            if not is_on:
                heard = correlation[start:end][is_active[start:end]]
                inversion.recent = np.concatenate([inversion.recent, heard])[-(USUAL + WINDOW) :]
            else:
                flags[max(inversion.since - base, 0) : end] = True
        return flags, correlation, treble

    def _inversion(self, correlation: Floats, treble: Floats, inversion: Inversion, first: int, last: int) -> _Finding:
        params = self.params
        at = first + int(np.argmin(correlation[first:last]))
        is_strong = max(correlation[at], treble[first:last].min()) < params.sure_correlation
        is_lasting = self.state.judged + last - inversion.since > params.lasting_s * HOPS_PER_S
        is_sure = is_strong and (is_lasting or inversion.usual >= params.flip * -correlation[at])
        return _Finding(
            "inverted",
            first,
            last,
            0.5 + 0.5 * min(max(-float(correlation[at]), 0.0), 1.0),
            {"correlation": round(float(correlation[at]), 3), "treble_correlation": round(float(treble[at]), 3)},
            None if is_sure else Severity.INFO,
        )

    def _dual_mono(self, hops: int) -> Iterator[_Finding]:
        """A pair whose difference is next to nothing wherever it sounds at all."""
        for xx, yy, *_, side in self.state.products[:, :, :hops]:
            active = np.minimum(xx, yy) >= _mean_square(self.params.level_dbfs)
            if active.sum() >= LEAST_ACTIVE:
                side_db = 10 * np.log10(max(float((side[active] / np.maximum(xx, yy)[active]).max()), 1e-12))
                if side_db < self.params.side_db:
                    more = {"side_db": round(float(side_db), 1), "correlation": 1.0}
                    yield _Finding("dual_mono", 0, hops, 1.0, more, Severity.INFO)
                    return

    def _dead_channel(self, hops: int, clock: SampleClock) -> Iterator[_Finding]:
        """A channel without sound in a second in which its partner sounds."""
        dead, alive = _mean_square(self.params.dead_dbfs), _mean_square(self.params.level_dbfs)
        for pair, products in zip(_pairs(clock.channels), self.state.products[:, :2, :hops], strict=True):
            for channel, own, other in zip(pair, products, products[::-1], strict=True):
                if (other >= alive).sum() >= LEAST_ACTIVE and (own < dead).all():
                    more = {"channel": float(channel)}
                    yield _Finding("dead_channel", 0, hops, 1.0, more, Severity.INFO)
                    return

    def _tell(self, found: list[_Finding], start: int, end: int, hops: int, clock: SampleClock) -> Iterator[Detection]:
        """Detections of each kind from sample `start` to `end`; one without kind where nothing was found."""
        if not found:
            yield self.detection("phase", clock.span(start, end), Verdict.OK, 0.0)
            return
        hop = _hop(clock)
        for kind in ("inverted", "dual_mono", "dead_channel"):
            at = start
            for finding in (f for f in found if f.kind == kind):
                first = start + finding.first * hop
                last = end if finding.last == hops else start + finding.last * hop
                if at < first:
                    yield self.detection("phase", clock.span(at, first), Verdict.OK, 0.0, kind=kind)
                yield self.detection(
                    "phase",
                    clock.span(first, last),
                    Verdict.DEFECT,
                    finding.score,
                    kind=kind,
                    measurements=finding.measurements,
                    ceiling=finding.ceiling,
                )
                at = last
            if at < end:
                yield self.detection("phase", clock.span(at, end), Verdict.OK, 0.0, kind=kind)


def _hop(clock: SampleClock) -> int:
    return max(clock.rate // HOPS_PER_S, 2)


def _mean_square(level_dbfs: float) -> float:
    return float(10 ** (level_dbfs / 10))


def _pairs(channels: tuple[str, ...]) -> list[tuple[int, int]]:
    """Indices of the left-right pairs among the channels."""
    return [(channels.index(a), channels.index(b)) for a, b in PAIRS if a in channels and b in channels]


def _products(x: Pcm, y: Pcm) -> Floats:
    """Mean of xx, yy, xy, the same three of their differences, and the square of x - y; (7, hops)."""
    dx, dy, side = np.diff(x, axis=1), np.diff(y, axis=1), x - y
    factors = ((x, x), (y, y), (x, y), (dx, dx), (dy, dy), (dx, dy), (side, side))
    return np.array([np.einsum("hs,hs->h", a, b, dtype=np.float64) / x.shape[1] for a, b in factors])
