from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glasswatch.core.detection import Severity
from glasswatch.report.junit import to_junit, write_junit
from glasswatch.report.model import Report
from tests.unit.report.samples import BLACK, DETECTORS, audio_only_report, clean_report, make_report


def _suite(report: Report, threshold: Severity = Severity.ERROR) -> ET.Element:
    (suite,) = to_junit(report, threshold)
    return suite


def _case(suite: ET.Element, name: str) -> ET.Element:
    (case,) = (case for case in suite if case.get("name") == name)
    return case


def _tags(case: ET.Element) -> list[str]:
    return [child.tag for child in case]


def test_every_detector_is_a_case() -> None:
    suite = _suite(make_report())
    assert [case.get("name") for case in suite] == [d.name for d in DETECTORS]
    assert {case.get("name"): _tags(case) for case in suite} == {
        "black": ["failure"],
        "silence": ["system-out"],
        "av_sync": ["skipped"],
        "banding": ["error"],
        "caption_format": ["skipped"],
    }
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "5", "failures": "1", "errors": "1", "skipped": "2"}


def test_a_failure_says_when() -> None:
    failure = _case(_suite(make_report()), "black")[0]
    assert failure.get("message") == "error: black from 0:00:12.480 to 0:00:15.040, 2.56 s"
    assert "dark_ratio: 0.999" in (failure.text or "")
    assert "region: x=0, y=0, width=1920, height=1080" in (failure.text or "")


@pytest.mark.parametrize(("threshold", "failures"), [(Severity.INFO, 2), (Severity.WARNING, 2), (Severity.ERROR, 1)])
def test_the_threshold_decides_what_fails(threshold: Severity, failures: int) -> None:
    assert _suite(make_report(), threshold).get("failures") == str(failures)


def test_failures_of_an_inconclusive_detector_are_not_hidden() -> None:
    event = replace(BLACK, detector="av_sync")
    case = _case(_suite(make_report(events=(event,))), "av_sync")
    assert _tags(case) == ["failure", "system-out"]
    assert "no face was found" in (case[1].text or "")


def test_an_input_not_read_to_its_end_is_an_error() -> None:
    suite = _suite(audio_only_report())
    assert suite.get("errors") == "1"
    assert _case(suite, "read to the end")[0].get("message") == (
        "not judged: the rest, of unknown length: from 0:01:00.060 on, interrupted by the user"
    )
    assert _suite(clean_report()).get("errors") == "0"


@settings(deadline=None, max_examples=40)
@given(text=st.text())
def test_any_text_gives_well_formed_xml(text: str) -> None:
    event = replace(BLACK, reason=text, kind=text, defect=text)
    xml = ET.tostring(to_junit(make_report(events=(event,)), Severity.ERROR), encoding="unicode")
    assert len(ET.fromstring(xml)[0]) == len(DETECTORS)


def test_written_file_is_read_back(tmp_path: Path) -> None:
    hostile = replace(make_report().input, path="a\x00\x1b[31m]]><&\udce9é.mp4")
    write_junit(make_report(input=hostile), tmp_path / "j.xml", Severity.ERROR)
    suite = ET.parse(tmp_path / "j.xml").getroot()[0]
    assert suite.get("name") == r"glasswatch a\x00\x1b[31m]]><&\udce9é.mp4"
