"""What every detector must do; a new one joins by being registered."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glasswatch.core.detection import Detection, Verdict
from glasswatch.core.media import AudioChunk, FactKind, FrameChunk, MediaUnit, StreamFact
from glasswatch.core.needs import AudioNeed, FactNeed, Need, Planes, VideoNeed
from glasswatch.core.time import Instant
from glasswatch.detectors.registry import AnyDetector, registered
from tests.support import audio_chunks, detect, frame_chunks, make_detector
from tests.talking import together

ALL = [pytest.param(name, id=name) for name in registered()]
RATE = 16000
FEW = settings(max_examples=12)


def pictures(seed: int) -> np.ndarray:
    """Moving noise, then black, a held picture, a uniform one: 24 to 60 frames of 36 x 64."""
    rng = np.random.default_rng(seed)
    texture = rng.integers(30, 220, (36, 128), np.uint8)
    parts = []
    for kind in rng.permutation(4):
        n = int(rng.integers(6, 16))
        moving = np.stack([np.roll(texture, 3 * i, axis=1)[:, :64] for i in range(n)])
        still = np.repeat(moving[:1], n, axis=0)
        parts.append([moving, np.full_like(moving, 16), still, np.full_like(moving, 128)][kind])
    return np.concatenate(parts)


def sound(seed: int) -> np.ndarray:
    """Two channels of tone with holes, clipping, silence, an inverted stretch: 3 to 6 s."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(rng.integers(3 * RATE, 6 * RATE))) / RATE
    left = 0.3 * np.sin(2 * np.pi * 440 * t) + 0.02 * rng.standard_normal(t.size)
    pcm = np.stack([left, left])
    for kind in range(4):
        start = int(rng.integers(0, t.size - RATE))
        stretch = slice(start, start + int(rng.integers(RATE // 50, RATE)))
        if kind == 0:
            pcm[:, stretch] = 0
        elif kind == 1:
            pcm[:, stretch] = np.clip(10 * pcm[:, stretch], -1, 1)
        elif kind == 2:
            pcm[1, stretch] *= -1
        else:
            pcm[1, stretch] = 0
    return pcm.astype(np.float32)


def facts(seed: int) -> list[StreamFact]:
    rng = np.random.default_rng(seed)
    kinds = list(FactKind)
    times = np.sort(rng.integers(0, 20_000, 30))
    streams = ["video:0", "audio:0", "container"]
    first = [StreamFact(FactKind.STREAM_STARTED, Instant(0, Fraction(0)), s, "starts") for s in streams[:2]]
    return first + [
        StreamFact(
            kinds[rng.integers(len(kinds))], Instant(0, Fraction(int(t), 1000)), streams[rng.integers(3)], "seen"
        )
        for t in times
    ]


def units(detector: AnyDetector, seed: int, sizes: Sequence[int]) -> list[MediaUnit]:
    """Media of the kinds that the detector reads, in order; `sizes` are chunk lengths, repeated as long as needed."""
    return together(*(units_of(need, seed, sizes) for need in detector.spec.needs))


def units_of(need: Need, seed: int, sizes: Sequence[int]) -> list[MediaUnit]:
    cut = list(sizes) * 400
    if isinstance(need, VideoNeed):
        luma = pictures(seed)
        if need.planes is Planes.RGB:
            rgb = np.stack([luma, np.roll(luma, 5, axis=0), luma], axis=-1)
            return list(frame_chunks(rgb, chunk=cut, full_range=True, rendition=need.rendition))
        chroma = np.full((len(luma), 18, 32), 128, np.uint8)
        return list(frame_chunks(luma, (chroma, chroma), chunk=cut, rendition=need.rendition))
    if isinstance(need, AudioNeed):
        return list(audio_chunks(sound(seed), RATE, chunk=[400 * n for n in cut]))
    assert isinstance(need, FactNeed)
    return list(facts(seed))


def comparable(found: Sequence[Detection], name: str) -> list[object]:
    """Detections without what may differ in the last digit."""
    places = 0 if name == "loudness" else 4
    return [
        dataclasses.replace(
            d, score=round(d.score, 3), measurements={k: round(v, places) for k, v in d.measurements.items()}
        )
        for d in found
    ]


seeds = st.integers(0, 2**32 - 1)
chunk_sizes = st.lists(st.integers(1, 16), min_size=1, max_size=5)


@pytest.mark.parametrize("name", ALL)
@given(seed=seeds, sizes=chunk_sizes)
@FEW
def test_how_media_is_cut_into_chunks_changes_nothing(name: str, seed: int, sizes: list[int]) -> None:
    whole = detect(make_detector(name), units(make_detector(name), seed, [1000]))
    cut = detect(make_detector(name), units(make_detector(name), seed, sizes))
    assert comparable(cut, name) == comparable(whole, name)


@pytest.mark.parametrize("name", [p for p in ALL if p.id != "loudness"])
@given(seed=seeds, sizes=chunk_sizes, data=st.data())
@FEW
def test_a_worker_that_takes_over_goes_on_where_the_last_one_stopped(
    name: str, seed: int, sizes: list[int], data: st.DataObject
) -> None:
    media = units(make_detector(name), seed, sizes)
    expected = detect(make_detector(name), media)
    change = data.draw(st.integers(0, len(media) - 1))  # behind the last unit nobody takes over
    first, second = make_detector(name), make_detector(name)
    found = [d for unit in media[:change] for d in first.process(unit)]
    second.restore(first.snapshot())
    assert found + detect(second, media[change:]) == expected


@pytest.mark.parametrize("name", ALL)
@given(seed=seeds)
@FEW
def test_detections_keep_the_contract(name: str, seed: int) -> None:
    detector = make_detector(name)
    for detection in detect(detector, units(detector, seed, [8])):
        assert detection.detector == name
        assert detection.defect in detector.spec.defects
        assert (detection.score >= 0.5) == (detection.verdict is Verdict.DEFECT)
        assert set(detection.measurements) <= set(detector.spec.measurements)
        assert detection.span.epoch == 0


@pytest.mark.parametrize("name", ALL)
def test_an_epoch_starts_with_a_clean_slate(name: str) -> None:
    used = make_detector(name)
    detect(used, units(used, 1, [8]))
    assert used.snapshot() == make_detector(name).snapshot()


@pytest.mark.parametrize("name", ALL)
def test_a_stream_without_media_gives_no_detection(name: str) -> None:
    assert [d for d in make_detector(name).flush(Instant(0, Fraction(0))) if d.verdict is Verdict.DEFECT] == []


@pytest.mark.parametrize("name", ALL)
def test_a_spec_is_complete(name: str) -> None:
    spec = registered()[name].spec
    assert spec.name == name
    assert spec.defects
    assert spec.needs
    assert all(unit for unit in spec.measurements.values())
    units_read = [isinstance(need, (VideoNeed, AudioNeed, FactNeed)) for need in spec.needs]
    assert all(units_read)


def test_chunk_types_are_those_of_the_needs() -> None:
    assert isinstance(units(make_detector("black"), 0, [8])[0], FrameChunk)
    assert isinstance(units(make_detector("silence"), 0, [8])[0], AudioChunk)
