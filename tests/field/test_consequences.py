"""What a defect brings with it is no alarm of its own, and a real fault beside it is.

Met as walls of alarms: each lost packet, each hole and each switch of a channel called somebody two to five times.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from glasswatch.core.detection import Severity
from glasswatch.report.groups import groups, title
from glasswatch.report.model import Report
from tests.field.making import BASE, events, ffmpeg, inspect

LOUD = "aresample=48000,atrim=10.45:15.45,asetpts=PTS-STARTPTS,volume=18dB"
"""Five seconds of the sample's sound, between two joins of it."""

CLICK = "if(between(t,{at},{at}+0.0002),0.9,{{0}})"


def sound(folder: Path, left: str, right: str) -> Path:
    """Two channels made of the first one, which `{0}` stands for, by expressions of `aeval`."""
    target = folder / "sound.wav"
    channels = "|".join(channel.replace("{0}", "val(0)") for channel in (left, right))
    ffmpeg(
        "-i",
        BASE,
        "-af",
        f"{LOUD},aeval='{channels}':c=stereo,aformat=channel_layouts=stereo",
        "-c:a",
        "pcm_s24le",
        target,
    )
    return target


def alarms(report: Report) -> set[str]:
    return {event.defect for event in report.events if event.severity > Severity.INFO and event.defect != "loudness"}


@pytest.mark.parametrize(
    ("holes", "length"),
    [((1.5,), 0.04), ((1.2, 1.5, 1.9), 0.02), ((1.0, 2.2), 0.2)],
    ids=["one", "several", "long"],
)
def test_a_holes_own_clicks_are_folded_into_it(tmp_path: Path, holes: tuple[float, ...], length: float) -> None:
    gate = "*".join(f"(1-between(t,{at},{at + length}))" for at in holes)
    report = inspect(sound(tmp_path, f"{{0}}*{gate}", f"{{0}}*{gate}"), "dropout", "audio_artifacts")
    assert alarms(report) == {"dropout"}
    ids = {event.id for event in events(report, "dropout")}
    assert all(event.consequence_of in ids for event in events(report, "clicks"))


def test_clicks_at_the_edges_of_an_inverted_pair_are_folded_into_it(tmp_path: Path) -> None:
    report = inspect(sound(tmp_path, "{0}", "{0}*(1-2*between(t,1.4,3.1))"), "phase", "audio_artifacts")
    assert alarms(report) == {"phase"}


def test_clicks_at_the_edges_of_a_silence_are_folded_into_it(tmp_path: Path) -> None:
    gate = "{0}*(1-between(t,1.5,2.9))"
    report = inspect(sound(tmp_path, gate, gate), "silence", "dropout", "audio_artifacts")
    assert alarms(report) == {"silence"}


def test_a_click_beside_a_hole_is_an_alarm(tmp_path: Path) -> None:
    gate = CLICK.format(at=3.4).replace("{0}", "{0}*(1-between(t,1.5,1.54))")
    report = inspect(sound(tmp_path, gate, gate), "dropout", "audio_artifacts")
    assert alarms(report) == {"dropout", "clicks"}


def test_a_click_inside_an_inverted_programme_is_an_alarm(tmp_path: Path) -> None:
    click = CLICK.format(at=2.6)
    report = inspect(sound(tmp_path, click, f"-1*({click})"), "phase", "audio_artifacts")
    assert alarms(report) == {"phase", "clicks"}


@pytest.mark.parametrize("lost", [(0.4,), (0.3, 0.5, 0.7)], ids=["once", "three times"])
def test_blocks_behind_lost_packets_belong_to_the_damaged_stream(tmp_path: Path, lost: tuple[float, ...]) -> None:
    clean, damaged = tmp_path / "clean.ts", tmp_path / "damaged.ts"
    ffmpeg("-i", BASE, "-an", "-t", "8", "-c:v", "libx264", "-preset", "veryfast", "-g", "50", clean)
    packets = clean.read_bytes()
    for share in sorted(lost, reverse=True):
        first = int(share * len(packets)) // 188 * 188
        packets = packets[:first] + packets[first + 12 * 188 :]
    damaged.write_bytes(packets)
    report = inspect(damaged, "stream_error", "block_corruption")
    assert alarms(report) == {"stream_error"}
    assert {title(group).partition(" ")[0] for group in groups(report.events)} == {"stream_error"}
    worst = max(event.severity for event in events(report, "stream_error"))
    assert worst is Severity.ERROR
