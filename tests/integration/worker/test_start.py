"""A worker that starts where Kafka is not there yet, or has no topics."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from glasswatch.core.errors import BrokerError
from glasswatch.wire import topics
from tests.e2e.deployment import until
from tests.integration.worker.stage import WAIT_S, Service, Stage

pytestmark = [pytest.mark.xdist_group("worker"), pytest.mark.timeout(120)]

Run = Callable[..., Service]


def test_it_waits_for_kafka_and_says_so(stage: Stage, run: Run) -> None:
    worker = run("detect", "black", GLASSWATCH_KAFKA=nowhere())
    assert until(lambda: "cannot reach Kafka at 127.0.0.1:" in worker.ask("/readyz")[1], WAIT_S), worker.told()
    assert worker.ask("/readyz")[0] == 503
    assert worker.ask("/healthz")[0] == 200
    assert worker.process.poll() is None
    status, seconds = worker.stop()
    assert (status, seconds < 5) == (0, True), worker.told()


def test_it_does_not_wait_for_ever(stage: Stage) -> None:
    from glasswatch.runtime.worker.start import await_topics  # noqa: PLC0415

    told: list[str] = []
    with pytest.raises(BrokerError, match=r"cannot reach Kafka at 127\.0\.0\.1:.*; gave up after 1 s"):
        asyncio.run(await_topics(nowhere(), ["glasswatch.any.v1"], told.append, patience_s=1))
    assert told


def test_topics_that_are_missing_are_told_in_one_line(stage: Stage, run: Run) -> None:
    from kafka import KafkaAdminClient  # noqa: PLC0415

    from glasswatch.runtime.cluster import services  # noqa: PLC0415

    missing = topics.detections("clipping")
    admin = KafkaAdminClient(bootstrap_servers=stage.kafka)
    try:
        admin.delete_topics([missing])
        worker = run("detect", "clipping")
        assert worker.process.wait(WAIT_S) == 2
    finally:
        admin.close()
        services.apply_topics(stage.kafka)
    (line,) = [line for line in worker.told().splitlines() if "topics apply" in line]
    assert f"has no {missing}: make the topics with glasswatch topics apply" in line
    assert "Traceback" not in worker.told()


def nowhere() -> str:
    from glasswatch.runtime.cluster.server import free_port  # noqa: PLC0415

    return f"127.0.0.1:{free_port()}"
