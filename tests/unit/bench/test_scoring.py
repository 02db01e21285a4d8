from __future__ import annotations

from dataclasses import replace

import pytest
from bench.accuracy.definitions import truth_of
from bench.accuracy.model import OURS, Claim, Finding, Result, Role, Standing, Subject, Truth
from bench.accuracy.scoring import Outcome, Score, affinity, match, score

from glasswatch.simulator.labels import Defect


def truth(start: float, end: float, defect: str = "black", kind: str | None = None, **rest: object) -> Truth:
    return Truth(defect, kind, start, end, **rest)  # type: ignore[arg-type]


def claim(start: float, end: float, defect: str = "black", kind: str | None = None, severity: str = "warning") -> Claim:
    return Claim(defect, kind, start, end, severity)


def result(
    *claims: Claim,
    truths: tuple[Truth, ...] = (),
    role: Role = Role.INJECTED,
    defect: str | None = "black",
    changed: tuple[float, float] | None = (1.0, 2.0),
    channels: int = 2,
) -> Result:
    subject = Subject("file", "", "source", role, "validate", 3600.0, 25.0, channels, truths, defect, changed)
    return Result(subject, {OURS: Finding(claims)})


def outcomes(total: Score) -> list[Outcome]:
    return [outcome for _, _, outcome in total.claims]


@pytest.mark.parametrize(
    ("span", "worth"),
    [((1.0, 2.0), 1.0), ((1.0, 3.0), 0.5), ((1.0, 3.01), 0.0), ((2.0, 3.0), 0.0), ((1.25, 1.75), 0.5)],
)
def test_half_of_the_union_must_be_shared(span: tuple[float, float], worth: float) -> None:
    assert affinity(truth(1.0, 2.0), claim(*span)) == pytest.approx(worth)


def test_each_truth_takes_one_claim_and_the_best() -> None:
    truths = [truth(0.0, 1.0), truth(2.0, 3.0)]
    claims = [claim(0.0, 1.4), claim(0.1, 1.0), claim(2.0, 3.0)]
    assert sorted(match(truths, claims)) == [(0, 1), (1, 2)]


def test_one_long_claim_does_not_answer_to_two_truths() -> None:
    assert len(match([truth(0.0, 1.0), truth(1.1, 2.1)], [claim(0.0, 2.1)])) == 0


def test_a_claim_on_another_defect_matches_nothing() -> None:
    assert affinity(truth(0.0, 1.0), claim(0.0, 1.0, "freeze")) == 0


@pytest.mark.parametrize(("start", "found"), [(1.0, True), (1.0069, True), (1.0071, False)])
def test_dropouts_match_within_five_milliseconds(start: float, found: bool) -> None:
    hole = truth(1.0, 1.002, "dropout")
    assert (affinity(hole, claim(start, start + 0.002, "dropout")) > 0) is found


@pytest.mark.parametrize(("start", "found"), [(1.05, True), (1.059, True), (1.061, False)])
def test_clicks_match_within_fifty_milliseconds(start: float, found: bool) -> None:
    click = truth(1.0, 1.01, "clicks")
    assert (affinity(click, claim(start, start + 0.01, "clicks")) > 0) is found


@pytest.mark.parametrize(("level_dbfs", "standing"), [(-49.9, Standing.REQUIRED), (-50.0, Standing.OPTIONAL)])
def test_hum_below_its_definition_need_not_be_found(level_dbfs: float, standing: Standing) -> None:
    label = Defect(defect="hum", start_s=1.0, end_s=3.0, strength={"level_dbfs": level_dbfs})
    found = truth_of(label)
    assert found is not None
    assert found.standing is standing


@pytest.mark.parametrize(
    ("kind", "start", "found"),
    [("continuity", 2.9, True), ("decode", 2.9, True), ("continuity", 3.1, False), ("timestamps", 2.0, False)],
)
def test_stream_errors_match_by_kind_within_a_second(kind: str, start: float, found: bool) -> None:
    lost = truth(1.0, 2.0, "stream_error", "packet_loss")
    assert (affinity(lost, claim(start, start, "stream_error", kind)) > 0) is found


def test_programme_loudness_is_a_verdict_on_the_file() -> None:
    assert affinity(truth(0, 10, "loudness", "programme"), claim(3, 4, "loudness", "programme")) == 1
    assert affinity(truth(0, 10, "loudness", "programme"), claim(0, 10, "loudness", "jump")) == 0


def test_kinds_must_agree_where_both_are_named() -> None:
    assert affinity(truth(0, 1, "phase", "inverted"), claim(0, 1, "phase", "dual_mono")) == 0
    assert affinity(truth(0, 1, "phase", "inverted"), claim(0, 1, "phase")) == 1
    assert affinity(truth(0, 1, "solid_colour", "colour"), claim(0, 1, "solid_colour", "uniform")) == 1


def test_misses_and_fragments_count() -> None:
    total = score([result(claim(1.0, 1.6), claim(1.7, 2.0), truths=(truth(1.0, 2.0),))], OURS, "black")
    assert (total.recall, total.precision) == (1.0, 0.5)
    assert outcomes(total) == [Outcome.MATCHED, Outcome.FALSE]
    missed = score([result(truths=(truth(1.0, 2.0),))], OURS, "black")
    assert (missed.recall, missed.precision, missed.f1) == (0.0, None, None)


def test_information_is_no_alarm() -> None:
    total = score([result(claim(5, 6, severity="info"), claim(7, 8), role=Role.CLEAN, changed=None)], OURS, "black")
    assert len(total.false_alarms()) == 1
    assert (total.per_hour(Role.CLEAN), total.per_hour(Role.CLEAN, "info")) == (1.0, 1.0)


def test_another_defect_inside_the_damage_is_a_consequence_and_elsewhere_is_false() -> None:
    both = result(claim(1.0, 2.0, "freeze"), claim(5.0, 6.0, "freeze"), truths=(truth(1.0, 2.0),))
    assert outcomes(score([both], OURS, "freeze")) == [Outcome.CONSEQUENCE, Outcome.FALSE]


def test_nothing_is_a_consequence_in_a_hard_negative() -> None:
    assert outcomes(score([result(claim(1.0, 2.0, "freeze"), role=Role.NEGATIVE)], OURS, "freeze")) == [Outcome.FALSE]


def test_an_optional_truth_is_neither_missed_nor_false() -> None:
    soft = truth(1.0, 3.0, standing=Standing.OPTIONAL, loose=True)
    silent = score([result(truths=(soft,), role=Role.CLEAN)], OURS, "black")
    assert (silent.missed, silent.recall) == ([], None)
    loud = score([result(claim(1.0, 1.2), claim(2.0, 2.2), truths=(soft,), role=Role.CLEAN)], OURS, "black")
    assert outcomes(loud) == [Outcome.EXCUSED, Outcome.EXCUSED]
    assert loud.false_alarms() == []


@pytest.mark.parametrize(("borne_out", "outcome"), [(True, Outcome.CONFIRMED), (False, Outcome.FALSE)])
def test_a_measurement_bears_out_a_claim_on_clean_media(borne_out: bool, outcome: Outcome) -> None:
    said = replace(claim(0, 10, "silence"), borne_out=borne_out)
    assert outcomes(score([result(said, role=Role.CLEAN)], OURS, "silence")) == [outcome]


def test_a_measurement_excuses_no_fragment_of_an_injected_defect() -> None:
    pieces = [replace(claim(a, b, "silence"), borne_out=True) for a, b in ((1.0, 1.8), (1.8, 2.0))]
    total = score([result(*pieces, truths=(truth(1.0, 2.0, "silence"),), defect="silence")], OURS, "silence")
    assert outcomes(total) == [Outcome.MATCHED, Outcome.FALSE]


def test_edges_are_in_frames_for_pictures_and_milliseconds_for_sound() -> None:
    picture = score([result(claim(1.04, 2.08), truths=(truth(1.0, 2.0),))], OURS, "black")
    assert picture.edges("black")["onset"]["max"] == pytest.approx(1.0)
    assert picture.edges("black")["end"]["median"] == pytest.approx(2.0)
    sound = score([result(claim(1.01, 2.0, "silence"), truths=(truth(1.0, 2.0, "silence"),))], OURS, "silence")
    assert sound.edges("silence")["onset"]["p95"] == pytest.approx(10.0)


def test_files_without_the_stream_do_not_add_hours() -> None:
    total = score([result(role=Role.CLEAN, channels=0)], OURS, "silence")
    assert total.per_hour(Role.CLEAN) is None


def test_a_file_that_cannot_be_judged_counts_its_defects_as_missed() -> None:
    subject = result(truths=(truth(1.0, 2.0),)).subject
    total = score([Result(subject, {OURS: Finding(error="cannot be read")})], OURS, "black")
    assert total.recall == 0.0
    assert total.unjudged[0][1] == "cannot be read"
