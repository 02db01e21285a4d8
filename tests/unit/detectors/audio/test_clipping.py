"""Clipping: runs at full scale by their density, true peaks by ITU-R BS.1770-4."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings

from glasswatch.core.detection import Severity
from glasswatch.core.time import Span
from tests.support import audio_chunks, detect, events_of, make_detector
from tests.unit.detectors.audio.pcm_cases import (
    CHUNK_LENGTHS,
    assert_cutting_does_not_matter,
    assert_scores_fit_verdicts,
    assert_tiles,
    defects,
    noise,
)

RATE = 48_000


def of_kind(kind: str, samples: np.ndarray, rate: int = RATE, **params: float):
    return [d for d in defects("clipping", samples, rate, **params) if d.kind == kind]


def clipped_music(gain: float, start: int, end: int) -> np.ndarray:
    """Noise that is driven into full scale for a while, as 16-bit PCM."""
    samples = noise(5, level=0.1)
    samples[:, start:end] = np.clip(samples[:, start:end] * gain, -1, 32767 / 32768)
    return (np.round(samples * 32768) / 32768).astype(np.float32)


@pytest.mark.parametrize("bits", [16, 24, 32])
@pytest.mark.parametrize("sign", [1, -1])
def test_three_samples_at_full_scale_are_a_clipped_peak(bits, sign):
    samples = noise(3, level=0.05)
    top = 1.0 if bits == 32 or sign < 0 else (2 ** (bits - 1) - 1) / 2 ** (bits - 1)
    samples[1, 60_000:60_003] = sign * top
    (found,) = of_kind("full_scale", samples)
    assert (found.span.start, found.span.end) == (Fraction(60_000, RATE), Fraction(60_003, RATE))
    assert found.measurements["channel"] == 1
    assert found.ceiling is Severity.INFO


def test_two_samples_at_full_scale_are_none():
    samples = noise(3, level=0.05)
    samples[:, 60_000:60_002] = 1
    assert of_kind("full_scale", samples) == []


def test_a_run_across_two_seconds_counts():
    samples = noise(3, level=0.05)
    samples[0, RATE - 1 : RATE + 2] = 1
    found = of_kind("full_scale", samples)
    assert [(d.span.start * RATE, d.span.end * RATE) for d in found] == [(RATE - 1, RATE), (RATE, RATE + 2)]


@pytest.mark.parametrize(("gain", "severity"), [(5.0, Severity.INFO), (9.0, Severity.WARNING), (12.0, Severity.ERROR)])
def test_severity_grows_with_density(gain, severity):
    events = [
        e for e in events_of("clipping", audio_chunks(clipped_music(gain, 0, 5 * RATE))) if e.kind == "full_scale"
    ]
    assert max(e.severity for e in events) == severity


def test_event_spans_what_was_clipped():
    (event,) = [
        e for e in events_of("clipping", audio_chunks(clipped_music(12.0, 50_000, 150_000))) if e.kind == "full_scale"
    ]
    assert abs(event.span.start - Fraction(50_000, RATE)) < 0.02
    assert abs(event.span.end - Fraction(150_000, RATE)) < 0.02


def test_true_peak_between_samples_is_seen():
    # A quarter of the sampling rate at 45 degrees: samples at -3 dB of the peak (BS.1770-4 Annex 2).
    n = np.arange(2 * RATE)
    samples = (0.99 * np.sin(np.pi / 2 * n + np.pi / 4)).astype(np.float32)
    for found in of_kind("true_peak", samples):
        # The first samples also carry the step from nothing.
        if found.span.start >= 1:
            assert found.measurements["true_peak_dbtp"] == pytest.approx(20 * np.log10(0.99), abs=0.2)
        assert found.measurements["sample_peak_dbfs"] == pytest.approx(20 * np.log10(0.7), abs=0.01)


@pytest.mark.parametrize(("peak_dbtp", "found"), [(-0.7, True), (-1.3, False)])
def test_true_peak_maximum(peak_dbtp, found):
    n = np.arange(2 * RATE)
    tone = (10 ** (peak_dbtp / 20) * np.sin(2 * np.pi * 997 * n / RATE)).astype(np.float32)
    assert bool(of_kind("true_peak", tone)) is found


@pytest.mark.parametrize(
    ("peak", "limit", "severity"),
    [
        (0.95, None, Severity.INFO),
        (1.2, None, Severity.INFO),
        (0.95, -1, Severity.WARNING),
        (1.2, -1, Severity.WARNING),
    ],
)
def test_true_peak_is_never_an_error_and_a_warning_only_where_a_limit_is_asked_for(peak, limit, severity):
    n = np.arange(5 * RATE)
    tone = (peak * np.sin(2 * np.pi * 300 * n / RATE)).astype(np.float32)
    found = events_of("clipping", audio_chunks(tone), true_peak_warning_dbtp=limit)
    events = [e for e in found if e.kind == "true_peak"]
    assert [e.severity for e in events] == [severity]


def test_clean_sound_is_one_detection_a_second():
    found = detect(make_detector("clipping"), audio_chunks(noise(4.5)))
    assert_tiles(found, Span(0, Fraction(0), Fraction(9, 2)))
    assert [d.kind for d in found] == [None] * 5


def test_each_kind_tiles_the_time():
    found = detect(make_detector("clipping"), audio_chunks(clipped_music(12.0, 0, 5 * RATE)))
    assert_scores_fit_verdicts(found)
    for kind in ("full_scale", "true_peak"):
        assert_tiles([d for d in found if d.kind in {kind, None}], Span(0, Fraction(0), Fraction(5)))


@settings(max_examples=15, deadline=None)
@given(CHUNK_LENGTHS)
def test_result_does_not_depend_on_chunks(lengths):
    samples = clipped_music(6.0, 40_000, 60_000)[:, : 3 * RATE + 77]
    samples[0, RATE - 1 : RATE + 2] = 1
    samples[0, -3:] = -1
    assert_cutting_does_not_matter("clipping", samples, lengths)


def test_low_rates_and_surround():
    samples = noise(2, 8_000, channels=6)
    samples[5, 9_000:9_010] = -1
    names = ("FL", "FR", "FC", "LFE", "BL", "BR")
    found = [d for d in defects("clipping", samples, 8_000, channels=names) if d.kind == "full_scale"]
    assert [d.measurements["channel"] for d in found] == [5]
