from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glasswatch.detectors.audio import artifact_features
from glasswatch.detectors.audio.artifact_features import AROUND_HZ, features

RATES = (8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000)


def second(rate: int, *sines: tuple[float, float], noise: float = 0.0, seed: int = 0) -> npt.NDArray[np.float32]:
    """Sines of (Hz, amplitude) and white noise up to 3.5 kHz, the same sound at every rate."""
    t = np.arange(rate) / rate
    found = sum((a * np.sin(2 * np.pi * hz * t + hz) for hz, a in sines), np.zeros(rate))
    rng = np.random.default_rng(seed)
    bins = np.zeros(rate // 2 + 1, complex)
    bins[1:3500] = rng.normal(size=3499) + 1j * rng.normal(size=3499)
    return (found + noise * np.fft.irfft(bins, rate) * rate / 118).astype(np.float32)[None]


@pytest.mark.parametrize("rate", RATES)
def test_shapes_do_not_depend_on_the_rate(rate: int) -> None:
    found = features(np.concatenate([second(rate, (440, 0.1))] * 3), rate)

    assert {name: values.shape for name, values in found.items()} == {
        "mel": (3, 96, 80), "mains": (3, 2, 16, 51), "residual": (3, 3, 1000), "shape": (3, 10, 27),
    }  # fmt: skip
    assert {values.dtype for values in found.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("rate", RATES[1:])
def test_the_same_sound_looks_the_same_at_every_rate(rate: int) -> None:
    sines = (50, 0.01), (440, 0.1), (3000, 0.02)
    low, high = (features(second(r, *sines, noise=0.05), r) for r in (8_000, rate))

    audible = np.flatnonzero(artifact_features._mel_bank(8_000)[2].any(0))[:-2]  # the last reach beyond half the rate
    # Bins lie elsewhere with another FFT length: where two waves nearly cancel, the logarithm differs.
    off = np.abs(low["mel"][..., audible] - high["mel"][..., audible])
    assert off.mean() < 0.05
    assert np.quantile(off, 0.99) < 0.3
    np.testing.assert_allclose(low["mains"], high["mains"], atol=0.01)


def test_the_mel_spectrogram_is_that_of_yamnet() -> None:
    samples = second(16_000, (300, 0.1), (1234, 0.2), noise=0.02)[0]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    spectrum = np.abs(np.fft.rfft(samples[1600:2000] * window, 512))
    edges = np.linspace(1127 * np.log1p(125 / 700), 1127 * np.log1p(7500 / 700), 66)
    mels = 1127 * np.log1p(np.arange(257) * 31.25 / 700)
    bands = [np.interp(mels, edges[n : n + 3], [0, 1, 0], 0, 0) @ spectrum for n in range(64)]

    np.testing.assert_allclose(
        features(samples[None], 16_000)["mel"][0, 10, :64], np.log(np.add(bands, 0.001)), atol=1e-4
    )


@given(st.sampled_from([(0, 50), (1, 60)]), st.integers(1, 16), st.sampled_from([-2.0, -0.5, 0.0, 0.5, 2.0]))
@settings(max_examples=20, deadline=None)
def test_a_harmonic_is_seen_where_it_is(mains: tuple[int, int], harmonic: int, off: float) -> None:
    row, hz = mains
    found = features(second(48_000, (hz * harmonic + off, 0.01), noise=1e-5), 48_000)["mains"]

    around = found[0, row, harmonic - 1, : len(AROUND_HZ)]
    assert AROUND_HZ[int(around.argmax())] == off
    assert around.max() == pytest.approx(-2, abs=0.01)  # log10 of its amplitude


@pytest.mark.parametrize("rate", [16_000, 48_000])
@pytest.mark.parametrize("at_ms", [30, 500, 999])
def test_a_click_stands_out_of_the_residual_in_its_millisecond(rate: int, at_ms: int) -> None:
    samples = second(rate, (220, 0.2), (443, 0.1), noise=0.02)
    samples[0, int((at_ms + 0.5) * rate / 1000)] += 0.2

    highest = features(samples, rate)["residual"][0, 0]
    assert int(highest.argmax()) == at_ms
    assert highest[at_ms] > np.partition(highest, -10)[-10] + 0.5


def test_a_click_stands_alone_and_a_burst_of_noise_does_not() -> None:
    t = np.arange(48_000) / 48_000
    noise = np.random.default_rng(0).normal(0, 0.1, 48_000)
    note = np.where((t < 0.5) | (t > 0.53), 0, noise)
    quiet = second(48_000, (220, 0.02), noise=0.01)
    click = quiet.copy()
    click[0, 24_000] += 0.3

    alone = [features((quiet + n).astype(np.float32), 48_000)["residual"][0, 2].max() for n in (0, note)]
    assert features(click, 48_000)["residual"][0, 2].max() > max(alone) + 0.5


def test_a_clipped_wave_has_an_edge_in_its_amplitudes() -> None:
    soft = second(48_000, noise=0.2)
    hard = np.clip(soft, -0.25, 0.25)

    upper = [features(s, 48_000)["shape"][0, 0, 8:13] for s in (soft, hard)]
    assert np.ptp(upper[0]) > 0.08
    assert np.ptp(upper[1]) < 0.01


@given(st.integers(0, 3))
@settings(max_examples=4, deadline=None)
def test_silence_and_full_scale_are_finite(kind: int) -> None:
    samples = [np.zeros(8000), np.ones(8000), np.sign(np.sin(np.arange(8000))), np.eye(1, 8000)[0]][kind]

    assert all(np.isfinite(v).all() for v in features(samples.astype(np.float32)[None], 8_000).values())


@pytest.mark.parametrize(("shape", "rate"), [((1, 100), 8_000), ((8_000,), 8_000), ((1, 4_000), 4_000)])
def test_what_is_no_second_is_refused(shape: tuple[int, ...], rate: int) -> None:
    with pytest.raises(ValueError, match="Hz"):
        features(np.zeros(shape, np.float32), rate)
