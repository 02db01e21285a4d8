"""How detections of one defect become events, as data."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from glasswatch.core.detection import Severity

Seconds = Annotated[float, Field(ge=0)]


class KindRule(BaseModel):
    """What is different for one kind of a defect.

    Attributes:
        clear_after_s: As in `DefectRule`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    clear_after_s: Seconds


class DefectRule(BaseModel):
    """Onset, clearing and severity of one defect.

    Attributes:
        severity: How long the defect must have lasted, in seconds, for each severity; the least of them is also the
            time before an event is opened.
        clear_score: While an event is open, a detection with at least this score keeps it open even when its
            verdict is OK (hysteresis); 0.5 is no hysteresis.
        clear_after_s: The defect must be away for this long before the event ends; shorter gaps are bridged.
        kinds: What is different for kinds of the defect, by their names.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    severity: dict[str, Seconds] = Field(min_length=1)
    clear_score: Annotated[float, Field(gt=0, le=0.5)] = 0.5
    clear_after_s: Seconds = 0.0
    kinds: dict[str, KindRule] = Field(default_factory=dict)

    @field_validator("severity")
    @classmethod
    def _known(cls, ladder: dict[str, float]) -> dict[str, float]:
        ordered = sorted((Severity.parse(label), minimum) for label, minimum in ladder.items())
        minima = [minimum for _, minimum in ordered]
        if minima != sorted(minima):
            raise ValueError("a higher severity cannot take less time than a lower one")
        return ladder

    def clear_after(self, kind: str | None) -> float:
        """How long a kind of the defect must be away before its event ends, in seconds."""
        rule = self.kinds.get(kind) if kind is not None else None
        return self.clear_after_s if rule is None else rule.clear_after_s

    def severity_after(self, seconds: float) -> Severity | None:
        """The highest severity reached after that many seconds, None while there is no event yet."""
        reached = [Severity.parse(label) for label, least in self.severity.items() if seconds >= least]
        return max(reached, default=None)
