"""Dropout: holes to the sample in any channel, and the many natural gaps that are none."""

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


def with_hole(start: int, length: int, channels=slice(None), rate: int = RATE, seconds: float = 3) -> np.ndarray:
    samples = noise(seconds, rate)
    samples[channels, start : start + length] = 0
    return samples


@settings(max_examples=25, deadline=None)
@given(
    length_ms=st.floats(2.1, 499), start_s=st.floats(0.1, 1.5), rate=st.sampled_from([16_000, 44_100, 48_000, 96_000])
)
def test_finds_a_hole_of_any_length_to_the_sample(length_ms, start_s, rate):
    start, length = round(start_s * rate), round(length_ms * rate / 1000)
    samples = with_hole(start, length, 1, rate)
    samples[1, [start - 1, start + length]] = 0.1
    (hole,) = defects("dropout", samples, rate)
    assert (hole.span.start, hole.span.end) == (Fraction(start, rate), Fraction(start + length, rate))
    assert hole.measurements["channel"] == 1
    assert hole.measurements["channels"] == 1
    assert hole.measurements["length_ms"] == pytest.approx(length * 1000 / rate, abs=0.01)


@pytest.mark.parametrize(("length_ms", "found"), [(1.5, 0), (3, 1), (495, 1), (510, 0), (1500, 0)])
def test_shorter_and_longer_is_not_a_dropout(length_ms, found):
    samples = with_hole(30_000, round(length_ms * 48))
    assert len(defects("dropout", samples)) == found


@pytest.mark.parametrize(("length_ms", "severity"), [(5, Severity.WARNING), (150, Severity.ERROR)])
def test_severity_grows_with_length(length_ms, severity):
    events = events_of("dropout", audio_chunks(with_hole(30_000, length_ms * 48)))
    assert [e.severity for e in events] == [severity]


def test_a_hole_in_both_channels_is_one_detection():
    (hole,) = defects("dropout", with_hole(30_000, 2_000))
    assert hole.measurements["channels"] == 2
    assert hole.measurements["depth_db"] > 100


def test_two_holes_are_two_detections():
    samples = with_hole(30_000, 500, 0)
    samples[1, 40_000:41_000] = 0
    assert [d.measurements["channel"] for d in defects("dropout", samples)] == [0, 1]


def test_hole_filled_with_codec_noise_is_found():
    samples = with_hole(30_000, 4_800)
    samples[:, 30_000:34_800] = noise(0.1, level=10 ** (-66 / 20))
    (hole,) = defects("dropout", samples)
    assert abs(float(hole.span.start) * RATE - 30_000) < 48
    assert hole.measurements["level_dbfs"] > -60


def test_constant_offset_does_not_hide_a_hole():
    samples = 0.3 + noise(3, level=0.02)
    samples[:, 30_000:31_000] = 0
    assert len(defects("dropout", samples)) == 1


def test_hole_with_a_fringe_of_codec_noise_is_found():
    samples = with_hole(30_000, 4_800)
    for at in (30_000, 34_560):
        samples[:, at : at + 240] = noise(0.005, level=10 ** (-50 / 20))
    (hole,) = defects("dropout", samples)
    assert abs(float(hole.span.duration) * 1000 - 100) < 2
    assert hole.measurements["level_dbfs"] == -144


def test_detections_tile_the_stream():
    found = detect(make_detector("dropout"), audio_chunks(with_hole(50_001, 700)))
    assert_tiles(found, Span(0, Fraction(0), Fraction(3)))
    assert_scores_fit_verdicts(found)


@settings(max_examples=25, deadline=None)
@given(CHUNK_LENGTHS)
def test_result_does_not_depend_on_chunks(lengths):
    samples = with_hole(20_000, 300, 0)
    samples[1, 20_200:36_000] = 0
    samples[:, 60_000:61_000] = 1e-5
    samples[:, 80_000:120_000] = 0
    samples[:, 143_000:143_500] = 0
    assert len(defects("dropout", samples)) == 3
    assert_cutting_does_not_matter("dropout", samples, lengths)


def notes(ramp_ms: float, gap_ms: float = 60) -> np.ndarray:
    """A tone keyed on and off with linear ramps and digital silence between, as a sequencer plays it."""
    t = np.arange(4 * RATE) / RATE
    period = 0.12 + gap_ms / 1000
    on = np.minimum(t % period, 0.12 - t % period) / (ramp_ms / 1000)
    return (0.5 * np.sin(2 * np.pi * 330 * t) * np.clip(on, 0, 1)).astype(np.float32)


def decaying_bursts() -> np.ndarray:
    """Percussion: hard attacks that die away, nothing between."""
    t = np.arange(4 * RATE) / RATE % 0.3
    return (noise(4)[0] * np.exp(-t / 0.012) * (t < 0.15)).astype(np.float32)


def gated_speech() -> np.ndarray:
    """Noise bursts through a gate that opens at once and closes over 40 ms."""
    t = np.arange(4 * RATE) / RATE % 0.4
    return (noise(4)[0] * np.clip((0.25 - t) / 0.04, 0, 1)).astype(np.float32)


def low_note() -> np.ndarray:
    t = np.arange(4 * RATE) / RATE
    return (0.004 * np.sin(2 * np.pi * 25 * t)).astype(np.float32)


def faint_8_bit() -> np.ndarray:
    """Below two steps of 8-bit PCM: zeros with single steps between."""
    t = np.arange(4 * RATE) / RATE
    return (np.round(1.6 * np.sin(2 * np.pi * 100 * t) * np.sin(2 * np.pi * 3 * t)) / 128).astype(np.float32)


@pytest.mark.parametrize(
    "signal",
    [notes(5, 150), notes(5), notes(10), decaying_bursts(), gated_speech(), low_note(), faint_8_bit()],
    ids=["slow notes", "5 ms ramps", "10 ms ramps", "percussion", "gated speech", "low note", "faint 8 bit"],
)
def test_natural_gaps_are_not_dropouts(signal):
    assert defects("dropout", signal) == []


def test_missing_samples_are_not_bridged():
    samples = noise(1)
    samples[:, -300:] = 0
    after = noise(1, seed=2)
    after[:, :300] = 0
    units = audio_chunks(samples) + audio_chunks(after, start=Fraction(1))
    assert all(d.verdict.value == "ok" for d in detect(make_detector("dropout"), units))


def test_hole_just_before_the_end_is_judged():
    assert len(defects("dropout", with_hole(3 * RATE - 700, 400))) == 1
