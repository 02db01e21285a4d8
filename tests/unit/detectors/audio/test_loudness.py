"""Loudness: the minimum requirements of EBU Tech 3341, the verdict on a programme, jumps."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings

from glasswatch.core.detection import Severity, Verdict
from glasswatch.core.time import Span
from glasswatch.detectors.audio.bs1770 import STATES, k_weighting, weighted_energy
from glasswatch.detectors.audio.loudness import Target, target_of
from tests.support import audio_chunks, detect, events_of, make_detector
from tests.unit.detectors.audio.pcm_cases import (
    CHUNK_LENGTHS,
    assert_cutting_does_not_matter,
    assert_scores_fit_verdicts,
    assert_tiles,
    noise,
)

RATE = 48_000
SURROUND = ("FL", "FR", "FC", "LFE", "SL", "SR")


def tone(*levels: tuple[float, float], rate: int = RATE, channels: int = 2) -> np.ndarray:
    """A 1 kHz sine in all channels: pairs of level in dBFS and seconds."""
    parts = [np.full(round(seconds * rate), 10 ** (level / 20)) for level, seconds in levels]
    gain = np.concatenate(parts)
    return np.tile(gain * np.sin(2 * np.pi * 1000 * np.arange(len(gain)) / rate), (channels, 1)).astype(np.float32)


def programme(samples: np.ndarray, rate: int = RATE, channels=None, **params):
    """The verdict at the end."""
    return detect(make_detector("loudness", **params), audio_chunks(samples, rate, channels=channels))[-1]


def jumps(samples: np.ndarray, rate: int = RATE):
    found = detect(make_detector("loudness"), audio_chunks(samples, rate))
    return [d for d in found if d.kind == "jump"]


@pytest.mark.parametrize("rate", [1_000, 2_000, 3_363, 3_364, 4_000, 768_000])
def test_the_weighting_is_stable_at_any_rate_that_is_inspected(rate):
    for _, a in k_weighting(rate):
        assert np.abs(np.roots(a)).max() < 1


def test_sound_of_a_very_low_rate_is_measured():
    found = programme(noise(20, rate=2_000), 2_000)
    assert np.isfinite(found.measurements["integrated_lufs"])


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ([(-23, 20)], -23.0),
        ([(-33, 20)], -33.0),
        ([(-36, 10), (-23, 60), (-36, 10)], -23.0),
        ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23.0),
        ([(-26, 20), (-20, 20.1), (-26, 20)], -23.0),
    ],
    ids=["case 1", "case 2", "case 3", "case 4", "case 5"],
)
def test_ebu_tech_3341_integrated(levels, expected):
    found = programme(tone(*levels, rate=16_000), 16_000)
    assert found.measurements["integrated_lufs"] == pytest.approx(expected, abs=0.1)


def test_ebu_tech_3341_case_6_surround():
    samples = tone((-28, 4), channels=6)
    for channel, level in ((2, -24), (3, 0), (4, -30), (5, -30)):
        samples[channel] *= 10 ** ((level + 28) / 20)
    found = programme(samples, channels=SURROUND)
    assert found.measurements["integrated_lufs"] == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize(("levels", "expected"), [([(-20, 20), (-30, 20)], 10), ([(-40, 20), (-20, 20)], 20)])
def test_ebu_tech_3342_range(levels, expected):
    assert programme(tone(*levels, rate=8_000), 8_000).measurements["range_lu"] == pytest.approx(expected, abs=1)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 96_000])
def test_every_rate_reads_the_same(rate):
    assert programme(tone((-23, 4), rate=rate), rate).measurements["integrated_lufs"] == pytest.approx(-23, abs=0.1)


def test_filter_is_the_printed_one():
    (shelf_b, shelf_a), (_, high_pass_a) = k_weighting(48_000)
    assert shelf_b == pytest.approx([1.53512485958697, -2.69169618940638, 1.19839281085285], abs=1e-8)
    assert shelf_a == pytest.approx([1, -1.69065929318241, 0.73248077421585], abs=1e-8)
    assert high_pass_a == pytest.approx([1, -1.99004745483398, 0.99007225036621], abs=1e-8)


@pytest.mark.parametrize("length", [7, 60, 200, 4_800])
def test_blocks_equal_the_recursion(length):
    samples = noise(length / RATE, channels=2)
    expected = 0.0
    for channel in samples.astype(float):
        signal = channel
        for b, a in k_weighting(RATE):
            out = np.zeros(len(signal))
            for n in range(len(signal)):
                past = [(signal[n - k], out[n - k]) if n >= k else (0.0, 0.0) for k in range(3)]
                out[n] = sum(b[k] * past[k][0] for k in range(3)) - sum(a[k] * past[k][1] for k in (1, 2))
            signal = out
        expected += float(signal @ signal)
    energy, _ = weighted_energy(samples, np.zeros((2, STATES)), np.ones(2), RATE)
    assert energy == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("standard", "level", "verdict"),
    [
        ("ebu_r128", -23.4, Verdict.OK),
        ("ebu_r128", -22.3, Verdict.DEFECT),
        ("ebu_r128", -23.7, Verdict.DEFECT),
        ("atsc_a85", -22.3, Verdict.OK),
        ("atsc_a85", -26.3, Verdict.DEFECT),
    ],
)
def test_programme_against_its_standard(standard, level, verdict):
    assert programme(tone((level, 6)), standard=standard).verdict is verdict


def test_own_target():
    assert programme(tone((-16.2, 6)), target_lufs=-16, tolerance_lu=0.3).verdict is Verdict.OK


def test_loud_programme_is_one_warning_over_all_of_it_where_a_target_is_asked_for():
    (event,) = events_of("loudness", audio_chunks(tone((-9, 12.5))), standard="ebu_r128")
    assert (event.severity, event.span) == (Severity.WARNING, Span(0, Fraction(0), Fraction(25, 2)))
    assert event.reason == "14.0 LU too loud"


def test_without_a_target_a_programme_is_information_that_states_its_loudness():
    (event,) = events_of("loudness", audio_chunks(tone((-9, 12.5))))
    assert (event.severity, event.span) == (Severity.INFO, Span(0, Fraction(0), Fraction(25, 2)))
    assert event.reason == "-9.0 LUFS, range 0.0 LU, true peak -9.0 dBTP; no target is set"


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, Target(-23, 0.5, is_asked_for=False)),
        ({"standard": "ebu_r128"}, Target(-23, 0.5, is_asked_for=True)),
        ({"standard": "atsc_a85"}, Target(-24, 2, is_asked_for=True)),
        ({"standard": "atsc_a85", "target_lufs": -27}, Target(-27, 2, is_asked_for=True)),
        ({"target_lufs": -16}, Target(-16, 0.5, is_asked_for=True)),
        ({"target_lufs": -16, "tolerance_lu": 1}, Target(-16, 1, is_asked_for=True)),
        ({"tolerance_lu": 1}, Target(-23, 1, is_asked_for=False)),
    ],
)
def test_the_target_that_counts(params, expected):
    assert target_of(make_detector("loudness", **params).params) == expected


@pytest.mark.parametrize("samples", [tone((-23, 2)), np.zeros((2, 10 * RATE), np.float32)])
def test_too_little_sound_is_inconclusive(samples):
    found = programme(samples)
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "above the gate" in found.reason


def test_curve_tiles_the_time():
    found = detect(make_detector("loudness"), audio_chunks(tone((-23, 5.25))))
    assert_tiles(found[:-1], Span(0, Fraction(0), Fraction(21, 4)))
    assert_scores_fit_verdicts(found)
    assert found[3].measurements["short_term_lufs"] == pytest.approx(-23, abs=0.1)
    assert found[3].measurements["momentary_lufs"] == pytest.approx(-23, abs=0.1)


def test_a_lasting_jump_is_found_where_it_is():
    samples = noise(30, level=0.01)
    samples[:, 14 * RATE :] *= 4
    (jump,) = jumps(samples)
    assert abs(float(jump.span.start) - 14) <= 0.3
    assert jump.measurements["jump_lu"] == pytest.approx(12, abs=0.5)


@pytest.mark.parametrize(("gain", "ceiling"), [(3, Severity.INFO), (5, Severity.WARNING)])
def test_only_a_jump_that_music_does_not_make_is_a_warning(gain, ceiling):
    (jump,) = jumps(with_gain(np.where(SECONDS > 14, gain, 1)), SLOW)
    assert jump.ceiling is ceiling


SLOW = 8_000


def with_gain(gain: np.ndarray) -> np.ndarray:
    return (noise(30, SLOW, level=0.01) * gain).astype(np.float32)


SECONDS = np.arange(30 * SLOW) / SLOW


@pytest.mark.parametrize(
    "gain",
    [
        10 ** (SECONDS / 20),
        np.where((SECONDS > 14) & (SECONDS < 16), 8, 1),
        np.where(SECONDS > 14, 2, 1),
        np.where(SECONDS > 14, 10, 0.01),
        np.where(SECONDS > 14, 0.5, 5),
    ],
    ids=["crescendo", "two loud seconds", "6 LU", "after a pause", "down"],
)
def test_dynamics_are_not_jumps(gain):
    assert jumps(with_gain(gain), SLOW) == []


@settings(max_examples=8, deadline=None)
@given(CHUNK_LENGTHS)
def test_result_does_not_depend_on_chunks(lengths):
    samples = noise(8, 16_000, level=0.02)
    samples[:, 60_000:] *= 3
    assert_cutting_does_not_matter("loudness", samples, lengths, rate=16_000)


def test_jump_survives_a_change_of_instance():
    samples = noise(20, 8_000, level=0.01)
    samples[:, 11 * 8_000 :] *= 5
    assert_cutting_does_not_matter("loudness", samples, [36_000], rate=8_000)
    assert any(d.kind == "jump" for d in detect(make_detector("loudness"), audio_chunks(samples, 8_000)))
