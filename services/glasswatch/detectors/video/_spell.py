"""Stretches without picture, black or of one colour: which of them are planned, and when to speak."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction

import numpy as np

from glasswatch.core.detection import Severity, Verdict
from glasswatch.core.media import Samples
from glasswatch.core.runs import Reading, Runs
from glasswatch.core.time import Span
from glasswatch.detectors.video._sampling import is_gradual

HISTORY = 25
"""Frames remembered to recognise a fade: its last part, however long it takes."""


@dataclass(frozen=True, slots=True)
class SpellRules:
    """When a stretch without picture is a defect.

    Attributes:
        least_frames: It has at least this many frames.
        least_s: And lasts at least this long.
        fade_frames: A fade takes at least this many frames, and what it leads to is planned; None: no fade leads here.
        planned_s: A planned stretch is no defect before it has lasted this long.
        opening_s: At the start of the input it is informative only until it has lasted this long.
    """

    least_frames: int
    least_s: float
    fade_frames: int | None
    planned_s: float
    opening_s: float


@dataclass(slots=True)
class Spells:
    """The present stretch and the frames before it; part of a detector's state.

    Attributes:
        runs: Joins the frames that have been decided.
        held: Frames of the present stretch that have not: it is still too short.
        onset: When the present stretch began, None while there is a picture.
        kind: Its kind.
        planned: Whether a fade led to it.
        opening: Whether it began with the input.
        recent: Thumbnails of the last frames that had a picture, oldest first, (frames, samples).
        started: Whether any frame has been seen.
    """

    runs: Runs = field(default_factory=Runs)
    held: list[tuple[Span, Reading]] = field(default_factory=list)
    onset: Fraction | None = None
    kind: str | None = None
    planned: bool = False
    opening: bool = False
    recent: np.ndarray | None = None
    started: bool = False

    def add(
        self, span: Span, reading: Reading, thumbnail: Samples, rules: SpellRules
    ) -> Iterator[tuple[Span, Reading]]:
        """Take the next frame: DEFECT where it has no picture, its thumbnail (lines, columns); give finished runs."""
        empty = reading.verdict is Verdict.DEFECT
        if self.onset is not None and (not empty or reading.kind != self.kind):
            yield from self._stop()
        if not empty:
            self._remember(thumbnail)
            yield from self.runs.add(span, reading)
        else:
            if self.onset is None:
                self._start(span, reading, thumbnail, rules)
            yield from self._extend(span, reading, rules)
        self.started = True

    def end(self) -> Iterator[tuple[Span, Reading]]:
        """Give what is left."""
        yield from self._stop()
        yield from self.runs.end()

    def _remember(self, thumbnail: Samples) -> None:
        row = thumbnail.reshape(1, -1)
        if self.recent is None or self.recent.shape[1] != row.shape[1]:
            self.recent = row.copy()
        else:
            self.recent = np.concatenate([self.recent[-(HISTORY - 1) :], row])

    def _start(self, span: Span, reading: Reading, thumbnail: Samples, rules: SpellRules) -> None:
        self.onset, self.kind = span.start, reading.kind
        self.opening = span.epoch == 0 and not self.started
        self.planned = False
        if rules.fade_frames is not None and self.recent is not None and self.recent.shape[1] == thumbnail.size:
            apart = np.abs(self.recent.astype(np.int32) - thumbnail.reshape(1, -1)).mean(axis=1)
            self.planned = is_gradual(apart.tolist(), rules.fade_frames)

    def _extend(self, span: Span, reading: Reading, rules: SpellRules) -> Iterator[tuple[Span, Reading]]:
        assert self.onset is not None
        self.held.append((span, reading))
        lasted = span.end - self.onset
        least_s = rules.planned_s if self.planned else rules.least_s
        if lasted < least_s or (len(self.held) < rules.least_frames and self._undecided()):
            return
        ceiling = Severity.WARNING if self.planned else None
        if self.opening and lasted < rules.opening_s:
            ceiling = Severity.INFO
        for held_span, held_reading in self.held:
            yield from self.runs.add(held_span, replace(held_reading, ceiling=ceiling))
        self.held = []

    def _undecided(self) -> bool:
        return bool(self.held) and self.held[0][0].start == self.onset

    def _stop(self) -> Iterator[tuple[Span, Reading]]:
        """The stretch is over: what was still held was too short or planned."""
        for span, reading in self.held:
            yield from self.runs.add(span, Reading(Verdict.OK, min(reading.score, 0.49), reading.measurements))
        self.held, self.onset, self.kind = [], None, None
