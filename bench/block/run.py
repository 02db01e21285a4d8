"""Building the test set and judging it, one file at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from bench.accuracy.model import Role
from bench.block.build import build, subject_of
from bench.block.events import Result, inspect
from bench.block.frames import Seen, judge
from bench.block.peer import with_blockiness
from bench.block.plan import Job, is_held_out
from bench.sources import Source
from glasswatch.adapters.local_inference import LocalInference
from glasswatch.core.errors import GlasswatchError

Item = Job | tuple[Source, Role]


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where files are kept, where models lie, and which of them judge single pictures."""

    folder: Path
    repository: Path
    models: tuple[str, ...]


def examine(workshop: Workshop, item: Item) -> Result | str:
    """Make one file and judge it; gives the reason where that cannot be done."""
    seen = Seen()
    try:
        subject = build(item, workshop.folder) if isinstance(item, Job) else subject_of(*item)
        # Media that may have been trained on say nothing about single pictures; they are there for false alarms.
        if isinstance(item, Job) or is_held_out(item[0]):
            seen = judge(subject, inference(workshop.repository), workshop.models)
            seen = replace(seen, looks=with_blockiness(seen.looks, subject.path))
    except (GlasswatchError, OSError) as error:
        return str(error).replace(str(workshop.folder), "WORK")
    return Result(subject, seen, inspect(subject.path, workshop.repository))


@cache
def inference(repository: Path) -> LocalInference:
    """One for each process, so that a model is loaded once."""
    return LocalInference(repository)
