"""Topics on a real broker."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest

from glasswatch.core.detector import DetectorSpec
from glasswatch.core.errors import BrokerError
from glasswatch.core.needs import Planes, VideoNeed
from glasswatch.ports.topics import Topic, TopicAdmin
from glasswatch.runtime.topics import Action, TopicOptions, apply, declare, plan


@pytest.fixture(scope="module")
def admin(kafka_address: str) -> Iterator[TopicAdmin]:
    from glasswatch.adapters.kafka_topics import kafka_topics  # noqa: PLC0415 - the extra `cluster` is there by now

    with kafka_topics(kafka_address) as topics:
        yield topics


def declared(name: str, options: TopicOptions) -> list[Topic]:
    """Topics of one detector that nobody else uses; those that it shares with others are left out."""
    specs = [DetectorSpec(name, "1", (name,), (VideoNeed(Planes.LUMA, lines=270),))]
    return [topic for topic in declare(specs, options) if name in topic.name]


def test_broker_is_brought_in_step_and_stays_so(admin: TopicAdmin) -> None:
    name, options = f"t{uuid.uuid4().hex[:8]}", TopicOptions(partitions=2)
    wanted = declared(name, options)

    def actions(topics: list[Topic]) -> set[Action]:
        return {step.action for step in plan(topics, admin.topics()) if name in step.topic.name}

    assert actions(wanted) == {Action.CREATE}
    apply(plan(wanted, admin.topics()), admin)
    assert actions(wanted) == {Action.KEEP}

    more = declared(name, replace(options, partitions=3, results_retention_ms=3_600_000))
    assert actions(more) == {Action.CHANGE}
    apply(plan(more, admin.topics()), admin)
    assert actions(more) == {Action.KEEP}
    assert actions(wanted) == {Action.REFUSE}


def test_refusal_of_the_broker_is_one_line(admin: TopicAdmin) -> None:
    with pytest.raises(BrokerError, match=r"^cannot create topics: .*replica[^\n]*$"):
        admin.create([Topic(f"t{uuid.uuid4().hex}", 1, 99)])
