"""Loudness: the whole programme against its target, and sudden lasting jumps."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view
from pydantic import Field

from glasswatch.core.detection import Detection, Severity, Verdict
from glasswatch.core.detector import DetectorSpec
from glasswatch.core.needs import AudioNeed
from glasswatch.core.time import Instant, Span
from glasswatch.detectors.audio.bs1770 import STATES, GatedLoudness, channel_weights, loudness, weighted_energy
from glasswatch.detectors.audio.pcm import Pcm, PcmDetector, PcmState, SampleClock, dbfs, no_samples
from glasswatch.detectors.audio.true_peak import TAPS, true_peaks
from glasswatch.detectors.params import Params

HOPS_PER_S = 10
MOMENTARY = 4
SHORT_TERM = 30
"""Hops of 100 ms in the momentary (400 ms) and the short-term (3 s) window of EBU Tech 3341."""

FLOOR_LUFS = -120.0
"""Stands for silence in measurements."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a programme's loudness is compared with.

    Attributes:
        lufs: The target.
        tolerance_lu: How far the programme may be off.
        is_asked_for: Whether a profile asks for it; else it is only for orientation.
    """

    lufs: float
    tolerance_lu: float
    is_asked_for: bool


TARGETS = {
    "ebu_r128": (-23.0, 0.5),
    "ebu_r128_live": (-23.0, 1.0),
    "atsc_a85": (-24.0, 2.0),
    "arib_tr_b32": (-24.0, 1.0),
    "op_59": (-24.0, 1.0),
}
"""Target in LUFS and tolerance in LU: EBU R 128 (2023), and its allowance where normalisation is not exact, as in live
programmes; ATSC A/85:2013; ARIB TR-B32; Free TV Australia OP 59."""

TOLERANCE_LU = 0.5
"""For a target without a standard: that of EBU R 128."""

Floats = npt.NDArray[np.float64]


class LoudnessParams(Params):
    """Which target, and what a jump is.

    Attributes:
        standard: Whose target and tolerance apply; null asks for none, so that deviations are information.
        target_lufs: Another target in LUFS, null for the standard's. A target alone asks for it.
        tolerance_lu: Another tolerance in LU, null for the standard's.
        least_s: Sound that must pass the gate for a verdict on the programme.
        sure_jump_lu: A jump of less is information: music goes as far from a quiet part to a loud one.
        jump_lu: A jump leads from below to above without overlap: every short-term value after it is higher by this
            than every one before it. Half of it must come within a second, or it is a crescendo.
        before_s: For how long before.
        after_s: For how long after.
        quiet_lufs: A jump from below this is not one: that is where a programme starts after a pause.
    """

    standard: Literal["ebu_r128", "ebu_r128_live", "atsc_a85", "arib_tr_b32", "op_59"] | None
    target_lufs: Annotated[float, Field(ge=-60, le=0)] | None
    tolerance_lu: Annotated[float, Field(gt=0, le=20)] | None
    least_s: Annotated[float, Field(ge=0.4)]
    jump_lu: Annotated[float, Field(ge=3)]
    sure_jump_lu: Annotated[float, Field(ge=3)]
    before_s: Annotated[int, Field(ge=3, le=60)]
    after_s: Annotated[int, Field(ge=3, le=60)]
    quiet_lufs: Annotated[float, Field(ge=-70, le=-20)]


def target_of(params: LoudnessParams) -> Target:
    """What a programme is compared with; EBU R 128 for orientation where a profile asks for nothing."""
    lufs, tolerance_lu = TARGETS[params.standard or "ebu_r128"]
    if params.target_lufs is not None:
        lufs = params.target_lufs
        tolerance_lu = tolerance_lu if params.standard is not None else TOLERANCE_LU
    if params.tolerance_lu is not None:
        tolerance_lu = params.tolerance_lu
    return Target(lufs, tolerance_lu, is_asked_for=params.standard is not None or params.target_lufs is not None)


@dataclass(slots=True)
class LoudnessState(PcmState):
    """State between chunks; positions are hops of 100 ms.

    Attributes:
        tail: Samples after the last full hop, (channels, samples).
        filter: Memory of the K-weighting filter, (channels, STATES).
        energies: Weighted mean squares of the last hops.
        hops: Hops measured.
        blocks: All 400 ms blocks.
        windows: All 3 s windows.
        max_momentary: Highest mean square of a 400 ms block.
        max_short_term: Highest mean square of a 3 s window.
        jump_at: Where the steepest place of a jump in progress is, None without one.
        jump_lu: How high it is.
        before_s: Length of the programme before the present unbroken stretch, in seconds.
        broken_at: Where the stretch before has ended, None once the present one has begun.
        may_be_unused: Whether the track may rightly hold nothing.
        history: The last TAPS - 1 samples, for the true peak, (channels, TAPS - 1).
        true_peak: Highest true peak so far, linear.
    """

    tail: Pcm = field(default_factory=no_samples)
    filter: Floats = field(default_factory=lambda: np.zeros((0, STATES)))
    energies: Floats = field(default_factory=lambda: np.zeros(0))
    hops: int = 0
    blocks: GatedLoudness = field(default_factory=GatedLoudness)
    windows: GatedLoudness = field(default_factory=GatedLoudness)
    max_momentary: float = 0.0
    max_short_term: float = 0.0
    jump_at: int | None = None
    jump_lu: float = 0.0
    before_s: Fraction = Fraction(0)
    broken_at: Instant | None = None
    may_be_unused: bool = False
    history: Pcm = field(default_factory=no_samples)
    true_peak: float = 0.0


class Loudness(PcmDetector[LoudnessParams, LoudnessState]):
    """Measures BS.1770-4 loudness in hops of 100 ms.

    Every second one OK of kind "programme" carries the curve; its verdict comes at the end, over the whole span, holes
    and cuts included: they break the curve and the search for jumps, not the programme. It is never more than a
    warning: a gain mends it. Where no profile asks for a target it is information, since a title for the web, a record
    or a film is no worse for being made to another one. A jump is told once the loudness after it has lasted.
    """

    spec = DetectorSpec(
        name="loudness",
        version="3",
        defects=("loudness",),
        needs=(AudioNeed(),),
        measurements={
            "momentary_lufs": "LUFS",
            "short_term_lufs": "LUFS",
            "integrated_lufs": "LUFS",
            "deviation_lu": "LU",
            "range_lu": "LU",
            "max_momentary_lufs": "LUFS",
            "max_short_term_lufs": "LUFS",
            "true_peak_dbtp": "dBTP",
            "gated_s": "s",
            "jump_lu": "LU",
            "before_lufs": "LUFS",
            "after_lufs": "LUFS",
        },
        lookback_s=10.0,
    )

    def fresh_state(self) -> LoudnessState:
        """Nothing heard yet."""
        return LoudnessState()

    def listen(self, samples: Pcm, clock: SampleClock) -> Iterator[Detection]:
        """Measure every full hop; report every full second."""
        state = self.state
        hop = max(clock.rate // HOPS_PER_S, 1)
        if clock.count == 0:
            self._begin(clock)
            state.filter = np.zeros((len(samples), STATES))
            state.history = np.zeros((len(samples), TAPS - 1), np.float32)
        self._measure_peak(samples)
        pcm = np.concatenate([state.tail, samples], axis=1) if state.tail.size else samples
        weights = channel_weights(clock.channels)
        whole = pcm.shape[1] // hop * hop
        for start in range(0, whole, hop):
            energy, state.filter = weighted_energy(pcm[:, start : start + hop], state.filter, weights, clock.rate)
            self._measure(energy / hop)
            if state.hops % HOPS_PER_S == 0:
                yield from self._second(state.hops - HOPS_PER_S, state.hops * hop, clock)
        state.tail = pcm[:, whole:].copy()

    def cut(self, at: Instant) -> Sequence[Detection]:
        """The end of an unbroken stretch: the programme goes on behind it."""
        state, clock = self.state, self.state.clock
        if clock is None:
            return ()
        found = list(self._end_stretch(clock))
        self.state = LoudnessState(
            blocks=state.blocks,
            windows=state.windows,
            max_momentary=state.max_momentary,
            max_short_term=state.max_short_term,
            true_peak=state.true_peak,
            may_be_unused=state.may_be_unused,
            before_s=state.before_s + Fraction(clock.count, clock.rate),
            broken_at=clock.now,
        )
        return found

    def finish(self, at: Instant) -> Sequence[Detection]:
        """The verdict on the programme, even where it ends with a cut."""
        broken_at = self.state.broken_at
        return [self._programme(broken_at)] if broken_at is not None else super().finish(at)

    def conclude(self, clock: SampleClock) -> Iterator[Detection]:
        """The last, incomplete second, and the verdict on the programme."""
        yield from self._end_stretch(clock)
        yield self._programme(clock.now, Fraction(clock.count, clock.rate))

    def _begin(self, clock: SampleClock) -> None:
        """Begin an unbroken stretch; a hole before it belongs to the programme."""
        state = self.state
        if state.broken_at is not None and state.broken_at.epoch == clock.epoch:
            state.before_s += max(clock.start - state.broken_at.seconds, Fraction(0))
        state.broken_at = None
        state.may_be_unused = clock.may_be_unused

    def _end_stretch(self, clock: SampleClock) -> Iterator[Detection]:
        """The last, incomplete second, and a jump that was still growing."""
        state = self.state
        done = state.hops // HOPS_PER_S * HOPS_PER_S
        if clock.count > done * max(clock.rate // HOPS_PER_S, 1):
            yield from self._second(done, clock.count, clock)
        if state.jump_at is not None:
            yield self._jump(clock)

    def _measure_peak(self, samples: Pcm) -> None:
        """Raise the true peak; only stretches that may exceed it are oversampled."""
        state = self.state
        pcm = np.concatenate([state.history, samples], axis=1)
        for signal in pcm:
            state.true_peak = max(state.true_peak, float(true_peaks(signal, state.true_peak)[1].max(initial=0.0)))
        state.history = pcm[:, pcm.shape[1] - (TAPS - 1) :].copy()

    def _measure(self, energy: float) -> None:
        state = self.state
        state.hops += 1
        keep = (self.params.before_s + self.params.after_s + 1) * HOPS_PER_S
        state.energies = np.append(state.energies, energy)[-keep:]
        if state.hops >= MOMENTARY:
            momentary = float(state.energies[-MOMENTARY:].mean())
            state.blocks.add(momentary)
            state.max_momentary = max(state.max_momentary, momentary)
        if state.hops >= SHORT_TERM:
            short_term = float(state.energies[-SHORT_TERM:].mean())
            state.windows.add(short_term)
            state.max_short_term = max(state.max_short_term, short_term)

    def _second(self, first_hop: int, end: int, clock: SampleClock) -> Iterator[Detection]:
        """The point of the curve at sample `end`, and jumps that can now be seen."""
        state = self.state
        fresh = state.hops - first_hop
        recent = state.energies[-(fresh + MOMENTARY - 1) :]
        curve = {"integrated_lufs": _lufs(state.blocks.integrated())}
        if len(recent) >= MOMENTARY:
            curve["momentary_lufs"] = _lufs(loudness(float(sliding_window_view(recent, MOMENTARY).mean(axis=1).max())))
        if state.hops >= SHORT_TERM:
            curve["short_term_lufs"] = _lufs(loudness(float(state.energies[-SHORT_TERM:].mean())))
        span = clock.span(first_hop * max(clock.rate // HOPS_PER_S, 1), end)
        yield self.detection("loudness", span, Verdict.OK, 0.0, kind="programme", measurements=curve)
        seen = state.jump_at
        self._look_for_jump(fresh)
        if seen is not None and state.jump_at == seen:
            yield self._jump(clock)
            state.jump_at, state.jump_lu = None, 0.0

    def _look_for_jump(self, fresh: int) -> None:
        """Compare what lies before and after each of the `fresh` places whose after_s have just passed."""
        state, params = self.state, self.params
        before, after = params.before_s * HOPS_PER_S, params.after_s * HOPS_PER_S
        if len(state.energies) < SHORT_TERM:
            return
        means = sliding_window_view(state.energies, SHORT_TERM).mean(axis=1)
        levels = 10 * np.log10(np.maximum(means, 1e-12))
        first = state.hops - len(state.energies)
        for place in range(len(state.energies) - after - fresh + 1, len(state.energies) - after + 1):
            if place < before:
                continue
            old = levels[place - before : place - SHORT_TERM + 1]
            height = float(levels[place : place + after - SHORT_TERM + 1].min() - old.max())
            beside = state.energies[place - HOPS_PER_S : place + HOPS_PER_S].reshape(2, -1).mean(axis=1)
            is_sudden = beside[1] >= beside[0] * 10 ** (params.jump_lu / 2 / 10)
            is_higher = height >= max(params.jump_lu, state.jump_lu)
            if is_higher and is_sudden and np.median(old) > params.quiet_lufs:
                state.jump_at, state.jump_lu = first + place, height

    def _jump(self, clock: SampleClock) -> Detection:
        state, params = self.state, self.params
        assert state.jump_at is not None
        hop = max(clock.rate // HOPS_PER_S, 1)
        place = state.jump_at - (state.hops - len(state.energies))
        measurements = {
            "jump_lu": round(state.jump_lu, 1),
            "before_lufs": _lufs(loudness(float(state.energies[:place][-params.before_s * HOPS_PER_S :].mean()))),
            "after_lufs": _lufs(loudness(float(state.energies[place:][: params.after_s * HOPS_PER_S].mean()))),
        }
        return self.detection(
            "loudness",
            clock.span(state.jump_at * hop, (state.jump_at + params.after_s * HOPS_PER_S) * hop),
            Verdict.DEFECT,
            0.5 + 0.5 * min((state.jump_lu - params.jump_lu) / 10, 1.0),
            kind="jump",
            measurements=measurements,
            ceiling=Severity.WARNING if state.jump_lu >= params.sure_jump_lu else Severity.INFO,
        )

    def _programme(self, end: Instant, lasted_s: Fraction = Fraction(0)) -> Detection:
        """The verdict on the programme, whose last unbroken stretch has lasted for `lasted_s` until `end`."""
        state, params = self.state, self.params
        target = target_of(params)
        # In the last epoch, whatever came before: the start is a position there, not a timestamp that was seen.
        span = Span(end.epoch, end.seconds - state.before_s - lasted_s, end.seconds)
        gated_s = state.blocks.blocks() / HOPS_PER_S
        measurements = {
            "integrated_lufs": _lufs(state.blocks.integrated()),
            "range_lu": round(state.windows.spread(), 1),
            "max_momentary_lufs": _lufs(loudness(state.max_momentary)),
            "max_short_term_lufs": _lufs(loudness(state.max_short_term)),
            "true_peak_dbtp": dbfs(state.true_peak),
            "gated_s": gated_s,
        }
        if state.may_be_unused and not state.blocks.counts.any():
            measured = {"gated_s": gated_s}
            return self.detection("loudness", span, Verdict.OK, 0.0, kind="programme", measurements=measured)
        if gated_s < params.least_s:
            reason = f"only {gated_s:.1f} s of sound above the gate, {params.least_s:g} s are needed"
            verdict = Verdict.INCONCLUSIVE
            return self.detection(
                "loudness", span, verdict, 0.0, kind="programme", measurements=measurements, reason=reason
            )
        deviation = state.blocks.integrated() - target.lufs
        is_off = abs(deviation) > target.tolerance_lu
        excess = max(abs(deviation) - target.tolerance_lu, 0.0)
        return self.detection(
            "loudness",
            span,
            Verdict.DEFECT if is_off else Verdict.OK,
            0.5 + 0.5 * min(excess / 10, 1.0) if is_off else 0.49 * abs(deviation) / target.tolerance_lu,
            kind="programme",
            measurements={**measurements, "deviation_lu": round(deviation, 2)},
            ceiling=Severity.WARNING if target.is_asked_for else Severity.INFO,
            reason=_described(deviation, measurements, target) if is_off else None,
        )


def _described(deviation: float, measured: dict[str, float], target: Target) -> str:
    """A programme's loudness in words: against its target, or as it is where there is none."""
    if target.is_asked_for:
        return f"{abs(deviation):.1f} LU too {'loud' if deviation > 0 else 'quiet'}"
    return (
        f"{measured['integrated_lufs']:.1f} LUFS, range {measured['range_lu']:.1f} LU, "
        f"true peak {measured['true_peak_dbtp']:.1f} dBTP; no target is set"
    )


def _lufs(value: float) -> float:
    """To 0.01 LU, finite."""
    return FLOOR_LUFS if math.isinf(value) else round(max(value, FLOOR_LUFS), 2)
