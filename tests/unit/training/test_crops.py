from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from training.block_corruption.crops import CELL_PX, DAMAGED, UNSURE, WHOLE, Samples, cells_of
from training.block_corruption.samples import Samples as Made


def off(rows: int, columns: int, **blocks: int) -> np.ndarray:
    """Differences of 16 x 16 blocks, by names like r1c2."""
    found = np.zeros((rows, columns), np.uint8)
    for name, value in blocks.items():
        row, column = name[1:].split("c")
        found[int(row), int(column)] = value
    return found


def truth(differences: np.ndarray, block_px: float, corner: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """With all damage visible."""
    return cells_of(differences, differences > 10, block_px, corner, size)


def test_one_damaged_macroblock_damages_its_cell_and_no_other() -> None:
    cells = truth(off(8, 12, r2c5=60), 16.0, (0, 0), (128, 192))

    expected = np.full((4, 6), WHOLE)
    expected[1, 2] = DAMAGED
    np.testing.assert_array_equal(cells, expected)


def test_nothing_is_learned_from_a_block_that_may_be_either() -> None:
    cells = truth(off(4, 4, r0c0=7, r2c2=4), 16.0, (0, 0), (64, 64))

    np.testing.assert_array_equal(cells, [[UNSURE, WHOLE], [WHOLE, WHOLE]])


def test_nothing_is_learned_from_damage_that_cannot_be_seen() -> None:
    differences = off(4, 4, r0c0=60, r2c2=60)
    visible = np.zeros((4, 4), bool)
    visible[2, 2] = True

    cells = cells_of(differences, visible, 16.0, (0, 0), (64, 64))

    np.testing.assert_array_equal(cells, [[UNSURE, WHOLE], [WHOLE, DAMAGED]])


def test_a_sliver_of_a_damaged_block_is_unsure() -> None:
    # The crop begins two pixels before the block's right edge: 2 x 16 of 32 x 32 pixels.
    cells = truth(off(8, 8, r0c1=60), 16.0, (0, 30), (32, 64))

    np.testing.assert_array_equal(cells, [[UNSURE, WHOLE]])


def test_damage_that_is_cut_off_is_none() -> None:
    differences = off(4, 4, r3c0=60, r1c2=60)
    shown = slice(0, 48), slice(8, None)

    cells = cells_of(differences, differences > 10, 16.0, (0, 0), (64, 64), shown)

    np.testing.assert_array_equal(cells, [[WHOLE, DAMAGED], [WHOLE, WHOLE]])


def test_blocks_of_a_picture_that_was_enlarged_cover_more_pixels() -> None:
    cells = truth(off(4, 4, r1c1=60), 32.0, (0, 0), (128, 128))

    assert np.argwhere(cells == DAMAGED).tolist() == [[1, 1]]


@given(st.integers(0, 7), st.integers(0, 11), st.integers(0, 96), st.integers(0, 64))
def test_a_crop_has_the_damage_of_its_own_part(row: int, column: int, top: int, left: int) -> None:
    whole = np.zeros((128, 192), bool)
    whole[row * 16 : row * 16 + 16, column * 16 : column * 16 + 16] = True
    differences = np.zeros((8, 12), np.uint8)
    differences[row, column] = 60

    cells = truth(differences, 16.0, (top, left), (32, 128))

    share = whole[top : top + 32, left : left + 128].reshape(1, 32, 4, 32).mean((1, 3))
    np.testing.assert_array_equal(cells == WHOLE, share == 0)
    np.testing.assert_array_equal(cells == DAMAGED, share >= 1 / 8)


@pytest.fixture
def samples(tmp_path: Path) -> Samples:
    rng = np.random.default_rng(0)
    for number, value in enumerate((0, 90)):
        frames = rng.integers(0, 256, (2, 256, 320, 3), np.uint8)
        made = Made(
            frames, np.full((2, 16, 20), value, np.uint8), np.full((2, 16, 20), value > 0), 16.0, "drawn", "a.mp4"
        )
        made.save(tmp_path / f"{number:05}.npz")
    return Samples(tmp_path)


def test_batches_repeat_and_hold_both_kinds(samples: Samples) -> None:
    first, second = (samples.batch(np.random.default_rng(3), 32, (96, 128)) for _ in range(2))

    np.testing.assert_array_equal(first.frames, second.frames)
    np.testing.assert_array_equal(first.cells, second.cells)
    assert 64 < first.frames.shape[1] <= 96
    assert 96 < first.frames.shape[2] <= 128
    assert first.cells.shape == (32, 96 // CELL_PX, 128 // CELL_PX)
    assert set(first.pictures) == {WHOLE, DAMAGED}


def test_a_crop_larger_than_its_picture_claims_nothing_about_what_is_not_there(samples: Samples) -> None:
    batch = samples.batch(np.random.default_rng(3), 8, (320, 320))

    assert (batch.cells[:, 8:] == UNSURE).all()
    assert (batch.cells[:, :8] != UNSURE).all()


def test_whole_pictures_lose_only_what_is_no_whole_cell(samples: Samples) -> None:
    batches = samples.whole()

    assert [b.frames.shape for b in batches] == [(2, 256, 320, 3)] * 2
    assert [set(b.pictures) for b in batches] == [{WHOLE}, {DAMAGED}]


def test_a_folder_without_samples_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="run `prepare` first"):
        Samples(tmp_path)
