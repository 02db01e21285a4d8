"""The files: people who talk, as they are, with their sound moved, and with somebody else's."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bench.provenance import digest
from bench.sources import Source
from glasswatch.config.profile import load_profile
from glasswatch.core.detection import Detection
from glasswatch.core.errors import GlasswatchError
from glasswatch.decoder.source import open_source
from glasswatch.runtime.inspect import Inspection
from glasswatch.simulator import simulate

DETECTOR = "av_sync"

FRAME_MS = 40.0
SHIFTS = (-15, -10, -5, -3, -2, -1, 1, 2, 3, 5, 10, 15)
QUICK_SHIFTS = (-5, 5)
"""Frames of FRAME_MS by which sound is made earlier."""


@dataclass(frozen=True, slots=True)
class Case:
    """One file to judge.

    Attributes:
        source: Who talks.
        shift: Frames by which the sound is earlier than in the source.
        voice: Whose sound is heard instead, None for the source's own.
    """

    source: Source
    shift: int = 0
    voice: Source | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was said of a file: its fragments, its events, and what the detector took of a core."""

    case: Case
    fragments: tuple[Detection, ...]
    events: int
    media_s: float
    cpu_s: float


def cases(sources: list[Source], *, quick: bool) -> list[Case]:
    """All files for people whom the released weights were not learned from, and the defect that is known."""
    people = [s for s in sources if s.folder == "talking" and s.use == "validate" and s.size and s.channels]
    known = [s for s in sources if s.folder == "defects" and "syncnet" in s.name]
    shifts = QUICK_SHIFTS if quick else SHIFTS
    found = [Case(source) for source in (*people, *known)]
    found += [Case(source, shift) for source in people for shift in shifts]
    return found + [Case(s, voice=people[(i + 1) % len(people)]) for i, s in enumerate(people) if len(people) > 1]


def judge(case: Case, work: Path, models: Path | None) -> Outcome | str:
    """Make the file, and inspect it; the reason where that cannot be done."""
    found: list[Detection] = []
    try:
        path = made(case, work)
        with closing(open_source(str(path))) as source:
            profile = load_profile(only=[DETECTOR])
            inspection = Inspection(source, profile, threads=1, models=models, on_detection=found.append)
            report = inspection.run()
    except (GlasswatchError, OSError) as error:
        return str(error).replace(str(work), "WORK")
    events = sum(event.defect == DETECTOR for event in report.events)
    return Outcome(case, tuple(found), events, report.timing.media_s, report.timing.detector_s[DETECTOR])


def made(case: Case, work: Path) -> Path:
    """The file of a case; what was made before is taken from `work`."""
    if not case.shift and case.voice is None:
        return case.source.path
    parts = (case.source.name, case.shift, case.voice.name if case.voice else "", case.source.path.stat().st_size)
    target = work / f"sync-{digest([repr(parts)])}.mp4"
    if not target.exists():
        work.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(f".{time.monotonic_ns()}.mp4")
        if case.voice is not None:
            simulate("dubbed", case.source.path, part, settings={"voice": str(case.voice.path)})
        else:
            simulate(DETECTOR, case.source.path, part, settings={"offset_ms": str(FRAME_MS * case.shift)})
        part.rename(target)
    return target
