from __future__ import annotations

import av
import numpy as np
import pytest
from av.video.format import VideoFormat
from av.video.reformatter import VideoReformatter
from hypothesis import given
from hypothesis import strategies as st

from glasswatch.decoder.pixels import PictureForm, pixel_layout, readable, sample_plane
from tests.media import moving_pattern

READ_AS_THEY_ARE = [
    *("yuv420p", "yuv422p", "yuv444p", "yuv411p", "yuv440p", "yuv410p", "yuvj420p", "yuvj444p", "yuva420p", "gray"),
    *("yuv420p9le", "yuv420p10le", "yuv422p12le", "yuv444p14le", "yuv444p16le", "gray10le", "gray16le"),
]


@pytest.mark.parametrize("name", READ_AS_THEY_ARE)
def test_planar_formats_are_read_without_conversion(name: str) -> None:
    assert pixel_layout(name).convert_to is None


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("nv12", "yuv420p"),
        ("nv16", "yuv422p"),
        ("nv24", "yuv444p"),
        ("yuyv422", "yuv422p"),
        ("uyvy422", "yuv422p"),
        ("uyyvyy411", "yuv411p"),
        ("p010le", "yuv420p10le"),
        ("p012le", "yuv420p12le"),
        ("p016le", "yuv420p16le"),
        ("p210le", "yuv422p10le"),
        ("y210le", "yuv422p10le"),
        ("xv30le", "yuv444p10le"),
        ("yuv420p10be", "yuv420p10le"),
        ("yuv444p10msble", "yuv444p10le"),
        ("gray12be", "gray12le"),
        ("grayf32le", "gray16le"),
        ("ya8", "gray"),
        ("monob", "gray"),
        ("rgb24", "yuv444p"),
        ("bgra", "yuv444p"),
        ("rgb565le", "yuv444p"),
        ("gbrp", "yuv444p"),
        ("gbrp12le", "yuv444p12le"),
        ("rgba64le", "yuv444p16le"),
        ("pal8", "yuv444p"),
        ("bayer_rggb8", "yuv444p"),
        ("xyz12le", "yuv444p12le"),
    ],
)
def test_other_formats_keep_subsampling_and_depth(name: str, target: str) -> None:
    assert pixel_layout(name).convert_to == target


@pytest.mark.parametrize("name", sorted(av.video.format.names))
def test_every_format_of_ffmpeg_has_a_layout_or_says_why_not(name: str) -> None:
    if not VideoFormat(name, 8, 8).components:
        with pytest.raises(ValueError, match="cannot be read"):
            pixel_layout(name)
        return
    layout = pixel_layout(name)
    assert 8 <= layout.bit_depth <= 16
    assert layout.planes in (1, 3)


@pytest.mark.parametrize("name", ["nv12", "yuyv422", "p010le", "yuv420p10be", "gray12be", "rgb24", "gbrp", "bgra"])
@pytest.mark.parametrize("size", [(64, 48), (62, 46)], ids=["even", "padded"])
def test_luma_survives_the_conversion(name: str, size: tuple[int, int]) -> None:
    ramp = moving_pattern(0, *size)
    frame = av.VideoFrame.from_ndarray(ramp, "gray").reformat(format="yuv444p", src_color_range=1, dst_color_range=1)
    np.copyto(_plane(frame), ramp)
    layout = pixel_layout(name)
    # FFmpeg takes grey for full range, so that only grey gives grey unchanged.
    there = (av.VideoFrame.from_ndarray(ramp, "gray") if name.startswith("gray") else frame).reformat(format=name)
    back = readable(there, VideoReformatter())
    luma = sample_plane(back.planes[0], layout.dtype, 1, 1).astype(int) >> (layout.bit_depth - 8)
    assert np.abs(luma - ramp).max() <= 2


def test_bilevel_pictures_are_black_and_white() -> None:
    frame = av.VideoFrame.from_ndarray(np.repeat(np.uint8([[0, 255]]), 8, axis=1).repeat(8, axis=0), "gray")
    back = readable(frame.reformat(format="monob"), VideoReformatter())
    assert np.unique(sample_plane(back.planes[0], np.dtype("u1"), 1, 1)).tolist() == [0, 255]
    assert pixel_layout("monob").full_range


@pytest.mark.parametrize(
    ("name", "color_range", "full"),
    [("yuvj420p", 0, True), ("yuv420p", 2, True), ("yuv420p", 1, False), ("yuv420p", 0, False)],
)
def test_full_range_by_format_or_flag(name: str, color_range: int, full: bool) -> None:
    frame = av.VideoFrame(16, 16, name)
    frame.color_range = color_range
    assert PictureForm.of(frame).full_range is full


@given(
    width=st.integers(1, 70),
    height=st.integers(1, 40),
    down=st.integers(1, 9),
    across=st.integers(1, 9),
    deep=st.booleans(),
)
def test_sampling_takes_every_nth_line_and_column(width: int, height: int, down: int, across: int, deep: bool) -> None:
    dtype = np.dtype("<u2" if deep else "u1")
    frame = av.VideoFrame(width, height, "gray16le" if deep else "gray")
    plane = frame.planes[0]
    lines = np.ndarray((height, plane.line_size // dtype.itemsize), dtype, plane)
    lines[:] = np.arange(lines.size, dtype=np.uint32).reshape(lines.shape).astype(dtype)
    taken = np.empty((-(-height // down), -(-width // across)), dtype)
    taken[:] = sample_plane(plane, dtype, down, across)
    assert np.array_equal(taken, lines[:, :width][::down, ::across])


def test_pictures_that_are_stored_bottom_up_are_turned() -> None:
    picture = moving_pattern(0)
    graph = av.filter.Graph()
    source = graph.add_buffer(width=64, height=48, format="gray", time_base="1/25")
    flip, sink = graph.add("vflip"), graph.add("buffersink")
    source.link_to(flip)
    flip.link_to(sink)
    graph.configure()
    frame = av.VideoFrame.from_ndarray(picture, "gray")
    frame.pts = 0
    graph.push(frame)
    flipped = graph.pull()
    assert isinstance(flipped, av.VideoFrame)
    assert flipped.planes[0].line_size < 0
    taken = np.empty((12, 16), np.uint8)
    taken[:] = sample_plane(flipped.planes[0], np.dtype("u1"), 4, 4)
    assert np.array_equal(taken, picture[::-1][::4, ::4])


def _plane(frame: av.VideoFrame) -> np.ndarray:
    plane = frame.planes[0]
    return np.ndarray((plane.height, plane.width), np.uint8, plane, 0, (plane.line_size, 1))
