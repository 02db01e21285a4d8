from __future__ import annotations

import numpy as np

from glasswatch.detectors.cuts import Cuts


def scene(seed: int, count: int, speed: int = 0) -> list[np.ndarray]:
    """Soft shapes past which a camera pans."""
    coarse = np.random.default_rng(seed).uniform(0, 255, (12, 60, 3))
    for axis in (0, 1):
        at = np.arange(20 * (coarse.shape[axis] - 1)) / 20
        low, part = at.astype(int), (at % 1).reshape((-1, 1, 1) if axis == 0 else (1, -1, 1))
        coarse = coarse.take(low, axis) * (1 - part) + coarse.take(low + 1, axis) * part
    wide = coarse
    return [wide[:, speed * n : speed * n + 320].astype(np.uint8) for n in range(count)]


def beginnings(pictures: list[np.ndarray]) -> list[int]:
    cuts = Cuts()
    return [n for n, picture in enumerate(pictures) if cuts.begins(picture)]


def test_a_shot_begins_with_the_first_picture_and_behind_each_cut() -> None:
    assert beginnings([*scene(0, 20), *scene(1, 12), *scene(2, 20)]) == [0, 20, 32]


def test_motion_is_no_cut_however_fast() -> None:
    assert beginnings(scene(0, 60, 3)) == [0]
    assert beginnings(scene(0, 40, 9)) == [0]


def test_a_cut_is_seen_in_motion() -> None:
    assert beginnings([*scene(0, 20, 2), *scene(1, 20, 2)]) == [0, 20]


def test_pictures_that_are_repeated_are_no_shots() -> None:
    """Drawings are shown twice or three times; a rate may be made up from a lower one."""
    assert beginnings([picture for picture in scene(0, 30, 18) for _ in range(3)]) == [0]


def test_light_is_no_cut() -> None:
    lit = [picture.astype(float) / 2 for picture in scene(0, 40, 1)]
    for n in (15, 16, 30):
        lit[n] += 90
    assert beginnings([picture.astype(np.uint8) for picture in lit]) == [0]


def test_a_dissolve_is_no_cut() -> None:
    parts = np.clip(np.arange(-10, 30) / 20, 0, 1)
    shown = [(1 - part) * scene(0, 1)[0] + part * scene(1, 1)[0] for part in parts]
    assert beginnings([picture.astype(np.uint8) for picture in shown]) == [0]


def test_a_mouth_or_noise_is_no_cut() -> None:
    rng = np.random.default_rng(0)
    still = scene(0, 30)
    for n, picture in enumerate(still):
        picture[150:200, 100:180] = 255 * (n % 2)
    noisy = [np.clip(p + rng.normal(0, 8, p.shape), 0, 255).astype(np.uint8) for p in still]
    assert beginnings(noisy) == [0]


def test_pictures_of_another_size_are_another_shot() -> None:
    assert beginnings([np.zeros((100, 100, 3), np.uint8), np.zeros((50, 100, 3), np.uint8)]) == [0, 1]
