"""Learning: one run of a fixed number of steps, each of which follows from the seed and its number alone."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from glasswatch.detectors.sync.features import SOUND_STEPS, STEP_RATE, levelled
from glasswatch.detectors.sync.offset import NEAR, REACH
from training.learning import note, schedule
from training.lip_sync.augment import SPEEDS, Speech, heard, joined, watched
from training.lip_sync.material import load_noises, speakers
from training.lip_sync.network import Ensemble, LipSyncNet

BATCH = 48
LENGTHS = (30, 100)
"""Steps that are seen, from - to."""

OTHERS = 0.3
"""Part that telling the own sound from that of other clips has in the loss."""

AVERAGED = 0.995
CHECK_EVERY = 250

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Plan:
    """What decides a run's result, with the samples.

    Attributes:
        width: Of the layers.
        size: Of the embedding.
        dropout: Part of what is left out.
        steps: Number of steps.
        rate: Highest learning rate; the way there and down is `learning.schedule`.
        seed: Of weights and order.
        bfloat16: Convolve in half precision, which is faster on some processors.
    """

    width: int
    size: int
    dropout: float
    steps: int
    rate: float
    seed: int
    bfloat16: bool = False


@dataclass(frozen=True, slots=True)
class Watched:
    """Loss, and how the averaged network does on who it does not learn from: right to a step."""

    step: int
    loss: float
    aside_loss: float
    aside_right: float
    seconds: float


UNRELATED = {"other speech": 0.12, "other sound": 0.06, "grimaces": 0.08}
"""Parts of the fragments: another clip's sound as in dubbed films, music and babble alone, a mouth that does not speak
(speech backwards and slower)."""

Batch = tuple[Tensor, Tensor, Tensor]
"""Mouths (count, steps, ...), the sound from REACH steps before to REACH steps after, and whether both are related."""


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What is learned from.

    Attributes:
        speakers: The clips of each speaker, and how often the speaker is drawn.
        noises: Powers of other sound, loudest 1.
    """

    speakers: Sequence[tuple[Sequence[Speech], float]]
    noises: Sequence[Floats]

    def batch(self, count: int, steps: int, rng: np.random.Generator) -> Batch:
        """Fragments of `steps` steps, of which UNRELATED are none of speech with its own sound."""
        mouths, sounds, related = [], [], []
        for _ in range(count):
            speed = float(np.exp(rng.uniform(*np.log(SPEEDS))))
            needed_s = (steps + 2 * REACH + 2) / STEP_RATE * speed
            speaker = self._speaker(rng)
            speech = self._speech(speaker, needed_s, rng)
            first_s = rng.uniform(0, max(speech.length_s - needed_s, 0.0))
            other = str(rng.choice([*UNRELATED, ""], p=[*UNRELATED.values(), 1 - sum(UNRELATED.values())]))
            shown = speech.backwards() if other == "grimaces" else speech
            pace = speed * float(rng.uniform(0.3, 1.0)) if other == "grimaces" else speed
            mouths.append(watched(shown, first_s + REACH / STEP_RATE * speed, pace, steps, rng))
            columns = steps + 2 * REACH
            noise = self._noise(columns, speaker, rng)
            if other == "other sound":
                sounds.append(levelled(noise))
            else:
                if other == "other speech":
                    speech = self._speech(self._speaker(rng, speaker), needed_s, rng)
                sounds.append(heard(speech, first_s, speed, columns, noise, rng))
            related.append(not other)
        return torch.from_numpy(np.stack(mouths)), torch.from_numpy(np.stack(sounds)), torch.tensor(related)

    def _speaker(self, rng: np.random.Generator, other_than: int | None = None) -> int:
        """Number of a speaker; the same one says something else only where there are other clips."""
        weights = np.array([weight for _, weight in self.speakers])
        if other_than is not None and len(self.speakers[other_than][0]) == 1:
            weights[other_than] = 0
        return int(rng.choice(len(weights), p=weights / weights.sum()))

    def _speech(self, speaker: int, needed_s: float, rng: np.random.Generator) -> Speech:
        """Of one speaker, as long as is needed."""
        clips = self.speakers[speaker][0]
        chosen: list[Speech] = []
        while sum(c.length_s - 0.02 for c in chosen) < needed_s:
            chosen.append(clips[int(rng.integers(len(clips)))])
        return joined(chosen)

    def _noise(self, steps: int, speaker: int, rng: np.random.Generator) -> Floats:
        columns = SOUND_STEPS * steps
        if rng.random() < 0.5:
            noise = self.noises[int(rng.integers(len(self.noises)))]
            return np.roll(noise, -int(rng.integers(len(noise))), axis=0)[np.arange(columns) % len(noise)]
        babble = np.zeros((columns, self.noises[0].shape[1]), np.float32)
        for _ in range(int(rng.integers(1, 4))):
            clips = self.speakers[self._speaker(rng, speaker)][0]
            powers = clips[int(rng.integers(len(clips)))].powers
            babble += np.roll(powers, -int(rng.integers(len(powers))), axis=0)[np.arange(columns) % len(powers)]
        return babble


ASIDE_LENGTHS = (50, 75, 100, 100)


def learned_from(work: Path) -> Material:
    """What `prepare` has found of those who are learned from."""
    return Material(speakers(work, kept_aside=False), load_noises(work))


def kept_aside(work: Path) -> Material:
    """What `prepare` has found of those who are not learned from."""
    return Material(speakers(work, kept_aside=True), load_noises(work))


def aside_batches(aside: Material) -> list[Batch]:
    """Always the same ones."""
    rng = np.random.default_rng(0)
    return [aside.batch(BATCH, count, rng) for count in ASIDE_LENGTHS]


def similarities(seen: Tensor, heard: Tensor) -> Tensor:
    """Sums over the steps of how alike they are at each offset, (batch, 2 * REACH + 1)."""
    steps = seen.shape[1]
    # (batch, seen step, heard step), of which the diagonals are the offsets.
    found = seen @ heard.transpose(1, 2)
    return torch.stack([found.diagonal(o, 1, 2).sum(1) for o in range(heard.shape[1] - steps + 1)], 1)


def loss_of(seen: Tensor, heard: Tensor, related: Tensor, doubt: Tensor) -> Tensor:
    """Cross entropy of the true offset, or of none; and of it among the sound of other clips.

    Args:
        seen: (batch, steps, size).
        heard: (batch, steps + 2 * REACH, size).
        related: (batch,), whether there is a true offset.
        doubt: Similarity of no offset.
    """
    steps = seen.shape[1]
    own = similarities(seen, heard)
    none = (doubt + np.log(own.shape[1])).expand(len(own), 1)
    truth = torch.where(related, REACH, own.shape[1])
    flat = seen.reshape(len(seen), -1) @ heard[:, REACH : REACH + steps].reshape(len(heard), -1).T
    both = torch.cat([own, flat.masked_fill(torch.eye(len(seen), dtype=torch.bool), -1e4)], 1)[related]
    among_clips = functional.cross_entropy(both, torch.full((len(both),), REACH))
    return (1 - OTHERS) * functional.cross_entropy(torch.cat([own, none], 1), truth) + OTHERS * among_clips


def fit(plan: Plan, learned: Material, aside: Sequence[Batch], work: Path, name: str) -> LipSyncNet:
    """Train a network; the averaged one is returned, and kept in `<name>-<seed>.pt`, its curves beside it."""
    stem = f"{name}-{plan.seed}"
    torch.manual_seed(plan.seed)
    net = LipSyncNet(plan.width, plan.size, plan.dropout)
    averaged = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(AVERAGED), use_buffers=True)  # type: ignore[no-untyped-call]
    optimizer = torch.optim.AdamW(net.parameters(), lr=plan.rate, weight_decay=0.05)
    rng = np.random.default_rng(plan.seed)
    losses, started = [], time.monotonic()
    for step in range(plan.steps):
        for group in optimizer.param_groups:
            group["lr"] = plan.rate * schedule(step / plan.steps)
        net.train()
        batch = learned.batch(BATCH, int(rng.integers(LENGTHS[0], LENGTHS[1] + 1)), rng)
        with torch.autocast("cpu", torch.bfloat16, enabled=plan.bfloat16):
            seen, heard_there = net(*batch[:2])
        loss = loss_of(seen.float(), heard_there.float(), batch[2], net.doubt)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        averaged.update_parameters(net)
        losses.append(loss.item())
        if (step + 1) % CHECK_EVERY == 0 or step + 1 == plan.steps:
            trained = cast(LipSyncNet, averaged.module)
            seconds, started = time.monotonic() - started, time.monotonic()
            note(
                work / f"{stem}.csv",
                asdict(Watched(step + 1, float(np.mean(losses)), *judged(trained, aside), seconds)),
            )
            losses = []
            torch.save({"net": trained.state_dict(), "plan": asdict(plan)}, work / f"{stem}.pt")
    return cast(LipSyncNet, averaged.module)


def judged(net: nn.Module, batches: Sequence[Batch]) -> tuple[float, float]:
    """Loss and how often the best offset is the true one or beside it."""
    net.eval()
    with torch.no_grad():
        found = torch.cat([similarities(*net(*batch[:2]))[batch[2]] for batch in batches])
    truth = torch.full((len(found),), REACH)
    right = ((found.argmax(1) - REACH).abs() <= NEAR).float().mean()
    return float(functional.cross_entropy(found, truth)), float(right)


def load(work: Path, name: str) -> Ensemble:
    """The averaged networks of all runs of a name."""
    members = []
    for checkpoint in sorted(work.glob(f"{name}-*.pt")):
        state: Mapping[str, Mapping[str, float]] = torch.load(checkpoint, map_location="cpu")
        plan = state["plan"]
        members.append(LipSyncNet(int(plan["width"]), int(plan["size"]), plan["dropout"]))
        members[-1].load_state_dict(state["net"])
    if not members:
        raise FileNotFoundError(f"{work} has no {name}-*.pt: run `fit` first")
    return Ensemble(members)
