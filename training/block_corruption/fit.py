"""Learning: one run of a fixed number of steps, each of which follows from the seed and its number alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from bench.block.metrics import auc
from torch import Tensor
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from training.block_corruption.crops import DAMAGED, UNSURE, WHOLE, Batch, Samples
from training.block_corruption.network import BlockCorruptionNet
from training.learning import note, schedule

SIZES = ((224, 224), (320, 576), (128, 128))
"""Heights and widths of crops, by turns; a picture's decision must not depend on its size."""

PIXELS = 48 * 224 * 224
"""In a step, whatever the size."""

COLLAGES = (2, 3, 4, 5)
"""Maps are joined to larger ones, so many by so many, on which the decision is learned too: a whole HD picture has
2,040 cells, and no batch of such pictures could be afforded."""

AVERAGED = 0.998
CHECK_EVERY = 500


@dataclass(frozen=True, slots=True)
class Plan:
    """What decides a run's result, with the samples.

    Attributes:
        form: Which network, of `network.FORMS`.
        width: Channels of its first stage.
        steps: Number of steps.
        rate: Highest learning rate; the way there and down is `learning.schedule`.
        seed: Of weights and crops.
        bfloat16: Whether convolutions are computed in 16 bits: three times as fast where the processor has AMX, slower
            where it only pretends.
    """

    form: str
    width: int
    steps: int
    rate: float
    seed: int
    bfloat16: bool


@dataclass(frozen=True, slots=True)
class Watched:
    """How the averaged network does on what it does not learn from, and what the steps since the last time cost.

    `auc_score` and `auc_area` are of pictures, `auc_cells` of cells, `iou` of all damaged cells at probability 0.5.
    """

    step: int
    loss: float
    auc_cells: float
    auc_score: float
    auc_area: float
    iou: float
    seconds: float


def fit(plan: Plan, work: Path, name: str) -> BlockCorruptionNet:
    """Train a network, going on from the last checkpoint in `work`; the averaged network is returned.

    `<name>.pt` is the checkpoint, `<name>.csv` holds the curves.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(plan.seed)
    net = BlockCorruptionNet(plan.form, plan.width).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    averaged = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(AVERAGED), use_buffers=True)  # type: ignore[no-untyped-call]
    trained = cast(BlockCorruptionNet, averaged.module)
    optimizer = torch.optim.AdamW(_parameters(net), lr=plan.rate)
    done = 0
    checkpoint = work / f"{name}.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device)
        if state["plan"] != asdict(plan):
            raise ValueError(f"{checkpoint} is of another plan: {state['plan']}")
        net.load_state_dict(state["net"])
        averaged.load_state_dict(state["averaged"])
        optimizer.load_state_dict(state["optimizer"])
        done = state["step"]
    learned, aside = Samples(work / "learned"), Samples(work / "aside").whole()
    losses, started = [], time.monotonic()
    for step, batch in _batches(learned, plan, done):
        for group in optimizer.param_groups:
            group["lr"] = plan.rate * schedule(step / plan.steps)
        net.train()
        loss = loss_of(net, batch, device, np.random.default_rng([plan.seed, step, 1]), bfloat16=plan.bfloat16)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        averaged.update_parameters(net)
        losses.append(loss.item())
        if (step + 1) % CHECK_EVERY == 0 or step + 1 == plan.steps:
            watched = watch(trained, aside, device, step + 1, losses, time.monotonic() - started)
            note(work / f"{name}.csv", asdict(watched))
            state = {"net": net, "averaged": averaged, "optimizer": optimizer}
            torch.save(
                {key: item.state_dict() for key, item in state.items()} | {"plan": asdict(plan), "step": step + 1},
                checkpoint.with_suffix(".new"),
            )
            checkpoint.with_suffix(".new").replace(checkpoint)
            losses, started = [], time.monotonic()
    return trained


def load(checkpoint: Path) -> BlockCorruptionNet:
    """The averaged network of a checkpoint."""
    state = torch.load(checkpoint, map_location="cpu")
    net = BlockCorruptionNet(state["plan"]["form"], state["plan"]["width"])
    net.load_state_dict({k.removeprefix("module."): v for k, v in state["averaged"].items() if k != "n_averaged"})
    return net


def loss_of(
    net: BlockCorruptionNet, batch: Batch, device: torch.device, rng: np.random.Generator, *, bfloat16: bool
) -> Tensor:
    """Cross entropy of cells and of decisions, about crops and about larger pictures made of them."""
    frames = torch.from_numpy(batch.frames).to(device).permute(0, 3, 1, 2).float()
    with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
        features = net.features(frames)
    found = net.judge(features.float())
    pictures = torch.from_numpy(batch.pictures).to(device)
    cells = _entropy(found.cells, torch.from_numpy(batch.cells).to(device))
    decisions = _entropy(found.picture, pictures)
    joined, truth = _collages(found.cells, batch.pictures, rng)
    if len(truth):
        decisions = decisions + _entropy(net.decision(joined), torch.from_numpy(truth).to(device))
    return cells + 0.3 * decisions


def watch(
    net: BlockCorruptionNet, batches: list[Batch], device: torch.device, step: int, losses: list[float], seconds: float
) -> Watched:
    """Judge whole pictures."""
    net.eval()
    cells, scores, areas, truth_cells, truth = [], [], [], [], []
    with torch.no_grad():
        for batch in batches:
            found = net(torch.from_numpy(batch.frames).to(device).permute(0, 3, 1, 2).float())
            logits = found.cells.cpu().numpy()
            cells.append(logits.ravel())
            areas.append((logits >= 0).mean((1, 2)) + 1e-6 * logits.max((1, 2)))
            scores.append(found.picture.cpu().numpy())
            truth_cells.append(batch.cells.ravel())
            truth.append(batch.pictures)
    cell, sure = np.concatenate(cells), np.concatenate(truth_cells)
    hit = (cell >= 0) & (sure == DAMAGED)
    either = ((cell >= 0) & (sure != UNSURE)) | (sure == DAMAGED)
    pictures = np.concatenate(truth)
    return Watched(
        step,
        float(np.mean(losses)),
        _auc(cell, sure),
        _auc(np.concatenate(scores), pictures),
        _auc(np.concatenate(areas), pictures),
        float(hit.sum() / max(either.sum(), 1)),
        seconds,
    )


def _auc(scores: npt.NDArray[np.floating], truth: npt.NDArray[np.int8]) -> float:
    """AUC of the damaged against the whole; NaN without both."""
    found = auc(scores[truth == DAMAGED].astype(np.float64), scores[truth == WHOLE].astype(np.float64))
    return float("nan") if found is None else found


def _batches(samples: Samples, plan: Plan, done: int) -> Iterator[tuple[int, Batch]]:
    """Each step's crops; the next are cut while a step is computed."""

    def cut(step: int) -> Batch:
        size = SIZES[step % len(SIZES)]
        count = PIXELS // (size[0] * size[1])
        return samples.batch(np.random.default_rng([plan.seed, step, 0]), count, size)

    with ThreadPoolExecutor(1) as pool:
        ahead = pool.submit(cut, done)
        for step in range(done, plan.steps):
            batch = ahead.result()
            ahead = pool.submit(cut, step + 1)
            yield step, batch


def _collages(
    cells: Tensor, pictures: npt.NDArray[np.int8], rng: np.random.Generator
) -> tuple[Tensor, npt.NDArray[np.int8]]:
    """Maps joined to larger ones, half of them of whole crops only, half with one damaged crop."""
    whole, damaged = np.flatnonzero(pictures == WHOLE), np.flatnonzero(pictures == DAMAGED)
    side = int(rng.choice(COLLAGES))
    count = min(len(damaged), 8)
    if len(whole) < side or not count:
        return cells[:0], np.zeros(0, np.int8)
    chosen = rng.choice(whole, (2 * count, side * side))
    chosen[:count, 0] = rng.permutation(damaged)[:count]
    chosen = rng.permuted(chosen, axis=1)
    rows, columns = cells.shape[1:]
    grid = cells[torch.from_numpy(chosen.reshape(-1))].view(2 * count, side, side, rows, columns)
    joined = grid.permute(0, 1, 3, 2, 4).reshape(2 * count, side * rows, side * columns)
    return joined, np.repeat([DAMAGED, WHOLE], count).astype(np.int8)


def _entropy(logits: Tensor, truth: Tensor) -> Tensor:
    """Mean over what is sure."""
    sure = truth != UNSURE
    return functional.binary_cross_entropy_with_logits(logits[sure], truth[sure].float())


def _parameters(net: BlockCorruptionNet) -> list[dict[str, object]]:
    """Weights decay, what normalises does not."""
    weights = [p for p in net.parameters() if p.ndim > 1]
    others = [p for p in net.parameters() if p.ndim <= 1]
    return [{"params": weights, "weight_decay": 0.02}, {"params": others, "weight_decay": 0.0}]
