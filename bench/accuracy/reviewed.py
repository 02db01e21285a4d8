"""Media that hold a defect by nature: a small table, each entry reviewed by eye or ear."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources

import yaml
from pydantic import BaseModel, ConfigDict

from bench.accuracy.model import Standing, Truth
from bench.sources import Source


class Entry(BaseModel):
    """One defect in one media file.

    Attributes:
        file: Name of the source.
        defect: Name from the defect catalogue.
        kind: Which form of it, None for any.
        from_s: Where it begins, None for the start of the file.
        to_s: Where it ends, None for the end of the file.
        required: Whether not finding it is a miss.
        reason: What was seen or heard.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str
    defect: str
    kind: str | None = None
    from_s: float | None = None
    to_s: float | None = None
    required: bool = False
    reason: str


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    entries: tuple[Entry, ...]


@cache
def entries() -> tuple[Entry, ...]:
    """The table."""
    text = resources.files(__package__).joinpath("reviewed.yaml").read_text("utf-8")
    return _Table.model_validate(yaml.safe_load(text)).entries


def reviewed_truths(source: Source, duration_s: float, *, injected: bool) -> tuple[Truth, ...]:
    """What the source holds by nature; in media made from it nothing of that is demanded."""
    return tuple(
        Truth(
            entry.defect,
            entry.kind,
            entry.from_s or 0.0,
            duration_s if entry.to_s is None else entry.to_s,
            Standing.REQUIRED if entry.required and not injected else Standing.OPTIONAL,
            loose=True,
            reason=entry.reason,
        )
        for entry in entries()
        if entry.file == source.name
    )


def defective() -> Mapping[str, frozenset[tuple[str, str | None]]]:
    """By source, the defects that it has by nature, with their kinds."""
    found: dict[str, frozenset[tuple[str, str | None]]] = {}
    for entry in entries():
        found[entry.file] = found.get(entry.file, frozenset()) | {(entry.defect, entry.kind)}
    return found
