"""Black: the picture is gone, nearly all of it at the bottom of the signal's own range."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from glasswatch.core.detection import Detection, Verdict
from glasswatch.core.detector import Detector, DetectorSpec
from glasswatch.core.media import FrameChunk, MediaUnit
from glasswatch.core.needs import Planes, VideoNeed
from glasswatch.core.runs import Reading
from glasswatch.core.time import Instant
from glasswatch.detectors.params import Params
from glasswatch.detectors.video._sampling import (
    block_means,
    chroma_level,
    luma_code,
    luma_level,
    thumbnails,
    with_neighbours,
)
from glasswatch.detectors.video._spell import SpellRules, Spells
from glasswatch.detectors.video._structure import Overlay

BLOCK = 11
"""Samples along the side of a block: over 121 of them noise averages out, and 1,000 blocks still show a picture."""

Share = Annotated[float, Field(gt=0, le=1)]
Seconds = Annotated[float, Field(ge=0)]


class BlackParams(Params):
    """What counts as black.

    Attributes:
        luma_ceiling: Luma of a dark sample at most, as a share of nominal black to nominal white.
        dark_share: Share of samples that are dark at least.
        chroma_limit: Mean chroma of black at most, as a share of its range; beyond it is a dark colour.
        unevenness: A block whose mean is this share of the luma range off the median has content.
        content_share: Share of blocks that have content at most; with more of them it is a dark scene.
        overlay_share: Share of blocks, not counted before, that a bright logo or subtitles may touch.
        least_frames: Frames that an event has at least.
        fade_frames: A fade takes at least this many frames; black that a fade leads to is planned.
        between_s: Black that follows lights or titles in the dark is no event before it has lasted this long.
        planned_s: Planned black is no event before it has lasted this long, and at most a warning then; nor is black
            that follows lights or titles which themselves came out of it.
        opening_s: Black at the start of the input is informative until it has lasted this long.
    """

    luma_ceiling: Share
    dark_share: Share
    chroma_limit: Share
    unevenness: Share
    content_share: Share
    overlay_share: Share
    least_frames: Annotated[int, Field(ge=1)]
    fade_frames: Annotated[int, Field(ge=2)]
    between_s: Seconds
    planned_s: Seconds
    opening_s: Seconds


@dataclass(slots=True)
class BlackState:
    """The present black, the frames before it, and what is laid over it.

    Attributes:
        spells: Black so far.
        overlay: What is laid over it, or seen in the dark.
        was_empty: Whether there has been nothing to see on the present ground.
        comes_and_goes: Whether there has been something again after that.
    """

    spells: Spells = field(default_factory=Spells)
    overlay: Overlay = field(default_factory=Overlay)
    was_empty: bool = False
    comes_and_goes: bool = False


class BlackDetector(Detector[BlackParams, BlackState]):
    """Counts dark samples, and looks at block means to tell black from a dark scene.

    Titles, lights and all else that stands out of the dark are a picture; logos and subtitles that are laid over a lost
    picture are not, see `_structure.Overlay`. Definition after EBU QC 0062B (black frames) with the share of FFmpeg's
    blackdetect.
    """

    spec = DetectorSpec(
        name="black",
        version="3",
        defects=("black",),
        needs=(VideoNeed(Planes.PICTURE, lines=270),),
        measurements={"dark_share": "1", "luma": "1", "content_share": "1", "overlay_share": "1"},
        lookback_s=2.0,
    )

    def fresh_state(self) -> BlackState:
        """No frame seen."""
        return BlackState()

    def process(self, unit: MediaUnit) -> Sequence[Detection]:
        """Judge each frame of a chunk."""
        assert isinstance(unit, FrameChunk)
        p = self.params
        small = thumbnails(unit.luma)
        dark = small <= luma_code(unit, p.luma_ceiling)
        dark_shares = dark.mean(axis=(1, 2))
        found: list[Detection] = []
        is_dark = dark_shares >= p.dark_share - 0.05
        for i in range(len(unit)):
            if not is_dark[i]:
                goes_dark = i + 1 == len(unit) or is_dark[i + 1]
                self.state.overlay.lift(unit.luma[i] if goes_dark else None)
                reading = Reading(Verdict.OK, 0.0, {"dark_share": float(dark_shares[i])})
            else:
                reading = self._read(unit, i)
            least_s = self._least_s(reading)
            rules = SpellRules(p.least_frames, least_s, p.fade_frames, p.planned_s, p.opening_s)
            for span, run in self.state.spells.add(unit.frame_span(i), reading, small[i], rules):
                found.append(self._speak(span, run))
        return found

    def finish(self, at: Instant) -> Sequence[Detection]:
        """The last runs."""
        return [self._speak(span, run) for span, run in self.state.spells.end()]

    def _least_s(self, reading: Reading) -> float:
        """How long black must last, with this reading, to be an event."""
        state = self.state
        if not state.overlay.seen:
            # A picture, or black that has been so since the last one.
            state.comes_and_goes = False
            state.was_empty = reading.verdict is Verdict.DEFECT
            return 0.0
        if reading.verdict is Verdict.DEFECT:
            state.was_empty = True
        else:
            state.comes_and_goes |= state.was_empty
        return self.params.planned_s if state.comes_and_goes else self.params.between_s

    def _read(self, chunk: FrameChunk, i: int) -> Reading:
        """The reading of a frame that may be black."""
        p = self.params
        luma = chunk.luma[i]
        share = float(np.count_nonzero(luma <= luma_code(chunk, p.luma_ceiling)) / luma.size)
        content, overlay = self._block_shares(chunk, i)
        measured = {
            "dark_share": share,
            "luma": float(luma_level(chunk, luma.mean())),
            "content_share": content,
            "overlay_share": overlay,
        }
        if share < p.dark_share:
            self.state.overlay.lift(luma)
            return Reading(Verdict.OK, 0.0, measured)
        shows_something = self.state.overlay.shows_something(chunk, i)
        is_empty = content <= p.content_share and overlay <= p.overlay_share and not shows_something
        if not is_empty or self._is_coloured(chunk, i):
            return Reading(Verdict.OK, 0.0, measured)
        return Reading(Verdict.DEFECT, 1.0 - 0.5 * content / p.content_share, measured)

    def _block_shares(self, chunk: FrameChunk, i: int) -> tuple[float, float]:
        """Share of the blocks with dark content, and of those in and around which samples are well above black."""
        p = self.params
        frame = chunk.luma[i : i + 1]
        means = luma_level(chunk, block_means(frame, BLOCK)[0])
        uneven = np.abs(means - np.median(means)) > p.unevenness
        # The soft edge of an overlay belongs to it.
        bright = with_neighbours(_any_in_block(frame[0] > luma_code(chunk, 2 * p.luma_ceiling), uneven.shape))
        return float((uneven & ~bright).mean()), float(bright.mean())

    def _is_coloured(self, chunk: FrameChunk, i: int) -> bool:
        return any(
            abs(chroma_level(chunk, float(plane[i].mean()))) > self.params.chroma_limit for plane in chunk.planes[1:]
        )

    def _speak(self, span: Any, run: Reading) -> Detection:
        return self.detection(
            "black",
            span,
            run.verdict,
            run.score,
            measurements=run.measurements,
            ceiling=run.ceiling,
            worst=run.at,
        )


def _any_in_block(mask: npt.NDArray[np.bool_], shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Whether a block holds a set sample; `mask` (lines, columns), blocks as in `block_means`."""
    rows, cols = shape
    high, wide = min(BLOCK, mask.shape[0]), min(BLOCK, mask.shape[1])
    blocks = mask[: rows * high, : cols * wide].reshape(rows, high, cols, wide)
    found: npt.NDArray[np.bool_] = np.logical_or.reduce(blocks, axis=(1, 3))
    return found
