"""Files of channels: which inputs are watched, and for what.

    channels:
      news: {location: "https://example.org/news.m3u8?token=${NEWS_TOKEN}", detectors: [black, silence]}

Locations may hold credentials. No text of an error, and no `repr`, shows more of them than `core.redact` lets through.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from glasswatch.core.errors import ConfigError
from glasswatch.core.location import why_refused
from glasswatch.core.redact import redact
from glasswatch.detectors.registry import registered

MOST_FILE_BYTES = 1 << 20

_ID = r"[A-Za-z0-9._-]{1,100}"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel to be watched.

    Attributes:
        id: Letters, digits and `._-`, at most 100.
        location: File or URL of the input; it may hold credentials.
        detectors: Names of the detectors that run on it, all when empty.
        live: Whether media comes as time passes; None leaves it to what the input looks like.
        program: Number of the programme of a multiplex; None is the first one that has picture.
        revision: Grows when the channel is asked for again; a finished one is then decoded again.
    """

    id: str
    location: str = field(repr=False)
    detectors: tuple[str, ...] = ()
    live: bool | None = None
    program: int | None = None
    revision: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        if not re.fullmatch(_ID, self.id):
            raise ConfigError(
                f"channel {self.id[:120]!r}: an id is 1 to 100 letters, digits, dots, dashes or underscores"
            )
        if not self.location:
            raise ConfigError(f"channel {self.id}: the location is empty")
        if problem := why_refused(self.location):
            raise ConfigError(f"channel {self.id}: {problem}")
        for name in self.detectors:
            if name not in registered():
                raise ConfigError(
                    f"channel {self.id}: no detector is called {name!r}; there are {', '.join(registered())}"
                )

    @property
    def shown(self) -> str:
        """The location without what must stay secret."""
        return redact(self.location)


class _Entry(BaseModel):
    """A channel as written."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    location: Annotated[str, Field(min_length=1)]
    detectors: tuple[str, ...] = ()
    live: bool | None = None
    program: Annotated[int, Field(ge=1, le=65535)] | None = None


class _File(BaseModel):
    """A file of channels as written."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    channels: dict[Annotated[str, Field(pattern=f"^{_ID}$")], _Entry]


class _Loader(yaml.SafeLoader):
    """YAML in which a key that stands twice is an error: one of two channels would go unwatched."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen and isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    problem=f"the key {key.value!r} stands twice", problem_mark=key.start_mark
                )
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else id(key))
        return super().construct_mapping(node, deep)


def load_channels(path: Path, environment: Mapping[str, str] = os.environ) -> dict[str, Channel]:
    """The channels of a file by id; `${NAME}` in a location is replaced by that environment variable.

    Raises:
        ConfigError: The file cannot be read or is not valid, or a variable is not set.
    """
    try:
        with path.open("rb") as file:
            text = file.read(MOST_FILE_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot read channels from {path}: {error.strerror}") from error
    if len(text) > MOST_FILE_BYTES:
        raise ConfigError(f"{path}: a file of channels is at most {MOST_FILE_BYTES} bytes")
    try:
        entries = _File.model_validate(yaml.load(text, _Loader)).channels  # noqa: S506 - a SafeLoader
        return {
            name: Channel(name, _expand(entry.location, environment), entry.detectors, entry.live, entry.program)
            for name, entry in entries.items()
        }
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not YAML: {_place(error)}") from error
    except ValidationError as error:
        complaints = (f"{_key(item['loc'])}: {item['msg']}" for item in error.errors(include_input=False))
        raise ConfigError(f"{path}: {'; '.join(complaints)}") from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def _expand(location: str, environment: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        found = environment.get(match[1])
        if found is None:
            raise ConfigError(f"the environment variable {match[1]} is not set")
        return found

    return _VARIABLE.sub(value, location)


def _place(error: yaml.YAMLError) -> str:
    """What is wrong and where; PyYAML's own text would quote the line, which may hold a password."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return "it holds characters that YAML does not allow"
    return f"line {error.problem_mark.line + 1}: {error.problem}"


def _key(location: Iterable[int | str]) -> str:
    return ".".join(str(part) for part in location) or "the file"
