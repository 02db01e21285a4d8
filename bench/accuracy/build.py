"""Making the files of the test set with the simulator; a work folder keeps them for the next run."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path

import av

from bench.accuracy.definitions import truth_of
from bench.accuracy.model import Role, Subject
from bench.accuracy.plan import Job
from bench.accuracy.reviewed import reviewed_truths
from bench.provenance import digest
from bench.sources import Source
from glasswatch.core.errors import GlasswatchError
from glasswatch.simulator import simulate, write_labels
from glasswatch.simulator.labels import Labels


def subject_of(source: Source, role: Role) -> Subject:
    """A media file as it is."""
    duration_s, fps, channels = probe(source.path)
    return Subject(
        label=source.name,
        path=str(source.path),
        source=source.name,
        role=role,
        use=source.use,
        duration_s=duration_s,
        fps=fps,
        channels=channels,
        truths=reviewed_truths(source, duration_s, injected=False),
    )


def build(job: Job, folder: Path) -> Subject:
    """Make the file, or take it from `folder`; a source that does not bear the case gives way to the next one.

    Raises:
        GlasswatchError: None of the sources bears it.
    """
    reasons = []
    for source in (job.source, *job.spares):
        try:
            path, labels = _simulated(job, source, folder)
        except GlasswatchError as error:
            reasons.append(f"{source.name}: {error}")
        else:
            return _labelled(job, source, path, labels)
    raise GlasswatchError("; ".join(reasons))


def probe(path: Path) -> tuple[float, float | None, int]:
    """Duration in seconds, frame rate and channels; zeros for what cannot be opened."""
    try:
        with av.open(str(path), metadata_errors="replace") as container:
            duration_s = container.duration / av.time_base if container.duration else 0.0
            audio = container.streams.audio
            moving = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
            fps = float(moving[0].average_rate or moving[0].guessed_rate or 25) if moving else None
            return duration_s, fps, audio[0].channels if audio else 0
    except (av.FFmpegError, OSError):
        return 0.0, None, 0


def _simulated(job: Job, source: Source, folder: Path) -> tuple[Path, Labels]:
    suffix, encoding = job.encoding
    settings = {**encoding, **job.case.settings}
    if source.size is None:
        settings = {k: v for k, v in settings.items() if k not in ("video_codec", "crf", "gop")}
    duration_s = job.case.duration_s
    if job.case.frames is not None:
        _, fps, _ = probe(source.path)
        duration_s = job.case.frames / (fps or 25)
    state = source.path.stat()
    window = (job.case.start_s, duration_s)
    parts = (job.case.injector, source.name, state.st_size, suffix, sorted(settings.items()), window, job.seed)
    stem = digest([repr(parts), _simulator_code()])
    target, truth = folder / f"{stem}{suffix}", folder / f"{stem}.json"
    if not (target.exists() and truth.exists()):
        labels = simulate(
            job.case.injector,
            source.path,
            target,
            start_s=job.case.start_s,
            duration_s=duration_s,
            seed=job.seed,
            settings=settings,
        )
        write_labels(labels, truth)
    return target, Labels.model_validate_json(truth.read_text("utf-8"))


@cache
def _simulator_code() -> str:
    """Hash of the simulator itself: what an older one has made is made anew."""
    package = Path(str(resources.files("glasswatch.simulator")))
    return digest(path.read_bytes() for path in sorted(package.rglob("*.py")))


def _labelled(job: Job, source: Source, path: Path, labels: Labels) -> Subject:
    duration_s, fps, channels = probe(path)
    truths = [truth for truth in map(truth_of, labels.defects) if truth is not None]
    negative = labels.negative or not any(t.defect == job.case.injector for t in truths)
    ends = (labels.start_s or 0.0, duration_s if labels.end_s is None else labels.end_s)
    return Subject(
        label=f"{job.label} seed={job.seed} of {source.name}",
        path=str(path),
        source=source.name,
        role=Role.NEGATIVE if negative else Role.INJECTED,
        use=source.use,
        duration_s=duration_s,
        fps=fps,
        channels=channels,
        truths=(*truths, *reviewed_truths(source, duration_s, injected=True)),
        defect=job.case.injector,
        changed=(ends[0], _recovered(labels, ends[1])),
    )


def _recovered(labels: Labels, end_s: float) -> float:
    """Until where a damaged stream may show consequences."""
    starts = [d.start_s + d.strength.get("recovery_s", 0.0) for d in labels.defects]
    return max([end_s, *starts])
