from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glasswatch.simulator.audible import audible_clicks, audible_share

RATE = 48_000
TIMES = np.arange(RATE) / RATE
NOISE = np.random.default_rng(1).normal(0, 0.1, RATE)
OTHER = np.random.default_rng(2).normal(0, 0.1, RATE)
MAINS = np.sin(2 * np.pi * 50 * TIMES)


def tone(hz: float) -> np.ndarray:
    return np.asarray(0.3 * np.sin(2 * np.pi * hz * TIMES))


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 96_000])
def test_nothing_added_is_not_heard_at_any_rate(rate: int) -> None:
    programme = np.random.default_rng(0).normal(0, 0.1, rate)

    assert audible_share(programme, programme, rate) == 0
    assert audible_share(programme, programme + 0.1 * np.sin(2 * np.pi * 400 * np.arange(rate) / rate), rate) == 1


@given(st.floats(0.05, 4))
def test_gain_is_nothing_added(gain: float) -> None:
    assert audible_share(NOISE, gain * NOISE, RATE) == 0


def test_treble_that_is_lost_is_nothing_added() -> None:
    spectrum = np.fft.rfft(NOISE)
    spectrum[4_000:] = 0

    assert audible_share(NOISE, np.fft.irfft(spectrum), RATE) == 0


def test_noise_hides_weaker_noise_and_no_louder_one() -> None:
    assert audible_share(NOISE, NOISE + OTHER, RATE) == 1
    assert audible_share(NOISE, NOISE + 0.1 * OTHER, RATE) == 0


def test_a_tone_hides_noise_only_beside_itself() -> None:
    assert audible_share(tone(1_000), tone(1_000) + 0.01 * OTHER, RATE) == 1
    assert audible_share(tone(1_000), tone(1_000) + 0.01 * tone(1_050), RATE) == 0
    assert audible_share(tone(1_000), tone(1_000) + 0.01 * tone(4_000), RATE) == 1


def test_loud_sound_hides_what_is_above_it_more_than_what_is_below() -> None:
    masker = tone(1_000)

    assert audible_share(masker, masker + 0.03 * tone(1_250), RATE) == 0
    assert audible_share(masker, masker + 0.03 * tone(800), RATE) == 1


def test_the_ear_is_deaf_to_weak_bass() -> None:
    silence = np.zeros(RATE)

    assert audible_share(silence, 10 ** (-40 / 20) * MAINS, RATE) == 1
    assert audible_share(silence, 10 ** (-60 / 20) * MAINS, RATE) == 0


def test_a_pause_lets_hear_what_the_programme_hides() -> None:
    programme = NOISE * (TIMES < 0.6)

    assert 0.25 < audible_share(programme, programme + 0.05 * OTHER, RATE) < 0.45


def test_less_than_a_window_says_nothing() -> None:
    assert audible_share(NOISE[:100], OTHER[:100], RATE) == 0


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 96_000])
def test_an_impulse_is_a_click_where_it_stands_out(rate: int) -> None:
    programme = np.random.default_rng(0).normal(0, 0.05, rate)
    for height, heard in ((0.01, False), (2.0, True)):
        changed = programme.copy()
        changed[rate // 2] += height
        assert audible_clicks(programme, changed, rate) is heard


def test_a_cut_is_a_click_where_the_wave_jumps() -> None:
    smooth, half_a_period, whole = tone(100), 240, 480

    for left_out, heard in ((half_a_period, True), (whole, False)):
        changed = np.concatenate([smooth[: 24_000 + 120], smooth[24_000 + 120 + left_out :]])
        assert audible_clicks(smooth, changed, RATE) is heard


def test_the_programme_s_own_strokes_and_noise_that_sets_in_are_no_clicks() -> None:
    stroke = NOISE * 0.01
    stroke[24_000:24_020] += 0.5
    sets_in = NOISE * (TIMES > 0.5)

    assert not audible_clicks(stroke, np.roll(stroke, 300), RATE)
    assert not audible_clicks(np.zeros(RATE), sets_in, RATE)
