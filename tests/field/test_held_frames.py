"""Frames that are held because the file says so, and frames that are missing.

Screen recorders write no frame while nothing moves and give the last one a longer duration (QuickRecorder#206,
minimp4.rs#7).
"""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from glasswatch.core.detection import Severity
from tests.field.making import X264, events, ffmpeg, inspect, lavfi

PICTURES = "testsrc2=s=320x180:r=30:d=12"
TONE = "sine=f=440:r=48000:d=12"
STILL = "select='lt(t,3)+eq(n,150)+gt(t,9)'"
"""Frames for 3 s, one at 5 s, then from 9 s on."""


def recorded(folder: Path, name: str, *options: str, sound: bool = True) -> Path:
    sources = lavfi(PICTURES, TONE) if sound else lavfi(PICTURES)
    ffmpeg(*sources, "-vf", STILL, "-fps_mode", "vfr", *X264, *options, "-c:a", "aac", name, folder=folder)
    return folder / name


@pytest.mark.parametrize(
    ("name", "options"),
    [
        pytest.param("screen.mp4", ["-bf", "0"], id="mp4"),
        pytest.param("b_frames.mp4", ["-bf", "3"], id="reordered"),
        pytest.param("screen.mov", ["-bf", "0"], id="mov"),
        pytest.param("trun.mp4", ["-bf", "0", "-movflags", "frag_keyframe+empty_moov"], id="fragments"),
        pytest.param("cmaf.mp4", ["-g", "15", "-movflags", "cmaf+frag_keyframe"], id="cmaf"),
    ],
)
def test_a_frame_that_is_held_as_long_as_its_sample_says_is_no_fault(
    tmp_path: Path, name: str, options: list[str]
) -> None:
    report = inspect(recorded(tmp_path, name, *options), "stream_error", "av_length")
    assert [event for event in report.events if event.severity >= Severity.WARNING] == []
    assert [event for event in report.events if event.track is None] == []


@pytest.mark.parametrize("name", ["screen.mkv", "screen.webm", "screen.flv"])
def test_a_hold_is_informative_where_no_duration_is_stated(tmp_path: Path, name: str) -> None:
    codec = ("-c:v", "libvpx", "-c:a", "libvorbis") if name.endswith("webm") else ()
    path = tmp_path / name
    ffmpeg(*lavfi(PICTURES, TONE), "-vf", STILL, "-fps_mode", "vfr", *X264, *codec, path)
    held = events(inspect(path, "stream_error"), "stream_error")
    assert held
    assert {event.severity for event in held} == {Severity.INFO}


def test_what_both_streams_lack_is_missing(tmp_path: Path) -> None:
    parts = [tmp_path / f"{n}.mkv" for n in range(2)]
    for part in parts:
        ffmpeg(*lavfi("testsrc2=s=320x180:r=30:d=4", "sine=f=440:r=48000:d=4"), *X264, "-c:a", "flac", part)
    (tmp_path / "list").write_text("ffconcat version 1.0\nfile 0.mkv\nduration 6.5\nfile 1.mkv\n")
    ffmpeg("-f", "concat", "-i", "list", "-c", "copy", "hole.mkv", folder=tmp_path)
    found = events(inspect(tmp_path / "hole.mkv", "stream_error"), "stream_error", Severity.ERROR)
    assert {event.track for event in found} == {None, "audio:0"}
    assert all(abs(event.start_s - 4) < 0.1 for event in found)


def test_a_fragment_that_is_missing_is_missing(tmp_path: Path) -> None:
    flags = "frag_keyframe+empty_moov+default_base_moof"
    ffmpeg(*lavfi("testsrc2=s=320x180:r=25:d=8"), *X264, "-g", "25", "-movflags", flags, "whole.mp4", folder=tmp_path)
    lossy = without_fragment(tmp_path / "whole.mp4", 4)
    (gap,) = events(inspect(lossy, "stream_error"), "stream_error", Severity.WARNING)
    assert (gap.kind, gap.severity) == ("timestamps", Severity.ERROR)
    assert gap.measurements["gap_s"] == pytest.approx(1.0, abs=0.05)


def without_fragment(path: Path, number: int) -> Path:
    """A copy that lacks one movie fragment and its media data."""
    data, kept, seen, at = path.read_bytes(), b"", -1, 0
    while at < len(data):
        size, name = struct.unpack(">I4s", data[at : at + 8])
        seen += name == b"moof"
        if seen != number or name not in (b"moof", b"mdat"):
            kept += data[at : at + size]
        at += size
    target = path.with_stem("lossy")
    target.write_bytes(kept)
    return target


@pytest.mark.parametrize("name", ["repeats.ogv", "repeats.avi"])
def test_an_empty_packet_is_the_frame_before_it_again(tmp_path: Path, name: str) -> None:
    codec = ("-c:v", "libtheora", "-q:v", "6") if name.endswith("ogv") else ("-c:v", "mpeg4", "-q:v", "3")
    still = "select='not(between(t,2,3.2))'"
    ffmpeg(*lavfi("testsrc2=s=320x180:r=25:d=6"), "-vf", still, "-fps_mode", "cfr", *codec, name, folder=tmp_path)
    report = inspect(tmp_path / name, "stream_error", "freeze")
    assert events(report, "stream_error") == []
    (freeze,) = events(report, "freeze")
    assert (freeze.start_s, freeze.end_s) == (pytest.approx(2.0, abs=0.1), pytest.approx(3.24, abs=0.1))
