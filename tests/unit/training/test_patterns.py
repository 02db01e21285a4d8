from __future__ import annotations

import numpy as np
import pytest
from bench.sources import Source
from training.block_corruption import patterns
from training.block_corruption.clips import FRAMES, SIZE, pictures
from training.block_corruption.samples import make_graphic
from training.block_corruption.structures import structure
from training.sources import Group


@pytest.mark.parametrize("name", list(patterns.GENERATORS))
def test_every_generator_takes_its_options(name: str) -> None:
    for seed in range(3):
        options = patterns.GENERATORS[name](np.random.default_rng(seed))
        frames = patterns._generated(name, {"size": "640x360", "rate": "25"} | options, 2)

        clip = pictures(frames, np.random.default_rng(seed))
        assert len(clip) == FRAMES
        assert {p.luma.shape for p in clip} == {(SIZE[1], SIZE[0])}
        assert clip[3].luma.std() > 1


def test_patterns_repeat_by_their_seed() -> None:
    for seed in range(6):
        both = [patterns.pattern(np.random.default_rng(seed)) for _ in range(2)]
        np.testing.assert_array_equal(*(f[5].to_ndarray(format="rgb24") for f in both))


def test_most_graphics_are_whole(groups: dict[Group, list[Source]]) -> None:
    made = [make_graphic(groups, np.random.default_rng(seed)) for seed in range(8)]

    assert {m.source for m in made} == {"a.mkv", "pattern"}
    assert sum(m.visible.any() for m in made) < 4
    assert {m.frames.dtype for m in made} == {np.dtype(np.uint8)}


def test_structures_repeat_themselves_and_their_seed() -> None:
    for seed in range(20):
        image = structure((640, 360), np.random.default_rng(seed))

        np.testing.assert_array_equal(image, structure((640, 360), np.random.default_rng(seed)))
        assert image.shape == (360, 640, 3)
        assert image.std() > 2
