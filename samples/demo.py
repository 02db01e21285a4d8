"""Put known defects into a sample title, inspect it, and set what was found beside what was put in."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import imageio_ffmpeg

from glasswatch.core.detection import Severity
from glasswatch.simulator import Defect, simulate

CLEAN = Path(__file__).with_name("bunny_city.mp4")

LENGTH_S = 54

PICTURE = "[0:v]split=3[a][b][c];[b]hflip[b];[a][b][c]concat=n=3[v]"
"""Three times the sample, the second one mirrored."""

SOUND = (
    "[0:a]aresample=48000,atrim=10.45:15.45,asetpts=PTS-STARTPTS,asplit[x][y];"
    "[x]atrim=0.5,asetpts=PTS-STARTPTS[body];[y]atrim=0:0.5[head];"
    "[body][head]acrossfade=d=0.5:c1=qsin:c2=qsin,"
    "pan=stereo|FL=0.8*FL+0.2*FR|FR=0.2*FL+0.8*FR,aloop=-1:216000,volume=18dB[a]"
)
"""The sample's sound repeats every 5.3 s with a join that can be heard; 5 s between two joins are repeated with a
smooth one, and brought from -41 to -23 LUFS. Its channels have little in common: as narrow as most programmes are, it
shows where a pair is turned round."""

STEPS: dict[str, list[tuple[str, float, float, dict[str, str]]]] = {
    "picture": [
        ("freeze", 2.0, 1.2, {}),
        ("black", 8.0, 1.0, {}),
        ("solid_colour", 15.0, 0.8, {"colour": "bars_smpte"}),
        ("block_corruption", 25.0, 2.0, {"mode": "displaced", "every": "100"}),
    ],
    "sound": [
        ("silence", 5.0, 1.2, {}),
        ("dropout", 12.0, 1.0, {"length_ms": "40", "count": "1"}),
        ("phase", 18.0, 4.5, {}),
        ("hum", 32.0, 8.0, {"snr_db": "15"}),
        ("clipping", 47.3, 0.7, {"gain_db": "22"}),
    ],
}
"""Defect, start and duration in seconds, settings."""


def ffmpeg(*arguments: str | Path) -> None:
    """Run FFmpeg."""
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error", *map(str, arguments)], check=True)


def glasswatch(*arguments: str | Path) -> int:
    """Run the command line; gives its exit status."""
    print("\n$", " ".join(["glasswatch", *map(str, arguments)]))
    return subprocess.run([sys.executable, "-m", "glasswatch", *map(str, arguments)], check=False).returncode


def make_title(folder: Path) -> tuple[Path, list[Defect]]:
    """The damaged title, and the labels of what is wrong with it."""
    picture, sound, title = folder / "picture.mkv", folder / "sound.wav", folder / "title.mp4"
    nearly_lossless = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "4"]
    limit = ["-t", str(LENGTH_S)]
    ffmpeg("-i", CLEAN, "-filter_complex", PICTURE, "-map", "[v]", *limit, *nearly_lossless, picture)
    ffmpeg("-i", CLEAN, "-filter_complex", SOUND, "-map", "[a]", *limit, sound)
    labels: list[Defect] = []
    coding: dict[Path, dict[str, str]] = {picture: {"crf": "4", "preset": "ultrafast"}, sound: {}}
    for part, settings in coding.items():
        for defect, start_s, duration_s, more in STEPS[part.stem]:
            damaged = part.with_stem(f"damaged_{part.stem}")
            truth = simulate(
                defect, part, damaged, start_s=start_s, duration_s=duration_s, seed=1, settings={**more, **settings}
            )
            labels += truth.defects
            damaged.replace(part)
    ffmpeg("-i", picture, "-i", sound, "-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-c:a", "aac", title)
    return title, labels


def compare(labels: Sequence[Defect], events: Sequence[dict[str, Any]]) -> bool:
    """Print what was put in beside what was found; whether that is the same."""
    print("\nPut in, and found:")
    explained: set[str] = set()
    all_found = True
    for label in sorted(labels, key=lambda label: label.start_s):
        hits = [
            e for e in events
            if e["defect"] == label.defect and e["start_s"] < label.end_s and e["end_s"] > label.start_s
        ]  # fmt: skip
        explained |= {e["id"] for e in hits}
        all_found = all_found and bool(hits)
        worst = max(hits, key=lambda e: Severity.parse(e["severity"]), default=None)
        found = "MISSED" if worst is None else f"{worst['start_s']:.3f} to {worst['end_s']:.3f} s, {worst['severity']}"
        print(f"  {label.defect:<16} {label.start_s:6.3f} to {label.end_s:6.3f} s   found {found}")
    others = [e for e in events if e["severity"] != "info" and e["id"] not in explained]
    for event in others:
        print(f"  {'nothing':<16} {'':19}   FALSE {event['defect']} at {event['start_s']:.3f} s, {event['severity']}")
    if not others:
        print("  and nothing else.")
    return all_found and not others


def main(folder: Path) -> None:
    """Make, inspect, compare."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    folder.mkdir(parents=True, exist_ok=True)
    print(f"Putting {sum(map(len, STEPS.values()))} defects into {LENGTH_S} s made of {CLEAN.name}")
    title, labels = make_title(folder)
    glasswatch("inspect", title, "--report", folder / "report.html", "--json", folder / "report.json")
    is_right = compare(labels, json.loads((folder / "report.json").read_text())["events"])
    print(f"\nOpen {(folder / 'report.html').resolve()} in a browser.")
    sys.exit(0 if is_right else 1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
