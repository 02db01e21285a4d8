from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import av
import pytest

from glasswatch.core.errors import InputError
from glasswatch.core.media import FactKind
from glasswatch.decoder.limits import Limits
from glasswatch.decoder.source import open_source
from tests.media import tone_frames, write_audio, write_video
from tests.unit.decoder.decoding import decode


def refused(location: Path | str, limits: Limits | None = None) -> str:
    with pytest.raises(InputError) as caught:
        open_source(str(location), limits)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_no_such_file(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.mp4") == f"no such file: {tmp_path}/none.mp4"


def test_a_directory(tmp_path: Path) -> None:
    assert "is a directory" in refused(tmp_path)


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    assert "is empty" in refused(tmp_path / "a.mp4")


def test_a_pipe_that_nobody_writes_to(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.ts")
    assert "a device or a pipe" in refused(tmp_path / "pipe.ts")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"This is no film.\n" * 100, id="text"),
        pytest.param(bytes(5000), id="zeros"),
        pytest.param(b"\x00\x00\x00\x18ftypmp42" + bytes(400), id="only-a-box"),
        pytest.param(b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n", id="playlist-as-mp4"),
        pytest.param(b"ffconcat version 1.0\nfile /etc/passwd\n", id="concat-script-as-mp4"),
    ],
)
def test_what_is_no_media(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.mp4").write_bytes(content)
    assert refused(tmp_path / "a.mp4").startswith(f"cannot read {tmp_path}/a.mp4: ")


def test_subtitles_alone(tmp_path: Path) -> None:
    (tmp_path / "a.vtt").write_text("WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n")
    assert "holds neither audio nor video" in refused(tmp_path / "a.vtt")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.wav")
    path.chmod(0)
    assert "Permission denied" in refused(path)


@pytest.mark.parametrize(
    "location",
    [
        "concat:/etc/passwd|/etc/hosts",
        "subfile,,start,0,end,0,,:/etc/passwd",
        "file:///etc/passwd",
        "file:/etc/passwd",
        "data:video/mp4;base64,AAAA",
        "pipe:0",
        "crypto+file:///etc/passwd",
        "async:file:/etc/passwd",
        "cache:http://127.0.0.1:1/a",
        "ftp://user:secret@127.0.0.1:1/a",
        "unix:/run/a.sock",
        "fd:",
        "lavfi:testsrc",
        "\0",
        "a" * 5000,
    ],
)
def test_only_files_and_network_addresses_are_opened(location: str) -> None:
    message = refused(location)
    assert message.startswith(("cannot read", "no such file"))
    assert "secret" not in message


@pytest.mark.parametrize(
    "name", ["http:x.wav", "concat:a.wav", "a:b|c.wav", "%03d.wav", "-i.wav", "ünï.wav", "a b?c#d.wav"]
)
def test_no_name_of_a_file_reads_as_a_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    write_audio(tmp_path / "sound.wav", seconds=0.1).rename(tmp_path / name)
    assert decode(name).pcm().shape == (2, 4800)


def test_limits_of_the_picture(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", frames=2)
    assert "64x48 is larger than 3071 pixels" in refused(path, Limits(most_pixels=64 * 48 - 1))
    open_source(str(path), Limits(most_pixels=64 * 48)).close()


def test_limits_of_the_number_of_streams(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.mka", tracks=3, seconds=0.1)
    assert "3 streams; 2 are allowed" in refused(path, Limits(most_streams=2))


def test_a_picture_that_grows_in_mid_stream_is_refused(tmp_path: Path) -> None:
    a = write_video(tmp_path / "a.ts", codec="mpeg2video")
    b = write_video(tmp_path / "b.ts", codec="mpeg2video", size=(640, 480), pts=list(range(26, 51)))
    (tmp_path / "c.ts").write_bytes(a.read_bytes() + b.read_bytes())
    got = decode(tmp_path / "c.ts", limits=Limits(most_pixels=10000))
    assert {chunk.size for chunk in got.chunks["picture"]} == {(64, 48)}
    assert FactKind.DECODE_ERROR in got.kinds("video:0")


def test_description(tmp_path: Path) -> None:
    info = decode(
        write_video(tmp_path / "a.mp4", codec="libx264", fps=Fraction(30000, 1001), frames=30, audio_s=1)
    ).info
    assert info.container == "mov,mp4,m4a,3gp,3g2,mj2"
    assert info.duration_s == pytest.approx(1.001, abs=0.03)
    assert info.video is not None
    assert (info.video.codec, info.video.width, info.video.height) == ("h264", 64, 48)
    assert (info.video.frame_rate, info.video.pixel_format) == (Fraction(30000, 1001), "yuv420p")
    assert [(t.codec, t.sample_rate, t.channels, t.layout) for t in info.audio] == [("aac", 48000, 2, "stereo")]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_picture_alone_and_sound_alone(tmp_path: Path, name: str) -> None:
    picture = decode(write_video(tmp_path / name, codec="mpeg2video"))
    assert (picture.info.audio, len(picture.pts())) == ((), 25)
    sound = decode(write_audio(tmp_path / f"sound-{name}", codec="aac"))
    assert sound.info.video is None
    assert sound.pcm().shape[0] == 2


def test_cover_art_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    with av.open(str(path), "w") as out:
        audio = out.add_stream("libmp3lame", rate=48000, layout="stereo")
        cover = out.add_stream("png", rate=1)
        cover.width, cover.height, cover.pix_fmt = 32, 32, "rgb24"
        cover.disposition = av.stream.Disposition.attached_pic
        for packet in cover.encode(av.VideoFrame(32, 32, "rgb24")):
            out.mux(packet)
        frame = av.AudioFrame(layout="stereo", samples=1152, format="s16p")
        frame.sample_rate = 48000
        out.mux(audio.encode(frame))
        out.mux(audio.encode(None))
    got = decode(path)
    assert got.info.video is None
    assert got.tracks.keys() == {0}


def test_pictures_without_a_decoder_are_a_fact(tmp_path: Path) -> None:
    got = decode(rename_codec(write_video(tmp_path / "a.mp4", codec="libx264", audio_s=1), b"avc1"))
    assert got.kinds("video:0") == {FactKind.NOTHING_DECODED}
    assert got.info.video is not None
    assert got.info.video.codec == "unknown"
    assert got.pcm().shape[1] == pytest.approx(48000, abs=1100)


def test_sound_without_a_decoder_is_a_fact(tmp_path: Path) -> None:
    got = decode(rename_codec(write_audio(tmp_path / "a.mov"), b"sowt"))
    assert got.kinds("audio:0") == {FactKind.NOTHING_DECODED}
    assert [track.codec for track in got.info.audio] == ["unknown"]


def rename_codec(path: Path, codec: bytes) -> Path:
    """Give a track of an MP4 file a codec that does not exist."""
    data = path.read_bytes()
    assert codec in data
    path.write_bytes(data.replace(codec, b"zzzz"))
    return path


@pytest.mark.parametrize(
    ("name", "stream"),
    [("a.mp4", "video:0"), ("a.mp4", "audio:0"), ("a.mkv", "container"), ("a.wav", "audio:0")],
    ids=str,
)
def test_truncated_files_tell_what_is_missing(tmp_path: Path, name: str, stream: str) -> None:
    fast = {"container_options": {"movflags": "faststart"}} if name == "a.mp4" else {}
    if name == "a.wav":
        whole = write_audio(tmp_path / name, seconds=4)
    else:
        whole = write_video(tmp_path / name, frames=100, audio_s=4, **fast)
    path = cut(whole)
    assert 0.5 < decode(path).fact(FactKind.TRUNCATED, stream).values["missing_s"] < 3
    assert decode(whole).kinds() == set()


def test_a_truncated_file_whose_last_packet_is_cut(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.avi", seconds=4)
    assert decode(cut(path)).kinds() == {FactKind.CORRUPT_PACKET}


def cut(path: Path) -> Path:
    """The first part of a file."""
    data, part = path.read_bytes(), path.with_stem("cut")
    part.write_bytes(data[: len(data) * 6 // 10])
    return part


def test_a_file_that_lost_its_index_is_refused(tmp_path: Path) -> None:
    data = write_video(tmp_path / "a.mp4", frames=50).read_bytes()
    (tmp_path / "b.mp4").write_bytes(data[: len(data) // 2])
    assert "damaged at the start" in refused(tmp_path / "b.mp4")


def test_a_stream_without_packets_is_a_fact(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as out:
        sound = out.add_stream("aac", rate=48000, layout="stereo")
        picture = out.add_stream("mpeg4", rate=25)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuv420p"
        for frame in tone_frames(0.5):
            out.mux(sound.encode(frame))
        out.mux(sound.encode(None))
    got = decode(path)
    assert got.kinds("video:0") == {FactKind.NOTHING_DECODED}
    assert got.tracks.keys() == {0}
