from fractions import Fraction

import pytest

from glasswatch.core.time import Instant, Span, Timeline


def test_a_span_cannot_end_before_it_starts() -> None:
    with pytest.raises(ValueError, match="ends"):
        Span(0, Fraction(2), Fraction(1))


@pytest.mark.parametrize(
    ("other", "gap"),
    [
        pytest.param(Span(0, Fraction(5), Fraction(6)), Fraction(3), id="after"),
        pytest.param(Span(0, Fraction(0), Fraction(1, 2)), Fraction(1, 2), id="before"),
        pytest.param(Span(0, Fraction(2), Fraction(3)), Fraction(0), id="touching"),
        pytest.param(Span(0, Fraction(0), Fraction(9)), Fraction(0), id="overlapping"),
        pytest.param(Span(1, Fraction(1), Fraction(2)), None, id="other epoch"),
    ],
)
def test_gap_between_spans(other: Span, gap: Fraction | None) -> None:
    span = Span(0, Fraction(1), Fraction(2))
    assert span.gap_to(other) == gap
    assert other.gap_to(span) == gap


def test_positions_count_from_the_start_of_the_input() -> None:
    timeline = Timeline()
    timeline.start(Fraction(90_000))
    assert timeline.position(Instant(0, Fraction(90_010))) == 10


def test_positions_go_on_through_a_cut() -> None:
    timeline = Timeline()
    timeline.start(Fraction(100))
    epoch = timeline.cut(0, Fraction(5), position=Fraction(20))
    assert timeline.position(Instant(epoch, Fraction(6))) == 21


def test_streams_that_jump_to_the_same_place_meet_in_one_epoch() -> None:
    timeline = Timeline()
    timeline.start(Fraction(0))
    video = timeline.cut(0, Fraction(1000), position=Fraction(20))
    audio = timeline.cut(0, Fraction("1000.3"), position=Fraction("20.1"))
    assert audio == video
    assert timeline.position(Instant(audio, Fraction("1000.3"))) == Fraction("20.3")


def test_streams_that_jump_to_different_places_do_not() -> None:
    timeline = Timeline()
    timeline.start(Fraction(0))
    video = timeline.cut(0, Fraction(1000), position=Fraction(20))
    audio = timeline.cut(0, Fraction(5000), position=Fraction(20))
    assert audio != video
    assert timeline.position(Instant(audio, Fraction(5001))) == 21
