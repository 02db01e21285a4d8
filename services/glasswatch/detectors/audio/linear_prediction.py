"""Linear prediction: what the samples before foretell of the next one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def prediction_error_filters(
    correlations: npt.NDArray[np.floating], noise: float, least: float
) -> npt.NDArray[np.float64]:
    """Filters that leave what is not foretold, by the Levinson-Durbin recursion.

    Args:
        correlations: (frames, order + 1) autocorrelations, lag 0 first.
        noise: White noise that is added, as a part of a frame's power: keeps pure tones solvable.
        least: And in any case, in the unit of the correlations: keeps silence solvable.

    Returns:
        (frames, order + 1), lag 0 first, which is 1.
    """
    correlations = correlations.astype(np.float64)
    correlations[:, 0] = correlations[:, 0] * (1 + noise) + least
    filters = np.zeros_like(correlations)
    filters[:, 0] = 1
    error = correlations[:, 0].copy()
    for order in range(1, correlations.shape[1]):
        reach = (filters[:, :order] * correlations[:, order:0:-1]).sum(axis=1)
        reflection = -reach / error
        filters[:, 1 : order + 1] += reflection[:, None] * filters[:, order - 1 :: -1][:, :order]
        error *= 1 - reflection**2
    return filters
