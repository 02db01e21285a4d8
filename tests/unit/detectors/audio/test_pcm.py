"""What all PCM detectors have in common."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from glasswatch.core.needs import AudioNeed
from glasswatch.core.time import Instant
from glasswatch.detectors.audio.pcm import PcmDetector, SampleClock, dbfs, linear, runs_of
from glasswatch.detectors.registry import registered
from tests.support import audio_chunks, detect, make_detector
from tests.unit.detectors.audio.pcm_cases import noise

PCM_DETECTORS = [name for name, cls in registered().items() if issubclass(cls, PcmDetector)]


@pytest.mark.parametrize("name", PCM_DETECTORS)
def test_damaged_samples_do_not_poison_what_follows(name):
    samples = noise(6)
    samples[:, 50_000:50_010] = [[np.nan], [np.inf]]
    found = detect(make_detector(name), audio_chunks(samples))
    numbers = [value for d in found for value in (d.score, *d.measurements.values())]
    assert np.isfinite(numbers).all()


@pytest.mark.parametrize("name", PCM_DETECTORS)
def test_needs_audio_and_names_every_measurement(name):
    samples = noise(9)
    samples[0, 100_000:101_000] = 1
    samples[:, 200_000:260_000] = 0
    detector = make_detector(name)
    assert detector.spec.needs == (AudioNeed(),)
    assert {m for d in detect(detector, audio_chunks(samples)) for m in d.measurements} <= set(
        detector.spec.measurements
    )


@pytest.mark.parametrize("name", PCM_DETECTORS)
def test_another_rate_or_layout_is_another_stretch(name):
    units = audio_chunks(noise(2)) + audio_chunks(noise(2, 44_100, channels=1), 44_100, start=Fraction(2))
    found = detect(make_detector(name), units)
    assert max(d.span.end for d in found) == 4


@pytest.mark.parametrize("name", PCM_DETECTORS)
def test_nothing_to_say_of_nothing(name):
    assert list(make_detector(name).flush(Instant(0, Fraction(0)))) == []


def test_clock_tells_a_break():
    first, second = audio_chunks(noise(1))
    clock = SampleClock(first.epoch, first.start, first.rate, first.channels, len(first))
    assert clock.goes_on_with(second)
    (late,) = audio_chunks(noise(0.5), start=Fraction(3))
    assert not clock.goes_on_with(late)


def test_runs():
    flags = np.array([True, True, False, True])
    assert list(runs_of(flags)) == [(0, 2, True), (2, 3, False), (3, 4, True)]
    assert list(runs_of(flags, 2)) == [(2, 3, False), (3, 4, True)]
    assert list(runs_of(flags, 4)) == []


def test_decibels():
    assert dbfs(0.5) == pytest.approx(-6.02)
    assert dbfs(0.0) == -144
    assert linear(-20) == pytest.approx(0.1)
