from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glasswatch.core.detection import Detection, Event, Severity, Verdict
from glasswatch.core.errors import ConfigError, InferenceError
from glasswatch.core.media import FrameChunk
from glasswatch.core.runs import Reading
from glasswatch.detectors.video._block_decision import BlockCorruptionParams, Look, decide
from tests.support import PaintedModels, detect, events_of, frame_chunks, make_detector
from tests.unit.detectors.video.contract import detect_through_snapshots

ROWS, COLUMNS = 4, 6
CELL = PaintedModels.cell
RATE = 2
LEVELS: dict[str, Any] = {
    "decision": "learned",
    "threshold": 0.5,
    "certain": 0.9,
    "area_threshold": 0.07,
    "area_certain": 0.25,
    "supported": 0.3,
    "cell_threshold": 0.5,
    "rise": 2.0,
    "alone_rise": 9.0,
    "alone_area": 0.0,
    "cut": 255,
    "hold": 0.6,
}
"""Parameters that the tests do not leave to the defaults, which validation data decides about."""


def pictures(scores: Sequence[float], cells: Sequence[tuple[int, int]] = ()) -> npt.NDArray[np.uint8]:
    """A picture for each learned score, (pictures, lines, columns, 3), with these cells (row, column) damaged."""
    frames = np.zeros((len(scores), ROWS * CELL, COLUMNS * CELL, 3), np.uint8)
    frames[..., 1] = np.rint(255 * np.array(scores))[:, None, None]
    for row, column in cells:
        frames[:, row * CELL : (row + 1) * CELL, column * CELL : (column + 1) * CELL, 0] = 255
    return frames


def chunks(frames: npt.NDArray[np.uint8], chunk: int | Sequence[int] = 1) -> list[FrameChunk]:
    return frame_chunks(frames, fps=RATE, chunk=chunk, full_range=True)


def detections(frames: npt.NDArray[np.uint8], **params: Any) -> list[Detection]:
    return detect(make_detector("block_corruption", **{**LEVELS, **params}), chunks(frames))


def events(scores: Sequence[float], **params: Any) -> list[Event]:
    return events_of("block_corruption", chunks(pictures(scores)), **{**LEVELS, **params})


def damaged(scores: Sequence[float], **params: Any) -> list[int]:
    """Which of the pictures are in a DEFECT detection."""
    found = detections(pictures(scores), **params)
    spans = [d.span for d in found if d.verdict is Verdict.DEFECT]
    return [i for span in spans for i in range(int(span.start * RATE), int(span.end * RATE))]


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        pytest.param([0.1, 0.2, 0.1], [], id="sound"),
        pytest.param([0.1, 0.8, 0.1], [], id="one that may be damaged"),
        pytest.param([0.1, 0.95, 0.1], [1], id="one that is certain"),
        pytest.param([0.1, 0.8, 0.6, 0.1], [1, 2], id="two that may be"),
        pytest.param([0.1, 0.8, 0.1, 0.8, 0.1, 0.8], [], id="not in a row"),
        pytest.param([0.1, 0.8, 0.95, 0.8], [1, 2, 3], id="around a certain one"),
        pytest.param([0.1, 0.95, 0.4, 0.31, 0.2, 0.4], [1, 2, 3], id="goes on with less"),
        pytest.param([0.1, 0.4, 0.95], [2], id="less does not begin it"),
        pytest.param([0.1, 0.8, 0.6], [1, 2], id="to the end"),
        pytest.param([0.1, 0.8], [], id="nothing beside it"),
        pytest.param([0.95], [], id="nothing before it"),
        pytest.param([0.95, 0.95], [0, 1], id="certain twice from the start"),
        pytest.param([0.95, 0.8, 0.8, 0.8], [], id="likely from the start"),
        pytest.param([0.8] * 6 + [0.95] + [0.8] * 6, [], id="no more than the shot's own"),
        pytest.param([0.8] * 6 + [0.95] * 2 + [0.8] * 6, [6, 7], id="certain twice, whatever the shot"),
        pytest.param([0.8] * 5 + [0.1] * 6 + [0.8, 0.8], [11, 12], id="the last two seconds of the shot"),
        pytest.param([0.1] + [0.95] * 20, list(range(1, 21)), id="damage that stays is no baseline"),
    ],
)
def test_which_pictures_are_damaged(scores: list[float], expected: list[int]) -> None:
    assert damaged(scores) == expected


@pytest.mark.parametrize(
    ("scores", "cells", "expected"),
    [
        pytest.param([0.1, 0.8, 0.1], 2, [1], id="a large rise"),
        pytest.param([0.5, 0.8, 0.5], 2, [], id="a small rise"),
        pytest.param([0.1, 0.8, 0.1], 1, [], id="a small area"),
    ],
)
def test_one_frame_that_rises_far_and_is_damaged_in_a_large_part(
    scores: list[float], cells: int, expected: list[int]
) -> None:
    frames = pictures(scores, [(0, column) for column in range(cells)])
    found = detections(frames, alone_rise=3.0, alone_area=0.08)
    assert [i for i, d in enumerate(found) if d.verdict is Verdict.DEFECT] == expected


def test_a_shot_begins_anew_with_a_cut() -> None:
    """The painted score is the picture's green, so that a rise of 0.85 changes it by 217 codes."""
    scores = [0.1, 0.95, 0.1, 0.1]
    assert damaged(scores, cut=218) == [1]
    assert damaged(scores, cut=216) == []
    assert damaged([0.1, 0.95, 0.95, 0.1], cut=216) == [1, 2]


@pytest.mark.parametrize(
    ("score", "cells", "expected"),
    [
        pytest.param(0.45, 0, [], id="neither"),
        pytest.param(0.45, 1, [], id="a small area"),
        pytest.param(0.45, 2, [1, 2], id="the area"),
        pytest.param(0.6, 0, [1, 2], id="the probability"),
        pytest.param(0.29, 24, [], id="an area that is hardly probable"),
    ],
)
def test_either_the_probability_or_the_area(score: float, cells: int, expected: list[int]) -> None:
    places = [divmod(n, COLUMNS) for n in range(cells)]
    frames = np.concatenate([pictures([0.02]), pictures([score] * 2, places), pictures([0.02])])
    found = detections(frames, decision="either")
    assert [i for i, d in enumerate(found) if d.verdict is Verdict.DEFECT] == expected


@pytest.mark.parametrize(("score", "expected"), [(0.29, Verdict.OK), (0.31, Verdict.DEFECT)])
def test_a_frame_that_the_decoder_has_marked_needs_little_else(score: float, expected: Verdict) -> None:
    [chunk] = chunks(pictures([score] * 3), chunk=3)
    marked = replace(chunk, damaged=(False, True, False))
    found = detect(make_detector("block_corruption", **LEVELS), [marked])
    assert [d.verdict for d in found] == [Verdict.OK, expected, Verdict.OK]


@pytest.mark.parametrize(
    ("score", "before", "expected"),
    [
        pytest.param(0.45, 0.02, Verdict.OK, id="hardly probable"),
        pytest.param(0.6, 0.02, Verdict.DEFECT, id="likely"),
        pytest.param(0.6, 0.5, Verdict.OK, id="likely, and no rise"),
        pytest.param(0.95, 0.94, Verdict.DEFECT, id="certain, and no rise"),
    ],
)
def test_a_large_area_raises_what_the_probability_shows(score: float, before: float, expected: Verdict) -> None:
    whole, damage = pictures([before]), pictures([score], [divmod(n, COLUMNS) for n in range(6)])
    found = detections(np.concatenate([whole, damage, pictures([0.02])]), decision="either")
    assert found[1].verdict is expected


@pytest.mark.parametrize("change", [{"epoch": 1}, {"start": Fraction(3)}], ids=["another epoch", "a gap"])
def test_frames_that_do_not_touch_do_not_support_each_other(change: dict[str, Any]) -> None:
    first, second = pictures([0.1, 0.8]), pictures([0.8])
    media = [*chunks(first), *frame_chunks(second, fps=RATE, **{"start": Fraction(1), **change})]
    found = detect(make_detector("block_corruption", **LEVELS), media)
    assert {d.verdict for d in found} == {Verdict.OK}
    touching = chunks(first) + frame_chunks(second, fps=RATE, start=Fraction(1))
    found = detect(make_detector("block_corruption", **LEVELS), touching)
    assert [d.verdict for d in found] == [Verdict.OK, Verdict.DEFECT, Verdict.DEFECT]


def test_damage_does_not_go_on_over_a_gap() -> None:
    first, second = pictures([0.1, 0.95]), pictures([0.4])
    media = chunks(first) + frame_chunks(second, fps=RATE, start=Fraction(3))
    found = detect(make_detector("block_corruption", **LEVELS), media)
    assert [d.verdict for d in found] == [Verdict.OK, Verdict.DEFECT, Verdict.OK]


def test_the_score_is_half_at_the_threshold_and_grows_with_the_evidence() -> None:
    evidence = (0.0, 0.2, 0.4, 0.69, 0.71, 0.9, 1.0)
    scores = [detections(pictures([0.01, e, e]), threshold=0.7, rise=0.0)[1].score for e in evidence]
    assert scores == sorted(scores)
    assert scores[0] == 0.0
    assert scores[3] < 0.5 <= scores[4] < 0.53
    assert scores[-1] == 1.0


def test_damage_that_goes_on_with_less_scores_as_a_defect() -> None:
    held = detections(pictures([1.0, 1.0, 0.4]))[2]
    assert held.verdict is Verdict.DEFECT
    assert held.score == 0.5


def test_the_published_decision_looks_at_the_area_alone() -> None:
    whole = pictures([0.0])
    one, two = (np.concatenate([whole, pictures([0.0, 0.0], cells)]) for cells in ([(0, 0)], [(0, 0), (3, 5)]))
    assert 1 / (ROWS * COLUMNS) < 0.07 < 2 / (ROWS * COLUMNS)
    assert {d.verdict for d in detections(one, decision="area")} == {Verdict.OK}
    found = detections(two, decision="area")
    assert [d.verdict for d in found] == [Verdict.OK, Verdict.DEFECT, Verdict.DEFECT]
    assert found[1].measurements["area"] == pytest.approx(2 / 24)
    assert {d.verdict for d in detections(two, decision="learned")} == {Verdict.OK}


def test_it_measures_probability_and_area() -> None:
    first, second = detections(pictures([1.0, 0.2], [(1, 1), (1, 2), (2, 1)]))
    assert first.measurements == pytest.approx({"probability": 1.0, "area": 3 / 24, "change": 255, "marked": 0})
    assert second.measurements == pytest.approx({"probability": 0.2, "area": 3 / 24, "change": 204, "marked": 0})
    assert first.model == "1"


def test_an_event_names_its_worst_frame() -> None:
    frames = np.concatenate([pictures([0.1]), pictures([0.6], [(0, 0)]), pictures([0.9], [(2, 4)])])
    [event] = events_of("block_corruption", chunks(frames), **LEVELS)
    assert event.worst == Fraction(2, RATE)
    assert event.region == (4 * CELL, 2 * CELL, CELL, CELL)


@pytest.mark.parametrize(
    ("cells", "region"),
    [
        ([(1, 2)], (64, 32, 32, 32)),
        ([(0, 0), (1, 1), (1, 2), (3, 5)], (0, 0, 96, 64)),
        ([(0, 0), (3, 4), (3, 5)], (128, 96, 64, 32)),
        ([(row, column) for row in range(ROWS) for column in range(COLUMNS)], (0, 0, 192, 128)),
        ([], None),
    ],
    ids=["a cell", "over a corner", "the larger of two", "everywhere", "nowhere"],
)
def test_the_region_is_the_largest_group(cells: list[tuple[int, int]], region: tuple[int, ...] | None) -> None:
    assert [d.region for d in detections(pictures([1.0, 1.0], cells))] == [region, region]


def test_the_region_is_in_native_pixels_and_inside_the_picture() -> None:
    """A picture of 3840 x 2160 shown at half that: its last row of cells is cut off."""
    frames = np.zeros((2, 1080, 1920, 3), np.uint8)
    frames[:, 1056:, 1888:] = 255
    frames[..., 1] = 255
    [chunk] = chunks(frames, chunk=2)
    native = replace(chunk, size=(3840, 2160), step=(2.0, 2.0))
    found = detect(make_detector("block_corruption"), [native])
    assert [d.region for d in found] == [(3776, 2112, 64, 48)] * 2


def test_a_sound_picture_has_no_region() -> None:
    assert [d.region for d in detections(pictures([0.1], [(0, 0)]))] == [None]


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (31, 200)])
def test_pictures_of_any_size_are_judged(size: tuple[int, int]) -> None:
    frames = np.full((2, *size, 3), 255, np.uint8)
    found = detections(frames)
    assert [(d.verdict, d.region) for d in found] == [(Verdict.DEFECT, (0, 0, size[1], size[0]))] * 2


class Counting(PaintedModels):
    calls = 0

    def infer(self, *arguments: Any) -> dict[str, npt.NDArray[Any]]:
        self.calls += 1
        return super().infer(*arguments)


def test_a_chunk_is_one_call_of_the_model() -> None:
    models = Counting()
    detect(make_detector("block_corruption", models), chunks(pictures([0.1] * 12), chunk=4))
    assert models.calls == 3


class Failing(PaintedModels):
    """Does not answer the second call."""

    calls = 0

    def infer(self, *arguments: Any) -> dict[str, npt.NDArray[Any]]:
        self.calls += 1
        if self.calls == 2:
            raise InferenceError("model block_corruption: no server")
        return super().infer(*arguments)


def test_without_an_answer_it_is_inconclusive_and_supports_nothing() -> None:
    detector = make_detector("block_corruption", Failing(), **LEVELS)
    found = detect(detector, chunks(pictures([0.1, 0.8, 0.8, 0.8, 0.1])))
    assert [(d.verdict, d.reason) for d in found] == [
        (Verdict.OK, None),
        (Verdict.INCONCLUSIVE, "model block_corruption: no server"),
        (Verdict.DEFECT, None),
        (Verdict.DEFECT, None),
        (Verdict.OK, None),
    ]
    assert found[1].measurements.keys() == {"change", "marked"}


@pytest.mark.parametrize(
    ("scores", "spans"),
    [
        ([0.1, 1.0, 0.1, 0.1, 0.1, 0.1], [(0.5, 1.0, Severity.WARNING)]),
        ([0.1, 0.8, 0.7, 0.1, 0.1], [(0.5, 1.5, Severity.ERROR)]),
        ([1.0, 1.0, 0.1, 1.0, 0.1, 0.1, 0.1, 1.0], [(0.0, 2.0, Severity.ERROR), (3.5, 4.0, Severity.WARNING)]),
        ([1.0] * 9, [(0.0, 4.5, Severity.ERROR)]),
    ],
    ids=["one sample", "two samples", "bursts", "to the end"],
)
def test_events(scores: list[float], spans: list[tuple[float, float, Severity]]) -> None:
    assert [(float(e.span.start), float(e.span.end), e.severity) for e in events(scores)] == spans


def test_what_is_reported_of_frames_is_enough_to_decide_anew() -> None:
    """Thresholds are tuned on recorded frames, without decoding again."""
    scores = [0.1, 0.4, 0.95, 0.7, 0.2, 0.8, 0.8, 0.1, 0.3, 0.95]
    found = detections(pictures(scores, [(1, 1), (2, 1)]))
    looks = [Look(d.span, Reading(Verdict.OK, d.score, d.measurements)) for d in found]
    again = decide(looks, BlockCorruptionParams(**LEVELS))
    assert again == [d.verdict is Verdict.DEFECT for d in found]
    assert decide(looks, BlockCorruptionParams(**{**LEVELS, "threshold": 0.89})) != again


@given(
    scores=st.lists(st.sampled_from([0.1, 0.4, 0.55, 0.8, 1.0]), min_size=1, max_size=20),
    lengths=st.lists(st.integers(1, 5), min_size=20, max_size=20),
)
@settings(max_examples=60)
def test_how_media_is_cut_changes_nothing_and_all_of_it_is_judged(scores: list[float], lengths: list[int]) -> None:
    frames = pictures(scores, [(1, 1)])[:, ::8, ::8]
    whole = detect(make_detector("block_corruption"), chunks(frames, chunk=len(scores)))
    assert detect_through_snapshots("block_corruption", chunks(frames, chunk=lengths)) == whole
    edges = [d.span.start for d in whole] + [whole[-1].span.end]
    assert edges[1:] == [d.span.end for d in whole]
    assert (edges[0], edges[-1]) == (0, Fraction(len(scores), RATE))
    assert all((d.score >= 0.5) == (d.verdict is Verdict.DEFECT) for d in whole)
    assert len(whole) == len(scores)


@pytest.mark.parametrize(
    "wrong",
    [
        {"decision": "vote"},
        {"threshold": 1.0},
        {"hold": 1.1},
        {"area_threshold": 0.0},
        {"certain": 0.4, "threshold": 0.5},
        {"area_certain": 0.05, "area_threshold": 0.07},
        {"alone_rise": 2.0, "rise": 3.0},
        {"cut": 0},
    ],
    ids=str,
)
def test_parameters_out_of_bounds_are_refused(wrong: dict[str, Any]) -> None:
    params = make_detector("block_corruption").params
    assert isinstance(params, BlockCorruptionParams)
    with pytest.raises(ValueError, match="cannot take" if len(wrong) > 1 else next(iter(wrong))):
        make_detector("block_corruption", **wrong)


def test_it_needs_a_place_for_its_model() -> None:
    from glasswatch.runtime import detectors  # noqa: PLC0415

    params = make_detector("block_corruption").params
    context = make_detector("block_corruption").context
    with pytest.raises(ConfigError, match=r"\(block_corruption\)"):
        detectors.make_detector("block_corruption", params, context)
