from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest

from glasswatch.core.detection import Detection, Verdict
from glasswatch.core.media import MediaUnit
from glasswatch.core.time import Instant, Span
from glasswatch.detectors.sync import av_sync
from glasswatch.detectors.sync.av_sync import AvSyncDetector
from glasswatch.detectors.sync.offset import OFFSETS
from glasswatch.evidence.record import OUTER, Recorder, Section
from glasswatch.runtime.unjudged import unjudged
from tests.support import CHANNEL, detect, make_detector
from tests.talking import loudness, pictures, talk, together, voice
from tests.talking_models import TalkingModels

SURE = {"trust": 1.0, "doubt": 33.0, "bias_ms": 0.0, "confidence": 0.95}


def recorded(units: Sequence[MediaUnit], recorder: Recorder) -> list[Detection]:
    detector = make_detector("av_sync", TalkingModels(), **SURE)
    recorder.watch(detector)
    return detect(detector, units)


def section_at(recorder: Recorder, seconds: float, track: str | None = None) -> Section:
    found = recorder.sections(track).at(Instant(0, Fraction(seconds)))
    assert found is not None
    return found


def test_what_was_seen_and_found_is_remembered_and_changes_nothing() -> None:
    recorder = Recorder()
    found = recorded(talk(8, 0.2), recorder)
    assert found == detect(make_detector("av_sync", TalkingModels(), **SURE), talk(8, 0.2))
    for detection in found:
        section = section_at(recorder, float(detection.span.start))
        assert section.detection == detection
        (trail,), (values,) = section.trails, section.likelihoods
        assert len(trail.times) == len(trail.openings) == len(trail.lips) == len(trail.boxes) == 100
        shown = loudness(trail.times)
        assert np.corrcoef(trail.openings, shown)[0, 1] > 0.95
        assert values is not None
        assert section.votes is not None
        assert OFFSETS[section.votes.argmax()] == OFFSETS[values.argmax()] == 5
        assert section.levels is not None
        times = section.first_s + np.arange(len(section.levels)) / 100
        heard = (times > times[0] + 0.1) & (times < float(detection.span.end) - 0.5)
        assert np.corrcoef(section.levels[heard], loudness(times[heard] + 0.2))[0, 1] > 0.9
    assert recorder.end == Instant(0, Fraction(8))


def test_a_face_is_where_it_is_in_the_picture() -> None:
    recorder = Recorder()
    recorded(talk(4), recorder)
    (trail,) = section_at(recorder, 1).trails
    number = trail.at(Fraction(1))
    assert number == 25
    left, top, right, bottom = trail.boxes[number]
    # The face is 36 pixels large at (30, 30), what face_landmarks sees half as large again.
    assert 20 < left < 48 < right < 76
    assert 20 < top < 48 < bottom < 76
    lips = trail.lips[number, OUTER]
    assert ((lips >= (left, top)) & (lips <= (right, bottom))).all()
    assert trail.at(Fraction(101, 100)) is None


def test_a_face_that_is_not_compared_is_remembered_too() -> None:
    recorder = Recorder()
    still = together(pictures(np.full(100, 0.5)), voice(4))
    (found,) = recorded(still, recorder)
    assert found.reason == av_sync.STILL
    section = section_at(recorder, 0)
    assert section.likelihoods == (None,)
    assert section.votes is None
    assert section.trails[0].movement == pytest.approx(0, abs=1e-6)


def test_each_track_of_sound_has_its_own() -> None:
    recorder = Recorder()
    shown = pictures(loudness(np.arange(100) / 25))
    recorded(together(shown, voice(5, track=0, tracks=2), voice(5, 0.4, track=1, tracks=2)), recorder)
    votes = [section_at(recorder, 0, track).votes for track in ("audio:0", "audio:1")]
    assert [OFFSETS[v.argmax()] for v in votes if v is not None] == [0, 10]


def test_what_the_detector_was_not_given_is_said() -> None:
    recorder = Recorder()
    recorded(talk(4), recorder)
    (left_out,) = unjudged(AvSyncDetector.spec, CHANNEL, Span(0, Fraction(4), Fraction(5)), "the sound is missing")
    recorder.add(left_out)
    assert section_at(recorder, 4.5).detection.reason == "the sound is missing"
    assert recorder.sections(None).at(Instant(0, Fraction(5))) is None
    assert recorder.sections(None).at(Instant(1, Fraction(4))) is None
    assert recorder.end == Instant(0, Fraction(5))
    # What was judged is not said anew by what comes out of the detector.
    recorder.add(section_at(recorder, 0).detection)
    assert section_at(recorder, 0).votes is not None


def test_other_detectors_are_left_alone() -> None:
    recorder = Recorder()
    recorder.watch(make_detector("black"))
    assert recorder.params is None
    recorder.add(Detection(CHANNEL, "black", "1", "black", Span(0, Fraction(0), Fraction(1)), Verdict.OK, 0.0))
    assert recorder.end is None
