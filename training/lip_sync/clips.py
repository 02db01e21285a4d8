"""Clips of people talking: the landmarks of each face track, a picture of its mouth, and the sound."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from glasswatch.adapters.local_inference import LocalInference
from glasswatch.core.media import AudioChunk, FrameChunk
from glasswatch.core.needs import AudioNeed, Planes, VideoNeed
from glasswatch.decoder.decode import Decoder
from glasswatch.decoder.source import open_source
from glasswatch.detectors.sync.landmarks import tracked
from glasswatch.detectors.sync.squares import Picture

MODEL_S = 60.0
"""Longest wait for a model."""


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """One face track of a clip with the sound of the clip.

    Attributes:
        name: Of the file, below the media folder, and of the track.
        pts: When each picture is shown, in seconds, float64 (pictures,).
        landmarks: In pixels, float32 (pictures, 468, 3).
        presence: float32 (pictures,).
        samples: Mean of the channels, int16 (samples,).
        rate: Samples per second.
        start: Time of the first sample in seconds.
    """

    name: str
    pts: npt.NDArray[np.float64]
    landmarks: npt.NDArray[np.float32]
    presence: npt.NDArray[np.float32]
    samples: npt.NDArray[np.int16]
    rate: int
    start: float

    def save(self, path: Path) -> None:
        """Write one .npz file."""
        np.savez(path, **{k: getattr(self, k) for k in self.__slots__})

    @classmethod
    def load(cls, path: Path) -> Clip:
        """Read one."""
        with np.load(path) as file:
            arrays = {k: file[k] for k in ("pts", "landmarks", "presence", "samples")}
            return cls(name=str(file["name"]), rate=int(file["rate"]), start=float(file["start"]), **arrays)


def decoded(path: Path) -> tuple[list[Picture], list[Fraction], npt.NDArray[np.int16], int, Fraction]:
    """Pictures, when each is shown, and the first track's sound: samples, rate, and time of the first sample."""
    pictures: list[Picture] = []
    pts: list[Fraction] = []
    chunks: list[AudioChunk] = []
    with closing(open_source(str(path))) as source:
        for unit in Decoder(source, [VideoNeed(Planes.RGB), AudioNeed()], threads=1).units():
            if isinstance(unit, FrameChunk):
                pictures += list(unit.planes[0])
                pts += unit.pts
            elif isinstance(unit, AudioChunk) and unit.track == 0:
                chunks.append(unit)
    if not chunks or not pictures:
        raise ValueError(f"{path} has no sound or no picture")
    rate, start = chunks[0].rate, chunks[0].start
    places = [round((c.start - start) * rate) for c in chunks]
    samples = np.zeros(max(at + len(c) for at, c in zip(places, chunks, strict=True)), np.float32)
    for at, chunk in zip(places, chunks, strict=True):
        samples[at : at + len(chunk)] = chunk.samples.mean(axis=0)
    return pictures, pts, np.rint(np.clip(samples, -1, 1) * 32767).astype(np.int16), rate, start


def clips(path: Path, name: str, inference: LocalInference) -> list[Clip]:
    """The face tracks of a file."""
    pictures, pts, samples, rate, start = decoded(path)
    tracks = tracked(pictures, pts, (), lambda model, inputs: inference.infer(model, inputs, MODEL_S))
    return [
        Clip(
            f"{name}#{number}",
            np.array([float(t) for t in track.pts]),
            track.landmarks,
            track.presence,
            samples,
            rate,
            float(start),
        )
        for number, track in enumerate(tracks)
    ]
