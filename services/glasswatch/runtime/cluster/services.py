"""The services of glasswatch as processes of the local cluster, and the topics that they need."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from glasswatch.adapters.kafka_topics import kafka_topics
from glasswatch.config.profile import enabled_by_default
from glasswatch.core.errors import UsageError
from glasswatch.detectors.registry import registered
from glasswatch.runtime import topics
from glasswatch.runtime.cluster.server import LOOPBACK, Launch, Unhealthy
from glasswatch.telemetry.health import HOST_VARIABLE

DECODE = "decode"
AGGREGATE = "aggregate"
DETECT = "detect"

_CHECK_TIMEOUT_S = 5.0
_PROGRAM = (sys.executable, "-m", "glasswatch")


@dataclass(frozen=True, slots=True)
class Service:
    """A command of glasswatch that runs until it is stopped; its address is that of its health answers.

    Attributes:
        name: As in Server.
        arguments: Command and options, all but `--health-port`.
        servers: What it reads from its environment: addresses of the servers, by variable.
        port: Where it answers for its health.
        program: What is run with the arguments.
    """

    name: str
    arguments: tuple[str, ...]
    servers: Mapping[str, str]
    port: int | None = None
    program: tuple[str, ...] = _PROGRAM
    variable = None

    @property
    def settings(self) -> dict[str, str]:
        """Its arguments, and the servers that it works on."""
        return {"arguments": " ".join(self.arguments), **self.servers}

    def launch(self, folder: Path, port: int) -> Launch:
        """Nothing has to be prepared: all that it keeps is on the servers."""
        return Launch(
            (*self.program, *self.arguments, "--health-port", str(port)),
            f"http://{LOOPBACK}:{port}",
            # Its log shows at once what it wrote before it was killed.
            {**self.servers, HOST_VARIABLE: LOOPBACK, "PYTHONUNBUFFERED": "1"},
        )

    def check(self, address: str, *, given: bool) -> None:
        """Ask whether it is ready; where it is not, the reason is its own."""
        no_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            no_proxy.open(f"{address}/readyz", timeout=_CHECK_TIMEOUT_S).close()
        except urllib.error.HTTPError as error:
            with error:
                raise Unhealthy(error.read().decode(errors="replace").strip() or str(error)) from error
        except OSError as error:
            raise Unhealthy(f"{address}/readyz does not answer: {error}") from error


def counts(chosen: str | None) -> dict[str, int]:
    """How many processes of each detector: `black,freeze=2`; where none is chosen, one of each that is on by default.

    Raises:
        UsageError: A detector does not exist, or a count is not from 1 to the number of partitions.
    """
    if chosen is None:
        return dict.fromkeys(enabled_by_default(), 1)
    limit = topics.TopicOptions().partitions
    found = {}
    for part in chosen.split(","):
        name, mark, count = part.strip().partition("=")
        if name not in registered():
            raise UsageError(f"there is no detector {name!r}: choose from {', '.join(registered())}")
        if mark and not (count.isdecimal() and 1 <= int(count) <= limit):
            raise UsageError(f"{part.strip()!r}: give 1 to {limit} processes, for a topic has {limit} partitions")
        found[name] = int(count) if mark else 1
    return found


def services(servers: Mapping[str, str], detectors: Mapping[str, int], channels: Path | None = None) -> list[Service]:
    """Every service: consumers first, so that the decoder's first message finds them.

    Args:
        servers: Addresses by the variable that names each, for all of the services.
        detectors: How many processes of each detector; the decoder publishes what these need.
        channels: File of channels for the decoder.
    """
    found = [Service(AGGREGATE, (AGGREGATE,), servers)]
    for name, count in detectors.items():
        for number in range(1, count + 1):
            label = f"{DETECT}-{name}" if number == 1 else f"{DETECT}-{name}-{number}"
            found.append(Service(label, (DETECT, name), servers))
    options = [DECODE]
    if channels is not None:
        options += ["--channels", str(channels.resolve())]
    if set(detectors) != set(enabled_by_default()):
        options += ["--detectors", ",".join(detectors)]
    return [*found, Service(DECODE, tuple(options), servers)]


def apply_topics(address: str) -> list[str]:
    """Create and change topics as `glasswatch topics apply` does; tell of each that has to stay as it is, and why."""
    wanted = topics.declare((cls.spec for cls in registered().values()), topics.TopicOptions())
    with kafka_topics(address) as admin:
        steps = topics.plan(wanted, admin.topics())
        topics.apply(steps, admin)
    refused = [step for step in steps if step.action is topics.Action.REFUSE]
    return [f"topic {step.topic.name} stays as it is: {'; '.join(step.reasons)}" for step in refused]
