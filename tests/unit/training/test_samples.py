from __future__ import annotations

import numpy as np
import pytest
from bench.sources import Source
from training.block_corruption import samples
from training.block_corruption.clips import FRAMES, SIZE, draw
from training.block_corruption.graphics import decorated
from training.block_corruption.samples import make
from training.sources import Group

from glasswatch.simulator.media import Picture


def test_a_clip_has_one_size_and_moves(groups: dict[Group, list[Source]]) -> None:
    source, clip = draw(groups, np.random.default_rng(1))

    assert source.name == "a.mkv"
    assert len(clip) == FRAMES
    assert {p.luma.shape for p in clip} == {(SIZE[1], SIZE[0])}
    assert {p.planes[1].shape for p in clip} == {(SIZE[1] // 2, SIZE[0] // 2)}
    assert not np.array_equal(clip[0].luma, clip[-1].luma)


def test_samples_repeat_by_their_seed(groups: dict[Group, list[Source]], monkeypatch: pytest.MonkeyPatch) -> None:
    # What decoders make of damaged streams holds what was in their memory before, and does not repeat.
    monkeypatch.setattr(
        samples, "WAYS", [samples.Way(0.5, "drawn", samples._drawn), samples.Way(0.5, "negative", samples._negative)]
    )
    first, second = (make(groups, np.random.default_rng([5, 2])) for _ in range(2))

    np.testing.assert_array_equal(first.frames, second.frames)
    np.testing.assert_array_equal(first.differences, second.differences)
    assert len(first.frames) == len(first.differences)


@pytest.mark.parametrize("way", [samples._coded, samples._drawn])
def test_damage_is_labelled_and_what_comes_before_is_whole(groups: dict[Group, list[Source]], way) -> None:  # type: ignore[no-untyped-def]
    shown = []
    for seed in range(4):
        shown += way(draw(groups, np.random.default_rng(seed))[1], np.random.default_rng(seed))

    off = [s.differences for s in shown]
    assert any((d > samples.LARGE_CODE8).any() for d in off)
    assert {d.shape for d in off} == {(SIZE[1] // 16, SIZE[0] // 16)}


@pytest.mark.parametrize("way", [samples._intact, samples._negative])
def test_what_lost_no_data_has_no_damage(groups: dict[Group, list[Source]], way) -> None:  # type: ignore[no-untyped-def]
    for seed in range(4):
        shown = way(draw(groups, np.random.default_rng(seed))[1], np.random.default_rng(seed))
        assert len(shown) == FRAMES
        assert all(s.differences is None for s in shown)


def test_graphics_leave_the_form_of_a_clip(groups: dict[Group, list[Source]]) -> None:
    for seed in range(12):
        rng = np.random.default_rng(seed)
        clip: list[Picture] = draw(groups, rng)[1]
        done = decorated(clip, draw(groups, rng)[1], rng)
        assert [p.time for p in done] == [p.time for p in clip]
        assert [[plane.shape for plane in p.planes] for p in done] == [
            [plane.shape for plane in p.planes] for p in clip
        ]
        assert any(not np.array_equal(a.luma, b.luma) for a, b in zip(done, clip, strict=True))
