"""Profiles: which detectors run, with which parameters and rules.

The defaults are one YAML file for each detector in `defaults/`. A profile file has the same keys below
`detectors: <name>:` and changes only what it names; an unknown key is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from glasswatch.aggregator.incidents import IncidentRule
from glasswatch.aggregator.masks import Mask
from glasswatch.aggregator.rules import DefectRule
from glasswatch.core.errors import ConfigError, UsageError
from glasswatch.detectors.params import Params
from glasswatch.detectors.registry import params_type, registered

MOST_PROFILE_BYTES = 1 << 20


class _DetectorBlock(BaseModel):
    """What a profile may say of one detector."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    params: dict[str, Any] = Field(default_factory=dict)
    events: dict[str, dict[str, Any]] = Field(default_factory=dict)


class _ProfileFile(BaseModel):
    """A profile as written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    detectors: dict[str, _DetectorBlock] = Field(default_factory=dict)
    masks: tuple[Mask, ...] = ()
    incidents: tuple[IncidentRule, ...] | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """Settings ready for use: validated, complete.

    Attributes:
        params: Parameters of each detector that runs, by name.
        rules: Event rule of each defect that these detectors can raise.
        masks: Stretches of the programme in which defects are expected.
        incidents: Which defects have one cause when they coincide.
    """

    params: Mapping[str, Params]
    rules: Mapping[str, DefectRule]
    masks: tuple[Mask, ...]
    incidents: tuple[IncidentRule, ...]


def load_profile(path: Path | None = None, only: Iterable[str] | None = None) -> Profile:
    """The defaults with the profile at `path` laid over them, restricted to the detectors in `only`.

    Raises:
        ConfigError: The profile cannot be read, or names something that does not exist.
        UsageError: `only` names a detector that does not exist.
    """
    overlay = _read_profile(path) if path is not None else _ProfileFile()
    where = str(path) if path is not None else "defaults"
    for name in overlay.detectors:
        if name not in registered():
            raise ConfigError(f"{where}: no detector is called {name!r}; there are {', '.join(registered())}")
    chosen = _choose(only, overlay)
    params: dict[str, Params] = {}
    rules: dict[str, DefectRule] = {}
    for name in chosen:
        block = _default_block(name)
        changes = overlay.detectors.get(name, _DetectorBlock())
        for defect in changes.events:
            if defect not in block.events:
                raise ConfigError(f"{where}: detector {name} has no defect {defect!r}")
        try:
            params[name] = params_type(registered()[name]).model_validate(_laid_over(block.params, changes.params))
            for defect, rule in block.events.items():
                rules[defect] = DefectRule.model_validate({**rule, **changes.events.get(defect, {})})
        except ValidationError as error:
            raise ConfigError(f"{where}: detector {name}: {_one_line(error)}") from error
    incidents = overlay.incidents if overlay.incidents is not None else _default_incidents()
    return Profile(params, rules, overlay.masks, incidents)


def _choose(only: Iterable[str] | None, overlay: _ProfileFile) -> list[str]:
    if only is None:
        return [name for name in registered() if _is_enabled(name, overlay.detectors.get(name))]
    wanted = list(dict.fromkeys(only))
    for name in wanted:
        if name not in registered():
            raise UsageError(f"no detector is called {name!r}; there are {', '.join(registered())}")
    if not wanted:
        raise UsageError("no detector was named")
    return wanted


def _laid_over(defaults: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults with the changes; of parameters that belong together those that are named."""
    merged = dict(defaults)
    for key, value in changes.items():
        known = defaults.get(key)
        merged[key] = _laid_over(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return merged


def _is_enabled(name: str, changes: _DetectorBlock | None) -> bool:
    """Whether a detector runs: as the profile says, else as the defaults do."""
    stated = changes is not None and "enabled" in changes.model_fields_set
    return changes.enabled if changes is not None and stated else _default_block(name).enabled


def enabled_by_default() -> tuple[str, ...]:
    """The detectors that run where nothing else is said, in alphabetical order."""
    return tuple(name for name in registered() if _default_block(name).enabled)


@cache
def _default_block(name: str) -> _DetectorBlock:
    text = resources.files(__package__).joinpath("defaults", f"{name}.yaml").read_text("utf-8")
    return _DetectorBlock.model_validate(yaml.safe_load(text))


@cache
def _default_incidents() -> tuple[IncidentRule, ...]:
    text = resources.files(__package__).joinpath("incidents.yaml").read_text("utf-8")
    return tuple(IncidentRule.model_validate(item) for item in yaml.safe_load(text))


def _read_profile(path: Path) -> _ProfileFile:
    try:
        with path.open("rb") as file:
            text = file.read(MOST_PROFILE_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot read profile {path}: {error.strerror}") from error
    if len(text) > MOST_PROFILE_BYTES:
        raise ConfigError(f"{path}: a profile is at most {MOST_PROFILE_BYTES} bytes")
    try:
        return _ProfileFile.model_validate(yaml.safe_load(text) or {})
    except yaml.YAMLError as error:
        first_line = " ".join(str(error).split())
        raise ConfigError(f"{path} is not YAML: {first_line}") from error
    except ValidationError as error:
        raise ConfigError(f"{path}: {_one_line(error)}") from error


def _one_line(error: ValidationError) -> str:
    """Every complaint of pydantic's as `key: what`, on one line."""
    return "; ".join(
        f"{'.'.join(str(part) for part in item['loc']) or 'profile'}: {item['msg']}" for item in error.errors()
    )
