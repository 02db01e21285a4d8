"""A file inspected by one detector, as it is deployed and in this process."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import closing
from pathlib import Path

from bench.accuracy.model import Claim
from glasswatch.config.profile import load_profile
from glasswatch.core.detection import Detection
from glasswatch.core.errors import GlasswatchError
from glasswatch.decoder.source import open_source
from glasswatch.report.json_report import to_json
from glasswatch.report.model import Report
from glasswatch.runtime.inspect import Inspection


def inspected(
    path: Path, detector: str, models: Path | None, on_detection: Callable[[Detection], None] | None = None
) -> Report | str:
    """The report, or why there is none."""
    try:
        with closing(open_source(str(path))) as source:
            profile = load_profile(only=[detector])
            return Inspection(source, profile, threads=1, models=models, on_detection=on_detection).run()
    except GlasswatchError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - a crash is a result of the bench, and must not end it
        return f"crash: {type(error).__name__}: {error}"


def claims_of(report: Report, defects: Collection[str]) -> tuple[Claim, ...]:
    """The events of some defects."""
    return tuple(
        Claim(row["defect"], row["kind"], row["start_s"], row["end_s"], row["severity"], row["measurements"])
        for row in to_json(report)["events"]
        if row["defect"] in defects
    )


def why_unjudged(report: Report) -> str | None:
    """Why something was not judged, None where everything was."""
    return next((f"{d.status}: {d.reason}" for d in report.unjudged), None)
