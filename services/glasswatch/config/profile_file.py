"""Reading a profile: every error of the file is reported at once, each with where it stands."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from glasswatch.aggregator.incidents import Rule
from glasswatch.aggregator.masks import Mask
from glasswatch.core.errors import ConfigError
from glasswatch.decoder.discrete import LAYOUTS
from glasswatch.detectors.registry import registered

MOST_BYTES = 1 << 20

_KEYS = ("detectors", "masks", "incidents", "audio")

RULE: TypeAdapter[Rule] = TypeAdapter(Rule)

T = TypeVar("T")


class DetectorBlock(BaseModel):
    """What a profile may say of one detector."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    params: dict[str, Any] = Field(default_factory=dict)
    events: dict[str, dict[str, Any]] = Field(default_factory=dict)


_Track = Annotated[int, Field(ge=0, lt=256)]


class AudioBlock(BaseModel):
    """What a profile may say of the audio tracks: which discrete mono tracks are one programme; null infers it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    join: tuple[tuple[_Track, ...], ...] | None = None

    @field_validator("join")
    @classmethod
    def _has_layouts(cls, join: tuple[tuple[int, ...], ...] | None) -> tuple[tuple[int, ...], ...] | None:
        for group in join or ():
            if len(group) not in LAYOUTS:
                raise ValueError(f"{len(group)} tracks make no layout; 2 (stereo), 6 (5.1) and 8 (7.1) do")
        named = [number for group in join or () for number in group]
        if len(named) != len(set(named)):
            raise ValueError("a track can be joined once only")
        return join


@dataclass(slots=True)
class ProfileFile:
    """A profile as written; where something is wrong it is left out, and stands in `problems`."""

    detectors: dict[str, DetectorBlock] = field(default_factory=dict)
    masks: tuple[Mask, ...] = ()
    incidents: tuple[Rule, ...] | None = None
    audio: AudioBlock = field(default_factory=AudioBlock)
    problems: list[str] = field(default_factory=list)

    def attempt(self, where: str, validate: Callable[[Any], T], content: object) -> T | None:
        """What `validate` makes of the content; None where it is not valid, and each complaint is a problem."""
        try:
            return validate(content)
        except ValidationError as error:
            for item in error.errors():
                # A rule's form is no key of the file.
                keys = [str(part) for part in item["loc"] if part not in ("incident", "consequence")]
                is_unknown = item["type"] == "extra_forbidden"
                what = "there is no such key" if is_unknown else item["msg"].removeprefix("Value error, ")
                self.problems.append(f"{'.'.join([where, *keys])}: {what}")
            return None

    def check_names(self, where: str, what: str, names: Collection[str], known: Collection[str]) -> None:
        """Every name that is not known is a problem."""
        for name in sorted(names):
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f", perhaps {near[0]}" if near else f"; there are {', '.join(sorted(known))}"
                self.problems.append(f"{where}: no {what} is called {name!r}{hint}")


def read_profile(path: Path) -> ProfileFile:
    """The profile at `path` with all that is wrong with it, apart from parameters, which detectors know.

    Raises:
        ConfigError: It cannot be read as YAML at all.
    """
    content = _yaml(path)
    file = ProfileFile()
    if not isinstance(content, Mapping):
        raise ConfigError(f"{path}: a profile has keys: {', '.join(_KEYS)}")
    for key in content:
        if key in registered():
            file.problems.append(f"{key}: a detector stands under the key detectors, not beside it")
        elif key not in _KEYS:
            file.problems.append(f"{key}: there is no such key; there are {', '.join(_KEYS)}")
    blocks = file.attempt("detectors", _BLOCKS.validate_python, content.get("detectors") or {}) or {}
    file.check_names("detectors", "detector", blocks, registered())
    for name, item in blocks.items():
        block = file.attempt(f"detectors.{name}", DetectorBlock.model_validate, item or {})
        if block is not None and name in registered():
            defects = registered()[name].spec.defects
            file.check_names(f"detectors.{name}.events", f"defect of {name}", block.events, defects)
            file.detectors[name] = block
    masks = _items(file, "masks", Mask.model_validate, content.get("masks") or [])
    for where, mask in masks.items():
        file.check_names(f"{where}.defects", "defect", mask.defects, _defects())
    file.masks = tuple(masks.values())
    if content.get("incidents") is not None:
        rules = _items(file, "incidents", RULE.validate_python, content["incidents"])
        for where, rule in rules.items():
            file.check_names(where, "defect", {name.partition("/")[0] for name in rule.defects}, _defects())
        file.incidents = tuple(rules.values())
    file.audio = file.attempt("audio", AudioBlock.model_validate, content.get("audio") or {}) or file.audio
    return file


_BLOCKS: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])
_ITEMS: TypeAdapter[list[Any]] = TypeAdapter(list[Any])


def _items(file: ProfileFile, key: str, validate: Callable[[Any], T], content: object) -> dict[str, T]:
    """The valid items of a list by where they stand, such as `masks.0`."""
    items = file.attempt(key, _ITEMS.validate_python, content) or []
    parsed = {f"{key}.{index}": file.attempt(f"{key}.{index}", validate, item) for index, item in enumerate(items)}
    return {where: item for where, item in parsed.items() if item is not None}


def _defects() -> set[str]:
    return {defect for cls in registered().values() for defect in cls.spec.defects}


class _StrictLoader(yaml.SafeLoader):
    """Refuses a key that stands twice, of which YAML's own loader keeps the last one without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """A mapping; ConstructorError where a key stands twice."""
        keys = [self.construct_object(key_node, deep=True) for key_node, _ in node.value]
        for index, key in enumerate(keys):
            if key in keys[:index]:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key {key!r} stands twice in one place", problem_mark=node.value[index][0].start_mark
                )
        return super().construct_mapping(node, deep)


def _yaml(path: Path) -> object:
    try:
        with path.open("rb") as file:
            text = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot read profile {path}: {error.strerror}") from error
    if len(text) > MOST_BYTES:
        raise ConfigError(f"{path}: a profile is at most {MOST_BYTES} bytes")
    try:
        return yaml.load(text, _StrictLoader) or {}  # noqa: S506 - it is a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark is not None else ""
        what = "" if isinstance(error, yaml.constructor.ConstructorError) else "not YAML: "
        raise ConfigError(f"{path}{line}: {what}{error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise ConfigError(f"{path} is not YAML that can be read: it is nested too deeply") from error
