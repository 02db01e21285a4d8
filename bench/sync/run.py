"""Making the files and judging them, one at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from threadpoolctl import threadpool_limits

from bench.inspection import inspected
from bench.sync.build import made
from bench.sync.cases import DETECTOR, Case, Outcome
from glasswatch.core.detection import Detection
from glasswatch.core.errors import GlasswatchError


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where files are kept, and where models lie."""

    folder: Path
    repository: Path


def examine(workshop: Workshop, case: Case) -> Outcome | str:
    """Make the file and inspect it; the reason where that cannot be done."""
    # Files are examined side by side; threads of BLAS below them would only spin for the same cores.
    with threadpool_limits(limits=1, user_api="blas"):
        return _examine(workshop, case)


def _examine(workshop: Workshop, case: Case) -> Outcome | str:
    found: list[Detection] = []
    try:
        path = made(case, workshop.folder)
    except (GlasswatchError, OSError) as error:
        return str(error).replace(str(workshop.folder), "WORK")
    report = inspected(path, DETECTOR, workshop.repository, found.append)
    if isinstance(report, str):
        return report.replace(str(workshop.folder), "WORK")
    events = sum(event.defect == DETECTOR for event in report.events)
    timing = report.timing
    return Outcome(case, tuple(found), events, timing.media_s, timing.detector_s[DETECTOR])
