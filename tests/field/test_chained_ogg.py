"""Chained Ogg whose links FFmpeg does not read on in: FLAC, pictures, other sample rates."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.field.making import BASE, events, ffmpeg, inspect, joined, lavfi

QUIET = "volume=0:enable='between(t,1,3)'"


def test_links_of_flac_are_one_programme(tmp_path: Path) -> None:
    for name, pitch, rate, more in (("1.oga", 440, 44100, ()), ("2.oga", 660, 48000, ("-af", QUIET))):
        ffmpeg(*lavfi(f"sine=f={pitch}:r={rate}:d=4"), *more, "-ac", "2", "-c:a", "flac", name, folder=tmp_path)
    path = joined(tmp_path / "chained.oga", [tmp_path / "1.oga", tmp_path / "2.oga"])
    report = inspect(path, "stream_error", "silence")
    assert events(report, "stream_error") == []
    (silence,) = events(report, "silence")
    assert (silence.start_s, silence.end_s) == (pytest.approx(5, abs=0.05), pytest.approx(7, abs=0.05))


def test_links_with_pictures_are_one_programme(tmp_path: Path) -> None:
    small = ("-vf", "scale=320:180", "-c:v", "libtheora", "-q:v", "6", "-c:a", "libvorbis")
    ffmpeg("-i", BASE, "-t", "4", *small, "1.ogv", folder=tmp_path)
    ffmpeg("-ss", "10", "-i", BASE, "-t", "4", "-af", QUIET, *small, "2.ogv", folder=tmp_path)
    path = joined(tmp_path / "chained.ogv", [tmp_path / f"{n}.ogv" for n in (1, 2, 1)])
    report = inspect(path, "stream_error", "av_length", "silence")
    assert events(report, "stream_error") == []
    assert events(report, "av_length") == []
    (silence,) = events(report, "silence")
    assert (silence.start_s, silence.end_s) == (pytest.approx(5, abs=0.1), pytest.approx(7, abs=0.1))
    assert report.timing.media_s == pytest.approx(12, abs=0.1)
