"""Inputs that begin or end where a stream may (NAudio#688, yellowShoes#13, LAVFilters#113), and those that are cut."""

from __future__ import annotations

from pathlib import Path

import pytest

from glasswatch.core.detection import Severity
from tests.field.making import BASE, events, ffmpeg, inspect, lavfi

TONE = "sine=f=440:r=48000:d=5"


@pytest.mark.parametrize(
    ("form", "codec"),
    [("wav", "pcm_s16le"), ("wav", "pcm_s24le"), ("wav", "pcm_mulaw"), ("au", "pcm_s16be")],
)
def test_samples_from_a_pipe_are_complete(tmp_path: Path, form: str, codec: str) -> None:
    path = tmp_path / f"pipe.{form}"
    ffmpeg(*lavfi(TONE), "-c:a", codec, "-f", form, "-", stdout=path)
    report = inspect(path, "stream_error")
    assert report.events == ()
    assert report.timing.media_s == pytest.approx(5)


@pytest.mark.parametrize("form", ["wav", "aiff", "au"])
@pytest.mark.parametrize("share", [0.5, 0.97])
def test_samples_that_lack_an_end_that_the_header_states_are_cut(tmp_path: Path, form: str, share: float) -> None:
    path = tmp_path / f"whole.{form}"
    ffmpeg(*lavfi(TONE), path)
    data = path.read_bytes()
    cut = tmp_path / f"cut.{form}"
    cut.write_bytes(data[: int(share * len(data))])
    found = events(inspect(cut, "stream_error"), "stream_error", Severity.WARNING)
    assert "truncated" in {event.kind for event in found}
    assert events(inspect(path, "stream_error"), "stream_error") == []


@pytest.mark.parametrize("name", ["long.mp3", "long.tta", "long.wv", "long.flac", "long.mka", "long.m4a"])
def test_a_file_that_is_far_shorter_than_it_states_is_cut(tmp_path: Path, name: str) -> None:
    more = ("-movflags", "faststart") if name.endswith("m4a") else ()
    ffmpeg(*lavfi("sine=f=440:r=44100:d=20"), "-ac", "2", *more, name, folder=tmp_path)
    data = (tmp_path / name).read_bytes()
    cut = tmp_path / f"cut_{name}"
    cut.write_bytes(data[: len(data) // 5])
    found = [e for e in events(inspect(cut, "stream_error"), "stream_error", Severity.ERROR) if e.kind == "truncated"]
    assert found
    assert events(inspect(tmp_path / name, "stream_error"), "stream_error") == []


@pytest.mark.parametrize(
    "options", [("-write_xing", "0"), ("-write_xing", "0", "-q:a", "9")], ids=["constant", "variable"]
)
def test_a_length_that_nothing_states_is_not_missed(tmp_path: Path, options: tuple[str, ...]) -> None:
    ffmpeg(*lavfi("sine=f=440:r=44100:d=5", "anoisesrc=d=5:a=0.2:r=44100"), *options, "plain.mp3", folder=tmp_path)
    assert events(inspect(tmp_path / "plain.mp3", "stream_error"), "stream_error") == []


OPEN = "open-gop=1:keyint=25:min-keyint=25:bframes=3:scenecut=0:b-pyramid=normal"


@pytest.mark.parametrize(
    ("encoder", "name"),
    [
        (("-c:v", "libx264", "-preset", "veryfast", "-x264-params", OPEN), "open.mkv"),
        (
            ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", f"{OPEN.rsplit(':', 1)[0]}:log-level=0"),
            "open.mkv",
        ),
        (("-c:v", "mpeg2video", "-g", "12", "-bf", "2", "-q:v", "4"), "open.mkv"),
        (("-c:v", "libx264", "-preset", "veryfast", "-x264-params", OPEN), "open.mp4"),
    ],
    ids=["h264", "hevc", "mpeg2", "mp4"],
)
def test_leading_pictures_of_an_open_gop_are_no_damage(tmp_path: Path, encoder: tuple[str, ...], name: str) -> None:
    ffmpeg("-i", BASE, "-t", "8", "-an", *encoder, "whole.mkv", folder=tmp_path)
    ffmpeg("-ss", "3", "-i", "whole.mkv", "-c", "copy", name, folder=tmp_path)
    found = events(inspect(tmp_path / name, "stream_error"), "stream_error")
    assert [event for event in found if event.kind == "timestamps"] == []
    assert [event for event in found if event.severity > Severity.INFO] == []
