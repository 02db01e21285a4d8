"""The network: a ResNet18 that is convolutional to the end, and a decision about the picture that it learns as well."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

BLOCKS = (2, 2, 2, 2)
"""Residual blocks of each stage of ResNet18 (He et al. 2016, table 1)."""

RESNET18_WIDTH = 64
"""Channels of its first stage; each further stage has twice as many."""

CLUSTER = 3
"""Lost data touches neighbouring cells: the decision sees means over so many by so many of them."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the network says, as logits.

    Attributes:
        cells: (pictures, rows, columns), for each cell whether it is damaged.
        picture: (pictures,), whether the picture is.
    """

    cells: Tensor
    picture: Tensor


class ResidualBlock(nn.Module):
    """Two convolutions beside a way past them."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.way = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        same = stride == 1 and inputs == outputs
        self.past = (
            nn.Identity()
            if same
            else nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        )

    def forward(self, x: Tensor) -> Tensor:
        """Features (pictures, outputs, rows / stride, columns / stride)."""
        return functional.relu(self.way(x) + self.past(x), inplace=True)


class Decision(nn.Module):
    """A picture is damaged, or it is not: learned from figures about the map that do not depend on its size.

    The figures are the highest logit, the highest mean of a cluster, and the logarithms of how many cells are damaged
    and of which part of all that is.
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))

    def forward(self, cells: Tensor) -> Tensor:
        """Logits (pictures,) from those of the map (pictures, rows, columns)."""
        clusters = functional.avg_pool2d(cells.unsqueeze(1), CLUSTER, 1, CLUSTER // 2, count_include_pad=False)
        damaged = torch.sigmoid(cells)
        figures = (
            cells.amax((1, 2)) / 4,
            clusters.amax((1, 2, 3)) / 4,
            torch.log1p(damaged.sum((1, 2))),
            torch.log(damaged.mean((1, 2)) + 1e-3),
        )
        logits: Tensor = self.layers(torch.stack(figures, 1)).squeeze(1)
        return logits


class BlockCorruptionNet(nn.Module):
    """ResNet18 of any width whose last layer is a 1x1 convolution, and the decision on its map.

    Args:
        width: Channels of the first stage; RESNET18_WIDTH makes it a ResNet18, less a smaller one of the same form.
    """

    def __init__(self, width: int = RESNET18_WIDTH) -> None:
        super().__init__()
        self.width = width
        stem = [
            nn.Conv2d(3, width, 7, 2, padding=3, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2, padding=1),
        ]
        stages: list[nn.Module] = []
        inputs = width
        for stage, count in enumerate(BLOCKS):
            outputs = width << stage
            for block in range(count):
                stages.append(ResidualBlock(inputs, outputs, 2 if stage and not block else 1))
                inputs = outputs
        self.features = nn.Sequential(*stem, *stages)
        self.cells = nn.Conv2d(inputs, 1, 1)
        self.decision = Decision()

    def forward(self, pictures: Tensor) -> Prediction:
        """Judge pictures (pictures, 3, height, width), R'G'B' of 0 to 1; a map has ceil(size / 32) cells."""
        cells = self.cells(self.features((pictures - 0.5) * 4)).squeeze(1)
        return Prediction(cells, self.decision(cells))


class Served(nn.Module):
    """The network as it is served: 8-bit pictures in, probabilities out."""

    def __init__(self, net: BlockCorruptionNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Map (frames, rows, columns) and score (frames, 1) of frames (frames, height, width, 3), uint8."""
        found = self.net(frames.permute(0, 3, 1, 2).float() / 255)
        return torch.sigmoid(found.cells), torch.sigmoid(found.picture).unsqueeze(1)
