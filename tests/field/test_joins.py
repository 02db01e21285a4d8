"""Discontinuities that an input announces (hls.js#283, shaka-player#1335, liquidsoap#180), and others."""

from __future__ import annotations

from pathlib import Path

import pytest

from glasswatch.core.detection import Severity
from tests.field.making import BASE, X264, events, ffmpeg, inspect, joined, lavfi
from tests.integration.decoder.test_network import serving

HEAD = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:5\n#EXT-X-MEDIA-SEQUENCE:0\n"
JOIN = "#EXT-X-DISCONTINUITY\n"


@pytest.fixture(scope="module")
def segments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two segments of 4 s whose timestamps both start anew."""
    folder = tmp_path_factory.mktemp("segments")
    ffmpeg("-i", BASE, "-t", "4", "-c", "copy", "-f", "mpegts", "a.ts", folder=folder)
    ffmpeg("-ss", "8", "-i", BASE, "-t", "4", *X264, "-g", "50", "-c:a", "aac", "-f", "mpegts", "b.ts", folder=folder)
    return folder


def playlist(folder: Path, name: str, *parts: str) -> Path:
    body = "".join(part if part.startswith("#") else f"#EXTINF:4.0,\n{part}\n" for part in parts)
    (folder / name).write_text(HEAD + body + "#EXT-X-ENDLIST\n")
    return folder / name


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param(["a.ts", JOIN, "b.ts"], id="one"),
        pytest.param(["a.ts", JOIN, "b.ts", JOIN, "a.ts"], id="there-and-back"),
        pytest.param(["b.ts", JOIN, "b.ts", JOIN, "b.ts", JOIN, "a.ts"], id="a-break-of-one-advertisement"),
    ],
)
def test_a_discontinuity_of_the_playlist_is_no_fault(segments: Path, parts: list[str]) -> None:
    path = playlist(segments, "joined.m3u8", *parts)
    report = inspect(path, "stream_error", "av_length", "silence")
    assert events(report, "stream_error") == []
    assert events(report, "av_length") == []
    assert report.timing.media_s == pytest.approx(4.0 * sum(p.endswith(".ts") for p in parts), abs=0.3)


def test_a_discontinuity_that_is_not_announced_is_a_fault(segments: Path) -> None:
    found = events(inspect(playlist(segments, "plain.m3u8", "a.ts", "b.ts"), "stream_error"), "stream_error")
    assert {event.kind for event in found if event.severity >= Severity.WARNING} >= {"timestamps"}


def test_a_picture_that_the_demuxer_holds_over_advertisements_is_left_out(segments: Path) -> None:
    pids = ("-c", "copy", "-mpegts_start_pid", "0x300", "-t", "3.9")
    ffmpeg("-i", "b.ts", *pids, "-f", "mpegts", "other.ts", folder=segments)
    ffmpeg("-i", "a.ts", "-c", "copy", "-output_ts_offset", "20", "-f", "mpegts", "late.ts", folder=segments)
    path = playlist(segments, "other.m3u8", "a.ts", JOIN, "other.ts", JOIN, "late.ts")
    assert events(inspect(path, "stream_error"), "stream_error", Severity.WARNING) == []


def test_a_variant_of_a_master_playlist_is_looked_into(segments: Path) -> None:
    playlist(segments, "v.m3u8", "a.ts", JOIN, "b.ts")
    master = segments / "master.m3u8"
    master.write_text("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=640x360\nv.m3u8\n")
    assert events(inspect(master, "stream_error"), "stream_error") == []


def test_a_playlist_is_read_over_the_network_too(segments: Path) -> None:
    playlist(segments, "joined.m3u8", "a.ts", JOIN, "b.ts")
    playlist(segments, "plain.m3u8", "a.ts", "b.ts")
    with serving(segments) as (url, _):
        assert events(inspect(f"{url}/joined.m3u8", "stream_error"), "stream_error") == []
        assert events(inspect(f"{url}/plain.m3u8", "stream_error"), "stream_error") != []


def test_fragments_of_a_playlist_may_hold_a_frame(tmp_path: Path) -> None:
    still = "select='lt(t,1.5)+gt(t,4)'"
    hls = ("-f", "hls", "-hls_segment_type", "fmp4", "-hls_time", "5", "-hls_list_size", "0")
    source = lavfi("testsrc2=s=320x180:r=25:d=10", "sine=f=440:r=48000:d=10")
    ffmpeg(*source, "-vf", still, "-fps_mode", "vfr", *X264, "-c:a", "aac", *hls, "held.m3u8", folder=tmp_path)
    assert events(inspect(tmp_path / "held.m3u8", "stream_error"), "stream_error", Severity.WARNING) == []


def fragments(folder: Path, name: str, seconds: int, *encoder: str) -> list[str]:
    """One fragment and its header, as lines of a playlist."""
    hls = ("-f", "hls", "-hls_segment_type", "fmp4", "-hls_time", str(seconds), "-hls_list_size", "0")
    names = ("-hls_fmp4_init_filename", f"{name}.mp4", "-hls_segment_filename", f"{name}%d.m4s", f"{name}.m3u8")
    cut = ("-ss", "4" if name == "programme" else "0", "-t", str(seconds))
    ffmpeg(*cut, "-i", BASE, *X264, "-g", "1000", "-c:a", "aac", *encoder, *hls, *names, folder=folder)
    return [f'#EXT-X-MAP:URI="{name}.mp4"\n', f"#EXTINF:{seconds}.0,\n", f"{name}0.m4s\n"]


def test_an_advertisement_in_fragments_of_its_own_form_is_no_fault(tmp_path: Path) -> None:
    programme = fragments(tmp_path, "programme", 4)
    advertisement = fragments(tmp_path, "advertisement", 3, "-vf", "scale=320:180,fps=30,drawbox=c=black:t=fill")
    body = "".join([*programme, JOIN, *advertisement, JOIN, *programme])
    path = tmp_path / "break.m3u8"
    path.write_text(HEAD.replace("VERSION:3", "VERSION:7") + body + "#EXT-X-ENDLIST\n")
    report = inspect(path, "stream_error", "av_length", "black", "freeze", "silence")
    assert [event for event in report.events if event.defect in ("stream_error", "av_length")] == []
    (black,) = events(report, "black")
    assert (black.start_s, black.end_s) == (pytest.approx(4, abs=0.1), pytest.approx(7, abs=0.1))
    assert report.timing.media_s == pytest.approx(11, abs=0.2)
    assert report.complete


def test_parts_may_share_one_header(tmp_path: Path) -> None:
    header, *segment = fragments(tmp_path, "programme", 4)
    path = tmp_path / "again.m3u8"
    body = "".join([header, *segment, JOIN, *segment, JOIN, *segment])
    path.write_text(HEAD.replace("VERSION:3", "VERSION:7") + body + "#EXT-X-ENDLIST\n")
    report = inspect(path, "stream_error")
    assert events(report, "stream_error") == []
    assert report.timing.media_s == pytest.approx(12, abs=0.2)


def test_a_part_of_a_playlist_that_lacks_a_track_is_reported(tmp_path: Path) -> None:
    silent = fragments(tmp_path, "advertisement", 3, "-an")
    path = tmp_path / "break.m3u8"
    body = "".join([*fragments(tmp_path, "programme", 4), JOIN, *silent])
    path.write_text(HEAD.replace("VERSION:3", "VERSION:7") + body + "#EXT-X-ENDLIST\n")
    report = inspect(path, "stream_error")
    assert any("audio:0" in line for line in report.input.not_judged)
    assert events(report, "stream_error", Severity.ERROR) != []


def test_a_part_of_a_playlist_that_is_missing_is_reported(tmp_path: Path) -> None:
    body = "".join([*fragments(tmp_path, "programme", 4), JOIN, *fragments(tmp_path, "advertisement", 3)])
    (tmp_path / "advertisement0.m4s").unlink()
    path = tmp_path / "break.m3u8"
    path.write_text(HEAD.replace("VERSION:3", "VERSION:7") + body + "#EXT-X-ENDLIST\n")
    report = inspect(path, "stream_error")
    assert events(report, "stream_error", Severity.ERROR) != []
    assert any("cannot be opened" in line for line in report.input.not_judged)


def test_segments_that_are_missing_at_the_end_are_a_truncation(segments: Path) -> None:
    path = playlist(segments, "gone.m3u8", "a.ts", "gone1.ts", "gone2.ts")
    found = events(inspect(path, "stream_error"), "stream_error", Severity.ERROR)
    assert "truncated" in {event.kind for event in found}


def announced(path: Path) -> Path:
    """A transport stream with discontinuity_indicator in the first packet of each PID that has an adaptation field."""
    data, seen = bytearray(path.read_bytes()), set()
    for at in range(0, len(data), 188):
        pid = (data[at + 1] & 0x1F) << 8 | data[at + 2]
        if pid not in seen and data[at + 3] & 0x20 and data[at + 4]:
            data[at + 5] |= 0x80
            seen.add(pid)
    target = path.with_stem(f"{path.stem}_announced")
    target.write_bytes(data)
    return target


def test_a_discontinuity_indicator_is_no_fault(segments: Path, tmp_path: Path) -> None:
    spliced = joined(tmp_path / "spliced.ts", [segments / "a.ts", announced(segments / "b.ts")])
    report = inspect(spliced, "stream_error", "av_length")
    assert [e for e in events(report, "stream_error", Severity.WARNING) if e.kind in ("timestamps", "decode")] == []
    assert events(report, "av_length") == []
    plain = joined(tmp_path / "plain.ts", [segments / "a.ts", segments / "b.ts"])
    assert "timestamps" in {e.kind for e in events(inspect(plain, "stream_error"), "stream_error", Severity.WARNING)}


QUIET = "volume=0:enable='between(t,1,3)'"


def chained(folder: Path, codec: str) -> Path:
    for name, pitch, more in (("1.ogg", 440, ()), ("2.ogg", 660, ("-af", QUIET))):
        ffmpeg(*lavfi(f"sine=f={pitch}:r=48000:d=4"), *more, "-ac", "2", "-c:a", codec, name, folder=folder)
    return joined(folder / "chained.ogg", [folder / "1.ogg", folder / "2.ogg"])


@pytest.mark.parametrize("codec", ["libopus", "libvorbis"])
def test_a_chained_ogg_is_one_programme(tmp_path: Path, codec: str) -> None:
    report = inspect(chained(tmp_path, codec), "stream_error", "silence")
    assert events(report, "stream_error") == []
    (silence,) = events(report, "silence")
    assert (silence.start_s, silence.end_s) == (pytest.approx(5, abs=0.05), pytest.approx(7, abs=0.05))
    assert report.timing.media_s == pytest.approx(8, abs=0.05)
