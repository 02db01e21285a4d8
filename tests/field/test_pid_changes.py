"""PIDs that change in mid-stream: the tracks are followed from PMT to PMT (mpv#4305, shaka-player#5681)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from glasswatch.core.detection import Severity
from tests.field.making import BASE, X264, events, ffmpeg, inspect, joined
from tests.field.multiplex import multiplex, renumbered, write_ts

QUIET = ("-af", "volume=0:enable='between(t,1,3)'")
TABLES = ("-tables_version", 1)


def test_black_and_silence_in_other_pids_are_found(tmp_path: Path) -> None:
    ffmpeg(
        "-i", BASE, "-t", "5", *X264, "-g", "25", "-c:a", "aac", "-mpegts_start_pid", "0x100", "-muxdelay", "0",
        "-f", "mpegts", tmp_path / "a.ts",
    )  # fmt: skip
    ffmpeg(
        "-ss", "5", "-i", BASE, "-t", "8", "-af", "volume=0:enable='between(t,2,6)'",
        "-vf", "drawbox=c=black:t=fill:enable='between(t,2,6)'", *X264, "-g", "25", "-c:a", "aac",
        "-mpegts_start_pid", "0x200", "-tables_version", "1", "-output_ts_offset", "5", "-muxdelay", "0",
        "-f", "mpegts", tmp_path / "b.ts",
    )  # fmt: skip
    report = inspect(joined(tmp_path / "19.ts", [tmp_path / "a.ts", tmp_path / "b.ts"]))
    for defect in ("black", "silence"):
        (found,) = events(report, defect)
        assert [found.start_s, found.end_s] == pytest.approx([7, 11], abs=0.1)
    assert events(report, "av_length") == []
    assert [event.kind for event in events(report, "stream_error", Severity.WARNING)] == ["continuity"]
    assert "PID 0x0011" in str(events(report, "stream_error", Severity.WARNING)[0].reason)
    assert len(report.input.audio) == 1
    assert report.input.duration_s == pytest.approx(13, abs=0.1)


SECOND: dict[str, dict[str, Any]] = {
    "same_layout": {},
    "without_a_new_version": {"muxer": ()},
    "sound_first": {"picture_first": False},
    "other_codecs": {"audio": (*QUIET, "-c:a", "mp2"), "picture": "testsrc2=s=480x270:r=50"},
    "more_sound": {"tones": (440, 660)},
    "another_number": {"service": 7},
}


@pytest.mark.parametrize("late", [False, True], ids=["early", "late"])
@pytest.mark.parametrize("case", SECOND)
def test_every_layout_is_followed(tmp_path: Path, case: str, late: bool) -> None:
    """Late: the second PIDs come after what FFmpeg looks through when it opens a file (5 MB), and go again."""
    long = ("-b:v", "6M", "-minrate", "6M", "-maxrate", "6M", "-bufsize", "1M", "-x264-params", "nal-hrd=cbr")
    first_s = 9 if late else 4
    a = write_ts(tmp_path / "a.ts", seconds=first_s, first_pid=0x100, muxer=long if late else ())
    options: dict[str, Any] = {"audio": (*QUIET, "-c:a", "aac"), "muxer": TABLES, **SECOND[case]}
    b = write_ts(tmp_path / "b.ts", seconds=4, first_pid=0x200, offset_s=first_s, **options)
    c = write_ts(tmp_path / "c.ts", seconds=first_s, first_pid=0x100, offset_s=first_s + 4, muxer=long if late else ())
    if late:
        assert a.stat().st_size > 5_000_000
    path = renumbered(joined(tmp_path / "abc.ts", [a, b, c]))
    report = inspect(path, "silence", "av_length", "freeze", "stream_error", "black")
    tracks = {"more_sound": [None, "audio:1"]}.get(case, [None])
    silences = events(report, "silence")
    assert [event.track for event in silences] == tracks
    for event in silences:
        assert event.start_s == pytest.approx(first_s + 1, abs=0.1)
        assert event.end_s == pytest.approx(first_s + 3, abs=0.1)
    for defect in ("av_length", "freeze", "black"):
        assert events(report, defect) == [], defect
    assert events(report, "stream_error", Severity.WARNING) == []
    assert report.input.not_judged == ()
    assert report.timing.media_s == pytest.approx(2 * first_s + 4, abs=0.2)
    if case != "other_codecs":  # Another size begins another epoch.
        assert {d.status.value for d in report.detectors} == {"ok"}


def test_a_track_that_goes_and_comes_back_is_announced(tmp_path: Path) -> None:
    a = write_ts(tmp_path / "a.ts", seconds=4, first_pid=0x100, tones=(440, 660))
    b = write_ts(tmp_path / "b.ts", seconds=4, first_pid=0x200, offset_s=4, muxer=TABLES)
    c = write_ts(
        tmp_path / "c.ts", seconds=4, first_pid=0x100, offset_s=8, tones=(440, 660), muxer=("-tables_version", 2)
    )
    path = renumbered(joined(tmp_path / "abc.ts", [a, b, c]))
    report = inspect(path, "av_length", "stream_error", "silence")
    assert events(report, "av_length") == []
    assert events(report, "silence") == []
    assert events(report, "stream_error", Severity.WARNING) == []


def test_a_track_that_the_tables_name_and_that_does_not_come_is_missed(tmp_path: Path) -> None:
    a = write_ts(tmp_path / "a.ts", seconds=4, first_pid=0x100)
    b = write_ts(tmp_path / "b.ts", seconds=6, first_pid=0x200, offset_s=4, muxer=TABLES)
    data = b.read_bytes()
    packets = [data[at : at + 188] for at in range(0, len(data), 188)]
    b.write_bytes(b"".join(p for p in packets if (p[1] & 0x1F, p[2]) != (0x02, 0x01)))
    (found,) = events(inspect(joined(tmp_path / "ab.ts", [a, b]), "av_length"), "av_length")
    assert (found.kind, found.track) == ("end", "audio:0")
    assert found.start_s == pytest.approx(4, abs=0.1)


def test_a_programme_that_leaves_the_multiplex_is_said(tmp_path: Path) -> None:
    one = write_ts(tmp_path / "1.ts", seconds=4, first_pid=0x100, service=1)
    two = write_ts(tmp_path / "2.ts", seconds=4, first_pid=0x200, service=2, offset_s=100)
    both = multiplex(tmp_path / "both.ts", {1: one, 2: two})
    rest = write_ts(tmp_path / "3.ts", seconds=4, first_pid=0x200, service=2, offset_s=104, muxer=TABLES)
    report = inspect(joined(tmp_path / "m.ts", [both, rest]), "stream_error", "av_length")
    (line,) = (line for line in report.input.not_judged if "programme 1" in line)
    assert float(line.split()[-3]) == pytest.approx(4, abs=0.2)
    assert "undecodable" in {event.kind for event in events(report, "stream_error")}


def test_segments_of_advertisements_may_have_other_pids(tmp_path: Path) -> None:
    write_ts(tmp_path / "a.ts", seconds=4, first_pid=0x100)
    write_ts(tmp_path / "b.ts", seconds=4, first_pid=0x200, offset_s=4, audio=(*QUIET, "-c:a", "aac"))
    write_ts(tmp_path / "c.ts", seconds=4, first_pid=0x100, offset_s=8)
    lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:4"]
    for name in "abc":
        lines += ["#EXT-X-DISCONTINUITY", "#EXTINF:4.0,", f"{name}.ts"]
    (tmp_path / "ad.m3u8").write_text("\n".join([*lines[:3], *lines[4:], "#EXT-X-ENDLIST", ""]))
    report = inspect(tmp_path / "ad.m3u8", "silence", "av_length", "freeze", "stream_error")
    (found,) = events(report, "silence")
    assert [found.start_s, found.end_s] == pytest.approx([5, 7], abs=0.2)
    assert events(report, "av_length") == events(report, "freeze") == []
    assert events(report, "stream_error", Severity.WARNING) == []
