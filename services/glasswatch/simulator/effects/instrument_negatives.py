"""Instruments whose own sound resembles a defect of sound, made from models of their physics."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from pydantic import Field

from glasswatch.simulator.effects.played import Played, PlayedSettings, in_room
from glasswatch.simulator.injector import Injector
from glasswatch.simulator.media import amplitude
from glasswatch.simulator.synthesis import Event, Values, at_peak, burst, log_uniform, modes, panned

# The amplifier is computed at this rate or more: what saturation makes above half the track's rate must not fold back.
AMPLIFIER_HZ = 160_000


class GuitarSettings(PlayedSettings):
    """How the amplifier is set."""

    drive_db: float = Field(24.0, ge=0, le=48, description="gain into the saturating stage; from about 12 it growls")


class ElectricGuitar(Played[GuitarSettings]):
    """Plucked strings (Karplus and Strong 1983, at an oversampled rate), a saturating tube stage and a loudspeaker."""

    SCALE = (0, 3, 5, 7, 10, 12)
    LOWEST_HZ = 82.41

    def events(self, rate: int, channels: int, rng: np.random.Generator) -> Iterator[Event]:
        """Power chords and single notes of the minor pentatonic scale, one after the other."""
        at = 0
        while True:
            root = self.LOWEST_HZ * 2 ** (rng.choice(self.SCALE) / 12)
            chord = (1.0, 1.5, 2.0) if rng.random() < 0.6 else (float(rng.choice([1.0, 2.0, 3.0])),)
            length_s = float(rng.choice([0.25, 0.5, 1.0, 1.8]))
            yield at, panned(self._chord(rate, [root * c for c in chord], length_s, rng), channels, rng)
            at += round(length_s * rate)

    def _chord(self, rate: int, pitches_hz: list[float], length_s: float, rng: np.random.Generator) -> Values:
        over = -(-AMPLIFIER_HZ // rate)
        count = round(length_s * rate)
        strings = np.zeros(count * over)
        for pitch in pitches_hz:
            strings += _plucked(rate * over, pitch, len(strings), over, rng)
        drive, bias = float(amplitude(self.settings.drive_db)), 0.3
        # The bias makes the two half waves differ, as those of a single-ended stage do: even and odd harmonics.
        driven = np.tanh(drive * strings / len(pitches_hz) + bias) - np.tanh(bias)
        padded = count + rate // 20
        spectrum = np.fft.rfft(driven, padded * over)[: padded // 2 + 1]
        f = np.maximum(np.fft.rfftfreq(padded, 1 / rate), 1)
        # A 12-inch loudspeaker: from 80 Hz to 5 kHz, steep above.
        spectrum *= (f > 20) / (1 + (80 / f) ** 2) / (1 + (f / 5000) ** 4)
        # The plectrum lets go within 2 ms, and the hand mutes within 20: no note begins or ends with a click.
        t = np.arange(count) / rate
        envelope = np.clip(t / 0.002, 0, 1) * np.clip((length_s - t) / 0.02, 0, 1)
        return at_peak(np.fft.irfft(spectrum, padded)[:count] * envelope)


def _plucked(rate: int, pitch_hz: float, count: int, spread: int, rng: np.random.Generator) -> Values:
    """A string by its delay loop; `spread` samples apart the loop averages, and so damps its treble.

    The loop starts with the force of a plectrum at a ninth to a quarter of the string and some noise of its scraping.
    """
    period = round(rate / pitch_hz - spread / 2)
    place = rng.uniform(0.11, 0.25)
    cycle = np.where(np.arange(period + spread) < place * period, 1.0, -place / (1 - place))
    cycle = cycle + 0.1 * rng.standard_normal(period + spread).cumsum() / np.sqrt(period)
    string = np.concatenate([cycle - cycle.mean(), np.zeros(count)])
    keep = 10 ** (-3 / (pitch_hz * rng.uniform(3, 6)))
    first = period + spread
    while first < len(string):
        last = min(first + period, len(string))
        string[first:last] = (
            keep
            / 2
            * (string[first - period : last - period] + string[first - period - spread : last - period - spread])
        )
        first += period
    return string[period + spread :]


class BassSettings(PlayedSettings):
    """What is played."""

    note_hz: float | None = Field(
        None, ge=30, le=130, description="every note; notes around 50 and 60 Hz are drawn unless told"
    )
    note_s: float = Field(0.5, ge=0.1, le=4, description="length of the longest notes")


class SynthBass(Played[BassSettings]):
    """An analogue bass: sine, square or saw, a filter that closes over each note, an attack and a decay."""

    # G1 to C2 by semitones (A4 = 440 Hz), and the mains themselves, which untuned electronic music uses too.
    NOTES_HZ = (48.999, 50.0, 51.913, 55.0, 58.270, 60.0, 61.735, 65.406, 97.999, 100.0, 116.541, 120.0)

    def events(self, rate: int, channels: int, rng: np.random.Generator) -> Iterator[Event]:
        """A bar of notes and rests, over and over."""
        wave = int(rng.integers(3))
        fixed = self.settings.note_hz
        pitches = rng.choice(self.NOTES_HZ, 4) if fixed is None else np.full(4, fixed)
        bar = [
            (float(pitches[rng.integers(4)]), self.settings.note_s * float(rng.choice([0.25, 0.5, 1.0])))
            for _ in range(8)
        ]
        at = 0
        while True:
            for pitch, length_s in bar:
                note = self._note(rate, pitch, length_s, wave, rng).astype(np.float32)
                yield at, np.broadcast_to(note, (channels, len(note)))
                at += round(length_s * rate) + int(rng.choice([0, 0, 1]) * length_s / 2 * rate)

    @staticmethod
    def _note(rate: int, pitch_hz: float, length_s: float, wave: int, rng: np.random.Generator) -> Values:
        t = np.arange(round(length_s * rate)) / rate
        n = np.arange(1, min(int(0.45 * rate / pitch_hz), 40) + 1)
        levels = ((n == 1) + 0.1 * (n == 2), (n % 2) / n, 1 / n)[wave]
        opening = log_uniform(rng, 6, 20)
        # Each harmonic fades as the filter closes on it.
        closing = np.exp(-np.multiply.outer(n / opening, 1 + 4 * t / length_s))
        note = (levels[:, None] * closing * np.sin(2 * np.pi * np.multiply.outer(n * pitch_hz, t))).sum(axis=0)
        edges = np.minimum(np.clip(t / 0.006, 0, 1), np.clip((length_s - t) / 0.03, 0, 1))
        return at_peak(note * edges * np.exp(-t / length_s), float(rng.uniform(0.7, 1)))


class CymbalSettings(PlayedSettings):
    """The rhythm."""

    beat_s: float = Field(0.25, ge=0.1, le=2, description="from stroke to stroke")


class Cymbals(Played[CymbalSettings]):
    """Hi-hat, ride and crash: so many modes that they are noise, the higher the sooner gone."""

    # Decay at 1 kHz in s, lowest frequency in Hz, loudness; closed and open hi-hat, ride, crash.
    KINDS = ((0.05, 3000, 0.6), (0.35, 2500, 0.7), (0.9, 900, 0.6), (1.3, 350, 1.0))

    def events(self, rate: int, channels: int, rng: np.random.Generator) -> Iterator[Event]:
        """Closed hi-hats mostly, others among them."""
        made = [_cymbal(rate, decay_s, lowest_hz, rng) * level for decay_s, lowest_hz, level in self.KINDS]
        at = 0
        while True:
            kind = 3 if at == 0 else int(rng.choice(4, p=[0.6, 0.15, 0.17, 0.08]))
            stroke = made[kind] * rng.uniform(0.5, 1)
            yield at, panned(stroke, channels, rng)
            at += round(self.settings.beat_s * rate * float(rng.choice([0.5, 1, 1, 1])) * rng.normal(1, 0.01))


def _cymbal(rate: int, decay_s: float, lowest_hz: float, rng: np.random.Generator) -> Values:
    """A stroke: noise in four bands, each with its own decay, and a few modes that stand out."""
    count = round(4 * decay_s * rate)
    size = 1 << (count - 1).bit_length()
    t = np.arange(count) / rate
    f = np.maximum(np.fft.rfftfreq(size, 1 / rate), 1)
    spectrum = np.fft.rfft(rng.standard_normal(size)) / (1 + (lowest_hz / f) ** 4) / (1 + (f / 15000) ** 4)
    for mode in log_uniform(rng, lowest_hz, 6000, 12):
        spectrum *= 1 + 8 / (1 + (f - mode) ** 2)
    out = np.zeros(count)
    for centre in (500.0, 1800.0, 6000.0, 16000.0):
        band = np.exp(-(np.log2(f / centre) ** 2))
        # Energy climbs from the low modes to the high ones within some milliseconds of the stroke.
        rise = 1 - np.exp(-t / (0.0005 + 0.004 * min(centre / 8000, 1) * min(decay_s, 1)))
        decay = np.exp(-t / (decay_s * (1000 / centre) ** 0.35))
        out += np.fft.irfft(spectrum * band, size)[:count] * decay * rise
    return at_peak(out) * np.clip((count - np.arange(count)) / (0.02 * rate), 0, 1)


class CastanetSettings(PlayedSettings):
    """The rhythm."""

    beat_s: float = Field(0.22, ge=0.05, le=2, description="from stroke to stroke; rolls are faster")


class Castanets(Played[CastanetSettings]):
    """Pairs of wooden shells: short, bright knocks in a room."""

    def events(self, rate: int, channels: int, rng: np.random.Generator) -> Iterator[Event]:
        """Strokes and rolls."""
        return in_room(self._strokes(rate, rng), rate, channels, rng, t60_s=0.25, direct=1.0)

    def _strokes(self, rate: int, rng: np.random.Generator) -> Iterator[tuple[int, Values]]:
        at = 0.0
        lowest = log_uniform(rng, 900, 1500)
        while True:
            roll = int(rng.choice([1, 1, 1, 2, 4, 6]))
            for _ in range(roll):
                partials = lowest * np.array([1, 1.46, 2.1, 2.9, 4.3]) * rng.normal(1, 0.03, 5)
                wood = modes(
                    rate, partials, 0.006 * np.array([1, 0.7, 0.6, 0.5, 0.45]), np.array([1, 0.9, 0.6, 0.5, 0.3]), rng
                )
                knock = burst(rng, rate, 1500, 9000, 0.0012)
                wood[: len(knock)] += 0.8 * knock[: len(wood)]
                yield int(at), at_peak(wood, float(rng.uniform(0.4, 1)))
                at += rate * (self.settings.beat_s if roll == 1 else 0.065) * rng.normal(1, 0.04)


class GlockenspielSettings(PlayedSettings):
    """The rhythm."""

    beat_s: float = Field(0.3, ge=0.08, le=2, description="from note to note")


class Glockenspiel(Played[GlockenspielSettings]):
    """Steel bars, struck by hard mallets: the bending modes of a free bar (Fletcher and Rossing 1998)."""

    RATIOS = np.array([1, 2.756, 5.404, 8.933])

    def events(self, rate: int, channels: int, rng: np.random.Generator) -> Iterator[Event]:
        """Notes of a major scale from G5 on."""
        scale = np.array([0, 2, 4, 5, 7, 9, 11, 12, 14, 16, 17, 19])
        at = 0.0
        while True:
            pitch = 783.99 * 2 ** (rng.choice(scale) / 12)
            decays = rng.uniform(0.6, 1.2) * np.array([1, 0.5, 0.2, 0.1]) * (1500 / pitch) ** 0.5
            bar = modes(rate, pitch * self.RATIOS, decays, np.array([1, 0.45, 0.3, 0.2]), rng)
            mallet = burst(rng, rate, 2000, 9000, 0.0015)
            bar[: len(mallet)] += 0.35 * mallet[: len(bar)]
            yield int(at), panned(at_peak(bar, float(rng.uniform(0.4, 1))), channels, rng)
            at += rate * self.settings.beat_s * float(rng.choice([0.5, 1, 1, 2]))


_AUDIO = frozenset({"audio"})
_PLAYED_S = (3, 8)
INJECTORS = (
    Injector(
        "electric_guitar",
        "a guitar through a saturated amplifier",
        GuitarSettings,
        _AUDIO,
        ElectricGuitar,
        _PLAYED_S,
        ("distortion", "hum"),
    ),
    Injector("synth_bass", "bass notes at and around the mains", BassSettings, _AUDIO, SynthBass, _PLAYED_S, ("hum",)),
    Injector("cymbals", "hi-hat, ride and crash", CymbalSettings, _AUDIO, Cymbals, _PLAYED_S, ("hiss", "clicks")),
    Injector("castanets", "wooden knocks", CastanetSettings, _AUDIO, Castanets, _PLAYED_S, ("clicks",)),
    Injector("glockenspiel", "steel bars", GlockenspielSettings, _AUDIO, Glockenspiel, _PLAYED_S, ("clicks",)),
)
