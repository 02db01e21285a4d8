"""Building the test set and running every tool over it, several files at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import imageio_ffmpeg
from pydantic import TypeAdapter

from bench.accuracy import tools
from bench.accuracy.build import build, subject_of
from bench.accuracy.essentia_peer import essentia
from bench.accuracy.evidence import Sound, settled, weighed
from bench.accuracy.filters import PHASE_FILTERS, SOUND_FILTERS, VIDEO_FILTERS
from bench.accuracy.model import OURS, SOUND, Finding, Result, Role, Subject
from bench.accuracy.plan import Job
from bench.parallel import each
from bench.provenance import digest
from bench.sources import Source
from glasswatch.core.errors import GlasswatchError

Item = Job | tuple[Source, Role]
_FINDING = TypeAdapter(Finding)


@dataclass(frozen=True, slots=True)
class Workshop:
    """Where files are kept and which tools run; `essentia` is a Python that has Essentia, None to leave it out."""

    folder: Path
    essentia: str | None = None


def run(items: Sequence[Item], workshop: Workshop, processes: int) -> Iterator[tuple[Item, Result | str]]:
    """Each item with its result, or with the reason why its file could not be made; in the order of completion."""
    workshop.folder.mkdir(parents=True, exist_ok=True)
    for number, result in each(partial(examine, workshop=workshop), items, processes):
        yield items[number], result


def examine(item: Item, workshop: Workshop) -> Result | str:
    """Make one file and let every tool judge it; gives the reason where it cannot be made."""
    try:
        subject = build(item, workshop.folder) if isinstance(item, Job) else subject_of(*item)
    except GlasswatchError as error:
        return str(error)
    findings = {OURS: tools.glasswatch(subject), tools.FFMPEG: _kept(subject, workshop, tools.FFMPEG)}
    if workshop.essentia is not None and subject.channels and (subject.defect is None or subject.defect in SOUND):
        findings[tools.ESSENTIA] = _kept(subject, workshop, tools.ESSENTIA)
    sound = Sound(subject.path)
    subject = replace(subject, truths=settled(subject.truths, sound))
    meter = findings[tools.FFMPEG].meter
    return Result(subject, {t: replace(f, claims=weighed(f.claims, sound, meter)) for t, f in findings.items()})


def _kept(subject: Subject, workshop: Workshop, tool: str) -> Finding:
    """A peer's finding, from the last run where file, tool and settings are the same."""
    state = Path(subject.path).stat()
    settings = f"{VIDEO_FILTERS} {SOUND_FILTERS} {PHASE_FILTERS}"
    version = imageio_ffmpeg.get_ffmpeg_version() if tool == tools.FFMPEG else str(workshop.essentia)
    code = Path(__file__).with_name("tools.py" if tool == tools.FFMPEG else "essentia_peer.py").read_bytes()
    parts = (tool, version, settings, subject.path, str(state.st_size), str(state.st_mtime_ns))
    kept = workshop.folder / f"{digest([*parts, code])}.{tool}.json"
    if kept.exists():
        return _FINDING.validate_json(kept.read_bytes())
    if tool == tools.FFMPEG:
        finding = tools.ffmpeg(subject)
    else:
        assert workshop.essentia is not None
        finding = essentia(subject, workshop.essentia)
    kept.write_text(json.dumps(asdict(finding)), "utf-8")
    return finding
