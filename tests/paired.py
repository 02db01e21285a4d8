"""A detector for tests that needs picture and sound, and media for it: flashes and beeps that belong together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from glasswatch.aggregator.rules import DefectRule
from glasswatch.config.channels import Channel
from glasswatch.config.profile import Profile
from glasswatch.core.detection import Detection, Verdict
from glasswatch.core.detector import Detector, DetectorContext, DetectorSpec
from glasswatch.core.media import AudioChunk, FrameChunk, MediaUnit
from glasswatch.core.message import MediaMessage
from glasswatch.core.needs import AudioNeed, Planes, VideoNeed
from glasswatch.core.runs import Reading, Runs
from glasswatch.core.time import Instant, Span
from glasswatch.detectors.params import Params
from glasswatch.detectors.registry import AnyDetector
from glasswatch.runtime.channels.session import LiveNumbers, Opener

BIN_S = Fraction(1, 100)
FPS, RATE = 10, 8000

Stretches = Sequence[tuple[float, float]]


class PairedParams(Params):
    """Settings.

    Attributes:
        loud: Samples above this are a beep.
    """

    loud: float


@dataclass(slots=True)
class PairedState:
    """Frames that wait for their sound, and hundredths of a second in which the first track beeps."""

    frames: list[tuple[Span, bool]] = field(default_factory=list)
    heard: Instant | None = None
    beeps: list[int] = field(default_factory=list)
    runs: Runs = field(default_factory=Runs)


class Paired(Detector[PairedParams, PairedState]):
    """DEFECT where the picture flashes without a beep, or there is a beep without a flash."""

    spec = DetectorSpec(
        name="paired",
        version="1",
        defects=("paired",),
        needs=(VideoNeed(Planes.LUMA, lines=32), AudioNeed()),
        measurements={},
    )

    def fresh_state(self) -> PairedState:
        return PairedState()

    def process(self, unit: MediaUnit) -> Sequence[Detection]:
        state = self.state
        if isinstance(unit, FrameChunk):
            bright = unit.luma.mean(axis=(1, 2)) > 128
            state.frames += [(unit.frame_span(i), bool(bright[i])) for i in range(len(unit))]
        if isinstance(unit, AudioChunk) and unit.track == 0:
            loud = np.flatnonzero(np.abs(unit.samples).max(axis=0) > self.params.loud)
            state.beeps += sorted({int(unit.time_of(int(sample)) / BIN_S) for sample in loud} - set(state.beeps))
            state.heard = unit.end
        return [found for found in self._judge() for found in self._add(*found)]

    def finish(self, at: Instant) -> Sequence[Detection]:
        left = [self._add(span, Reading(Verdict.INCONCLUSIVE, 0.0, reason="no sound")) for span, _ in self.state.frames]
        ended = [self._speak(span, reading) for span, reading in self.state.runs.end()]
        return [*(detection for found in left for detection in found), *ended]

    def _judge(self) -> Iterable[tuple[Span, Reading]]:
        state = self.state
        while state.frames and state.heard is not None and state.heard.seconds >= state.frames[0][0].end:
            span, bright = state.frames.pop(0)
            bins = range(-(-span.start // BIN_S), int(span.end // BIN_S))
            beeps = bool(set(state.beeps) & set(bins))
            state.beeps = [number for number in state.beeps if number >= bins.start]
            defect = bright != beeps
            yield span, Reading(Verdict.DEFECT if defect else Verdict.OK, float(defect))

    def _add(self, span: Span, reading: Reading) -> list[Detection]:
        return [self._speak(*run) for run in self.state.runs.add(span, reading)]

    def _speak(self, span: Span, run: Reading) -> Detection:
        return self.detection("paired", span, run.verdict, run.score, reason=run.reason)


PARAMS = PairedParams(loud=0.1)
PROFILE = Profile(
    params={"paired": PARAMS}, rules={"paired": DefectRule(severity={"error": 0.1})}, masks=(), incidents=()
)


def make_paired(channel: str, track: str | None = None) -> AnyDetector:
    return Paired(PARAMS, DetectorContext(channel, track))


def write_title(
    path: Path,
    *,
    flashes: Stretches,
    beeps: Stretches,
    picture: tuple[float, float] | None,
    sound: Stretches,
    in_order: bool = True,
) -> Path:
    """A title with flashes and beeps; `picture` is from when to when there is one, `sound` where there is some.

    Unless `in_order`, all of the picture lies before the sound, as far as the container lets it.
    """
    packets: list[tuple[float, av.Packet[av.VideoStream] | av.Packet[av.AudioStream]]] = []
    with av.open(str(path), "w") as out:
        video = out.add_stream("mpeg4", rate=FPS) if picture else None
        audio = out.add_stream("pcm_s16le", rate=RATE, layout="mono") if sound else None
        if video is not None and picture is not None:
            video.width, video.height, video.pix_fmt, video.gop_size = 64, 48, "yuv420p", 1
            for i in range(round(picture[0] * FPS), round(picture[1] * FPS)):
                level = 220 if _inside(i / FPS, flashes) else 40
                frame = av.VideoFrame.from_ndarray(np.full((48, 64), level, np.uint8), "gray").reformat(
                    format="yuv420p"
                )
                frame.pts, frame.time_base = i, Fraction(1, FPS)
                packets += [(i / FPS, packet) for packet in video.encode(frame)]
            packets += [(picture[1], packet) for packet in video.encode(None)]
        for start, end in sound:
            assert audio is not None
            for first in range(round(start * RATE), round(end * RATE), 160):
                level = 12000 if _inside(first / RATE, beeps) else 0
                pcm = np.full((1, 160), level, np.int16)
                block = av.AudioFrame.from_ndarray(pcm, "s16", "mono")
                block.sample_rate, block.pts, block.time_base = RATE, first, Fraction(1, RATE)
                packets += [(first / RATE, packet) for packet in audio.encode(block)]
        for _, packet in sorted(packets, key=lambda item: item[0]) if in_order else packets:
            out.mux(packet)
    return path


def messages(path: Path, channel: str) -> list[MediaMessage]:
    """The title's session, as a decoder publishes it."""
    with closing(Opener()(Channel(channel, str(path)), Paired.spec.needs, LiveNumbers())) as session:
        return list(session.messages())


def _inside(seconds: float, stretches: Stretches) -> bool:
    return any(start - 1e-6 <= seconds < end - 1e-6 for start, end in stretches)
