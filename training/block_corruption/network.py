"""The networks: residual, convolutional to the end, with a decision about the picture that is learned as well."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.block_corruption.crops import CELL_PX

BLOCKS = (2, 2, 2, 2)
"""Residual blocks of each stage of ResNet18 (He et al. 2016, table 1)."""

RESNET18_WIDTH = 64
"""Channels of its first stage; each further stage has twice as many."""

TILE_PX = 8
"""The transform of MPEG-2 and the smallest usual partition of later codecs; larger blocks are whole tiles."""

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


class ResNet18(nn.Sequential):
    """The features of ResNet18, or of a narrower network of the same form.

    Args:
        width: Channels of the first stage.
    """

    def __init__(self, width: int = RESNET18_WIDTH) -> None:
        self.channels = width << 3
        layers: list[nn.Module] = [
            nn.Conv2d(3, width, 7, 2, padding=3, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2, padding=1),
        ]
        inputs = width
        for stage, count in enumerate(BLOCKS):
            outputs = width << stage
            for block in range(count):
                layers.append(ResidualBlock(inputs, outputs, 2 if stage and not block else 1))
                inputs = outputs
        super().__init__(*layers)

    def forward(self, pictures: Tensor) -> Tensor:
        """Features (pictures, channels, rows, columns) of R'G'B' codes (pictures, 3, height, width), 0 to 255."""
        features: Tensor = super().forward((pictures - 127.5) / 64)  # type: ignore[no-untyped-call]
        return features


class EdgeProfiles(nn.Module):
    """What steps there are along each line and column of tiles of 8 x 8 pixels, and the mean colour of each tile.

    Codecs put blocks together from such tiles, so an edge between blocks is a step along one line of the profile that
    those beside it do not have. A network that begins here need not learn that, and computes at an eighth of the size.
    """

    channels = 2 * TILE_PX + 3

    def forward(self, pictures: Tensor) -> Tensor:
        """Features (pictures, channels, rows, columns) of R'G'B' codes (pictures, 3, height, width), 0 to 255.

        What is missing to a whole cell at the lower and right edge is filled up with the mirror image of what is there:
        repeated lines would be a smear.
        """
        height, width = pictures.shape[2:]
        across, down = -width % CELL_PX, -height % CELL_PX
        # A picture of less than half a cell has too few lines for that.
        mirrored = torch.sym_min(across, width - 1), torch.sym_min(down, height - 1)
        whole = functional.pad(pictures, (0, mirrored[0], 0, mirrored[1]), mode="reflect")
        whole = functional.pad(whole, (0, across - mirrored[0], 0, down - mirrored[1]), mode="replicate")
        steps_across = (whole[:, :, :, 1:] - whole[:, :, :, :-1]).abs().amax(1)
        steps_down = (whole[:, :, 1:] - whole[:, :, :-1]).abs().amax(1)
        # There is no step to what is outside.
        columns = functional.avg_pool2d(functional.pad(steps_across, (1, 0)), (TILE_PX, 1))
        lines = functional.avg_pool2d(functional.pad(steps_down, (0, 0, 1, 0)), (1, TILE_PX))
        profiles = torch.cat(
            [
                columns.unflatten(2, (-1, TILE_PX)).permute(0, 3, 1, 2),
                lines.unflatten(1, (-1, TILE_PX)).transpose(1, 2),
            ],
            1,
        )
        # The logarithm, since a step counts by how much larger it is than others; a code of 8 bit is the least.
        return torch.cat([torch.log(profiles + 1), functional.avg_pool2d(whole, TILE_PX) / 64], 1)


class EdgeNet(nn.Sequential):
    """Residual blocks on edge profiles, two at each of an eighth, a sixteenth and a thirty-second of the size.

    Args:
        width: Channels of the first stage.
    """

    def __init__(self, width: int) -> None:
        self.channels = width << 2
        super().__init__(
            EdgeProfiles(),
            nn.BatchNorm2d(EdgeProfiles.channels),
            nn.Conv2d(EdgeProfiles.channels, width, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            ResidualBlock(width, width, 1),
            ResidualBlock(width, width, 1),
            ResidualBlock(width, 2 * width, 2),
            ResidualBlock(2 * width, 2 * width, 1),
            ResidualBlock(2 * width, 4 * width, 2),
            ResidualBlock(4 * width, 4 * width, 1),
        )


FORMS = {"resnet18": ResNet18, "edges": EdgeNet}


class BlockCorruptionNet(nn.Module):
    """Features, a 1x1 convolution that makes the map of them, and the decision on the map.

    Args:
        form: Which features, of FORMS.
        width: Channels of their first stage.
    """

    def __init__(self, form: str, width: int) -> None:
        super().__init__()
        self.features = FORMS[form](width)
        self.cells = nn.Conv2d(self.features.channels, 1, 1)
        self.decision = Decision()

    def forward(self, pictures: Tensor) -> Prediction:
        """Judge pictures (pictures, 3, height, width), R'G'B' codes of 0 to 255; a map has ceil(size / 32) cells."""
        return self.judge(self.features(pictures))

    def judge(self, features: Tensor) -> Prediction:
        """The map and the decision of features (pictures, channels, rows, columns)."""
        cells = self.cells(features).squeeze(1)
        return Prediction(cells, self.decision(cells))


class Served(nn.Module):
    """The network as it is served: 8-bit pictures in, probabilities out."""

    def __init__(self, net: BlockCorruptionNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Map (frames, rows, columns) and score (frames, 1) of frames (frames, height, width, 3), uint8."""
        found = self.net(frames.permute(0, 3, 1, 2).float())
        return torch.sigmoid(found.cells), torch.sigmoid(found.picture).unsqueeze(1)
