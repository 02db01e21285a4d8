"""Judging single pictures: the models' maps and scores of a sample of a file's pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import Interpolation, VideoReformatter

from bench.block.build import Subject
from bench.block.metrics import Overlap, block_overlap, cell_overlap
from glasswatch.ports.inference import Inference

DAMAGED_STEP = 4
CLEAN_STEP = 12
"""Of a file's damaged pictures every fourth is judged, of the others every twelfth: neighbours are much alike."""

MOST_LINES = 1080
"""As the detector asks of its rendition."""

BATCH = 4
CELL_THRESHOLD = 0.5
DEADLINE_S = 120.0
SAME_TIME_S = 0.004
"""Containers round times to a millisecond at worst."""

Rgb = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one model says of one picture.

    Attributes:
        score: The learned decision, 0 to 1.
        area: Part of its cells at CELL_THRESHOLD or above.
        cells: Overlap with the truth by cells, None where nothing is visibly damaged.
        blocks: The same by blocks.
    """

    score: float
    area: float
    cells: Overlap | None = None
    blocks: Overlap | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """One picture that was judged.

    Attributes:
        time_s: From the start of the file.
        labelled: Damaged part of its blocks, marginal ones included.
        visible: Visibly damaged part of them.
        readings: By model.
        peer: FFmpeg's blockdetect, None where it gave none.
    """

    time_s: float
    labelled: float
    visible: float
    readings: Mapping[str, Reading]
    peer: float | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What was judged of a file, and the times of all of its pictures in seconds from its start."""

    looks: tuple[Look, ...]
    times_s: tuple[float, ...]


@dataclass(slots=True)
class _Pending:
    """Pictures of one size that wait to be judged together."""

    frames: list[Rgb] = field(default_factory=list)
    times_s: list[float] = field(default_factory=list)


class Truths:
    """The damaged pictures of a file, by their times."""

    def __init__(self, subject: Subject) -> None:
        self._labelled = subject.labelled.pictures
        self._visible = dict(subject.visible.pictures)
        self._times = np.array([time for time, _ in self._labelled])

    def at(self, time_s: float) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]] | None:
        """Labelled and visible blocks of the picture shown at that time, None where it is whole."""
        number = int(np.searchsorted(self._times, time_s - SAME_TIME_S))
        if number == len(self._times) or self._times[number] > time_s + SAME_TIME_S:
            return None
        time, labelled = self._labelled[number]
        visible = self._visible.get(time)
        return labelled, np.zeros_like(labelled) if visible is None else visible & labelled


def judge(subject: Subject, inference: Inference, models: Sequence[str]) -> Seen:
    """Let the models judge a sample of the pictures of a file."""
    truths = Truths(subject)
    times: list[float] = []
    looks: list[Look] = []
    waiting = _Pending()
    counts = {True: 0, False: 0}
    for time_s, frame in decoded(subject.path):
        times.append(time_s)
        is_damaged = truths.at(time_s) is not None
        counts[is_damaged] += 1
        if (counts[is_damaged] - 1) % (DAMAGED_STEP if is_damaged else CLEAN_STEP):
            continue
        picture = rgb(frame)
        if waiting.frames and (len(waiting.frames) == BATCH or waiting.frames[0].shape != picture.shape):
            looks += _judged(waiting, truths, inference, models)
            waiting = _Pending()
        waiting.frames.append(picture)
        waiting.times_s.append(time_s)
    if waiting.frames:
        looks += _judged(waiting, truths, inference, models)
    return Seen(tuple(looks), tuple(times))


def decoded(path: Path) -> Iterator[tuple[float, av.VideoFrame]]:
    """Every picture that can be decoded, with its time in seconds from the start of the file."""
    with av.open(str(path), metadata_errors="replace") as container:
        stream = container.streams.video[0]
        start_s = (container.start_time or 0) / av.time_base
        period_s = 1 / float(stream.average_rate or 25)
        try:
            for number, frame in enumerate(container.decode(stream)):
                yield (number * period_s if frame.time is None else frame.time - start_s), frame
        except av.FFmpegError:
            return  # The rest cannot be decoded; what could be is what viewers see.


def rgb(frame: av.VideoFrame) -> Rgb:
    """The picture as the decoder's RGB rendition has it, (height, width, 3)."""
    lines = min(frame.height, MOST_LINES)
    scaled = VideoReformatter().reformat(
        frame,
        width=max(1, round(frame.width * lines / frame.height)),
        height=lines,
        format="rgb24",
        interpolation=Interpolation.BILINEAR,
        threads=1,
    )
    return np.asarray(scaled.to_ndarray(), np.uint8)


def _judged(waiting: _Pending, truths: Truths, inference: Inference, models: Sequence[str]) -> Iterator[Look]:
    frames = np.stack(waiting.frames)
    outputs = {model: inference.infer(model, {"frames": frames}, DEADLINE_S) for model in models}
    for n, time_s in enumerate(waiting.times_s):
        truth = truths.at(time_s)
        readings = {}
        for model, found in outputs.items():
            cells = found["map"][n] >= CELL_THRESHOLD
            overlaps: tuple[Overlap, ...] = ()
            if truth is not None and truth[1].any():
                overlaps = cell_overlap(cells, *truth), block_overlap(cells, truth[1])
            readings[model] = Reading(float(found["score"][n, 0]), float(cells.mean()), *overlaps)
        labelled, visible = (0.0, 0.0) if truth is None else (float(m.mean()) for m in truth)
        yield Look(time_s, labelled, visible, readings)
