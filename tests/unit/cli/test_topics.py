from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import pytest
from click.testing import CliRunner, Result

from glasswatch.cli.topics import topics
from glasswatch.core.errors import UsageError
from tests.unit.runtime.test_topics import FakeAdmin


@pytest.fixture
def admin(monkeypatch: pytest.MonkeyPatch) -> FakeAdmin:
    """A cluster that is found at any address."""
    fake = FakeAdmin()

    @contextmanager
    def kafka_topics(bootstrap: str) -> Iterator[FakeAdmin]:
        assert bootstrap == "broker:9092"
        yield fake

    module = ModuleType("kafka_topics")
    module.kafka_topics = kafka_topics  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "glasswatch.adapters.kafka_topics", module)
    monkeypatch.setenv("GLASSWATCH_KAFKA", "broker:9092")
    return fake


def run(*arguments: str) -> Result:
    return CliRunner().invoke(topics, arguments, standalone_mode=False, env={"COLUMNS": "200"})


def test_plan_shows_and_changes_nothing(admin: FakeAdmin) -> None:
    result = run("plan", "--partitions", "3")
    assert result.return_value == 1
    assert "glasswatch.media.picture-270.v1 " in result.output
    assert "to create" in result.output
    assert admin.there == {}


def test_apply_brings_the_cluster_in_step(admin: FakeAdmin) -> None:
    assert run("apply", "--partitions", "3").return_value == 0
    assert admin.there["glasswatch.media.facts.v1"].partitions == 3
    assert run("plan", "--partitions", "3").return_value == 0
    assert run("plan", "--partitions", "4").return_value == 1


def test_fewer_partitions_remain_to_be_decided(admin: FakeAdmin) -> None:
    run("apply", "--partitions", "3")
    result = run("apply", "--partitions", "2")
    assert result.return_value == 1
    assert "cannot lower" in result.output
    assert admin.there["glasswatch.media.facts.v1"].partitions == 3


def test_nobody_said_where_kafka_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GLASSWATCH_KAFKA", raising=False)
    error = run("plan").exception
    assert isinstance(error, UsageError)
    assert "--bootstrap" in str(error)


def test_client_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kafka", None)
    monkeypatch.delitem(sys.modules, "glasswatch.adapters.kafka_topics", raising=False)
    error = run("plan", "--bootstrap", "broker:9092").exception
    assert isinstance(error, UsageError)
    assert "glasswatch[cluster]" in str(error)
