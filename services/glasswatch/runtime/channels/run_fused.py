"""The fused process: one channel decoded and judged, until SIGTERM, with its health told all the while."""

from __future__ import annotations

import logging
import signal
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType

from threadpoolctl import threadpool_limits

from glasswatch.adapters.kafka_producer import KafkaPublisher
from glasswatch.config.channels import Channel
from glasswatch.config.profile import load_profile
from glasswatch.core.detector import DetectorContext, DetectorSpec
from glasswatch.detectors.params import Params
from glasswatch.detectors.registry import registered
from glasswatch.ports.inference import Inference
from glasswatch.runtime.channels.follower import Follower
from glasswatch.runtime.channels.fused import FusedDetectors
from glasswatch.runtime.channels.media_publisher import publish_control
from glasswatch.runtime.channels.service import needs_of
from glasswatch.runtime.detectors import inference, make_detector
from glasswatch.runtime.instances import MakeDetector
from glasswatch.telemetry.health import HealthServer

log = logging.getLogger(__name__)

FLUSH_S = 10.0
SOURCE = "/glasswatch/channel"


@dataclass(frozen=True, slots=True)
class FusedSettings:
    """What a fused process is told.

    Attributes:
        kafka: Brokers, `host:port,host:port`.
        channel: What to follow, and by which detectors; all of the profile where it names none.
        profile: YAML file with parameters of the detectors, None for the defaults.
        triton: Address of a Triton server, None to run models in this process.
        models: The model repository, where they run in this process; None is `config.models.default_models`.
        once: End when the input has ended.
        health_port: Where /healthz, /readyz and /metrics are; 0 is any free port.
    """

    kafka: str
    channel: Channel
    profile: Path | None = None
    triton: str | None = None
    models: Path | None = None
    once: bool = False
    health_port: int = 0


def run_fused(settings: FusedSettings) -> bool:
    """Follow the channel until SIGTERM or SIGINT, or to the end of a file.

    Returns:
        Whether the input was decoded to its regular end.

    Raises:
        GlasswatchError: It cannot begin, or not go on; started again, it goes on.
    """
    channel = settings.channel
    params = load_profile(settings.profile, only=channel.detectors or None).params
    with ExitStack() as stack:
        # Detectors have threads of their own; BLAS threads below them would only spin for the same cores.
        stack.enter_context(threadpool_limits(limits=1, user_api="blas"))
        publisher = stack.enter_context(KafkaPublisher(settings.kafka))
        detectors = [
            (
                spec,
                _maker(
                    channel.id,
                    spec,
                    params[name],
                    stack.enter_context(inference(spec, settings.triton, settings.models)),
                ),
            )
            for name in params
            if (spec := registered()[name].spec)
        ]
        sink = stack.enter_context(FusedDetectors(channel.id, detectors, publisher))
        follower = Follower(
            channel,
            needs_of(channel, list(params)),
            sink,
            partial(publish_control, publisher, source=SOURCE),
            once=settings.once,
        )
        _stop_on_signals(follower)
        health = stack.enter_context(HealthServer(settings.health_port, lambda: None, publisher.trouble))
        log.info("%d detectors on %s; health on port %d", len(detectors), channel.id, health.port)
        follower.run()
        sink.finish()
        publisher.flush(FLUSH_S)
    return follower.reason is None


def _maker(channel: str, spec: DetectorSpec, params: Params, models: Inference | None) -> MakeDetector:
    return lambda track: make_detector(spec.name, params, DetectorContext(channel, track), models)


def _stop_on_signals(follower: Follower) -> None:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        follower.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
