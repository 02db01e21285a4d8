"""What belongs to a whole title outlives a hole, another picture size and a join (vidpipe#25, FFmpegInterop#45)."""

from __future__ import annotations

from pathlib import Path

import pytest

from glasswatch.core.detection import Severity
from glasswatch.report.model import Report
from tests.field.making import BASE, X264, events, ffmpeg, inspect, joined, lavfi


def programme(report: Report) -> list[float]:
    """Integrated loudness of each verdict on the programme, in LUFS."""
    return [e.measurements["integrated_lufs"] for e in events(report, "loudness") if e.kind == "programme"]


def sine(amplitude: float, seconds: float) -> str:
    wave = f"{amplitude}*sin(2*PI*997*t)"
    return f"aevalsrc={wave}|{wave}:s=48000:d={seconds}"


def two_levels(folder: Path, first: float, second: float, gap_s: float, name: str = "gap.mka") -> Path:
    for number, amplitude in enumerate((first, second)):
        ffmpeg(*lavfi(sine(amplitude, 10)), "-c:a", "flac", f"{number}.mka", folder=folder)
    (folder / "list").write_text(f"ffconcat version 1.0\nfile 0.mka\nduration {10 + gap_s}\nfile 1.mka\n")
    ffmpeg("-f", "concat", "-i", "list", "-c", "copy", name, folder=folder)
    return folder / name


EBU = "detectors: {loudness: {params: {target_lufs: -30}}}"
"""A target that every one of these programmes misses, so that there is a verdict to look at."""


@pytest.mark.parametrize("gap_s", [0.12, 1.5])
def test_a_hole_does_not_cut_a_programme_in_two(tmp_path: Path, gap_s: float) -> None:
    (tmp_path / "profile.yaml").write_text(EBU)
    path = two_levels(tmp_path, 0.0912, 0.0385, gap_s)
    report = inspect(path, "loudness", "stream_error", profile=tmp_path / "profile.yaml")
    (verdict,) = [e for e in events(report, "loudness") if e.kind == "programme"]
    # Two sines of 10 s, 20.8 and 28.3 dB below full scale, mean to -23.1 LUFS; the hole itself is not silence.
    assert verdict.measurements["integrated_lufs"] == pytest.approx(-23.1, abs=0.15)
    assert (verdict.start_s, verdict.end_s) == (pytest.approx(0, abs=0.01), pytest.approx(20 + gap_s, abs=0.01))


def test_a_chained_file_is_one_programme(tmp_path: Path) -> None:
    (tmp_path / "profile.yaml").write_text(EBU)
    for number, amplitude in enumerate((0.0912, 0.0385)):
        ffmpeg(*lavfi(sine(amplitude, 6)), "-c:a", "libopus", f"{number}.ogg", folder=tmp_path)
    path = joined(tmp_path / "chained.ogg", [tmp_path / "0.ogg", tmp_path / "1.ogg"])
    (loudness,) = programme(inspect(path, "loudness", profile=tmp_path / "profile.yaml"))
    assert loudness == pytest.approx(-23.1, abs=0.3)


def resized(folder: Path, picture_s: float, sound_s: float) -> Path:
    """4 s in 640x360, then another size on the same PIDs, with sound of another length beside it."""
    ffmpeg("-i", BASE, "-t", "4", "-vf", "scale=640:360", *X264, "-c:a", "ac3", "-muxdelay", "0", "1.ts", folder=folder)
    ffmpeg("-ss", "4", "-i", BASE, "-t", str(picture_s), "-an", "-vf", "scale=320:180", *X264, "v.mp4", folder=folder)
    ffmpeg("-ss", "4", "-i", BASE, "-t", str(sound_s), "-vn", "-c:a", "ac3", "a.ac3", folder=folder)
    offset = ("-output_ts_offset", "4", "-muxdelay", "0")
    ffmpeg("-i", "v.mp4", "-i", "a.ac3", "-c", "copy", *offset, "-f", "mpegts", "2.ts", folder=folder)
    return joined(folder / "resized.ts", [folder / "1.ts", folder / "2.ts"])


def test_a_picture_that_ends_early_is_told_after_a_change_of_its_size(tmp_path: Path) -> None:
    report = inspect(resized(tmp_path, 4, 7), "av_length")
    (event,) = events(report, "av_length", Severity.ERROR)
    assert event.measurements["gap_s"] == pytest.approx(3.0, abs=0.1)
    assert event.reason is not None
    assert event.reason.startswith("video:0 ends")


def test_streams_that_end_together_after_a_change_of_size_are_no_event(tmp_path: Path) -> None:
    report = inspect(resized(tmp_path, 4, 4), "av_length")
    assert events(report, "av_length") == []
    assert [d.status.value for d in report.detectors] == ["ok"]
