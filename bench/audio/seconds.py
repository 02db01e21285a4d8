"""Asking the classifier about single seconds, and how well it knows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from training.audio_artifacts.labels import Label, label
from training.audio_artifacts.programmes import Samples as Pcm

from bench.accuracy.evidence import Sound
from bench.audio.build import Subject
from bench.audio.plan import DEFECTS, STRENGTHS
from bench.block.metrics import auc, rate, threshold_for
from bench.block.plan import half_of
from glasswatch.core.errors import GlasswatchError
from glasswatch.detectors.audio.artifact_features import CLASSES, features
from glasswatch.detectors.audio.audio_artifacts import LEAST_PEAK_DBFS
from glasswatch.detectors.audio.pcm import linear
from glasswatch.ports.inference import Inference

FALSE_RATES = (1e-2, 1e-3)
DEADLINE_S = 120.0
MOST_S = 60
"""Of each file, so that a long one does not outweigh all others."""

SILENT = linear(LEAST_PEAK_DBFS)
"""The detector does not ask about seconds without a sample above it."""

LOSSLESS = "pcm"
Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Seconds:
    """Some seconds of one file.

    Attributes:
        coding: What the sound has been through last: a key of ENCODINGS, or "as found".
        is_before: They are of the clip before it was coded.
        labels: One for each.
        probabilities: By model, (seconds, classes).
    """

    coding: str
    is_before: bool
    labels: tuple[Label, ...]
    probabilities: Mapping[str, npt.NDArray[np.float32]]


def judge(subject: Subject, inference: Inference, models: Sequence[str]) -> tuple[Seconds, ...]:
    """All full seconds of a file's loudest channel, as it is and before it was coded.

    Raises:
        GlasswatchError: The file has no sound, or the model does not answer.
    """
    heard = Sound(str(subject.path))
    before = subject.before
    if before is None:
        samples, rate, _ = _sound(heard)
        count = min(samples.shape[1] // rate, MOST_S)
        chosen = _channel(samples)
        return _asked([(rate * n, Label()) for n in range(count)], chosen, rate, "as found", inference, models)
    clip, rate, _ = _sound(Sound(str(before.clip)))
    plain, *_ = _sound(Sound(str(before.plain)))
    row, length = int(np.argmax(np.square(clip).sum(axis=1))), min(clip.shape[1], plain.shape[1])
    labels = [
        (first, label(subject.kind, clip[row], plain[row], rate, before.spans, first))
        for first in range(0, length - rate + 1, rate)
    ]
    samples, heard_rate, start_s = _sound(heard)
    shifted = [(round((first / rate + before.lead_s - start_s) * heard_rate), found) for first, found in labels]
    coding = subject.facts["coding"]
    found = _asked(shifted, samples[row], heard_rate, coding, inference, models)
    if coding != LOSSLESS:
        found += _asked(labels, plain[row], rate, coding, inference, models, is_before=True)
    return found


def _sound(sound: Sound) -> tuple[Pcm, int, float]:
    samples, rate, start_s = sound.decoded
    if not samples.shape[1]:
        raise GlasswatchError("no sound that can be decoded")
    return samples, rate, start_s


def _channel(samples: Pcm) -> Pcm:
    loudest: Pcm = samples[int(np.argmax(np.square(samples).sum(axis=1)))]
    return loudest


def _asked(
    labels: Sequence[tuple[int, Label]],
    samples: Pcm,
    rate: int,
    coding: str,
    inference: Inference,
    models: Sequence[str],
    *,
    is_before: bool = False,
) -> tuple[Seconds, ...]:
    """The seconds that begin at these samples, those aside that are cut short or silent."""
    kept = [(samples[at : at + rate], found) for at, found in labels if 0 <= at <= len(samples) - rate]
    kept = [(second, found) for second, found in kept if np.abs(second).max() >= SILENT]
    if not kept:
        return ()
    inputs = features(np.stack([second for second, _ in kept]), rate)
    told = {model: inference.infer(model, inputs, DEADLINE_S)["classes"] for model in models}
    return (Seconds(coding, is_before, tuple(found for _, found in kept), told),)


class Table:
    """The seconds of all files as columns, by one model.

    Attributes:
        label: Index in CLASSES of what each is.
        found: Of what it is taken for, the most probable.
        probability: (seconds, classes).
        is_edge, is_faint, is_before: See `Label` and `Seconds`.
        half: "A" or "B".
        kind: Of the file: a defect, a negative or "untouched".
        coding: See `Seconds`.
    """

    def __init__(self, files: Sequence[tuple[Subject, Sequence[Seconds]]], model: str) -> None:
        rows = [(subject, part, found) for subject, parts in files for part in parts for found in part.labels]
        told = [part.probabilities[model] for _, parts in files for part in parts]
        self.probability = np.concatenate(told) if told else np.zeros((0, len(CLASSES)), np.float32)
        self.found = self.probability.argmax(axis=1)
        self.label = np.array([CLASSES.index(found.name) for *_, found in rows], np.intp)
        self.is_edge = np.array([found.is_edge for *_, found in rows], np.bool_)
        self.is_faint = np.array([found.is_faint for *_, found in rows], np.bool_)
        self.is_before = np.array([part.is_before for _, part, _ in rows], np.bool_)
        self.coding = np.array([part.coding for _, part, _ in rows], np.str_)
        self.half = np.array([half_of(subject.source) for subject, *_ in rows], np.str_)
        self.kind = np.array([subject.kind for subject, *_ in rows], np.str_)
        self._facts = [subject.facts for subject, *_ in rows]

    @property
    def sure(self) -> Mask:
        """Seconds of the files that can be told: inside a defect that is heard, or outside."""
        return ~self.is_before & ~self.is_edge & ~self.is_faint

    def fact(self, name: str) -> npt.NDArray[np.str_]:
        """A fact about the file of each; empty where it has none."""
        return np.array([facts.get(name, "") for facts in self._facts], np.str_)

    def confusion(self, chosen: Mask) -> npt.NDArray[np.int64]:
        """How many of each class (rows) are taken for each (columns)."""
        counts = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
        np.add.at(counts, (self.label[chosen], self.found[chosen]), 1)
        return counts

    def balanced(self, chosen: Mask) -> float | None:
        """Mean recall of the classes; None unless all of them are there."""
        return balanced_accuracy(self.confusion(chosen))


def balanced_accuracy(confusion: npt.NDArray[np.int64]) -> float | None:
    """Mean recall of the classes, rows of the confusion matrix; None where one of them has no second."""
    counts = confusion.sum(axis=1)
    return float((confusion.diagonal() / counts).mean()) if counts.all() else None


def overall(table: Table) -> dict[str, Mask]:
    """The sets of seconds whose balanced accuracy is told; those with what can hardly be heard are among them."""
    files, inside = ~table.is_before & ~table.is_edge, ~table.is_edge
    lossy = ~table.is_before & ~np.isin(table.coding, (LOSSLESS, "as found"))
    none = np.equal(table.label, 0)
    made = np.not_equal(table.kind, "untouched")
    sets = {
        "all": files,
        "none: hard negatives only": files & (~none | ~np.isin(table.kind, ("untouched", *DEFECTS))),
        "none: untouched media only": files & (~none | ~made),
        "lossy coded": lossy & inside,
        "the same seconds before that": table.is_before & inside,
        "not coded": files & np.equal(table.coding, LOSSLESS),
    }
    codings = sorted(set(table.coding[lossy]))
    sets |= {f"coded: {coding}": lossy & inside & np.equal(table.coding, coding) for coding in codings}
    strength = table.fact("strength")
    sets |= {f"strength: {s}": files & (none | np.equal(strength, s)) for s in STRENGTHS}
    return sets


def groups(table: Table) -> Iterator[tuple[str, str, Mask]]:
    """Defect, name and members of seconds with a defect, heard or not: by level, by mode and by coding."""
    inside = ~table.is_before & ~table.is_edge
    for number, defect in enumerate(DEFECTS, 1):
        mine = inside & np.equal(table.label, number)
        for name in ("level", "mode", "coding"):
            values = table.fact(name)
            for value in sorted(set(values[mine]), key=_natural):
                yield defect, value, mine & np.equal(values, value)


def negatives(table: Table) -> Iterator[tuple[str, Mask]]:
    """Name and members of seconds without a defect, by where they come from."""
    none = ~table.is_before & np.equal(table.label, 0)
    yield "beside a defect", none & np.isin(table.kind, DEFECTS)
    for kind in sorted(set(table.kind) - set(DEFECTS)):
        yield kind, none & np.equal(table.kind, kind)


def operating_points(table: Table, thresholds: Mapping[str, float]) -> list[dict[str, Any]]:
    """For each defect thresholds chosen on half A for a rate of false seconds, and the detector's, on both halves."""
    rows = []
    for number, defect in enumerate(DEFECTS, 1):
        scores = table.probability[:, number].astype(np.float64)
        clean, damaged = table.sure & np.equal(table.label, 0), table.sure & np.equal(table.label, number)
        first = scores[clean & np.equal(table.half, "A")]
        chosen = [(f"{false_rate:g}", threshold_for(first, false_rate)) for false_rate in FALSE_RATES]
        for goal, threshold in [("default", thresholds[defect]), *chosen]:
            row: dict[str, Any] = {"defect": defect, "goal": goal, "threshold": threshold}
            for half in "AB":
                inside = np.equal(table.half, half)
                without, having = scores[clean & inside], scores[damaged & inside]
                row[half] = {
                    "none": len(without),
                    "defective": len(having),
                    "false_rate": None if threshold is None else rate(without, threshold),
                    "recall": None if threshold is None else rate(having, threshold),
                    "auc": auc(having, without),
                }
            rows.append(row)
    return rows


def _natural(text: str) -> tuple[str, float]:
    """Sorts levels by their number and everything else by name."""
    words = text.split()
    numbers = [float(word) for word in words if word.replace(".", "").isdigit()]
    return " ".join(w for w in words if not w.replace(".", "").isdigit()), numbers[0] if numbers else 0.0
