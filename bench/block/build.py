"""Making the files of the test set: clips of the sources, changed by the simulator; a work folder keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench import clips
from bench.accuracy.model import Role
from bench.block.plan import Job
from bench.provenance import digest
from bench.sources import Source
from glasswatch.core.errors import UsageError
from glasswatch.simulator import simulate, write_labels
from glasswatch.simulator.blocks import LARGE_CODE8
from glasswatch.simulator.labels import Labels

CLIP_S = 4.0
CLIP_LINES = 540
CLIP_ENCODING = ("-fps_mode", "vfr", "-pix_fmt", "yuv420p", "-c:v", "libx264", "-crf", "10", "-preset", "veryfast")
"""Its error is far below what is seen, so that a clip is as clean as its source."""

SUFFIX = ".mkv"

MADE_BY = (
    *("bitstream.py", "blocks.py", "encode.py", "pipeline.py", "source.py", "media.py", "settings.py"),
    *("effects/block_corruption.py", "effects/block_negatives.py"),
)
"""The simulator's pictures: what an older one has made is made anew."""

BlockMap = npt.NDArray[np.bool_]
Spans = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What is damaged in a file, by one definition.

    Attributes:
        events: Start and end in seconds of each stretch of damaged pictures.
        pictures: For each damaged picture its time in seconds and its blocks of 16 x 16 pixels, (rows, columns).
    """

    events: Spans = ()
    pictures: tuple[tuple[float, BlockMap], ...] = ()

    @classmethod
    def of(cls, labels: Labels) -> Truth:
        """What the labels say."""
        return cls(
            tuple((d.start_s, d.end_s) for d in labels.defects if d.defect == "block_corruption"),
            tuple((p.time_s, p.map()) for p in labels.pictures),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """One file of the test set.

    Attributes:
        label: What it is, unique.
        kind: What it is, in a word or two, the same for many files.
        use: "train" or "validate", of the source.
        facts: What tables are grouped by: mode, codec, strength.
        labelled: Damage by the simulator's own definition, marginal blocks included.
        large: The part of it that is further off than LARGE_CODE8.
    """

    label: str
    path: Path
    source: str
    use: str
    role: Role
    kind: str
    facts: Mapping[str, str]
    labelled: Truth = Truth()
    large: Truth = Truth()


def subject_of(source: Source, role: Role) -> Subject:
    """A media file as it is."""
    return Subject(source.name, source.path, source.name, source.use, role, "untouched", {})


def build(job: Job, folder: Path) -> Subject:
    """Make the file of a job, or take it from `folder`.

    Raises:
        GlasswatchError: The source cannot be cut, or it does not bear the case.
    """
    folder.mkdir(parents=True, exist_ok=True)
    clip = cut(job.source, folder)
    settings = {"video_codec": "libx264", "crf": "18", **job.case.settings}
    stem = digest(
        [
            repr((clip.name, job.case.injector, sorted(settings.items()), job.case.duration_s, job.seed)),
            clips.simulator_code(*MADE_BY),
        ]
    )
    target, plain, strict = folder / f"{stem}{SUFFIX}", folder / f"{stem}.json", folder / f"{stem}.large.json"
    if not strict.exists():
        given: dict[str, Any] = {"duration_s": job.case.duration_s, "seed": job.seed}
        labels = simulate(job.case.injector, clip, target, settings=settings, **given)
        write_labels(labels, plain)
        write_labels(_large(job, labels, clip, settings, given), strict)
    labelled, large = (Truth.of(Labels.model_validate_json(p.read_text("utf-8"))) for p in (plain, strict))
    case = job.case
    facts = {"mode": case.mode, "codec": case.codec or ("drawn" if case.mode else None), "strength": case.strength}
    return Subject(
        label=job.label,
        path=target,
        source=job.source.name,
        use=job.source.use,
        role=Role.INJECTED if case.mode else Role.NEGATIVE,
        kind="damaged" if case.mode else case.name,
        facts={key: value for key, value in facts.items() if value},
        labelled=labelled,
        large=large,
    )


def cut(source: Source, folder: Path) -> Path:
    """The first CLIP_S of a source without sound, of at most CLIP_LINES lines.

    Raises:
        GlasswatchError: FFmpeg cannot.
    """
    state = source.path.stat()
    stem = digest([repr((source.name, state.st_size, state.st_mtime_ns, CLIP_S, CLIP_LINES, CLIP_ENCODING))])
    target = folder / f"{stem}.clip{SUFFIX}"
    if not target.exists():
        scaled = f"scale=-2:min({CLIP_LINES}\\,trunc(ih/2)*2),setsar=1"
        given = ["-t", str(CLIP_S), "-i", str(source.path), "-map", "0:v:0", "-vf", scaled]
        clips.cut([*given, *CLIP_ENCODING, "-threads", "1"], target, source.name)
    return target


def _large(job: Job, labels: Labels, clip: Path, settings: Mapping[str, str], given: Mapping[str, Any]) -> Labels:
    """The labels of the same damage by the stricter definition: the same run once more, whose pictures nobody needs."""
    nothing = labels.model_copy(update={"defects": (), "pictures": ()})
    if labels.negative:
        return nothing
    unused = clip.with_name(f"{digest([job.label])}.unused{SUFFIX}")
    quick = {"crf": "51", "preset": "ultrafast", "least_code8": str(LARGE_CODE8)}
    try:
        return simulate(job.case.injector, clip, unused, settings={**settings, **quick}, **given)
    except UsageError:  # nothing is changed that much
        return nothing
    finally:
        unused.unlink(missing_ok=True)
