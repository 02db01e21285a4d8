from __future__ import annotations

import math

import numpy as np
import pytest
from bench.block.metrics import Overlap, auc, block_overlap, cell_overlap, most_events, rate, threshold_for
from hypothesis import given
from hypothesis import strategies as st

values = st.lists(st.integers(0, 20).map(float), min_size=1, max_size=30).map(np.array)


@given(values, values)
def test_the_area_counts_pairs_in_order_and_ties_half(damaged: np.ndarray, clean: np.ndarray) -> None:
    pairs = [(d > c) + (d == c) / 2 for d in damaged for c in clean]
    assert auc(damaged, clean) == pytest.approx(np.mean(pairs))


def test_without_both_kinds_there_is_no_area() -> None:
    assert auc(np.array([]), np.array([1.0])) is None
    assert auc(np.array([1.0]), np.array([])) is None
    assert rate(np.array([]), 0.5) is None


@given(values, st.sampled_from([0.5, 0.1, 0.05]))
def test_no_more_clean_ones_reach_a_threshold_than_it_was_chosen_for(clean: np.ndarray, false_rate: float) -> None:
    threshold = threshold_for(clean, false_rate)
    if threshold is None:
        assert len(clean) < 1 / false_rate
    else:
        reached = rate(clean, threshold)
        assert reached is not None
        assert reached <= false_rate
        # A threshold any lower is reached by the next score, and so by too many.
        assert (clean >= np.nextafter(threshold, -1)).mean() > false_rate


def blocks(*rows: str) -> np.ndarray:
    return np.array([[c == "x" for c in row] for row in rows])


def test_a_cell_is_damaged_by_one_visible_block_and_unsure_ones_count_nowhere() -> None:
    visible = blocks("x.....", "......", "......")
    labelled = blocks("xx.x..", "......", "......")
    # Cells of the 3 x 6 blocks: 2 x 3, the first damaged, the second unsure.
    assert cell_overlap(blocks("x..", "..."), labelled, visible) == Overlap(1, 1)
    assert cell_overlap(blocks("xx.", "..."), labelled, visible) == Overlap(1, 1)
    assert cell_overlap(blocks("x.x", "..x"), labelled, visible) == Overlap(1, 3)
    assert cell_overlap(blocks("...", "..."), labelled, visible) == Overlap(0, 1)


def test_blocks_are_compared_one_by_one_and_only_inside_the_picture() -> None:
    visible = blocks("xx.", "x..", "...")
    assert block_overlap(blocks("x.", ".."), visible) == Overlap(3, 4)
    assert block_overlap(blocks("..", ".x"), visible) == Overlap(0, 4)


def test_nothing_overlaps_with_nothing() -> None:
    assert Overlap(0, 0).iou == 0.0


@pytest.mark.parametrize(("count", "limit"), [(0, 2.996), (1, 4.744), (5, 10.513), (50, 63.287)])
def test_upper_limits_are_those_of_the_tables(count: int, limit: float) -> None:
    # Garwood, one-sided 95 %: half the 0.95 quantile of chi-squared with 2 (count + 1) degrees of freedom.
    assert most_events(count) == pytest.approx(limit, abs=2e-3)
    assert math.isfinite(most_events(count))
