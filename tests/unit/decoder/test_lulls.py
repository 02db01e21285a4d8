"""Renditions that have nothing for a while."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np

from glasswatch.core.media import FactKind, MediaUnit, StreamFact
from glasswatch.core.needs import AudioNeed, FactNeed, Need, Planes, VideoNeed
from glasswatch.core.time import Instant
from glasswatch.decoder.lulls import LULL_S, Lulls
from tests.support import audio_chunks, frame_chunks

PICTURE, SOUND = VideoNeed(Planes.LUMA, lines=18), AudioNeed()


def source(*, video: bool = True, audio: bool = True) -> Any:
    return SimpleNamespace(video=object() if video else None, audio=(object(),) if audio else ())


def pictures(start: int, end: int, epoch: int = 0) -> list[MediaUnit]:
    """Chunks of a second."""
    frames = np.zeros(((end - start) * 2, 1, 1), np.uint8)
    name = PICTURE.rendition
    return list(frame_chunks(frames, fps=2, chunk=2, start=Fraction(start), epoch=epoch, rendition=name))


def sound(start: int, end: int) -> list[MediaUnit]:
    return list(audio_chunks(np.zeros((end - start) * 10, np.float32), 10, chunk=10, start=Fraction(start)))


def lulls(
    units: Iterable[MediaUnit], needs: Iterable[Need] = (PICTURE, SOUND), of: Any = None, offset: int = 0
) -> list[tuple[str, Fraction, str]]:
    follower = Lulls(needs, of or source())
    found = [told for unit in units for told in follower.after(unit, Fraction(offset))]
    assert all(fact.kind is FactKind.PROGRESS for _, fact in found)
    return [(rendition, fact.at.seconds, fact.message) for rendition, fact in found]


def test_renditions_that_lag_a_little_have_none() -> None:
    lag = int(LULL_S) - 2
    units = pictures(0, lag)
    for second in range(20):
        units += [*pictures(lag + second, lag + second + 1), *sound(second, second + 1)]
    assert lulls(units) == []


def test_one_that_stops_has_a_lull_told_every_second() -> None:
    units = [*pictures(0, 2), *sound(0, 2), *pictures(2, 9)]
    assert lulls(units) == [("audio", Fraction(second), "the sound is missing") for second in (2, 3, 4)]


def test_one_that_comes_back_has_none_any_more() -> None:
    units = [*pictures(0, 9), *sound(8, 9), *pictures(9, 13)]
    assert [at for _, at, _ in lulls(units)] == [1, 2, 3, 4], "six seconds behind the first unit"


def test_one_that_the_input_does_not_have_is_not_waited_for() -> None:
    told = lulls(pictures(0, 3), of=source(audio=False))
    assert told == [("audio", Fraction(second), "the input has no sound") for second in (1, 2, 3)]
    told = lulls(sound(0, 2), of=source(video=False))
    assert told == [("luma-18", Fraction(second), "the input has no picture") for second in (1, 2)]


def test_one_with_few_pictures_may_be_as_much_later() -> None:
    slow = VideoNeed(Planes.RGB, lines=18, rate=Fraction(1, 10))
    told = lulls([*pictures(0, 1), *sound(0, 30)], (slow, SOUND))
    assert [(name, at) for name, at, _ in told][:2] == [("rgb-18-r1x10", 1), ("rgb-18-r1x10", 2)]
    assert len(told) == 15


def test_a_lull_is_told_in_the_epoch_of_what_goes_on() -> None:
    follower = Lulls((PICTURE, SOUND), source())
    units = [*pictures(0, 1), *sound(0, 1), *pictures(50, 56, epoch=1)]
    found = [fact.at for unit in units for _, fact in follower.after(unit, Fraction(-49 if unit.end.epoch else 0))]
    assert found == [Instant(1, Fraction(50)), Instant(1, Fraction(51))]


def test_facts_and_renditions_that_nobody_needs_do_not_count() -> None:
    fact = StreamFact(FactKind.PROGRESS, Instant(0, Fraction(100)), "container", "media time goes on")
    assert lulls([*sound(0, 1), fact, *sound(1, 9)], (SOUND, FactNeed())) == []
    assert lulls([*sound(0, 1), *pictures(0, 9)], (SOUND,)) == []
