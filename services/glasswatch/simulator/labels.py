"""What was done to the media and exactly where: the ground truth that belongs to a simulated file."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from glasswatch.core.detection import Region
from glasswatch.core.errors import OutputError
from glasswatch.simulator.blocks import BLOCK_PX, BlockMap


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


class DamagedPicture(BaseModel):
    """Where one picture is damaged.

    Attributes:
        time_s: When it is shown, in seconds from the start of the output.
        area: Damaged part of its blocks, above 0 to 1.
        region: x, y, width, height around all damaged blocks, in native pixels.
        rows: Blocks of `block_px` from top to bottom.
        columns: Blocks from left to right.
        block_px: Size of a block in luma pixels.
        blocks: One bit for each block, row by row, 1 where it is damaged, the highest bit of a byte first; base64.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    time_s: float
    area: float
    region: Region
    rows: int
    columns: int
    block_px: int
    blocks: str

    @classmethod
    def of(cls, time_s: float, damaged: BlockMap, size: tuple[int, int]) -> DamagedPicture:
        """The label of a map with at least one damaged block, in a picture of (width, height)."""
        ys, xs = np.flatnonzero(damaged.any(axis=1)), np.flatnonzero(damaged.any(axis=0))
        left, top = int(xs[0]) * BLOCK_PX, int(ys[0]) * BLOCK_PX
        right, bottom = min(int(xs[-1] + 1) * BLOCK_PX, size[0]), min(int(ys[-1] + 1) * BLOCK_PX, size[1])
        return cls(
            time_s=time_s,
            area=round(float(damaged.mean()), 6),
            region=(left, top, right - left, bottom - top),
            rows=damaged.shape[0],
            columns=damaged.shape[1],
            block_px=BLOCK_PX,
            blocks=base64.b64encode(np.packbits(damaged).tobytes()).decode("ascii"),
        )

    def map(self) -> BlockMap:
        """The damaged blocks, shape (rows, columns)."""
        packed = np.frombuffer(base64.b64decode(self.blocks), np.uint8)
        bits = np.unpackbits(packed, count=self.rows * self.columns)
        return bits.reshape(self.rows, self.columns).astype(np.bool_)


class Labels(BaseModel):
    """Ground truth of one output file; `negative` media hold no defect, only something that resembles one.

    `resembles` names the defects that negative media could be taken for.
    `start_s` and `end_s` are where the injector changed the output at all, defect or not; None for the whole of it.
    `pictures` are the damaged ones, where damage is labelled block by block.
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
    pictures: tuple[DamagedPicture, ...] = ()


def write_labels(labels: Labels, path: Path) -> None:
    """Write `labels` as JSON.

    Raises:
        OutputError: The file cannot be written.
    """
    try:
        path.write_text(labels.model_dump_json(by_alias=True, indent=2) + "\n", "utf-8")
    except OSError as error:
        raise OutputError(f"cannot write labels {path}: {error.strerror}") from error
