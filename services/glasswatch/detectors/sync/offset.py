"""From embeddings of mouths and of sound to an offset: over the steps of a fragment, its tracks, and a programme.

An offset is in steps of `features.STEP_RATE`, positive where the sound is early. Everything is a log likelihood of each
offset against that of sound that does not belong to the mouth, so that steps, tracks and fragments add up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

REACH = 20
"""Offsets that are looked at, in steps to either side: 15 are judged, what lies just beyond must not look like 15."""

OFFSETS = np.arange(-REACH, REACH + 1)
"""In steps, in the order of every array of likelihoods."""

NEAR = 1
"""An offset counts as found where it is right to so many steps."""

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Calibration:
    """How much to believe similarities; fitted on speakers that were not learned from.

    Attributes:
        trust: Log likelihood ratio for each unit of similarity.
        doubt: Similarity times `trust` up to which an offset says no more than sound that does not belong to the mouth.
    """

    trust: float
    doubt: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is known of an offset.

    Attributes:
        steps: The likeliest offset, between steps; positive where the sound is early.
        confidence: Probability that it is right to NEAR steps, and not unknown.
    """

    steps: float
    confidence: float


def similarity(seen: npt.NDArray[np.floating], heard: npt.NDArray[np.floating]) -> Values:
    """How alike a mouth and the sound are at each of OFFSETS, (2 * REACH + 1,).

    Args:
        seen: Of the steps of a fragment, (steps, size).
        heard: From REACH steps before the fragment to REACH steps after it, (steps + 2 * REACH, size).
    """
    count = len(seen)
    if len(heard) != count + 2 * REACH:
        raise ValueError(f"{count} steps need sound of {count + 2 * REACH}, not of {len(heard)}")
    found = np.asarray(seen, np.float64) @ np.asarray(heard, np.float64).T
    # Sound that is late by n steps is alike n steps further on: the last diagonal is the earliest sound.
    return np.array([np.trace(found, offset=REACH - offset) for offset in OFFSETS])


def likelihood(similarities: Values, calibration: Calibration) -> Values:
    """Log likelihood ratio of each offset for one track in one fragment, (2 * REACH + 1,).

    A track may belong to somebody who is not speaking, beforehand as likely as not. So one that fits nowhere says
    little against any offset, -log 2, and one that fits in one place says no more against the others than it says for
    that one. But it does say that much: if it said nothing, a film that is dubbed would in time fit somewhere.
    """
    fits = calibration.trust * similarities - calibration.doubt
    return np.asarray(np.logaddexp(0.0, fits) - np.log(2.0))


def vote(tracks: Iterable[Values]) -> Values:
    """Likelihood of each offset by all tracks of a fragment; without a track all are alike."""
    return np.asarray(np.sum([np.zeros(len(OFFSETS)), *tracks], axis=0))


def posterior(likelihoods: Values) -> Values:
    """Probability of each of OFFSETS, (2 * REACH + 1,); what is missing to 1 is that nothing fits.

    Beforehand that is as likely as all offsets together, and all of them are alike.
    """
    weights = likelihoods - np.log(len(OFFSETS))
    top = max(float(weights.max()), 0.0)
    parts = np.exp(weights - top)
    return np.asarray(parts / (parts.sum() + np.exp(-top)))


def estimate(likelihoods: Values) -> Estimate:
    """The offset by the likelihoods of OFFSETS, and how sure it is."""
    parts = posterior(likelihoods)
    best = int(parts.argmax())
    near = slice(max(best - NEAR, 0), best + NEAR + 1)
    return Estimate(float(parts[near] @ OFFSETS[near] / parts[near].sum()), _probability(parts[near]))


def outside(likelihoods: Values, early: float, late: float) -> tuple[float, float]:
    """Probability that the offset is more than `early` steps early or `late` steps late, and that it is neither.

    What is missing to 1 is that nothing fits.
    """
    parts = posterior(likelihoods)
    beyond = (early < OFFSETS) | (late < -OFFSETS)
    return _probability(parts[beyond]), _probability(parts[~beyond])


@dataclass(frozen=True, slots=True)
class Line:
    """The offset of a programme in the course of time.

    Attributes:
        steps: At its end; positive where the sound is early.
        confidence: Probability that this is right to NEAR steps, and not unknown.
        drift: Steps per second by which it changes, positive where the sound becomes earlier; 0 where it is constant.
        drifting: Probability that it is not constant.
        outside: Probability that it is outside the limits now.
        inside: Probability that it is within them. What is missing to 1 is that nothing fits.
    """

    steps: float
    confidence: float
    drift: float
    drifting: float
    outside: float
    inside: float


FINE = 4
"""Parts of a step between which a programme's offset is told."""

DRIFTS = np.array([sign * drift for drift in (0.2, 0.1, 0.05, 0.035, 0.025, 0.015, 0.01, 0.005) for sign in (1, -1)])
"""Steps per second: 0.025 is 24 against 23.976 pictures a second, 0.005 a step in 200 s, 0.2 eight times the first."""

DRIFT_PRIOR = 0.02
"""Probability beforehand that a programme drifts."""


def line(
    times: npt.NDArray[np.floating], fragments: Iterable[Values], early: float = np.inf, late: float = np.inf
) -> Line:
    """The offset of a programme over some time, constant or drifting evenly, by all fragments together.

    Args:
        times: The middle of each fragment in seconds, ascending; fragments do not overlap.
        fragments: What `vote` gives for each of them.
        early: Most steps that sound may be early.
        late: Most steps that it may be late.
    """
    grid = np.arange(-REACH * FINE, REACH * FINE + 1) / FINE
    slopes = np.concatenate([[0.0], DRIFTS])
    sums = np.zeros((len(slopes), len(grid)))
    for time, likelihoods in zip(times, fragments, strict=True):
        # Where the line was then; beyond what is looked at, the fragment says nothing.
        places = grid + slopes[:, None] * (time - times[-1])
        sums += np.interp(places, OFFSETS, likelihoods, left=0.0, right=0.0)
    prior = np.log(np.where(slopes == 0, 1 - DRIFT_PRIOR, DRIFT_PRIOR / len(DRIFTS)) / len(grid))
    weights = sums + prior[:, None]
    top = max(float(weights.max()), 0.0)
    parts = np.exp(weights - top)
    parts /= parts.sum() + np.exp(-top)
    row, column = np.unravel_index(int(parts.argmax()), parts.shape)
    now = parts.sum(axis=0)
    near = slice(max(int(column) - NEAR * FINE, 0), int(column) + NEAR * FINE + 1)
    steps = float(now[near] @ grid[near] / now[near].sum())
    drifting = float(parts[1:].sum() / parts.sum())
    beyond = (grid > early) | (-grid > late)
    drift = float(slopes[row])
    return Line(steps, _probability(now[near]), drift, drifting, _probability(now[beyond]), _probability(now[~beyond]))


def _probability(parts: Values) -> float:
    """Of any of some that exclude each other, which rounding must not make more than certain."""
    return min(float(parts.sum()), 1.0)
