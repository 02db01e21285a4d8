"""The network: a tower for the mouth and one for the sound, with a joint embedding for each step."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from glasswatch.detectors.sync.features import BANDS, MOUTH_FEATURES, SOUND_STEPS

LIMIT = 4.0


class Residual(nn.Module):
    """Two convolutions along time, added to what goes in."""

    def __init__(self, width: int, kernel: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(width, width, kernel, padding=kernel // 2, bias=False),
            nn.BatchNorm1d(width),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Conv1d(width, width, kernel, padding=kernel // 2, bias=False),
            nn.BatchNorm1d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(batch, width, steps) to the same."""
        return functional.relu(x + self.layers(x))


class Limit(nn.Module):
    """What is far from usual, as grimaces are, counts for no more than LIMIT standard deviations."""

    def forward(self, x: Tensor) -> Tensor:
        """Same shape."""
        return LIMIT * torch.tanh(x / LIMIT)


class Tower(nn.Module):
    """Convolutions to an embedding of length 1 for each step, times how telling the step is.

    Args:
        inputs: Features of a column.
        columns: In a step: 1 or 4.
        width: Of the layers.
        size: Of the embedding.
        dropout: Part of what is left out while learning.
    """

    def __init__(self, inputs: int, columns: int, width: int, size: int, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.BatchNorm1d(inputs), Limit()]
        if columns > 1:
            layers += [
                nn.Conv1d(inputs, width, 5, padding=2, bias=False),
                nn.BatchNorm1d(width),
                nn.ReLU(inplace=True),
                nn.Dropout(dropout),
                nn.Conv1d(width, width, columns, columns, bias=False),
            ]
        else:
            layers += [nn.Dropout1d(dropout), nn.Conv1d(inputs, width, 3, padding=1, bias=False)]
        layers += [nn.BatchNorm1d(width), nn.ReLU(inplace=True), nn.Dropout(dropout)]
        layers += [Residual(width, 3, dropout), Residual(width, 3, dropout)]
        self.layers = nn.Sequential(*layers)
        self.embedding = nn.Conv1d(width, size, 1)
        self.telling = nn.Conv1d(width, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, steps, size) of (batch, columns * steps, inputs)."""
        found = self.layers(x.transpose(1, 2))
        embedding = functional.normalize(self.embedding(found), dim=1)
        return (embedding * torch.sigmoid(self.telling(found))).transpose(1, 2)


class LipSyncNet(nn.Module):
    """Both towers. `doubt` is the similarity up to which a sound does not belong to a mouth; only learning uses it.

    Args:
        width: Of their layers.
        size: Of the embedding.
        dropout: Part of what is left out while learning.
    """

    def __init__(self, width: int, size: int, dropout: float) -> None:
        super().__init__()
        self.mouth = Tower(MOUTH_FEATURES, 1, width, size, dropout)
        self.sound = Tower(BANDS, SOUND_STEPS, width, size, dropout)
        self.scale = nn.Parameter(torch.tensor(0.5))
        self.doubt = nn.Parameter(torch.tensor(4.0))

    def forward(self, mouth: Tensor, sound: Tensor) -> tuple[Tensor, Tensor]:
        """Embeddings `seen` (batch, steps, size) and `heard` (batch, other steps, size), times a common scale.

        Args:
            mouth: (batch, steps, MOUTH_FEATURES).
            sound: (batch, SOUND_STEPS * other steps, BANDS).
        """
        return self.mouth(mouth) * torch.exp(self.scale), self.sound(sound)


class Ensemble(nn.Module):
    """Networks that were learned apart, their embeddings side by side: so their similarities add up.

    Args:
        members: The networks.
    """

    def __init__(self, members: Sequence[LipSyncNet]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.size = sum(member.mouth.embedding.out_channels for member in members)

    def forward(self, mouth: Tensor, sound: Tensor) -> tuple[Tensor, Tensor]:
        """As of a member, with as many times its size."""
        seen, heard = zip(*(member(mouth, sound) for member in self.members), strict=True)
        return torch.cat(seen, 2), torch.cat(heard, 2)
