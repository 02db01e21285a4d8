"""Stretches of the programme in which some defects are planned: black before a break, slates."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Mask(BaseModel):
    """Defects that are expected between two positions of the input.

    Attributes:
        start_s: From here, in seconds from the start of the input.
        end_s: To here.
        defects: Which defects are expected; all when empty.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    start_s: Annotated[float, Field(ge=0)]
    end_s: Annotated[float, Field(gt=0)]
    defects: frozenset[str] = frozenset()

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end_s <= self.start_s:
            raise ValueError("a mask must end after it starts")
        return self

    def hides(self, defect: str, start: Fraction, end: Fraction) -> bool:
        """Whether the defect, from position `start` to `end` in seconds, lies wholly inside the mask."""
        inside = self.start_s <= start and end <= self.end_s
        return inside and (not self.defects or defect in self.defects)
