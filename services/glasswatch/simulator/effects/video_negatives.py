"""Pictures that resemble a defect and are none: editing and camera work that detectors have to let pass."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from glasswatch.simulator.drawing import Mask, at_size, overlaid, placed, text_mask, words
from glasswatch.simulator.effect import PictureEffect, Scene
from glasswatch.simulator.injector import Injector
from glasswatch.simulator.media import (
    Picture,
    Rgb,
    Values,
    code_of,
    filled,
    level_of,
    mixed,
    neutral,
    noisy,
)
from glasswatch.simulator.settings import Settings

F = TypeVar("F", bound="FadeSettings")
WHITE: Rgb = (1.0, 1.0, 1.0)
BLACK: Rgb = (0.0, 0.0, 0.0)


class FadeSettings(Settings):
    """How long the picture stays away."""

    hold_s: float = Field(0.6, ge=0, lt=1.5, description="how long the plain picture stands; the fades share the rest")


class Fade(PictureEffect[FadeSettings]):
    """Fade out, a moment of one colour, fade in."""

    defect = None
    colour: Rgb = BLACK

    def change(self, picture: Picture) -> Picture:
        """Dissolve linearly to the colour and back."""
        length = float(self.scene.end - self.scene.start)
        fade = max((length - self.settings.hold_s) / 2, length / 4)
        passed = float(picture.time - self.scene.start)
        weight = min(1.0, passed / fade, (length - passed) / fade)
        return picture.with_planes(mixed(picture.planes, filled(picture, self.colour), weight))


class WhiteFade(Fade):
    """The same through white."""

    colour = WHITE


class SlateSettings(Settings):
    """What the title card looks like."""

    lines: int = Field(3, ge=1, le=6, description="lines of text")
    dissolve_s: float = Field(0.5, ge=0, le=2, description="length of the dissolves at both ends, 0 for cuts")


class StillSlate(PictureEffect[SlateSettings]):
    """A still title card while the sound goes on."""

    defect = None

    def __init__(self, settings: SlateSettings, scene: Scene) -> None:
        super().__init__(settings, scene)
        self.text = [words(scene.rng, 2) for _ in range(settings.lines)]
        red, green, blue = (float(v) for v in scene.rng.uniform(0.12, 0.6, 3))
        self.paper: Rgb = (red, green, blue)
        self.card: tuple[Values, ...] = ()

    def change(self, picture: Picture) -> Picture:
        """The card, dissolved with the live picture near the ends."""
        if not self.card:
            mask = _centred(self.text, picture.info.size)
            self.card = overlaid(filled(picture, self.paper), mask, WHITE, picture.info)
        edge = float(min(picture.time - self.scene.start, self.scene.end - picture.time))
        weight = 1.0 if self.settings.dissolve_s == 0 else min(1.0, edge / self.settings.dissolve_s)
        return picture.with_planes(mixed(picture.planes, self.card, weight))


class PhotoSettings(Settings):
    """Whether the camera moves over the photograph."""

    zoom: float = Field(0.0, ge=0, le=0.5, description="growth per second; 0 holds the photograph still")


class SlowZoomSettings(PhotoSettings):
    """The same with motion."""

    zoom: float = Field(0.01, ge=0.001, le=0.5, description="growth per second")


class StillPhoto(PictureEffect[PhotoSettings]):
    """A cut to a photograph of another scene (the media's first picture, mirrored), held or slowly approached."""

    defect = None

    def __init__(self, settings: PhotoSettings, scene: Scene) -> None:
        super().__init__(settings, scene)
        self.photo: tuple[npt.NDArray[np.generic], ...] = ()

    def picture(self, picture: Picture) -> Picture | None:
        """As the base does, after keeping the first picture."""
        if not self.photo:
            self.photo = tuple(p[:, ::-1] for p in picture.planes)
        return super().picture(picture)

    def change(self, picture: Picture) -> Picture:
        """The photograph at this moment's size."""
        factor = 1 + self.settings.zoom * float(picture.time - self.scene.start)
        return picture.with_planes(tuple(_zoomed(p, factor) for p in self.photo))


class CreditsSettings(Settings):
    """How the credits roll."""

    lines: int = Field(24, ge=8, le=200, description="lines of text")
    rest: float = Field(0.35, ge=0, le=0.9, description="part of the window in which the last lines stand still")
    background: float = Field(0.04, ge=0, le=0.2, description="luma of the ground, as a part of the signal's range")


class Credits(PictureEffect[CreditsSettings]):
    """Text that scrolls up over a dark ground and comes to rest."""

    defect = None

    def __init__(self, settings: CreditsSettings, scene: Scene) -> None:
        super().__init__(settings, scene)
        lines = [words(scene.rng, 2) for _ in range(settings.lines)]
        assert scene.media.video is not None
        width, height = scene.media.video.size
        self.text = text_mask(lines, max(height // 120, 1))
        self.left = (width - self.text.shape[1]) // 2

    def change(self, picture: Picture) -> Picture:
        """The text where it is now; it starts in full view."""
        height = picture.info.size[1]
        moved = min(self.scene.progress(picture.time) / max(1 - self.settings.rest, 0.1), 1.0)
        first, last = height // 5, height * 4 // 5 - self.text.shape[0]
        mask = placed(self.text, picture.info.size, self.left, round(first + (min(last, first) - first) * moved))
        ground = filled(picture, (self.settings.background,) * 3)
        return picture.with_planes(overlaid(ground, mask, (0.85, 0.85, 0.85), picture.info))


class DarkSettings(Settings):
    """How dark."""

    bright_level: float = Field(
        0.14, ge=0.11, le=0.5, description="luma that the brightest tenth of each picture exceeds, of the range"
    )


class DarkScene(PictureEffect[DarkSettings]):
    """A low-key scene: almost everything is dark, and there is something to see."""

    defect = None

    def change(self, picture: Picture) -> Picture:
        """Scale luma and colour about black and grey; pictures that are darker already stay."""
        info = picture.info
        bright = float(np.percentile(level_of(info, picture.luma[::4, ::4]), 90))
        gain = np.float32(min(self.settings.bright_level / max(bright, 1e-3), 1.0))
        black, grey = np.float32(code_of(info, 0.0)), np.float32(neutral(info))
        luma = black + (picture.luma.astype(np.float32) - black) * gain
        chroma = tuple(grey + (p.astype(np.float32) - grey) * gain for p in picture.planes[1:])
        return picture.with_planes((luma, *chroma))


class StaticSettings(Settings):
    """How little moves."""

    live: float = Field(0.1, ge=0.01, le=0.5, description="part of the picture that lives")
    noise: float = Field(1.0, ge=0, le=4, description="sensor noise on what stands still, 8-bit code values")
    timecode: bool = Field(True, description="burn in a running frame counter, which moves whatever the scene does")


class StaticCamera(PictureEffect[StaticSettings]):
    """A locked-off camera: the scene stands still except for an oval in its middle."""

    defect = None

    def __init__(self, settings: StaticSettings, scene: Scene) -> None:
        super().__init__(settings, scene)
        self.still: Picture | None = None
        self.count = 0
        assert scene.media.video is not None
        width, height = scene.media.video.size
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        # Semi-axes that cover `live` of the picture: pi * a * b = live * width * height with a/b as the picture's.
        radius = np.float32((settings.live / np.pi) ** 0.5)
        distance = np.hypot((x / width - 0.5), (y / height - 0.5)) / radius
        self.live: Mask = np.clip((1.1 - distance) * 5, 0, 1).astype(np.float32)

    def change(self, picture: Picture) -> Picture:
        """The first picture of the window, alive in the oval."""
        if self.still is None:
            self.still = picture
        still: tuple[Values, ...] = mixed(self.still.planes, self.still.planes, 0)
        if self.settings.noise:
            still = noisy(still, self.settings.noise * (1 << (picture.info.depth - 8)), self.rng)
        planes: list[Values] = []
        for held, now in zip(still, picture.planes, strict=True):
            weight = at_size(self.live, held.shape)
            planes.append(held * (1 - weight) + now.astype(np.float32) * weight)
        done: tuple[Values, ...] = tuple(planes)
        if self.settings.timecode:
            self.count += 1
            height = picture.info.size[1]
            text = text_mask([f"{self.count:06d}"], max(height // 120, 1))
            mask = placed(text, picture.info.size, height // 20, height - height // 20 - text.shape[0])
            done = overlaid(done, mask, WHITE, picture.info)
        return picture.with_planes(done)


def _centred(lines: list[str], size: tuple[int, int]) -> Mask:
    """Text in the middle of a picture, three quarters of its width at most."""
    scale = max(size[0] * 3 // 4 // text_mask(lines, 1).shape[1], 1)
    mask = text_mask(lines, scale)
    return placed(mask, size, (size[0] - mask.shape[1]) // 2, (size[1] - mask.shape[0]) // 2)


def _zoomed(plane: npt.NDArray[np.generic], factor: float) -> Values:
    """The plane enlarged about its middle, bilinear."""
    values = plane.astype(np.float32)
    for axis in (0, 1):
        size = values.shape[axis]
        at = (np.arange(size, dtype=np.float32) - (size - 1) / 2) / factor + (size - 1) / 2
        low = np.clip(at.astype(np.intp), 0, max(size - 2, 0))
        share = np.expand_dims((at - low).astype(np.float32), 1 - axis)
        high = np.minimum(low + 1, size - 1)
        values = values.take(low, axis) * (1 - share) + values.take(high, axis) * share
    return values


_VIDEO = frozenset({"video"})
INJECTORS = tuple(
    Injector(name, description, settings, _VIDEO, effect, durations, resembles)
    for name, description, settings, effect, durations, resembles in (
        ("fade_to_black", "fade out, a moment of black, fade in", FadeSettings, Fade, (2.0, 4.0), ("black",)),
        (
            "fade_to_white",
            "fade out, a moment of white, fade in",
            FadeSettings,
            WhiteFade,
            (2.0, 4.0),
            ("solid_colour",),
        ),
        (
            "still_slate",
            "a still title card while the sound goes on",
            SlateSettings,
            StillSlate,
            (3.0, 6.0),
            ("freeze",),
        ),
        ("still_photo", "a cut to a still photograph", PhotoSettings, StillPhoto, (2.0, 5.0), ("freeze",)),
        ("slow_zoom", "a slow zoom into a photograph", SlowZoomSettings, StillPhoto, (3.0, 6.0), ("freeze",)),
        ("credits", "rolling credits that come to rest", CreditsSettings, Credits, (4.0, 8.0), ("black", "freeze")),
        ("dark_scene", "a low-key scene", DarkSettings, DarkScene, (2.0, 6.0), ("black",)),
        ("static_camera", "a locked-off camera, little moves", StaticSettings, StaticCamera, (3.0, 6.0), ("freeze",)),
    )
)
