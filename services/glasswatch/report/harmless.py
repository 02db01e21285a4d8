"""Text from outside, made harmless in one place for every report that people read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, cast

from glasswatch.core.text import plain
from glasswatch.report.model import Report

T = TypeVar("T")


def harmless(report: Report) -> Report:
    """The report with every text as `core.text.plain` has it; pictures and curves hold none.

    JSON needs none of it: it writes control characters as escapes, and a program wants names as they are.
    """
    return replace(_cleaned(replace(report, evidence=None)), evidence=report.evidence)


def _cleaned(value: T) -> T:
    return cast(T, _clean(value))


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, tuple):
        return tuple(map(_clean, value))
    if isinstance(value, Mapping):
        return {_clean(key): _clean(item) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: _clean(getattr(value, field.name)) for field in fields(value)})
    return value
