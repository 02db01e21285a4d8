"""`glasswatch inspect --evidence`: what is needed for it before the inspection, and drawing it afterwards."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from pathlib import Path

from glasswatch.cli.messages import say
from glasswatch.cli.output import ProgressBar
from glasswatch.cli.table import line
from glasswatch.core.errors import OutputError, UsageError
from glasswatch.decoder.source import Source
from glasswatch.evidence import video
from glasswatch.evidence.record import Recorder
from glasswatch.report.model import Report
from glasswatch.runtime.inspect import Progress

DRAWN = "av_sync"


def prepared(folder: Path, source: Source, detectors: Collection[str]) -> Recorder:
    """Make the folder, and what remembers the inspection.

    Raises:
        UsageError: Nothing that is drawn is judged, or the input can be read once only.
        OutputError: The folder cannot be written.
    """
    if DRAWN not in detectors:
        raise UsageError(f"--evidence draws how {DRAWN} judges, which is not chosen: add --detectors {DRAWN}")
    if source.path is None:
        raise UsageError("--evidence reads the input twice: name a file, not a URL")
    try:
        folder.mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except FileExistsError:
        raise UsageError(f"{folder} is a file; name a folder for --evidence") from None
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror}") from error
    for path in video.paths_of(folder, source.describe()).values():
        if path.exists() and path.samefile(source.path):
            raise UsageError(f"{path}: the evidence would overwrite the input")
        if path.is_dir():
            raise UsageError(f"{path} is a directory, where the evidence would be written")
    return Recorder()


def write(folder: Path, source: Source, recorder: Recorder, report: Report, *, threads: int, quiet: bool) -> bool:
    """Draw, and say where; gives whether the videos reach as far as the inspection did.

    Raises:
        InputError: The input cannot be read any more.
        OutputError: A video cannot be written.
    """
    if recorder.params is None or recorder.end is None:
        say(f"--evidence: nothing is drawn, since {DRAWN} was given no picture with sound")
        return True
    until = None if report.complete else recorder.end
    duration_s, events = report.timing.media_s or None, len(report.events)
    with ProgressBar(shown=not quiet) as bar:
        drawn = video.draw(
            source.location,
            recorder,
            folder,
            until=until,
            threads=threads,
            limits=source.limits,
            on_progress=lambda position_s, wall_s: bar.update(Progress(position_s, duration_s, wall_s, events)),
        )
    if drawn.interrupted:
        say(f"interrupted; the evidence ends at {drawn.position_s:.1f} s")
    elif until is not None:
        say(f"the evidence ends with what was judged, at {drawn.position_s:.1f} s")
    if not quiet:
        for path in drawn.paths:
            line(f"Evidence: {path.resolve()}")
    return not drawn.interrupted
