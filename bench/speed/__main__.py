"""`python -m bench.speed`: processor time and memory of an inspection."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import imageio_ffmpeg
from rich.console import Console

from bench.accuracy.filters import PHASE_FILTERS, SOUND_FILTERS, VIDEO_FILTERS
from bench.options import places
from bench.provenance import provenance
from bench.results import write_results
from bench.speed.measure import Cost, interleaved, median, run
from bench.tables import Table, number, terminal

SCHEMA = "glasswatch.bench.speed/1"
CLIP = "pristine/bbb_1080p30_10s.mp4"
SMALL_CLIP = "pristine/android_roof_360p.mp4"
"""Memory against length is measured on small pictures, so that hours of them pass in minutes."""

BASE = "PyAV decode, 1 thread"
INSPECT = "glasswatch inspect --threads 1"
REPORT = "glasswatch inspect --threads 1 --report"
FFMPEG_DECODE = "FFmpeg decode, 1 thread"
FFMPEG_FILTERS = "FFmpeg decode and filters, 1 thread"
FOUND_OR_NOT = (0, 1)
MIB = 2**20


@click.command()
@places("speed", "Folder for looped clips and reports.")
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(min=1), help="Runs of each command.")
@click.option("--seconds", default=60, show_default=True, type=click.IntRange(min=10), help="Length of the clip.")
@click.option("--hours", default=0.0, type=click.FloatRange(min=0), help="One more memory run of this length.")
@click.option("--quick", is_flag=True, help="Two rounds on 20 s, memory on 1 and 3 minutes.")
def main(
    media: Path, out: Path, markdown: Path | None, work: Path, rounds: int, seconds: int, hours: float, quick: bool
) -> None:
    """Measure processor time, elapsed time and peak memory of child processes, interleaved."""
    origin = provenance("bench.speed", {str(media): "MEDIA", str(work): "WORK"})
    console = terminal()
    if quick:
        rounds, seconds = 2, 20
    work.mkdir(parents=True, exist_ok=True)
    clip = looped(media / CLIP, seconds, work)
    report = work / "speed.json"
    costs = interleaved(_commands(clip, report, work / "speed.html"), rounds, FOUND_OR_NOT)
    timing = _timing(report)
    memory = _memory(media / SMALL_CLIP, [60, 180] if quick else [60, 600], hours, work, console)
    media_s = timing["media_s"]
    tables = [_cost_table(costs, media_s, rounds), _detector_table(timing), _memory_table(memory)]
    for table in tables:
        table.show(console)
    document = {
        "schema": SCHEMA,
        **origin,
        "clip": {"source": CLIP, "seconds": media_s},
        "rounds": rounds,
        "costs": {name: [asdict(cost) for cost in some] for name, some in costs.items()},
        "medians": {name: asdict(median(some)) for name, some in costs.items()},
        "timing": timing,
        "memory": [{"media_s": length, **asdict(cost)} for length, cost in memory],
    }
    write_results(out, document, markdown, origin, tables)
    console.print(f"written to {out}", soft_wrap=True)


def looped(source: Path, seconds: int, work: Path) -> Path:
    """`source` over and over, remuxed and not encoded again, for about so many seconds."""
    target = work / f"{source.stem}.{seconds}s{source.suffix}"
    if not target.exists():
        part = target.with_name(f"part.{target.name}")
        subprocess.run(
            [
                *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", "-stream_loop", "-1"),
                *("-i", str(source), "-map", "0:v", "-map", "0:a?", "-c", "copy", "-t", str(seconds), str(part)),
            ],
            check=True,
        )
        part.rename(target)
    return target


def _commands(clip: Path, report: Path, page: Path) -> dict[str, list[str]]:
    glasswatch = [str(Path(sys.executable).with_name("glasswatch")), "inspect", str(clip), "--quiet", "--threads", "1"]
    ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-threads", "1", "-i", str(clip)]
    graph = (
        f"[0:v:0]{VIDEO_FILTERS}[v];[0:a:0]asplit=2[a][b];[a]{SOUND_FILTERS}[s];[b]{PHASE_FILTERS}[p]",
        *("-map", "[v]", "-map", "[s]", "-map", "[p]"),
    )
    return {
        BASE: [sys.executable, "-m", "bench.speed.decode", str(clip)],
        INSPECT: [*glasswatch, "--json", str(report)],
        REPORT: [*glasswatch, "--report", str(page)],
        FFMPEG_DECODE: [*ffmpeg, "-map", "0:v:0", "-map", "0:a:0", "-f", "null", "-"],
        FFMPEG_FILTERS: [*ffmpeg, "-filter_complex", *graph, "-f", "null", "-"],
    }


def _memory(source: Path, lengths: list[int], hours: float, work: Path, console: Console) -> list[tuple[float, Cost]]:
    found = []
    for seconds in [*lengths, *([round(hours * 3600)] if hours else [])]:
        clip = looped(source, seconds, work)
        report = work / "memory.json"
        console.print(f"memory over {seconds} s of media", style="dim")
        cost = run(_commands(clip, report, work / "memory.html")[INSPECT], FOUND_OR_NOT)
        found.append((_timing(report)["media_s"], cost))
    return found


def _timing(report: Path) -> dict[str, Any]:
    timing: dict[str, Any] = json.loads(report.read_text("utf-8"))["timing"]
    return timing


def _cost_table(costs: dict[str, list[Cost]], media_s: float, rounds: int) -> Table:
    base = median(costs[BASE]).cpu_s
    rows = []
    for name, some in costs.items():
        cost = median(some)
        cpu = [c.cpu_s / media_s for c in some]
        rows.append(
            [
                name,
                number(cost.cpu_s / media_s, 4),
                f"{min(cpu):.4f} to {max(cpu):.4f}",
                number(cost.cpu_s / base, 2),
                number(cost.wall_s / media_s, 4),
                number(media_s / cost.wall_s, 1),
                number(cost.peak_rss_bytes / MIB, 0),
            ]
        )
    columns = ("command", "CPU s per s", "range", "against PyAV", "wall s per s", "times real time", "peak MiB")
    note = f"Medians of {rounds} interleaved rounds on {media_s:.0f} s of {CLIP}; start of the process included."
    return Table("Cost of one second of 1080p30 H.264", columns, rows, note)


def _detector_table(timing: dict[str, Any]) -> Table:
    media_s = timing["media_s"]
    parts = [("decoder and renditions", timing["decode_s"]), *sorted(timing["detector_s"].items(), key=lambda i: -i[1])]
    rows = [[name, number(1000 * seconds / media_s, 2)] for name, seconds in parts]
    rows.append(["whole process", number(1000 * timing["cpu_s"] / media_s, 2)])
    return Table("Processor time by part of one inspection", ("part", "ms per s"), rows)


def _memory_table(memory: list[tuple[float, Cost]]) -> Table:
    rows = [
        [f"{length / 60:.0f} min", number(cost.peak_rss_bytes / MIB, 0), number(length / cost.wall_s, 1)]
        for length, cost in memory
    ]
    return Table("Peak memory against length", ("media", "peak MiB", "times real time"), rows, f"Looped {SMALL_CLIP}.")


if __name__ == "__main__":
    main()
