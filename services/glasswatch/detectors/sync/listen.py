"""The sound of one track as the lip sync model is told of it, for as long as it is needed."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from glasswatch.core.media import AudioChunk
from glasswatch.detectors.sync import speech
from glasswatch.detectors.sync.features import BANDS, SOUND_STEPS, STEP_RATE, WINDOW_S, Floats, band_powers, levelled

HALF_STEP = Fraction(1, 2 * STEP_RATE)
WINDOW = Fraction(WINDOW_S).limit_denominator(1000)

TIE_S = 1e-9
"""Windows that begin between two samples begin with the later one, however the sound was cut into chunks."""

LONGEST_GAP_S = Fraction(4)
"""Missing sound is taken as silent up to this; behind a longer gap all begins anew."""


@dataclass(slots=True)
class Listening:
    """One track of sound.

    Attributes:
        label: As in detections.
        rate: Samples per second.
        start: When the first of `samples` is heard, in seconds.
        samples: Mean of the channels, of what is not in `powers` yet.
        first: Number of the first step in `powers`; step n is at n / STEP_RATE seconds.
        powers: As of `features.band_powers`.
        voice: For `speech.share`, int16.
        voice_start: When its first sample is heard, in seconds.
    """

    label: str | None = None
    rate: int = 0
    start: Fraction = Fraction(0)
    samples: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    first: int = 0
    powers: np.ndarray = field(default_factory=lambda: np.zeros((0, BANDS), np.float32))
    voice: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int16))
    voice_start: Fraction = Fraction(0)

    @property
    def end(self) -> int:
        """Number of the step after the last that is known."""
        return self.first + len(self.powers) // SOUND_STEPS

    @property
    def heard_s(self) -> Fraction:
        """Where the sound ends so far, in seconds."""
        return self.start + Fraction(len(self.samples), self.rate or 1)

    def add(self, chunk: AudioChunk) -> None:
        """Take the next chunk of the track."""
        if chunk.rate != self.rate or not -LONGEST_GAP_S < chunk.start - self.heard_s < LONGEST_GAP_S:
            self.label, self.rate, self.start = chunk.label, chunk.rate, chunk.start
            self.samples = np.zeros(0, np.float32)
            # The first step all of whose columns lie in the sound.
            self.first = -int(-(chunk.start + HALF_STEP + WINDOW / 2) * STEP_RATE // 1)
            self.powers = np.zeros((0, BANDS), np.float32)
            self.voice, self.voice_start = (
                np.zeros(0, np.int16),
                chunk.start + Fraction(speech.reach(chunk.rate), chunk.rate),
            )
        mono = chunk.samples.mean(axis=0, dtype=np.float32)
        missing = round((chunk.start - self.heard_s) * self.rate)
        before = np.zeros(max(missing, 0), np.float32)
        self.samples = np.concatenate([self.samples, before, mono[max(-missing, 0) :]])
        until = int((self.heard_s - HALF_STEP - WINDOW / 2) * STEP_RATE // 1)
        if until >= self.end:
            self._compute(until)

    def _compute(self, last: int) -> None:
        """Go on with `powers` and `voice` to a step, and forget the samples before those that the next one needs."""
        times = np.array([float(Fraction(n, STEP_RATE) - self.start) for n in range(self.end, last + 1)])
        self.powers = np.concatenate([self.powers, band_powers(self.samples, self.rate, 0.0, times + TIE_S)])
        voice_end = self.voice_start + Fraction(len(self.voice), speech.RATE)
        around = Fraction(speech.reach(self.rate) + 1, self.rate)
        count = max(int((self.heard_s - around - voice_end) * speech.RATE), 0)
        place = (voice_end - self.start) * self.rate
        self.voice = np.concatenate([self.voice, speech.resampled(self.samples, self.rate, place, count)])
        voice_end += Fraction(count, speech.RATE)
        needed = min(Fraction(self.end, STEP_RATE) - HALF_STEP - WINDOW, voice_end - around)
        spare = max(int((needed - self.start) * self.rate), 0)
        self.samples = self.samples[spare:]
        self.start += Fraction(spare, self.rate)

    def forget(self, before: int) -> None:
        """Drop what lies before a step."""
        spare = min(max(before - self.first, 0), self.end - self.first)
        self.powers = self.powers[SOUND_STEPS * spare :].copy()
        self.first += spare
        spare = min(max(int((Fraction(before, STEP_RATE) - self.voice_start) * speech.RATE), 0), len(self.voice))
        self.voice = self.voice[spare:].copy()
        self.voice_start += Fraction(spare, speech.RATE)

    def voiced(self, start: Fraction, end: Fraction) -> npt.NDArray[np.int16]:
        """What is known of the voice from `start` to `end`, for `speech.share`."""
        first, last = (max(int((time - self.voice_start) * speech.RATE), 0) for time in (start, end))
        return np.asarray(self.voice[first:last], np.int16)

    def between(self, first: int, end: int) -> Floats:
        """Powers of the steps from `first` to the one before `end`; what is not known is silent."""
        known = np.zeros((SOUND_STEPS * (end - first), BANDS), np.float32)
        start, stop = max(first, self.first), min(end, self.end)
        if start < stop:
            powers = self.powers[SOUND_STEPS * (start - self.first) : SOUND_STEPS * (stop - self.first)]
            known[SOUND_STEPS * (start - first) : SOUND_STEPS * (stop - first)] = powers
        return known

    def sound(self, first: int, end: int) -> Floats:
        """What the model is given of these steps, see `features.sound`."""
        return levelled(self.between(first, end))
