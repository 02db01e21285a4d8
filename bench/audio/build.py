"""Making the files of the test set: clips of the sources, changed by the simulator; a work folder keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench import clips
from bench.accuracy.definitions import HUM_DBFS
from bench.accuracy.model import Role
from bench.audio.plan import CLIP_S, DEFECT_PART, ENCODINGS, Job
from bench.provenance import digest
from bench.sources import Source
from glasswatch.simulator import simulate, write_labels
from glasswatch.simulator.labels import Labels

DEFINITIONS = {"hum_above_dbfs": HUM_DBFS, "clip_s": CLIP_S, "defect_part": DEFECT_PART}

CLIP_ENCODING = ("-af", "asetnsamples=n=4096:p=0", "-sample_fmt", "s16", "-c:a", "flac")
"""FFmpeg's FLAC makes all frames as short as the first one, which may be what is left of a decoder's delay."""

MADE_BY = (
    *("encode.py", "pipeline.py", "source.py", "media.py", "sound.py", "soundcoding.py", "synthesis.py"),
    *("effects/added.py", "effects/clicks.py", "effects/distortion.py", "effects/played.py"),
    *("effects/audio_negatives.py", "effects/ambience_negatives.py", "effects/instrument_negatives.py"),
)
"""The simulator's sound: what an older one has made is made anew."""

Spans = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Before:
    """How the sound of a file came to be; times of it begin with the clip.

    Attributes:
        clip: What it was made from.
        plain: What it was before it was coded.
        spans: Where it has the defect.
        lead_s: From its times to those of the file.
    """

    clip: Path
    plain: Path
    spans: Spans
    lead_s: float


@dataclass(frozen=True, slots=True)
class Subject:
    """One file of the test set.

    Attributes:
        label: What it is, unique.
        use: "train" or "validate", of the source.
        kind: What it is, in a word or two: a defect, a negative or "untouched".
        facts: What tables are grouped by: mode, strength, level, coding.
        spans: Where it has the defect, in seconds of the file.
        required: Whether that has to be found.
        before: Where it comes from; None for media as they are.
    """

    label: str
    path: Path
    source: str
    use: str
    role: Role
    kind: str
    facts: Mapping[str, str] = field(default_factory=dict)
    spans: Spans = ()
    required: bool = True
    before: Before | None = None


def subject_of(source: Source, role: Role) -> Subject:
    """A media file as it is."""
    return Subject(source.name, source.path, source.name, source.use, role, "untouched")


def build(job: Job, folder: Path) -> Subject:
    """Make the file of a job, or take it from `folder`.

    Raises:
        GlasswatchError: The source cannot be cut, or it does not bear the case.
    """
    folder.mkdir(parents=True, exist_ok=True)
    clip, length_s = cut(job, folder)
    case = job.case
    suffix, codec = ENCODINGS[job.encoding]
    plain, before = _simulated(job, clip, length_s, folder, ".mkv", "flac")
    target, after = _simulated(job, clip, length_s, folder, suffix, codec)
    lead_s = (after.start_s or 0.0) - (before.start_s or 0.0)
    level = min((d.strength.get("level_dbfs", 0.0) for d in after.defects), default=0.0)
    facts = {"mode": case.mode, "strength": case.strength, "level": case.level, "coding": job.encoding}
    return Subject(
        label=job.label,
        path=target,
        source=job.source.name,
        use=job.source.use,
        role=Role.INJECTED if case.mode else Role.NEGATIVE,
        kind=case.injector,
        facts={key: value for key, value in facts.items() if value},
        spans=_spans(after, case.injector),
        required=case.injector != "hum" or level > HUM_DBFS,
        before=Before(clip, plain, _spans(before, case.injector), lead_s),
    )


def cut(job: Job, folder: Path) -> tuple[Path, float]:
    """CLIP_S of a source's sound, or all of it, lossless; and how long that is.

    Raises:
        GlasswatchError: FFmpeg cannot.
    """
    source = job.source
    length_s = min(CLIP_S, source.duration_s)
    start_s = round(job.at * (source.duration_s - length_s), 2)
    state = source.path.stat()
    stem = digest([repr((source.name, state.st_size, state.st_mtime_ns, start_s, length_s, CLIP_ENCODING))])
    target = folder / f"{stem}.clip.mkv"
    if not target.exists():
        span = ("-ss", str(start_s), "-t", str(length_s))
        clips.cut([*span, "-i", str(source.path), "-map", "0:a:0", *CLIP_ENCODING], target, source.name)
    return target, length_s


def _simulated(job: Job, clip: Path, length_s: float, folder: Path, suffix: str, codec: str) -> tuple[Path, Labels]:
    """The changed clip in a container and codec; both runs of a job do the same to the sound."""
    case = job.case
    settings = {**case.settings, "audio_codec": codec}
    duration_s, start_s = None, None
    if case.mode:
        duration_s = round(DEFECT_PART * length_s, 2)
    else:
        start_s, duration_s = 0.0, length_s
    parts = (clip.name, case.injector, sorted(settings.items()), start_s, duration_s, job.seed)
    stem = digest([repr(parts), clips.simulator_code(*MADE_BY)])
    target, truth = folder / f"{stem}{suffix}", folder / f"{stem}.json"
    if not (target.exists() and truth.exists()):
        labels = simulate(
            case.injector, clip, target, start_s=start_s, duration_s=duration_s, seed=job.seed, settings=settings
        )
        write_labels(labels, truth)
    return target, Labels.model_validate_json(truth.read_text("utf-8"))


def _spans(labels: Labels, defect: str) -> Spans:
    return tuple((d.start_s, d.end_s) for d in labels.defects if d.defect == defect)
