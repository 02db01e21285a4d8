"""Block corruption: real damage to coded pictures, shown as decoders conceal it, and damage that is drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, cast, get_args

import av
import numpy as np
from pydantic import Field

from glasswatch.core.detection import Region
from glasswatch.core.errors import UsageError
from glasswatch.simulator.bitstream import Codec, Loss, Planes, damaged, like, pictures_shown, round_trip
from glasswatch.simulator.blocks import DAMAGE_CODE8, BlockMap, damaged_blocks
from glasswatch.simulator.effect import Effect, Encoded, Scene, StreamEffect
from glasswatch.simulator.encode import CONTAINERS
from glasswatch.simulator.injector import Injector
from glasswatch.simulator.labels import DamagedPicture, Defect
from glasswatch.simulator.media import Picture, Values, VideoInfo, neutral
from glasswatch.simulator.settings import Settings
from glasswatch.simulator.source import read

Drawing = Literal["displaced", "uniform", "smeared"]
# Whole pictures between damaged ones for no longer than this (five at 25/s) do not end what a viewer sees as one event.
JOIN_S = Fraction(1, 5)


class BlockSettings(Settings):
    """Which damage and how much of it."""

    mode: Literal["drop", "truncate", "bit_flip", "packet_loss", "displaced", "uniform", "smeared"] = Field(
        "drop", description="the first four damage coded pictures, the others draw"
    )
    strength: float = Field(
        0.3, gt=0, le=1, description="part of a picture's data, or of its blocks, that is hit; at least one"
    )
    every: int = Field(12, ge=1, description="one picture in so many is hit; the first one always")
    codec: Codec = Field("libx264", description="coder whose pictures are damaged")
    output: Literal["pixels", "stream"] = Field(
        "pixels", description="pixels: a sound file of damaged pictures; stream: the damaged stream itself, .ts only"
    )
    block_px: Literal["16", "32", "64"] = Field("32", description="size of drawn blocks")
    least_code8: float = Field(
        DAMAGE_CODE8, ge=1, le=64, description="mean absolute difference, 8-bit codes, above which a block is labelled"
    )
    decay: float = Field(0.95, ge=0, le=1, description="what is left of drawn damage in each next picture")


@dataclass(slots=True)
class Ledger:
    """What is damaged so far; damaged pictures at most JOIN_S apart belong to one defect."""

    pictures: list[DamagedPicture] = field(default_factory=list)
    defects: list[Defect] = field(default_factory=list)
    areas: list[float] = field(default_factory=list)
    last_end: Fraction = Fraction(0)

    def add(self, start: Fraction, end: Fraction, blocks: BlockMap, size: tuple[int, int]) -> None:
        """Take in a picture with at least one damaged block."""
        label = DamagedPicture.of(float(start), blocks, size)
        self.pictures.append(label)
        begin, region = float(start), label.region
        if self.defects and start - self.last_end <= JOIN_S:
            defect = self.defects.pop()
            assert defect.region is not None
            begin, region = defect.start_s, _around(defect.region, region)
        else:
            self.areas.clear()
        self.areas.append(label.area)
        strength = {
            "area_mean": round(sum(self.areas) / len(self.areas), 6),
            "area_peak": max(self.areas),
            "pictures": float(len(self.areas)),
        }
        self.defects.append(
            Defect(defect="block_corruption", start_s=begin, end_s=float(end), region=region, strength=strength)
        )
        self.last_end = end


def _around(a: Region, b: Region) -> Region:
    left, top = min(a[0], b[0]), min(a[1], b[1])
    right, bottom = max(a[0] + a[2], b[0] + b[2]), max(a[1] + a[3], b[1] + b[3])
    return left, top, right - left, bottom - top


class Corruption(Effect[BlockSettings]):
    """Keeps the ground truth: what differs from the undamaged picture by more than a re-encode would change."""

    defect = "block_corruption"

    def __init__(self, settings: BlockSettings, scene: Scene) -> None:
        super().__init__(settings, scene)
        assert scene.media.video is not None
        self.info: VideoInfo = scene.media.video
        self.ledger = Ledger()
        self.seen = 0

    def defects(self) -> list[Defect]:
        """One for each stretch of damaged pictures."""
        return self.ledger.defects

    def pictures(self) -> list[DamagedPicture]:
        """Every damaged picture."""
        return self.ledger.pictures

    def mark(self, start: Fraction, end: Fraction, blocks: BlockMap) -> None:
        """State which blocks of the picture shown in [start, end) are damaged, if any."""
        if blocks.any():
            self.changed.add(start, end)
            self.ledger.add(start, end, blocks, self.info.size)

    def is_hit(self) -> bool:
        """Whether the next picture of the window is one that is hit."""
        self.seen += 1
        return (self.seen - 1) % self.settings.every == 0

    def hit(self, data: bytes, decoder: str) -> bytes:
        """A coded picture of the window, damaged where it is its turn."""
        if not self.is_hit():
            return data
        assert self.settings.mode in get_args(Loss)
        return damaged(data, decoder, cast("Loss", self.settings.mode), self.settings.strength, self.rng)


@dataclass(slots=True)
class Concealment:
    """What a screen shows, picture by picture: where the decoder has no new one, the last one stands.

    A repeat is not damaged by being one; it holds the damage of the picture that it repeats.
    """

    info: VideoInfo
    least_code8: float
    planes: Planes = ()
    blocks: BlockMap | None = None

    def show(self, clean: Planes, shown: Planes | None) -> tuple[Planes, BlockMap]:
        """The planes on the screen and which of their blocks are damaged."""
        if shown is not None or self.blocks is None:
            self.planes = clean if shown is None else shown
            self.blocks = damaged_blocks(clean, self.planes, self.info, self.least_code8)
        return self.planes, self.blocks


class CodedDamage(Corruption):
    """Pictures as a decoder shows them that got damaged data. All pictures are coded, so that only damage differs."""

    def __init__(self, settings: BlockSettings, scene: Scene) -> None:
        super().__init__(settings, scene)
        self.screen = Concealment(self.info, settings.least_code8)
        self.coded = round_trip(
            pictures_of(scene),
            self.info,
            settings.codec,
            gop=settings.gop,
            damage=self.hit,
            window=(scene.start, scene.end),
        )

    def picture(self, picture: Picture) -> Picture | None:
        """The same picture after coding, damage and concealment."""
        coded = next(self.coded)
        planes, blocks = self.screen.show(coded.clean, coded.shown)
        self.mark(picture.time, picture.end, blocks)
        return picture.with_planes(planes)


class StreamDamage(Corruption, StreamEffect[BlockSettings]):
    """The damaged stream itself. The labels hold what FFmpeg's decoder shows of it; others conceal otherwise."""

    # Other containers store lengths in place of start codes, and no channel loses parts of them.
    containers = frozenset({".ts"})

    def damage(self, clean: Encoded, target: Path) -> None:
        """Copy the packets, damage those of the window, and compare what is shown of both files."""
        muxer = CONTAINERS[target.suffix.lower()][0]
        with (
            av.open(str(clean.path)) as source,
            av.open(
                str(target), "w", format=muxer, options={"fflags": "+bitexact", "avoid_negative_ts": "disabled"}
            ) as sink,
        ):
            streams = {
                s.index: sink.add_stream_from_template(s) for s in (*source.streams.video, *source.streams.audio)
            }
            for packet in source.demux():
                if packet.dts is None or packet.pts is None or packet.time_base is None:
                    continue
                sent = packet
                coded = packet.dts * packet.time_base - clean.origin
                shown = packet.pts * packet.time_base - clean.origin
                # Nothing that is coded later is shown before the window.
                if packet.stream.type == "video" and coded >= self.scene.start and shown < self.scene.end:
                    data = self.hit(bytes(packet), source.streams.video[0].codec_context.name)
                    if not data:
                        continue
                    sent = like(packet, data)
                sent.stream = streams[packet.stream_index]
                sink.mux(sent)
        self._compare(clean, target)

    def _compare(self, clean: Encoded, target: Path) -> None:
        assert clean.media.video is not None
        screen = Concealment(clean.media.video, self.settings.least_code8)
        broken = pictures_shown(target, clean.media.video)
        ahead: dict[Fraction, Planes] = {}
        latest = Fraction(-1)
        for time, planes in pictures_shown(clean.path, clean.media.video):
            while latest < time and (item := next(broken, None)) is not None:
                latest = item[0]
                ahead[item[0]] = item[1]
            _, blocks = screen.show(planes, ahead.get(time))
            ahead = {t: p for t, p in ahead.items() if t > time}
            start = time - clean.origin
            self.mark(start, start + 1 / self.info.frame_rate, blocks)


class DrawnDamage(Corruption):
    """Blocks painted over. The error stays in the pictures that follow, ever weaker, until the next key frame."""

    def __init__(self, settings: BlockSettings, scene: Scene) -> None:
        super().__init__(settings, scene)
        if settings.output == "stream":
            raise UsageError(f"block_corruption: mode {settings.mode} draws; it leaves no damaged stream")
        self.count = 0
        self.before: Picture | None = None
        self.error: list[Values] = []

    def picture(self, picture: Picture) -> Picture | None:
        """The picture and the error that it was predicted with."""
        if self.count % self.settings.gop == 0:
            self.error = []
        self.count += 1
        if self.scene.holds(picture.time) and self.is_hit():
            drawn = self._draw(picture)
            self.error = [d - p.astype(np.float32) for d, p in zip(drawn, picture.planes, strict=True)]
        self.before = picture
        if not self.error:
            return picture
        done = picture.with_planes(tuple(p + e for p, e in zip(picture.planes, self.error, strict=True)))
        blocks = damaged_blocks(picture.planes, done.planes, self.info, self.settings.least_code8)
        if not blocks.any():
            self.error = []
            return picture
        self.mark(picture.time, picture.end, blocks)
        self.error = [e * np.float32(self.settings.decay) for e in self.error]
        return done

    def _draw(self, picture: Picture) -> list[Values]:
        planes = [p.astype(np.float32) for p in picture.planes]
        if self.error:
            planes = [p + e for p, e in zip(planes, self.error, strict=True)]
        size = int(self.settings.block_px)
        lines, width = picture.luma.shape
        columns = -(-width // size)
        count = -(-lines // size) * columns
        wanted = max(round(self.settings.strength * count), 1)
        # Lost slices and packets take blocks in the order of coding, some of them at several places.
        runs = int(min(self.rng.integers(1, 5), wanted))
        first = int(self.rng.integers(count))
        for run in range(runs):
            length = wanted * (run + 1) // runs - wanted * run // runs
            begin = first + count * run // runs
            colour = self._colour()
            for at in range(begin, begin + length):
                top, left = divmod(at % count, columns)
                self._block(planes, picture, top * size, left * size, size, colour)
        return planes

    def _colour(self) -> tuple[float, ...]:
        """What decoders show without data: mid-scale planes, empty planes, or the mean of a block (nothing given)."""
        grey = float(neutral(self.info))
        return ((grey,) * 3, (0.0,) * 3, ())[int(self.rng.integers(3))]

    def _block(
        self, planes: list[Values], picture: Picture, top: int, left: int, size: int, colour: tuple[float, ...]
    ) -> None:
        height, width = picture.luma.shape
        earlier = self.before is not None and self.rng.random() < 0.5
        donor = self.before if earlier and self.before is not None else picture
        # Even, so that chroma moves with luma.
        y, x = (
            int(np.clip(at + 2 * self.rng.integers(-2 * size, 2 * size + 1), 0, max(room - size, 0)))
            for at, room in ((top, height), (left, width))
        )
        for n, (plane, source) in enumerate(zip(planes, donor.planes, strict=True)):
            down, across = (1 if plane.shape[axis] == picture.luma.shape[axis] else 2 for axis in (0, 1))
            block = plane[top // down : (top + size) // down, left // across : (left + size) // across]
            if self.settings.mode == "displaced":
                block[:] = source[y // down :, x // across :][: block.shape[0], : block.shape[1]]
            elif self.settings.mode == "uniform":
                block[:] = colour[n] if colour else block.mean(dtype=np.float64)
            else:
                above = max(top // down - 1, 0)
                block[:] = plane[above, left // across : (left + size) // across]


def pictures_of(scene: Scene) -> Iterator[Picture]:
    """The pictures of a second pass over the source."""
    return (item for item in read(scene.source, scene.media, sound=False) if isinstance(item, Picture))


def _corruption(settings: BlockSettings, scene: Scene) -> Effect[Any]:
    if settings.mode in get_args(Drawing):
        return DrawnDamage(settings, scene)
    return (StreamDamage if settings.output == "stream" else CodedDamage)(settings, scene)


INJECTORS = (
    Injector(
        "block_corruption",
        "displaced, smeared or uniform blocks from lost data",
        BlockSettings,
        frozenset({"video"}),
        _corruption,
        (0.2, 3),
    ),
)
