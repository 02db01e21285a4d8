"""Pictures that resemble block corruption and are whole: blocks and noise that somebody wanted or that cost no data."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from pydantic import Field

from glasswatch.simulator.bitstream import Codec, round_trip
from glasswatch.simulator.effect import PictureEffect, Scene
from glasswatch.simulator.effects.block_corruption import pictures_of
from glasswatch.simulator.injector import Injector
from glasswatch.simulator.media import Picture, Plane, Rgb, Values, yuv_of
from glasswatch.simulator.settings import Settings

CONFETTI: tuple[Rgb, ...] = (
    (0.9, 0.1, 0.15), (0.1, 0.6, 0.9), (0.95, 0.8, 0.1), (0.2, 0.75, 0.3), (0.9, 0.4, 0.7), (0.85, 0.85, 0.85),
)  # fmt: skip


class MosaicSettings(Settings):
    """What is hidden."""

    area: float = Field(0.2, gt=0, le=1, description="part of the picture that is pixelated")
    tile_px: int = Field(16, ge=2, le=128, description="size of its tiles")


class Mosaic(PictureEffect[MosaicSettings]):
    """A pixelated region, as over faces and number plates."""

    defect = None

    def __init__(self, settings: MosaicSettings, scene: Scene) -> None:
        super().__init__(settings, scene)
        self.place = scene.rng.random(2)

    def change(self, picture: Picture) -> Picture:
        """The region has the picture's proportions and stays where it is."""
        side = self.settings.area**0.5
        planes = []
        for plane in picture.planes:
            height, width = plane.shape
            tile = max(self.settings.tile_px * width // picture.info.size[0], 1)
            top, left = (
                int(room * (1 - side) * at) // tile * tile for room, at in zip((height, width), self.place, strict=True)
            )
            done = plane.astype(np.float32)
            part = done[top : top + round(height * side), left : left + round(width * side)]
            part[:] = _tiled(part, tile)
            planes.append(done)
        return picture.with_planes(tuple(planes))


class PixelArtSettings(Settings):
    """How coarse it is."""

    tile_px: int = Field(8, ge=2, le=64, description="size of its pixels")
    shades: int = Field(6, ge=2, le=32, description="levels of each plane")


class PixelArt(PictureEffect[PixelArtSettings]):
    """The whole picture in large pixels of few shades, as in old games."""

    defect = None

    def change(self, picture: Picture) -> Picture:
        """Tiles of one shade."""
        step = np.float32((1 << picture.info.depth) / self.settings.shades)
        planes: list[Values] = []
        for plane in picture.planes:
            tile = max(self.settings.tile_px * plane.shape[1] // picture.info.size[0], 1)
            shades = (np.floor(_tiled(plane, tile) / step) + np.float32(0.5)) * step
            planes.append(shades.astype(np.float32))
        return picture.with_planes(tuple(planes))


class LowBitrateSettings(Settings):
    """Which encoder starves."""

    codec: Codec = Field("libx264", description="encoder that has too few bits")


class LowBitrate(PictureEffect[LowBitrateSettings]):
    """An intact encode with far too few bits: its grid is seen, and nothing is lost."""

    defect = None

    def __init__(self, settings: LowBitrateSettings, scene: Scene) -> None:
        super().__init__(settings, scene)
        assert scene.media.video is not None
        self.coded = round_trip(pictures_of(scene), scene.media.video, settings.codec, gop=settings.gop, starved=1.0)

    def picture(self, picture: Picture) -> Picture | None:
        """As the base does, with the coded pictures in step."""
        self.planes = next(self.coded).clean
        return super().picture(picture)

    def change(self, picture: Picture) -> Picture:
        """The coded picture."""
        return picture.with_planes(self.planes)


class GrainSettings(Settings):
    """How heavy."""

    sigma: float = Field(10.0, gt=0, le=40, description="standard deviation in 8-bit code values")


class HeavyGrain(PictureEffect[GrainSettings]):
    """Coarse film grain: noise in clumps of about two pixels, weaker in the colour."""

    defect = None

    def change(self, picture: Picture) -> Picture:
        """Fresh grain on every picture."""
        sigma = np.float32(self.settings.sigma * (1 << (picture.info.depth - 8)))
        planes: list[Values] = []
        for n, plane in enumerate(picture.planes):
            height, width = plane.shape
            fine = self.rng.standard_normal((height + 1, width + 1), dtype=np.float32)
            # The mean of four has half the deviation.
            clumps: Values = (fine[1:, 1:] + fine[:-1, 1:] + fine[1:, :-1] + fine[:-1, :-1]) * np.float32(0.5)
            planes.append(plane.astype(np.float32) + clumps * np.float32(sigma if n == 0 else sigma / 3))
        return picture.with_planes(tuple(planes))


class ConfettiSettings(Settings):
    """How dense."""

    density: float = Field(0.15, gt=0, le=0.6, description="part of the picture that the pieces would cover side on")
    size: float = Field(0.025, ge=0.005, le=0.1, description="height of a piece, as a part of the picture's")


class Confetti(PictureEffect[ConfettiSettings]):
    """Bright paper falls and turns."""

    defect = None

    def __init__(self, settings: ConfettiSettings, scene: Scene) -> None:
        super().__init__(settings, scene)
        assert scene.media.video is not None
        width, height = scene.media.video.size
        self.side = max(round(settings.size * height), 2)
        count = max(round(settings.density * width * height / self.side**2), 1)
        self.at = scene.rng.random((count, 2)) * (width, height + self.side)
        # Paper falls through the picture in 2 to 5 s, sways, and turns about once a second.
        self.speed = scene.rng.uniform(0.2, 0.5, count) * height
        self.phase = scene.rng.uniform(0, 2 * np.pi, count)
        self.colours = scene.rng.integers(len(CONFETTI), size=count)

    def change(self, picture: Picture) -> Picture:
        """The pieces where they are now."""
        passed = float(picture.time - self.scene.start)
        height = picture.luma.shape[0]
        turn = self.phase + passed * 2 * np.pi
        xs = self.at[:, 0] + np.sin(turn) * self.side
        ys = (self.at[:, 1] + self.speed * passed) % (height + self.side) - self.side
        widths = np.maximum(self.side * np.abs(np.cos(turn)), 1)
        planes = [p.copy() for p in picture.planes]
        codes = np.rint([yuv_of(picture.info, rgb) for rgb in CONFETTI]).astype(planes[0].dtype)
        for x, y, w, colour in zip(xs, ys, widths, self.colours, strict=True):
            for n, plane in enumerate(planes):
                _paint(plane, picture.luma.shape, (x, y, x + w, y + self.side), codes[colour, n])
        return picture.with_planes(tuple(planes))


def _paint(
    plane: Plane, size: tuple[int, ...], box: tuple[float, float, float, float], code: npt.NDArray[np.generic]
) -> None:
    across, down = plane.shape[1] / size[1], plane.shape[0] / size[0]
    left, top, right, bottom = (max(round(v * s), 0) for v, s in zip(box, (across, down) * 2, strict=True))
    plane[top:bottom, left:right] = code


def _tiled(plane: Plane | Values, tile: int) -> Values:
    """Every tile with its own mean."""
    values = plane.astype(np.float32)
    for axis in (0, 1):
        starts = np.arange(0, plane.shape[axis], tile)
        sizes = np.diff([*starts, plane.shape[axis]])
        means = np.add.reduceat(values, starts, axis=axis) / np.expand_dims(sizes, 1 - axis)
        values = means.astype(np.float32).repeat(sizes, axis=axis)
    return values


_RESEMBLES = ("block_corruption",)
INJECTORS = tuple(
    Injector(name, description, settings, frozenset({"video"}), effect, (2.0, 6.0), _RESEMBLES)
    for name, description, settings, effect in (
        ("mosaic_graphics", "a pixelated region", MosaicSettings, Mosaic),
        ("pixel_art", "large pixels of few shades", PixelArtSettings, PixelArt),
        ("low_bitrate", "an intact encode with too few bits", LowBitrateSettings, LowBitrate),
        ("heavy_grain", "coarse film grain", GrainSettings, HeavyGrain),
        ("confetti", "falling confetti", ConfettiSettings, Confetti),
    )
)
