from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from bench.accuracy.model import Role
from bench.audio.build import Subject
from bench.audio.cost import flop
from bench.audio.seconds import Seconds, Table, balanced_accuracy, groups, negatives, operating_points, overall
from bench.audio.summary import second_figures, second_tables
from onnx import TensorProto, helper
from training.audio_artifacts.labels import Label

from glasswatch.detectors.audio.artifact_features import CLASSES

MODEL = "m"
FACTS = {"mode": "rectifier", "strength": "weak", "level": "SNR 25 dB", "coding": "aac"}


def seconds(*told: tuple[Label, str], coding: str = "aac", is_before: bool = False, sure: float = 0.8) -> Seconds:
    """Labels with what each is taken for."""
    probabilities = np.full((len(told), len(CLASSES)), (1 - sure) / 4, np.float32)
    for row, (_, name) in zip(probabilities, told, strict=True):
        row[CLASSES.index(name)] = sure
    return Seconds(coding, is_before, tuple(one for one, _ in told), {MODEL: probabilities})


def subject(kind: str, facts: Mapping[str, str] = FACTS, source: str = "s") -> Subject:
    role = Role.INJECTED if kind in CLASSES else Role.NEGATIVE
    return Subject(kind, Path("x"), source, "validate", role, kind, facts)


def table(*files: tuple[Subject, tuple[Seconds, ...]]) -> Table:
    return Table(files, MODEL)


def every(wrong: int = 0) -> tuple[tuple[Subject, tuple[Seconds, ...]], ...]:
    """Ten seconds of each class in files of their own, of which the first are taken for hiss."""
    taken = {name: [(Label(name), "hiss" if n < wrong else name) for n in range(10)] for name in CLASSES[1:]}
    rain = (subject("rain", {"coding": "aac"}), (seconds(*[(Label(), "none")] * 10),))
    return (*((subject(name), (seconds(*told),)) for name, told in taken.items()), rain)


def test_balanced_accuracy_is_the_mean_recall_whatever_the_counts() -> None:
    counts = np.diag([90, 1, 1, 1, 1])
    counts[0, 1], counts[4, 0] = 10, 1
    assert balanced_accuracy(counts) == pytest.approx((0.9 + 3 + 0.5) / 5)
    assert balanced_accuracy(np.diag([5, 0, 1, 1, 1])) is None


def test_rows_are_what_is_and_columns_what_it_is_taken_for() -> None:
    found = table(*every(wrong=4))
    assert found.balanced(found.sure) == pytest.approx((1 + 0.6 + 1 + 0.6 + 0.6) / 5)
    assert found.confusion(found.sure)[CLASSES.index("hum")].tolist() == [0, 6, 4, 0, 0]


def test_edges_and_faint_seconds_are_left_out_and_faint_ones_told_apart() -> None:
    hard = seconds((Label("hum", is_faint=True), "none"), (Label("hum", is_edge=True), "none"))
    found = table(*every(), (subject("hum"), (hard,)))
    figures = second_figures(found, [])
    everything = figures["balanced_accuracy"]["all"]
    assert (everything["seconds"], everything["value"]) == (50, 1.0)
    assert everything["seconds_with_faint"] == 51
    assert everything["with_faint"] == pytest.approx((4 + 10 / 11) / 5)
    assert {name: int(chosen.sum()) for _, name, chosen in groups(found) if name == "SNR 25 dB"} == {"SNR 25 dB": 10}
    assert figures["groups"]["hum: SNR 25 dB"]["with_faint"] == pytest.approx(10 / 11)


def test_what_the_sound_was_before_coding_counts_apart() -> None:
    before = seconds(*[(Label("hum"), "none")] * 10, is_before=True)
    found = table(*every(), (subject("hum"), (before,)))
    sets = overall(found)
    assert found.balanced(found.sure) == found.balanced(sets["lossy coded"]) == 1.0
    assert sets["the same seconds before that"].sum() == 10


def test_strengths_share_the_seconds_without_a_defect() -> None:
    found = table(*every())
    sets = overall(found)
    assert sets["strength: weak"].sum() == 50
    assert sets["strength: strong"].sum() == 10
    assert found.balanced(sets["strength: strong"]) is None


def test_seconds_without_a_defect_are_told_by_where_they_come_from() -> None:
    untouched = (subject("untouched", {}), (seconds((Label(), "hum"), coding="as found"),))
    found = table(*every(), untouched, (subject("hum"), (seconds((Label(), "none")),)))
    assert {name: int(chosen.sum()) for name, chosen in negatives(found)} == {
        "beside a defect": 1,
        "rain": 10,
        "untouched": 1,
    }
    assert found.balanced(overall(found)["none: untouched media only"]) == pytest.approx(0.8)
    assert found.balanced(overall(found)["none: hard negatives only"]) == 1.0


def test_thresholds_come_from_half_a_and_the_detector() -> None:
    none = [(subject("rain", {"coding": "aac"}, name), (seconds(*[(Label(), "none")] * 100),)) for name in "abcdefgh"]
    hums = [(subject("hum", FACTS, name), (seconds((Label("hum"), "hum")),)) for name in "abcdefgh"]
    points = operating_points(table(*none, *hums), dict.fromkeys(CLASSES[1:], 0.9))
    by_goal = {p["goal"]: p for p in points if p["defect"] == "hum"}
    assert set(by_goal) == {"default", "0.01", "0.001"}
    assert by_goal["default"]["B"]["recall"] == 0.0
    assert by_goal["0.01"]["threshold"] == pytest.approx(0.05, abs=1e-6)
    assert (by_goal["0.01"]["B"]["recall"], by_goal["0.01"]["B"]["false_rate"]) == (1.0, 0.0)


def test_all_tables_are_written_even_without_seconds() -> None:
    for files in (every(2), ()):
        found = table(*files)
        points = operating_points(found, dict.fromkeys(CLASSES[1:], 0.5))
        for one in second_tables(found, MODEL, points):
            assert all(len(row) == len(one.columns) for row in one.rows)
            assert one.markdown()


def test_operations_are_those_of_one_second() -> None:
    tensors = [
        helper.make_tensor("w", TensorProto.FLOAT, (4, 3, 3, 3), np.zeros(108, np.float32)),
        helper.make_tensor("m", TensorProto.FLOAT, (4 * 6 * 6, 5), np.zeros(720, np.float32)),
    ]
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["y"]),
        helper.make_node("Flatten", ["y"], ["z"]),
        helper.make_node("MatMul", ["z", "m"], ["o"]),
    ]
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["b", *d]) for n, d in (("x", (3, 8, 8)), ("o", (5,)))]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], tensors)
    assert flop(helper.make_model(graph)) == 2 * 27 * 4 * 36 + 2 * 144 * 5
