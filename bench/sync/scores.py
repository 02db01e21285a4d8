"""From fragments to figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bench.sync.cases import FRAME_MS, Case, Group, Outcome
from glasswatch.core.detection import Detection, Verdict

RIGHT_MS = FRAME_MS + 1.0
"""Within a frame, and the rounding of the sound to samples."""

CONFIDENCES = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)

LONG_S = 10.0
"""Clips of this length and more are judged as a whole."""

UNRELATED = frozenset({Group.VOICE, Group.DUBBED, Group.NOBODY, Group.OVER, Group.KNOWN})
"""Whose true offset does not exist or is not known."""

Truth = Callable[[Case], float | None]
"""The true offset of a file in ms, None where it is not known."""


@dataclass(frozen=True, slots=True)
class Score:
    """Some fragments.

    Attributes:
        fragments: How many there are.
        talking: Those in which somebody is seen and heard to speak.
        decided: Those with a verdict.
        right: Of these with a known truth, those within a frame of it.
        known: Decided ones with a known truth.
        alarms: Those called a defect.
        passed: Those called OK.
    """

    fragments: int
    talking: int
    decided: int
    right: int
    known: int
    alarms: int
    passed: int


@dataclass(frozen=True, slots=True)
class Whole:
    """Files of LONG_S and more, each as a whole: all, with a known truth, of those decided, of those right."""

    files: int
    known: int
    decided: int
    right: int


def is_talking(fragment: Detection) -> bool:
    """Whether somebody was seen and heard to speak, so that there was something to measure."""
    return "offset" in fragment.measurements


def offset_of(fragment: Detection, confidence: float) -> float:
    """The offset that a fragment was judged by, in ms: its own where that is sure, else the programme's."""
    measured = fragment.measurements
    return measured["offset" if measured["confidence"] >= confidence else "programme_offset"]


def whole(outcome: Outcome, confidence: float) -> float | None:
    """The offset of a file as a whole, in ms, None where it is not known."""
    told = [f.measurements for f in outcome.fragments if "programme_offset" in f.measurements]
    if not told or told[-1]["programme_confidence"] < confidence:
        return None
    return told[-1]["programme_offset"]


def truths(outcomes: Iterable[Outcome], confidence: float) -> dict[str, float]:
    """The offset of each source as it is, in ms, by its name: what its other files are measured against."""
    plain = [o for o in outcomes if o.case.group is Group.PLAIN]
    return {o.case.source.name: own for o in plain if (own := whole(o, confidence)) is not None}


def expected(case: Case, own: dict[str, float]) -> float | None:
    """The true offset of a file in ms, None where the source's is not known or the sound is not its own."""
    start = own.get(case.source.name)
    return None if start is None or case.group in UNRELATED else start + FRAME_MS * case.shift


def of_zero(case: Case) -> float | None:
    """The true offset of a file in ms where its source is taken for in sync."""
    return None if case.group in UNRELATED else FRAME_MS * case.shift


def score(outcomes: Sequence[Outcome], truth: Truth, confidence: float, *, at: float | None = None) -> Score:
    """Fragments of some files, whose offset does not change on the way.

    Args:
        outcomes: The files.
        truth: The offset of a file in ms.
        confidence: From which the detector trusts a fragment by itself.
        at: Decide by the fragments alone, from this confidence on, in place of the verdicts.
    """
    fragments = [(o.case, f) for o in outcomes for f in o.fragments]
    talking = [(case, f) for case, f in fragments if is_talking(f)]
    if at is None:
        decided = [(c, f, offset_of(f, confidence)) for c, f in talking if f.verdict is not Verdict.INCONCLUSIVE]
    else:
        decided = [(c, f, f.measurements["offset"]) for c, f in talking if f.measurements["confidence"] >= at]
    known = [abs(offset - true) <= RIGHT_MS for c, _, offset in decided if (true := truth(c)) is not None]
    alarms = sum(f.verdict is Verdict.DEFECT for _, f in fragments)
    passed = sum(f.verdict is Verdict.OK for _, f in fragments)
    return Score(len(fragments), len(talking), len(decided), sum(known), len(known), alarms, passed)


def whole_clips(outcomes: Sequence[Outcome], truth: Truth, confidence: float) -> Whole:
    """Files of LONG_S and more as a whole."""
    long = [o for o in outcomes if o.media_s >= LONG_S]
    known = [(o, true) for o in long if (true := truth(o.case)) is not None]
    found = [(offset, true) for o, true in known if (offset := whole(o, confidence)) is not None]
    right = sum(abs(offset - true) <= RIGHT_MS for offset, true in found)
    return Whole(len(long), len(known), len(found), right)
