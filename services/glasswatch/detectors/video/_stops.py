"""Stops that pictures make by themselves: of what was drawn, of what has left, of what moves and stands by turns."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from glasswatch.detectors.video._motion import Motion, flat_share, is_dissolve, is_rolling_title

STOOD = 0.2
"""Seconds that a picture has stood from which on it is no step of limited animation (drawn on fives at 25 frames/s)."""

MOVES_FOR = 1.2
"""Seconds that motion goes on at least before it can be broken off, where pictures stand and move by turns: captions
and slides that fly in or are pushed take up to 1.0 s. With 1.6 s the first freezes are lost (docs/benchmarks.md)."""

MOVES_STEPS = 6
"""And frames, at low frame rates."""

SHORT_MEMORY, MEMORY = 4.0, 60.0
"""Seconds for which short holds are remembered, some shots of limited animation; and longer ones that ended as no
freeze does, the time between two people that walk through the picture of a fixed camera."""

SOME_STOPS = 2
"""So many stops make a habit, one does not: titles stand before a film begins."""

OUT_OF_LINE = 2.5
"""A hold this many times as long as the usual ones is no habit."""

HELD_DRAWING = 0.8
"""Seconds for which limited animation holds a drawing without second thoughts; with `OUT_OF_LINE`, what lasts for less
than an error does is no freeze there."""

STOPPED = 0.25
"""Codes of 8 bit by which a block changed more before a hold than in it, and three times as much, if it has stopped."""

GROUND = 0.5
"""Share of the blocks that have stopped below which the ground has stood already."""

DRAWN = 0.65
"""Share of flat cells from which a picture is drawn: a live one has up to 0.56, a stage or space."""

MOVED = 0.25
"""Share of the change of the most changed blocks from which a block belongs to what moved."""

RESUMES = 0.5
"""What moved goes on after a freeze with this share of its change at least: freezes 0.56 and more, other stops 0.51 at
most."""

BORDER = 0.12
"""Share of the rows or columns at an edge of the picture where things leave it."""

LEFT = 0.63
"""Share of the change that lies at one edge if what moved is about to leave there: 0.68 to 0.85 where people walked out
of a fixed camera's picture; before freezes 0.58 at most."""

NOISE = 0.5
"""Change of a block, in codes of 8 bit, that is none."""

SLOWER = 3.0
"""A recorder writes frames this many times as far apart when nothing moves."""

Blocks = npt.NDArray[np.float32]


@dataclass(slots=True)
class Stops:
    """What a stream does by itself; part of a detector's state.

    Attributes:
        stood_until: When a picture last stood, in seconds; None before.
        short: End and length in seconds of recent holds that were too short to be an event.
        long: The same for longer ones that came out of motion and ended as no freeze does.
    """

    stood_until: float | None = None
    short: list[tuple[float, float]] = field(default_factory=list)
    long: list[tuple[float, float]] = field(default_factory=list)

    def remember(self, end: float, length: float, *, is_event: bool, by_itself: bool, moved: bool) -> None:
        """A hold has ended: was it long enough for an event, did the picture stand by itself, had it moved before."""
        if not is_event:
            self.short = [hold for hold in self.short if end - hold[0] <= SHORT_MEMORY]
            self.short.append((end, length))
        elif by_itself and moved:
            self.long = [hold for hold in self.long if end - hold[0] <= MEMORY]
            self.long.append((end, length))
        if by_itself and length >= STOOD:
            self.stood_until = end

    def usual(self, before: Motion, onset: float) -> float:
        """The longest hold that is usual after that motion at `onset`, in seconds."""
        short = [length for end, length in self.short if onset - end <= SHORT_MEMORY]
        long = [length for end, length in self.long if onset - end <= MEMORY]
        drawn = [HELD_DRAWING] if before.is_limited() else []
        return max([*short, *(long if len(long) >= SOME_STOPS else []), *drawn], default=0.0)

    def moved_for(self, before: Motion, onset: float) -> float:
        """Seconds that the shot had moved at `onset` without standing."""
        begun = [at for at in (self.stood_until, before.cut) if at is not None]
        return onset - max(begun) if begun else 0.0


def why_by_itself(
    before: Motion, stops: Stops, onset: float, anchor: np.ndarray, still: Blocks, interval: float, scale: int
) -> str | None:
    """Why a picture may have come to stand by itself, None where motion was broken off.

    Args:
        before: What moved before.
        stops: What the stream does by itself.
        onset: When the picture began to stand, in seconds.
        anchor: The picture, (lines, columns).
        still: Change of each block in a step of the hold, (rows, columns).
        interval: Seconds between the frames of the hold.
        scale: Codes that make one of 8 bit.
    """
    older, middle = before.earlier(onset)
    if older is None or middle is None:
        return "the shot had only begun"
    if is_dissolve(older, middle, anchor):
        return "a dissolve or fade led to it"
    rolled = before.shortly_before()
    if rolled is not None and is_rolling_title(rolled, anchor, scale):
        return "titles rolled to it"
    if interval >= SLOWER * before.interval() > 0:
        return "the source wrote fewer frames while it stood"
    moved_for = stops.moved_for(before, onset)
    by_turns = stops.stood_until is not None and onset - stops.stood_until <= moved_for
    if by_turns and moved_for < max(MOVES_FOR, MOVES_STEPS * before.interval()):
        return "pictures move and stand by turns here"
    moved = before.moved()
    if float(((moved > 3 * still) & (moved > still + STOPPED)).mean()) < GROUND:
        # The ground stood already: nothing says that more than a thing that moved has stopped.
        if moved_for < MOVES_FOR:
            return "the shot had only begun"
        if flat_share(anchor, scale) >= DRAWN:
            return "what moved over a drawn ground stands"
    if _at_one_edge(before.moved(2)) >= LEFT:
        return "what moved had left the picture"
    return None


def resumes(before: Motion, first: Blocks) -> bool:
    """Whether what moved before a hold goes on behind it, `first` being the change of each block then."""
    moved = before.moved()
    where = moved > MOVED * np.percentile(moved, 99)
    return bool(where.any()) and float(first[where].mean()) >= RESUMES * float(moved[where].mean())


def _at_one_edge(moved: Blocks) -> float:
    """Share of the change that lies at that edge which has most of it; what noise changes does not count."""
    down, across = (max(1, round(BORDER * size)) for size in moved.shape)
    clear = np.maximum(moved - np.float32(NOISE), 0)
    sides = clear[:down], clear[-down:], clear[:, :across], clear[:, -across:]
    total = float(clear.sum())
    return max(float(side.sum()) for side in sides) / total if total else 0.0
