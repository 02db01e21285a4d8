from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glasswatch.detectors.sync.mouths import centre, opening, steadied

Values = npt.NDArray[np.float64]


def mesh(gaps: list[float], jaw: float = 0.0) -> Values:
    """Landmarks of faces that are 1 from forehead to below the nose, with lips so far apart."""
    points = np.zeros((len(gaps), 468, 3))
    points[:, 10] = (0.5, 0.0, 0)
    points[:, 2] = (0.5, 1.0, 0)
    points[:, 152] = (0.5, 1.5 + jaw, 0)
    points[:, 61], points[:, 291] = (0.3, 1.2, 0), (0.7, 1.2, 0)
    for number, gap in enumerate(gaps):
        for x, upper, lower in ((0.45, 82, 87), (0.5, 13, 14), (0.55, 312, 317)):
            points[number, upper] = (x, 1.2 - gap / 2, 0)
            points[number, lower] = (x, 1.2 + gap / 2, 0)
    return points


def test_opening_is_the_distance_of_the_lips_by_the_height_of_the_face() -> None:
    assert opening(mesh([0, 0.1, 0.25])) == pytest.approx([0, 0.1, 0.25])
    assert opening(mesh([0.1], jaw=0.3)) == pytest.approx([0.1])


@given(scale=st.floats(0.01, 1000), angle=st.floats(-math.pi, math.pi), x=st.floats(-100, 100), gap=st.floats(0, 0.5))
def test_opening_does_not_depend_on_where_the_face_is(scale: float, angle: float, x: float, gap: float) -> None:
    cos, sin = math.cos(angle), math.sin(angle)
    turned = mesh([gap])[..., :2] @ np.array([[cos, sin], [-sin, cos]]) * scale + (x, -x)
    assert opening(turned) == pytest.approx([gap], abs=1e-6)


def test_a_face_without_height_has_no_opening() -> None:
    assert np.isnan(opening(np.zeros((2, 468, 3)))).all()


def test_centre_is_between_the_corners() -> None:
    assert centre(mesh([0.1, 0.2])).tolist() == pytest.approx(np.array([[0.5, 1.2], [0.5, 1.2]]))


@given(start=st.floats(-10, 10), slope=st.floats(-5, 5), count=st.integers(1, 40), width=st.sampled_from([1, 5, 9]))
def test_steadying_leaves_a_straight_line(start: float, slope: float, count: int, width: int) -> None:
    line = np.stack([start + slope * np.arange(count), np.full(count, start)], axis=1)
    assert steadied(line, width) == pytest.approx(line, abs=1e-9)


def test_steadying_takes_out_outliers_and_shaking() -> None:
    rng = np.random.default_rng(2)
    path = 100 + 20 * np.sin(np.arange(100) / 15)
    shaken = path + rng.normal(0, 1, 100)
    shaken[50] += 40
    calm = steadied(shaken, 9)
    assert np.abs(calm - path)[4:-4].max() < 2
    assert np.diff(calm, 2)[4:-4].std() < 0.2 * np.diff(shaken[:45], 2).std()
