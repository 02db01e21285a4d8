"""Solid colour: instead of a picture one flat colour, colour bars, or what a decoder paints where it has no data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from glasswatch.core.detection import Detection, Verdict
from glasswatch.core.detector import Detector, DetectorSpec
from glasswatch.core.media import FrameChunk, MediaUnit, Samples
from glasswatch.core.needs import Planes, VideoNeed
from glasswatch.core.runs import Reading
from glasswatch.core.time import Instant
from glasswatch.detectors.params import Params
from glasswatch.detectors.video._bars import has_bars
from glasswatch.detectors.video._sampling import block_means, chroma_level, luma_code, luma_level, thumbnails
from glasswatch.detectors.video._spell import SpellRules, Spells
from glasswatch.detectors.video._structure import Overlay

BLOCK = 11
"""Samples along the side of a block: small enough that a line of small text stands out in several."""

LEAST_FILL = 0.1
"""Share of luma samples of exactly a fill colour below which the chroma planes are not looked at."""

Share = Annotated[float, Field(gt=0, le=1)]
Seconds = Annotated[float, Field(ge=0)]


class SolidColourParams(Params):
    """What counts as no picture.

    Attributes:
        tolerance: A block belongs to the colour when its mean is this near the median, as a share of the range.
        flat_share: Share of blocks that belong to one colour at least.
        noise: Samples (5th to 95th percentile) spread at most this far around one colour, as a share of the range.
        fill_exact: Share of samples that have exactly a decoder's fill colour at least.
        fill_near: Share of samples that lie near it at least: what was decoded on top of the fill leaves residue.
        bars_share: Share of the upper half that repeats the bars of its columns at least.
        black_luma: Up to this luma a neutral flat picture is black, which is another defect.
        black_chroma: Up to this chroma, as a share of its range.
        white_luma: From this luma a flat picture is white.
        white_least_s: White shorter than this is a flash, not a defect.
        least_frames: Frames that an event has at least.
        fade_frames: A fade takes at least this many frames; the colour that a fade leads to is planned.
        planned_s: A planned colour is no event before it has lasted this long, and at most a warning then.
        opening_s: At the start of the input it is informative until it has lasted this long.
    """

    tolerance: Share
    flat_share: Share
    noise: Share
    fill_exact: Share
    fill_near: Share
    bars_share: Share
    black_luma: Share
    black_chroma: Share
    white_luma: Share
    white_least_s: Seconds
    least_frames: Annotated[int, Field(ge=1)]
    fade_frames: Annotated[int, Field(ge=2)]
    planned_s: Seconds
    opening_s: Seconds


@dataclass(slots=True)
class SolidColourState:
    """The present stretch without picture, the frames before it, and what is laid over it."""

    spells: Spells = field(default_factory=Spells)
    overlay: Overlay = field(default_factory=Overlay)


class SolidColourDetector(Detector[SolidColourParams, SolidColourState]):
    """Looks at a thumbnail of every frame, and at the whole frame where the thumbnail could be flat.

    A caption or drawing on one colour is a picture, a logo or subtitles over it are none (`_structure.Overlay`).
    Kinds: "uniform" (one colour, or mostly a decoder's fill colour) and "bars".
    """

    spec = DetectorSpec(
        name="solid_colour",
        version="2",
        defects=("solid_colour",),
        needs=(VideoNeed(Planes.PICTURE, lines=270),),
        measurements={"luma": "1", "cb": "1", "cr": "1", "flat_share": "1", "fill_share": "1"},
        lookback_s=2.0,
    )

    def fresh_state(self) -> SolidColourState:
        """No frame seen."""
        return SolidColourState()

    def process(self, unit: MediaUnit) -> Sequence[Detection]:
        """Judge each frame of a chunk."""
        assert isinstance(unit, FrameChunk)
        p = self.params
        small = tuple(thumbnails(plane) for plane in unit.planes)
        fills = _fill_shares(small, unit.bit_depth)
        flat = self._could_be_flat(unit, small[0])
        bars = has_bars(small, unit.bit_depth, p.bars_share)
        found: list[Detection] = []
        for i in range(len(unit)):
            if not flat[i]:
                goes_flat = i + 1 == len(unit) or bool(flat[i + 1])
                self.state.overlay.lift(unit.luma[i] if goes_flat else None)
            reading = self._read(unit, i, fills[:, i], bool(flat[i]), bool(bars[i]))
            rules = self._rules(reading)
            thumbnail = np.concatenate([plane[i].ravel() for plane in small])
            for span, run in self.state.spells.add(unit.frame_span(i), reading, thumbnail, rules):
                found.append(self._speak(span, run))
        return found

    def finish(self, at: Instant) -> Sequence[Detection]:
        """The last runs."""
        return [self._speak(span, run) for span, run in self.state.spells.end()]

    def _rules(self, reading: Reading) -> SpellRules:
        p = self.params
        if reading.kind == "bars":
            return SpellRules(p.least_frames, 0.0, None, 0.0, p.opening_s)
        if reading.measurements.get("fill_share", 0.0) >= p.fill_near:  # nobody fades to a decoder's fill
            return SpellRules(p.least_frames, 0.0, None, 0.0, 0.0)
        is_white = reading.measurements.get("luma", 0.0) >= p.white_luma
        least_s = p.white_least_s if is_white else 0.0
        return SpellRules(p.least_frames, least_s, p.fade_frames, p.planned_s, p.opening_s)

    def _could_be_flat(self, chunk: FrameChunk, small: Samples) -> npt.NDArray[np.bool_]:
        """Frames whose luma, but for a tenth of the samples, lies as near its median as noise does."""
        samples = small.reshape(len(small), -1).astype(np.int32)
        few = np.sort(samples[:, ::16], axis=1)  # enough for the median of a flat picture
        median = few[:, few.shape[1] // 2, None]
        reach = (luma_code(chunk, self.params.noise) - chunk.luma_range[0]) / 2
        flat: npt.NDArray[np.bool_] = (np.abs(samples - median) <= reach).mean(axis=1) >= 0.9
        return flat

    def _read(
        self, chunk: FrameChunk, i: int, fill: npt.NDArray[np.float64], could_be_flat: bool, bars: bool
    ) -> Reading:
        """One frame's reading; `fill` is the exact and the near share of a decoder's fill colour."""
        p = self.params
        exact, near = float(fill[0]), float(fill[1])
        if bars:
            return Reading(Verdict.DEFECT, 1.0, self._colour(chunk, i), kind="bars")
        if exact >= p.fill_exact and near >= p.fill_near:
            return Reading(Verdict.DEFECT, 0.5 + 0.5 * near, self._colour(chunk, i) | {"fill_share": near}, "uniform")
        # Residue on a decoder's fill grows and shrinks: a high score lets the event go on through such frames.
        fading = min(0.49, 0.5 * near / p.fill_near) if exact >= p.fill_exact / 2 else 0.0
        if not could_be_flat:
            return Reading(Verdict.OK, fading, {"fill_share": near})
        flat_share = min(self._flat_share(plane[i : i + 1], chunk) for plane in chunk.planes)
        measured = self._colour(chunk, i) | {"flat_share": flat_share, "fill_share": near}
        if flat_share < p.flat_share or self._is_black(measured) or self.state.overlay.shows_something(chunk, i):
            return Reading(Verdict.OK, fading, measured)
        return Reading(Verdict.DEFECT, flat_share, measured, kind="uniform")

    def _flat_share(self, plane: Samples, chunk: FrameChunk) -> float:
        """Share of the blocks of one plane (1, lines, columns) whose mean is near the median."""
        means = block_means(plane, BLOCK)
        tolerance = self.params.tolerance * (1 << chunk.bit_depth)
        return float((np.abs(means - np.median(means)) <= tolerance).mean())

    def _is_black(self, colour: dict[str, float]) -> bool:
        neutral = max(abs(colour["cb"]), abs(colour["cr"])) <= self.params.black_chroma
        return neutral and colour["luma"] <= self.params.black_luma

    @staticmethod
    def _colour(chunk: FrameChunk, i: int) -> dict[str, float]:
        """Mean colour; a picture without chroma planes is neutral."""
        chroma = [float(chroma_level(chunk, plane[i].mean())) for plane in chunk.planes[1:]] or [0.0, 0.0]
        return {"luma": float(luma_level(chunk, chunk.luma[i].mean())), "cb": chroma[0], "cr": chroma[1]}

    def _speak(self, span: Any, run: Reading) -> Detection:
        return self.detection(
            "solid_colour",
            span,
            run.verdict,
            run.score,
            measurements=run.measurements,
            kind=run.kind,
            ceiling=run.ceiling,
            worst=run.at,
        )


def _fill_shares(small: tuple[Samples, ...], bit_depth: int) -> npt.NDArray[np.float64]:
    """How much of each frame has a colour that decoders paint where data is missing, (2, frames).

    Mid grey is what FFmpeg's decoders make of a missing reference picture, green (zero in every plane) is what an
    untouched buffer shows. First row: samples of exactly that colour; second row: near it (4 codes of 8 bit). The
    least of the planes counts; below `LEAST_FILL` the shares are 0.
    """
    frames = len(small[0])
    best = np.zeros((2, frames))
    if len(small) == 1:  # grey and black are too common without chroma
        return best
    for code in (1 << (bit_depth - 1), 0):
        luma_exact = (small[0] == code).mean(axis=(1, 2))
        candidates = np.flatnonzero(luma_exact >= LEAST_FILL)
        if len(candidates):
            planes = [plane[candidates] for plane in small]
            exact = np.min([(plane == code).mean(axis=(1, 2)) for plane in planes], axis=0)
            near = np.min([_share_near(plane, code, 4 << (bit_depth - 8)) for plane in planes], axis=0)
            best[:, candidates] = np.maximum(best[:, candidates], [exact, near])
    return best


def _share_near(plane: Samples, code: int, reach: int) -> npt.NDArray[np.float64]:
    share: npt.NDArray[np.float64] = (np.abs(plane.astype(np.int32) - code) <= reach).mean(axis=(1, 2))
    return share
