"""A detector that calls a model: in process, on a server that is down, and without a place to run models."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from glasswatch.adapters.local_inference import LocalInference
from glasswatch.config.profile import Profile, load_profile
from glasswatch.core.detection import Detection, Verdict
from glasswatch.core.detector import DetectorContext, DetectorSpec
from glasswatch.core.errors import ConfigError
from glasswatch.core.media import FrameChunk, MediaUnit
from glasswatch.core.needs import Planes, VideoNeed
from glasswatch.core.runs import Reading, Runs
from glasswatch.core.time import Instant, Span
from glasswatch.decoder.source import open_source
from glasswatch.detectors.modelled import ModelDetector, ModelState, Outputs
from glasswatch.detectors.params import Params
from glasswatch.ports.inference import Inference
from glasswatch.report.model import Status
from glasswatch.runtime import detectors, inspect
from glasswatch.runtime.detectors import make_detector
from glasswatch.runtime.inspect import Inspection
from tests.media import write_video
from tests.servers import MODELS
from tests.support import detect, frame_chunks

CONTEXT = DetectorContext("test")


class NoParams(Params):
    pass


@dataclass(slots=True)
class GlareState(ModelState):
    runs: Runs = field(default_factory=Runs)


class Glare(ModelDetector[NoParams, GlareState]):
    """Takes a frame for a defect when twice its mean luma and one is above 300."""

    spec: ClassVar[DetectorSpec] = DetectorSpec(
        "glare", "1", ("black",), (VideoNeed(Planes.LUMA, lines=270),), {"twice": "1"}, models=("identity_scale",)
    )

    def fresh_state(self) -> GlareState:
        return GlareState()

    def process(self, unit: MediaUnit) -> Sequence[Detection]:
        assert isinstance(unit, FrameChunk)
        means = unit.luma.mean(axis=(1, 2), dtype=np.float32)[:, None]
        readings = self.readings("identity_scale", {"x": means}, len(unit), self.judge)
        spans = [unit.frame_span(i) for i in range(len(unit))]
        runs = [run for span, r in zip(spans, readings, strict=True) for run in self.state.runs.add(span, r)]
        return [self.said(*run) for run in runs]

    def finish(self, at: Instant) -> Sequence[Detection]:
        return [self.said(*run) for run in self.state.runs.end()]

    def judge(self, outputs: Outputs) -> Sequence[Reading]:
        return [
            Reading(Verdict.DEFECT if twice > 300 else Verdict.OK, float(twice > 300), {"twice": float(twice)})
            for twice in outputs["y"][:, 0]
        ]

    def said(self, span: Span, reading: Reading) -> Detection:
        return self.detection(
            "black",
            span,
            reading.verdict,
            reading.score,
            measurements=reading.measurements,
            reason=reading.reason,
        )


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (detectors, inspect):
        monkeypatch.setattr(module, "registered", lambda: {"glare": Glare})


def make(inference: Inference | None, deadline_s: float = 30.0) -> Glare:
    detector = make_detector("glare", NoParams(), CONTEXT, inference, deadline_s)
    assert isinstance(detector, Glare)
    return detector


def media(chunk: int | Sequence[int] = 20) -> list[FrameChunk]:
    """Ten dark, then ten bright frames."""
    luma = np.full((20, 4, 4), 100, np.uint8)
    luma[10:] = 200
    return frame_chunks(luma, chunk=chunk)


def test_it_judges_with_the_model_and_names_its_version() -> None:
    found = detect(make(LocalInference(MODELS)), media())
    assert [(d.verdict, d.model, float(d.span.start), float(d.span.end)) for d in found] == [
        (Verdict.OK, "1", 0.0, 0.4),
        (Verdict.DEFECT, "1", 0.4, 0.8),
    ]
    assert found[0].measurements == {"twice": 201.0}


@pytest.mark.parametrize("chunk", [1, 3, [7, 13]])
def test_how_media_is_cut_changes_nothing(chunk: int | Sequence[int]) -> None:
    inference = LocalInference(MODELS)
    assert detect(make(inference), media(chunk)) == detect(make(inference), media())


def test_a_worker_that_takes_over_goes_on_where_the_last_one_stopped() -> None:
    inference = LocalInference(MODELS)
    first, second = make(inference), make(inference)
    chunks = media(5)
    found = [d for unit in chunks[:3] for d in first.process(unit)]
    second.restore(first.snapshot())
    assert found + detect(second, chunks[3:]) == detect(make(inference), chunks)


def test_a_model_that_is_not_there_is_inconclusive_with_the_reason(tmp_path: Path) -> None:
    [detection] = detect(make(LocalInference(tmp_path)), media())
    assert detection.verdict is Verdict.INCONCLUSIVE
    assert detection.score == 0
    assert detection.model is None
    assert detection.reason is not None
    assert "no model identity_scale" in detection.reason


def test_a_server_that_is_down_is_inconclusive_with_the_reason() -> None:
    pytest.importorskip("tritonclient.grpc")
    from glasswatch.adapters.triton_inference import TritonInference  # noqa: PLC0415 - needs the extra `cluster`

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # Nobody listens.
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with TritonInference(address) as inference:
            found = detect(make(inference, deadline_s=0.2), media())
    assert {d.verdict for d in found} == {Verdict.INCONCLUSIVE}
    assert (found[0].span.start, float(found[-1].span.end)) == (0, 0.8)
    assert all(d.reason and f"model identity_scale: {address}" in d.reason for d in found)


def test_without_a_place_to_run_models_it_is_not_made() -> None:
    with pytest.raises(ConfigError, match=r"glare needs a place to run models \(identity_scale\)"):
        make(None)


def test_where_models_run() -> None:
    with detectors.inference(replace(Glare.spec, models=())) as nowhere:
        assert nowhere is None
    with detectors.inference(Glare.spec, None, MODELS) as local:
        assert isinstance(local, LocalInference)
    pytest.importorskip("tritonclient.grpc")
    with detectors.inference(Glare.spec, "127.0.0.1:1", MODELS) as server:
        assert type(server).__name__ == "TritonInference"


def test_a_judgement_that_leaves_frames_out_is_a_mistake() -> None:
    detector = make(LocalInference(MODELS))
    with pytest.raises(ValueError, match="1 readings of 2"):
        detector.readings("identity_scale", {"x": np.ones((2, 1), np.float32)}, 2, lambda _: [Reading(Verdict.OK, 0.0)])


@pytest.mark.parametrize(
    ("models", "status", "reason"),
    [(MODELS, Status.OK, None), (Path("nowhere"), Status.INCONCLUSIVE, "no model identity_scale in nowhere")],
    ids=["model there", "model missing"],
)
def test_an_inspection_runs_models_in_process(tmp_path: Path, models: Path, status: Status, reason: str | None) -> None:
    defaults = load_profile(only=["black"])
    profile = Profile({"glare": NoParams()}, defaults.rules, (), ())
    with closing(open_source(str(write_video(tmp_path / "clip.mp4")))) as source:
        report = Inspection(source, profile, models=models).run()
    [result] = report.detectors
    assert result.status is status
    assert result.model == ("1" if status is Status.OK else None)
    assert reason is None or (result.reason is not None and reason in result.reason)
