from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glasswatch.detectors.sync.squares import Square, take


def ramp(lines: int, columns: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Red is twice the column, green twice the line."""
    picture = np.zeros((lines, columns, 3), np.uint8)
    picture[..., 0] = 2 * np.arange(columns)
    picture[..., 1] = 2 * np.arange(lines)[:, None]
    return picture


@given(
    x=st.floats(40, 60),
    y=st.floats(30, 50),
    side=st.floats(4, 40),
    angle=st.floats(-math.pi, math.pi),
    size=st.integers(1, 24),
)
def test_each_pixel_is_from_its_place(x: float, y: float, side: float, angle: float, size: int) -> None:
    square = Square(x, y, side, angle)
    taken = take(ramp(80, 100), square, size, repeat_edges=True).astype(float)
    middles = (np.arange(size) + 0.5) / size
    places = square.place(np.stack(np.meshgrid(middles, middles), axis=-1))
    # A pixel's middle is half a pixel from its edge; means of pixels on a ramp stay on it.
    assert np.abs(taken[..., :2] - 2 * (places - 0.5)).max() <= 0.51


def test_the_whole_picture_is_scaled_with_black_bars() -> None:
    picture = np.full((60, 120, 3), 200, np.uint8)
    taken = take(picture, Square.around(picture), 40, repeat_edges=False)
    assert (taken[10:30] == 200).all()
    assert not taken[:9].any()
    assert not taken[31:].any()


def test_beyond_the_picture_its_edge_is_repeated() -> None:
    taken = take(ramp(20, 20), Square(0, 10, 20), 20, repeat_edges=True)
    assert (taken[:, :10, 0] == 0).all()
    assert taken[10, 10:, 0].tolist() == list(range(0, 20, 2))
    far = take(ramp(20, 20), Square(500, -500, 20, 1.0), 8, repeat_edges=True)
    assert (far[..., 0] == 38).all()
    assert (far[..., 1] == 0).all()
    assert not take(ramp(20, 20), Square(500, -500, 20), 8, repeat_edges=False).any()


@pytest.mark.parametrize("size", [5, 16, 31])
def test_shrinking_hides_no_fine_pattern(size: int) -> None:
    board = (255 * (np.indices((128, 128)).sum(axis=0) % 2)).astype(np.uint8)[..., None].repeat(3, axis=2)
    taken = take(board, Square(64, 64, 128), size, repeat_edges=True)
    assert np.abs(taken.astype(float) - 127.5).max() < 30


def test_turned_by_a_quarter() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    # A square that is turned clockwise has on its top what was on the right.
    turned = take(picture, Square(8, 8, 16, math.pi / 2), 16, repeat_edges=True)
    assert np.abs(turned.astype(int) - np.rot90(picture)).max() <= 1
