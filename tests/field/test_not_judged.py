"""What of an input is not judged is said, and everyday files make no noise about it."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from xml.etree import ElementTree as ET

import av
import pytest
from click.testing import CliRunner

from glasswatch.cli.inspect import inspect as inspect_command
from glasswatch.config.channels import Channel
from glasswatch.core.needs import FactNeed
from glasswatch.decoder.source import open_source
from glasswatch.runtime.channels.session import LiveNumbers, Opener
from tests.field.making import BASE, X264, ffmpeg, inspect, lavfi
from tests.field.multiplex import PICTURE, multiplex, write_ts

SMALL = "color=gray:s=160x90:r=25"


def not_judged(path: Path) -> tuple[str, ...]:
    with contextlib.closing(open_source(str(path))) as source:
        return source.describe().not_judged


@pytest.fixture(scope="module")
def subtitles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("subtitles") / "a.srt"
    path.write_text("1\n00:00:00,500 --> 00:00:01,500\nHello\n")
    return path


def test_of_two_videos_the_default_one_is_judged(tmp_path: Path, subtitles: Path) -> None:
    path = tmp_path / "a.mkv"
    ffmpeg(
        *lavfi(SMALL, PICTURE, "sine=f=440", "sine=f=660"), "-i", subtitles,
        "-map", "0", "-map", "1", "-map", "2", "-map", "3", "-map", "4", "-t", "3", *X264, "-c:a", "aac",
        "-disposition:v:0", "0", "-disposition:v:1", "default", "-disposition:a:1", "comment",
        "-metadata:s:s:0", "language=deu", path,
    )  # fmt: skip
    report = inspect(path, "freeze", "silence", "av_length")
    assert report.input.video is not None
    assert (report.input.video.width, len(report.input.audio)) == (320, 2)
    assert report.events == ()
    assert report.input.not_judged == (
        "video besides the judged track: h264 160x90",
        "subtitles: ssa deu",
    )


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
def test_alternate_audio_is_judged_and_cover_art_is_no_news(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    ffmpeg(*lavfi(SMALL), "-frames:v", "1", tmp_path / "cover.png")
    chapters = tmp_path / "chapters.txt"
    chapters.write_text(";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=2000\ntitle=One\n")
    cover = ("-attach", tmp_path / "cover.png", "-metadata:s:t", "mimetype=image/png") if suffix == ".mkv" else ()
    inputs = () if cover else ("-i", tmp_path / "cover.png")
    maps = () if cover else ("-map", "4:v", "-c:v:1", "png", "-disposition:v:1", "attached_pic")
    ffmpeg(
        *lavfi(PICTURE, "sine=f=440", "anullsrc"), "-i", chapters, *inputs, "-map", "0", "-map", "1", "-map", "2",
        *maps, "-map_metadata", "3", "-t", "4", "-c:v:0", "libx264", "-preset", "veryfast", "-pix_fmt:v:0", "yuv420p",
        "-c:a", "aac", "-disposition:a:1", "0", "-timecode", "10:00:00:00", *cover, path,
    )  # fmt: skip
    report = inspect(path, "silence", "av_length")
    assert [(event.defect, event.track) for event in report.events] == [("silence", "audio:1")]
    assert report.input.not_judged == ()


def test_everyday_files_have_nothing_to_say(tmp_path: Path) -> None:
    write_ts(tmp_path / "a.ts", seconds=1, first_pid=0x100)
    ffmpeg(*lavfi("sine=f=440"), "-t", "1", tmp_path / "a.wav")
    for path in (BASE, tmp_path / "a.ts", tmp_path / "a.wav"):
        assert not_judged(path) == ()


def test_variants_of_a_manifest_are_said(tmp_path: Path) -> None:
    lines = ["#EXTM3U"]
    for name, size in (("low", "160x90"), ("high", "320x180")):
        source = lavfi(f"testsrc2=s={size}:r=25")
        ffmpeg(*source, "-t", "2", *X264, "-f", "hls", "-hls_time", "1", f"{name}.m3u8", folder=tmp_path)
        rate = 100_000 if name == "low" else 900_000
        lines += [f"#EXT-X-STREAM-INF:BANDWIDTH={rate},RESOLUTION={size}", f"{name}.m3u8"]
    (tmp_path / "all.m3u8").write_text("\n".join(lines) + "\n")
    (line,) = not_judged(tmp_path / "all.m3u8")
    assert line.startswith("other variants of the manifest: h264 160x90")


def test_a_codec_without_a_decoder_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    ffmpeg(*lavfi(PICTURE, "sine=f=440"), "-t", "1", *X264, "-c:a", "pcm_s16le", path)
    path.write_bytes(path.read_bytes().replace(b"A_PCM/INT/LIT", b"A_XYZ/INT/LIT"))
    report = inspect(path, "stream_error")
    assert report.input.not_judged == ("audio in a codec that FFmpeg cannot decode",)
    assert "undecodable" in {event.kind for event in report.events}


def test_every_report_and_the_terminal_say_it(tmp_path: Path) -> None:
    one = write_ts(tmp_path / "1.ts", seconds=2, first_pid=0x100, service=1)
    two = write_ts(tmp_path / "2.ts", seconds=2, first_pid=0x200, service=2, offset_s=90)
    path = multiplex(tmp_path / "m.ts", {1: one, 2: two})
    files = {form: tmp_path / f"r.{form}" for form in ("json", "junit", "report")}
    command = [
        str(path),
        "--detectors",
        "av_length",
        *(w for form, to in files.items() for w in (f"--{form}", str(to))),
    ]
    run = CliRunner().invoke(inspect_command, command, standalone_mode=False, env={"COLUMNS": "200"})
    assert run.return_value == 0, run.output
    line = "programme 2: h264 320x180, aac (--program 2)"
    assert f"not judged: {line}" in run.output
    assert "1 part of the input not judged" in run.output
    found = json.loads(files["json"].read_text())["input"]
    assert (found["programme"], found["not_judged"]) == (1, [line])
    output = ET.parse(files["junit"]).getroot().find("testsuite/system-out")
    assert output is not None
    assert output.text == f"not judged: {line}"
    page = files["report"].read_text()
    assert line in page
    assert "Nothing was found in what was judged of it." in page


@pytest.mark.parametrize("asked", [None, 2])
def test_channels_judge_the_same_programme(tmp_path: Path, asked: int | None) -> None:
    one = write_ts(tmp_path / "1.ts", seconds=2, first_pid=0x100, service=1, picture=None)
    two = write_ts(tmp_path / "2.ts", seconds=2, first_pid=0x200, service=2, offset_s=90)
    three = write_ts(tmp_path / "3.ts", seconds=2, first_pid=0x300, service=3, offset_s=900)
    path = multiplex(tmp_path / "m.ts", {1: one, 2: two, 3: three})
    channel = Channel("a", str(path), program=asked)
    with contextlib.closing(Opener()(channel, [FactNeed()], LiveNumbers())) as session:
        assert session.not_judged == inspect(path, "av_length", programme=asked).input.not_judged
        positions = [message.unit.end.seconds for message in session.messages() if hasattr(message.unit, "end")]
        assert session.reason is None
    assert 89 < min(positions) < 91


def test_data_that_no_viewer_meets_is_no_news(tmp_path: Path) -> None:
    path = tmp_path / "a.mov"
    ffmpeg(*lavfi(PICTURE), "-t", "1", *X264, "-timecode", "10:00:00:00", path)
    with av.open(str(path)) as container:
        assert [stream.type for stream in container.streams] == ["video", "data"]
    assert not_judged(path) == ()
