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

from glasswatch.aggregator.incidents import Rule
from glasswatch.aggregator.masks import Mask
from glasswatch.aggregator.rules import DefectRule
from glasswatch.config.profile_file import RULE, DetectorBlock, ProfileFile, read_profile
from glasswatch.core.errors import ConfigError, UsageError
from glasswatch.decoder.discrete import TrackGroups
from glasswatch.detectors.params import Params
from glasswatch.detectors.registry import params_type, registered


@dataclass(frozen=True, slots=True)
class Profile:
    """Settings ready for use: validated, complete.

    Attributes:
        params: Parameters of each detector that runs, by name.
        rules: Event rule of each defect that these detectors can raise.
        masks: Stretches of the programme in which defects are expected.
        incidents: Which defects have one cause when they coincide.
        track_groups: Discrete mono tracks that are judged as one, None to infer them.
    """

    params: Mapping[str, Params]
    rules: Mapping[str, DefectRule]
    masks: tuple[Mask, ...]
    incidents: tuple[Rule, ...]
    track_groups: TrackGroups | None = None


def load_profile(path: Path | None = None, only: Iterable[str] | None = None) -> Profile:
    """The defaults with the profile at `path` laid over them, restricted to the detectors in `only`.

    Raises:
        ConfigError: The profile cannot be read, or names something that does not exist.
        UsageError: `only` names a detector that does not exist.
    """
    overlay = read_profile(path) if path is not None else ProfileFile()
    chosen = _choose(only, overlay)
    params: dict[str, Params] = {}
    rules: dict[str, DefectRule] = {}
    # A detector that does not run is checked too: its settings may be meant for another day.
    for name in dict.fromkeys([*chosen, *overlay.detectors]):
        block, changes = _default_block(name), overlay.detectors.get(name, DetectorBlock())
        settings = _params(overlay, name, block, changes)
        ladders = {defect: _rule(overlay, name, defect, block, changes) for defect in block.events}
        if name in chosen and settings is not None:
            params[name] = settings
            rules |= {defect: rule for defect, rule in ladders.items() if rule is not None}
    if overlay.problems:
        count = f"{len(overlay.problems)} errors: " if len(overlay.problems) > 1 else ""
        raise ConfigError(f"{path}: {count}{'; '.join(overlay.problems)}")
    incidents = overlay.incidents if overlay.incidents is not None else _default_incidents()
    return Profile(params, rules, overlay.masks, incidents, overlay.audio.join)


def _params(file: ProfileFile, name: str, block: DetectorBlock, changes: DetectorBlock) -> Params | None:
    kind = params_type(registered()[name])
    merged = _laid_over(block.params, changes.params)
    return file.attempt(f"detectors.{name}.params", kind.model_validate, merged)


def _rule(file: ProfileFile, name: str, defect: str, block: DetectorBlock, changes: DetectorBlock) -> DefectRule | None:
    merged = {**block.events[defect], **changes.events.get(defect, {})}
    return file.attempt(f"detectors.{name}.events.{defect}", DefectRule.model_validate, merged)


def _choose(only: Iterable[str] | None, overlay: ProfileFile) -> list[str]:
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


def _is_enabled(name: str, changes: DetectorBlock | None) -> bool:
    """Whether a detector runs: as the profile says, else as the defaults do."""
    stated = changes is not None and "enabled" in changes.model_fields_set
    return changes.enabled if changes is not None and stated else _default_block(name).enabled


def enabled_by_default() -> tuple[str, ...]:
    """The detectors that run where nothing else is said, in alphabetical order."""
    return tuple(name for name in registered() if _default_block(name).enabled)


@cache
def _default_block(name: str) -> DetectorBlock:
    text = resources.files(__package__).joinpath("defaults", f"{name}.yaml").read_text("utf-8")
    return DetectorBlock.model_validate(yaml.safe_load(text))


@cache
def _default_incidents() -> tuple[Rule, ...]:
    text = resources.files(__package__).joinpath("incidents.yaml").read_text("utf-8")
    return tuple(RULE.validate_python(item) for item in yaml.safe_load(text))
