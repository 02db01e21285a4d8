"""What was done to the media and exactly where: the ground truth that belongs to a simulated file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from glasswatch.core.detection import Region
from glasswatch.core.errors import OutputError


class Defect(BaseModel):
    """One defect in the output.

    Attributes:
        defect: Name from the defect catalogue.
        kind: Which form of it, None where it has one only.
        start_s: Where the first changed frame or sample begins, in seconds from the start of the output.
        end_s: Where the last changed frame or sample ends.
        track: Which audio track, None for picture and container.
        region: x, y, width, height in native pixels where only a part of the picture is touched.
        strength: Numbers that say how bad it is, units in the names.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    defect: str
    kind: str | None = None
    start_s: float
    end_s: float
    track: int | None = None
    region: Region | None = None
    strength: dict[str, float] = Field(default_factory=dict)


class Labels(BaseModel):
    """Ground truth of one output file; `negative` media hold no defect, only something that resembles one.

    `resembles` names the defects that negative media could be taken for.
    `start_s` and `end_s` are where the injector changed the output at all, defect or not; None for the whole of it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_id: Literal["glasswatch.labels/1"] = Field("glasswatch.labels/1", alias="schema")
    source: str
    output: str
    seed: int
    injector: str
    settings: dict[str, Any]
    start_s: float | None
    end_s: float | None
    defects: tuple[Defect, ...]
    negative: bool
    resembles: tuple[str, ...] = ()


def write_labels(labels: Labels, path: Path) -> None:
    """Write `labels` as JSON.

    Raises:
        OutputError: The file cannot be written.
    """
    try:
        path.write_text(labels.model_dump_json(by_alias=True, indent=2) + "\n", "utf-8")
    except OSError as error:
        raise OutputError(f"cannot write labels {path}: {error.strerror}") from error
