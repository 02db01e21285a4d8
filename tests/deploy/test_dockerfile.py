"""docker/Dockerfile without Docker: its form, and that what it copies is there."""

from __future__ import annotations

import json
import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docker" / "Dockerfile").read_text()
LINES = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", TEXT, flags=re.MULTILINE)).splitlines()
INSTRUCTIONS = [(word, rest) for word, _, rest in (line.partition(" ") for line in LINES if line)]
STAGES = [index for index, (word, _) in enumerate(INSTRUCTIONS) if word == "FROM"]
FINAL = INSTRUCTIONS[STAGES[-1] :]


def all_of(word: str, instructions: list[tuple[str, str]]) -> list[str]:
    return [rest for each, rest in instructions if each == word]


def test_bases_are_pinned_and_the_same() -> None:
    bases = [rest.split()[0] for rest in all_of("FROM", INSTRUCTIONS)]
    assert len(bases) == 2
    assert len(set(bases)) == 1, "the environment is copied, so that its Python must be the same"
    assert re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+", bases[0])


def test_it_runs_as_a_numbered_user_that_is_not_root() -> None:
    [user] = all_of("USER", FINAL)
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)


def test_python_gets_signals_itself() -> None:
    [entrypoint] = all_of("ENTRYPOINT", FINAL)
    assert json.loads(entrypoint) == ["glasswatch"]
    [command] = all_of("CMD", FINAL)
    assert json.loads(command) == ["--help"]


def test_packages_are_held_to_their_hashes() -> None:
    installs = [part for rest in all_of("RUN", INSTRUCTIONS) for part in rest.split("&&") if "pip install" in part]
    assert len(installs) == 3
    for install in installs:
        assert "--require-hashes -r requirements/" in install or "--no-deps dist/*.whl" in install
    for name in re.findall(r"-r (\S+)", " ".join(installs)):
        assert "--hash=sha256:" in (ROOT / name).read_text()


def test_the_final_image_holds_only_the_environment() -> None:
    assert all_of("COPY", FINAL) == ["--from=build /opt/glasswatch /opt/glasswatch"]
    assert not all_of("RUN", FINAL)
    assert not all_of("ADD", INSTRUCTIONS)


def test_health_answers_reach_the_outside_and_compose_does_the_asking() -> None:
    assert "GLASSWATCH_HEALTH_HOST=0.0.0.0" in " ".join(all_of("ENV", FINAL))
    assert not all_of("HEALTHCHECK", INSTRUCTIONS)


def sources() -> list[str]:
    copies = [rest for rest in all_of("COPY", INSTRUCTIONS) if not rest.startswith("--from")]
    return [source for copy in copies for source in copy.split()[:-1]]


@pytest.mark.parametrize("source", sources())
def test_what_is_copied_is_there_and_reaches_the_builder(source: str) -> None:
    assert (ROOT / source).exists()
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert f"!{source}" in lines


def test_nothing_else_reaches_the_builder() -> None:
    patterns = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert patterns[0] == "*"
    assert {pattern[1:] for pattern in patterns if pattern[0] == "!"} == set(sources())
    assert any(fnmatch("services/glasswatch/__pycache__", pattern) for pattern in patterns[1:])


def test_the_lock_of_the_image_agrees_with_that_of_the_tests() -> None:
    def versions(name: str) -> set[str]:
        return set(re.findall(r"^[\w.-]+==\S+", (ROOT / "requirements" / name).read_text(), re.MULTILINE))

    for name in ("base.txt", "cluster.txt", "build.txt"):
        assert versions(name) <= versions("dev.txt")


def test_the_build_system_is_the_locked_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["build-system"]["requires"] == project["dependency-groups"]["build"]


def test_compose_builds_this_file() -> None:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    assert compose["services"]["topics"]["build"] == {"context": ".", "dockerfile": "docker/Dockerfile"}
