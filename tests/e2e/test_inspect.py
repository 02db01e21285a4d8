"""`glasswatch inspect` as a user runs it: real media, a process of its own."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import jsonschema
import pytest

from glasswatch.config.profile import enabled_by_default

ROOT = Path(__file__).parents[2]
CLEAN = ROOT / "samples" / "bunny_city.mp4"
SCHEMA = json.loads((ROOT / "docs" / "report.schema.json").read_text())


def glasswatch(*arguments: str | Path, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "glasswatch", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)


def simulate(defect: str, source: Path, target: Path, *options: str) -> list[dict[str, Any]]:
    labels = target.with_suffix(".labels.json")
    run = glasswatch("simulate", defect, source, target, "--labels", labels, *options)
    assert run.returncode == 0, run.stderr
    defects: list[dict[str, Any]] = json.loads(labels.read_text())["defects"]
    return defects


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """A title with a black and a silence."""
    folder = tmp_path_factory.mktemp("damaged")
    black = simulate("black", CLEAN, folder / "black.mkv", "--start=6", "--duration=3", "--set=audio_codec=flac")
    silence = simulate("silence", folder / "black.mkv", folder / "title.mp4", "--start=6", "--duration=3")
    return folder / "title.mp4", [*black, *silence]


def assert_one_line(run: subprocess.CompletedProcess[str], *parts: str) -> None:
    assert run.stderr.startswith("glasswatch: "), run.stderr
    assert run.stderr.count("\n") == 1, run.stderr
    assert "Traceback" not in run.stderr
    for part in parts:
        assert part in run.stderr


def test_what_was_put_in_is_found_where_it_is(damaged: tuple[Path, list[dict[str, Any]]], tmp_path: Path) -> None:
    title, labels = damaged
    paths = {kind: tmp_path / f"report.{kind}" for kind in ("json", "html", "xml", "jsonl")}
    run = glasswatch(
        "inspect", title, "--json", paths["json"], "--report", paths["html"], "--junit", paths["xml"],
        "--statistics", paths["jsonl"],
    )  # fmt: skip
    assert run.returncode == 1, run.stderr
    assert run.stderr == ""
    report = json.loads(paths["json"].read_text())
    jsonschema.validate(report, SCHEMA)
    errors = {e["defect"]: e for e in report["events"] if e["severity"] == "error"}
    assert set(errors) == {"black", "silence"}
    for label in labels:
        event = errors[label["defect"]]
        assert abs(event["start_s"] - label["start_s"]) <= 0.04
        assert abs(event["end_s"] - label["end_s"]) <= 0.04
    assert errors["black"]["incident"] == errors["silence"]["incident"] is not None
    assert {d["name"]: d["status"] for d in report["detectors"]}.keys() == set(enabled_by_default())
    assert "data:image/jpeg" in paths["html"].read_text()
    assert int(ET.parse(paths["xml"]).getroot().get("failures", "0")) == 2
    detections = [json.loads(line) for line in paths["jsonl"].read_text().splitlines()]
    assert {d["detector"] for d in detections} >= {"black", "silence"}


def test_a_clean_title_passes() -> None:
    run = glasswatch("inspect", CLEAN, "--fail-on", "warning", "--detectors", "black,freeze,silence,dropout")
    assert run.returncode == 0, run.stdout
    assert "0 error, 0 warning" in run.stdout


def test_quiet_prints_nothing(damaged: tuple[Path, list[dict[str, Any]]]) -> None:
    run = glasswatch("inspect", damaged[0], "--quiet", "--detectors", "black")
    assert (run.returncode, run.stdout, run.stderr) == (1, "", "")


def test_json_on_stdout_is_nothing_but_json(damaged: tuple[Path, list[dict[str, Any]]]) -> None:
    run = glasswatch("inspect", damaged[0], "--json", "-", "--detectors", "black")
    jsonschema.validate(json.loads(run.stdout), SCHEMA)


@pytest.mark.parametrize(("severity", "status"), [("info", 1), ("warning", 1), ("error", 0)])
def test_fail_on_sets_what_counts(tmp_path: Path, severity: str, status: int) -> None:
    simulate("black", CLEAN, tmp_path / "black.mp4", "--start=3", "--duration=1")
    run = glasswatch("inspect", tmp_path / "black.mp4", "--fail-on", severity, "--detectors", "black")
    assert run.returncode == status


def test_a_profile_changes_the_rules(damaged: tuple[Path, list[dict[str, Any]]], tmp_path: Path) -> None:
    profile = tmp_path / "profile.yaml"
    profile.write_text("detectors: {black: {events: {black: {severity: {error: 60}}}}}")
    run = glasswatch("inspect", damaged[0], "--profile", profile, "--detectors", "black")
    assert run.returncode == 0


def bad_inputs(folder: Path) -> dict[str, tuple[Path, str]]:
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("this is no film\n" * 100)
    (folder / "noise.mp4").write_bytes(bytes(range(256)) * 64)
    return {
        "missing": (folder / "none.mp4", "no such file"),
        "a directory": (folder, "is a directory"),
        "empty": (folder / "empty.mp4", "is empty"),
        "text renamed": (folder / "text.mp4", "no media file"),
        "noise": (folder / "noise.mp4", "no media file"),
    }


@pytest.mark.parametrize("case", ["missing", "a directory", "empty", "text renamed", "noise"])
def test_an_input_that_cannot_be_read_is_one_clear_line(tmp_path: Path, case: str) -> None:
    path, complaint = bad_inputs(tmp_path)[case]
    run = glasswatch("inspect", path)
    assert run.returncode == 2
    assert_one_line(run, complaint)


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        pytest.param(["--detectors", "blak"], ["blak", "black"], id="unknown detector"),
        pytest.param(["--detectors", ","], ["no detector"], id="no detector"),
        pytest.param(["--fail-on", "fatal"], ["fatal"], id="unknown severity"),
        pytest.param(["--colour", "red"], ["--colour"], id="unknown option"),
        pytest.param(["--json", "/no/such/folder/r.json"], ["/no/such/folder"], id="no folder"),
        pytest.param(["--report", "/"], ["directory"], id="report is a directory"),
        pytest.param(["--profile", "/no/such/profile"], ["/no/such/profile"], id="no profile"),
        pytest.param(["--junit", "-"], ["--junit", "--json"], id="only json on stdout"),
    ],
)
def test_wrong_usage_is_one_clear_line(options: list[str], parts: list[str]) -> None:
    run = glasswatch("inspect", CLEAN, *options)
    assert run.returncode == 2
    assert_one_line(run, *parts)


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        pytest.param(["--json", "title.mp4"], ["title.mp4", "--json", "input"], id="the input"),
        pytest.param(["--statistics", "link.mp4"], ["link.mp4", "input"], id="a link to the input"),
        pytest.param(["--profile", "p.yaml", "--report", "p.yaml"], ["p.yaml", "profile"], id="the profile"),
        pytest.param(["--json", "r", "--junit", "./r"], ["--json", "--junit"], id="another report"),
    ],
)
def test_a_report_overwrites_nothing_that_is_used(tmp_path: Path, options: list[str], parts: list[str]) -> None:
    title, profile = tmp_path / "title.mp4", tmp_path / "p.yaml"
    title.write_bytes(CLEAN.read_bytes())
    (tmp_path / "link.mp4").symlink_to(title)
    profile.write_text("masks: []")
    named = [option if option.startswith("--") else str(tmp_path / option) for option in options]
    run = glasswatch("inspect", title, "--detectors", "black", *named)
    assert run.returncode == 2
    assert_one_line(run, *parts)
    assert title.read_bytes() == CLEAN.read_bytes()
    assert profile.read_text() == "masks: []"


def test_reports_may_share_a_device() -> None:
    run = glasswatch("inspect", CLEAN, "--detectors", "black", "--json", "/dev/null", "--junit", "/dev/null")
    assert run.returncode == 0, run.stderr


def test_a_full_disk_loses_one_report_only(damaged: tuple[Path, list[dict[str, Any]]], tmp_path: Path) -> None:
    junit = tmp_path / "report.xml"
    run = glasswatch("inspect", damaged[0], "--quiet", "--json", "/dev/full", "--junit", junit, "--detectors", "black")
    assert run.returncode == 2
    assert_one_line(run, "/dev/full", "No space left")
    assert ET.parse(junit).getroot().get("failures") == "1"


def test_a_truncated_file_is_inspected_as_far_as_it_goes(tmp_path: Path) -> None:
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(CLEAN.read_bytes()[: CLEAN.stat().st_size // 2])
    report = tmp_path / "report.json"
    run = glasswatch("inspect", cut, "--json", report, "--quiet")
    assert run.returncode == 1, run.stderr
    found = {(e["defect"], e["kind"]) for e in json.loads(report.read_text())["events"]}
    assert ("stream_error", "truncated") in found


class EndlessChannel(BaseHTTPRequestHandler):
    """A live channel: the whole title at once, then again and again at a slow pace."""

    title: ClassVar[bytes]

    def do_GET(self) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "video/mp2t")
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(self.title)
            while True:
                for at in range(0, len(self.title), 188 * 50):
                    self.wfile.write(self.title[at : at + 188 * 50])
                    time.sleep(0.02)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a channel that never ends and shows a black picture from time to time."""
    stream = tmp_path_factory.mktemp("channel") / "title.ts"
    simulate("black", CLEAN, stream, "--start=3", "--duration=2.5")
    handler = type("Handler", (EndlessChannel,), {"title": stream.read_bytes()})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/title.ts"
        server.shutdown()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_keeps_what_was_found(channel: str, tmp_path: Path, number: signal.Signals) -> None:
    report, statistics = tmp_path / "report.json", tmp_path / "statistics.jsonl"
    command = [sys.executable, "-m", "glasswatch", "inspect", channel, "--json", str(report)]
    command += ["--statistics", str(statistics), "--detectors", "black"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not _has_seen(statistics, "defect"):
            time.sleep(0.1)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert "interrupted" in errors
    assert "Traceback" not in errors
    found = json.loads(report.read_text())
    assert {e["defect"] for e in found["events"]} == {"black"}
    assert found["input"]["complete"] is False
    assert process.returncode == 1


def _has_seen(statistics: Path, verdict: str) -> bool:
    return statistics.exists() and f'"verdict": "{verdict}"' in statistics.read_text()
