from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glasswatch.detectors.sync.squares import Square, take

TINY = 1e-6


def ramp(lines: int, columns: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Red is twice the column, green twice the line."""
    picture = np.zeros((lines, columns, 3), np.uint8)
    picture[..., 0] = 2 * np.arange(columns)
    picture[..., 1] = 2 * np.arange(lines)[:, None]
    return picture


def places(square: Square, size: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Where the middles of the pixels of what is taken are."""
    middles = (np.arange(size) + 0.5) / size
    return square.place(np.stack(np.meshgrid(middles, middles), axis=-1))


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
    # A pixel's middle is half a pixel from its edge; means of pixels on a ramp stay on it.
    rounded = taken[..., :2] - 2 * (places(square, size) - 0.5)
    assert rounded.min() >= -1 - TINY
    assert rounded.max() <= TINY


@given(
    x=st.floats(-60, 80),
    y=st.floats(-60, 80),
    side=st.floats(0.1, 30),
    angle=st.sampled_from([0.0, 0.3, -2.0]),
    size=st.sampled_from([16, 24]),
    repeat_edges=st.booleans(),
)
def test_between_pixels_and_beyond_the_edges_it_is_linear(
    x: float, y: float, side: float, angle: float, size: int, repeat_edges: bool
) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (12, 20, 3), dtype=np.uint8)
    square = Square(x, y, side, angle)
    at = places(square, size) - 0.5
    # Between pixels that are padded by as many as are needed for all squares.
    padded = np.pad(
        picture.astype(float), ((150, 150), (150, 150), (0, 0)), mode="edge" if repeat_edges else "constant"
    )
    left, top = np.moveaxis(np.floor(at).astype(int) + 150, -1, 0)
    across, down = np.moveaxis(at + 150 - np.stack([left, top], axis=-1), -1, 0)[..., None]
    upper = padded[top, left] * (1 - across) + padded[top, left + 1] * across
    lower = padded[top + 1, left] * (1 - across) + padded[top + 1, left + 1] * across
    rounded = take(picture, square, size, repeat_edges=repeat_edges) - (upper * (1 - down) + lower * down)
    assert rounded.min() >= -1 - TINY
    assert rounded.max() <= TINY


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


@pytest.mark.parametrize("repeat_edges", [True, False])
@pytest.mark.parametrize("angle", [0.0, 1.0])
def test_a_square_far_larger_than_the_picture_is_taken(angle: float, repeat_edges: bool) -> None:
    # A thousand million pixels each way: nobody could make what is beyond.
    picture = np.full((20, 30, 3), 200, np.uint8)
    taken = take(picture, Square(15, 10, 1e9, angle), 16, repeat_edges=repeat_edges)
    assert taken.shape == (16, 16, 3)
    if repeat_edges:
        assert np.abs(taken.astype(int) - 200).max() <= 1
    else:
        assert not taken[:4].any()


def test_a_square_without_an_area_is_the_pixel_in_its_place() -> None:
    for x, y in ((0, 0), (20, 20), (7.5, 12.5)):
        taken = take(ramp(20, 20), Square(x, y, 0), 4, repeat_edges=True)
        assert (taken[..., 0] == 2 * min(int(x), 19)).all()
        assert (taken[..., 1] == 2 * min(int(y), 19)).all()


def test_a_picture_of_one_pixel() -> None:
    picture = np.full((1, 1, 3), 200, np.uint8)
    assert np.abs(take(picture, Square(0.5, 0.5, 3, 0.5), 8, repeat_edges=True).astype(int) - 200).max() <= 1


def test_pixels_may_lie_apart_in_memory() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (2, 80, 80, 3), dtype=np.uint8)
    apart = pictures[1, ::-2, 1::2]
    square = Square(20, 20, 60, 0.2)
    together = take(np.ascontiguousarray(apart), square, 24, repeat_edges=True)
    assert (take(apart, square, 24, repeat_edges=True) == together).all()
