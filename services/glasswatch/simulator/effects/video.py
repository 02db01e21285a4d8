"""Defects of the picture: black, freeze, solid colour."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from pydantic import Field

from glasswatch.core.errors import UsageError
from glasswatch.simulator.drawing import bars, overlaid, placed, text_mask
from glasswatch.simulator.effect import Mean, PictureEffect, Scene
from glasswatch.simulator.injector import Injector
from glasswatch.simulator.labels import Defect
from glasswatch.simulator.media import Picture, Rgb, Values, filled, level_of, mixed, neutral, noisy
from glasswatch.simulator.settings import Settings
from glasswatch.simulator.source import read

COLOURS: dict[str, Rgb] = {
    "grey": (0.5, 0.5, 0.5),
    "white": (1.0, 1.0, 1.0),
    "green": (0.0, 1.0, 0.0),
    "blue": (0.0, 0.0, 1.0),
    "pink": (1.0, 0.4, 0.7),
}


class BlackSettings(Settings):
    """How black."""

    level: float = Field(0.0, ge=0, le=0.1, description="luma as a part of the signal's range, 0 to 0.1")
    noise: float = Field(0.0, ge=0, le=8, description="standard deviation of noise in 8-bit code values")
    logo: float = Field(0.0, ge=0, le=0.02, description="part of the picture that a station logo covers")


class Black(PictureEffect[BlackSettings]):
    """The picture is gone, perhaps not the noise and the station's logo."""

    defect = "black"

    def change(self, picture: Picture) -> Picture:
        """A flat picture, then noise, then the logo on top."""
        planes: tuple[Values, ...] = filled(picture, (self.settings.level,) * 3)
        if self.settings.noise:
            planes = noisy(planes, _code_noise(self.settings.noise, picture), self.rng)
        if self.settings.logo:
            planes = overlaid(planes, _logo(picture.info.size, self.settings.logo), COLOURS["white"], picture.info)
        return picture.with_planes(planes)

    def strength(self) -> dict[str, float]:
        """The settings as they are."""
        return {"level_fraction": self.settings.level, "noise_code8": self.settings.noise, "logo": self.settings.logo}


class ColourSettings(Settings):
    """Which picture stands for none."""

    colour: Literal[
        "grey", "white", "green", "blue", "pink", "bars_smpte", "bars_ebu", "decoder_green", "decoder_grey"
    ] = Field("grey", description="decoder_* is what decoders show that have no data: planes all 0, or all mid-scale")
    noise: float = Field(0.0, ge=0, le=8, description="standard deviation of noise in 8-bit code values")


class SolidColour(PictureEffect[ColourSettings]):
    """One colour, or bars, instead of a picture."""

    defect = "solid_colour"

    def __init__(self, settings: ColourSettings, scene: Scene) -> None:
        super().__init__(settings, scene)
        self.kind = "bars" if settings.colour.startswith("bars") else "uniform"

    def change(self, picture: Picture) -> Picture:
        """The colour or pattern, then noise."""
        colour = self.settings.colour
        planes: tuple[Values, ...]
        if colour.startswith("bars"):
            planes = bars(picture, colour)
        elif colour.startswith("decoder"):
            code = 0 if colour == "decoder_green" else neutral(picture.info)
            planes = tuple(np.full(p.shape, code, np.float32) for p in picture.planes)
        else:
            planes = filled(picture, COLOURS[colour])
        if self.settings.noise:
            planes = noisy(planes, _code_noise(self.settings.noise, picture), self.rng)
        return picture.with_planes(planes)

    def strength(self) -> dict[str, float]:
        """The settings as they are."""
        return {"noise_code8": self.settings.noise}


class FreezeSettings(Settings):
    """How the picture stands still."""

    mode: Literal["hold", "resume"] = Field(
        "hold", description="hold: afterwards the picture is where it would have been; resume: it goes on late"
    )
    noise: float = Field(0.0, ge=0, le=4, description="standard deviation of fresh noise on each repeat, 8-bit codes")
    fade: float = Field(0.0, ge=0, le=0.2, description="part of live motion that shines through, as a bad repeat has")


class Freeze(PictureEffect[FreezeSettings]):
    """The last picture before the window stands; the label starts at its first repeat."""

    defect = "freeze"

    def __init__(self, settings: FreezeSettings, scene: Scene) -> None:
        super().__init__(settings, scene)
        self.held: Picture | None = None
        self.late: Iterator[Picture] | None = None
        self.motion = Mean()
        self.last_end = scene.start

    def see(self, picture: Picture) -> None:
        """Keep the latest picture before the window."""
        if picture.time < self.scene.start:
            self.held = picture

    def picture(self, picture: Picture) -> Picture | None:
        """As the base does; in mode resume, late pictures after the window."""
        self.last_end = picture.end
        shown = super().picture(picture)
        if self.late is not None and picture.time >= self.scene.end:
            # The source goes on where it stopped: a second reader follows as far behind as the freeze was long.
            return picture.with_planes(next(self.late).planes)
        return shown

    def change(self, picture: Picture) -> Picture:
        """The held picture with what residue was asked for."""
        if self.held is None:
            raise UsageError("freeze: the window must not hold the first picture; let it start later")
        if self.late is None and self.settings.mode == "resume":
            self.late = self._from(picture)
        self.motion.add(np.abs(level_of(picture.info, picture.luma) - level_of(picture.info, self.held.luma)))
        planes: tuple[Values, ...] | tuple[np.ndarray, ...] = self.held.planes
        if self.settings.fade:
            planes = mixed(planes, picture.planes, self.settings.fade)
        if self.settings.noise:
            planes = noisy(planes, _code_noise(self.settings.noise, picture), self.rng)
        return picture.with_planes(planes)

    def strength(self) -> dict[str, float]:
        """`lost_motion_fraction`: mean luma difference to what should have been seen, of the signal's range."""
        return {
            "noise_code8": self.settings.noise,
            "fade": self.settings.fade,
            "lost_motion_fraction": self.motion.value,
        }

    def defects(self) -> list[Defect]:
        """The freeze, and the sync error that mode resume leaves behind."""
        found = super().defects()
        if found and self.settings.mode == "resume" and self.scene.media.audio and self.changed.end is not None:
            # The sound was not held: from here on it is early.
            end = found[0].end_s
            offset = round(1000 * (end - found[0].start_s), 3)
            late = Defect(
                defect="av_sync", start_s=end, end_s=float(self.last_end), strength={"audio_early_ms": offset}
            )
            found.append(late)
            self.changed.add(self.changed.end, self.last_end)
        return found

    def _from(self, first: Picture) -> Iterator[Picture]:
        for item in read(self.scene.source, self.scene.media, sound=False):
            if isinstance(item, Picture) and item.time >= first.time:
                yield item


def _code_noise(code8: float, picture: Picture) -> float:
    return code8 * (1 << (picture.info.depth - 8))


def _logo(size: tuple[int, int], area: float) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """A text logo in the upper right corner whose lit pixels cover at most `area` of the picture."""
    glyphs = text_mask(["TV"], 1)
    scale = max(int((area * size[0] * size[1] / glyphs.sum()) ** 0.5), 1)
    mask = text_mask(["TV"], scale)
    return placed(mask, size, size[0] - mask.shape[1] - size[0] // 20, size[1] // 20)


_VIDEO = frozenset({"video"})
INJECTORS = (
    Injector("black", "black pictures, with noise or a logo at will", BlackSettings, _VIDEO, Black, (0.2, 5)),
    Injector("freeze", "one picture stands while time goes on", FreezeSettings, _VIDEO, Freeze, (0.5, 5)),
    Injector(
        "solid_colour", "one colour or colour bars instead of a picture", ColourSettings, _VIDEO, SolidColour, (0.2, 5)
    ),
)
