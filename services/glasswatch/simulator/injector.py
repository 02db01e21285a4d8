"""What an injector is, as data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from glasswatch.simulator.effect import Effect, Scene
from glasswatch.simulator.settings import Settings


@dataclass(frozen=True, slots=True)
class Injector:
    """One way to change clean media.

    Attributes:
        name: The defect that it makes, or what it resembles.
        description: One line for help texts.
        settings: Types, defaults and meaning of its settings.
        needs: The streams it cannot do without, of "video" and "audio".
        effect: Makes the effect for one run.
        durations: Shortest and longest window in seconds that chance picks; None for the whole of the media.
        resembles: For media without a defect, the defects that they could be taken for.
    """

    name: str
    description: str
    settings: type[Settings]
    needs: frozenset[str]
    effect: Callable[[Any, Scene], Effect[Any]]
    durations: tuple[float, float] | None
    resembles: tuple[str, ...] = ()

    @property
    def negative(self) -> bool:
        """Whether the result holds no defect."""
        return bool(self.resembles)
