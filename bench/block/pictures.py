"""All judged pictures of all files as columns, and how well scores tell the damaged ones from the clean ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.block.build import Subject
from bench.block.frames import Look, Reading
from bench.block.metrics import Overlap, Scores, auc, rate, threshold_for
from bench.block.plan import half_of

FALSE_RATES = (1e-2, 1e-3)
AREAS = ((0.0, 0.01, "below 1 %"), (0.01, 0.07, "1 to 7 %"), (0.07, 0.25, "7 to 25 %"), (0.25, 1.01, "above 25 %"))
"""Of blocks seen to be damaged; 7 % is where the published decision function begins."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where the detector draws the line, by its defaults."""

    score: float
    area: float


@dataclass(frozen=True, slots=True)
class Figures:
    """How well some damaged pictures are told from clean ones.

    Attributes:
        pictures: How many are damaged.
        auc_score: Of the learned decision.
        auc_area: Of the area of damaged cells.
        auc_peer: Of FFmpeg's blockdetect.
        recall: Part of them at or above the operating threshold of the learned decision.
        recall_area: The same for the area.
        recall_at: By false rate, part of them at the threshold that so many clean pictures reach; None where there are
            too few clean pictures to tell.
        iou_mean: Mean over the pictures of the map's overlap with the cells seen to be damaged.
        iou_pooled: Overlap of all of their cells together.
        iou_blocks: Overlap of all with the blocks of 16 x 16 pixels themselves.
    """

    pictures: int
    auc_score: float | None
    auc_area: float | None
    auc_peer: float | None
    recall: float | None
    recall_area: float | None
    recall_at: dict[str, float | None]
    iou_mean: float | None
    iou_pooled: float | None
    iou_blocks: float | None


class Pictures:
    """The pictures of one model's judgement, one of a file after the other.

    Attributes:
        labelled, large, visible: Damaged part of each one's blocks, by the three definitions.
        score, area, peer: What is said of each; NaN where blockdetect says nothing.
        half: "A" or "B".
        kind: Where a clean one comes from: "damaged" for what is whole in a damaged file, a negative, or "untouched".
    """

    def __init__(self, files: Sequence[tuple[Subject, Sequence[Look]]], model: str) -> None:
        rows = [(subject, look, look.readings[model]) for subject, looks in files for look in looks]
        self.labelled = np.array([look.labelled for _, look, _ in rows])
        self.large = np.array([look.large for _, look, _ in rows])
        self.visible = np.array([look.visible for _, look, _ in rows])
        self.score = np.array([reading.score for *_, reading in rows])
        self.area = np.array([reading.area for *_, reading in rows])
        self.peer = np.array([np.nan if look.peer is None else look.peer for _, look, _ in rows])
        self.half = np.array([half_of(subject.source) for subject, *_ in rows])
        self.kind = np.array([subject.kind for subject, *_ in rows])
        self._facts = [subject.facts for subject, *_ in rows]
        self._readings: list[Reading] = [reading for *_, reading in rows]

    @property
    def clean(self) -> Mask:
        """Those without any damage."""
        whole: Mask = np.equal(self.labelled, 0)
        return whole

    def fact(self, name: str) -> npt.NDArray[np.str_]:
        """A fact about the file of each, such as "codec"; empty where it has none."""
        return np.array([facts.get(name, "") for facts in self._facts])

    def groups(self) -> Iterator[tuple[str, Mask]]:
        """Damaged pictures: by the three definitions, and the visible ones by codec, mode, strength and area."""
        seen = self.visible > 0
        yield "labelled", self.labelled > 0
        yield "large", self.large > 0
        yield "visible", seen
        yield "labelled, not visible", (self.labelled > 0) & ~seen
        for name in ("codec", "mode", "strength"):
            values = self.fact(name)
            for value in sorted(set(values[seen]) - {""}):
                yield f"{name} {value}", seen & np.equal(values, value)
        for low, high, title in AREAS:
            yield f"area {title}", seen & (self.visible >= low) & (self.visible < high)

    def figures(self, damaged: Mask, clean: Mask, line: Thresholds) -> Figures:
        """How well `damaged` are told from `clean` ones."""
        whole = self.score[clean]
        limits = {f"{false_rate:g}": threshold_for(whole, false_rate) for false_rate in FALSE_RATES}
        readings = [self._readings[n] for n in np.flatnonzero(damaged)]
        cells = [r.cells for r in readings if r.cells is not None]
        blocks = [r.blocks for r in readings if r.blocks is not None]
        judged = np.isfinite(self.peer)
        return Figures(
            pictures=int(damaged.sum()),
            auc_score=auc(self.score[damaged], whole),
            auc_area=auc(self.area[damaged], self.area[clean]),
            auc_peer=auc(self.peer[damaged & judged], self.peer[clean & judged]),
            recall=rate(self.score[damaged], line.score),
            recall_area=rate(self.area[damaged], line.area),
            recall_at={k: None if v is None else rate(self.score[damaged], v) for k, v in limits.items()},
            iou_mean=float(np.mean([c.iou for c in cells])) if cells else None,
            iou_pooled=pooled(cells),
            iou_blocks=pooled(blocks),
        )


def pooled(overlaps: Iterable[Overlap]) -> float | None:
    """Overlap of all together; None without any."""
    every = list(overlaps)
    return Overlap(sum(o.shared for o in every), sum(o.whole for o in every)).iou if every else None


def frame_figures(pictures: Pictures, line: Thresholds) -> dict[str, Figures]:
    """Each group of damaged pictures against all clean ones."""
    return {name: pictures.figures(mask, pictures.clean, line) for name, mask in pictures.groups() if mask.any()}


def clean_figures(pictures: Pictures, line: Thresholds) -> dict[str, dict[str, Any]]:
    """Each kind of clean pictures: how many are called damaged, and how well visible damage is told from them."""
    found = {}
    for kind in sorted(set(pictures.kind[pictures.clean])):
        clean = pictures.clean & np.equal(pictures.kind, kind)
        told = pictures.figures(pictures.visible > 0, clean, line)
        found["whole pictures of damaged files" if kind == "damaged" else str(kind)] = {
            "pictures": int(clean.sum()),
            "false_rate_score": rate(pictures.score[clean], line.score),
            "false_rate_area": rate(pictures.area[clean], line.area),
            "auc_score": told.auc_score,
            "auc_area": told.auc_area,
            "auc_peer": told.auc_peer,
        }
    return found


def operating_points(pictures: Pictures, line: Thresholds) -> list[dict[str, Any]]:
    """Thresholds chosen on half A for a false rate, and those of the defaults, with what they give on both halves."""
    rows = []
    ways: tuple[tuple[str, Scores, float], ...] = (
        ("learned", pictures.score, line.score),
        ("area", pictures.area, line.area),
    )
    for name, values, default in ways:
        first = values[pictures.clean & np.equal(pictures.half, "A")]
        chosen = [(f"{false_rate:g}", threshold_for(first, false_rate)) for false_rate in FALSE_RATES]
        for goal, threshold in [("default", default), *chosen]:
            row: dict[str, Any] = {"decision": name, "goal": goal, "threshold": threshold}
            for half in "AB":
                inside = np.equal(pictures.half, half)
                clean, damaged = values[pictures.clean & inside], values[(pictures.visible > 0) & inside]
                row[half] = {
                    "clean": len(clean),
                    "damaged": len(damaged),
                    "false_rate": None if threshold is None else rate(clean, threshold),
                    "recall": None if threshold is None else rate(damaged, threshold),
                    "auc": auc(damaged, clean),
                }
            rows.append(row)
    return rows


def look_rows(looks: Iterable[Look]) -> list[dict[str, Any]]:
    """Everything about the pictures of one file, for the JSON document."""
    return [
        {
            "time_s": round(look.time_s, 4),
            "labelled": round(look.labelled, 5),
            "large": round(look.large, 5),
            "visible": round(look.visible, 5),
            "blockdetect": look.peer,
            "models": {
                model: {k: round(v, 5) if isinstance(v, float) else v for k, v in asdict(reading).items()}
                for model, reading in look.readings.items()
            },
        }
        for look in looks
    ]
