"""The embedded topology: one input, the whole pipeline in one process.

The calling thread decodes; each detector has a thread of its own, and so have the aggregator and the collection of
evidence. Bounded queues between them let the slowest pace the decoder.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from threadpoolctl import threadpool_limits

from glasswatch.adapters.memory_bus import MemoryBus
from glasswatch.adapters.memory_store import MemoryEventStore
from glasswatch.aggregator.decisions import Decisions
from glasswatch.aggregator.incidents import group_incidents
from glasswatch.config.profile import Profile
from glasswatch.core.detection import Detection, Event
from glasswatch.core.detector import DetectorContext
from glasswatch.core.media import MediaUnit, StreamFact
from glasswatch.core.needs import AudioNeed, FactNeed, Planes, VideoNeed
from glasswatch.core.time import Instant
from glasswatch.decoder.decode import Decoder
from glasswatch.decoder.source import Source
from glasswatch.detectors.registry import AnyDetector, registered
from glasswatch.ports.bus import BusClosedError
from glasswatch.ports.inference import Inference
from glasswatch.report.evidence import EvidenceCollector
from glasswatch.report.model import DetectorResult, Report, Status, Timing, event_row
from glasswatch.runtime.detectors import FILE_DEADLINE_S, local_inference, make_detector
from glasswatch.runtime.joined_runner import JoinedRunner, Messages
from glasswatch.runtime.pipeline import Pipeline
from glasswatch.runtime.runner import DetectorRunner

DETECTIONS = "detections"

MESSAGES = "messages"
"""What detectors that join renditions read: one queue has the order of decoding, in which no rendition is far ahead."""

QUEUE_CHUNKS = 6
"""Media chunks that may wait for a consumer: two to three seconds of media."""

PICTURES = VideoNeed(Planes.PICTURE, lines=270)
"""The rendition that evidence pictures are made from; the detectors of this form of picture read it too."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an inspection has come."""

    position_s: float
    duration_s: float | None
    wall_s: float
    events: int


@dataclass(slots=True)
class Inspection:
    """One run over one input.

    Attributes:
        source: The opened input.
        profile: Detectors, parameters, rules.
        with_evidence: Whether to collect pictures and curves for a report that a person reads.
        threads: Decoder threads; 0 lets FFmpeg choose.
        on_progress: Called in the decoding thread after each media unit.
        on_detection: Called in the aggregator's thread with each detection, so that raw scores can be kept.
        on_detector: Called with each detector before its first unit, so that it can be watched.
        channel: Channel id in detections and events.
        models: The repository of the models that detectors call; None is `config.models.default_models`.
    """

    source: Source
    profile: Profile
    with_evidence: bool = False
    threads: int = 0
    on_progress: Callable[[Progress], None] | None = None
    on_detection: Callable[[Detection], None] | None = None
    on_detector: Callable[[AnyDetector], None] | None = None
    channel: str = "inspect"
    models: Path | None = None
    _inference: Inference | None = None
    _store: MemoryEventStore = field(default_factory=MemoryEventStore)
    _position: Fraction = Fraction(0)

    @property
    def events(self) -> Sequence[Event]:
        """The events found so far, incidents aside."""
        return self._store.events(self.channel)

    def run(self) -> Report:
        """Inspect the input to its end, or until KeyboardInterrupt: then the report says what was found so far."""
        # Detectors have threads of their own; BLAS threads below them would only spin for the same cores.
        with threadpool_limits(limits=1, user_api="blas"):
            return self._run()

    def _run(self) -> Report:
        started, cpu_started = time.perf_counter(), time.process_time()
        skipped = {name: reason for name in self.profile.params if (reason := self._why_skip(name))}
        runners = {name: self._runner(name) for name in self.profile.params if name not in skipped}
        needs = [need for name in runners for need in registered()[name].spec.needs]
        if self.with_evidence:
            needs += [PICTURES, AudioNeed()]
        decoder = Decoder(self.source, needs, threads=self.threads, track_groups=self.profile.track_groups)
        evidence = (
            EvidenceCollector(decoder.timeline, lambda: self.source.describe().video) if self.with_evidence else None
        )
        pipeline = Pipeline(MemoryBus(QUEUE_CHUNKS))
        self._connect(pipeline, decoder, runners, evidence)
        messages = Messages(self.channel, needs, self.source) if any(_joins(name) for name in runners) else None
        stopped = self._publish(pipeline, decoder, messages, started)
        pipeline.finish([*dict.fromkeys(need.rendition for need in needs), MESSAGES])
        pipeline.finish([DETECTIONS])
        events = group_incidents(self.events, self.profile.incidents)
        rows = [event_row(event, decoder.timeline) for event in events]
        return Report(
            input=self.source.describe(),
            detectors=tuple(
                _skipped(name, skipped[name]) if name in skipped else _result(runners[name])
                for name in self.profile.params
            ),
            events=tuple(sorted(rows, key=lambda row: (row.start_s, row.end_s, row.id))),
            timing=Timing(
                wall_s=time.perf_counter() - started,
                cpu_s=time.process_time() - cpu_started,
                media_s=float(self._position),
                peak_rss_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
                decode_s=decoder.busy_s,
                detector_s={name: runner.cpu_s for name, runner in runners.items()},
            ),
            evidence=evidence.finish() if evidence is not None else None,
            complete=stopped is None,
            stopped=stopped,
            readable=decoder.stopped is None,
        )

    def _why_skip(self, name: str) -> str | None:
        """Why a detector has nothing to judge in this input, None when it has.

        One that lacks a part of what it needs is not skipped: it says INCONCLUSIVE of the other.
        """
        needs, missing = registered()[name].spec.needs, []
        for need in needs:
            if isinstance(need, VideoNeed) and self.source.video is None:
                missing.append("the input has no picture")
            if isinstance(need, AudioNeed) and not self.source.audio:
                missing.append("the input has no sound")
        return missing[0] if len(missing) == len(needs) else None

    def _runner(self, name: str) -> DetectorRunner:
        params, inference = self.profile.params[name], None
        if registered()[name].spec.models:
            inference = self._inference = self._inference or local_inference(self.models)

        def make(track: str | None) -> AnyDetector:
            detector = make_detector(name, params, DetectorContext(self.channel, track), inference, FILE_DEADLINE_S)
            if self.on_detector is not None:
                self.on_detector(detector)
            return detector

        return DetectorRunner(name, make, by_track=not _joins(name))

    def _connect(
        self,
        pipeline: Pipeline,
        decoder: Decoder,
        runners: dict[str, DetectorRunner],
        evidence: EvidenceCollector | None,
    ) -> None:
        """Subscribe everyone who takes part."""
        decisions = Decisions(self.profile.rules, self.profile.masks, decoder.timeline)

        def keep(events: Sequence[Event]) -> None:
            for event in events:
                self._store.put(event)
                if evidence is not None:
                    evidence.keep(event)

        def decide(detection: Detection) -> None:
            if self.on_detection is not None:
                self.on_detection(detection)
            lufs = detection.measurements.get("short_term_lufs")
            if evidence is not None and lufs is not None:
                edges = (Instant(detection.span.epoch, edge) for edge in (detection.span.start, detection.span.end))
                start_s, end_s = (float(decoder.timeline.position(edge)) for edge in edges)
                evidence.see_loudness(start_s, end_s, lufs)
            keep(decisions.add(detection))

        pipeline.consume(DETECTIONS, decide, lambda: keep(decisions.finish(self.channel)))
        for name, runner in runners.items():
            self._connect_detector(pipeline, name, runner)
        if evidence is not None:
            pipeline.consume(PICTURES.rendition, evidence.see_frames)
            pipeline.consume(AudioNeed().rendition, evidence.see_audio)

    def _connect_detector(self, pipeline: Pipeline, name: str, runner: DetectorRunner) -> None:
        def send(detections: Sequence[Detection]) -> None:
            for detection in detections:
                pipeline.bus.publish(DETECTIONS, detection)

        spec = registered()[name].spec
        if spec.joins:
            joined = JoinedRunner(spec, runner, self.channel)
            pipeline.consume(MESSAGES, lambda message: send(joined.feed(message)), lambda: send(runner.finish()))
        else:
            (rendition,) = spec.renditions
            pipeline.consume(rendition, lambda unit: send(runner.feed(unit)), lambda: send(runner.finish()))

    def _publish(self, pipeline: Pipeline, decoder: Decoder, messages: Messages | None, started: float) -> str | None:
        """Decode to the end; gives why it stopped before, None when it did not."""
        stopped = self._decode(pipeline, decoder, messages, started)
        with suppress(BusClosedError):
            for message in messages.end() if messages is not None else ():
                pipeline.bus.publish(MESSAGES, message)
        return stopped

    def _decode(self, pipeline: Pipeline, decoder: Decoder, messages: Messages | None, started: float) -> str | None:
        try:
            for unit in decoder.units():
                pipeline.bus.publish(_rendition(unit), unit)
                if messages is not None:
                    for message in messages.of(unit, decoder.timeline.offset(unit.end.epoch)):
                        pipeline.bus.publish(MESSAGES, message)
                self._position = max(self._position, decoder.timeline.position(unit.end))
                if self.on_progress is not None:
                    self.on_progress(self._progress(started))
        except KeyboardInterrupt:
            return f"interrupted after {float(self._position):.1f} s of media"
        except BusClosedError:
            pass  # A consumer has failed: `Pipeline.finish` raises its error.
        return decoder.stopped

    def _progress(self, started: float) -> Progress:
        duration = self.source.container.duration
        return Progress(
            position_s=float(self._position),
            duration_s=duration / 1_000_000 if duration and duration > 0 else None,
            wall_s=time.perf_counter() - started,
            events=len(self.events),
        )


def _joins(name: str) -> bool:
    return registered()[name].spec.joins


def _rendition(unit: MediaUnit) -> str:
    return FactNeed().rendition if isinstance(unit, StreamFact) else unit.rendition


def _skipped(name: str, reason: str) -> DetectorResult:
    return DetectorResult(name, registered()[name].spec.version, Status.SKIPPED, seconds=0.0, reason=reason)


def _result(runner: DetectorRunner) -> DetectorResult:
    status, reason = Status.OK, None
    if runner.failure is not None:
        status, reason = Status.FAILED, runner.failure
    elif runner.inconclusive:
        why, _ = max(runner.inconclusive.items(), key=lambda item: item[1])
        seconds = sum(runner.inconclusive.values())
        status, reason = Status.INCONCLUSIVE, f"{why} ({seconds:.1f} s not judged)"
    version = registered()[runner.name].spec.version
    return DetectorResult(runner.name, version, status, reason=reason, model=runner.model, seconds=runner.cpu_s)
