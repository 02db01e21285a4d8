from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from glasswatch.simulator.visible import visible_blocks

ROWS, COLUMNS = 9, 12


@pytest.fixture
def texture() -> npt.NDArray[np.uint8]:
    """A soft texture that is larger than a picture, so that pieces of it can be moved."""
    rng = np.random.default_rng(4)
    soft = rng.normal(0, 1, (240, 320))
    for axis in (0, 1):
        for _ in range(2):
            soft = np.mean([np.roll(soft, n, axis) for n in range(-4, 5)], axis=0)
    soft *= 30 / soft.std()
    return np.clip(np.stack([soft] * 3, -1) + 120, 0, 255).astype(np.uint8)


def picture(texture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return texture[: ROWS * 16, : COLUMNS * 16].copy()


def at(row: int, column: int) -> npt.NDArray[np.bool_]:
    blocks = np.zeros((ROWS, COLUMNS), bool)
    blocks[row, column] = True
    return blocks


@pytest.mark.parametrize("fill", [0, 255])
def test_a_block_of_another_colour_is_seen(texture: npt.NDArray[np.uint8], fill: int) -> None:
    frame = picture(texture)
    frame[32:48, 64:80] = fill

    np.testing.assert_array_equal(visible_blocks(frame, at(2, 4)), at(2, 4))


def test_content_that_fits_is_not_seen_however_wrong_it_is(texture: npt.NDArray[np.uint8]) -> None:
    everything = np.ones((ROWS, COLUMNS), bool)

    assert visible_blocks(picture(texture), everything).mean() < 0.05


def test_a_single_edge_may_be_of_the_scene_and_a_line_of_three_is_not(
    texture: npt.NDArray[np.uint8],
) -> None:
    frame = picture(texture)[..., 0].astype(np.float64)
    everything = np.zeros((ROWS, COLUMNS), bool)
    everything[4, 4:7] = True
    one, three = frame.copy(), frame.copy()
    fades = np.linspace(80, 0, 64)[:, None]
    one[64:128, 64:80] += fades * np.hanning(16)
    three[64:128, 64:112] += fades * np.concatenate([np.linspace(0, 1, 8), np.ones(32), np.linspace(1, 0, 8)])

    seen = [visible_blocks(np.stack([p.astype(np.uint8)] * 3, -1), everything) for p in (one, three)]

    assert not seen[0].any()
    assert seen[1][4, 4:7].all()


def test_a_whole_block_is_never_seen(texture: npt.NDArray[np.uint8]) -> None:
    frame = picture(texture)
    frame[32:48, 64:80] = 255

    assert not visible_blocks(frame, np.zeros((ROWS, COLUMNS), bool)).any()


def test_a_smear_is_seen_in_its_middle_too(texture: npt.NDArray[np.uint8]) -> None:
    frame = picture(texture)
    frame[48:] = (np.arange(COLUMNS * 16) * 37 % 200)[None, :, None]
    below = np.zeros((ROWS, COLUMNS), bool)
    below[3:] = True

    assert visible_blocks(frame, below)[3:].all()


def test_blocks_of_a_scaled_picture_are_looked_for_where_they_lie(texture: npt.NDArray[np.uint8]) -> None:
    frame = picture(texture)
    frame[32:48, 64:80] = 255
    larger = frame.repeat(2, 0).repeat(2, 1)

    np.testing.assert_array_equal(visible_blocks(larger, at(2, 4), 32.0), at(2, 4))
