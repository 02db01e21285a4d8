from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from bench.accuracy.model import Role
from bench.block.build import Subject, Truth
from bench.block.cost import flop
from bench.block.events import Finding
from bench.block.frames import CLEAN_STEP, DAMAGED_STEP, Look, Reading, joined, judge
from bench.block.metrics import Overlap
from bench.block.peer import parse, with_blockiness
from bench.block.pictures import Pictures, Thresholds, clean_figures, frame_figures, look_rows, operating_points
from bench.block.real import Shot, Strip, outlined, page, spaced
from bench.block.summary import frame_table, operating_table
from numpy.typing import NDArray
from onnx import TensorProto, helper, save_model

LINE = Thresholds(0.5, 0.07)


class Bright:
    """Calls a cell damaged by how bright it is, and the picture by its brightest cell."""

    def infer(
        self, model: str, inputs: dict[str, NDArray[np.uint8]], deadline_s: float
    ) -> dict[str, NDArray[np.float32]]:
        frames = inputs["frames"].astype(np.float32)[..., 0] / 255
        batch, height, width = frames.shape
        cells = frames.reshape(batch, height // 32, 32, width // 32, 32).mean((2, 4))
        return {"map": cells, "score": cells.max((1, 2))[:, None]}

    def version(self, model: str) -> str:
        return "1"


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Two seconds at 25/s, dark; the left upper cell is white from 1 s to 1.4 s."""
    path = tmp_path / "clip.mkv"
    texture = np.random.default_rng(1).integers(0, 16, (64, 96, 1), np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for n in range(50):
            picture = np.full((64, 96, 3), 40, np.uint8) + texture
            if 25 <= n < 35:
                picture[:32, :32] += 200
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = n, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def damaged(path: Path) -> Subject:
    blocks = np.zeros((4, 6), np.bool_)
    blocks[:2, :2] = True
    wider = blocks.copy()
    wider[0, 3] = True
    labelled = tuple((n / 25, wider) for n in range(25, 35))
    large = tuple((n / 25, blocks) for n in range(25, 31))
    truths = Truth(((1.0, 1.4),), labelled), Truth(((1.0, 1.24),), large)
    return Subject("x", path, "s", "validate", Role.INJECTED, "damaged", {"codec": "libx264"}, *truths)


def test_pictures_meet_their_labels_and_are_sampled_by_them(clip: Path) -> None:
    seen = judge(damaged(clip), Bright(), ["a"])
    assert len(seen.times_s) == 50
    assert [round(look.time_s * 25) for look in seen.looks if look.labelled] == list(range(25, 35, DAMAGED_STEP))
    assert sum(not look.labelled for look in seen.looks) == -(-40 // CLEAN_STEP)
    for look in seen.looks:
        reading = look.readings["a"]
        assert (reading.score > 0.9) == (look.labelled > 0)
        assert reading.area == (pytest.approx(1 / 6) if look.labelled else 0)
    assert [round(time * 25) for time, _ in seen.visible.pictures] == list(range(25, 31))
    assert seen.visible.events == ((1.0, pytest.approx(31 / 25)),)
    first, *_, last = [look for look in seen.looks if look.labelled]
    assert (first.labelled, first.large, first.visible) == (5 / 24, 4 / 24, 4 / 24)
    assert (first.readings["a"].cells, first.readings["a"].blocks) == (Overlap(1, 1), Overlap(4, 4))
    assert (last.labelled, last.large, last.visible, last.readings["a"].cells) == (5 / 24, 0.0, 0.0, None)


def test_damaged_pictures_join_as_the_labels_do() -> None:
    times = [n / 10 for n in range(20)]
    assert joined([0.1, 0.2, 0.5, 0.9, 1.9], times) == ((0.1, 0.6), (0.9, 1.0), (1.9, 1.9))
    assert joined([], times) == ()


def test_the_peer_is_read_for_the_same_pictures(clip: Path) -> None:
    looks = judge(damaged(clip), Bright(), ["a"]).looks
    assert all(look.peer is not None for look in with_blockiness(looks, clip))
    log = "frame:0 pts:0 pts_time:0\nlavfi.block=1.5\nframe:1 pts:4 pts_time:0.16\nlavfi.block=nan\n"
    assert parse(log + "frame:2 pts:8 pts_time:0.32\nlavfi.block=0.25\n") == [(0.0, 1.5), (0.32, 0.25)]


def look(labelled: float, visible: float, score: float, peer: float | None = 1.0) -> Look:
    overlap = Overlap(1, 2) if visible else None
    return Look(0.0, labelled, visible, visible, {"a": Reading(score, score / 2, overlap, overlap)}, peer)


def files() -> list[tuple[Subject, list[Look]]]:
    none = Path("x")
    return [
        (
            Subject("1", none, "s", "validate", Role.INJECTED, "damaged", {"codec": "libx264", "mode": "drop"}),
            [look(0.3, 0.3, 0.9), look(0.05, 0.004, 0.4), look(0.01, 0.0, 0.1), look(0.0, 0.0, 0.2)],
        ),
        (Subject("2", none, "t", "validate", Role.NEGATIVE, "confetti", {}), [look(0.0, 0.0, 0.6, None)]),
        (Subject("3", none, "u", "validate", Role.CLEAN, "untouched", {}), [look(0.0, 0.0, 0.0)]),
    ]


def test_groups_of_damaged_pictures_are_told_from_all_clean_ones() -> None:
    found = frame_figures(Pictures(files(), "a"), LINE)
    counts = {name: one.pictures for name, one in found.items()}
    assert counts == {
        "labelled": 3,
        "large": 2,
        "visible": 2,
        "labelled, not visible": 1,
        "codec libx264": 2,
        "mode drop": 2,
        "area below 1 %": 1,
        "area above 25 %": 1,
    }
    visible = found["visible"]
    assert visible.auc_score == pytest.approx(5 / 6)
    assert (visible.recall, visible.recall_area) == (0.5, 1.0)
    assert visible.recall_at == {"0.01": None, "0.001": None}
    assert (visible.iou_mean, visible.iou_pooled) == (0.5, 0.5)
    assert visible.auc_peer == 0.5
    table = frame_table(found, "a", LINE)
    assert {len(row) for row in table.rows} == {len(table.columns)}


def test_each_kind_of_clean_pictures_has_its_false_rate() -> None:
    found = clean_figures(Pictures(files(), "a"), LINE)
    assert {name: one["false_rate_score"] for name, one in found.items()} == {
        "whole pictures of damaged files": 0.0,
        "confetti": 1.0,
        "untouched": 0.0,
    }
    assert found["confetti"]["auc_peer"] is None


def test_a_threshold_is_chosen_on_one_half_and_told_of_both() -> None:
    names = [f"source{n}" for n in range(40)]
    some = [
        (
            Subject(name, Path("x"), name, "validate", Role.INJECTED, "damaged", {}),
            [look(0.5, 0.5, 0.9), *(look(0.0, 0.0, 0.01 * k) for k in range(10))],
        )
        for name in names
    ]
    pictures = Pictures(some, "a")
    points = {(p["decision"], p["goal"]): p for p in operating_points(pictures, LINE)}
    chosen = points["learned", "0.01"]
    first = pictures.score[pictures.clean & (pictures.half == "A")]
    assert chosen["threshold"] is not None
    assert (first >= chosen["threshold"]).mean() == chosen["A"]["false_rate"] <= 0.01
    assert chosen["B"]["recall"] == 1.0
    assert points["learned", "default"]["threshold"] == 0.5
    assert points["learned", "0.001"]["threshold"] is None
    table = operating_table(list(points.values()), "a")
    assert {len(row) for row in table.rows} == {len(table.columns)}


def test_rows_of_the_document_hold_what_was_said() -> None:
    (row,) = look_rows([look(0.3, 0.2, 0.123456)])
    assert (row["labelled"], row["models"]["a"]["score"]) == (0.3, 0.12346)
    assert row["models"]["a"]["cells"] == {"shared": 1, "whole": 2}


def test_an_outline_is_drawn_inside_the_set_cells_at_the_picture_s_border_too() -> None:
    cells = np.zeros((3, 3), np.bool_)
    cells[0, :2] = True
    drawn = outlined(np.zeros((96, 96, 3), np.uint8), cells)[..., 0] > 0
    assert drawn[0, :64].all()
    assert drawn[31, :64].all()
    assert not drawn[10, 20:60].any()
    assert not drawn[32:].any()


def test_the_page_stands_for_itself_and_marks_hits() -> None:
    strip = Strip("a<b>", (Shot(0.0, 0.9, 0.2, b"x"), Shot(1.0, 0.1, 0.0, b"y")), Finding())
    text = page([strip, Strip("empty", (), Finding(error="nothing decodes"))], "Title", LINE)
    assert "a&lt;b&gt;" in text
    assert text.count("class=hit") == 1
    assert "http" not in text.replace("http://www.w3.org", "")
    assert strip.flagged(LINE) == (0.5, 0.5)


def test_spaced_numbers_reach_both_ends() -> None:
    assert spaced(100, 5) == [0, 25, 50, 74, 99]
    assert spaced(3, 10) == [0, 1, 2]
    assert spaced(0, 10) == []


def test_operations_are_counted_by_the_sizes_of_a_run(tmp_path: Path) -> None:
    weights = helper.make_tensor("w", TensorProto.FLOAT, (8, 3, 3, 3), np.zeros(8 * 27, np.float32))
    nodes = [
        helper.make_node("Cast", ["frames"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["f"], ["t"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["t", "w"], ["c"], strides=[2, 2], pads=[1, 1, 1, 1]),
    ]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("frames", TensorProto.UINT8, ["n", "h", "w_", 3])],
        [helper.make_tensor_value_info("c", TensorProto.FLOAT, ["n", 8, "a", "b"])],
        [weights],
    )
    save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "m.onnx")
    assert flop(tmp_path / "m.onnx", np.zeros((1, 20, 30, 3), np.uint8)) == 2 * 8 * 10 * 15 * 27
