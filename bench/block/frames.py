"""Judging single pictures: the models' maps and scores of a sample of a file's pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache, partial
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from bench.block.build import BlockMap, Spans, Subject, Truth
from bench.block.metrics import Overlap, block_overlap, cell_overlap
from glasswatch.core.needs import VideoNeed
from glasswatch.decoder import pixels
from glasswatch.detectors.video.block_corruption import BlockCorruptionDetector
from glasswatch.ports.inference import Inference
from glasswatch.simulator.effects.block_corruption import JOIN_S
from glasswatch.simulator.visible import visible_blocks

DAMAGED_STEP = 4
CLEAN_STEP = 12
"""Of a file's damaged pictures every fourth is judged, of the others every twelfth: neighbours are much alike."""

(NEED,) = BlockCorruptionDetector.spec.needs
"""The rendition that the detector asks for."""

assert isinstance(NEED, VideoNeed)
assert NEED.rate is not None
RATE: Fraction = NEED.rate
"""Pictures of each second that it looks at."""

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
        cells: Overlap with what is seen to be damaged, by cells; None where nothing is.
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
        large: Part of them that is far off.
        visible: Part of these that is seen to be damaged in this picture.
        readings: By model.
        peer: FFmpeg's blockdetect, None where it gave none.
    """

    time_s: float
    labelled: float
    large: float
    visible: float
    readings: Mapping[str, Reading]
    peer: float | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What was judged of a file.

    Attributes:
        looks: A sample of its pictures.
        times_s: Of all of its pictures, in seconds from its start.
        visible: All damage that is seen in the pictures.
    """

    looks: tuple[Look, ...] = ()
    times_s: tuple[float, ...] = ()
    visible: Truth = field(default_factory=Truth)


@dataclass(frozen=True, slots=True, eq=False)
class Damage:
    """Blocks of one picture (rows, columns): labelled, of these far off, of these seen."""

    labelled: BlockMap
    large: BlockMap
    visible: BlockMap


@dataclass(slots=True)
class _Pending:
    """Pictures of one size that wait to be judged together, with their times and damage."""

    frames: list[Rgb] = field(default_factory=list)
    truths: list[tuple[float, Damage | None]] = field(default_factory=list)


class Truths:
    """The damaged pictures of a file, by their times."""

    def __init__(self, subject: Subject) -> None:
        self._labelled = subject.labelled.pictures
        self._large = dict(subject.large.pictures)
        self._times = np.array([time for time, _ in self._labelled])

    def at(self, time_s: float, picture: Callable[[], Rgb]) -> Damage | None:
        """Damage of the picture that is shown at that time, None where it is whole."""
        number = int(np.searchsorted(self._times, time_s - SAME_TIME_S))
        if number == len(self._times) or self._times[number] > time_s + SAME_TIME_S:
            return None
        time, labelled = self._labelled[number]
        if time not in self._large:
            nothing = np.zeros_like(labelled)
            return Damage(labelled, nothing, nothing)
        large = self._large[time] & labelled
        return Damage(labelled, large, visible_blocks(picture(), large))


def judge(subject: Subject, inference: Inference, models: Sequence[str]) -> Seen:
    """Let the models judge a sample of the pictures of a file."""
    truths = Truths(subject)
    times: list[float] = []
    visible: list[tuple[float, BlockMap]] = []
    looks: list[Look] = []
    waiting = _Pending()
    counts = {True: 0, False: 0}
    for time_s, frame in decoded(subject.path):
        times.append(time_s)
        convert = cache(partial(rgb, frame))
        damage = truths.at(time_s, convert)
        is_damaged = damage is not None
        if damage is not None and damage.visible.any():
            visible.append((time_s, damage.visible))
        counts[is_damaged] += 1
        if (counts[is_damaged] - 1) % (DAMAGED_STEP if is_damaged else CLEAN_STEP):
            continue
        picture = convert()
        if waiting.frames and (len(waiting.frames) == BATCH or waiting.frames[0].shape != picture.shape):
            looks += _judged(waiting, inference, models)
            waiting = _Pending()
        waiting.frames.append(picture)
        waiting.truths.append((time_s, damage))
    if waiting.frames:
        looks += _judged(waiting, inference, models)
    events = joined([time for time, _ in visible], times)
    return Seen(tuple(looks), tuple(times), Truth(events, tuple(visible)))


def joined(damaged_s: Sequence[float], times_s: Sequence[float]) -> Spans:
    """Stretches of damaged pictures, by the rule of the simulator's labels, among all pictures of a file."""
    spans: list[tuple[float, float]] = []
    ends = dict(zip(times_s, [*times_s[1:], *times_s[-1:]], strict=True))
    for start_s in damaged_s:
        begin_s = spans.pop()[0] if spans and start_s - spans[-1][1] <= float(JOIN_S) + SAME_TIME_S else start_s
        spans.append((begin_s, ends[start_s]))
    return tuple(spans)


def decoded(path: Path) -> Iterator[tuple[float, av.VideoFrame]]:
    """Every picture that can be decoded, with its time in seconds from the start of the file."""
    with av.open(str(path), metadata_errors="replace") as container:
        stream = container.streams.video[0]
        start_s = (container.start_time or 0) / av.time_base
        period_s = 1 / float(stream.average_rate or 25)
        for number, frame in enumerate(_frames(container, stream)):
            yield (number * period_s if frame.time is None else frame.time - start_s), frame


def _frames(container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
    """What decodes; packets that do not are passed over, as players do."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except (av.FFmpegError, IndexError):  # PyAV's IndexError: streams have appeared after opening
            return
        if packet is None:
            return
        with suppress(av.FFmpegError):
            yield from packet.decode()


def rgb(frame: av.VideoFrame) -> Rgb:
    """The picture as the detector gets it, (height, width, 3)."""
    return pixels.rgb(frame, pixels.size_of_lines(frame.width, frame.height, NEED.lines), VideoReformatter())


def _judged(waiting: _Pending, inference: Inference, models: Sequence[str]) -> Iterator[Look]:
    frames = np.stack(waiting.frames)
    outputs = {model: inference.infer(model, {"frames": frames}, DEADLINE_S) for model in models}
    for n, (time_s, damage) in enumerate(waiting.truths):
        readings = {}
        for model, found in outputs.items():
            cells = found["map"][n] >= CELL_THRESHOLD
            overlaps: tuple[Overlap, ...] = ()
            if damage is not None and damage.visible.any():
                overlaps = (
                    cell_overlap(cells, damage.labelled, damage.visible),
                    block_overlap(cells, damage.visible),
                )
            readings[model] = Reading(float(found["score"][n, 0]), float(cells.mean()), *overlaps)
        parts = (damage.labelled, damage.large, damage.visible) if damage is not None else ()
        labelled, large, visible = (float(m.mean()) for m in parts) if parts else (0.0, 0.0, 0.0)
        yield Look(time_s, labelled, large, visible, readings)
