"""Files that were damaged in life: scores over time, and a page to look at."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt

from bench.accuracy.model import Role
from bench.block.build import subject_of
from bench.block.events import Finding, inspect
from bench.block.frames import CELL_THRESHOLD, DEADLINE_S, Rgb, decoded, rgb
from bench.block.metrics import rate
from bench.block.pictures import Thresholds
from bench.block.run import Workshop, inference
from bench.sources import Source
from glasswatch.detectors.video.block_corruption import CELL

MOST_JUDGED = 60
"""Pictures of a file, evenly spaced."""

SHOWN = 10
"""Of these, on the page."""

LONG_SIDE = 320
OUTLINE = (255, 0, 255)
CURVE = (600, 60)
"""Width and height of the curve in pixels."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One judged picture; `jpeg` where it is to be shown."""

    time_s: float
    score: float
    area: float
    jpeg: bytes | None


@dataclass(frozen=True, slots=True)
class Strip:
    """A file as it was judged."""

    name: str
    shots: tuple[Shot, ...]
    finding: Finding

    def flagged(self, line: Thresholds) -> tuple[float | None, float | None]:
        """Part of its pictures at or above the thresholds of the learned decision and of the area."""
        scores, areas = (np.array([getattr(shot, name) for shot in self.shots]) for name in ("score", "area"))
        return rate(scores, line.score), rate(areas, line.area)


def look_over(workshop: Workshop, source: Source) -> Strip:
    """Judge evenly spaced pictures of a file with the first model, and the file with the detector."""
    subject = subject_of(source, Role.REAL)
    try:
        count = sum(1 for _ in decoded(subject.path))
        wanted = set(spaced(count, MOST_JUDGED))
        shown = {sorted(wanted)[n] for n in spaced(len(wanted), SHOWN)}
        shots = [
            _shot(time_s, rgb(frame), workshop, is_shown=number in shown)
            for number, (time_s, frame) in enumerate(decoded(subject.path))
            if number in wanted
        ]
    except (av.FFmpegError, OSError):  # nothing that can be opened
        shots = []
    return Strip(source.name, tuple(shots), inspect(subject.path, workshop.repository))


def spaced(count: int, most: int) -> list[int]:
    """At most `most` numbers below `count`, evenly spaced, the first and the last among them."""
    return sorted({int(n) for n in np.linspace(0, count - 1, min(count, most)).round()}) if count else []


def page(strips: Sequence[Strip], title: str, line: Thresholds) -> str:
    """An HTML page that holds everything: of each file its curve and some pictures with the map's outline."""
    parts = [
        "<!doctype html><meta charset=utf-8>",
        f"<title>{html.escape(title)}</title>",
        "<style>body{font:14px sans-serif;margin:2em}figure{display:inline-block;margin:4px}",
        "figcaption{font-size:12px}svg{background:#eee}.hit{color:#b00;font-weight:bold}</style>",
        f"<h1>{html.escape(title)}</h1>",
        f"<p>Outlined are cells at {CELL_THRESHOLD:g} or above. Red: score at {line.score:g} or above.</p>",
    ]
    for strip in strips:
        alarms = ", ".join(f"{c.start_s:.2f}–{c.end_s:.2f} s {c.severity}" for c in strip.finding.claims) or "no event"
        note = strip.finding.error or alarms
        parts.append(f"<h2>{html.escape(strip.name)}</h2><p>{html.escape(note)}</p>{_curve(strip.shots, line)}<div>")
        parts += [_figure(shot, line) for shot in strip.shots if shot.jpeg is not None]
        parts.append("</div>")
    return "\n".join(parts) + "\n"


def outlined(picture: Rgb, cells: npt.NDArray[np.bool_]) -> Rgb:
    """The picture with the borders of the set cells drawn in, where they border on others."""
    mask = cells.repeat(CELL, 0).repeat(CELL, 1)[: picture.shape[0], : picture.shape[1]]
    width = max(1, round(max(picture.shape) / LONG_SIDE))
    inner = mask.copy()
    for axis in (0, 1):
        for step in (-width, width):
            moved = np.roll(mask, step, axis)
            edge = [slice(None), slice(None)]
            edge[axis] = slice(0, step) if step > 0 else slice(step, None)
            moved[tuple(edge)] = False  # the border of the picture is one, too
            inner &= moved
    drawn = picture.copy()
    drawn[mask & ~inner] = OUTLINE
    return drawn


def _shot(time_s: float, picture: Rgb, workshop: Workshop, *, is_shown: bool) -> Shot:
    found = inference(workshop.repository).infer(workshop.models[0], {"frames": picture[None]}, DEADLINE_S)
    cells = found["map"][0] >= CELL_THRESHOLD
    jpeg = _jpeg(outlined(picture, cells)) if is_shown else None
    return Shot(time_s, float(found["score"][0, 0]), float(cells.mean()), jpeg)


def _jpeg(picture: Rgb) -> bytes:
    height, width = (max(2, round(n * LONG_SIDE / max(picture.shape) / 2) * 2) for n in picture.shape[:2])
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = width, height, "yuvj420p", Fraction(1, 25)
    encoder.qmin = encoder.qmax = 5
    small = frame.reformat(width=width, height=height, format="yuvj420p", interpolation="AREA")
    small.pts = 0
    return b"".join(bytes(packet) for packet in [*encoder.encode(small), *encoder.encode(None)])


def _figure(shot: Shot, line: Thresholds) -> str:
    assert shot.jpeg is not None
    data = base64.b64encode(shot.jpeg).decode("ascii")
    hit = " class=hit" if shot.score >= line.score else ""
    text = f"{shot.time_s:.2f} s · score {shot.score:.2f} · area {shot.area:.3f}"
    return f'<figure><img src="data:image/jpeg;base64,{data}"><figcaption{hit}>{text}</figcaption></figure>'


def _curve(shots: Sequence[Shot], line: Thresholds) -> str:
    width, height = CURVE
    last_s = max((shot.time_s for shot in shots), default=0.0) or 1.0
    points = " ".join(f"{width * s.time_s / last_s:.1f},{height * (1 - s.score):.1f}" for s in shots)
    level = height * (1 - line.score)
    return (
        f'<svg width="{width}" height="{height}"><path d="M0 {level:.1f}H{width}" stroke="#b00"/>'
        f'<polyline points="{points}" fill="none" stroke="#036"/></svg>'
    )
