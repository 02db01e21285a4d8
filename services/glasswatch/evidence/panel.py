"""What stands below the picture for as long as a fragment lasts."""

from __future__ import annotations

from PIL import Image, ImageDraw

from glasswatch.core.detection import Detection
from glasswatch.core.text import timecode
from glasswatch.detectors.sync.av_sync import AvSyncParams
from glasswatch.detectors.sync.offset import outside
from glasswatch.evidence.plots import HEADING, Box, draw_curves, draw_offsets
from glasswatch.evidence.record import Section
from glasswatch.evidence.style import (
    BACKGROUND,
    CURSOR,
    FAINT,
    NORMAL,
    PROGRAMME,
    SMALL,
    TEXT,
    VERDICTS,
    fitted,
    offset_words,
    tag,
    write,
)

HEIGHT = 260
"""Lines of it."""

MARGIN, WORDS, GAP, AXIS = 12, 72, 24, 20


class Panel:
    """A fragment's words and plots.

    Attributes:
        section: The fragment.
        position_s: Where it begins, in seconds from the start of the title.
    """

    def __init__(self, width: int, section: Section, position_s: float, params: AvSyncParams | None) -> None:
        self.section, self.position_s = section, position_s
        self._image = Image.new("RGB", (width, HEIGHT), BACKGROUND)
        draw = ImageDraw.Draw(self._image)
        middle = round(width * 0.52)
        top, bottom = WORDS + HEADING, HEIGHT - AXIS
        split = top + round((bottom - top) * 0.52)
        self._lips = Box(MARGIN, top, middle - GAP // 2, split)
        self._sound = Box(MARGIN, split + HEADING + 2, middle - GAP // 2, bottom)
        _draw_words(draw, width, section, position_s, params)
        draw_curves(draw, self._lips, self._sound, section, position_s, params)
        if params is not None:
            draw_offsets(draw, Box(middle + GAP // 2, top, width - MARGIN, bottom), section, params)

    def at(self, seconds: float) -> Image.Image:
        """The panel with its cursor at a media time, in seconds."""
        image = self._image.copy()
        span = self.section.detection.span
        part = (seconds - float(span.start)) / max(float(span.duration), 1e-9)
        x = round(self._lips.across(min(max(part, 0.0), 1.0)))
        draw = ImageDraw.Draw(image)
        for box in (self._lips, self._sound):
            draw.line((x, box.top, x, box.bottom), CURSOR, 2)
        now = timecode(self.position_s + seconds - float(span.start))
        write(draw, (image.width - MARGIN, 8), now, FAINT, NORMAL, anchor="ra")
        return image


def blank(width: int) -> Image.Image:
    """The panel where nothing was judged."""
    image = Image.new("RGB", (width, HEIGHT), BACKGROUND)
    write(ImageDraw.Draw(image), (MARGIN, 8), "not judged", FAINT, NORMAL)
    return image


def _draw_words(
    draw: ImageDraw.ImageDraw, width: int, section: Section, position_s: float, params: AvSyncParams | None
) -> None:
    """Verdict, when, and offset in the first line; why in the second; how sure, and the programme, in the third."""
    said = section.detection
    until = position_s + float(said.span.duration)
    x = tag(draw, (MARGIN, 6), said.verdict.value.upper(), VERDICTS[said.verdict], NORMAL) + 10
    ceiling = f" ({said.ceiling.label} at most)" if said.ceiling is not None else ""
    words = [f"{timecode(position_s)} to {timecode(until)}{ceiling}", *_own(said)]
    write(draw, (x, 8), "   ".join(words), TEXT, NORMAL)
    reason, sure = said.reason, ""
    if section.votes is not None and params is not None:
        # As the detector judges a fragment by itself.
        beyond, within = outside(section.votes, *params.limits(params.margin_ms))
        sure = f"this fragment alone: in sync {within:.2f}, out of sync {beyond:.2f}; {params.confidence:.2f} is needed"
        reason = (
            reason
            or f"judged by {'this fragment alone' if max(beyond, within) >= params.confidence else 'the programme'}"
        )
    write(draw, (MARGIN, 31), fitted(draw, reason or "", width - 2 * MARGIN, NORMAL), TEXT, NORMAL)
    write(draw, (MARGIN, 53), sure, FAINT, SMALL)
    write(draw, (width - MARGIN, 53), _programme(said), PROGRAMME, SMALL, anchor="ra")


def _own(said: Detection) -> list[str]:
    if "offset" not in said.measurements:
        return []
    return [f"{offset_words(said.measurements['offset'])}, confidence {said.measurements['confidence']:.2f}"]


def _programme(said: Detection) -> str:
    values = said.measurements
    if "programme_offset" not in values:
        return ""
    drift = f", drift {values['drift']:+.0f} ms/min" if values["drift"] else ""
    offset = offset_words(values["programme_offset"])
    return f"programme: {offset}, confidence {values['programme_confidence']:.2f}{drift}"
