"""Detector state as bytes and back, guided by the dataclass's own type hints.

Plain JSON with arrays as base64: a snapshot may have travelled through a topic, so reading one must never run code,
as unpickling would.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from enum import Enum
from fractions import Fraction
from functools import cache
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


def encode_state(state: Any) -> bytes:
    """JSON bytes of a dataclass of numbers, strings, Fractions, enums, arrays, lists, tuples, dicts, dataclasses."""
    return json.dumps(_encode(state), separators=(",", ":")).encode()


def decode_state(data: bytes, kind: type[T]) -> T:
    """The inverse of `encode_state` for dataclass `kind`; ValueError or TypeError where the data does not fit."""
    return typing.cast(T, _decode(json.loads(data), kind))


def _encode(value: Any) -> Any:
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value)
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    if isinstance(value, np.ndarray):
        raw = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
        return [value.dtype.str, list(value.shape), raw]
    if isinstance(value, Mapping):
        return [[_encode(key), _encode(item)] for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return [_encode(item) for item in value]
    if dataclasses.is_dataclass(value):
        return {f.name: _encode(getattr(value, f.name)) for f in dataclasses.fields(value)}
    raise TypeError(f"detector state cannot hold a {type(value).__name__}")


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _decode(value: Any, kind: Any) -> Any:
    origin = typing.get_origin(kind)
    arguments = typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        (kind,) = (a for a in arguments if a is not type(None))
        return _decode(value, kind)
    if origin in (list, tuple):
        return _decode_sequence(value, origin, arguments)
    if origin in (dict, Mapping):
        return {_decode(key, arguments[0]): _decode(item, arguments[1]) for key, item in value}
    if kind is np.ndarray or origin is np.ndarray:
        dtype, shape, raw = value
        return np.frombuffer(base64.b64decode(raw), dtype).reshape(shape).copy()
    if kind is Fraction:
        return Fraction(value)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = _hints(kind)
        if set(value) != {f.name for f in dataclasses.fields(kind)}:
            raise ValueError(f"snapshot does not fit {kind.__name__}")
        return kind(**{name: _decode(item, hints[name]) for name, item in value.items()})
    if isinstance(kind, type) and not isinstance(value, kind):
        return kind(value)
    return value


def _decode_sequence(value: Any, origin: type, arguments: tuple[Any, ...]) -> Any:
    if origin is tuple and arguments[-1] is not Ellipsis:
        return tuple(_decode(item, kind) for item, kind in zip(value, arguments, strict=True))
    return origin(_decode(item, arguments[0]) for item in value)
