"""What a second of 720p25 costs, by stage and as a command, with one face and with four."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import clips
from bench.inspection import inspected, why_unjudged
from bench.provenance import digest
from bench.speed.measure import interleaved, median
from bench.sync.cases import DETECTOR
from bench.sync.stopwatch import Stopwatch
from bench.tables import Table, number
from glasswatch.adapters.local_inference import LocalInference
from glasswatch.core.detection import Detection
from glasswatch.core.errors import GlasswatchError
from glasswatch.decoder.audio import AudioPath
from glasswatch.decoder.decode import Decoder
from glasswatch.decoder.video import VideoPath
from glasswatch.detectors.cuts import Cuts
from glasswatch.detectors.sync import follow
from glasswatch.detectors.sync.follow import Following
from glasswatch.detectors.sync.fragments import Fragment
from glasswatch.detectors.sync.listen import Listening
from glasswatch.detectors.sync.programme import Programme

ONE_FACE, FOUR_FACES = "talking/face2face_obama.mp4", "talking/edtalk_politician60s.mp4"
"""The second is seen four times at once, each at another time of it; the first of them is heard."""

LENGTH_S = 30
PANEL_STARTS_S = (0, 10, 20, 30)
ROUNDS = 3

ENCODING = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-threads", "1", "-c:a", "aac")

DECODE, RENDITIONS = "decoding", "scaling, RGB, samples"
IN_DECODER = (DECODE, RENDITIONS)
LOADING = "loading of models"
MODELS = {"face_detection": "face detection", "face_landmarks": "landmarks", "speech": "speech", "lip_sync": "lip sync"}

FUNCTIONS = (
    (Decoder, "_decode", DECODE),
    (VideoPath, "add", RENDITIONS),
    (AudioPath, "add", RENDITIONS),
    (Cuts, "begins", "cuts"),
    (follow, "take", "cutting faces out"),
    (Following, "add", "following faces"),
    (Following, "close", "following faces"),
    (Fragment, "add", "mouth geometry"),
    (Listening, "add", "sound features"),
    (Listening, "sound", "sound features"),
    (Programme, "add", "programme's offset"),
    (Programme, "line", "programme's offset"),
    (LocalInference, "infer", lambda args: MODELS.get(args[1], args[1])),
    (LocalInference, "_load", LOADING),
)
REST_OF_DETECTOR, REST = "rest of the detector", "rest of the process"


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one clip, in seconds for a second of media unless told otherwise.

    Attributes:
        clip: What it shows.
        media_s: Its length.
        faces: Mouths that a fragment was judged by, in the mean over those that were.
        stages: Processor time in one inspection in this process, decoder and detector with one thread each.
        cpu: Processor time of the command, its start included.
        wall: Elapsed time of the command.
        peak_rss_bytes: Its peak memory.
        error: Why something was not judged, None where all was.
    """

    clip: str
    media_s: float
    faces: float
    stages: dict[str, float]
    cpu: float
    wall: float
    peak_rss_bytes: int
    error: str | None


def costs(media: Path, repository: Path, work: Path, *, quick: bool) -> list[Cost]:
    """One face, and four unless it must be quick.

    Raises:
        GlasswatchError: A clip cannot be made or not be inspected.
        RuntimeError: The command fails.
    """
    work.mkdir(parents=True, exist_ok=True)
    chosen = {"1 face": _one(media, work)} | ({} if quick else {"4 faces": _four(media, work)})
    glasswatch = [str(Path(sys.executable).with_name("glasswatch")), "inspect", "--quiet", "--detectors", DETECTOR]
    commands = {name: [*glasswatch, "--models", str(repository), str(clip)] for name, clip in chosen.items()}
    # Before models are loaded here: the peak of a child is at least what its parent holds (bench/speed/measure.py).
    ran = interleaved(commands, 1 if quick else ROUNDS, (0, 1))
    found = []
    for name, clip in chosen.items():
        media_s, faces, stages, error = by_stage(clip, repository)
        spent = median(ran[name])
        cpu, wall = spent.cpu_s / media_s, spent.wall_s / media_s
        found.append(Cost(name, media_s, faces, stages, cpu, wall, spent.peak_rss_bytes, error))
    return found


def by_stage(clip: Path, repository: Path) -> tuple[float, float, dict[str, float], str | None]:
    """Length of a clip, its faces, processor time by stage for a second of it, and what was not judged.

    Raises:
        GlasswatchError: It cannot be inspected.
    """
    watch, said = Stopwatch(), list[Detection]()
    with watch.watching(FUNCTIONS):
        report = inspected(clip, DETECTOR, repository, said.append)
    if isinstance(report, str):
        raise GlasswatchError(report)
    timing = report.timing
    stages = {name: watch.spent.get(name, 0.0) for name in _stages()} | watch.spent
    in_detector = sum(spent for name, spent in stages.items() if name not in IN_DECODER)
    stages[REST_OF_DETECTOR] = timing.detector_s[DETECTOR] - in_detector
    stages[REST] = timing.cpu_s - sum(stages.values())
    faces = [d.measurements["tracks"] for d in said if "tracks" in d.measurements]
    return (
        timing.media_s,
        sum(faces) / max(len(faces), 1),
        {name: spent / timing.media_s for name, spent in stages.items()},
        why_unjudged(report),
    )


def _stages() -> list[str]:
    """In the order of FUNCTIONS, each once."""
    named = [stage for _, _, stage in FUNCTIONS if isinstance(stage, str) and stage != LOADING]
    return list(dict.fromkeys([*named, *MODELS.values(), LOADING]))


def _one(media: Path, work: Path) -> Path:
    graph = ("-vf", "fps=25,scale=1280:720,setsar=1")
    return _made(work, media / ONE_FACE, ("-t", str(LENGTH_S), "-i", str(media / ONE_FACE), *graph))


def _four(media: Path, work: Path) -> Path:
    path, count = media / FOUR_FACES, len(PANEL_STARTS_S)
    inputs = [("-ss", str(start), "-t", str(LENGTH_S), "-i", str(path)) for start in PANEL_STARTS_S]
    panels = ";".join(f"[{n}:v]fps=25,scale=360:360,pad=640:360:140:0,setsar=1[p{n}]" for n in range(count))
    names = "".join(f"[p{n}]" for n in range(count))
    graph = f"{panels};{names}xstack=inputs={count}:layout=0_0|w0_0|0_h0|w0_h0[v]"
    flat = [word for one in inputs for word in one]
    return _made(work, path, (*flat, "-filter_complex", graph, "-map", "[v]", "-map", "0:a:0"))


def _made(work: Path, source: Path, arguments: Sequence[str]) -> Path:
    # Folders are no part of the name.
    told = [word.replace(str(source), source.name) for word in (*arguments, *ENCODING)]
    target = work / f"sync-cost-{digest([*told, str(source.stat().st_size)])}.mp4"
    if not target.exists():
        clips.cut((*arguments, *ENCODING), target, source.name)
    return target


def tables(some: Sequence[Cost]) -> list[Table]:
    """By stage, and as a command."""
    names = dict.fromkeys(name for one in some for name in one.stages)
    rows = [[name, *(number(1000 * one.stages.get(name, 0.0), 1) for one in some)] for name in names]
    rows.append(["all", *(number(1000 * sum(one.stages.values()), 1) for one in some)])
    ran: list[list[Any]] = [
        [
            *(one.clip, number(one.media_s, 0), number(one.faces, 1), number(one.wall, 3), number(one.cpu, 3)),
            *(number(1 / one.wall, 1), number(one.peak_rss_bytes / 2**20, 0), one.error or ""),
        ]
        for one in some
    ]
    return [
        Table(
            "Processor milliseconds for a second of 720p25, av_sync",
            ("stage", *(one.clip for one in some)),
            rows,
            "One inspection, decoder and models with one thread each. A stage is without those inside of it.",
        ),
        Table(
            "`glasswatch inspect --detectors av_sync` at 720p25",
            ("clip", "s", "faces found", "wall s per s", "CPU s per s", "times real time", "peak MiB", "not judged"),
            ran,
            f"Medians of up to {ROUNDS} rounds of the command with its start, on the cores of this machine.",
        ),
    ]
