from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from glasswatch.core.media import FactKind
from glasswatch.core.needs import FactNeed, Planes, VideoNeed
from glasswatch.decoder.decode import Decoder
from glasswatch.decoder.source import open_source
from tests.media import moving_pattern, write_video
from tests.unit.decoder.decoding import NATIVE, decode, straight_frames

CONTAINERS = {
    "mp4": ("a.mp4", {"codec": "libx264", "options": {"bf": "2"}}),
    "mkv": ("a.mkv", {"codec": "libx264", "options": {"bf": "2"}}),
    "webm": ("a.webm", {"codec": "libvpx", "options": {"deadline": "realtime"}}),
    "ts": ("a.ts", {"codec": "mpeg2video"}),
    "avi-with-reordering": ("a.avi", {"codec": "libx264", "options": {"bf": "2"}}),
    "raw-stream": ("a.h264", {"codec": "libx264", "options": {"bf": "0"}}),
    "flv": ("a.flv", {"codec": "flv1"}),
}


@pytest.mark.parametrize("case", CONTAINERS)
def test_frames_equal_a_straight_decode(tmp_path: Path, case: str) -> None:
    name, settings = CONTAINERS[case]
    path = write_video(tmp_path / name, frames=30, **settings)  # type: ignore[arg-type]
    got = decode(path, [NATIVE])
    straight = straight_frames(path)
    if case in ("avi-with-reordering", "raw-stream"):
        # They hold no presentation times: frames follow each other at the stream's rate.
        assert got.pts() == [got.pts()[0] + Fraction(i, 25) for i in range(30)]
    else:
        assert got.pts() == [pts for pts, _ in straight]
    assert np.array_equal(got.luma(), np.stack([luma for _, luma in straight]))
    assert got.kinds() <= {FactKind.CLOCK_ERROR, FactKind.TABLE_ERROR}


@pytest.mark.parametrize("fps", [Fraction(24000, 1001), Fraction(30000, 1001), Fraction(50)], ids=str)
def test_time_is_exact(tmp_path: Path, fps: Fraction) -> None:
    got = decode(write_video(tmp_path / "a.mp4", frames=40, fps=fps), [NATIVE])
    assert got.pts() == [i / fps for i in range(40)]
    assert got.chunks["picture"][-1].ends[-1] == 40 / fps


def test_variable_frame_rate(tmp_path: Path) -> None:
    pts = [0, 33, 41, 90, 95, 200, 207, 340, 360, 361]
    path = write_video(tmp_path / "a.mkv", frames=10, pts=pts, time_base=Fraction(1, 1000), codec="ffv1")
    got = decode(path, [NATIVE])
    assert got.pts() == [Fraction(p, 1000) for p in pts]
    assert got.kinds() == set()


@pytest.mark.parametrize("threads", [1, 4])
def test_every_frame_comes_out_of_threaded_decoders(tmp_path: Path, threads: int) -> None:
    path = write_video(tmp_path / "a.mp4", codec="libx264", frames=40, options={"bf": "2"})
    assert len(decode(path, [NATIVE], threads=threads).pts()) == 40


@pytest.mark.parametrize(
    ("pixel_format", "chroma", "depth"),
    [
        ("gray", None, 8),
        ("yuv420p", (25, 33), 8),
        ("yuv422p", (49, 33), 8),
        ("yuv444p", (49, 65), 8),
        ("yuv411p", (49, 17), 8),
        ("yuv420p9le", (25, 33), 9),
        ("yuv420p10le", (25, 33), 10),
        ("yuv422p12le", (49, 33), 12),
        ("yuv444p14le", (49, 65), 14),
        ("yuv420p16le", (25, 33), 16),
        ("gray12le", None, 12),
        ("yuva420p", (25, 33), 8),
        ("bgr0", (49, 65), 8),
    ],
)
def test_planes_of_odd_sizes_and_all_depths(
    tmp_path: Path, pixel_format: str, chroma: tuple[int, int] | None, depth: int
) -> None:
    path = write_video(tmp_path / "a.mkv", codec="ffv1", frames=3, size=(65, 49), pixel_format=pixel_format)
    got = decode(path, [NATIVE])
    (chunk,) = got.chunks["picture"]
    assert [plane.shape for plane in chunk.planes] == [(3, 49, 65), *[(3, *chroma)] * 2] if chroma else [(3, 49, 65)]
    assert chunk.bit_depth == depth
    assert chunk.planes[0].dtype == (np.uint8 if depth == 8 else np.uint16)
    assert got.info.video is not None
    assert got.info.video.bit_depth == depth
    assert chunk.size == (65, 49)
    if pixel_format != "bgr0":
        assert np.array_equal(chunk.luma, np.stack([luma for _, luma in straight_frames(path)]))


@pytest.mark.parametrize(
    ("settings", "full"),
    [
        pytest.param({"codec": "mjpeg", "pixel_format": "yuvj420p"}, True, id="yuvj"),
        pytest.param({"codec": "libx264", "color_range": 2}, True, id="flagged-full"),
        pytest.param({"codec": "libx264", "color_range": 1}, False, id="flagged-limited"),
        pytest.param({"codec": "libx264"}, False, id="unmarked"),
    ],
)
def test_range(tmp_path: Path, settings: dict[str, Any], full: bool) -> None:
    got = decode(write_video(tmp_path / "a.mkv", frames=3, **settings), [NATIVE])
    assert got.chunks["picture"][0].full_range is full
    assert got.info.video is not None
    assert got.info.video.range == ("full" if full else "limited")


def test_rgb_is_full_range_of_either_source(tmp_path: Path) -> None:
    need = VideoNeed(Planes.RGB, lines=24)
    got = decode(write_video(tmp_path / "a.mp4"), [need])
    chunk = got.chunks["rgb-24"][0]
    assert chunk.planes[0].shape[1:] == (24, 32, 3)
    assert chunk.full_range
    assert chunk.step == (2.0, 2.0)


@pytest.mark.parametrize("size", [(64, 48), (130, 97), (48, 270), (20, 541)], ids=str)
def test_samples_are_every_nth_of_the_native_planes(tmp_path: Path, size: tuple[int, int]) -> None:
    path = write_video(tmp_path / "a.mkv", codec="ffv1", frames=5, size=size)
    small = VideoNeed(Planes.PICTURE, lines=48)
    got = decode(path, [NATIVE, small])
    step = -(-size[1] // 48)
    assert np.array_equal(got.luma("picture-48"), got.luma()[:, ::step, ::step])
    assert got.chunks["picture-48"][0].step == (step, step)
    chroma, native = (np.concatenate([c.planes[1] for c in got.chunks[r]]) for r in ("picture-48", "picture"))
    half = max(1, round(step / 2))
    assert np.array_equal(chroma, native[:, ::half, ::half])


def test_luma_is_the_first_plane_of_the_picture(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", frames=30, size=(96, 544))
    both = decode(path, [VideoNeed(Planes.LUMA, 270), VideoNeed(Planes.PICTURE, 270)])
    alone = decode(path, [VideoNeed(Planes.LUMA, 270)])
    assert np.array_equal(both.luma("luma-270"), both.luma("picture-270"))
    assert np.array_equal(both.luma("luma-270"), alone.luma("luma-270"))
    assert both.pts("luma-270") == both.pts("picture-270") == alone.pts("luma-270")
    assert np.shares_memory(both.chunks["luma-270"][0].luma, both.chunks["picture-270"][0].luma)


@pytest.mark.parametrize("rate", [Fraction(1), Fraction(2), Fraction(25, 3), Fraction(100)], ids=str)
def test_rate_takes_the_first_frame_of_each_slot(tmp_path: Path, rate: Fraction) -> None:
    got = decode(write_video(tmp_path / "a.mp4", frames=60), [NATIVE, VideoNeed(Planes.LUMA, rate=rate)])
    rendition = f"luma-r{rate.numerator}x{rate.denominator}"
    slots: dict[int, Fraction] = {}
    for pts in got.pts():
        slots.setdefault(int(pts * rate), pts)
    assert got.pts(rendition) == list(slots.values())
    assert got.chunks[rendition][-1].ends[-1] == got.chunks["picture"][-1].ends[-1]


def test_chunks_are_short_in_time_and_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    got = decode(write_video(tmp_path / "a.mp4", frames=60), [NATIVE])
    assert {len(chunk) for chunk in got.chunks["picture"]} == {10}
    monkeypatch.setattr("glasswatch.decoder.video.MOST_CHUNK_BYTES", 10000)
    small = decode(tmp_path / "a.mp4", [NATIVE])
    assert {len(chunk) for chunk in small.chunks["picture"]} == {2}
    assert small.pts() == got.pts()


def test_only_what_is_needed_is_made(tmp_path: Path) -> None:
    got = decode(write_video(tmp_path / "a.mp4", audio_s=1), [FactNeed()])
    assert got.chunks == {}
    assert got.tracks == {}
    assert got.fact(FactKind.STREAM_ENDED, "video:0").values["frames"] == 25


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param({"size": (64, 48)}, {"size": (80, 64)}, id="size"),
        pytest.param({"pixel_format": "yuv420p"}, {"pixel_format": "yuv422p"}, id="pixel-format"),
    ],
)
def test_another_form_in_mid_stream_starts_a_chunk(
    tmp_path: Path, first: dict[str, Any], second: dict[str, Any]
) -> None:
    a = write_video(tmp_path / "a.ts", codec="mpeg2video", **first)
    b = write_video(tmp_path / "b.ts", codec="mpeg2video", pts=list(range(26, 51)), **second)
    (tmp_path / "c.ts").write_bytes(a.read_bytes() + b.read_bytes())
    got = decode(tmp_path / "c.ts", [NATIVE, VideoNeed(Planes.LUMA, rate=Fraction(1))])
    assert {c.epoch for c in got.chunks["picture"]} == {0}
    assert len({c.form for c in got.chunks["picture"]}) == 2
    ends = {got.timeline.position(c.end) for c in got.chunks["luma-r1x1"]}
    # The MPEG-2 decoder drops the frame that it holds back when the form changes: the one before it stands.
    assert max(ends) == 2


def test_rotation_and_fields_are_told(tmp_path: Path) -> None:
    upright = tmp_path / "a.mp4"
    with av.open(str(upright), "w") as out:
        stream = out.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.set_display_rotation(-90)
        frame = av.VideoFrame.from_ndarray(moving_pattern(0), "gray").reformat(format="yuv420p")
        frame.pts, frame.time_base = 0, Fraction(1, 25)
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    video = decode(upright).info.video
    assert video is not None
    assert video.rotation in (90, 270)
    assert not video.interlaced
    fields = write_video(tmp_path / "b.ts", codec="mpeg2video", frames=5, flags=1 << 18 | 1 << 29)
    got = decode(fields, [NATIVE])
    assert got.info.video is not None
    assert got.info.video.interlaced
    assert all(got.chunks["picture"][0].interlaced)


def test_a_picture_that_cannot_be_converted_is_a_fact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_video(tmp_path / "a.mp4", frames=3)
    monkeypatch.setattr("glasswatch.decoder.video.readable", _fail)
    got = decode(path, [NATIVE])
    assert got.kinds() == {FactKind.DECODE_ERROR}


def test_units_come_while_decoding(tmp_path: Path) -> None:
    source = open_source(str(write_video(tmp_path / "a.mp4", frames=100)))
    units = Decoder(source, [NATIVE]).units()
    first = next(units)
    assert first.kind is FactKind.STREAM_STARTED  # type: ignore[union-attr]
    units.close()  # type: ignore[attr-defined]
    source.close()


def _fail(*_: object) -> None:
    raise ValueError("no such conversion")
