"""docker-compose.yml without Docker: its form, and that it fits the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from compose_spec import PyCompose

from glasswatch import __version__
from glasswatch.cli.main import cli
from glasswatch.config.profile import enabled_by_default
from glasswatch.detectors.registry import registered
from glasswatch.telemetry.health import HOST_VARIABLE

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: each for name, each in SERVICES.items() if each["image"].startswith("glasswatch:")}
OFF = [f"detect-{name}" for name in registered() if name not in enabled_by_default()]
WORKERS = {name: each for name, each in OURS.items() if name != "topics"}

every_service = pytest.mark.parametrize("name", SERVICES)
every_one_of_ours = pytest.mark.parametrize("name", OURS)
every_worker = pytest.mark.parametrize("name", WORKERS)


def interpolated(text: str) -> str:
    """With the defaults of its variables; one that has no default is an error."""
    assert not re.search(r"\$(?!\{\w+:-)", text)
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def command_of(service: dict[str, Any]) -> click.Context:
    """The command of our command line that a container runs, with its parsed options."""
    context, command, arguments = click.Context(cli), cli, list(service["command"])
    while isinstance(command, click.Group):
        name = arguments.pop(0)
        found = command.get_command(context, name)
        assert found is not None, f"there is no command {name}"
        command = found
    return command.make_context(command.name, arguments)


def variables_read(command: click.Command) -> set[str]:
    """Environment variables that a command, or one below it, takes options from."""
    found = {parameter.envvar for parameter in command.params if isinstance(parameter.envvar, str)}
    if isinstance(command, click.Group):
        with click.Context(command) as context:
            for name in command.list_commands(context):
                found |= variables_read(command.get_command(context, name))
    return found


def test_it_follows_the_compose_specification() -> None:
    PyCompose.from_yaml(interpolated(yaml.safe_dump(COMPOSE))).validate()


@pytest.mark.parametrize(("key", "value"), [("restrat", "always"), ("restart", "sometimes"), ("depends_on", {"a": {}})])
def test_what_does_not_follow_it_is_noticed(key: str, value: object) -> None:
    wrong = {**COMPOSE, "services": {"redis": {**SERVICES["redis"], key: value}}}
    with pytest.raises(ValueError, match="redis"):
        PyCompose.from_yaml(interpolated(yaml.safe_dump(wrong))).validate()


def test_there_is_a_service_for_every_detector_and_no_other() -> None:
    detectors = {name.removeprefix("detect-") for name in OURS if name.startswith("detect-")}
    assert detectors == set(registered())
    assert set(OURS) == {"topics", "decode", "aggregate", *(f"detect-{name}" for name in registered())}


@every_one_of_ours
def test_every_command_is_one_that_we_have(name: str) -> None:
    context = command_of(OURS[name])
    kind, _, detector = name.partition("-")
    assert context.command.name == ("apply" if kind == "topics" else kind)
    if detector:
        assert context.params["name"] == detector


@every_worker
def test_health_is_answered_where_it_is_asked(name: str) -> None:
    worker = WORKERS[name]
    port = command_of(worker).params["health_port"]
    assert f"http://127.0.0.1:{port}/readyz" in worker["healthcheck"]["test"][-1]
    assert worker["ports"] == [f"127.0.0.1::{port}"]


@every_one_of_ours
def test_environment_variables_are_ones_that_are_read(name: str) -> None:
    assert set(OURS[name]["environment"]) <= variables_read(cli) | {HOST_VARIABLE}


@every_one_of_ours
def test_addresses_are_of_services_that_are_there(name: str) -> None:
    for variable in ("GLASSWATCH_KAFKA", "GLASSWATCH_REDIS", "GLASSWATCH_TRITON"):
        host = interpolated(OURS[name]["environment"][variable]).removeprefix("redis://").partition(":")[0]
        assert host in SERVICES
    kafka = SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    assert f"PLAINTEXT://{OURS[name]['environment']['GLASSWATCH_KAFKA']}" in kafka.split(",")


@every_one_of_ours
def test_ours_can_do_little(name: str) -> None:
    each = OURS[name]
    assert each["image"] == f"glasswatch:{__version__}"
    assert each["read_only"] is True
    assert each["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in each["security_opt"]
    assert "user" not in each, "the image's own user is not root"


def test_the_image_is_built_once() -> None:
    assert [name for name, each in SERVICES.items() if "build" in each] == ["topics"]
    assert (ROOT / SERVICES["topics"]["build"]["dockerfile"]).is_file()
    assert {each["pull_policy"] for each in OURS.values()} == {"never"}


@every_service
def test_what_runs_on_is_watched_restarted_and_stopped_gently(name: str) -> None:
    each = SERVICES[name]
    if name == "topics":
        assert "healthcheck" not in each
        return
    assert each["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    assert each["restart"] == "unless-stopped"
    assert each["stop_grace_period"]


@every_service
def test_dependencies_are_there_and_can_be_met(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        assert "profiles" not in SERVICES[other]
        expected = "service_completed_successfully" if other == "topics" else "service_healthy"
        assert how["condition"] == expected


@every_worker
def test_workers_wait_for_what_they_need(name: str) -> None:
    detector = registered().get(name.removeprefix("detect-"))
    models = {"triton"} if detector is not None and detector.spec.models else set()
    assert set(WORKERS[name]["depends_on"]) == {"kafka", "redis", "topics"} | models


@every_service
def test_images_are_pinned(name: str) -> None:
    _, _, tag = SERVICES[name]["image"].rpartition(":")
    assert re.search(r"\d+\.\d+", tag), "no moving tag"


@every_service
def test_ports_are_open_to_this_machine_only(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert port.startswith("127.0.0.1:")


@every_service
def test_volumes_are_declared_and_what_must_not_be_lost_is_in_one(name: str) -> None:
    mounted = dict(volume.split(":", 1) for volume in map(interpolated, SERVICES[name].get("volumes", [])))
    named = {source for source in mounted if not source.startswith(".")}
    assert named <= set(COMPOSE["volumes"])
    kept = {"kafka": SERVICES["kafka"]["environment"]["KAFKA_LOG_DIRS"], "redis": "/data"}
    if name in kept:
        assert kept[name] in mounted.values()


def test_the_broker_is_the_one_that_tests_run_on_and_creates_no_topic() -> None:
    jars = (ROOT / "services/glasswatch/runtime/cluster/locks/kafka.jars").read_text()
    version = SERVICES["kafka"]["image"].removeprefix("apache/kafka:")
    assert f"kafka-clients-{version}.jar" in jars
    assert SERVICES["kafka"]["environment"]["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    limit = next(p.default for p in command_of(SERVICES["topics"]).command.params if p.name == "max_message_bytes")
    assert int(SERVICES["kafka"]["environment"]["KAFKA_MESSAGE_MAX_BYTES"]) >= limit


def test_redis_keeps_everything() -> None:
    command = SERVICES["redis"]["command"]
    options = dict(zip(command[1::2], command[2::2], strict=True))
    assert options["--appendonly"] == "yes"
    assert options["--maxmemory-policy"] == "noeviction"
    assert "--maxmemory" in options


def test_triton_on_a_gpu_is_the_same_but_for_the_gpu() -> None:
    gpu = dict(SERVICES["triton-gpu"])
    [device] = gpu.pop("deploy")["resources"]["reservations"]["devices"]
    assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])
    assert gpu.pop("profiles") == ["gpu"]
    assert gpu == SERVICES["triton"]
    assert all("profiles" not in each for name, each in SERVICES.items() if name not in ("triton-gpu", *OFF))


def test_detectors_that_are_off_by_default_start_when_asked_for() -> None:
    assert OFF
    for name in OFF:
        assert SERVICES[name]["profiles"] == [name.removeprefix("detect-")]


def test_the_model_repository_is_there_in_a_fresh_clone() -> None:
    assert (ROOT / "triton_models").is_dir(), "what compose mounts and `glasswatch cluster up` serves by default"
