"""Phase: inverted pairs with their edges; dual mono and dead channels as information."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
SURROUND = ("FL", "FR", "FC", "LFE", "BL", "BR", "SL", "SR")


def stereo(seconds: float, correlation: float = 0.9, rate: int = RATE, seed: int = 3) -> np.ndarray:
    """Two noises with that correlation at all frequencies."""
    common, left, right = noise(seconds, rate, channels=3, seed=seed)
    share = np.sqrt(correlation)
    return np.array([share * common + np.sqrt(1 - correlation) * own for own in (left, right)], np.float32)


def inverted_between(start_s: float, end_s: float, seconds: float = 8, rate: int = RATE) -> np.ndarray:
    samples = stereo(seconds, rate=rate)
    samples[1, round(start_s * rate) : round(end_s * rate)] *= -1
    return samples


@settings(max_examples=20, deadline=None)
@given(start=st.floats(0.0, 5.0), length=st.floats(0.6, 2.9), rate=st.sampled_from([16_000, 44_100, 48_000]))
def test_edges_of_an_inversion(start, length, rate):
    samples = inverted_between(start, start + length, rate=rate)
    (event,) = events_of("phase", audio_chunks(samples, rate))
    assert event.kind == "inverted"
    # Near the start nothing tells yet how the pair correlates when it is right.
    assert event.severity is (Severity.WARNING if start > 1 else event.severity)
    assert abs(float(event.span.start) - start) < 0.03
    assert abs(float(event.span.end) - start - length) < 0.03


def test_permanent_inversion_is_an_error_to_the_end():
    (event,) = events_of("phase", audio_chunks(inverted_between(0, 8)))
    assert event.severity is Severity.ERROR
    assert event.span == Span(0, Fraction(0), Fraction(8))
    assert event.measurements["correlation"] == pytest.approx(-0.9, abs=0.03)


def test_short_dip_is_no_event():
    assert events_of("phase", audio_chunks(inverted_between(3, 3.2))) == []


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.9])
def test_ordinary_stereo_is_fine(correlation):
    assert defects("phase", stereo(6, correlation)) == []


def test_one_low_note_out_of_phase_under_wide_treble_is_fine():
    samples = stereo(6, 0.1) * 0.3
    tone = 0.2 * np.sin(2 * np.pi * 90 * np.arange(6 * RATE) / RATE).astype(np.float32)
    samples += np.array([tone, -tone])
    assert defects("phase", samples) == []


def test_noise_floor_gives_no_verdict():
    assert defects("phase", inverted_between(0, 8) * 0.01) == []


@pytest.mark.parametrize("pair", [("FL", "FR"), ("BL", "BR"), ("SL", "SR")])
def test_each_pair_of_surround_is_heard(pair):
    samples = np.concatenate([stereo(4, seed=seed) for seed in range(4)])
    samples[2:4] = 0
    samples[SURROUND.index(pair[1])] *= -1
    (event,) = events_of("phase", audio_chunks(samples, channels=SURROUND))
    assert event.kind == "inverted"


def test_dual_mono_is_information():
    samples = noise(5, channels=1).repeat(2, axis=0)
    (event,) = events_of("phase", audio_chunks(samples))
    assert (event.kind, event.severity) == ("dual_mono", Severity.INFO)


@pytest.mark.parametrize("dead", [0, 1])
def test_dead_channel_is_information(dead):
    samples = noise(5)
    samples[dead, RATE : 4 * RATE] = 0
    (event,) = events_of("phase", audio_chunks(samples))
    assert (event.kind, event.severity) == ("dead_channel", Severity.INFO)
    assert event.measurements["channel"] == dead
    assert (event.span.start, event.span.end) == (1, 4)


def test_silent_centre_lfe_and_rear_are_normal():
    samples = np.zeros((8, 4 * RATE), np.float32)
    samples[:2] = stereo(4)
    assert defects("phase", samples, channels=SURROUND) == []


def test_mono_and_silence_are_ok():
    for samples in (noise(3, channels=1), np.zeros((2, 3 * RATE), np.float32)):
        found = detect(make_detector("phase"), audio_chunks(samples))
        assert_tiles(found, Span(0, Fraction(0), Fraction(3)))
        assert {d.kind for d in found} == {None}


def test_each_kind_tiles_the_time():
    samples = inverted_between(1.5, 3.3, seconds=5.33)
    found = detect(make_detector("phase"), audio_chunks(samples))
    assert_scores_fit_verdicts(found)
    assert_tiles([d for d in found if d.kind in {"inverted", None}], Span(0, Fraction(0), Fraction(533, 100)))


@settings(max_examples=15, deadline=None)
@given(CHUNK_LENGTHS)
def test_result_does_not_depend_on_chunks(lengths):
    samples = inverted_between(0.9, 2.2, seconds=3.611)
    samples[0, -RATE:] = 0
    assert_cutting_does_not_matter("phase", samples, lengths)


@pytest.mark.parametrize("seconds", [0.01, 0.3, 0.55])
def test_very_short_streams(seconds):
    found = detect(make_detector("phase"), audio_chunks(stereo(seconds)))
    assert_tiles(found, Span(0, Fraction(0), Fraction(round(seconds * RATE), RATE)))
