"""The JUnit report, for CI systems: one test case for each detector, a failure for each event that matters.

There is no standard; this keeps to the elements that Jenkins, GitLab and GitHub actions read alike.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

from glasswatch.core.detection import Severity
from glasswatch.core.text import timecode
from glasswatch.report.gaps import gaps
from glasswatch.report.harmless import harmless
from glasswatch.report.model import DetectorResult, Report, ReportEvent, Status
from glasswatch.report.output import write_text
from glasswatch.report.wording import duration


def to_junit(report: Report, threshold: Severity) -> ET.Element:
    """The <testsuites> element; events below `threshold` are told in the case's output and fail nothing.

    A detector that could not judge is skipped, one that failed is an error. An input that was not read to its end
    is an error of its own, since what was not read was not tested.
    """
    report = harmless(report)  # XML cannot hold control characters, not even as escapes.
    suite = ET.Element("testsuite", name=f"glasswatch {report.input.path}")
    for detector in report.detectors:
        events = [e for e in report.events if e.detector == detector.name]
        suite.append(_case(detector, events, threshold))
    if not report.complete:
        case = ET.SubElement(suite, "testcase", classname="glasswatch.input", name="read to the end", time="0.000")
        ET.SubElement(case, "error", type="incomplete", message=f"not judged: {gaps(report)[0]}")
    totals = {
        "tests": str(len(suite)),
        "failures": str(_cases_with(suite, "failure")),
        "errors": str(_cases_with(suite, "error")),
        "skipped": str(_cases_with(suite, "skipped")),
        "time": f"{report.timing.wall_s:.3f}",
    }
    suite.attrib.update(totals)
    if report.input.not_judged:
        lines = "\n".join(f"not judged: {line}" for line in report.input.not_judged)
        ET.SubElement(suite, "system-out").text = lines
    suites = ET.Element("testsuites", {"name": "glasswatch", **totals})
    suites.append(suite)
    return suites


def write_junit(report: Report, path: Path, threshold: Severity) -> None:
    """Write the report; OutputError where the path cannot be written."""
    root = to_junit(report, threshold)
    ET.indent(root)
    declaration = '<?xml version="1.0" encoding="utf-8"?>\n'
    write_text(path, declaration + ET.tostring(root, encoding="unicode") + "\n")


def _case(detector: DetectorResult, events: list[ReportEvent], threshold: Severity) -> ET.Element:
    case = ET.Element(
        "testcase",
        classname="glasswatch.detectors",
        name=detector.name,
        time=f"{detector.seconds:.3f}",
    )
    failing = [e for e in events if e.severity >= threshold]
    for event in failing:
        failure = ET.SubElement(case, "failure", type=event.defect, message=_headline(event))
        failure.text = _details(event)
    remarks = [_headline(e) for e in events if e.severity < threshold]
    reason = detector.reason or ""
    if detector.status is Status.FAILED:
        ET.SubElement(case, "error", type="failed", message=reason)
    elif detector.status is not Status.OK:
        # Readers take a case with <skipped> as skipped whatever else it holds, which would hide the failures.
        if failing:
            remarks.append(f"{detector.status}: {reason}")
        else:
            ET.SubElement(case, "skipped", message=f"{detector.status}: {reason}")
    if remarks:
        ET.SubElement(case, "system-out").text = "\n".join(remarks)
    return case


def _headline(event: ReportEvent) -> str:
    what = f"{event.defect} ({event.kind})" if event.kind else event.defect
    where = f" on track {event.track}" if event.track else ""
    length = duration(event.end_s - event.start_s)
    return f"{event.severity.label}: {what}{where} from {timecode(event.start_s)} to {timecode(event.end_s)}, {length}"


def _details(event: ReportEvent) -> str:
    lines = [f"id: {event.id}", f"score: {event.score:.3f}"]
    lines += [f"{name}: {value:.6g}" for name, value in event.measurements.items()]
    if event.region is not None:
        lines.append("region: x={}, y={}, width={}, height={}".format(*event.region))
    if event.incident:
        lines.append(f"incident: {event.incident}")
    if event.reason:
        lines.append(f"reason: {event.reason}")
    return "\n".join(lines)


def _cases_with(suite: ET.Element, tag: str) -> int:
    return sum(case.find(tag) is not None for case in suite)
