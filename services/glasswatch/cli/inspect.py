"""`glasswatch inspect`: one input through the embedded topology."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import click

from glasswatch.cli import evidence, services
from glasswatch.cli.messages import say
from glasswatch.cli.output import ProgressBar, summarise
from glasswatch.config.profile import Profile, load_profile
from glasswatch.core.detection import Detection, Severity
from glasswatch.core.errors import OutputError, UsageError
from glasswatch.decoder.limits import Limits, local_path
from glasswatch.decoder.source import open_source
from glasswatch.detectors.audio.loudness import LoudnessParams, target_of
from glasswatch.detectors.registry import registered
from glasswatch.report.html import write_html
from glasswatch.report.json_report import to_json, write_json
from glasswatch.report.junit import write_junit
from glasswatch.report.model import Report, Status
from glasswatch.runtime.inspect import Inspection
from glasswatch.runtime.statistics import StatisticsFile

FOUND, INCOMPLETE, UNJUDGED = 1, 2, 3


@click.command()
@click.argument("input_", metavar="INPUT")
@click.option("--detectors", "names", metavar="A,B", help="Run only these detectors.")
@click.option(
    "--program", type=click.IntRange(1, 65535), metavar="N",
    help="Inspect this programme of a multiplex; by default the first one that has video, or audio.",
)  # fmt: skip
@click.option("--profile", type=click.Path(path_type=Path), help="YAML file that changes parameters and rules.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the report as JSON; - for stdout.")
@click.option("--report", "html_path", type=click.Path(path_type=Path), help="Write the report as one HTML file.")
@click.option("--junit", "junit_path", type=click.Path(path_type=Path), help="Write the report as JUnit XML.")
@click.option(
    "--statistics", "statistics_path", type=click.Path(path_type=Path), help="Write every raw detection as JSON lines."
)
@click.option(
    "--evidence", "evidence_path", type=click.Path(path_type=Path), metavar="DIR",
    help="Write a video that shows how av_sync judges to this folder.",
)  # fmt: skip
@click.option(
    "--fail-on",
    type=click.Choice([severity.label for severity in Severity]),
    default=Severity.ERROR.label,
    show_default=True,
    help="Exit with 1 when there is an event of this severity or a higher one.",
)
@click.option("--strict", is_flag=True, help="Exit with 3 when a detector could not judge.")
@click.option("--threads", type=click.IntRange(min=0), default=0, help="Decoder threads; 0 lets FFmpeg choose.")
@click.option("--no-network", is_flag=True, help="Make no request: refuse URLs, and playlists that name other hosts.")
@services.options(services.MODELS)
@click.option("--quiet", is_flag=True, help="Print errors only.")
def inspect(
    input_: str,
    names: str | None,
    program: int | None,
    profile: Path | None,
    json_path: Path | None,
    html_path: Path | None,
    junit_path: Path | None,
    statistics_path: Path | None,
    evidence_path: Path | None,
    fail_on: str,
    strict: bool,
    threads: int,
    no_network: bool,
    models: Path,
    quiet: bool,
) -> int:
    """Inspect a file or URL: decode it once, run the detectors, report what they find.

    Exit status: 2 wrong usage, or an input that cannot be read to its end, whatever was found until then; else 1
    events at or above --fail-on; 2 interrupted; 3 with --strict, a detector could not judge; 0 none of these.
    """
    only = [part.strip() for part in names.split(",") if part.strip()] if names is not None else None
    settings = load_profile(profile, only)
    outputs = {"--json": json_path, "--report": html_path, "--junit": junit_path, "--statistics": statistics_path}
    _check_outputs(outputs, {"input": local_path(input_), "profile": profile})
    source = open_source(input_, Limits(network=not no_network), program)
    try:
        recorder = evidence.prepared(evidence_path, source, settings.params) if evidence_path is not None else None
        with ProgressBar(shown=not quiet) as bar, StatisticsFile(statistics_path) as statistics:

            def on_detection(detection: Detection) -> None:
                statistics.write(detection)
                if recorder is not None:
                    recorder.add(detection)

            inspection = Inspection(
                source,
                settings,
                with_evidence=html_path is not None,
                threads=threads,
                on_progress=bar.update,
                on_detection=on_detection,
                on_detector=recorder.watch if recorder is not None else None,
                models=models,
            )
            report = inspection.run()
    finally:
        source.close()
    threshold = Severity.parse(fail_on)
    _write(report, settings, threshold, json_path, html_path, junit_path)
    if not quiet and json_path != Path("-"):
        summarise(report, html_path)
    status = _status(report, threshold, strict=strict)
    if recorder is None or evidence_path is None:
        return status
    quiet = quiet or json_path == Path("-")
    drawn = evidence.write(evidence_path, source, recorder, report, threads=threads, quiet=quiet)
    return status if drawn else status or INCOMPLETE


def _check_outputs(outputs: Mapping[str, Path | None], read: Mapping[str, Path | None]) -> None:
    """Refuse paths that cannot be written, or that would destroy something, before the work and not after it."""
    taken: dict[Path, str] = {}
    for option, path in outputs.items():
        if path is None or (option == "--json" and path == Path("-")):
            continue
        if path == Path("-"):
            raise UsageError(f"{option} takes no -, only --json does; name a file, or /dev/stdout")
        if path.is_dir():
            raise UsageError(f"{path} is a directory; name a file to write")
        if not path.parent.is_dir():
            raise UsageError(f"cannot write {path}: there is no folder {path.parent}")
        if path.exists() and not path.is_file():
            continue  # Devices and pipes take what several write.
        for what, other in read.items():
            if other is not None and path.exists() and other.exists() and path.samefile(other):
                raise UsageError(f"{path}: {option} would overwrite the {what}")
        first = taken.setdefault(path.resolve(), option)
        if first != option:
            raise UsageError(f"{path}: {option} would overwrite what {first} writes")


def _write(
    report: Report,
    settings: Profile,
    threshold: Severity,
    json_path: Path | None,
    html: Path | None,
    junit: Path | None,
) -> None:
    """Write every report that was asked for; one that fails does not keep the others from being written."""
    failures = []
    try:
        if json_path == Path("-"):
            click.echo(json.dumps(to_json(report), indent=2))
        elif json_path is not None:
            write_json(report, json_path)
    except OutputError as error:
        failures.append(str(error))
    try:
        if junit is not None:
            write_junit(report, junit, threshold)
    except OutputError as error:
        failures.append(str(error))
    try:
        if html is not None:
            units = {name: cls.spec.measurements for name, cls in registered().items()}
            write_html(report, html, units=units, loudness_target=_loudness_target(settings))
    except OutputError as error:
        failures.append(str(error))
    if failures:
        raise OutputError("; ".join(failures))


def _loudness_target(settings: Profile) -> tuple[float, str] | None:
    """Where to draw a line in the loudness curve, in LUFS, and what it is; None where loudness is not measured."""
    params = settings.params.get("loudness")
    if not isinstance(params, LoudnessParams):
        return None
    target = target_of(params)
    return target.lufs, "target" if target.is_asked_for else "EBU R 128"


def _status(report: Report, threshold: Severity, *, strict: bool) -> int:
    for detector in report.detectors:
        if detector.status is Status.FAILED:
            say(f"detector {detector.name} failed and judged nothing more: {detector.reason}")
    if report.stopped:
        say(f"{report.stopped}; the report holds what was found until then")
    if not report.readable:
        return INCOMPLETE
    if any(event.severity >= threshold for event in report.events):
        return FOUND
    if not report.complete:
        return INCOMPLETE
    if strict and report.unjudged:
        names = ", ".join(f"{d.name} ({d.reason})" for d in report.unjudged)
        say(f"could not judge: {names}")
        return UNJUDGED
    return 0
