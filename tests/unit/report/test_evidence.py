from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from glasswatch.core.detection import Event, EventState, Severity
from glasswatch.core.input import VideoInfo
from glasswatch.core.media import FrameChunk
from glasswatch.core.time import Span, Timeline
from glasswatch.report import evidence
from glasswatch.report.envelope import MOST_BUCKETS, EnvelopeBuilder
from glasswatch.report.evidence import EvidenceCollector
from glasswatch.report.model import Thumbnail
from glasswatch.report.thumbnail import MOST_BYTES
from tests.support import audio_chunks, frame_chunks

FPS = 25
VIDEO = VideoInfo("h264", 64, 36, Fraction(FPS), "yuv420p", 8, "limited")


def _event(
    start: Fraction | float, end: Fraction | float, worst: Fraction | float | None = None, **changes: Any
) -> Event:
    event = Event(
        id="e",
        channel="c",
        defect="black",
        detector="black",
        version="1",
        severity=Severity.WARNING,
        span=Span(0, Fraction(start), Fraction(end)),
        score=1.0,
        state=EventState.OPEN,
        worst=None if worst is None else Fraction(worst),
    )
    return replace(event, **changes)


def _numbered(frames: int, first: int = 0, epoch: int = 0) -> list[FrameChunk]:
    """Frames whose luma is 16 + 4 x their number, up to 50, so that a picture tells which one it is."""
    luma = np.broadcast_to(16 + 4 * ((first + np.arange(frames)) % 50)[:, None, None], (frames, 18, 32))
    return frame_chunks(luma, start=Fraction(first, FPS), epoch=epoch)


def _pixels(picture: Thumbnail) -> npt.NDArray[Any]:
    with av.open(io.BytesIO(picture.jpeg), mode="r", format="mjpeg") as container:
        (frame,) = container.decode(video=0)
        pixels = frame.to_ndarray(format="rgb24")
    assert pixels.shape == (picture.height, picture.width, 3)
    return pixels


def _frame_number(picture: Thumbnail) -> int:
    return round(float(_pixels(picture).mean()) * 219 / 255 / 4)


def _see(collector: EvidenceCollector, chunks: Sequence[FrameChunk]) -> None:
    for chunk in chunks:
        collector.see_frames(chunk)


@pytest.mark.parametrize("number", [0, 7, 8, 15, 31])
def test_the_picture_is_the_frame_of_the_worst_moment(number: int) -> None:
    collector = EvidenceCollector(Timeline())
    _see(collector, _numbered(32))
    collector.keep(_event(0, 2, worst=Fraction(number, FPS) + Fraction(1, 1000)))
    picture = collector.finish().thumbnails["e"]
    assert _frame_number(picture) == number
    assert picture.position_s == number / FPS


def test_a_frame_on_the_border_of_chunks_belongs_to_the_later() -> None:
    collector = EvidenceCollector(Timeline())
    _see(collector, _numbered(32))
    collector.keep(_event(0, 2, worst=Fraction(8, FPS)))
    assert _frame_number(collector.finish().thumbnails["e"]) == 8


def test_an_event_ahead_of_the_picture_waits_for_it() -> None:
    collector = EvidenceCollector(Timeline())
    chunks = _numbered(64)
    _see(collector, chunks[:1])
    collector.keep(_event(1, 2, worst=Fraction(30, FPS)))
    _see(collector, chunks[1:])
    assert _frame_number(collector.finish().thumbnails["e"]) == 30


def test_an_event_after_the_last_frame_takes_the_nearest() -> None:
    collector = EvidenceCollector(Timeline())
    _see(collector, _numbered(25))
    collector.keep(_event(0.5, 3, worst=2))
    assert _frame_number(collector.finish().thumbnails["e"]) == 24


def test_a_frame_that_is_not_of_the_event_is_not_shown() -> None:
    collector = EvidenceCollector(Timeline())
    _see(collector, _numbered(300))
    collector.keep(_event(1, 2))
    collector.keep(_event(Fraction(20), Fraction(21), id="later"))
    assert collector.finish().thumbnails == {}


def test_a_long_event_shows_what_is_left_of_it() -> None:
    collector = EvidenceCollector(Timeline())
    _see(collector, _numbered(200))
    collector.keep(_event(1, 8))
    assert collector.finish().thumbnails["e"].position_s == pytest.approx(8 - evidence.RING_S, abs=0.5)


def test_a_new_worst_moment_replaces_the_picture() -> None:
    collector = EvidenceCollector(Timeline())
    _see(collector, _numbered(50))
    collector.keep(_event(0, 1, worst=Fraction(5, FPS)))
    collector.keep(_event(0, 2, worst=Fraction(40, FPS)))
    assert _frame_number(collector.finish().thumbnails["e"]) == 40


def test_epochs_are_not_confused() -> None:
    timeline = Timeline()
    timeline.start(Fraction(0))
    timeline.cut(0, Fraction(0), Fraction(2))
    collector = EvidenceCollector(timeline)
    _see(collector, [*_numbered(50), *_numbered(10, epoch=1)])
    collector.keep(_event(1, 2, worst=1))
    collector.keep(_event(0, 0, id="second", span=Span(1, Fraction(0), Fraction(1)), worst=Fraction(4, FPS)))
    pictures = collector.finish().thumbnails
    assert (_frame_number(pictures["e"]), pictures["e"].position_s) == (25, 1.0)
    assert (_frame_number(pictures["second"]), pictures["second"].position_s) == (4, 2.16)


def test_when_full_the_less_severe_give_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "MOST_THUMBNAILS", 2)
    collector = EvidenceCollector(Timeline())
    _see(collector, _numbered(10))
    for name, severity in [("a", 1), ("b", 3), ("c", 1), ("d", 2), ("e", 2)]:
        collector.keep(_event(0, 1, id=name, severity=Severity(severity)))
    assert set(collector.finish().thumbnails) == {"b", "d"}


def test_memory_does_not_grow_with_length() -> None:
    collector = EvidenceCollector(Timeline())
    second = _numbered(FPS)
    pcm = np.zeros((1, 100), np.float32)
    for s in range(3 * 3600):
        if s % 120 < 10:
            for chunk in second:
                shifted = tuple(t + s for t in chunk.pts), tuple(t + s for t in chunk.ends)
                collector.see_frames(replace(chunk, pts=shifted[0], ends=shifted[1]))
        if s % 10 == 0:
            collector.see_audio(audio_chunks(pcm, 100, start=Fraction(s))[0])
            collector.see_loudness(s, s + 1, -23.0)
    assert sum(len(chunk) for chunk in collector._ring) <= (evidence.RING_S + 1) * FPS
    found = collector.finish()
    assert len(found.waveforms[0].low) <= MOST_BUCKETS
    assert found.loudness is not None
    assert len(found.loudness.low) <= MOST_BUCKETS


def test_memory_of_large_frames_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "RING_BYTES", 20 * 18 * 32)
    collector = EvidenceCollector(Timeline())
    _see(collector, _numbered(80))
    assert sum(len(chunk) for chunk in collector._ring) == 16


CHROMA = {"grey": (), "4:2:0": (9, 16), "4:2:2": (18, 16), "4:4:4": (18, 32), "odd": (10, 17)}


@pytest.mark.parametrize("chroma", CHROMA)
@pytest.mark.parametrize("bits", [8, 10, 12, 16])
@pytest.mark.parametrize("full_range", [False, True])
def test_colours(chroma: str, bits: int, full_range: bool) -> None:
    """A red picture (BT.601: Y 81, Cb 90, Cr 240 in studio range; 76, 85, 255 in full) stays red."""
    y, cb, cr = (code << (bits - 8) for code in ((76, 85, 255) if full_range else (81, 90, 240)))
    luma = np.full((1, 18, 32), y)
    planes = tuple(np.full((1, *CHROMA[chroma]), code) for code in (cb, cr)) if chroma != "grey" else ()
    collector = EvidenceCollector(Timeline())
    _see(collector, frame_chunks(luma, planes, bit_depth=bits, full_range=full_range))
    collector.keep(_event(0, 1))
    shown = _pixels(collector.finish().thumbnails["e"]).mean(axis=(0, 1))
    expected = (76, 76, 76) if chroma == "grey" else (255, 0, 0)
    np.testing.assert_allclose(shown, expected, atol=6)


@pytest.mark.parametrize(
    ("rotation", "bright"), [(0, "left"), (90, "top"), (180, "right"), (270, "bottom"), (-90, "bottom")]
)
def test_rotation_is_clockwise(rotation: int, bright: str) -> None:
    luma = np.full((1, 180, 320), 16)
    luma[:, :, :160] = 235
    collector = EvidenceCollector(Timeline(), lambda: replace(VIDEO, rotation=rotation))
    _see(collector, frame_chunks(luma))
    collector.keep(_event(0, 1))
    pixels = _pixels(collector.finish().thumbnails["e"])[..., 0].astype(float)
    height, width = pixels.shape
    assert (width > height) == (rotation % 180 == 0)
    sides = {
        "left": pixels[:, : width // 3],
        "right": pixels[:, -width // 3 :],
        "top": pixels[: height // 3],
        "bottom": pixels[-height // 3 :],
    }
    assert max(sides, key=lambda side: sides[side].mean()) == bright


@pytest.mark.parametrize(
    ("size", "aspect", "shape"),
    [
        ((720, 576), Fraction(64, 45), (320, 180)),
        ((1440, 1080), Fraction(4, 3), (320, 180)),
        ((1080, 1920), Fraction(1), (180, 320)),
        ((4096, 16), Fraction(1), (320, 2)),
    ],
)
def test_display_aspect(size: tuple[int, int], aspect: Fraction, shape: tuple[int, int]) -> None:
    collector = EvidenceCollector(Timeline(), lambda: replace(VIDEO, sample_aspect=aspect))
    (chunk,) = frame_chunks(np.full((1, 270, 360), 100))
    collector.see_frames(replace(chunk, size=size))
    collector.keep(_event(0, 1))
    picture = collector.finish().thumbnails["e"]
    assert (picture.width, picture.height) == shape


def test_noise_still_makes_a_small_picture() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (3, 1, 270, 480))
    collector = EvidenceCollector(Timeline())
    _see(collector, frame_chunks(noise[0], (noise[1], noise[2]), full_range=True))
    collector.keep(_event(0, 1))
    assert len(collector.finish().thumbnails["e"].jpeg) <= MOST_BYTES


def test_waveform_shows_where_the_sound_is() -> None:
    pcm = np.zeros((2, 48000 * 4), np.float32)
    pcm[1, 48000:96000] = 0.5
    pcm[0, 48000:96000] = -0.25
    collector = EvidenceCollector(Timeline())
    for chunk in audio_chunks(pcm, chunk=1000):
        collector.see_audio(chunk)
    wave = collector.finish().waveforms[0]
    loud = np.flatnonzero(wave.high > 0) * wave.bucket_s
    assert (loud[0], loud[-1]) == pytest.approx((1.0, 2.0 - wave.bucket_s), abs=wave.bucket_s)
    assert (wave.low.min(), wave.high.max()) == (-0.25, 0.5)


@settings(max_examples=40, deadline=None)
@example(count=60_000, cuts=[i / 20 for i in range(20)])
@given(count=st.integers(1, 60_000), cuts=st.lists(st.floats(0, 1), max_size=20))
def test_an_envelope_loses_no_peak(count: int, cuts: list[float]) -> None:
    rate = 200
    values = np.random.default_rng(0).normal(size=count).astype(np.float32)
    values[count // 5] = 10
    builder = EnvelopeBuilder(0.01)
    edges = sorted({0, count, *(int(cut * count) for cut in cuts)})
    for first, last in pairwise(edges):
        piece = values[first:last]
        builder.add(first / rate, 1 / rate, piece, piece)
    found = builder.finish()
    assert len(found.low) <= MOST_BUCKETS
    assert (found.low[~np.isnan(found.low)].min(), np.nanmax(found.high)) == (values.min(), values.max())
    last_s = (count - 1) / rate
    assert (len(found.low) - 0.5) * found.bucket_s == pytest.approx(last_s, abs=0.51 * found.bucket_s)
    peak = int(np.argmax(values)) / rate
    assert abs(np.nanargmax(found.high) * found.bucket_s - peak) <= 2 * found.bucket_s


def test_a_gap_is_not_drawn_as_silence() -> None:
    builder = EnvelopeBuilder(0.1)
    one = np.array([-20.0], np.float32)
    builder.add(0.05, 0.1, one, one)
    builder.add(1.05, 0.1, one, one)
    found = builder.finish()
    assert np.isnan(found.low).sum() == 9
    assert found.low[10] == -20
