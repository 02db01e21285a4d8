from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glasswatch.core.detection import Severity
from glasswatch.core.input import InputInfo
from glasswatch.report import page as page_module
from glasswatch.report.html import to_html, write_html
from glasswatch.report.model import Envelope, Evidence, Report, ReportEvent, Thumbnail
from glasswatch.report.page import Page, build_page
from tests.unit.report.samples import (
    BLACK,
    DETECTORS,
    FULL_INPUT,
    SILENCE,
    TIMING,
    audio_only_report,
    clean_report,
    make_report,
)

UNITS = {"black": {"dark_ratio": "1"}, "silence": {"level_dbfs": "dBFS"}}
VOID = {"meta", "link", "img", "br", "hr"}
TALL = Thumbnail(b"\xff\xd8jpeg", 180, 320, 13.0)
RICH = Evidence(
    thumbnails={"b1ac": Thumbnail(b"\xff\xd8jpeg", 320, 180, 13.0)},
    waveforms={0: Envelope(1.0, -np.ones(60, np.float32), np.ones(60, np.float32))},
    loudness=Envelope(1.0, np.full(60, -24, np.float32), np.full(60, -22, np.float32)),
)


class _Tree(HTMLParser):
    """Tags, attributes and text of a page; fails where elements do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def _tree(report: Report) -> _Tree:
    return _Tree(to_html(report, units=UNITS, loudness_target=(-23.0, "target")))


def _page(report: Report) -> Page:
    return build_page(report, UNITS, (-23.0, "target"))


@pytest.mark.parametrize(
    "report",
    [
        make_report(),
        make_report(evidence=RICH),
        clean_report(),
        audio_only_report(),
        make_report(detectors=(), events=()),
    ],
    ids=["full", "evidence", "clean", "audio", "empty"],
)
def test_a_page_is_well_formed_and_needs_nothing_else(report: Report) -> None:
    html = to_html(report, units=UNITS)
    tree = _Tree(html)
    assert tree.named("script") == []
    links = [value for _, attributes in tree.tags for name, value in attributes.items() if name in ("src", "href")]
    assert all(value and value.startswith(("#", "data:")) for value in links)
    assert not re.search(r"url\((?!#)|@import|https?://", html)
    ids = [a["id"] for _, a in tree.tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert {value[1:] for value in links if value and value.startswith("#")} <= set(ids)


def test_what_was_not_judged_is_said_first_and_with_the_reason() -> None:
    text = _tree(make_report()).text
    assert text.index("Not judged") < text.index("Timeline")
    assert "no face was found in 12 of 15 fragments" in text
    assert "the model banding cannot be loaded" in text
    assert "Not judged" not in _tree(clean_report()).text


@pytest.mark.parametrize(
    ("report", "level"),
    [
        (make_report(), "error"),
        (make_report(events=(SILENCE,)), "warning"),
        (make_report(events=()), "unjudged"),
        (make_report(events=(), detectors=DETECTORS[:2], complete=False, stopped="cut off"), "unjudged"),
        (make_report(events=(replace(SILENCE, severity=Severity.INFO),), detectors=DETECTORS[:2]), "pass"),
        (clean_report(), "pass"),
    ],
)
def test_verdict(report: Report, level: str) -> None:
    assert _page(report).verdict.level == level


def test_an_input_not_read_to_its_end_is_said() -> None:
    tree = _tree(audio_only_report())
    assert tree.text.index("Not judged") < tree.text.index("Timeline")
    assert "from 0:01:00.060 on, interrupted by the user" in tree.text


def test_events_stand_in_timeline_cards_and_table() -> None:
    tree = _tree(make_report(evidence=RICH))
    bars = [a for a in tree.named("rect") if a.get("x", "").endswith("%")]  # type: ignore[union-attr]
    assert [(bar["x"], bar["width"]) for bar in bars] == [("20.7792%", "4.2624%"), ("20.8125%", "1.665%")]
    assert "#1 error: Black, 0:00:12.480 to 0:00:15.040, 2.56 s" in tree.text
    assert len(tree.named("article")) == 2
    assert len([a for a in tree.named("tr") if "id" in a]) == 2


def test_measurements_have_units() -> None:
    views = _page(make_report()).events
    assert [view.measurements for view in views] == [[("Dark ratio", "0.999")], [("Level", "−∞ dBFS")]]


@pytest.mark.parametrize(
    ("rotation", "box"),
    [(0, (10, 20, 30, 40)), (90, (40, 10, 40, 30)), (180, (60, 40, 30, 40)), (270, (20, 60, 40, 30))],
)
def test_the_region_is_marked_on_the_picture(rotation: int, box: tuple[float, ...]) -> None:
    assert FULL_INPUT.video is not None
    report = make_report(
        input=replace(FULL_INPUT, video=replace(FULL_INPUT.video, width=1000, height=1000, rotation=rotation)),
        events=(replace(BLACK, region=(100, 200, 300, 400)),),
        evidence=Evidence({BLACK.id: TALL}),
    )
    (view,) = _page(report).events
    assert view.picture is not None
    assert view.picture.region == box
    assert "Picture at 0:00:13.000, black" in [image["alt"] for image in _tree(report).named("img")]


def test_a_region_that_is_all_of_the_picture_is_not_marked() -> None:
    (view,) = _page(make_report(events=(BLACK,), evidence=RICH)).events
    assert view.picture is not None
    assert view.picture.region is None


def test_incidents_are_one_finding_each() -> None:
    report = make_report(events=tuple(replace(e, incident="source_lost-00ff00ff") for e in (BLACK, SILENCE)))
    (finding,) = _page(report).findings
    assert (finding.name, finding.severity, finding.count) == ("Source lost", "error", 1)
    assert (finding.first, finding.longest, finding.note) == ("0:00:12.480", "2.56 s", "Black + Silence")


def test_repeats_are_one_finding() -> None:
    events = tuple(replace(BLACK, id=f"b{i}", start_s=9.0 * i, end_s=9.0 * i + 1 + i / 10) for i in range(5))
    text = _tree(make_report(events=(*events, SILENCE))).text
    assert "5 times, first 0:00:00.000, longest 1.40 s, 6.00 s in all" in text


def test_the_rest_of_an_interrupted_inspection_is_not_judged_and_hatched() -> None:
    partial = make_report(
        events=(SILENCE,),
        detectors=DETECTORS[:2],
        input=replace(FULL_INPUT, duration_s=7260.0),
        timing=replace(TIMING, media_s=1020.0),
        complete=False,
        stopped="interrupted after 1020.0 s of media",
    )
    shown, tree = _page(partial), _tree(partial)
    assert (shown.verdict.level, shown.verdict.title) == ("unjudged", "Not fully judged")
    assert shown.verdict.detail == "Not judged: 104 minutes. Warnings were found in what was."
    assert shown.counts[-1] == ("unjudged", "104 minutes", "not judged")
    assert "0:17:00.000 to 2:01:00.000, interrupted after 1020.0 s of media" in tree.text
    hatched = [a for a in tree.named("rect") if a.get("class") == "hatch" and a.get("x")]
    assert {(a["x"], a["width"]) for a in hatched} == {("14.0496%", "85.9504%")}
    assert len(hatched) >= len(partial.detectors)


def test_thousands_of_events_stay_usable() -> None:
    events = tuple(_spread(i) for i in range(2000))
    evidence = Evidence({event.id: Thumbnail(b"x" * 25_000, 320, 180, 0.0) for event in events[:200]})
    report = make_report(events=events, evidence=evidence)
    shown = _page(report)
    assert [view.severity for view in shown.cards] == ["error", "warning", "info"]
    assert len(shown.cards) + len(shown.more_cards) == page_module.MOST_CARDS
    assert {view.severity for view in shown.more_cards} == {"error"}
    html = to_html(report, units=UNITS)
    assert html.count("<tr role=") == 2001
    assert html.count('<a class="column') < 3 * 250 + 1
    assert len(html) < 10_000_000


@pytest.mark.parametrize(
    "text", ["\x1b[31mred", "\u202egpj.exe", "a\x00b", "a\u2028b", "\ufffe", "\x9b31m", "tab\there"], ids=ascii
)
def test_control_characters_are_shown_as_escapes(text: str) -> None:
    html = to_html(make_report(input=replace(FULL_INPUT, path=f"film{text}.mp4", container=text)), units=UNITS)
    assert text not in html
    assert not any(ord(letter) < 32 and letter != "\n" for letter in html)


def _spread(index: int) -> ReportEvent:
    start = 60 * index / 2000
    return replace(BLACK, id=f"e{index}", start_s=start, end_s=start + 0.04, severity=Severity(1 + index % 3))


@settings(deadline=None, max_examples=30)
@given(text=st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])))
def test_hostile_text_stays_text(text: str) -> None:
    hostile = f"<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{{{ 7*7 }}}}{text}"
    event = replace(
        BLACK,
        id=hostile,
        defect=hostile,
        kind=hostile,
        track=hostile,
        incident=hostile,
        reason=hostile,
        measurements={hostile: 1.0},
    )
    failed = replace(DETECTORS[3], reason=hostile, model=hostile)
    source = InputInfo(hostile, hostile, 60.0, 0.0, FULL_INPUT.video)
    report = make_report(
        input=source, detectors=(DETECTORS[0], failed), events=(event,), complete=False, stopped=hostile
    )
    tree = _tree(report)
    assert tree.named("script") == []
    assert tree.named("img") == []
    assert not any(name.startswith("on") for _, attributes in tree.tags for name in attributes)
    assert "<script>alert(1)</script>\"'>" in tree.text


def test_a_page_is_written(tmp_path: Path) -> None:
    write_html(make_report(input=replace(FULL_INPUT, path="caf\udce9.mp4")), tmp_path / "r.html", units={})
    assert r"caf\udce9.mp4" in (tmp_path / "r.html").read_text("utf-8")
