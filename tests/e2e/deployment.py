"""A whole glasswatch as real processes: Kafka, Redis, Triton, and every service; and what must come out of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from glasswatch.aggregator.incidents import group_incidents
from glasswatch.config.profile import load_profile
from glasswatch.core.detection import Event, event_id
from glasswatch.decoder.source import open_source
from glasswatch.runtime.inspect import Inspection
from tests.servers import start_servers

if TYPE_CHECKING:
    from glasswatch.runtime.cluster import Cluster, Server

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "triton_models"
CLEAN = ROOT / "samples" / "bunny_city.mp4"

Seen = tuple[object, ...]
"""What must be equal of an event in every topology."""


def seen(event: Event) -> Seen:
    return (
        event.id,
        event.defect,
        event.kind,
        event.track,
        event.span,
        event.severity,
        event.state,
        event.score,
        tuple(sorted(event.measurements.items())),
        event.region,
        event.incident,
        event.consequence_of,
        event.reason,
        event.position,
    )


def embedded(title: Path, channel: str) -> list[Seen]:
    """The events of an inspection in one process."""
    profile = load_profile()
    with closing(open_source(str(title))) as source:
        inspection = Inspection(source, profile, channel=channel)
        report = inspection.run()
        assert not report.unjudged
        events = group_incidents(inspection.events, profile.incidents)
    return sorted(map(seen, events), key=repr)


@cache
def _inspected(title: Path) -> Sequence[Event]:
    profile = load_profile()
    with closing(open_source(str(title))) as source:
        inspection = Inspection(source, profile)
        inspection.run()
        return inspection.events


def renamed(title: Path, channel: str) -> list[Seen]:
    """What `embedded` gives, from one inspection for all channels."""
    events = [
        replace(e, channel=channel, id=event_id(channel, e.defect, e.kind, e.track, e.span.epoch, e.span.start))
        for e in _inspected(title)
    ]
    return sorted(map(seen, group_incidents(events, load_profile().incidents)), key=repr)


def until(condition: Callable[[], bool], timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def glasswatch(
    *arguments: str | Path,
    env: Mapping[str, str] | None = None,
    timeout: float = 120,
    status: Collection[int] = (0,),
) -> str:
    command = [sys.executable, "-m", "glasswatch", *map(str, arguments)]
    environment = {**os.environ, **(env or {})}
    run = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False, env=environment)
    assert run.returncode in status, run.stderr
    return run.stdout


def damaged_title(folder: Path) -> Path:
    """The sample with a freeze, a silence with a black, and a hole in the sound, by the simulator."""
    steps = [("freeze", 2.0, 1.5), ("black", 6.4, 1.2), ("silence", 6.2, 1.6), ("dropout", 10.0, 1.0)]
    current = CLEAN
    for number, (defect, start_s, duration_s) in enumerate(steps):
        last = number == len(steps) - 1
        target = folder / ("title.mp4" if last else f"step{number}.mkv")
        codecs = [] if last else ["--set=crf=4", "--set=preset=ultrafast", "--set=audio_codec=flac"]
        span = [f"--start={start_s}", f"--duration={duration_s}", "--seed=1"]
        glasswatch("simulate", defect, current, target, *span, *codecs)
        current = target
    return current


@dataclass(slots=True)
class Deployment:
    """A cluster with all services that tests may harm and heal."""

    cluster: Cluster
    servers: Sequence[Server]
    env: dict[str, str]
    services: Sequence[Server]

    @classmethod
    def start(cls, cluster: Cluster) -> Deployment:
        from glasswatch.runtime.cluster import Kafka, Redis, Triton, services  # noqa: PLC0415

        servers = (Redis(), Kafka(), Triton(MODELS))
        addresses = start_servers(cluster, servers)
        env = {server.variable: addresses[server.name] for server in servers}
        services.apply_topics(addresses["kafka"])
        deployed = services.services(env, services.counts(None))
        cluster.up(deployed)
        return cls(cluster, servers, env, deployed)

    def follow(self, title: Path) -> str:
        """Have a title decoded as a new channel; its id."""
        channel = f"title-{uuid.uuid4().hex[:12]}"
        glasswatch("channels", "add", channel, title, env=self.env)
        return channel

    def events(self, channel: str) -> list[Seen]:
        """The events in Redis."""
        return sorted(map(seen, self.stored(channel)), key=repr)

    def stored(self, channel: str) -> Sequence[Event]:
        from glasswatch.adapters.redis_store import RedisEventStore  # noqa: PLC0415
        from glasswatch.wire.event import decode_event, encode_event  # noqa: PLC0415

        with RedisEventStore.connect(self.env["GLASSWATCH_REDIS"], encode_event, decode_event) as store:
            return store.events(channel)

    def versions(self, channel: str) -> list[bytes]:
        """Every version of an event in the channel's stream."""
        from redis import Redis as Client  # noqa: PLC0415

        with closing(Client.from_url(self.env["GLASSWATCH_REDIS"])) as client:
            entries = client.xrange(f"glasswatch:{{{channel}}}:events")
        return [fields[b"event"] for _, fields in entries]

    def forget(self, channel: str) -> None:
        """Have it decoded no longer, whoever starts again."""
        glasswatch("channels", "remove", channel, env=self.env)

    def strike(self, name: str, number: signal.Signals) -> None:
        """Send a signal to one process, and wait for its end."""
        process = self.cluster.process(name)
        assert process is not None
        if number is signal.SIGKILL:
            process.kill()
        else:
            assert process.signal(number)
        assert until(lambda: not process.alive, 30), f"{name} did not end at {number.name}"

    def heal(self) -> None:
        """Start again what does not run, as whoever looks after the processes does."""
        self.cluster.up(self.servers)
        self.cluster.up(self.services)
