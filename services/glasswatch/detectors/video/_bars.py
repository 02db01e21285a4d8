"""Recognising colour bars: EBU (ITU-R BT.1729), SMPTE EG 1 and RP 219, at any amplitude."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from glasswatch.core.media import Samples

ORDER = ("yellow", "cyan", "green", "magenta", "red", "blue")
"""The coloured bars from left to right, in all these patterns."""

HUES = np.array([172.8, -72.4, -129.0, 51.0, 107.6, -7.2])
"""Angle of each of `ORDER` in the (Cb, Cr) plane in degrees, midway between ITU-R BT.601 and BT.709."""

HUE_TOLERANCE = 20.0
"""Half the least distance between neighbouring hues is 22 degrees."""

LEAST_SATURATION = 32
"""Chroma codes (of 8 bit) from neutral; bars of 75 % amplitude have 64 at least."""

SAME_BAR = 6
"""Codes (of 8 bit) that samples of one bar differ at most, coding noise included."""


def has_bars(small: tuple[Samples, ...], bit_depth: int, least_share: float) -> npt.NDArray[np.bool_]:
    """Which frames show colour bars in their upper half.

    Args:
        small: Thumbnails of luma, Cb and Cr, each (frames, lines, columns).
        bit_depth: Significant bits of a sample.
        least_share: Share of the upper half that equals the median of its column at least; the rest may be an overlay.

    Returns:
        One flag a frame; all False where there is no chroma.
    """
    found = np.zeros(len(small[0]), bool)
    if len(small) < 3:
        return found
    same = SAME_BAR << (bit_depth - 8)
    upper = [plane[:, : plane.shape[1] // 2].astype(np.int32) for plane in small]
    if upper[0].shape[1] < 2:
        return found
    neutral, vivid = 1 << (bit_depth - 1), LEAST_SATURATION << (bit_depth - 8)
    candidates = np.ones(len(found), bool)
    for plane in upper[1:]:
        candidates &= (plane.min(axis=(1, 2)) <= neutral - vivid) & (plane.max(axis=(1, 2)) >= neutral + vivid)
    for i in np.flatnonzero(candidates):
        profiles = [np.median(plane[i], axis=0) for plane in upper]
        constant = all(
            (np.abs(plane[i] - profile) <= same).mean() >= least_share
            for plane, profile in zip(upper, profiles, strict=True)
        )
        found[i] = constant and _in_order(profiles[1], profiles[2], bit_depth)
    return found


def _in_order(cb: npt.NDArray[np.float64], cr: npt.NDArray[np.float64], bit_depth: int) -> bool:
    """Whether a row of chroma shows exactly the six coloured bars in their order."""
    neutral, scale = 1 << (bit_depth - 1), 1 << (bit_depth - 8)
    x, y = (cb - neutral) / scale, (cr - neutral) / scale
    apart = np.abs((np.degrees(np.arctan2(y, x))[:, None] - HUES + 180) % 360 - 180)
    bar = np.where(
        (np.hypot(x, y) >= LEAST_SATURATION) & (apart.min(axis=1) <= HUE_TOLERANCE), apart.argmin(axis=1), -1
    )
    starts = np.flatnonzero(np.diff(bar, prepend=-2))
    widths = np.diff(starts, append=len(bar))
    seen = bar[starts][(bar[starts] >= 0) & (widths >= 2)]
    return bool(np.array_equal(seen, np.arange(len(ORDER))))
