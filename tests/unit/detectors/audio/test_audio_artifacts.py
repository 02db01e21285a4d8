"""Audio artifacts: what the classifier says, what the signal makes of it, and what comes out; no weights are needed."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from onnx import TensorProto, helper, save_model

from glasswatch.adapters.local_inference import LocalInference
from glasswatch.core.detection import Verdict
from glasswatch.core.media import AudioChunk
from glasswatch.core.time import Span
from glasswatch.detectors.audio.artifact_features import CLASSES, features
from glasswatch.ports.inference import Tensors
from tests.support import audio_chunks, detect, make_detector
from tests.unit.detectors.audio.classified import (
    NAME,
    RATE,
    Classifier,
    Listening,
    Pcm,
    events,
    mains,
    of,
    said,
    speech,
    with_hum,
)
from tests.unit.detectors.audio.pcm_cases import CHUNK_LENGTHS, assert_tiles, cut, detect_with_restore, noise


def test_all_defects_of_a_second_are_one_call() -> None:
    classifier = Classifier("none")
    found = said(noise(3, RATE), classifier)
    assert classifier.batches == [2, 2, 2]
    for defect in CLASSES[1:]:
        mine = [d for d in found if d.defect == defect]
        assert_tiles(mine, Span(0, Fraction(0), Fraction(3)))
        assert {(d.verdict, d.model) for d in mine} == {(Verdict.OK, "3")}


def test_hum_is_found_with_its_frequency_level_and_edges() -> None:
    (event,) = events(with_hum(10, 2.4, 7.7), Listening())
    assert event.defect == "hum"
    assert float(event.span.start) == pytest.approx(2.4, abs=0.1)
    assert float(event.span.end) == pytest.approx(7.7, abs=0.1)
    assert event.measurements["frequency_hz"] == pytest.approx(50.02, abs=0.1)
    assert event.measurements["level_dbfs"] == pytest.approx(-35, abs=1)
    assert event.measurements["channel"] == 0


@pytest.mark.parametrize("start_s", [0.0, 1.0, 1.3, 1.6, 1.99])
def test_hum_is_told_within_three_seconds_and_its_onset_is_exact(start_s: float) -> None:
    detector = make_detector(NAME, Listening())
    for chunk in audio_chunks(with_hum(8, start_s, 8), RATE, chunk=RATE // 10):
        first = next((d for d in detector.process(chunk) if d.verdict is Verdict.DEFECT), None)
        if first is not None:
            assert float(first.span.start) == pytest.approx(start_s, abs=0.1)
            assert float(chunk.end.seconds) <= start_s + 3.2
            return
    pytest.fail("nothing was told")


@pytest.mark.parametrize(
    ("sound", "why"),
    [
        pytest.param(speech(6), "no comb", id="no comb"),
        pytest.param(speech(6) + mains(6, hz=55.0), "a note", id="a bass note beside the mains"),
        pytest.param(0.01 * speech(6) + mains(6, level_dbfs=-54), "too quiet", id="below the definition"),
    ],
)
def test_what_the_signal_does_not_bear_out_is_no_hum(sound: Pcm, why: str) -> None:
    assert of("hum", said(sound, Classifier("hum"))) == [], why


def test_hum_counts_from_its_definition_on() -> None:
    assert of("hum", said(0.01 * speech(6) + mains(6, level_dbfs=-48), Classifier("hum")))


def test_what_the_classifier_does_not_say_is_nothing() -> None:
    assert events(with_hum(6, 0, 6), Classifier("none")) == []
    assert events(with_hum(6, 0, 6), Classifier("hum", probability=0.4)) == []


def test_hiss_has_edges_where_the_pauses_fill() -> None:
    sound = speech(9)
    inside = slice(round(2.5 * RATE), round(6.4 * RATE))
    sound[inside] += noise(9, RATE, 1, 0.01)[0][inside]
    (event,) = events(sound, Classifier(*["none"] * 2, *["hiss"] * 5, "none"))
    assert event.defect == "hiss"
    # Syllables pause for a tenth of a second in every third of one.
    assert float(event.span.start) == pytest.approx(2.5, abs=0.35)
    assert float(event.span.end) == pytest.approx(6.4, abs=0.35)
    assert event.measurements["level_dbfs"] == pytest.approx(-40, abs=2)


def test_a_sound_that_falls_into_silence_has_no_hiss() -> None:
    assert of("hiss", said(speech(5), Classifier("hiss"))) == []


def test_distortion_is_the_classifiers_word_alone_where_there_is_sound() -> None:
    assert of("distortion", said(speech(5), Classifier("none", "none", "distortion", "distortion", "none"))) == [
        (2, 3),
        (3, 4),
    ]
    assert of("distortion", said(0.01 * speech(5), Classifier("distortion"))) == []


def test_one_second_is_context_and_two_are_a_defect() -> None:
    once, twice = (
        Classifier("none", "distortion", "none"),
        Classifier("none", "distortion", "none", "distortion", "none"),
    )
    assert events(speech(7), once) == []
    (event,) = events(speech(7), twice)
    assert (event.span.start, event.span.end) == (1, 4)


def test_each_channel_is_heard() -> None:
    sound = np.stack([speech(6, seed=1), with_hum(6, 0, 6)])
    found = said(sound, Listening())
    assert of("hum", found)
    assert {d.measurements["channel"] for d in found if d.verdict is Verdict.DEFECT} == {1.0}


def test_votes_come_from_one_channel() -> None:
    sound = noise(6, RATE)
    here, there = ["distortion", "none"], ["none", "distortion"]
    assert of("distortion", said(sound, Classifier("none", here, there, "none"))) == []
    assert of("distortion", said(sound, Classifier("none", here, here, "none"))) == [(1, 2), (2, 3)]


def test_dual_mono_costs_as_much_as_mono() -> None:
    mono, dual, stereo = Listening(), Listening(), Listening()
    sound = with_hum(5, 0, 5)
    expected = said(sound, mono)
    assert said(np.stack([sound, sound]), dual) == expected
    assert dual.batches == mono.batches == [1] * 5
    said(np.stack([sound, np.roll(sound, 1)]), stereo)
    assert stereo.batches == [2] * 5


def test_channels_may_part_and_meet() -> None:
    sound = speech(6)
    other = sound.copy()
    other[2 * RATE : 4 * RATE] *= 0.9
    classifier = Classifier("distortion")
    found = said(np.stack([sound, other]), classifier)
    assert classifier.batches == [1, 1, 2, 2, 1, 1]
    assert len(of("distortion", found)) == 6


def test_silence_is_not_asked_about() -> None:
    classifier = Classifier("hum")
    sound = np.zeros((2, 5 * RATE), np.float32)
    sound[0, 2 * RATE :] = speech(3)
    found = said(sound, classifier)
    assert classifier.batches == [1, 1, 1]
    assert {d.verdict for d in found} == {Verdict.OK}
    assert_tiles([d for d in found if d.defect == "hum"], Span(0, Fraction(0), Fraction(5)))


def test_a_model_that_does_not_answer_is_inconclusive_with_the_reason() -> None:
    found = said(with_hum(5, 0, 5), Classifier("none", "none", "nothing", "none"))
    for defect in CLASSES[1:]:
        assert of(defect, found, Verdict.INCONCLUSIVE) == [(2, 3)]
        assert_tiles([d for d in found if d.defect == defect], Span(0, Fraction(0), Fraction(5)))
    assert {d.reason for d in found} == {None, "model audio_artifacts: away"}


def test_seconds_without_an_answer_are_no_votes() -> None:
    found = said(with_hum(5, 0, 5), Classifier("none", "hum", "nothing", "hum", "none"))
    # The signal says that it hums from the beginning to the end.
    assert of("hum", found) == [pytest.approx((0, 2), abs=0.05), (3, 5)]
    assert of("hum", found, Verdict.INCONCLUSIVE) == [(2, 3)]


@pytest.mark.parametrize("rate", [4_000, 7_999, 192_001])
def test_a_rate_out_of_range_is_inconclusive_with_the_reason(rate: int) -> None:
    classifier = Classifier("none")
    found = said(noise(2.5, rate), classifier, rate)
    assert classifier.batches == []
    for defect in CLASSES[1:]:
        mine = [d for d in found if d.defect == defect]
        assert_tiles(mine, Span(0, Fraction(0), Fraction(round(2.5 * rate), rate)))
        assert {d.verdict for d in mine} == {Verdict.INCONCLUSIVE}
        assert mine[0].reason == f"sound at {rate} Hz is not judged, only at 8000 to 192000 Hz"


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 192_000])
@pytest.mark.parametrize("channels", [("FC",), ("FL", "FR", "FC", "LFE", "BL", "BR")], ids=["mono", "5.1"])
def test_any_rate_and_any_channels(rate: int, channels: tuple[str, ...]) -> None:
    sound = np.stack([with_hum(3.2, 0, 3.2, rate) * (1 + 0.01 * n) for n in range(len(channels))])
    classifier = Classifier("hum")
    found = detect(make_detector(NAME, classifier), audio_chunks(sound, rate, channels=channels))
    assert set(classifier.batches) == {len(channels)}
    assert of("hum", found)[0][0] == 0
    assert of("hum", found)[-1][1] == pytest.approx(3.2, abs=0.001)


def test_sound_shorter_than_a_second_is_inconclusive() -> None:
    classifier = Classifier("none")
    found = said(speech(0.99), classifier)
    assert classifier.batches == []
    assert {(d.defect, d.verdict, d.span) for d in found} == {
        (defect, Verdict.INCONCLUSIVE, Span(0, Fraction(0), Fraction(99, 100))) for defect in CLASSES[1:]
    }


@pytest.mark.parametrize("rest", [0.0001, 0.1, 0.5, 0.99])
def test_what_is_left_at_the_end_is_judged_with_the_sound_before_it(rest: float) -> None:
    heard: list[Pcm] = []
    sound = speech(3 + rest)

    class Keeping(Classifier):
        def infer(self, model: str, inputs: Tensors, deadline_s: float) -> dict[str, npt.NDArray[Any]]:
            heard.append(inputs["mel"])
            return super().infer(model, inputs, deadline_s)

    found = said(sound, Keeping("none"))
    assert {d.verdict for d in found} == {Verdict.OK}
    assert_tiles([d for d in found if d.defect == "hum"], Span(0, Fraction(0), Fraction(len(sound), RATE)))
    assert len(heard) == 4
    np.testing.assert_array_equal(heard[-1], features(sound[None, -RATE:], RATE)["mel"])


def test_what_is_left_votes_only_where_half_of_it_is_new() -> None:
    said_last = Classifier("none", "none", "distortion", "distortion")
    assert of("distortion", said(speech(3.1), said_last)) == []
    said_last = Classifier("none", "none", "distortion", "distortion")
    assert of("distortion", said(speech(3.6), said_last)) == [(2, 3), (3, 3.6)]


def test_a_defect_goes_on_into_what_is_left() -> None:
    found = said(speech(3.1), Classifier("none", "distortion"))
    assert of("distortion", found) == [(1, 2), (2, 3), (3, 3.1)]


def test_nothing_votes_across_a_gap() -> None:
    sound = speech(2)
    media = audio_chunks(sound, RATE, chunk=RATE) + audio_chunks(sound, RATE, chunk=RATE, start=Fraction(9))
    found = detect(make_detector(NAME, Classifier("none", "distortion", "distortion", "none")), media)
    assert of("distortion", found) == []


def test_seconds_may_overlap() -> None:
    classifier = Listening()
    sound = with_hum(8, 2.4, 6.2)
    sound[round(1.3 * RATE)] += 0.7
    found = said(sound, classifier, hop_s=0.5)
    assert len(classifier.batches) == 16
    hum = of("hum", found)
    assert hum[0][0] == pytest.approx(2.4, abs=0.1)
    assert hum[-1][1] == pytest.approx(6.2, abs=0.1)
    assert of("clicks", found) == [pytest.approx((1.3, 1.31), abs=1e-3)]
    for defect in CLASSES[1:]:
        bounds = [d.span for d in found if d.defect == defect]
        assert (bounds[0].start, bounds[-1].end) == (0, 8)
        assert all(a.end == b.start for a, b in pairwise(bounds))


def changing(seconds: float = 6.63) -> Pcm:
    """Hum, clicks, silence, in two channels that are the same at first."""
    left = with_hum(seconds, 1.3, 4.1)
    left[[round(s * RATE) for s in (0.7, 4.4, 6.5, seconds - 0.005) if s < seconds]] += 0.6
    right = left.copy()
    right[3 * RATE :] *= 0.5
    right[5 * RATE : round(6.2 * RATE)] = 0
    return np.stack([left, right])


@pytest.mark.parametrize("seconds", [6.63, 5.01, 4.0])
@settings(max_examples=8, deadline=None)
@given(lengths=CHUNK_LENGTHS)
def test_result_does_not_depend_on_chunks(seconds: float, lengths: list[int]) -> None:
    sound = changing(seconds)
    whole = said(sound, Listening())
    assert {d.defect for d in whole if d.verdict is Verdict.DEFECT} == {"hum", "clicks"}
    assert detect(make_detector(NAME, Listening()), cut(sound, RATE, lengths)) == whole


@pytest.mark.parametrize("at", [1, 7, 13, 20, 26, 33, 40])
def test_another_instance_goes_on_in_mid_programme(at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.support.PaintedModels", Listening)
    chunks: list[AudioChunk] = audio_chunks(changing(), RATE, chunk=2500)
    assert detect_with_restore(NAME, chunks, at) == said(changing(), Listening())


def test_a_model_of_the_repository_is_asked(tmp_path: Path) -> None:
    stand_in(tmp_path)
    inference = LocalInference(tmp_path)
    loud, quiet = speech(4, level=0.2), speech(4, level=0.01)
    assert {(d.defect, d.model) for d in said(loud, inference) if d.verdict is Verdict.DEFECT} == {("distortion", "7")}
    assert {d.verdict for d in said(quiet, inference)} == {Verdict.OK}


def stand_in(repository: Path) -> None:
    """A model with the inputs of the real one: what is louder than -30 dBFS in each tenth is distorted."""
    inputs = features(np.zeros((1, RATE), np.float32), RATE)
    folder = repository / NAME
    (folder / "7").mkdir(parents=True)
    tensors = ", ".join(f'{{ name: "{k}" data_type: TYPE_FP32 dims: {list(v.shape[1:])} }}' for k, v in inputs.items())
    (folder / "config.pbtxt").write_text(
        f'backend: "onnxruntime" max_batch_size: 32 input [{tensors}] '
        'output [{ name: "classes" data_type: TYPE_FP32 dims: [5] }]'
    )
    weights = np.zeros((27 * 10, 5), np.float32)
    weights[[27 * n + 26 for n in range(10)], 3] = 1.0
    bias = np.array([0, -99, -99, 15, -99], np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["shape"], ["flat"]),
            helper.make_node("Gemm", ["flat", "weights", "bias"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["classes"]),
        ],
        NAME,
        [helper.make_tensor_value_info(k, TensorProto.FLOAT, ["batch", *v.shape[1:]]) for k, v in inputs.items()],
        [helper.make_tensor_value_info("classes", TensorProto.FLOAT, ["batch", 5])],
        [
            helper.make_tensor("weights", TensorProto.FLOAT, weights.shape, weights.ravel()),
            helper.make_tensor("bias", TensorProto.FLOAT, bias.shape, bias),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    save_model(model, folder / "7" / "model.onnx")
