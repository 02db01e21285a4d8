from __future__ import annotations

from fractions import Fraction

import pytest

from glasswatch.core.detection import Event, EventState, Severity, Verdict
from glasswatch.core.input import InputInfo
from glasswatch.core.redact import redact
from glasswatch.core.time import Span, Timeline
from glasswatch.report.model import DetectorResult, Status, event_row
from tests.unit.report.samples import BLACK, clean_report, make_report


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("/media/title 1.mp4", "/media/title 1.mp4"),
        ("a@b:c?d=e#f.mp4", "a@b:c?d=e#f.mp4"),
        ("https://cdn.example/a/b.m3u8", "https://cdn.example/a/b.m3u8"),
        ("https://joe:pw@cdn.example:8443/a.m3u8", "https://***@cdn.example:8443/a.m3u8"),
        ("rtsp://joe@camera/1", "rtsp://***@camera/1"),
        ("rtsp://joe:p@ss@camera/1", "rtsp://***@camera/1"),
        ("rtsp://joe:p@ss/word@camera/1", "rtsp://***@camera/1"),
        ("rtsp://joe:pa/ss@camera/1", "rtsp://***"),
        ("rtsp://joe:pa#ss@camera/1", "rtsp://***"),
        ("rtsp://joe:pa?ss@camera/1", "rtsp://***"),
        ("srt://host:9000?passphrase=secret&mode=caller", "srt://host:9000?passphrase=***&mode=***"),
        ("https://cdn.example/a.ts?sig=a=b;c=d#access_token=x", "https://cdn.example/a.ts?sig=***;c=***"),
        ("https://cdn.example/a.ts?secret", "https://cdn.example/a.ts?***"),
        ("udp://@239.0.0.1:1234", "udp://239.0.0.1:1234"),
        ("http://[2001:db8::1]:80/a", "http://[2001:db8::1]:80/a"),
        ("concat:http://h/a|http://joe:pw@h/b?t=1", "concat:http://h/a|http://***@h/b?t=***"),
        ("HTTPS://joe:pw@h/", "HTTPS://***@h/"),
        ("caf\udce9.mp4", r"caf\udce9.mp4"),
    ],
)
def test_credentials_are_not_shown(location: str, shown: str) -> None:
    assert redact(location) == shown
    assert redact(shown).removesuffix("***") == shown.removesuffix("***")
    assert InputInfo(location, "x", None, 0.0).path == shown


def test_event_row_gives_positions_across_epochs() -> None:
    timeline = Timeline()
    timeline.start(Fraction(10))
    timeline.cut(0, Fraction(5000), Fraction(20))
    event = Event(
        id="e",
        channel="c",
        defect="freeze",
        detector="freeze",
        version="1",
        severity=Severity.WARNING,
        span=Span(1, Fraction(5000) + Fraction(1, 3), Fraction(5002)),
        score=0.8,
        state=EventState.CLOSED,
        measurements={"still_s": 2.0},
        kind="held",
        track="0",
        region=(1, 2, 3, 4),
        incident="lost-1",
        worst=Fraction(5001),
        reason="why",
    )
    row = event_row(event, timeline)
    assert (row.start_s, row.end_s, row.worst_s) == (20.333333, 22.0, 21.0)
    assert row.verdict is Verdict.DEFECT
    for name in ("id", "defect", "detector", "severity", "score", "measurements", "kind", "track", "region"):
        assert getattr(row, name) == getattr(event, name)
    assert (row.incident, row.reason) == ("lost-1", "why")


def test_worst_and_unjudged() -> None:
    assert make_report().worst is Severity.ERROR
    assert [d.name for d in make_report().unjudged] == ["av_sync", "banding"]
    assert clean_report().worst is None
    assert clean_report().unjudged == ()


def test_what_is_missing_needs_a_reason() -> None:
    with pytest.raises(ValueError, match="needs a reason"):
        DetectorResult("black", "1", Status.FAILED, 0.0)
    with pytest.raises(ValueError, match="say why"):
        make_report(complete=False)


def test_an_event_needs_its_detector_in_the_list() -> None:
    with pytest.raises(ValueError, match="does not list: black"):
        make_report(detectors=(), events=(BLACK,))
