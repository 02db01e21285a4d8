from __future__ import annotations

from fractions import Fraction

import pytest

from glasswatch.core.media import FactKind, MediaUnit, StreamFact
from glasswatch.core.time import Instant, Timeline
from glasswatch.decoder.clock import Holds, StreamClock

FRAME = Fraction(1, 25)


def clock(
    *, may_jump: bool = True, timeline: Timeline | None = None, holds: Holds = Holds.REGULAR
) -> tuple[StreamClock, list[MediaUnit]]:
    if timeline is None:
        timeline = Timeline()
        timeline.start(Fraction(0))
    facts: list[MediaUnit] = []
    return StreamClock("video:0", timeline, may_jump, facts.append, end=Fraction(0), holds=holds), facts


def kinds(facts: list[MediaUnit]) -> list[FactKind]:
    return [fact.kind for fact in facts if isinstance(fact, StreamFact)]


def place(stream_clock: StreamClock, *seconds: Fraction | float | None) -> list[Instant | None]:
    return [stream_clock.place(None if s is None else Fraction(s), FRAME) for s in seconds]


def test_regular_frames_keep_their_exact_time() -> None:
    c, facts = clock()
    times = [Fraction(1001 * i, 30000) for i in range(50)]
    assert place(c, *times) == [Instant(0, t) for t in times]
    assert facts == []


def test_a_missing_timestamp_is_filled_in_from_the_frame_before() -> None:
    c, facts = clock()
    assert place(c, Fraction(0), None) == [Instant(0, Fraction(0)), Instant(0, FRAME)]
    assert kinds(facts) == [FactKind.TIMESTAMP_MISSING]


@pytest.mark.parametrize(
    ("second", "kind"),
    [
        pytest.param(Fraction(5), FactKind.TIMESTAMP_REPEATED, id="repeated"),
        pytest.param(Fraction(5) - FRAME, FactKind.TIMESTAMP_BACKWARD, id="back-by-a-frame"),
        pytest.param(Fraction(9, 2), FactKind.TIMESTAMP_BACKWARD, id="back-by-half-a-second"),
    ],
)
def test_single_wrong_timestamps_leave_the_frame_out(second: Fraction, kind: FactKind) -> None:
    c, facts = clock()
    assert place(c, Fraction(5), second, Fraction(6)) == [Instant(0, Fraction(5)), None, Instant(0, Fraction(6))]
    assert kinds(facts)[0] is kind


@pytest.mark.parametrize(
    ("step", "may_jump", "epoch"),
    [
        pytest.param(Fraction(10), True, 0, id="ten-seconds-are-a-gap"),
        pytest.param(Fraction(10) + FRAME, True, 1, id="more-is-a-jump-in-transport-streams"),
        pytest.param(Fraction(60), False, 0, id="a-gap-in-a-file"),
        pytest.param(Fraction(3601), False, 1, id="absurd-in-a-file"),
        pytest.param(-Fraction(1, 2) - FRAME, False, 1, id="back"),
        pytest.param(Fraction(2**62), False, 1, id="far-out-of-range"),
    ],
)
def test_jumps_start_an_epoch(step: Fraction, may_jump: bool, epoch: int) -> None:
    c, facts = clock(may_jump=may_jump)
    place(c, Fraction(100))
    assert place(c, Fraction(100) + step) == [Instant(epoch, Fraction(100) + step)]
    assert kinds(facts) == [FactKind.DISCONTINUITY if epoch else FactKind.TIMESTAMP_GAP]


def test_time_of_the_viewer_goes_on_through_a_jump() -> None:
    timeline = Timeline()
    timeline.start(Fraction(100))
    c, _ = clock(timeline=timeline)
    place(c, Fraction(100))
    (after,) = place(c, Fraction(5000))
    assert after is not None
    assert timeline.position(after) == FRAME


def test_streams_meet_in_one_epoch_after_a_cut() -> None:
    timeline = Timeline()
    timeline.start(Fraction(0))
    (a, _), (b, _) = clock(timeline=timeline), clock(timeline=timeline)
    place(a, Fraction(0), Fraction(1000))
    place(b, Fraction(0), Fraction(1000) + FRAME / 2)
    assert a.epoch == b.epoch == 1


@pytest.mark.parametrize(
    ("steps", "gaps"),
    [
        pytest.param([FRAME] * 20, 0, id="regular"),
        pytest.param([FRAME] * 9 + [Fraction(1, 2)] + [FRAME] * 5, 1, id="half-a-second-missing"),
        pytest.param([FRAME] * 9 + [4 * FRAME] + [FRAME] * 5, 0, id="three-frames-missing"),
        pytest.param([Fraction(2)] * 9, 1, id="slide-show"),
    ],
)
def test_gaps_are_judged_against_the_usual_step(steps: list[Fraction], gaps: int) -> None:
    c, facts = clock()
    now = Fraction(0)
    place(c, now)
    for step in steps:
        now += step
        place(c, now)
    assert kinds(facts) == [FactKind.TIMESTAMP_GAP] * gaps


def test_hostile_clocks_do_not_grow_the_numbers() -> None:
    timeline = Timeline()
    timeline.start(Fraction(0))
    epoch, at = 0, Fraction(0)
    for prime in (999983, 999979, 999961, 999959, 999953, 999931, 999917):
        position = timeline.position(Instant(epoch, at + Fraction(1, prime)))
        at = Fraction(10**9, prime)
        epoch = timeline.cut(epoch, at, position)
    assert timeline.position(Instant(epoch, Fraction(0))).denominator <= 1 << 32


STILL = [FRAME] * 9 + [Fraction(4)] + [FRAME] * 9


def run(c: StreamClock, steps: list[Fraction]) -> None:
    now = Fraction(0)
    place(c, now)
    for step in steps:
        now += step
        place(c, now)


def test_what_a_container_states_to_be_held_is_not_missing() -> None:
    c, facts = clock(holds=Holds.STATED)
    run(c, STILL)
    assert facts == []


def test_what_no_sample_covers_is_missing() -> None:
    c, facts = clock(holds=Holds.STATED)
    c.leave_uncovered(Fraction(3))
    run(c, STILL)
    (gap,) = facts
    assert isinstance(gap, StreamFact)
    assert (gap.kind, gap.values["gap_s"]) == (FactKind.TIMESTAMP_GAP, 3.0)


def test_a_frame_may_be_held_where_no_duration_is_stated() -> None:
    c, facts = clock(holds=Holds.UNSTATED)
    run(c, STILL)
    assert kinds(facts) == [FactKind.FRAME_HELD]


@pytest.mark.parametrize("step", [Fraction(-4), Fraction(-1, 10), Fraction(1, 2), Fraction(10_000)], ids=float)
def test_an_announced_join_is_no_fault_whatever_the_step(step: Fraction) -> None:
    c, facts = clock()
    place(c, Fraction(100), 100 + FRAME)
    c.announce_join(100 + 2 * FRAME)
    assert place(c, 100 + FRAME + step) == [Instant(1, 100 + FRAME + step)]
    assert kinds(facts) == [FactKind.JOIN]
    # Once only.
    place(c, Fraction(5_000_000))
    assert kinds(facts) == [FactKind.JOIN, FactKind.DISCONTINUITY]


def test_an_announced_join_at_which_time_goes_on_is_forgotten() -> None:
    c, facts = clock()
    c.announce_join(Fraction(0))
    run(c, [FRAME] * 150)
    place(c, Fraction(2))
    assert kinds(facts) == [FactKind.DISCONTINUITY]
