"""One picture of the video: the title's, its faces, mouths, and the panel of the fragment."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from glasswatch.detectors.sync.av_sync import AvSyncParams
from glasswatch.evidence import panel
from glasswatch.evidence.panel import Panel
from glasswatch.evidence.plots import says
from glasswatch.evidence.record import INNER, OUTER, Section, Trail
from glasswatch.evidence.style import BACKGROUND, SMALL, colour_of, dim, tag, write

LINES, MOST_COLUMNS = 480, 1152
"""Of the title's picture."""

LEAST_WIDTH = 880
"""Of the video, so that the panel has room."""

MOUTH, MOUTHS = 120, 4
"""Side of an enlarged mouth, and how many there is room for: as many as faces are followed."""

AROUND = 1.6
"""Side of what is enlarged, in widths of the mouth."""


@dataclass(frozen=True, slots=True)
class Followed:
    """A face in the picture that is shown.

    Attributes:
        number: Of its track in the fragment, from 0.
        trail: The track.
        index: Number of the picture in the track.
    """

    number: int
    trail: Trail
    index: int


class Painter:
    """Paints pictures of one size.

    Args:
        size: Width and height of the pictures that come, in pixels.
        pixel_aspect: Width of one of these over its height.
        params: What the detector was told, None where it has not run.
        label: Of the track of sound, None where there is one only.
    """

    def __init__(
        self, size: tuple[int, int], pixel_aspect: Fraction, params: AvSyncParams | None, label: str | None
    ) -> None:
        self._params, self._label = params, label
        aspect = size[0] * pixel_aspect / size[1]
        columns = min(round(LINES * aspect), MOST_COLUMNS)
        self._area = (columns, min(round(columns / aspect), LINES))
        self.width = max((columns + MOUTH + 1) // 2 * 2, LEAST_WIDTH)
        self.height = LINES + panel.HEIGHT
        self._left = (self.width - MOUTH - columns) // 2
        self._top = (LINES - self._area[1]) // 2
        self._panel: Panel | None = None

    def paint(
        self, picture: npt.NDArray[np.uint8], section: Section | None, seconds: Fraction, offset: Fraction
    ) -> npt.NDArray[np.uint8]:
        """The video's picture, (height, width, 3) RGB.

        Args:
            picture: The title's as the detector sees it, (lines, columns, 3) RGB.
            section: The fragment that it belongs to, None where none was judged.
            seconds: When it is shown, in media time.
            offset: What to add to that for the position in the title.
        """
        whole = Image.new("RGB", (self.width, self.height), BACKGROUND)
        shown = Image.fromarray(picture)
        whole.paste(shown if shown.size == self._area else shown.resize(self._area), (self._left, self._top))
        draw = ImageDraw.Draw(whole)
        if self._label is not None:
            tag(draw, (self._left + 6, self._top + 6), self._label, BACKGROUND)
        if section is None:
            whole.paste(panel.blank(self.width), (0, LINES))
            return np.asarray(whole)
        faces = [
            Followed(number, trail, index)
            for number, trail in enumerate(section.trails)
            if (index := trail.at(seconds)) is not None
        ]
        scale = np.array(self._area) / shown.size
        for face in faces:
            self._mark(draw, face, section, scale)
        for row, face in enumerate(faces[:MOUTHS]):
            self._enlarge(whole, draw, shown, row, face, section)
        whole.paste(self._panel_of(section, offset).at(float(seconds)), (0, LINES))
        return np.asarray(whole)

    def _panel_of(self, section: Section, offset: Fraction) -> Panel:
        if self._panel is None or self._panel.section is not section:
            self._panel = Panel(self.width, section, float(section.detection.span.start + offset), self._params)
        return self._panel

    def _mark(
        self, draw: ImageDraw.ImageDraw, face: Followed, section: Section, scale: npt.NDArray[np.float64]
    ) -> None:
        """The box of a face, its number, and its lips."""
        colour = _colour(face, section)
        origin = (self._left, self._top)
        corners = face.trail.boxes[face.index].reshape(2, 2) * scale + origin
        limits = np.array([origin, (self._left + self._area[0] - 1, self._top + self._area[1] - 1)])
        (left, top), (right, bottom) = np.clip(corners, *limits).tolist()
        draw.rectangle((left, top, right, bottom), None, colour, 2)
        tag(draw, (left, max(top - SMALL - 6, self._top)), str(face.number + 1), colour)
        points = face.trail.lips[face.index] * scale + origin
        for ring in (OUTER, INNER):
            around = [(float(x), float(y)) for x, y in points[ring]]
            draw.line([*around, around[0]], colour, 1)

    def _enlarge(
        self,
        whole: Image.Image,
        draw: ImageDraw.ImageDraw,
        shown: Image.Image,
        row: int,
        face: Followed,
        section: Section,
    ) -> None:
        """A mouth with its landmarks, and what its track says by itself."""
        colour, trail = _colour(face, section), face.trail
        points = trail.lips[face.index].astype(np.float64)
        # As large as it is on average, so that what is seen to move has moved.
        outer = trail.lips[:, OUTER, 0]
        side = AROUND * float((outer.max(axis=1) - outer.min(axis=1)).mean())
        corner = points[OUTER].mean(axis=0) - side / 2
        left, top = self.width - MOUTH, row * MOUTH
        square = shown.transform(
            (MOUTH, MOUTH), Image.Transform.EXTENT, (*corner, *(corner + side)), Image.Resampling.BILINEAR
        )
        whole.paste(square, (left, top))
        for x, y in (points - corner) * (MOUTH / side) + (left, top):
            if left < x < left + MOUTH and top < y < top + MOUTH:
                draw.point([(x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1)], colour)
        draw.rectangle((left, top, left + MOUTH - 1, top + MOUTH - 1), None, colour, 2)
        draw.rectangle((left + 2, top + MOUTH - SMALL - 7, left + MOUTH - 3, top + MOUTH - 3), BACKGROUND)
        write(draw, (left + 5, top + MOUTH - SMALL - 5), says(section, face.number, self._params), colour)


def _colour(face: Followed, section: Section) -> tuple[int, int, int]:
    """Its own; it stands back where it was not compared."""
    own = colour_of(face.number)
    return own if section.likelihoods[face.number] is not None else dim(own, 0.6)
