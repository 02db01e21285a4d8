from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from glasswatch.core.detection import Detection, Severity, Verdict
from glasswatch.core.errors import InferenceError
from glasswatch.core.media import MediaUnit
from glasswatch.detectors.sync import av_sync
from glasswatch.ports.inference import Tensors
from tests.support import audio_chunks, detect, events_of, frame_chunks, make_detector
from tests.talking import RATE, SIZE, loudness, pictures, talk, together, voice
from tests.talking_models import TalkingModels

SURE = {"trust": 1.0, "doubt": 33.0, "bias_ms": 0.0, "confidence": 0.95}
"""What the models that are painted are to be believed."""


def judged(units: Sequence[MediaUnit], models: Any = None, **params: Any) -> list[Detection]:
    return detect(make_detector("av_sync", models or TalkingModels(), **{**SURE, **params}), units)


def reasons(found: Sequence[Detection]) -> set[str | None]:
    assert {d.verdict for d in found} == {Verdict.INCONCLUSIVE}
    return {d.reason for d in found}


@pytest.mark.parametrize(
    ("early_s", "fps", "verdict", "ceiling"),
    [
        (0.0, Fraction(24000, 1001), Verdict.OK, None),
        (0.4, 25, Verdict.DEFECT, None),
        (-0.4, Fraction(30000, 1001), Verdict.DEFECT, None),
        (-0.17, 25, Verdict.DEFECT, Severity.WARNING),
        (-0.08, 25, Verdict.OK, None),
    ],
)
def test_the_offset_is_measured_and_judged(
    early_s: float, fps: Fraction | int, verdict: Verdict, ceiling: Severity | None
) -> None:
    found = judged(talk(12, early_s, fps=fps))
    assert [float(d.span.end - d.span.start) for d in found] == pytest.approx([4, 4, 4], abs=0.05)
    assert found[0].span.start == 0
    assert all(one.span.end == other.span.start for one, other in pairwise(found))
    # The last fragment has less sound behind it.
    for detection in found[:2]:
        assert (detection.verdict, detection.ceiling) == (verdict, ceiling)
        assert detection.measurements["offset"] == pytest.approx(1000 * early_s, abs=20)
        assert detection.measurements["confidence"] > 0.95
        assert detection.measurements["tracks"] == 1
        assert detection.region == pytest.approx((30, 30, 36, 36), abs=2)
        assert detection.model == "face_detection 1, face_landmarks 1, speech 1, lip_sync 1"


def test_a_constant_offset_is_one_event_and_one_fragment_is_none() -> None:
    [event] = events_of("av_sync", talk(16, 0.4), **SURE)
    assert (event.severity, float(event.span.start), float(event.span.end)) == (Severity.ERROR, 0, 16)
    assert events_of("av_sync", talk(4.96, 0.4), **SURE) == []
    [event] = events_of("av_sync", talk(16, 0.08), **SURE)
    assert event.severity is Severity.WARNING


@pytest.mark.parametrize("left_over_s", [0.04, 0.4, 1.0])
def test_what_is_too_brief_at_the_end_belongs_to_the_last_fragment(left_over_s: float) -> None:
    shown = loudness(np.arange(round((4 + left_over_s) * 25)) / 25)
    sound = voice(6)
    each = [judged(together(pictures(shown, chunk=chunk), sound)) for chunk in (1, 1000)]
    for [found] in each:
        assert found.verdict is Verdict.OK
        assert found.span.start == 0
        assert float(found.span.end) == pytest.approx(4 + left_over_s)
    assert each[0] == each[1]


def test_what_is_long_enough_at_the_end_is_a_fragment() -> None:
    assert [float(d.span.end) for d in judged(talk(5.2))] == [4.0, 5.2]


def test_a_title_that_is_too_brief_is_not_judged() -> None:
    [found] = judged(talk(0.6))
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, av_sync.BRIEF)
    assert (float(found.span.start), float(found.span.end)) == (0, 0.6)


def test_what_is_too_brief_behind_a_gap_is_not_judged() -> None:
    shown = loudness(np.arange(115) / 25)
    units = together(pictures(shown[:100]), pictures(shown[100:], start=Fraction(6)), voice(6.6))
    found = judged(units)
    assert [(float(d.span.start), d.verdict, d.reason) for d in found] == [
        (0, Verdict.OK, None),
        (6, Verdict.INCONCLUSIVE, av_sync.BRIEF),
    ]


def test_workers_that_take_over_at_every_unit_say_the_same_to_the_end() -> None:
    units = talk(8.6)
    detector = make_detector("av_sync", TalkingModels(), **SURE)
    found: list[Detection] = []
    for unit in units[:-1]:
        found += detector.process(unit)
        saved = detector.snapshot()
        detector = make_detector("av_sync", TalkingModels(), **SURE)
        detector.restore(saved)
    found += detect(detector, units[-1:])
    assert [float(d.span.end) for d in found] == [4.0, 8.6]
    assert found == judged(units)


def test_a_small_offset_is_found_by_the_programme_and_not_by_a_fragment() -> None:
    found = judged(talk(24, 0.08), trust=0.2, doubt=7.0)
    assert found[0].verdict is not Verdict.DEFECT
    assert found[4].verdict is Verdict.DEFECT
    assert found[4].measurements["programme_offset"] == pytest.approx(80, abs=10)


def test_a_step_is_found_at_once() -> None:
    first, second = voice(12), voice(24, -0.4)[48:]
    units = together(pictures(loudness(np.arange(600) / 25)), first, second)
    verdicts = [d.verdict for d in judged(units)]
    assert verdicts[:2] == [Verdict.OK, Verdict.OK]
    assert verdicts[3:5] == [Verdict.DEFECT, Verdict.DEFECT]


@pytest.mark.parametrize(
    ("before_s", "early_s", "verdict", "reason"),
    [(0.0, -0.4, Verdict.DEFECT, None), (-0.08, 0.1, Verdict.INCONCLUSIVE, av_sync.APART)],
)
def test_a_fragment_with_another_offset_is_judged_by_itself_and_changes_nothing_lasting(
    before_s: float, early_s: float, verdict: Verdict, reason: str | None
) -> None:
    sound = voice(20, before_s)[:32], voice(12, early_s)[32:48], voice(20, before_s)[48:]
    found = judged(together(pictures(loudness(np.arange(500) / 25)), *sound))
    assert (found[2].verdict, found[2].reason) == (verdict, reason)
    assert found[2].measurements["offset"] == pytest.approx(1000 * early_s, abs=20)
    assert [found[n].verdict for n in (0, 1, 3)] == [Verdict.OK] * 3
    for detection in found[:4]:
        assert detection.measurements["programme_offset"] == pytest.approx(1000 * before_s, abs=20)


def test_a_fragment_that_is_likely_out_of_sync_does_not_pass_for_what_was_before_it() -> None:
    sound = voice(12), voice(24, -0.4)[48:]
    found = judged(together(pictures(loudness(np.arange(600) / 25)), *sound), trust=0.14, doubt=7.0)
    assert found[2].verdict is Verdict.OK
    assert (found[3].verdict, found[3].reason) == (Verdict.INCONCLUSIVE, av_sync.APART)
    assert found[3].measurements["programme_confidence"] > 0.95
    assert found[3].measurements["confidence"] < 0.95


def test_a_drift_is_seen_as_one() -> None:
    # Sound that is played 1.5 per mille too fast.
    samples = np.concatenate([chunk.samples[0] for chunk in voice(64)])
    played = np.interp(np.arange(0, len(samples) - 2, 1.0015), np.arange(len(samples)), samples)
    units = together(pictures(loudness(np.arange(1600) / 25)), audio_chunks(played, RATE, chunk=4000))
    found = judged(units)[14]
    assert found.measurements["drifting"] > 0.95
    assert found.measurements["drift"] == pytest.approx(90, abs=25)
    assert found.verdict is Verdict.DEFECT


def test_another_voice_is_inconclusive() -> None:
    assert reasons(judged(talk(12, heard=7))) <= {av_sync.UNRELATED, av_sync.TIE}


def test_what_cannot_be_judged_says_why() -> None:
    sound = voice(8)
    talking = loudness(np.arange(200) / 25)
    nobody = [type(c)(**{**_fields(c), "planes": (np.zeros_like(c.planes[0]),)}) for c in pictures(talking)]
    assert reasons(judged(together(nobody, sound))) == {av_sync.NO_FACE}
    assert reasons(judged(together(pictures(np.full(200, 0.5)), sound))) == {av_sync.STILL}
    assert reasons(judged(together(pictures(talking), [_silent(c) for c in sound]))) == {av_sync.NO_SOUND}
    assert reasons(judged(pictures(talking))) == {av_sync.NO_SOUND}


def test_a_face_in_shots_that_are_short_is_no_track() -> None:
    talking = loudness(np.arange(200) / 25)
    frames = np.concatenate([chunk.planes[0] for chunk in pictures(talking)])
    walls = np.random.default_rng(0).integers(0, 256, (2, SIZE // 8, SIZE // 8), np.uint8).repeat(8, 1).repeat(8, 2)
    for n in range(10):
        frames[20 * n : 20 * n + 20, :, :, 1] = walls[n % 2]
    shots = frame_chunks(frames, chunk=10, rendition="rgb-480-r30x1")
    assert reasons(judged(together(shots, voice(8)))) == {av_sync.NO_TRACK}


def test_each_track_of_sound_is_judged() -> None:
    talking = pictures(loudness(np.arange(300) / 25))
    both = together(talking, voice(12, track=0, tracks=2), voice(12, 0.4, track=1, tracks=2))
    found = judged(both)
    assert {(d.track, d.verdict) for d in found[:4]} == {("audio:0", Verdict.OK), ("audio:1", Verdict.DEFECT)}


def test_sound_that_ends_holds_nothing_up() -> None:
    detector = make_detector("av_sync", TalkingModels(), **SURE)
    units = together(pictures(loudness(np.arange(500) / 25)), voice(2))
    found = [d for unit in units for d in detector.process(unit)]
    assert [float(d.span.end) for d in found] == [4, 8, 12, 16]
    assert {d.reason for d in found[1:]} == {av_sync.NO_SOUND}


class Missing(TalkingModels):
    """One of the models is not there."""

    def __init__(self, missing: str) -> None:
        self.missing = missing
        self.calls = 0

    def infer(self, model: str, inputs: Tensors, deadline_s: float) -> dict[str, Any]:
        if model == self.missing:
            self.calls += 1
            raise InferenceError(f"no model {model}")
        return super().infer(model, inputs, deadline_s)


@pytest.mark.parametrize("model", ["face_detection", "face_landmarks", "speech", "lip_sync"])
def test_a_model_that_is_missing_is_asked_for_once_a_fragment(model: str) -> None:
    models = Missing(model)
    assert reasons(judged(talk(12), models)) == {f"no model {model}"}
    assert models.calls == 3


class Music(TalkingModels):
    """There is no speech."""

    def infer(self, model: str, inputs: Tensors, deadline_s: float) -> dict[str, Any]:
        found = super().infer(model, inputs, deadline_s)
        return {"speech_probs": 0.4 * found["speech_probs"]} if model == "speech" else found


def test_where_nobody_speaks_nothing_is_said() -> None:
    assert reasons(judged(talk(6), Music())) == {av_sync.NO_SPEECH}


def test_the_state_stays_small() -> None:
    detector = make_detector("av_sync", TalkingModels())
    sizes = []
    for unit in talk(16):
        detector.process(unit)
        sizes.append(len(detector.snapshot()))
    assert max(sizes[60:]) < 1.2 * max(sizes[:60])


def test_an_error_cannot_begin_before_a_warning() -> None:
    with pytest.raises(ValueError, match="an error cannot begin before a warning"):
        make_detector("av_sync", TalkingModels(), early_error_ms=10.0)


def test_what_is_always_found_is_taken_off() -> None:
    biased = judged(talk(8, 0.08), bias_ms=80.0)
    assert biased[0].measurements["offset"] == pytest.approx(0, abs=20)
    assert biased[0].verdict is Verdict.OK


def _fields(unit: Any) -> dict[str, Any]:
    return {name: getattr(unit, name) for name in unit.__slots__}


def _silent(chunk: Any) -> Any:
    return type(chunk)(**{**_fields(chunk), "samples": np.zeros_like(chunk.samples)})
