"""`python -m bench.cluster`: what the topologies cost, how many channels they hold, how soon a defect is known."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import av
import click
from rich.console import Console

from bench.cluster import cost, summary
from bench.cluster.capacity import Latencies, Step, hold
from bench.cluster.cost import Cost
from bench.cluster.deployment import DISTRIBUTED, FUSED, Deployment
from bench.cluster.live import LiveSource
from bench.cluster.title import CLIP, Title
from bench.options import places
from bench.provenance import headline, provenance
from bench.tables import terminal

SCHEMA = "glasswatch.bench.cluster/1"
MARGIN_S = 60.0
"""How much longer a live input is than it is watched: processes start, and wait for each other."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured; the default takes about ten minutes on two cores."""

    title_s: float = 57.6
    channels: int = 4
    idle_s: float = 10.0
    fused: Sequence[int] = (2, 4, 6, 8, 10, 12, 16)
    distributed: Sequence[int] = (2, 3, 4, 6, 8)
    first_s: float = 60.0
    step_s: float = 24.0

    @property
    def live_s(self) -> float:
        """Length of the live inputs."""
        most = max(len(self.fused), len(self.distributed))
        return self.first_s + most * (self.step_s + 10) + MARGIN_S


QUICK = Plan(title_s=19.2, channels=2, idle_s=4.0, fused=(1, 2), distributed=(1, 2), first_s=24.0, step_s=10.0)


@dataclass(slots=True)
class Results:
    """What a run has found so far."""

    costs: list[Cost] = field(default_factory=list)
    idle: dict[str, float] = field(default_factory=dict)
    reads: dict[str, list[str]] = field(default_factory=dict)
    steps: dict[str, list[Step]] = field(default_factory=dict)
    latencies: dict[str, Latencies] = field(default_factory=dict)


@click.command()
@places("cluster", "Folder for damaged and repeated media.")
@click.option("--quick", is_flag=True, help="Shorter, to see that it works; the figures mean little.")
def main(media: Path, out: Path, markdown: Path | None, work: Path, quick: bool) -> None:
    """Start a glasswatch of its own, measure it in each topology, and stop it."""
    origin = provenance("bench.cluster", {str(media): "MEDIA", str(work): "WORK"})
    console = terminal()
    plan = QUICK if quick else Plan()
    for needed in (work, out.parent):
        needed.mkdir(parents=True, exist_ok=True)
    results = Results()
    with tempfile.TemporaryDirectory(prefix="glasswatch-bench-") as folder:
        measure(plan, Title.make(media, work), Path(folder), results, console)
    tables = [
        summary.cost_table(results.costs),
        summary.process_table(results.costs, results.idle),
        summary.bytes_table(results.costs, results.reads),
        summary.capacity_table(results.steps),
        summary.latency_table(results.latencies, plan.fused[0]),
    ]
    text = f"{headline(origin)}\n\n" + "\n".join(table.markdown() for table in tables)
    document = {
        "schema": SCHEMA,
        **origin,
        "clip": CLIP,
        "plan": asdict(plan),
        "ratios": summary.ratios(results.costs),
        **asdict(results),
    }
    out.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
    if markdown is not None:
        markdown.write_text(text, "utf-8")
    print(text)
    console.print(f"written to {out}", soft_wrap=True)


def measure(plan: Plan, title: Title, folder: Path, results: Results, console: Console) -> None:
    """Fill `results`: first what needs no detectors' processes, then what does."""

    def tell(what: str) -> None:
        console.print(what, style="dim")

    file = title.repeated(plan.title_s, folder / "title.mp4")
    short = shortest(file, folder / "start.mp4")
    media_s = length_s(file)
    live = title.repeated(plan.live_s, folder / "live.ts")
    with Deployment(folder) as deployment, LiveSource(live) as source:

        def run(topology: str, number: int) -> None:
            tell(f"cost: {topology}, {number}")
            results.costs.append(cost.channels(deployment, topology, number, file, short, media_s, folder))

        def watch(topology: str, steps: Sequence[int]) -> None:
            tell(f"live: {topology}, {steps[0]} channels and more")
            results.steps[topology], results.latencies[topology] = hold(
                deployment, topology, source, title.known, steps, first_s=plan.first_s, step_s=plan.step_s
            )

        tell("cost: embedded")
        results.costs.append(cost.inspect(file, short, media_s))
        for number in (1, plan.channels):
            run(FUSED, number)
        watch(FUSED, plan.fused)
        tell("starting detectors")
        deployment.start_detectors()
        results.reads = deployment.reads
        results.idle = cost.idle(deployment, plan.idle_s)
        for number in (1, plan.channels):
            run(DISTRIBUTED, number)
        watch(DISTRIBUTED, plan.distributed)
        deployment.stop_services()
        tell("cost: embedded, again")
        results.costs.append(cost.inspect(file, short, media_s))


def shortest(title: Path, target: Path) -> Path:
    """The first GOP, which costs a process nothing but its start."""
    with av.open(str(title)) as source, av.open(str(target), "w") as output:
        streams = {s.index: output.add_stream_from_template(s) for s in (*source.streams.video, *source.streams.audio)}
        keys = 0
        for packet in source.demux():
            keys += packet.stream.type == "video" and packet.is_keyframe
            if keys > 1:
                break
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                output.mux(packet)
    return target


def length_s(title: Path) -> float:
    """Length of the pictures."""
    with av.open(str(title)) as source:
        video = source.streams.video[0]
        assert video.duration is not None
        assert video.time_base is not None
        return float(video.duration * video.time_base)


if __name__ == "__main__":
    main()
