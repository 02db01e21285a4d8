"""Building the test set and judging it, one file at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
from threadpoolctl import threadpool_limits

from bench.accuracy.model import Role
from bench.audio.build import Subject, build, subject_of
from bench.audio.events import OURS, Result, inspect
from bench.audio.peer import PEERS, essentia
from bench.audio.plan import GRID, Job, is_held_out
from bench.audio.seconds import judge
from bench.block.run import inference
from bench.sources import Source
from glasswatch.core.errors import GlasswatchError

Item = Job | tuple[Source, Role]


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where files are kept, where models lie, which of them judge seconds, and a Python that has Essentia, or None."""

    folder: Path
    repository: Path
    models: tuple[str, ...]
    essentia: str | None = None


def examine(workshop: Workshop, item: Item) -> Result | str:
    """Make one file and judge it; gives the reason where that cannot be done."""
    # Files are examined side by side; threads of BLAS below them would only spin for the same cores.
    with threadpool_limits(limits=1, user_api="blas"):
        return _examine(workshop, item)


def _examine(workshop: Workshop, item: Item) -> Result | str:
    try:
        subject = build(item, workshop.folder) if isinstance(item, Job) else subject_of(*item)
        # Sound that was learned from says nothing about single seconds; it is there for false alarms.
        is_judged = isinstance(item, Job) or (subject.role is Role.CLEAN and is_held_out(item[0]))
        seconds = judge(subject, inference(workshop.repository), workshop.models) if is_judged else ()
    except (GlasswatchError, av.FFmpegError, OSError) as error:
        return str(error).replace(str(workshop.folder), "WORK")
    findings = {OURS: inspect(subject.path, workshop.repository)}
    if workshop.essentia is not None and _is_for_essentia(subject):
        findings |= essentia(subject.path, workshop.essentia, workshop.folder)
    return Result(subject, seconds, findings)


def _is_for_essentia(subject: Subject) -> bool:
    """Files of what it looks for, and those without any defect.

    Not the many alike: they are too short for its window of ten seconds, and would take as long as all others.
    """
    return (subject.role is not Role.INJECTED or subject.kind in PEERS) and not subject.source.startswith(GRID)
