"""Renditions joined on media time: any order of arrival gives the same calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glasswatch.core.join import MOST_AHEAD_S, TOO_LATE, Handed, Join, JoinState
from glasswatch.core.media import FactKind, MediaUnit, StreamFact
from glasswatch.core.message import EndOfStream, MediaMessage
from glasswatch.core.sessions import Admission
from glasswatch.core.state import decode_state, encode_state
from glasswatch.core.time import Instant
from tests.support import audio_chunks, frame_chunks

PICTURE, SOUND = "luma-18", "audio"
RENDITIONS = (PICTURE, SOUND)
NO_SOUND = "the sound is missing"

Token = tuple[str, int, int]
"""Rendition, session and number of a message."""


def pictures(start: Fraction | float, end: Fraction | float, epoch: int = 0) -> list[MediaUnit]:
    """Chunks of 0.4 s."""
    begin = Fraction(start)
    frames = np.zeros((int((Fraction(end) - begin) * 25), 1, 1), np.uint8)
    return list(frame_chunks(frames, chunk=10, start=begin, epoch=epoch, rendition=PICTURE))


def sound(
    start: Fraction | float, end: Fraction | float, epoch: int = 0, track: int = 0, tracks: int = 1
) -> list[MediaUnit]:
    """Chunks of 0.5 s."""
    begin = Fraction(start)
    samples = np.zeros(int((Fraction(end) - begin) * 100), np.float32)
    return list(audio_chunks(samples, 100, chunk=50, start=begin, epoch=epoch, track=track, tracks=tracks))


def lull(seconds: Fraction | float, reason: str = NO_SOUND, epoch: int = 0) -> StreamFact:
    return StreamFact(FactKind.PROGRESS, Instant(epoch, Fraction(seconds)), "container", reason)


def numbered(
    rendition: str, units: Iterable[MediaUnit], session: int = 1, *, end: bool = True, lost: Sequence[int] = ()
) -> list[MediaMessage]:
    """Messages without those of the numbers in `lost`."""
    units = list(units)
    ends = [unit.end for unit in units if not isinstance(unit, StreamFact)]
    carried = [*units, EndOfStream(max(ends, default=None))] if end else units
    return [
        MediaMessage("news", session, rendition, number, unit)
        for number, unit in enumerate(carried)
        if number not in lost
    ]


def token(message: MediaMessage) -> Token:
    return message.rendition, message.session, message.sequence


def feed(join: Join[Token], messages: Iterable[MediaMessage]) -> list[Handed[Token]]:
    found: list[Handed[Token]] = []
    for message in messages:
        join.add(message, token(message))
        found += join.handed()
    return found


def joined(*renditions: Sequence[MediaMessage]) -> list[Handed[Token]]:
    """What comes of the renditions, one after another."""
    return feed(Join(RENDITIONS), [message for messages in renditions for message in messages])


def calls(handed: Iterable[Handed[Token]]) -> list[object]:
    """What the detector would see."""
    return [
        (h.token[0], h.message.session, h.message.sequence, _shown(h.message.unit), h.missing)
        for h in handed
        if h.message is not None
    ]


def _shown(unit: MediaUnit | EndOfStream) -> object:
    return unit if isinstance(unit, EndOfStream) else (unit.end, type(unit).__name__)


def spans(handed: Iterable[Handed[Token]], rendition: str, missing: str | None) -> list[tuple[float, float]]:
    """Where the units of a rendition lie that are handed on with that word, neighbours joined."""
    found: list[tuple[float, float]] = []
    for h in handed:
        if h.message is None or isinstance(h.message.unit, EndOfStream) or h.token[0] != rendition:
            continue
        if h.missing == missing:
            unit = h.message.unit
            assert not isinstance(unit, StreamFact)
            start = float(unit.pts[0] if rendition == PICTURE else unit.start)  # type: ignore[union-attr]
            if found and found[-1][1] == start:
                start = found.pop()[0]
            found.append((start, float(unit.end.seconds)))
    return found


@dataclass(frozen=True)
class Programme:
    """Messages of each rendition, in the order in which its topic has them."""

    messages: Mapping[str, list[MediaMessage]]

    @property
    def count(self) -> int:
        return sum(map(len, self.messages.values()))

    def interleaved(self, data: st.DataObject) -> list[MediaMessage]:
        """In any order that keeps that of each rendition."""
        left = {name: list(messages) for name, messages in self.messages.items()}
        found = []
        for pick in data.draw(st.lists(st.booleans(), min_size=self.count, max_size=self.count)):
            name = PICTURE if (pick and left[PICTURE]) or not left[SOUND] else SOUND
            found.append(left[name].pop(0))
        return found


@st.composite
def programmes(draw: st.DrawFn) -> Programme:
    """Up to three sessions of up to 8 s: gaps, lulls that are true or not, lost messages, cuts, ends that lack."""
    found: dict[str, list[MediaMessage]] = {PICTURE: [], SOUND: []}
    sessions = draw(st.integers(1, 3))
    for session in range(1, sessions + 1):
        cut = draw(st.integers(1, 8))
        for name, make in ((PICTURE, pictures), (SOUND, sound)):
            begin = Fraction(draw(st.integers(0, 20)), 10)
            units = [
                unit
                for epoch, (start, end) in enumerate([(begin, max(begin, Fraction(cut))), (Fraction(0), Fraction(4))])
                for unit in make(start, end, epoch + 10 * session)
            ]
            units = [unit for unit in units if draw(st.integers(0, 9))]
            told: list[MediaUnit] = []
            for unit in units:
                if draw(st.integers(0, 5)) == 0:
                    at = unit.end.seconds - Fraction(draw(st.integers(-5, 30)), 10)
                    told.append(lull(at, f"no {name}", unit.end.epoch))
                told.append(unit)
            lost = draw(st.sets(st.integers(0, 30), max_size=3))
            has_end = session == sessions or draw(st.booleans())
            found[name] += numbered(name, told, session, end=has_end, lost=sorted(lost - {len(told)}))
    return Programme(found)


@settings(deadline=None, max_examples=200)
@given(programmes(), st.data())
def test_any_order_of_arrival_gives_the_same_calls(programme: Programme, data: st.DataObject) -> None:
    arriving = programme.interleaved(data)
    handed = feed(Join(RENDITIONS), arriving)
    assert calls(handed) == calls(joined(programme.messages[PICTURE], programme.messages[SOUND]))
    assert sorted(h.token for h in handed) == sorted(map(token, arriving)), "each once, and none is left"


@settings(deadline=None, max_examples=100)
@given(programmes(), st.data())
def test_whoever_takes_over_goes_on_where_the_last_one_stopped(programme: Programme, data: st.DataObject) -> None:
    """What was not handed on at the checkpoint comes again, in another order, among what had been acknowledged."""
    expected = calls(joined(programme.messages[PICTURE], programme.messages[SOUND]))
    arriving = programme.interleaved(data)
    before = arriving[: data.draw(st.integers(0, len(arriving)))]
    first: Join[Token] = Join(RENDITIONS)
    handed = feed(first, before)
    saved = encode_state(first.state)

    second: Join[Token] = Join(RENDITIONS)
    second.restore(decode_state(saved, JoinState))
    done = {h.token for h in handed}
    again = []
    for name, messages in programme.messages.items():
        kept = next((i for i, message in enumerate(messages) if token(message) not in done), len(messages))
        again.append(messages[data.draw(st.integers(0, kept), label=name) :])
    after = feed(second, Programme(dict(zip(programme.messages, again, strict=True))).interleaved(data))
    assert calls(handed + after) == expected
    assert not done & {h.token for h in after}


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(-20, 20))
def test_units_come_in_the_order_of_media_time(frames: int, samples: int, shift: int) -> None:
    begin = Fraction(max(0, shift), 10), Fraction(max(0, -shift), 10)
    units = pictures(begin[0], begin[0] + Fraction(frames, 10)), sound(begin[1], begin[1] + Fraction(samples, 10))
    handed = joined(numbered(PICTURE, units[0]), numbered(SOUND, units[1]))
    starts = [
        (h.message.unit.pts[0] if h.token[0] == PICTURE else h.message.unit.start, h.token[0])  # type: ignore[union-attr]
        for h in handed[:-2]
        if h.message is not None
    ]
    assert starts == sorted(starts)
    assert len(starts) == len(units[0]) + len(units[1])
    assert all(h.missing is None for h in handed)
    assert [h.message.sequence for h in handed if h.message] == list(range(len(starts) + 1))


def test_a_rendition_that_is_ahead_waits() -> None:
    join: Join[Token] = Join(RENDITIONS)
    assert not feed(join, numbered(PICTURE, pictures(0, 8), end=False))
    assert join.ahead_s(PICTURE) == 8
    handed = feed(join, numbered(SOUND, sound(0, 2), end=False))
    assert spans(handed, PICTURE, None) == [(0, 1.6)], "what may come before the next sound"
    assert join.ahead_s(PICTURE) == Fraction(64, 10)
    assert join.ahead_s(SOUND) == 0


def test_the_end_comes_once_and_last_with_the_last_instant_and_the_reason() -> None:
    messages = numbered(PICTURE, pictures(0, 2)), numbered(SOUND, sound(0, 3), end=False)
    failed = MediaMessage("news", 1, SOUND, 6, EndOfStream(Instant(0, Fraction(3)), "the decoder failed"))
    handed = joined(messages[0], [*messages[1], failed])
    ends = [h.message.unit for h in handed if h.message and isinstance(h.message.unit, EndOfStream)]
    assert ends == [EndOfStream(Instant(0, Fraction(3)), "the decoder failed")]
    assert handed[-1].message is not None
    assert handed[-1].message.unit is ends[0]


def test_a_rendition_that_has_ended_does_not_hold_up_the_others() -> None:
    join: Join[Token] = Join(RENDITIONS)
    handed = feed(join, [*numbered(PICTURE, pictures(0, 4)), *numbered(SOUND, sound(0, 2))])
    assert spans(handed, PICTURE, None) == [(0, 4)]


def test_what_lies_in_a_lull_is_missing_its_counterpart() -> None:
    join: Join[Token] = Join(RENDITIONS)
    assert not feed(join, numbered(PICTURE, pictures(0, 12)))
    told = [*sound(0, 2), lull(3), lull(4), lull(5), *sound(8, 12)]
    handed = feed(join, numbered(SOUND, told))
    assert spans(handed, PICTURE, None) == [(0, 2), (8, 12)]
    assert spans(handed, PICTURE, NO_SOUND) == [(2, 8)], "also behind the last word of the lull"
    assert spans(handed, SOUND, None) == [(0, 2), (8, 12)]


def test_a_lull_lets_go_of_what_lies_before_it_at_once() -> None:
    join: Join[Token] = Join(RENDITIONS)
    feed(join, numbered(PICTURE, pictures(0, 8), end=False))
    handed = feed(join, numbered(SOUND, [*sound(0, 2), lull(4)], end=False))
    assert spans(handed, PICTURE, None) == [(0, 2)]
    assert spans(handed, PICTURE, NO_SOUND) == [(2, 4)]
    assert join.ahead_s(PICTURE) == 4


@pytest.mark.parametrize("first", [1.0, 1.3, 1.9])
def test_how_often_a_lull_is_told_changes_nothing(first: float) -> None:
    told = numbered(SOUND, [*sound(0, 1), lull(first), *sound(4, 6)])
    handed = joined(numbered(PICTURE, pictures(0, 6)), told)
    assert spans(handed, PICTURE, NO_SOUND) == [(1.2, 4)], "the chunk from 0.8 s on has sound in it"


def test_a_rendition_that_is_absent_is_missing_from_the_first_unit_on() -> None:
    reason = "the input has no sound"
    told = [lull(Fraction(4, 10) + i, reason) for i in range(4)]
    handed = joined(numbered(PICTURE, pictures(0, 4)), numbered(SOUND, told))
    assert spans(handed, PICTURE, reason) == [(0, 4)]
    assert isinstance(handed[-1].message.unit if handed[-1].message else None, EndOfStream)


def test_a_rendition_that_ends_without_a_word_was_not_there() -> None:
    handed = joined(numbered(PICTURE, pictures(0, 1)), numbered(SOUND, []))
    assert spans(handed, PICTURE, "nothing of audio has come") == [(0, 1)]


def test_a_rendition_that_never_comes_is_given_up() -> None:
    join: Join[Token] = Join(RENDITIONS)
    handed, most = [], Fraction(0)
    for message in numbered(PICTURE, pictures(0, 60), end=False):
        handed += feed(join, [message])
        most = max(most, join.ahead_s(PICTURE))
    assert most <= MOST_AHEAD_S
    (span,) = spans(handed, PICTURE, "nothing of audio has come")
    assert span[0] == 0
    assert 60 - MOST_AHEAD_S - 1 < span[1] <= 60 - MOST_AHEAD_S

    assert join.has_given_up()
    late = feed(join, numbered(SOUND, sound(0, 60), end=False))
    assert not join.has_given_up()
    assert spans(late, SOUND, TOO_LATE)[0][0] == 0
    judged = spans(late, SOUND, None)
    assert judged[-1][1] == 60
    assert spans(late, PICTURE, None)[-1][1] > 59, "it is joined again where it has caught up"


def test_a_rendition_given_up_in_one_session_is_waited_for_in_the_next() -> None:
    join: Join[Token] = Join(RENDITIONS)
    feed(join, [*numbered(PICTURE, pictures(0, 40)), *numbered(PICTURE, pictures(0, 2, 50), 2)])
    feed(join, numbered(PICTURE, pictures(0, 40, 60), 3, end=False))
    handed = feed(join, numbered(SOUND, sound(0, 40, 60), 3))
    assert spans(handed, PICTURE, None)[-1][1] > 39


def test_lost_messages_are_told_and_what_lies_beside_them_is_not_judged() -> None:
    lost = numbered(SOUND, sound(0, 6), lost=(4, 5))
    handed = joined(numbered(PICTURE, pictures(0, 6)), lost)
    assert spans(handed, PICTURE, "2 media messages of audio did not arrive") == [(2, 3.2)]
    numbers = [h.message.sequence for h in handed if h.message is not None]
    gaps = [b - a - 1 for a, b in pairwise(numbers)]
    assert sum(gaps) == 2


def test_epochs_come_one_after_the_other_and_what_is_left_of_an_old_one_is_too_late() -> None:
    tracks = [*sound(0, 1, 0, 0, 2), *sound(0, 1, 1, 0, 2), *sound(0.5, 1, 0, 1, 2), *sound(0, 1, 1, 1, 2)]
    handed = joined(numbered(PICTURE, [*pictures(0, 1), *pictures(0, 1, 1)]), numbered(SOUND, tracks))
    units = [h.message.unit for h in handed if h.message and not isinstance(h.message.unit, EndOfStream)]
    epochs = [unit.end.epoch for unit in units]
    late = [unit for unit, h in zip(units, handed, strict=False) if h.missing == TOO_LATE]
    assert [(unit.end.epoch, getattr(unit, "track", None)) for unit in late] == [(0, 1)]
    kept = [epoch for epoch, unit in zip(epochs, units, strict=True) if unit not in late]
    assert kept == sorted(kept)


def test_a_new_session_ends_the_one_before_when_all_have_left_it() -> None:
    join: Join[Token] = Join(RENDITIONS)
    old = feed(join, [*numbered(PICTURE, pictures(0, 2), end=False), *numbered(SOUND, sound(0, 1), end=False)])
    waiting = feed(join, numbered(PICTURE, pictures(0, 2, 50), 2))
    assert not waiting, "sound of the old session may still come"
    rest = feed(join, numbered(SOUND, sound(0, 2, 50), 2))
    assert spans(old + rest, PICTURE, None) == [(0, 2), (0, 2)]
    assert [h.message.session for h in rest if h.message] == [1, 1, 1] + [2] * 10


def test_a_session_of_which_a_rendition_has_nothing_at_all() -> None:
    """Its decoder was killed before it came to the sound."""
    handed = joined(
        [*numbered(PICTURE, pictures(0, 1), 1, end=False), *numbered(PICTURE, pictures(0, 1, 9), 2)],
        numbered(SOUND, sound(0, 1, 9), 2),
    )
    assert [h.missing for h in handed if h.token[1] == 1] == ["nothing of audio has come"] * 3
    assert {h.missing for h in handed if h.token[1] == 2} == {None}


def test_duplicates_and_strays_are_told_and_leave_no_trace() -> None:
    join: Join[Token] = Join(RENDITIONS)
    first = numbered(PICTURE, pictures(0, 2), end=False)
    second = numbered(PICTURE, pictures(0, 2, 50), 2)
    feed(join, [*first[:3], *second[:1]])
    assert join.add(first[1], token(first[1])) is Admission.DUPLICATE
    assert join.add(first[3], token(first[3])) is Admission.STRAY
    assert join.add(second[1], token(second[1])) is Admission.HANDLE


def test_facts_cannot_be_joined() -> None:
    with pytest.raises(ValueError, match="facts cannot be joined"):
        Join([PICTURE, "facts"])


def test_a_state_of_other_renditions_is_refused() -> None:
    with pytest.raises(ValueError, match="a join of audio, luma-18 is none of audio, picture-270"):
        Join(["audio", "picture-270"]).restore(Join(RENDITIONS).state)
