"""Sounds of places and people that resemble a defect of sound: applause, rain, surf, steps, ventilation, telephones."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Literal

import numpy as np
from pydantic import Field

from glasswatch.simulator.effect import Pcm, Scene, SoundEffect
from glasswatch.simulator.effects.played import Played, PlayedSettings, in_room
from glasswatch.simulator.injector import Injector
from glasswatch.simulator.media import Sound
from glasswatch.simulator.settings import SoundSettings
from glasswatch.simulator.sound import channels_inside, faded
from glasswatch.simulator.soundcoding import recoded
from glasswatch.simulator.synthesis import (
    Event,
    Mixer,
    OnePole,
    Values,
    burst,
    convolved,
    in_sequence,
    log_uniform,
    noise,
    octaves_of,
    panned,
    poisson,
    room,
    slowly,
)


def _together(*parts: Iterator[Event]) -> Iterator[Event]:
    """The events of several sources in the order in which they begin."""
    return heapq.merge(*parts, key=lambda event: event[0])


class ApplauseSettings(PlayedSettings):
    """Who claps."""

    people: int = Field(40, ge=2, le=300, description="how many clap")


class Applause(Played[ApplauseSettings]):
    """People who clap at their own pace: bursts of noise whose pitch is that of the hollow of the hands, in a hall."""

    def events(self, rate: int, channels: int, rng: np.random.Generator) -> Iterator[Event]:
        """Everybody from the start on."""
        hall = room(rng, rate, 0.5, direct=0.7)
        return _together(*(self._person(rate, channels, hall, each) for each in rng.spawn(self.settings.people)))

    @staticmethod
    def _person(rate: int, channels: int, hall: Values, rng: np.random.Generator) -> Iterator[Event]:
        pitch, width = log_uniform(rng, 700, 2500), rng.uniform(0.5, 1)
        near = 10 ** (-rng.uniform(0, 20) / 20)
        claps = [
            panned(
                convolved(burst(rng, rate, pitch * (1 - width / 3), pitch * (1 + width), 0.006), hall), channels, rng
            )
            for _ in range(3)
        ]
        pace = rng.normal(4, 0.5) if rng.random() < 0.9 else rng.normal(2, 0.2)
        at = rng.uniform(0, rate / 4)
        while True:
            yield int(at), claps[int(rng.integers(3))] * np.float32(near * rng.uniform(0.6, 1))
            at += rate / max(pace, 1) * max(rng.normal(1, 0.06), 0.5)


class RainSettings(PlayedSettings):
    """How hard it rains."""

    drops: float = Field(150.0, ge=5, le=1000, description="drops a second that are heard one by one")


class Rain(Played[RainSettings]):
    """Far drops make noise from 1 kHz up, near ones are bubbles that ring at 1 to 9 kHz for a few milliseconds."""

    def events(self, rate: int, channels: int, rng: np.random.Generator) -> Iterator[Event]:
        """Both from the start on."""
        far, near = rng.spawn(2)
        curve = ((100, -24), (500, -12), (1500, 0), (6000, 0), (14000, -10))
        bed = noise(far, rate, channels, lambda _, f: 0.05 * octaves_of(f, curve))
        return _together(bed, self._drops(rate, channels, near))

    def _drops(self, rate: int, channels: int, rng: np.random.Generator) -> Iterator[Event]:
        for at in poisson(rng, rate, self.settings.drops):
            decay = log_uniform(rng, 0.0008, 0.005)
            pitch = log_uniform(rng, 1000, min(9000, 0.4 * rate))
            t = np.arange(round(6.9 * decay * rate) + 2) / rate
            drop = np.exp(-t / decay) * np.sin(2 * np.pi * pitch * (1 + 20 * t) * t)
            # Few drops are near: a heavy tail.
            yield at, panned(drop * min(0.06 * (1 + rng.pareto(2)), 1), channels, rng)


class SurfSettings(PlayedSettings):
    """The swell."""

    period_s: float = Field(6.0, ge=2, le=20, description="from wave to wave")


class Surf(Played[SurfSettings]):
    """Waves that build up, break and run out: noise whose level and treble rise and fall."""

    def events(self, rate: int, channels: int, rng: np.random.Generator) -> Iterator[Event]:
        """From within a wave on."""
        start, period = rng.uniform(0, 1), self.settings.period_s
        uneven = slowly(rng, (2 * period, 6 * period))

        def shape(t: float, f: Values) -> Values:
            turn = (start + t / period + 0.1 * float(uneven(np.asarray(t)))) % 1
            # Quick to break, slow to run out.
            wave = np.sin(np.pi * turn**0.6) ** 2
            corner = 250 * 12**wave
            return np.asarray((0.15 + wave) * (f > 25) / (1 + f / corner) / np.sqrt(np.maximum(f, 50) / 50))

        return noise(rng, rate, channels, shape)


class FootstepSettings(PlayedSettings):
    """Who walks where."""

    pace_hz: float = Field(1.8, ge=0.5, le=4, description="steps a second")
    floor: Literal["stone", "wood", "gravel"] = Field("stone", description="what is walked on")


# Lowest and highest frequency in Hz and decay in s of the heel.
HEELS = {"stone": (700, 6000, 0.004), "wood": (90, 900, 0.02), "gravel": (1500, 7000, 0.006)}


class Footsteps(Played[FootstepSettings]):
    """Heel, then toe; a click of the heel on stone, a thud on wood, many small crunches on gravel."""

    def events(self, rate: int, channels: int, rng: np.random.Generator) -> Iterator[Event]:
        """One foot after the other."""
        return in_room(self._steps(rate, rng), rate, channels, rng, t60_s=0.4, direct=1.0)

    def _steps(self, rate: int, rng: np.random.Generator) -> Iterator[tuple[int, Values]]:
        low, high, decay = HEELS[self.settings.floor]
        grains = 30 if self.settings.floor == "gravel" else 1
        at = 0.1 * rate
        while True:
            step = np.zeros(round(0.5 * rate))
            thud = burst(rng, rate, 60, 200, 0.025)[: len(step)]
            step[: len(thud)] += 0.4 * thud
            for begin, level in ((0.0, 1.0), (rng.uniform(0.09, 0.14), rng.uniform(0.3, 0.6))):
                for _ in range(grains):
                    spread = rng.uniform(0, 0.09) if grains > 1 else 0.0
                    knock = burst(rng, rate, low * rng.uniform(0.8, 1.2), high, decay * rng.uniform(0.7, 1.3))
                    first = round((begin + spread) * rate)
                    knock = knock[: max(len(step) - first, 0)]
                    step[first : first + len(knock)] += level * rng.uniform(0.3, 1) / grains**0.5 * knock
            yield int(at), step * rng.uniform(0.7, 1)
            at += rate / self.settings.pace_hz * rng.normal(1, 0.03)


class VentilationSettings(PlayedSettings):
    """The fan."""

    tone_db: float = Field(-12.0, ge=-40, le=6, description="tones of blades and motor, against the noise of the air")


class Ventilation(Played[VentilationSettings]):
    """Air conditioning or a vacuum cleaner: dull noise of air with the tones of an induction motor that slips."""

    def events(self, rate: int, channels: int, rng: np.random.Generator) -> Iterator[Event]:
        """From the start on."""
        air, fan = rng.spawn(2)
        corner = log_uniform(rng, 200, 1200)
        turns_hz = float(rng.choice([25.0, 30.0, 50.0, 60.0])) * (1 - rng.uniform(0.03, 0.08))
        blades = int(rng.integers(3, 9))

        def shape(_: float, f: Values) -> Values:
            return np.asarray((f > 25) / (1 + (f / corner) ** 1.2) / np.maximum(f / 100, 1) ** 0.2)

        width = np.sqrt(corner / rate * 2)
        return _together(
            noise(air, rate, channels, shape), self._tones(rate, channels, turns_hz, blades, float(width), fan)
        )

    def _tones(
        self, rate: int, channels: int, turns_hz: float, blades: int, level: float, rng: np.random.Generator
    ) -> Iterator[Event]:
        """Shaft and blade passing frequency with harmonics; the speed wanders a little with the load."""
        orders = np.array([1, 2, blades, 2 * blades, 3 * blades])
        levels = np.array([0.3, 0.2, 1, 0.4, 0.2]) * level * 10 ** (self.settings.tone_db / 20)
        kept = orders * turns_hz < 0.45 * rate
        phases, period = rng.uniform(0, 2 * np.pi, int(kept.sum())), rng.uniform(5, 20)

        def second(first: int) -> Values:
            t = (first + np.arange(rate)) / rate
            turns = turns_hz * (t + 0.002 * period / (2 * np.pi) * np.sin(2 * np.pi * t / period))
            return np.asarray(
                levels[kept] @ np.sin(2 * np.pi * np.multiply.outer(orders[kept], turns) + phases[:, None])
            )

        first = 0
        while True:
            yield first, np.broadcast_to(second(first).astype(np.float32), (channels, rate))
            first += rate


class TelephoneSettings(SoundSettings):
    """Which network."""

    codec: Literal["pcm_mulaw", "pcm_alaw"] = Field("pcm_mulaw", description="law of ITU-T G.711")


class TelephoneVoice(SoundEffect[TelephoneSettings]):
    """The programme as an interview over the telephone: 300 to 3400 Hz, G.711 at its full 64 kb/s."""

    defect = None

    LOW_HZ, FADE_S = 300.0, 0.05

    def __init__(self, settings: TelephoneSettings, scene: Scene) -> None:
        super().__init__(settings, scene)
        self.lines = {
            (track, row): Mixer(1, in_sequence(self._line(blocks, scene.media.audio[track].rate)))
            for track in self.tracks
            for row, blocks in channels_inside(scene, track, [*range(len(scene.media.audio[track].channels))]).items()
        }

    def _line(self, blocks: Iterator[Pcm], rate: int) -> Iterator[Pcm]:
        """A channel on the line; the resampler to 8 kHz is the upper band limit."""
        filters = [OnePole(rate, self.LOW_HZ * 0.64, np.zeros(1)) for _ in range(2)]
        return recoded((_without_low(b, filters) for b in blocks), rate, self.settings.codec, 64_000)

    def change(self, part: Sound) -> Pcm:
        """Fades to the line and back."""
        self.mark(part)
        count = part.samples.shape[1]
        line = np.concatenate([self.lines[part.track, row].take(count) for row in range(len(part.samples))])
        weight = faded(part, self.scene, self.FADE_S)
        return np.asarray(part.samples * (1 - weight) + line * weight)


def _without_low(block: Pcm, filters: list[OnePole]) -> Pcm:
    """A high pass of as many poles; two at 0.64 of a frequency are 3 dB down there."""
    high: Values = block.astype(np.float64)
    for each in filters:
        high = high - each.low(high)
    return high.astype(np.float32)


_AUDIO = frozenset({"audio"})
_PLAYED_S = (3, 8)
INJECTORS = (
    Injector("applause", "people clap", ApplauseSettings, _AUDIO, Applause, _PLAYED_S, ("hiss", "clicks")),
    Injector("rain", "rain, far and near drops", RainSettings, _AUDIO, Rain, _PLAYED_S, ("hiss", "clicks")),
    Injector("surf", "waves break on a beach", SurfSettings, _AUDIO, Surf, _PLAYED_S, ("hiss",)),
    Injector("footsteps", "someone walks", FootstepSettings, _AUDIO, Footsteps, _PLAYED_S, ("clicks",)),
    Injector("ventilation", "a fan and its air", VentilationSettings, _AUDIO, Ventilation, _PLAYED_S, ("hiss", "hum")),
    Injector(
        "telephone_voice",
        "the programme over the telephone",
        TelephoneSettings,
        _AUDIO,
        TelephoneVoice,
        _PLAYED_S,
        ("distortion", "hiss"),
    ),
)
