from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import ClassVar

import numpy as np
import pytest

from glasswatch.core.detection import Detection, Verdict
from glasswatch.core.detector import Detector, DetectorContext, DetectorSpec
from glasswatch.core.media import AudioChunk, MediaUnit
from glasswatch.core.needs import AudioNeed
from glasswatch.core.time import Instant, Span
from glasswatch.detectors.params import Params
from glasswatch.runtime.runner import DetectorRunner
from tests.support import audio_chunks


class NoParams(Params):
    pass


@dataclass
class Seen:
    spans: list[tuple[Fraction, Fraction]] = field(default_factory=list)


class Recorder(Detector[NoParams, Seen]):
    """Says at the end of an epoch what it has seen in it."""

    spec: ClassVar[DetectorSpec] = DetectorSpec("recorder", "1", ("nothing",), (AudioNeed(),))
    fail_at: ClassVar[Fraction | None] = None

    def fresh_state(self) -> Seen:
        return Seen()

    def process(self, unit: MediaUnit) -> Sequence[Detection]:
        assert isinstance(unit, AudioChunk)
        if unit.start == self.fail_at:
            raise ZeroDivisionError("the detector is broken")
        self.state.spans.append((unit.span.start, unit.span.end))
        return ()

    def finish(self, at: Instant) -> Sequence[Detection]:
        first, last = self.state.spans[0][0], self.state.spans[-1][1]
        assert last == at.seconds
        reason = "not asked to"
        return [
            self.detection("nothing", Span(at.epoch, first, last), Verdict.INCONCLUSIVE, 0.0, reason=reason),
        ]


def make(track: str | None) -> Recorder:
    return Recorder(NoParams(), DetectorContext("c", track))


def test_a_detector_is_flushed_at_a_cut_and_at_the_end() -> None:
    runner = DetectorRunner("recorder", make)
    units = [*audio_chunks(np.zeros(96000), start=Fraction(7)), *audio_chunks(np.zeros(48000), epoch=1)]
    found = [d for unit in units for d in runner.feed(unit)] + runner.finish()
    assert [d.span for d in found] == [Span(0, Fraction(7), Fraction(9)), Span(1, Fraction(0), Fraction(1))]


def test_each_audio_track_has_an_instance_of_its_own() -> None:
    runner = DetectorRunner("recorder", make)
    for unit in [*audio_chunks(np.zeros(96000), tracks=2), *audio_chunks(np.zeros(48000), track=1, tracks=2)]:
        runner.feed(unit)
    assert [(d.track, d.span.end) for d in runner.finish()] == [("audio:0", 2), ("audio:1", 1)]


def test_what_was_not_judged_is_counted_with_its_reason() -> None:
    runner = DetectorRunner("recorder", make)
    for unit in audio_chunks(np.zeros(96000)):
        runner.feed(unit)
    runner.finish()
    assert runner.inconclusive == {"not asked to": 2.0}
    assert runner.judged_s == 2.0


def test_seconds_of_several_defects_that_are_not_judged_together_count_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def finish(self: Recorder, at: Instant) -> Sequence[Detection]:
        span = Span(at.epoch, Fraction(0), at.seconds)
        return [self.detection(d, span, Verdict.INCONCLUSIVE, 0.0, reason="no model") for d in ("hum", "hiss")]

    monkeypatch.setattr(Recorder, "finish", finish)
    runner = DetectorRunner("recorder", make)
    for unit in audio_chunks(np.zeros(96000)):
        runner.feed(unit)
    runner.finish()
    assert runner.inconclusive == {"no model": 2.0}
    assert runner.judged_s == 2.0


def test_a_detector_that_raises_is_stopped_and_its_failure_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recorder, "fail_at", Fraction(1, 2))
    runner = DetectorRunner("recorder", make)
    for unit in audio_chunks(np.zeros(96000)):
        assert runner.feed(unit) == []
    assert runner.finish() == []
    assert runner.failure == "ZeroDivisionError: the detector is broken"
