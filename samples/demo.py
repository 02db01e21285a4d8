"""Put known defects into the sample title, inspect it, and set what was found beside what was put in."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

CLEAN = Path(__file__).with_name("bunny_city.mp4")

STEPS: list[tuple[str, float, float, list[str]]] = [
    ("freeze", 2.0, 1.2, []),
    ("silence", 4.2, 0.8, []),
    ("black", 6.4, 0.6, []),
    ("dropout", 8.0, 1.0, ["length_ms=40", "count=1"]),
    ("solid_colour", 9.6, 0.5, ["colour=bars_smpte"]),
    ("phase", 13.4, 1.2, []),
    ("clipping", 16.2, 1.2, ["gain_db=36"]),
]
"""Defect, start and duration in seconds, settings."""


def glasswatch(*arguments: str | Path) -> int:
    """Run the command line; gives its exit status."""
    return subprocess.run([sys.executable, "-m", "glasswatch", *map(str, arguments)], check=False).returncode


def make_title(folder: Path) -> tuple[Path, list[dict[str, Any]]]:
    """The damaged title, and the labels of what is wrong with it."""
    labels: list[dict[str, Any]] = []
    current = CLEAN
    for number, (defect, start_s, duration_s, settings) in enumerate(STEPS):
        is_last = number == len(STEPS) - 1
        # Nearly lossless in between, so that seven generations look like one.
        codecs = [] if is_last else ["crf=4", "preset=ultrafast", "audio_codec=flac"]
        target = folder / ("title.mp4" if is_last else f"step{number}.mkv")
        truth = folder / f"step{number}.json"
        options = [f"--set={setting}" for setting in [*settings, *codecs]]
        status = glasswatch(
            "simulate", defect, current, target, f"--start={start_s}", f"--duration={duration_s}", "--seed=1",
            f"--labels={truth}", *options,
        )  # fmt: skip
        if status != 0:
            raise SystemExit(f"simulate {defect} failed")
        labels += json.loads(truth.read_text())["defects"]
        current = target
    return current, labels


def main(folder: Path) -> None:
    """Make, inspect, compare."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    folder.mkdir(parents=True, exist_ok=True)
    print("Putting seven defects into", CLEAN.name)
    title, labels = make_title(folder)
    print("\n$ glasswatch inspect", title, "--report", folder / "report.html", "--json", folder / "report.json")
    glasswatch("inspect", title, "--report", folder / "report.html", "--json", folder / "report.json")
    events = json.loads((folder / "report.json").read_text())["events"]
    print("\nPut in, and found:")
    missed = 0
    for label in sorted(labels, key=lambda row: row["start_s"]):
        same = [e for e in events if e["defect"] == label["defect"] and e["start_s"] < label["end_s"]]
        hits = [e for e in same if e["end_s"] > label["start_s"]]
        missed += not hits
        found = f"{hits[0]['start_s']:.3f} to {hits[0]['end_s']:.3f} s, {hits[0]['severity']}" if hits else "MISSED"
        print(f"  {label['defect']:<13} {label['start_s']:6.3f} to {label['end_s']:6.3f} s   found {found}")
    print(f"\nOpen {(folder / 'report.html').resolve()} in a browser.")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
