"""Sound that is keyed on and off by design: beeps, Morse, dialling, gated notes, noise gates, line-up tones.

All of it stops and starts as hard as a dropout does. What tells them apart lies around the gap: a signal that is keyed
is off for a good part of the time, and on at one level or in one rhythm; media that lacks pieces is on most of the
time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from glasswatch.detectors.audio.pcm import Pcm, linear, runs_of

BLOCKS_PER_S = 1000
"""The envelope has the sample peak of every millisecond."""

WINDOW_S = 3.1
"""How much sound on either side of a gap tells whether it is keyed: one period of the slowest rhythm that is looked
for, that of EBU R 49."""

LEVEL_DB = 1.5
"""Marks of one keyed tone are at one level; syllables and notes differ by more."""

STEADY_DB = 3.0
STEADY_S = 0.025
"""A tone holds its level; of two tones that beat (440 and 480 Hz: 40 Hz), the peaks of each period of the beat do."""

LONGEST_CROSSING = 20
"""Blocks that a note of 25 Hz, the lowest, may be low for while it goes through zero."""

MOST_ON = 3.2
"""Most time on for one off. Morse is on one to three units for every unit off, dialling and alarms half of the time;
lost packets that take more than a quarter of the sound are no fault to look for with so fine a tool."""

JOINED_S = 1.0
"""Marks that are further apart do not belong to one another."""

RHYTHM = 4
"""A rhythm shows in this many equal gaps at equal distances."""

GATE_DB = 15.0
GATE_SHARE = 0.8
GATE_GAPS = 3
EDGE_S = 0.02
GATE_SPREAD = 2
"""A noise gate closes where the sound is this far below its usual peaks, nearly always, and for as long as the pauses
are; losses fall anywhere, and are of one length."""

IDENT_S, IDENT_SLACK_S = 0.25, 0.01
"""Line-up tones name their channels by breaks of 250 ms in one of them (EBU R 49, GLITS)."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A gap in one channel that may be a dropout: indices of the envelope, and the level it stays below, linear."""

    start: int
    end: int
    channel: int
    level: float

    @property
    def length(self) -> int:
        """Blocks from start to end."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of sound between gaps; `is_whole` where neither end is only that of the window."""

    start: int
    end: int
    peak: float
    is_whole: bool


def is_keyed(envelope: Pcm, gap: Gap, *, from_start: bool, to_end: bool) -> bool:
    """Whether a gap is one of those that a keyed signal has by design.

    Args:
        envelope: Peaks by block around the gap, (channels, blocks).
        gap: The gap, in indices of `envelope`.
        from_start: Whether the envelope begins where the stream does.
        to_end: Whether it ends where the stream does.
    """
    own = envelope[gap.channel]
    marks = _marks(own, gap, from_start=from_start, to_end=to_end)
    before = [mark for mark in marks if mark.end <= gap.start]
    after = [mark for mark in marks if mark.start >= gap.end]
    if not before or not after:
        return False  # the gap is so short that the envelope does not show it
    return (
        _is_beside_a_burst(before, after, gap, len(own))
        or _is_keyed_tone(own, before, after, gap)
        or _is_rhythm(marks, gap)
        or _is_gated(own, marks, gap)
        or _is_identification(envelope, marks, gap)
    )


def _marks(own: Pcm, gap: Gap, *, from_start: bool, to_end: bool) -> list[Mark]:
    """The stretches of sound; what is much shorter than the gap, such as the zero crossings of low notes, is none."""
    is_on = own >= gap.level
    least = min(max(2, gap.length // 5), LONGEST_CROSSING)
    for start, end, value in runs_of(is_on):
        if not value and end - start < least:
            is_on[start:end] = True
    return [
        Mark(start, end, float(own[start:end].max()), (start > 0 or from_start) and (end < len(own) or to_end))
        for start, end, value in runs_of(is_on)
        if value
    ]


def _is_beside_a_burst(before: Sequence[Mark], after: Sequence[Mark], gap: Gap, length: int) -> bool:
    """Whether the sound on one side is a burst in a much longer silence, half as long as the gap at most."""

    def is_burst(mark: Mark, silence: int) -> bool:
        return mark.is_whole and mark.end - mark.start < gap.length / 2 and silence >= 2 * gap.length

    left = before[-1].start - (before[-2].end if len(before) > 1 else 0)
    right = (after[1].start if len(after) > 1 else length) - after[0].end
    return is_burst(before[-1], left) or is_burst(after[0], right)


def _is_keyed_tone(own: Pcm, before: Sequence[Mark], after: Sequence[Mark], gap: Gap) -> bool:
    """Whether the marks around are steady and at one level, with enough silence between and beside them."""
    most = JOINED_S * BLOCKS_PER_S
    group = [before[-1], after[0]]
    if not _alike(*group):
        return False
    off = float(gap.length)
    others = 0
    for marks, at in ((before[-2::-1], 0), (after[1:], -1)):
        for mark in marks:
            distance = group[0].start - mark.end if at == 0 else mark.start - group[-1].end
            off += min(distance, most)
            others += 1
            if distance > most or not _alike(mark, group[0]):
                break
            group.insert(0, mark) if at == 0 else group.append(mark)
    # Silence up to the ends of the window counts as well.
    for silence in (group[0].start if len(before) and group[0] is before[0] else 0, _after(own, group[-1], after)):
        if silence > 0:
            off += min(silence, most)
            others += 1
    on = sum(mark.end - mark.start for mark in group)
    return others > 0 and on <= MOST_ON * off and all(_is_steady(own, mark) for mark in group)


def _after(own: Pcm, last: Mark, after: Sequence[Mark]) -> int:
    """Blocks of silence from the last mark of all to the end of the window; 0 for another mark."""
    return len(own) - last.end if last is after[-1] else 0


def _alike(a: Mark, b: Mark) -> bool:
    return max(a.peak, b.peak) <= min(a.peak, b.peak) * linear(LEVEL_DB)


def _is_steady(own: Pcm, mark: Mark) -> bool:
    hold = round(STEADY_S * BLOCKS_PER_S)
    count = (mark.end - mark.start) // hold
    if count < 2:
        return True
    peaks = own[mark.start : mark.start + count * hold].reshape(count, hold).max(axis=1)
    return float(peaks.min()) * linear(STEADY_DB) >= mark.peak


def _is_rhythm(marks: Sequence[Mark], gap: Gap) -> bool:
    """Whether gaps of this length come at equal distances, and take enough of the time."""
    slack = max(2.0, 0.1 * gap.length)
    starts = [a.end for a, b in pairwise(marks) if abs(b.start - a.end - gap.length) <= slack]
    if len(starts) < RHYTHM:
        return False
    period = float(np.median(np.diff(starts)))
    places = (np.array(starts) - gap.start) / period
    off_beat: npt.NDArray[np.float64] = np.abs(places - np.round(places)) * period
    in_time = int((off_beat <= max(3.0, 0.03 * period)).sum())
    return in_time >= max(RHYTHM, 0.75 * len(starts)) and period - gap.length <= MOST_ON * gap.length


def _is_gated(own: Pcm, marks: Sequence[Mark], gap: Gap) -> bool:
    """Whether the sound is low nearly wherever it stops, here too."""
    edge = round(EDGE_S * BLOCKS_PER_S)
    closing = [mark for mark in marks if mark.end < len(own)]
    if len(closing) < GATE_GAPS:
        return False
    lengths = [b.start - a.end for a, b in pairwise(marks)]
    if max(lengths) < GATE_SPREAD * min(lengths):
        return False
    usual = float(np.percentile(np.concatenate([own[m.start : m.end] for m in marks]), 95))
    levels = np.array([own[max(m.end - edge, m.start) : m.end].max() for m in closing])
    is_low = levels <= usual * linear(-GATE_DB)
    here = next((n for n, m in enumerate(closing) if m.end == gap.start), None)
    return here is not None and bool(is_low[here]) and float(is_low.mean()) >= GATE_SHARE


def _is_identification(envelope: Pcm, marks: Sequence[Mark], gap: Gap) -> bool:
    """Whether it is a break of 250 ms in one channel of a steady tone, while another goes on, and there are more."""
    shortest, longest = ((IDENT_S + sign * IDENT_SLACK_S) * BLOCKS_PER_S for sign in (-1, 1))
    goes_on = [n for n in range(len(envelope)) if (envelope[n, gap.start : gap.end] >= gap.level).all()]
    if not shortest <= gap.length <= longest or not goes_on:
        return False
    if not all(_alike(mark, marks[0]) and _is_steady(envelope[gap.channel], mark) for mark in marks):
        return False
    breaks = [
        start
        for own in envelope
        for start, end, is_on in runs_of(own >= gap.level)
        if not is_on and shortest <= end - start <= longest
    ]
    return len(breaks) > 1
