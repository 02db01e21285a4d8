"""Frame rates are believed where what was read bears them out."""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate, repeat
from random import Random

import pytest

from glasswatch.decoder.frame_rate import MOST_STEPS, FrameSteps, frame_rate

NTSC = Fraction(30000, 1001)


def read(*steps: float) -> FrameSteps:
    """Frames that are so many milliseconds apart."""
    made = FrameSteps()
    for at in accumulate(steps, initial=0.0):
        made.add(0, Fraction(at).limit_denominator(10**6) / 1000)
    return made


def rounded(rate: Fraction, count: int = 100) -> FrameSteps:
    """Frames of a rate, their times rounded to a millisecond as in Matroska."""
    made = FrameSteps()
    for n in range(count):
        made.add(0, Fraction(round(1000 * n / rate), 1000))
    return made


@pytest.mark.parametrize(
    ("stated", "steps", "rate"),
    [
        pytest.param((60000, 25), read(*repeat(40, 50)), 25, id="the clock of DV is no rate"),
        pytest.param((30000, 25), read(40), 25, id="nor where hardly a frame was read"),
        pytest.param((25,), read(), 25, id="a still image"),
        pytest.param((15, 30), read(*repeat(1000 / 30, 80), 2000, *repeat(1000 / 30, 80), 4000), 30, id="held frames"),
        pytest.param((27, 27), read(*repeat(1000 / 60, 120), 3000), 60, id="a rate that is stated nowhere"),
        pytest.param((25,), read(*repeat(40, 23), 80, 80), 25, id="a few frames are missing"),
        pytest.param((24,), read(*repeat(41.7, 56), 125), 24, id="one hole"),
        pytest.param(
            (30,), read(*repeat(40, 225), *repeat(20, 200), *repeat(40, 225)), 25, id="another rate in between"
        ),
        pytest.param((2,), read(*repeat(500, 20)), 2, id="two frames a second"),
        pytest.param((Fraction(1, 5),), read(*repeat(5000, 12)), Fraction(1, 5), id="slides"),
        pytest.param((25, 50), read(*repeat(20, 100)), 50, id="fields that are frames"),
        pytest.param((Fraction(24000, 1001),), read(*[33.37, 50.05] * 40), Fraction(24000, 1001), id="pulldown"),
        pytest.param((NTSC,), rounded(NTSC), NTSC, id="times rounded to 1 ms"),
        pytest.param((60,), rounded(Fraction(60)), 60, id="and at 60 frames"),
        pytest.param((30,), read(*repeat(40, 50)), 25, id="a wrong one"),
        pytest.param((None, 0), read(*repeat(40, 50)), 25, id="none"),
    ],
)
def test_rates(stated: tuple[Fraction | None, ...], steps: FrameSteps, rate: Fraction) -> None:
    assert frame_rate(stated, steps) == rate


def test_no_rate_makes_sense_of_frames_at_random() -> None:
    chance = Random(1)
    assert frame_rate((Fraction(7),), read(*(chance.uniform(5, 400) for _ in range(200)))) is None


def test_a_jump_of_the_timeline_is_no_step() -> None:
    steps = FrameSteps()
    for epoch in (0, 1):
        for n in range(20):
            steps.add(epoch, Fraction(1000 * epoch + n, 25))
    assert set(steps.steps) == {0.04}


def test_memory_is_bounded() -> None:
    steps = FrameSteps()
    for n in range(3 * MOST_STEPS):
        steps.add(0, Fraction(n))
    assert len(steps.steps) == MOST_STEPS
