"""What the lip sync model is told of a face and of the sound: one function for each, for training and for serving.

Both are on a common clock of STEP_RATE steps a second of media time, whatever the rates of pictures and samples.

- `mouth`: where lips, jaw and cheeks are in a face that holds its head still, as far from where they are on average.
- `sound`: a log-mel spectrogram, SOUND_STEPS columns to a step, without the level and colour of the recording.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

STEP_RATE = 25
"""Steps per second: the lowest usual frame rate, and BT.1359's limits are a step and more apart."""

SOUND_STEPS = 4
"""Columns of the spectrogram in a step, evenly around it."""

BANDS, LOWEST_HZ, HIGHEST_HZ, WINDOW_S = 40, 80.0, 7600.0, 0.025
"""Mel bands of speech: from the lowest voices to what telephones and 16 kHz recordings still have of its consonants."""

LEAST_RATE, MOST_RATE = 8_000, 192_000
"""Sample rates, in Hz."""

RANGE_DB = 60.0
"""How far below the loudest is silence. Recordings differ in what is still there below that."""

LOUDEST = 0.95
"""Quantile of the columns by level that stands for the loudest."""

STILL_PAIRS = (
    *((33, 263), (133, 362), (127, 356), (234, 454), (54, 284), (103, 333)),
    *((168, 168), (6, 6), (197, 197), (195, 195), (5, 5), (4, 4), (10, 10), (151, 151), (9, 9)),
)
"""Landmarks that speech does not move, left and right as seen: corners of the eyes, temples, forehead, nose."""

LIPS = (
    *((61, 291), (185, 409), (40, 270), (39, 269), (37, 267), (146, 375), (91, 321), (181, 405), (84, 314)),
    *((78, 308), (191, 415), (80, 310), (81, 311), (82, 312), (95, 324), (88, 318), (178, 402), (87, 317)),
)
JAW = ((148, 377), (176, 400), (149, 378), (150, 379), (136, 365), (172, 397))
CHEEKS = ((50, 280), (205, 425), (187, 411))
PAIRS = (*LIPS, *JAW, *CHEEKS)
MIDDLE = (0, 13, 14, 17, 18, 200, 199, 175, 152)
"""Landmarks that speech moves: those in pairs, and those in the middle of lips and chin."""

MOUTH_FEATURES = 3 * len(PAIRS) + 2 * len(MIDDLE)

OUTER_EYES, FOREHEAD, NOSE = (33, 263), 10, 4

Floats = npt.NDArray[np.float32]
Values = npt.NDArray[np.float64]


def steps(start_s: float, end_s: float) -> Values:
    """Times of all steps from `start_s` to `end_s`, in seconds."""
    return np.arange(int(np.ceil(start_s * STEP_RATE - 1e-6)), int(np.floor(end_s * STEP_RATE + 1e-6)) + 1) / STEP_RATE


def mouth(landmarks: npt.NDArray[np.floating], pts: npt.NDArray[np.floating], times: Values) -> Floats:
    """Geometry of a mouth at some steps.

    Args:
        landmarks: x, y and depth in equal units, (pictures, 468, 3).
        pts: When each picture is shown, in seconds, ascending.
        times: Of the steps, in seconds; beyond the pictures the face is taken as standing still.

    Returns:
        (times, MOUTH_FEATURES), see `geometry`, without the mean of the steps.
    """
    return centred(between_pictures(geometry(landmarks), pts, times))


def geometry(landmarks: npt.NDArray[np.floating]) -> Values:
    """How lips, jaw and cheeks lie in faces, (pictures, MOUTH_FEATURES), from landmarks (pictures, 468, 3).

    In hundredths of the distance between the outer corners of the eyes: of each of PAIRS half the distance across, then
    of each the height, of each the depth, of each of MIDDLE the height, and of each the depth. A face and its mirror
    image are the same.
    """
    shapes = stilled(np.asarray(landmarks, np.float64))
    left, right = (shapes[:, [pair[side] for pair in PAIRS]] for side in (0, 1))
    across = (right[..., 0] - left[..., 0]) / 2
    both = (left[..., 1:] + right[..., 1:]) / 2
    middle = shapes[:, MIDDLE, 1:]
    parts = [across, *np.moveaxis(both, -1, 0), *np.moveaxis(middle, -1, 0)]
    return 100 * np.concatenate(parts, axis=1)


def between_pictures(values: Values, pts: npt.NDArray[np.floating], times: Values) -> Values:
    """Values (pictures, features) on the line between two pictures, at some times."""
    at = np.interp(times, pts, np.arange(len(pts)))
    before = np.minimum(at.astype(np.intp), max(len(pts) - 2, 0))
    after = np.minimum(before + 1, len(pts) - 1)
    part = (at - before)[:, None]
    return np.asarray(values[before] * (1 - part) + values[after] * part)


def centred(values: Values) -> Floats:
    """Values (steps, features) without their mean."""
    return np.asarray(values - values.mean(axis=0), np.float32)


def stilled(landmarks: Values) -> Values:
    """Faces in one place, size and direction, by what speech does not move in them.

    First each face by itself: the outer corners of the eyes are level and 1 apart, the nose is below the forehead. Then
    each by the least squares of all STILL_PAIRS (S. Umeyama, "Least-squares estimation of transformation parameters
    between two point patterns", 1991) to the mean of them, which is steadier.

    Args:
        landmarks: (pictures, 468, 3).
    """
    left, right = landmarks[:, OUTER_EYES[0]], landmarks[:, OUTER_EYES[1]]
    across = right - left
    size = np.maximum(np.linalg.norm(across, axis=1), 1e-9)[:, None]
    x = across / size
    down = landmarks[:, NOSE] - landmarks[:, FOREHEAD]
    down = down - (down * x).sum(axis=1, keepdims=True) * x
    y = down / np.maximum(np.linalg.norm(down, axis=1, keepdims=True), 1e-9)
    axes = np.stack([x, y, np.cross(x, y)], axis=2)
    rough = (landmarks - ((left + right) / 2)[:, None]) @ axes / size[:, None]
    still = [n for pair in STILL_PAIRS for n in dict.fromkeys(pair)]
    points = rough[:, still]
    target = points.mean(axis=0)
    centre, target_centre = points.mean(axis=1, keepdims=True), target.mean(axis=0)
    spread = points - centre
    covariance = (target - target_centre).T @ spread / len(still)
    u, s, vt = np.linalg.svd(covariance)
    sign = np.ones_like(s)
    sign[:, 2] = np.sign(np.linalg.det(u) * np.linalg.det(vt))
    turn = (u * sign[:, None]) @ vt
    scale = (s * sign).sum(axis=1) / np.maximum((spread**2).sum(axis=2).mean(axis=1), 1e-12)
    return np.asarray(scale[:, None, None] * (rough - centre) @ turn.transpose(0, 2, 1) + target_centre)


def sound(samples: npt.NDArray[np.floating], rate: int, start_s: float, times: Values) -> Floats:
    """Log-mel spectrogram at some steps.

    Args:
        samples: Of one channel, full scale 1, (samples,).
        rate: Samples per second, LEAST_RATE to MOST_RATE.
        start_s: Time of the first sample.
        times: Of the steps, in seconds; where there is no sound it is taken as silent.

    Returns:
        (SOUND_STEPS * times, BANDS), see `levelled`.
    """
    return levelled(band_powers(samples, rate, start_s, times))


def band_powers(samples: npt.NDArray[np.floating], rate: int, start_s: float, times: Values) -> Floats:
    """Power in each mel band, (SOUND_STEPS * times, BANDS); arguments as of `sound`."""
    if not LEAST_RATE <= rate <= MOST_RATE:
        raise ValueError(f"the rate is {LEAST_RATE} to {MOST_RATE} Hz, not {rate}")
    length, fft, bands = _bank(rate)
    offsets = (np.arange(SOUND_STEPS) - (SOUND_STEPS - 1) / 2) / (SOUND_STEPS * STEP_RATE)
    middles = (times[:, None] + offsets).reshape(-1)
    firsts = np.round((middles - start_s) * rate - length / 2).astype(np.intp)
    padded = np.pad(np.asarray(samples, np.float32), length)
    windows = np.lib.stride_tricks.sliding_window_view(padded, length)
    # Beyond the sound all windows are the silent one before it.
    inside = (firsts > -length) & (firsts < len(samples))
    frames = windows[np.where(inside, firsts + length, 0)]
    window = np.hanning(length + 2)[1:-1].astype(np.float32)
    spectrum = np.fft.rfft(frames * (window / np.sqrt((window**2).sum())), fft)
    return np.asarray((np.abs(spectrum) ** 2)[:, : len(bands)] @ bands, np.float32)


def levelled(powers: npt.NDArray[np.floating]) -> Floats:
    """Powers in bands as decibels without level and colour, about -2 to 2.

    Against the loudest; no less than RANGE_DB below; without the mean of each band; in 20 dB.
    """
    loudest = np.quantile(powers.sum(axis=1), LOUDEST) + 1e-12
    level = 10 * np.log10(np.maximum(powers / loudest, 10 ** (-RANGE_DB / 10)))
    return np.asarray((level - level.mean(axis=0)) / 20, np.float32)


@lru_cache(maxsize=8)
def _bank(rate: int) -> tuple[int, int, Floats]:
    """Length of the window, of the FFT, and weights (bins, BANDS): triangles of the same sum in mel (HTK's scale)."""
    length = round(WINDOW_S * rate)
    fft = 1 << (length - 1).bit_length()
    edges = np.linspace(_mel(np.float64(LOWEST_HZ)), _mel(np.float64(HIGHEST_HZ)), BANDS + 2)
    places = _mel(np.arange(fft // 2 + 1) * rate / fft)[:, None]
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    bands = np.maximum(np.minimum((places - low) / (middle - low), (high - places) / (high - middle)), 0)
    used = int(np.flatnonzero(bands.any(axis=1))[-1]) + 1
    return length, fft, (bands[:used] * (rate / fft)).astype(np.float32)


def _mel(hz: npt.NDArray[np.float64] | np.float64) -> Values:
    return np.asarray(1127.0 * np.log1p(hz / 700.0))
