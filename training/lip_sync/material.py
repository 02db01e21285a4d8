"""Who is learned from, and what else can be heard."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from rich.progress import track

from glasswatch.adapters.local_inference import LocalInference
from glasswatch.detectors.sync.features import band_powers, centred, geometry, steps
from training.lip_sync.augment import Speech
from training.lip_sync.clips import Clip, clips
from training.sources import Group, grouped

LEAST_PRESENCE = 0.5
"""MediaPipe's threshold of a face being there."""

SPEAKERS = (
    Group("grid_s1/", 5.0),
    *(Group(f"talking/grid_{name}") for name in ("bbaf2n", "brbk7n", "lrwp9a", "pwij3p", "lbax4n")),
    *(Group(f"talking/grid_{name}", kept_aside=True) for name in ("lbbc2a", "lwbsza", "sbia1a")),
    Group("talking/mdn_friday.mp4", 0.5),
)
"""Each a person, but for the last: a film with several."""

NOISES = (
    *(
        Group(f"pristine/{name}")
        for name in ("caminandes", "tears_of_steel", "nasa", "bbb_720p", "mdn_crystal", "sam2_cups")
    ),
    Group("audio/"),
)
"""What is heard besides."""

LONGEST_NOISE_S = 30.0
NOISE_FILE = "noises.npz"


def speech_of(clip: Clip) -> Speech | None:
    """A clip as it is learned from; None where most of the time no face is seen."""
    if float((clip.presence >= LEAST_PRESENCE).mean()) < LEAST_PRESENCE:
        return None
    first = clip.pts[0]
    powers = band_powers(
        clip.samples / np.float32(32768), clip.rate, clip.start, first + steps(0, clip.pts[-1] - first)
    )
    return Speech(centred(geometry(clip.landmarks)), clip.pts - first, _loudest_1(powers))


def prepare(media: Path, work: Path, models: Path) -> None:
    """Find the landmarks of all speakers, in `work`/clips; goes on where it stopped. Names the sources beside them."""
    sources = [s for found in grouped(media, SPEAKERS).values() for s in found]
    noise = [s for found in grouped(media, NOISES).values() for s in found if s.channels]
    folder = work / "clips"
    folder.mkdir(parents=True, exist_ok=True)
    used = {s.name: s.duration_s for s in (*sources, *noise)}
    (work / "sources.json").write_text(json.dumps({"sources": used}, indent=1) + "\n", "utf-8")
    inference = LocalInference(models)
    for source in track(sources, "clips"):
        stem = source.name.replace("/", "__")
        done = folder / f"{stem}.done"
        if not done.exists():
            for number, clip in enumerate(clips(source.path, source.name, inference)):
                clip.save(folder / f"{stem}.{number}.npz")
            done.touch()
    if not (work / NOISE_FILE).exists():
        np.savez(work / NOISE_FILE, *noises([s.path for s in noise]))


def load_noises(work: Path) -> list[npt.NDArray[np.float32]]:
    """What `prepare` has found of other sound."""
    with np.load(work / NOISE_FILE) as file:
        return [file[name] for name in file.files]


def speakers(work: Path, *, kept_aside: bool) -> list[tuple[list[Speech], float]]:
    """The clips of each person with the person's weight, of those in `work`/clips."""
    found = []
    for group in SPEAKERS:
        if group.kept_aside == kept_aside:
            paths = sorted(work.joinpath("clips").glob(group.name.replace("/", "__") + "*.npz"))
            speeches = [speech for path in paths if (speech := speech_of(Clip.load(path))) is not None]
            if not speeches:
                raise FileNotFoundError(f"{work} has no clips of {group.name}: run `prepare` first")
            found.append((speeches, group.weight))
    return found


def noises(paths: Sequence[Path]) -> list[npt.NDArray[np.float32]]:
    """Powers in bands of the first LONGEST_NOISE_S of each file."""
    found = []
    for path in paths:
        with av.open(str(path)) as container:
            stream = container.streams.audio[0]
            into = av.AudioResampler("fltp", "mono", stream.rate)
            parts: list[npt.NDArray[np.float32]] = []
            for frame in container.decode(stream):
                parts += [out.to_ndarray()[0] for out in into.resample(frame)]
                if sum(map(len, parts)) > LONGEST_NOISE_S * stream.rate:
                    break
        samples = np.concatenate(parts)
        powers = band_powers(samples, stream.rate, 0.0, steps(0, len(samples) / stream.rate))
        if powers.max() > 0:
            found.append(_loudest_1(powers))
    return found


def _loudest_1(powers: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    sums = powers.sum(axis=1)
    return np.asarray(powers / (np.quantile(sums, 0.95) + 1e-12), np.float32)
