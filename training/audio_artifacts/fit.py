"""Learning: one run of a fixed number of steps, each of which follows from the seed and its number alone."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from glasswatch.detectors.audio.artifact_features import CLASSES, YAMNET_BANDS, features
from training.audio_artifacts.network import AudioArtifactsNet, Served, Yamnet
from training.audio_artifacts.samples import UNSURE
from training.learning import note, schedule

BATCH = {"none": 48, "hum": 12, "hiss": 12, "distortion": 12, "clicks": 12}
"""Seconds of each class in a step: whole sound is the most varied."""

PRIOR = np.array([BATCH[name] for name in CLASSES], np.float32) / sum(BATCH.values())
AVERAGED = 0.995
CHECK_EVERY = 100

Inputs = Mapping[str, npt.NDArray[np.float16]]


@dataclass(frozen=True, slots=True)
class Plan:
    """What decides a run's result, with the samples.

    Attributes:
        layers: Of YAMNet.
        width: Of the other branches.
        steps: Number of steps.
        rate: Highest learning rate; the way there and down is `learning.schedule`.
        seed: Of weights and order.
    """

    layers: int
    width: int
    steps: int
    rate: float
    seed: int


@dataclass(frozen=True, slots=True)
class Watched:
    """How the averaged network does on what it does not learn from: recall of each class and their mean."""

    step: int
    loss: float
    balanced_accuracy: float
    none: float
    hum: float
    hiss: float
    distortion: float
    clicks: float
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class Seconds:
    """All sure seconds of a folder: YAMNet's features, inputs by name, and class."""

    heard: npt.NDArray[np.float16]
    inputs: Inputs
    labels: npt.NDArray[np.int64]

    def batch(self, chosen: npt.NDArray[np.intp]) -> tuple[list[Tensor], Tensor]:
        """What `AudioArtifactsNet.decide` takes, in its order, and classes."""
        inputs = [torch.from_numpy(v[chosen].astype(np.float32)) for v in (self.heard, *self.inputs.values())]
        return inputs, torch.from_numpy(self.labels[chosen])


def load_seconds(folder: Path, yamnet: Yamnet) -> Seconds:
    """Compute the features of every second in a folder, once."""
    paths = sorted(folder.glob("*.npz"))
    if not paths:
        raise FileNotFoundError(f"{folder} holds no samples: run `prepare` first")
    with ProcessPoolExecutor(2) as pool:
        found = list(pool.map(_features, paths, chunksize=16))
    inputs = {name: np.concatenate([f[0][name] for f in found]) for name in found[0][0]}
    return Seconds(_heard(yamnet, inputs["mel"]), inputs, np.concatenate([f[1] for f in found]))


def _heard(yamnet: Yamnet, mel: npt.NDArray[np.float16]) -> npt.NDArray[np.float16]:
    with torch.no_grad():
        parts = [
            yamnet(torch.from_numpy(part[..., :YAMNET_BANDS].astype(np.float32))).numpy().astype(np.float16)
            for part in np.array_split(mel, -(-len(mel) // 64))
        ]
    return np.concatenate(parts)


def _features(path: Path) -> tuple[dict[str, npt.NDArray[np.float16]], npt.NDArray[np.int64]]:
    with np.load(path) as file:
        sure = file["labels"] != UNSURE
        samples = file["samples"][sure].astype(np.float32) / 32768
        inputs = {k: v.astype(np.float16) for k, v in features(samples, int(file["rate"])).items()}
        return inputs, file["labels"][sure].astype(np.int64)


def pretrained(model: Path, layers: int) -> Yamnet:
    """YAMNet as it was published; it does not learn."""
    yamnet = Yamnet(layers)
    yamnet.load(model)
    yamnet.requires_grad_(requires_grad=False)
    return yamnet


def fit(plan: Plan, learned: Seconds, aside: Seconds, yamnet: Yamnet, work: Path, name: str) -> AudioArtifactsNet:
    """Train a network; the averaged one is returned, and kept in `<name>.pt` with the curves in `<name>.csv`."""
    torch.manual_seed(plan.seed)
    net = AudioArtifactsNet(plan.layers, plan.width)
    net.yamnet = yamnet
    averaged = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(AVERAGED), use_buffers=True)  # type: ignore[no-untyped-call]
    learning = [p for p in net.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=plan.rate, weight_decay=0.02)
    by_class = [np.flatnonzero(learned.labels == c) for c in range(len(CLASSES))]
    rng = np.random.default_rng(plan.seed)
    losses, started = [], time.monotonic()
    for step in range(plan.steps):
        for group in optimizer.param_groups:
            group["lr"] = plan.rate * schedule(step / plan.steps)
        inputs, truth = learned.batch(_chosen(by_class, rng))
        net.train()
        loss = functional.cross_entropy(net.decide(*_augmented(inputs, rng)), truth, label_smoothing=0.02)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(learning, 5.0)
        optimizer.step()
        averaged.update_parameters(net)
        losses.append(loss.item())
        if (step + 1) % CHECK_EVERY == 0 or step + 1 == plan.steps:
            trained = cast(AudioArtifactsNet, averaged.module)
            recalls = recalls_of(probabilities(trained, aside).argmax(1), aside.labels)
            seconds, started = time.monotonic() - started, time.monotonic()
            watched = Watched(step + 1, float(np.mean(losses)), float(np.mean(recalls)), *recalls, seconds)
            note(work / f"{name}.csv", asdict(watched))
            losses = []
            torch.save({"net": trained.state_dict(), "plan": asdict(plan)}, work / f"{name}.pt")
    return cast(AudioArtifactsNet, averaged.module)


def load(checkpoint: Path) -> AudioArtifactsNet:
    """The averaged network of a run."""
    state = torch.load(checkpoint, map_location="cpu")
    net = AudioArtifactsNet(state["plan"]["layers"], state["plan"]["width"])
    net.load_state_dict(state["net"])
    return net


def probabilities(net: AudioArtifactsNet, seconds: Seconds) -> npt.NDArray[np.float32]:
    """(seconds, classes) of what is judged, as it is served."""
    served = Served(net, PRIOR).eval()
    with torch.no_grad():
        parts = [
            served.told(net.decide(*seconds.batch(part)[0])).numpy()
            for part in np.array_split(np.arange(len(seconds.labels)), -(-len(seconds.labels) // 256))
        ]
    return np.concatenate(parts)


def recalls_of(found: npt.NDArray[np.integer], truth: npt.NDArray[np.integer]) -> list[float]:
    """Of each class, the part of its seconds that is found."""
    return [float((found[truth == c] == c).mean()) for c in range(len(CLASSES))]


def _chosen(by_class: list[npt.NDArray[np.intp]], rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """The seconds of a step."""
    return np.concatenate([rng.choice(c, BATCH[n]) for c, n in zip(by_class, CLASSES, strict=True)])


def _augmented(inputs: list[Tensor], rng: np.random.Generator) -> list[Tensor]:
    """Louder or quieter, and with a stretch of time or of bands that is not heard."""
    heard, mel, mains, residual, shape = inputs
    gain = torch.from_numpy(rng.uniform(-0.8, 0.8, (len(mel), 1, 1)).astype(np.float32))
    mel = torch.log((torch.exp(mel) - 0.001).clamp(min=0) * torch.exp(gain) + 0.001)
    for row in np.flatnonzero(rng.random(len(mel)) < 0.3):
        at, length = int(rng.integers(0, YAMNET_BANDS - 8)), int(rng.integers(2, 9))
        mel[row, :, at : at + length] = mel[row].mean()
    mains = mains + (gain * 0.434).unsqueeze(3)
    return [heard, mel, mains, residual, shape]
