"""Samples: pictures as a decoder shows them, with how far each block is off what it should be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
from av.video.reformatter import VideoReformatter
from bench.sources import Source

from glasswatch.decoder import pixels
from glasswatch.simulator.bitstream import Codec, Loss, Planes, damaged, round_trip
from glasswatch.simulator.blocks import BLOCK_PX, LARGE_CODE8, block_differences
from glasswatch.simulator.effect import Effect, Scene
from glasswatch.simulator.effects.block_corruption import BlockSettings, Drawing, DrawnDamage
from glasswatch.simulator.effects.block_negatives import (
    Confetti,
    ConfettiSettings,
    GrainSettings,
    HeavyGrain,
    Mosaic,
    MosaicSettings,
    PixelArt,
    PixelArtSettings,
)
from glasswatch.simulator.encode import video_frame
from glasswatch.simulator.media import Picture
from glasswatch.simulator.visible import visible_blocks
from training.block_corruption.clips import FRAMES, draw, media_of, pictures
from training.block_corruption.graphics import decorated
from training.block_corruption.patterns import pattern
from training.prepare import Series
from training.sources import Group

Generator = np.random.Generator
Differences = npt.NDArray[np.float32]

CODECS = get_args(Codec)
CODEC_SHARES = (0.35, 0.25, 0.25, 0.15)

DAMAGED_KEPT = 5
CLEAN_KEPT = 2
"""Pictures of a damaged clip that become samples."""

RESCALE = (0.7, 1.5)
"""Damage that was scaled afterwards: by a player, or before a second encode."""


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A picture on the screen and how far its blocks (16 x 16) are off, in 8-bit codes; None where nothing is."""

    picture: Picture
    differences: Differences | None


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """What becomes of one clip.

    Attributes:
        frames: (pictures, height, width, 3), R'G'B', uint8.
        differences: (pictures, rows, columns) mean absolute difference of each block in 8-bit codes, at most 255.
        visible: (pictures, rows, columns), which blocks are seen to be damaged.
        block_px: Side of a block in pixels of these frames.
        kind: What was done, for the curves.
        source: Name of the file.
    """

    frames: npt.NDArray[np.uint8]
    differences: npt.NDArray[np.uint8]
    visible: npt.NDArray[np.bool_]
    block_px: float
    kind: str
    source: str

    def save(self, path: Path) -> None:
        """Write two files, the frames in one of their own so that they can be mapped into memory."""
        np.save(path.with_suffix(".frames.npy"), self.frames)
        # Last, because it says that both are there.
        np.savez(
            path,
            differences=self.differences,
            visible=self.visible,
            block_px=self.block_px,
            kind=self.kind,
            source=self.source,
        )


def make(groups: Mapping[Group, list[Source]], rng: Generator) -> Samples:
    """Samples from a clip that chance decides."""
    source, clip = draw(groups, rng)
    if rng.random() < 0.25:
        clip = decorated(clip, draw(groups, rng)[1], rng)
    return _samples(clip, source.name, WAYS, rng) or make(groups, rng)


def make_graphic(groups: Mapping[Group, list[Source]], rng: Generator) -> Samples:
    """Samples from test patterns, or from clips that were laid over or beside each other; most of them are whole."""
    if rng.random() < 0.5:
        clip, name = pictures(pattern(rng), rng), "pattern"
    else:
        source, clip = draw(groups, rng)
        clip, name = decorated(clip, draw(groups, rng)[1], rng), source.name
    return _samples(clip, name, GRAPHIC_WAYS, rng) or make_graphic(groups, rng)


def _samples(clip: list[Picture], name: str, ways: Sequence[Way], rng: Generator) -> Samples | None:
    """Samples of a clip to which one of the ways is done; None where every picture was lost."""
    way = ways[int(rng.choice(len(ways), p=[w.share for w in ways]))]
    shown = way.show(clip, rng)
    if not shown:
        return None
    if rng.random() < 0.25:
        shown = _encoded_again(shown, rng)
    scale = float(np.exp(rng.uniform(*np.log(RESCALE)))) if rng.random() < 0.2 else 1.0
    kept = _kept(shown, rng)
    frames = np.stack([rgb(item.picture, scale) for item in kept])
    none = np.zeros(block_differences(clip[0].planes, clip[0].planes, clip[0].info).shape, np.float32)
    off = np.stack([none if item.differences is None else item.differences for item in kept])
    differences = np.minimum(np.ceil(off), 255).astype(np.uint8)
    block_px = BLOCK_PX * frames.shape[2] / clip[0].info.size[0]
    visible = [visible_blocks(f, d > LARGE_CODE8, block_px) for f, d in zip(frames, differences, strict=True)]
    return Samples(frames, differences, np.stack(visible), block_px, way.name, name)


def rgb(picture: Picture, scale: float = 1.0) -> npt.NDArray[np.uint8]:
    """The picture as the decoder's RGB rendition has it, (height, width, 3)."""
    width, height = (round(n * scale) for n in picture.info.size)
    return pixels.rgb(video_frame(picture), (width, height), VideoReformatter())


def _coded(clip: list[Picture], rng: Generator) -> list[Shown]:
    """Damage to real streams, as FFmpeg's decoders conceal it."""
    codec = _codec(rng)
    loss = str(rng.choice(get_args(Loss)))
    strength = float(np.exp(rng.uniform(np.log(0.02), np.log(0.9))))
    every = int(rng.choice([1, 2, 4, 8, FRAMES]))
    counted = iter(range(10 * FRAMES))

    def damage(data: bytes, decoder: str) -> bytes:
        return damaged(data, decoder, loss, strength, rng) if next(counted) % every == 0 else data  # type: ignore[arg-type]

    begin = clip[int(rng.integers(0, 4))].time
    coded = round_trip(
        iter(clip),
        clip[0].info,
        codec,
        gop=int(rng.choice([8, FRAMES, 4 * FRAMES])),
        starved=_starvation(rng),
        damage=damage,
        window=(begin, clip[-1].end),
    )
    # Where the decoder has nothing new the last picture stands, which no picture by itself can tell.
    return [
        Shown(picture.with_planes(item.shown), _off(item.clean, item.shown, picture))
        for picture, item in zip(clip, coded, strict=True)
        if item.shown is not None
    ]


def _drawn(clip: list[Picture], rng: Generator) -> list[Shown]:
    """Displaced, uniform and smeared blocks in whole pictures."""
    settings = BlockSettings(
        mode=str(rng.choice(get_args(Drawing))),
        strength=float(np.exp(rng.uniform(np.log(0.003), np.log(0.7)))),
        every=int(rng.choice([1, 2, 4, 8])),
        block_px=str(rng.choice(["16", "32", "64"])),
        decay=float(rng.uniform(0.8, 1)),
    )
    if rng.random() < 0.7:
        clip = [item.picture for item in _intact(clip, rng)]
    effect = DrawnDamage(settings, _scene(clip, rng))
    return [Shown(after, _off(p.planes, after.planes, p)) for p in clip if (after := effect.picture(p)) is not None]


def _intact(clip: list[Picture], rng: Generator) -> list[Shown]:
    """An encode of any quality down to the worst; nothing is lost."""
    starved = rng.uniform(0, 1)
    coded = round_trip(iter(clip), clip[0].info, _codec(rng), gop=4 * FRAMES, starved=float(starved))
    return [Shown(p.with_planes(item.clean), None) for p, item in zip(clip, coded, strict=True)]


def _negative(clip: list[Picture], rng: Generator) -> list[Shown]:
    """Blocks and noise that somebody wanted."""
    scene = _scene(clip, rng)
    tile = int(rng.integers(4, 49))
    effects: tuple[Callable[[], Effect[Any]], ...] = (
        lambda: Mosaic(MosaicSettings(area=float(rng.uniform(0.02, 0.6)), tile_px=tile), scene),
        lambda: PixelArt(PixelArtSettings(tile_px=tile, shades=int(rng.integers(4, 33))), scene),
        lambda: HeavyGrain(GrainSettings(sigma=float(rng.uniform(3, 25))), scene),
        lambda: Confetti(ConfettiSettings(density=rng.uniform(0.02, 0.5), size=rng.uniform(0.008, 0.08)), scene),
    )
    effect = effects[int(rng.integers(len(effects)))]()
    changed = [after for picture in clip if (after := effect.picture(picture)) is not None]
    return _intact(changed, rng) if rng.random() < 0.7 else [Shown(picture, None) for picture in changed]


def _encoded_again(shown: list[Shown], rng: Generator) -> list[Shown]:
    """Damage from before the encoder: the channel is whole, its picture is not."""
    # Pictures that were never shown leave no gap in an encode.
    clip = [replace(s.picture, time=Fraction(n, 25), end=Fraction(n + 1, 25)) for n, s in enumerate(shown)]
    coded = round_trip(iter(clip), clip[0].info, _codec(rng), gop=4 * FRAMES, starved=float(rng.uniform(0, 0.4)))
    return [Shown(s.picture.with_planes(item.clean), s.differences) for s, item in zip(shown, coded, strict=True)]


def _kept(shown: list[Shown], rng: Generator) -> list[Shown]:
    """Some damaged and some whole pictures; all kinds of damage have the same chance, however long it lasts."""
    off = [s for s in shown if s.differences is not None and (s.differences > LARGE_CODE8).any()]
    whole = [s for s in shown if s.differences is None or not s.differences.any()]
    return [*_some(off, DAMAGED_KEPT, rng), *_some(whole, CLEAN_KEPT if off else CLEAN_KEPT + 2, rng)] or shown[:1]


def _some(items: list[Shown], count: int, rng: Generator) -> Iterable[Shown]:
    chosen = rng.permutation(len(items))[:count]
    return [items[int(n)] for n in sorted(chosen)]


def _off(clean: Planes, shown: Planes, picture: Picture) -> Differences:
    return block_differences(clean, shown, picture.info)


def _codec(rng: Generator) -> Codec:
    codec: Codec = CODECS[int(rng.choice(len(CODECS), p=CODEC_SHARES))]
    return codec


def _starvation(rng: Generator) -> float:
    """Mostly ordinary encodes."""
    return float(rng.triangular(0, 0, 0.8))


def _scene(clip: list[Picture], rng: Generator) -> Scene:
    return Scene(Path(), media_of(clip), clip[0].time, clip[-1].end, rng)


@dataclass(frozen=True, slots=True)
class Way:
    """What may be done to a clip, and to which part of the clips."""

    share: float
    name: str
    show: Callable[[list[Picture], Generator], list[Shown]]


WAYS = (
    Way(0.50, "coded", _coded),
    Way(0.13, "drawn", _drawn),
    Way(0.20, "intact", _intact),
    Way(0.17, "negative", _negative),
)
GRAPHIC_WAYS = (
    Way(0.2, "coded", _coded),
    Way(0.1, "drawn", _drawn),
    Way(0.4, "intact", _intact),
    Way(0.3, "negative", _negative),
)

SERIES = (Series(make), Series(make_graphic, prefix="graphic-", every=5))
