"""Lengths that headers state, and those that their writers could not state."""

from __future__ import annotations

from pathlib import Path

import pytest

from glasswatch.core.detection import Severity
from tests.field.making import BASE, X264, events, ffmpeg, inspect, joined, lavfi

TONE = "sine=f=440:r=48000:d=5"
SMALL = ("-vf", "scale=320:180")


def cut(path: Path, share: float) -> Path:
    data = path.read_bytes()
    target = path.with_stem("cut")
    target.write_bytes(data[: int(share * len(data))])
    return target


@pytest.mark.parametrize(("form", "more"), [("caf", ()), ("wav", ("-rf64", "always"))], ids=["caf", "rf64"])
def test_samples_from_a_pipe_are_complete(tmp_path: Path, form: str, more: tuple[str, ...]) -> None:
    path = tmp_path / f"pipe.{form}"
    ffmpeg(*lavfi(TONE), *more, "-f", form, "-", stdout=path)
    report = inspect(path, "stream_error")
    assert report.events == ()
    assert report.timing.media_s == pytest.approx(5)


@pytest.mark.parametrize("name", ["x.caf", "x.w64", "x.avi"])
def test_a_file_that_lacks_its_end_is_cut(tmp_path: Path, name: str) -> None:
    codec = ("-c:v", "mpeg4", "-q:v", "4", "-c:a", "pcm_s16le") if name.endswith("avi") else ("-vn",)
    ffmpeg("-i", BASE, "-t", "6", *SMALL, *codec, name, folder=tmp_path)
    assert events(inspect(tmp_path / name, "stream_error"), "stream_error") == []
    found = events(inspect(cut(tmp_path / name, 0.6), "stream_error"), "stream_error", Severity.ERROR)
    assert "truncated" in {event.kind for event in found}


@pytest.mark.parametrize("codec", ["libopus", "libvorbis"])
def test_a_page_of_sound_that_is_cut_is_a_warning(tmp_path: Path, codec: str) -> None:
    ffmpeg("-i", BASE, "-t", "6", "-vn", "-c:a", codec, "x.ogg", folder=tmp_path)
    assert events(inspect(tmp_path / "x.ogg", "stream_error"), "stream_error") == []
    found = events(inspect(cut(tmp_path / "x.ogg", 0.6), "stream_error"), "stream_error", Severity.WARNING)
    assert {event.kind for event in found} == {"truncated"}


def test_a_subtitle_may_outlast_the_title(tmp_path: Path) -> None:
    lines = "1\n00:00:01,000 --> 00:00:02,000\nHello\n\n2\n00:00:20,000 --> 00:00:21,000\nlong after\n"
    (tmp_path / "s.srt").write_text(lines)
    ffmpeg("-i", BASE, "-t", "6", *SMALL, *X264, "-c:a", "aac", "x.mkv", folder=tmp_path)
    ffmpeg("-i", "x.mkv", "-i", "s.srt", "-c", "copy", "-c:s", "srt", "titled.mkv", folder=tmp_path)
    report = inspect(tmp_path / "titled.mkv", "stream_error", "av_length")
    assert [event for event in report.events if event.severity >= Severity.WARNING] == []
    found = events(inspect(cut(tmp_path / "titled.mkv", 0.6), "stream_error"), "stream_error", Severity.ERROR)
    assert "truncated" in {event.kind for event in found}


@pytest.mark.parametrize("name", ["x.mp3", "x.aac"])
def test_tags_in_mid_stream_are_no_damage(tmp_path: Path, name: str) -> None:
    tag = b"ID3\x04\x00\x00\x00\x01\x40\x00" + b"TXXX\x00\x01\x3f\x76\x00\x00\x00" + bytes(range(256)) * 95
    tag = tag[: 10 + (1 << 14) + (0x40 << 7)]
    ffmpeg("-i", BASE, "-t", "4", "-vn", "-write_xing", "0", "-id3v2_version", "0", "x.mp3", folder=tmp_path)
    ffmpeg("-i", BASE, "-t", "4", "-vn", "x.aac", folder=tmp_path)
    (tmp_path / "tag").write_bytes(tag)
    path = joined(tmp_path / f"joined{name[1:]}", [tmp_path / name, tmp_path / "tag", tmp_path / name])
    report = inspect(path, "stream_error", "av_length")
    assert [event for event in report.events if event.severity >= Severity.WARNING] == []


def test_the_first_of_joined_files_does_not_state_the_length_of_all(tmp_path: Path) -> None:
    ffmpeg(*lavfi("testsrc2=s=400x400:d=1:r=1"), "-frames:v", "1", "cover.png", folder=tmp_path)
    art = ("-i", "cover.png", "-map", "0:a", "-map", "1", "-c:v", "copy", "-disposition:v", "attached_pic")
    for name, more in (("1.mp3", ("-vn",)), ("2.mp3", art)):
        ffmpeg("-i", BASE, "-t", "4", *more, name, folder=tmp_path)
    path = joined(tmp_path / "joined.mp3", [tmp_path / "1.mp3", tmp_path / "2.mp3"])
    report = inspect(path, "stream_error", "av_length")
    assert [event for event in report.events if event.severity >= Severity.WARNING] == []


def test_a_programme_stream_may_begin_within_a_frame_of_sound(tmp_path: Path) -> None:
    codec = ("-c:v", "mpeg2video", "-q:v", "4", "-g", "15", "-c:a", "mp2", "-f", "vob")
    ffmpeg("-i", BASE, "-t", "8", *SMALL, *codec, "whole.vob", folder=tmp_path)
    data = (tmp_path / "whole.vob").read_bytes()
    (tmp_path / "joined.vob").write_bytes(data[len(data) // 2 + 1 :])
    found = events(inspect(tmp_path / "joined.vob", "stream_error"), "stream_error", Severity.WARNING)
    assert [event for event in found if event.kind == "decode" and event.track == "audio:0"] == []
