"""Clicks: impulses on top of the sound, and places where it is cut and joined without care."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

import numpy as np
from pydantic import Field

from glasswatch.core.errors import UsageError
from glasswatch.simulator.effect import Pcm, Scene, SoundEffect
from glasswatch.simulator.effects.added import programme_levels
from glasswatch.simulator.injector import Injector
from glasswatch.simulator.labels import Defect
from glasswatch.simulator.media import Sound
from glasswatch.simulator.sound import ChannelSettings, decibels, rows_of
from glasswatch.simulator.synthesis import Event, Mixer, Values, at_peak, log_uniform

# No second inside a defect is without a click: classifiers judge segments of that length.
JOIN_S = Fraction(1)


class ClickSettings(ChannelSettings):
    """What clicks, how often and how loud."""

    mode: Literal["single", "train", "vinyl", "slip", "packet_loss"] = Field(
        "single", description="impulses: single, train, vinyl; cuts: slip, packet_loss"
    )
    peak_db: float = Field(
        12.0, ge=-10, le=50, description="peak of the impulses over the active level, of vinyl the highest"
    )
    count: int = Field(3, ge=1, le=1000, description="single clicks, or cuts, one in each equal part of the window")
    rate_hz: float = Field(8.0, ge=0.5, le=200, description="clicks a second of train and vinyl")
    slip_samples: int = Field(24, ge=1, le=4800, description="samples that a slip repeats and later leaves out")
    length_ms: float = Field(20.0, ge=0.1, le=200, description="length of a lost packet")
    conceal: Literal["zero", "repeat", "splice"] = Field(
        "zero", description="lost packets: zeros, the sound before again, or repeats and leaves out in turn"
    )
    least_step_db: float = Field(
        -6.0, ge=-60, le=20, description="a cut waits for a step of that height over the active level"
    )


@dataclass(slots=True)
class Ledger:
    """Where it clicked on one track; clicks at most JOIN_S apart are one defect."""

    rate: int
    active_db: float
    spans: list[tuple[int, int, float]] = field(default_factory=list)

    def events(self) -> Iterator[tuple[Fraction, Fraction, dict[str, float]]]:
        """Start, end and strength of each defect."""
        run: list[tuple[int, int, float]] = []
        for span in [*sorted(self.spans), None]:
            if run and (span is None or span[0] - max(s[1] for s in run) > JOIN_S * self.rate):
                peak = max(s[2] for s in run)
                strength = {"clicks": float(len(run)), "peak_dbfs": peak, "peak_db": peak - self.active_db}
                yield Fraction(run[0][0], self.rate), Fraction(max(s[1] for s in run), self.rate), strength
                run = []
            if span is not None:
                run.append(span)


class Clicks(SoundEffect[ClickSettings]):
    """Keeps the ground truth: each click to the sample, and how high it or its step is."""

    defect = "clicks"

    def __init__(self, settings: ClickSettings, scene: Scene) -> None:
        super().__init__(settings, scene)
        self.rows = {t: rows_of(scene.media.audio[t], settings.channels, "clicks") for t in self.tracks}
        self.active: dict[int, float] = {}
        self.ledgers: dict[int, Ledger] = {}
        for track, level in programme_levels(scene, self.rows).items():
            if level.active == 0:
                raise UsageError(f"clicks: the sound of track {track} is silent there")
            self.active[track] = math.sqrt(level.active)
            self.ledgers[track] = Ledger(scene.media.audio[track].rate, decibels(level.active))

    def bounds(self, track: int) -> tuple[int, int]:
        """First and last + 1 sample of the window."""
        rate = self.scene.media.audio[track].rate
        return math.ceil(self.scene.start * rate), math.ceil(
            min(self.scene.end, self.scene.media.audio[track].end) * rate
        )

    def clicked(self, track: int, first: int, last: int, height: float) -> None:
        """State that samples [first, last) hold a click of that height."""
        self.ledgers[track].spans.append((first, last, decibels(height * height)))

    def defects(self) -> list[Defect]:
        """One for each run of clicks."""
        return [
            self._label(start, end, track=track, strength=strength)
            for track, ledger in self.ledgers.items()
            for start, end, strength in ledger.events()
        ]


class Impulses(Clicks):
    """Adds impulses: at chance times one by one, at a steady rate, or as the dust and scratches of a record."""

    def __init__(self, settings: ClickSettings, scene: Scene) -> None:
        super().__init__(settings, scene)
        length = float(scene.end - scene.start)
        times = _times(settings, length, scene.rng)
        self.mixers: dict[int, Mixer] = {}
        # First and last + 1 sample and height of what is to come; from the first sample of the window that there is.
        self.planned: dict[int, list[tuple[int, int, float]]] = {}
        self.origins: dict[int, int] = {}
        for track, seed in zip(self.tracks, scene.rng.integers(0, 1 << 62, len(self.tracks)), strict=True):
            self.planned[track] = []
            self.mixers[track] = Mixer(len(self.rows[track]), self._events(track, times, np.random.default_rng(seed)))

    def _events(self, track: int, times: Values, rng: np.random.Generator) -> Iterator[Event]:
        """Single clicks differ, those of a train are the same, those of a record ring and most are small."""
        rate, channels = self.scene.media.audio[track].rate, len(self.rows[track])
        first, last = self.bounds(track)
        highest = min(self.active[track] * 10 ** (self.settings.peak_db / 20), 1.0)
        vinyl, train = self.settings.mode == "vinyl", self.settings.mode == "train"
        wave = _click(rate, rng, ringing=vinyl)
        for at in (times * rate).astype(int):
            if not train:
                wave = _click(rate, rng, ringing=vinyl)
            height = highest * min(rng.exponential(1 / 3), 1.0) if vinyl else highest
            gains = np.maximum(rng.random((channels, 1)), 0.2) if vinyl else np.ones((channels, 1))
            kept = (wave * height * gains / gains.max())[:, : max(last - first - at, 0)].astype(np.float32)
            self.planned[track].append((at, at + kept.shape[1], float(np.abs(kept).max(initial=0))))
            yield at, kept

    def change(self, part: Sound) -> Pcm:
        """The sum, not limited; states the clicks that begin in it."""
        samples = part.samples.copy()
        samples[self.rows[part.track]] += self.mixers[part.track].take(samples.shape[1])
        planned, origin = self.planned[part.track], self.origins.setdefault(part.track, part.first)
        while planned and origin + planned[0][0] < part.first + samples.shape[1]:
            first, last, height = planned.pop(0)
            if height > 0:
                self.clicked(part.track, origin + first, origin + last, height)
                self.mark(part, origin + first - part.first, origin + last - part.first)
        return samples


def _times(settings: ClickSettings, length_s: float, rng: np.random.Generator) -> Values:
    """When impulses begin, in seconds from the start of the window, ascending."""
    if settings.mode == "single":
        return np.asarray(
            (np.arange(settings.count) + rng.uniform(0.05, 0.9, settings.count)) * length_s / settings.count
        )
    count = math.ceil(length_s * settings.rate_hz)
    if settings.mode == "train":
        # Clocks and scratched grooves are regular to a percent or so.
        times = (np.arange(count) + rng.uniform(0.1, 0.9) + rng.normal(0, 0.01, count)) / settings.rate_hz
    else:
        times = np.cumsum(rng.exponential(1 / settings.rate_hz, 2 * count + 10))
        if times[0] >= length_s:
            times[0] = length_s / 2
    return np.sort(times[times < length_s])


def _click(rate: int, rng: np.random.Generator, *, ringing: bool) -> Values:
    """One impulse, peak 1: a few samples, a jump that leaks away, or the ringing of a cartridge; ends at -60 dB."""
    kind = 2 if ringing else rng.integers(3)
    if kind == 0:
        return at_peak(rng.uniform(-1, 1, int(rng.integers(1, 4))))
    decay_s = float(log_uniform(rng, 1e-4, 1.5e-3))
    t = np.arange(max(round(6.9 * decay_s * rate), 2)) / rate
    if kind == 1:
        return np.asarray(rng.choice([-1.0, 1.0]) * np.exp(-t / decay_s))
    frequency = float(log_uniform(rng, 500, min(8000, 0.4 * rate)))
    return at_peak(np.exp(-t / decay_s) * np.cos(2 * np.pi * frequency * t + rng.uniform(0, 2 * np.pi)))


@dataclass(slots=True)
class Cut:
    """A stretch of other sound between two hard joins; times in samples. `length` is None where it ends by chance."""

    earliest: int
    latest: int
    length: int | None
    back_earliest: int
    back_latest: int
    opened: int | None = None
    height: float = 0.0


class Cuts(Clicks):
    """For a while the sound is zero, or late by a constant time; nothing is blended where that begins and ends.

    Sound that becomes late repeats a piece, and leaves one out where it is in time again: the two faces of clock slips
    and of receivers that splice their buffers. So the sound keeps its length.
    """

    def __init__(self, settings: ClickSettings, scene: Scene) -> None:
        super().__init__(settings, scene)
        draws = scene.rng.random((settings.count, 2))
        self.waiting: dict[int, list[Cut]] = {}
        self.late: dict[int, int] = {}
        self.before: dict[int, Pcm] = {}
        holes = settings.mode == "packet_loss" and settings.conceal != "splice"
        for track in self.tracks:
            rate = scene.media.audio[track].rate
            lost = max(round(settings.length_ms * rate / 1000), 1)
            late = settings.slip_samples if settings.mode == "slip" else lost
            first, last = self.bounds(track)
            part = (last - first) / settings.count
            if part < 4 * late + 8:
                raise UsageError("clicks: the window is too short for so many cuts of that length")
            self.late[track] = late
            self.before[track] = np.zeros((len(self.rows[track]), late + 1), np.float32)
            # Within its part of the window: not before there is something to repeat, and back in time before the end.
            self.waiting[track] = [
                Cut(
                    earliest=int(first + part * (n + 0.3 + 0.15 * a)),
                    latest=int(first + part * (n + (0.7 if holes else 0.55))),
                    length=late if holes else None,
                    back_earliest=int(first + part * (n + 0.6 + 0.25 * b)),
                    back_latest=int(first + part * (n + 1)) - 2,
                )
                for n, (a, b) in enumerate(draws)
            ]

    def change(self, part: Sound) -> Pcm:
        """Open and close the cuts that are due."""
        track, rows, late = part.track, self.rows[part.track], self.late[part.track]
        clean = part.samples[rows]
        count = clean.shape[1]
        known = np.concatenate([self.before[track], clean], axis=1)
        zero = self.settings.mode == "packet_loss" and self.settings.conceal == "zero"
        other = np.zeros((len(rows), count + 1), np.float32) if zero else known[:, : count + 1]
        out = clean.copy()
        # The height of the step where the other sound begins at a sample, and where it ends there.
        begins = np.abs(other[:, 1:] - known[:, late : late + count]).max(axis=0)
        ends = np.abs(clean - other[:, :-1]).max(axis=0)
        waiting = self.waiting[track]
        while waiting:
            cut = waiting[0]
            if cut.opened is None:
                at = self._join(part, begins, cut.earliest, cut.latest)
                if at is None:
                    if part.first + count < cut.latest:
                        break
                    waiting.pop(0)
                    continue
                cut.opened, cut.height = at, float(begins[at - part.first])
            back = self._back(part, ends, cut)
            begin, end = max(cut.opened - part.first, 0), count if back is None else back - part.first
            out[:, begin:end] = other[:, 1:][:, begin:end]
            if begin < end:
                self.mark(part, begin, end)
            if back is None:
                break
            self._state(track, cut, back, float(ends[back - part.first]))
            waiting.pop(0)
        self.before[track] = known[:, -late - 1 :]
        samples = part.samples.copy()
        samples[rows] = out
        return samples

    def _join(self, part: Sound, steps: Pcm, earliest: int, latest: int) -> int | None:
        """The first sample of the block in [earliest, latest) with a step that is high enough."""
        first = max(earliest - part.first, 0)
        least = self.active[part.track] * 10 ** (self.settings.least_step_db / 20)
        found = np.flatnonzero(steps[first : max(latest - part.first, 0)] >= least)
        return int(part.first + first + found[0]) if found.size else None

    def _back(self, part: Sound, steps: Pcm, cut: Cut) -> int | None:
        """Where the sound is itself again, None for after the block."""
        assert cut.opened is not None
        last = part.first + len(steps)
        if cut.length is not None:
            back = cut.opened + cut.length
            return back if back < last else None
        at = self._join(part, steps, cut.back_earliest, cut.back_latest)
        return cut.back_latest if at is None and part.first <= cut.back_latest < last else at

    def _state(self, track: int, cut: Cut, back: int, height: float) -> None:
        assert cut.opened is not None
        if cut.length is not None:
            self.clicked(track, cut.opened, back, max(cut.height, height))
            return
        # A join has no length: it lies between two samples.
        self.clicked(track, cut.opened - 1, cut.opened + 1, cut.height)
        self.clicked(track, back - 1, back + 1, height)

    def defects(self) -> list[Defect]:
        """The clicks; a packet of zeros inside the sound is a dropout as well."""
        found = super().defects()
        if self.settings.mode == "packet_loss" and self.settings.conceal == "zero":
            strength = {"length_ms": self.settings.length_ms}
            found += [
                Defect(defect="dropout", start_s=a / ledger.rate, end_s=b / ledger.rate, track=track, strength=strength)
                for track, ledger in self.ledgers.items()
                for a, b, _ in ledger.spans
            ]
        return found


def _clicks(settings: ClickSettings, scene: Scene) -> Clicks:
    return (Cuts if settings.mode in ("slip", "packet_loss") else Impulses)(settings, scene)


INJECTORS = (
    Injector("clicks", "impulses, and joins without care", ClickSettings, frozenset({"audio"}), _clicks, (2, 8)),
)
