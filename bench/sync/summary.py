"""Tables of a run, and the figures in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.sync.cases import Case, Group, Outcome
from bench.sync.course import Course
from bench.sync.roc import FALSE_RATES, Roc
from bench.sync.scores import CONFIDENCES, LONG_S, Score, Whole, expected, of_zero, score, whole, whole_clips
from bench.tables import Table, number
from glasswatch.core.detection import Verdict

RELATED = (Group.PLAIN, Group.RECODED, Group.MOVED)
"""Files whose offset is known if that of their source is."""

NO_TRUTH = {group: group.value for group in (Group.VOICE, Group.DUBBED, Group.NOBODY, Group.OVER)}


@dataclass(frozen=True, slots=True)
class Run:
    """What was judged, the offset of each source by itself, and the confidence that the detector asks for."""

    done: Sequence[Outcome]
    own: Mapping[str, float]
    confidence: float

    def group(self, *names: Group) -> list[Outcome]:
        """The files of some groups."""
        return [o for o in self.done if o.case.group in names]

    def truth(self, case: Case) -> float | None:
        """Against the source's own offset."""
        return expected(case, dict(self.own))

    def both(self, some: Sequence[Outcome], at: float | None = None) -> tuple[Score, Score]:
        """Against the sources' own offsets, and against 0."""
        return score(some, self.truth, self.confidence, at=at), score(some, of_zero, self.confidence, at=at)

    def wholes(self, some: Sequence[Outcome]) -> tuple[Whole, Whole]:
        """Likewise, files as a whole."""
        return whole_clips(some, self.truth, self.confidence), whole_clips(some, of_zero, self.confidence)


FRAGMENT_COLUMNS = (
    *("files", "fragments", "talking", "decided", "of talking", "right", "right of 0"),
    *("called a defect", "of decided", "events"),
)


def _fragment_cells(run: Run, some: Sequence[Outcome]) -> list[str]:
    own, zero = run.both(some)
    return [
        *(str(n) for n in (len(some), own.fragments, own.talking, own.decided)),
        *(share(own.decided, own.talking), share(own.right, own.known), share(zero.right, zero.known)),
        *(str(own.alarms), share(own.alarms, own.decided), str(sum(o.events for o in some))),
    ]


def fragment_tables(run: Run) -> list[Table]:
    """By what files are there for, by shift and by coding."""
    judged = [group for group in Group if group is not Group.COURSE and run.group(group)]
    media_s, cpu_s = sum(o.media_s for o in run.done), sum(o.cpu_s for o in run.done)
    note = (
        "Right: of decided fragments, within a frame of 40 ms of the source's own offset, which is that of the whole "
        "file as it is, where that is known. Right of 0: of the shift itself, the source being taken for in sync. "
        f"The detector takes {cpu_s / max(media_s, 1e-9):.2f} of a core for each second."
    )
    moved = run.group(Group.MOVED)
    shifts = sorted({o.case.shift for o in moved})
    codings = sorted({o.case.recoding.name for o in run.group(Group.MOVED, Group.RECODED) if o.case.recoding})
    return [
        Table(
            "Fragments, av_sync",
            ("", *FRAGMENT_COLUMNS),
            [[group.value, *_fragment_cells(run, run.group(group))] for group in judged],
            note,
        ),
        Table(
            "By shift, av_sync",
            ("frames by which the sound is early", *FRAGMENT_COLUMNS),
            [[f"{n:+d}", *_fragment_cells(run, [o for o in moved if o.case.shift == n])] for n in shifts],
        ),
        Table(
            "By coding, av_sync",
            ("moved and unmoved", *FRAGMENT_COLUMNS),
            [[name, *_fragment_cells(run, _coded(run, name))] for name in codings],
        ),
    ]


def _coded(run: Run, name: str) -> list[Outcome]:
    some = run.group(Group.MOVED, Group.RECODED)
    return [o for o in some if o.case.recoding is not None and o.case.recoding.name == name]


def whole_table(run: Run) -> Table:
    """Files as a whole."""
    rows = []
    for group in RELATED:
        own, zero = run.wholes(run.group(group))
        rows.append(
            [
                *(group.value, str(own.files), str(zero.decided), share(zero.decided, zero.files)),
                *(str(own.decided), share(own.right, own.decided), share(zero.right, zero.decided)),
            ]
        )
    return Table(
        f"Files of {LONG_S:g} s and more as a whole, av_sync",
        ("", "files", "decided", "of files", "with a known truth", "right", "right of 0"),
        rows,
        "By the programme's offset at the end. Files as they are are right by definition: it is their own offset.",
    )


def confidence_table(run: Run) -> Table:
    """What single fragments say, by how sure they are."""
    rows = []
    for c in CONFIDENCES:
        own, zero = run.both(run.group(*RELATED), at=c)
        others = [score(run.group(group), of_zero, run.confidence, at=c) for group in NO_TRUTH]
        rows.append(
            [
                *(f"{c:g}", share(own.decided, own.talking), share(own.right, own.known)),
                *(share(zero.right, zero.known), *(share(one.decided, one.talking) for one in others)),
            ]
        )
    columns = ("at least", "decided of talking", "right", "right of 0", *(f"decided, {n}" for n in NO_TRUTH.values()))
    return Table("Confidence of single fragments, av_sync", columns, rows, "Decided: of those in which somebody talks.")


def roc_table(curves: Mapping[str, Roc]) -> Table:
    """Some points of each curve."""
    rows = []
    for name, curve in curves.items():
        for rate in FALSE_RATES:
            point = curve.within(rate)
            rows.append(
                [
                    f"{name}: at most {100 * rate:g} %",
                    *((number(None),) * 5 if point is None else (number(value, 3) for value in asdict(point).values())),
                    *(number(area, 3) for area in (curve.auc_talking, curve.auc_all)),
                ]
            )
    sizes = "; ".join(
        f"{name}: {c.in_sync_talking} of {c.in_sync} in sync, {c.out_talking} of {c.out} out of sync"
        for name, c in curves.items()
    )
    return Table(
        "ROC: out of sync or not, av_sync",
        (
            *("by, false alarms", "threshold", "false alarms", "recall", "false alarms, all", "recall, all"),
            *("area", "area, all"),
        ),
        rows,
        "Fragments in which somebody talks, and all, of which the others cannot be found. In sync: not moved, true "
        "offset within the limits; out of sync: moved, true offset more than a frame outside. "
        f"Those in which somebody talks: {sizes}. A dash: so few false alarms only without any alarm.",
    )


def clip_table(run: Run) -> Table:
    """Each source as it is, and how its moved files were judged."""
    rows = []
    for outcome in run.group(Group.PLAIN, Group.KNOWN):
        name = outcome.case.source.name
        plain, _ = run.both([outcome])
        moved = [o for o in run.group(Group.MOVED) if o.case.source.name == name]
        own, zero = run.both(moved)
        rows.append(
            [
                *(name, number(whole(outcome, run.confidence), 0)),
                *(str(n) for n in (plain.fragments, plain.decided, plain.alarms, outcome.events)),
                *(str(own.talking), str(own.decided), share(own.decided, own.talking)),
                *(share(own.right, own.known), share(zero.right, zero.known), reasons([outcome])),
            ]
        )
    return Table(
        "Clips as they are, and moved, av_sync",
        (
            *("clip", "offset, ms", "fragments", "decided", "defects", "events", "moved: talking", "decided"),
            *("of talking", "right", "right of 0", "not judged as it is"),
        ),
        rows,
        "Positive where the sound is early. Of moved files right is against the clip's own offset where that is known.",
    )


def course_table(courses: Sequence[Course]) -> Table:
    """Offsets that change on the way."""
    rows = [
        [
            *(f"{c.file}: {c.made}", number(c.true, 0), number(c.of_zero, 0), number(c.found, 0)),
            *(number(c.confidence), number(c.drift_made, 0), number(c.drift_found, 0), number(c.drifting)),
            *(number(c.known_after_s, 0), str(c.alarms), str(c.passed)),
        ]
        for c in courses
    ]
    return Table(
        "Offset, drift and step, av_sync",
        (
            *("clip, made", "true at the end, ms", "if in sync as it is", "found", "confidence", "drift made, ms/min"),
            *("found", "drifting", "known after, s", "DEFECT", "OK"),
        ),
        rows,
        "True: the clip's own offset as it is and what was made. Drifting: the detector's probability of one. Known "
        "after: from where the change begins until the programme's offset is known and within a frame, to the end.",
    )


def nobody_table(run: Run) -> Table:
    """Media that must not be judged."""
    some = run.group(Group.NOBODY, Group.OVER)
    rows = [_nobody_row(o.case.label, [o]) for o in some]
    rows += [_nobody_row(f"all: {group.value}", run.group(group)) for group in (Group.NOBODY, Group.OVER)]
    return Table(
        "Nobody talks, av_sync",
        ("file", "fragments", "talking", "DEFECT", "OK", "false decisions", "events", "reasons"),
        rows,
        "A verdict of any kind is a false decision. Talking: somebody was taken for seen and heard to speak.",
    )


def _nobody_row(name: str, some: Sequence[Outcome]) -> list[str]:
    one = score(some, of_zero, 1.0)
    false = one.alarms + one.passed
    counts = (one.fragments, one.talking, one.alarms, one.passed)
    return [name, *map(str, counts), share(false, one.fragments), str(sum(o.events for o in some)), reasons(some)]


def reasons(some: Iterable[Outcome]) -> str:
    """Why fragments are INCONCLUSIVE, the most frequent reason first."""
    counts = Counter(f.reason for o in some for f in o.fragments if f.verdict is Verdict.INCONCLUSIVE and f.reason)
    return ", ".join(f"{reason} ({count})" for reason, count in counts.most_common())


def share(part: int, of: int) -> str:
    """A part of a whole; a dash where there is nothing."""
    return number(part / of if of else None, 3)


def figures(run: Run) -> dict[str, Any]:
    """The numbers of the tables of fragments and of files as a whole."""
    found: dict[str, Any] = {}
    for group in Group:
        own, zero = run.both(run.group(group))
        whole_own, whole_zero = run.wholes(run.group(group))
        found[group.value] = {
            "files": len(run.group(group)),
            "events": sum(o.events for o in run.group(group)),
            "own": asdict(own),
            "zero": asdict(zero),
            "whole_own": asdict(whole_own),
            "whole_zero": asdict(whole_zero),
        }
    return found


def file_row(outcome: Outcome) -> dict[str, Any]:
    """Everything about one file."""
    case = outcome.case
    return {
        "file": case.label,
        "source": case.source.name,
        "group": case.group.value,
        "shift": case.shift,
        "mode": case.mode,
        "voice": case.voice.name if case.voice else None,
        "recoding": case.recoding.name if case.recoding else None,
        "media_s": outcome.media_s,
        "cpu_s": outcome.cpu_s,
        "events": outcome.events,
        "fragments": [
            {
                "start_s": float(f.span.start),
                "end_s": float(f.span.end),
                "verdict": f.verdict.value,
                "score": round(f.score, 4),
                "reason": f.reason,
                **{name: round(value, 4) for name, value in f.measurements.items()},
            }
            for f in outcome.fragments
        ],
    }
