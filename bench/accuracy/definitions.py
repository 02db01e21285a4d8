"""What counts as a defect, by the numbers of the defect catalogue."""

from __future__ import annotations

from bench.accuracy.model import Claim, Meter, Standing, Truth
from glasswatch.simulator.labels import Defect

TARGET_LUFS, TOLERANCE_LU = -23.0, 0.5
LEAST_GAP_S = 0.5
LEAST_MOTION = 0.002
"""Mean luma difference, as a part of the signal's range, below which a freeze holds a picture that stood anyway."""

INVERTED_BELOW = -0.5
HUM_DBFS = -50.0
"""Hum that is not above it is none, by the definition of the defect; it may be found and need not be."""

MOST_TRUE_PEAK_DBTP = -1.0
METER_SLACK = 0.1
"""Two meters by BS.1770 may differ by so much, in LU and dB."""


def truth_of(label: Defect) -> Truth | None:
    """What the label demands by the definition of the defect; None where it falls short of it."""
    standing = Standing.REQUIRED
    strength = label.strength
    match label.defect, label.kind:
        case "av_sync", _:
            return None
        case "av_length", _ if strength["missing_s"] <= LEAST_GAP_S:
            return None
        case "loudness", "programme" if abs(strength["programme_lufs"] - TARGET_LUFS) <= TOLERANCE_LU:
            return None
        case "phase", "inverted" if strength.get("correlation", 0.0) > INVERTED_BELOW:
            standing = Standing.OPTIONAL
        case "hum", _ if strength["level_dbfs"] <= HUM_DBFS:
            standing = Standing.OPTIONAL
        case "freeze", _ if strength["lost_motion_fraction"] < LEAST_MOTION:
            standing = Standing.OPTIONAL
    return Truth(label.defect, label.kind, label.start_s, label.end_s, standing, strength=strength)


def meter_verdict(meter: Meter, claim: Claim) -> bool | None:
    """Whether a reference meter bears out a claim about level; None where no meter can tell."""
    if claim.defect == "loudness" and claim.kind in (None, "programme") and meter.integrated_lufs is not None:
        return abs(meter.integrated_lufs - TARGET_LUFS) > TOLERANCE_LU - METER_SLACK
    if claim.kind == "true_peak" and meter.true_peak_dbtp is not None:
        return meter.true_peak_dbtp > MOST_TRUE_PEAK_DBTP - METER_SLACK
    return None
