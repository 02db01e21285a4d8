"""Finding the detectors: every concrete Detector class in this package's modules."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import typing
from functools import cache
from types import MappingProxyType
from typing import Any

from glasswatch import detectors
from glasswatch.core.detector import Detector
from glasswatch.detectors.params import Params

AnyDetector = Detector[Any, Any]


@cache
def registered() -> MappingProxyType[str, type[AnyDetector]]:
    """Detector classes by name, in alphabetical order."""
    found: dict[str, type[AnyDetector]] = {}
    for module_info in pkgutil.walk_packages(detectors.__path__, detectors.__name__ + "."):
        if module_info.name == __name__:
            continue
        module = importlib.import_module(module_info.name)
        for _, cls in inspect.getmembers(module, inspect.isclass):
            if issubclass(cls, Detector) and cls.__module__ == module.__name__ and "spec" in vars(cls):
                if cls.spec.name in found:
                    raise RuntimeError(f"two detectors are called {cls.spec.name}")
                found[cls.spec.name] = cls
    return MappingProxyType(dict(sorted(found.items())))


def params_type(cls: type[AnyDetector]) -> type[Params]:
    """The parameter class that a detector names in `Detector[Params, State]`."""
    for base in cls.__dict__.get("__orig_bases__", ()):
        arguments = typing.get_args(base)
        if arguments and issubclass(arguments[0], Params):
            return typing.cast(type[Params], arguments[0])
    raise TypeError(f"{cls.__name__} does not say which Params it takes")
