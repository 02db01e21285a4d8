from __future__ import annotations

import numpy as np

from glasswatch.detectors.audio.linear_prediction import prediction_error_filters


def correlations(
    sound: np.ndarray[tuple[int], np.dtype[np.float64]], order: int
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.array([[sound[lag:] @ sound[: len(sound) - lag] for lag in range(order + 1)]])


def test_the_filter_of_a_resonance_is_found() -> None:
    rng = np.random.default_rng(1)
    pole = 0.95 * np.exp(0.3j)
    a = np.poly([pole, pole.conj()]).real
    sound = np.zeros(50_000)
    for n, drive in enumerate(rng.standard_normal(len(sound) - 2), start=2):
        sound[n] = drive - a[1] * sound[n - 1] - a[2] * sound[n - 2]

    np.testing.assert_allclose(prediction_error_filters(correlations(sound, 2), 0, 0)[0], a, atol=0.02)


def test_each_frame_has_its_own() -> None:
    rng = np.random.default_rng(2)
    sounds = [np.convolve(rng.standard_normal(4000), taps) for taps in ([1, 0.8], [1, -0.8], [1, 0, 0.5])]
    frames = np.concatenate([correlations(s, 8) for s in sounds])

    together = prediction_error_filters(frames, 1e-9, 1e-9)

    for frame, found in zip(frames, together, strict=True):
        np.testing.assert_allclose(found, prediction_error_filters(frame[None], 1e-9, 1e-9)[0])
        toeplitz = frame[np.abs(np.subtract.outer(np.arange(8), np.arange(8)))]
        np.testing.assert_allclose(found[1:], -np.linalg.solve(toeplitz, frame[1:]), atol=1e-6)


def test_silence_and_a_pure_tone_can_be_solved() -> None:
    tone = np.sin(np.arange(4000) * 0.1)
    frames = np.concatenate([correlations(s, 24) for s in (np.zeros(4000), tone)])

    found = prediction_error_filters(frames, 1e-9, 1e-9)

    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found[0], np.eye(1, 25)[0])
