"""Redis is full, or away for a while: workers wait, say so, and afterwards every event is there, once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.e2e.deployment import until
from tests.integration.worker.stage import WAIT_S, Service, Stage, decided, own_channel, pictures, title, undisturbed
from tests.servers import start_servers

pytestmark = [pytest.mark.xdist_group("worker"), pytest.mark.timeout(120)]

Run = Callable[..., Service]


def both(run: Run) -> tuple[Service, Service]:
    services = run("detect", "black"), run("aggregate")
    for service in services:
        service.await_ready()
    return services


def test_workers_wait_for_room_and_lose_nothing(stage: Stage, run: Run) -> None:
    channel = own_channel()
    messages = title(channel, pictures(10, [(1, 2), (4, 6)]))
    expected = decided(undisturbed(messages))
    assert len(expected) == 2
    services = both(run)
    stage.publish(messages[:10])
    assert until(lambda: len(stage.events(channel)) == 1, WAIT_S), services[1].told()
    with stage.client() as client:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", "1")
    try:
        stage.publish(messages[10:])
        for service in services:
            assert until(lambda: "is full" in service.ask("/readyz")[1], WAIT_S), service.told()  # noqa: B023
            status, text = service.ask("/readyz")
            assert status == 503
            assert "raise its maxmemory" in text
            assert service.ask("/healthz")[0] == 200, "a start would not make room"
            assert service.metric("glasswatch_store_failures_total", store="redis", reason="full") > 0
        assert len(stage.events(channel)) == 1
    finally:
        with stage.client() as client:
            client.config_set("maxmemory", "0")
    until(lambda: stage.events(channel) == expected, WAIT_S)
    assert stage.events(channel) == expected
    assert not stage.doubled(channel)
    for service in services:
        assert until(service.is_ready, WAIT_S), service.told()
        assert service.messages("dead_letter") == 0


def test_a_redis_that_is_away_for_ten_seconds_changes_nothing(stage: Stage, run: Run) -> None:
    from glasswatch.runtime.cluster import Redis  # noqa: PLC0415

    channel = own_channel()
    messages = title(channel, pictures(12, [(1, 2), (4, 6), (8, 11)]))
    expected = decided(undisturbed(messages))
    services = both(run)
    stage.publish(messages[:5])
    assert until(lambda: services[1].messages("handled") > 0, WAIT_S), services[0].told()
    redis = stage.cluster.process("redis")
    assert redis is not None
    redis.kill()
    try:
        stage.publish(messages[5:])
        for service in services:
            assert until(lambda: "Redis at" in service.ask("/readyz")[1], WAIT_S), service.told()  # noqa: B023
            assert service.metric("glasswatch_store_failures_total", store="redis", reason="unreachable") > 0
        assert not until(lambda: any(service.process.poll() is not None for service in services), 10), "they wait"
    finally:
        start_servers(stage.cluster, [Redis()])
    until(lambda: stage.events(channel) == expected, WAIT_S)
    assert stage.events(channel) == expected
    assert not stage.doubled(channel)
