"""The HTML report: one file that needs nothing else, to be read by a person at a glance.

File names, messages and tags come from the media and are hostile: the template escapes everything, and the page
forbids scripts and requests by its own content security policy.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import jinja2

from glasswatch.report.model import Report
from glasswatch.report.output import write_text
from glasswatch.report.page import Units, build_page


def to_html(report: Report, *, units: Units, loudness_target: tuple[float, str] | None = None) -> str:
    """The report as a page.

    Args:
        report: What to show.
        units: Unit of each measurement by detector and name, from the detectors' specs.
        loudness_target: Where to draw a line in the loudness curve, in LUFS, and what it is; None for nowhere.
    """
    return _template().render(page=build_page(report, units, loudness_target))


def write_html(report: Report, path: Path, *, units: Units, loudness_target: tuple[float, str] | None = None) -> None:
    """Write the page; OutputError where the path cannot be written."""
    write_text(path, to_html(report, units=units, loudness_target=loudness_target))


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("glasswatch.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2")
