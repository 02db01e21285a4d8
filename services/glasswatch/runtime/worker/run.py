"""Worker processes: put together, run until SIGTERM, with their health told all the while."""

from __future__ import annotations

import asyncio
import logging
import signal
from dataclasses import dataclass
from pathlib import Path

from threadpoolctl import threadpool_limits

from glasswatch.adapters.redis_store import RedisEventStore, RedisMediaStore, RedisStateStore
from glasswatch.config.profile import load_profile
from glasswatch.core.detector import DetectorContext
from glasswatch.core.errors import BrokerError
from glasswatch.detectors.registry import AnyDetector, registered
from glasswatch.runtime.detectors import inference, make_detector
from glasswatch.runtime.worker.aggregator_work import AggregatorWork
from glasswatch.runtime.worker.detector_work import DetectorWork
from glasswatch.runtime.worker.work import Work
from glasswatch.runtime.worker.worker import Worker
from glasswatch.telemetry.health import HealthServer
from glasswatch.wire.event import decode_event, encode_event

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every worker process is told.

    Attributes:
        kafka: Brokers, `host:port,host:port`.
        redis: URL of the Redis server.
        triton: `host:port` of the Triton server, None where models run in process.
        health_port: Where /healthz, /readyz and /metrics are; 0 is any free port.
        max_message_bytes: Largest message on the topics.
    """

    kafka: str
    redis: str
    triton: str | None = None
    health_port: int = 0
    max_message_bytes: int = 8 << 20


def run_detector(name: str, around: Surroundings, profile: Path | None, models: Path, shed_after_s: float) -> None:
    """Run the worker of one detector until SIGTERM or SIGINT, and drain it.

    Raises:
        UsageError, ConfigError: There is no such detector, or the profile is not valid.
        BrokerError: It cannot go on; started again, it goes on where it stopped.
        StoreError: The address of Redis is not one.
    """
    params, spec = load_profile(profile, only=[name]).params[name], registered()[name].spec
    with (
        threadpool_limits(limits=1, user_api="blas"),
        inference(spec, around.triton, models) as place,
        RedisMediaStore.connect(around.redis) as media,
    ):

        def make(channel: str, track: str | None) -> AnyDetector:
            return make_detector(name, params, DetectorContext(channel, track), place)

        asyncio.run(_serve(DetectorWork(spec, make, media, shed_after_s), around))


def run_aggregator(around: Surroundings, profile: Path | None) -> None:
    """Run an aggregator until SIGTERM or SIGINT, and drain it; errors as in `run_detector`."""
    # Which detectors run, those decide who start them: whatever is detected has a rule.
    settings = load_profile(profile, registered())
    with RedisEventStore.connect(around.redis, encode_event, decode_event) as store:
        asyncio.run(_serve(AggregatorWork(settings, store, registered()), around))


async def _serve(work: Work, around: Surroundings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with RedisStateStore.connect(around.redis) as states:
        worker = Worker(work, around.kafka, states, max_message_bytes=around.max_message_bytes)
        with HealthServer(around.health_port, worker.live, worker.ready) as health:
            log.info("%s reads %s; health on port %d", work.name, ", ".join(work.topics), health.port)
            try:
                await worker.run(stop)
            except Exception as error:
                reason = " ".join(str(error).split()) or type(error).__name__
                raise BrokerError(f"{work.name} cannot go on with Kafka at {around.kafka}: {reason}") from error
    log.info("%s has stopped", work.name)
