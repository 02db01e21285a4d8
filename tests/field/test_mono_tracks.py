"""Discrete mono tracks (loudness-scanner#25, MediaInfoLib#1713): pairs measured as pairs, unused tracks no fault."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from glasswatch.core.detection import Severity
from glasswatch.core.errors import ConfigError, UsageError
from glasswatch.report.model import Report, ReportEvent
from tests.field.making import events, ffmpeg, inspect, lavfi

SOUND = ("silence", "dropout", "clipping", "phase", "loudness")
LEFT, RIGHT, TURNED = (f"0.0708*sin(2*PI*1000*t{shift})" for shift in ("", "+0.5", "+PI"))
NOTHING = "0"
EMPTY_SIX = (NOTHING,) * 6
R128 = "detectors: {loudness: {params: {standard: ebu_r128}}}\n"


def master(path: Path, tracks: Sequence[str], *more: str, codec: str = "pcm_s16le") -> Path:
    """A picture and mono tracks of these formulas, 6 s."""
    sound = [f"aevalsrc='{formula}':s=48000:d=6" for formula in tracks]
    maps = [word for n in range(len(tracks) + 1) for word in ("-map", str(n))]
    picture = ("-c:v", "mpeg2video", "-b:v", "5M", "-c:a", codec)
    ffmpeg(*lavfi("testsrc2=s=720x576:r=25:d=6", *sound), *maps, *picture, "-t", "6", *more, path)
    return path


def judged(path: Path, profile: Path | None = None) -> Report:
    """The report of all detectors of levels."""
    return inspect(path, *SOUND, profile=profile)


def alarms(report: Report) -> list[ReportEvent]:
    """Warnings and errors."""
    return [event for event in report.events if event.severity >= Severity.WARNING]


@pytest.fixture
def r128(tmp_path: Path) -> Path:
    """A profile that asks for EBU R 128."""
    (tmp_path / "r128.yaml").write_text(R128)
    return tmp_path / "r128.yaml"


@pytest.mark.parametrize("name", ["mono8.mxf", "mono8.mov"])
def test_a_pair_on_mono_tracks_is_as_loud_as_a_pair_and_the_others_are_unused(tmp_path, r128, name):
    report = judged(master(tmp_path / name, (LEFT, RIGHT, *EMPTY_SIX)), r128)
    assert alarms(report) == []
    assert events(report, "loudness") == []
    assert {event.track for event in events(report, "silence")} == {"audio:2+3", "audio:4+5", "audio:6+7"}
    assert all(detector.status.value == "ok" for detector in report.detectors)


def test_only_two_mono_tracks_are_one_stereo_programme(tmp_path, r128):
    report = judged(master(tmp_path / "two.mxf", (LEFT, RIGHT)), r128)
    assert report.events == ()


def test_a_pair_that_is_too_loud_is_still_reported(tmp_path, r128):
    loud = f"2*{LEFT}", f"2*{RIGHT}"
    (event,) = alarms(judged(master(tmp_path / "loud.mxf", (*loud, *EMPTY_SIX)), r128))
    assert (event.defect, event.track, event.reason) == ("loudness", "audio:0+1", "6.0 LU too loud")


def test_an_inverted_pair_on_mono_tracks_is_reported(tmp_path):
    (event,) = alarms(judged(master(tmp_path / "turned.mxf", (LEFT, TURNED, NOTHING, NOTHING))))
    assert (event.defect, event.kind, event.track) == ("phase", "inverted", "audio:0+1")


def test_a_programme_that_falls_silent_is_reported_beside_unused_tracks(tmp_path):
    ends = f"({LEFT})*lt(t,2)", f"({RIGHT})*lt(t,2)"
    (event,) = alarms(judged(master(tmp_path / "ends.mxf", (*ends, *EMPTY_SIX))))
    assert (event.defect, event.severity, event.track) == ("silence", Severity.ERROR, "audio:0+1")
    assert event.start_s == pytest.approx(2, abs=0.01)


def test_a_silent_programme_is_an_error_however_many_tracks_there_are(tmp_path):
    (event,) = alarms(judged(master(tmp_path / "silent.mxf", (NOTHING, NOTHING, *EMPTY_SIX))))
    assert (event.defect, event.severity, event.track) == ("silence", Severity.ERROR, "audio:0+1")


def test_a_silent_track_of_another_language_is_an_error(tmp_path):
    languages = ("-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=fra")
    (event,) = alarms(judged(master(tmp_path / "languages.mp4", (LEFT, NOTHING), *languages, codec="aac")))
    assert (event.defect, event.severity, event.track) == ("silence", Severity.ERROR, "audio:1")


@pytest.mark.parametrize("languages", [("eng", "fra", "deu"), ("eng", "fra", "deu", "ita"), ("eng", "fra")])
def test_languages_on_mono_tracks_are_no_pairs(tmp_path, languages):
    tags = [word for n, tag in enumerate(languages) for word in (f"-metadata:s:a:{n}", f"language={tag}")]
    voices = [f"0.1*sin(2*PI*{300 + 100 * n}*t)" for n in range(len(languages))]
    report = judged(master(tmp_path / "languages.mov", voices, *tags))
    assert {event.track for event in events(report, "loudness")} == {f"audio:{n}" for n in range(len(languages))}


def test_tracks_that_are_stated_to_be_mono_are_no_pair(tmp_path):
    report = judged(master(tmp_path / "mono.mp4", (LEFT, RIGHT), codec="aac"))
    assert {event.track for event in events(report, "loudness")} == {"audio:0", "audio:1"}


def test_a_profile_states_what_belongs_together(tmp_path):
    (tmp_path / "surround.yaml").write_text(f"audio: {{join: [[0, 1, 2, 3, 4, 5], [6, 7]]}}\n{R128}")
    six = (LEFT, RIGHT, LEFT, f"10*{LEFT}", f"0.5*{LEFT}", f"0.5*{RIGHT}")
    report = judged(master(tmp_path / "eight.mxf", (*six, LEFT, RIGHT)), tmp_path / "surround.yaml")
    assert {event.track for event in events(report, "loudness")} == {"audio:0+1+2+3+4+5"}


def test_a_profile_may_keep_tracks_apart(tmp_path):
    (tmp_path / "apart.yaml").write_text("audio: {join: []}\n")
    report = judged(master(tmp_path / "two.mxf", (LEFT, RIGHT)), tmp_path / "apart.yaml")
    assert {event.track for event in events(report, "loudness")} == {"audio:0", "audio:1"}


@pytest.mark.parametrize(
    ("join", "error", "words"),
    [
        ("[[0, 5]]", UsageError, "joins audio track 5; the input has 2"),
        ("[[0, 1, 2]]", ConfigError, "3 tracks make no layout"),
        ("[[0, 1], [1, 2]]", ConfigError, "joined once only"),
    ],
)
def test_groups_that_cannot_be_are_refused(tmp_path, join, error, words):
    (tmp_path / "wrong.yaml").write_text(f"audio: {{join: {join}}}\n")
    with pytest.raises(error, match=words):
        judged(master(tmp_path / "two.mxf", (LEFT, RIGHT)), tmp_path / "wrong.yaml")
