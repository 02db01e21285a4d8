"""The network: YAMNet's body on its own spectrogram, small branches on what it does not hear, one decision."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional

from glasswatch.detectors.audio.artifact_features import CLASSES, YAMNET_BANDS
from glasswatch.models.yamnet import CONV1_FILTERS, LAYERS


class Convolution(nn.Conv2d):
    """3 x 3 with padding as TensorFlow's SAME: at stride 2 even sizes are padded below and to the right only."""

    def __init__(self, inputs: int, outputs: int, stride: int, groups: int = 1) -> None:
        super().__init__(inputs, outputs, 3, stride, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        """Rows and columns are divided by the stride, rounded up."""
        padding = []
        for size in (x.shape[3], x.shape[2]):
            whole = max((-(-size // self.stride[0]) - 1) * self.stride[0] + 3 - size, 0)
            padding += [whole // 2, whole - whole // 2]
        return super().forward(functional.pad(x, padding))


class Yamnet(nn.Module):
    """The body of YAMNet, normalisation folded into its weights.

    Args:
        layers: How many of its 14 layers; the first are the cheap and general ones.
    """

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.conv1 = Convolution(1, CONV1_FILTERS, 2)
        self.depthwise, self.pointwise = nn.ModuleDict(), nn.ModuleDict()
        inputs = CONV1_FILTERS
        for number, (outputs, stride) in enumerate(LAYERS[: layers - 1], 2):
            self.depthwise[str(number)] = Convolution(inputs, inputs, stride, groups=inputs)
            self.pointwise[str(number)] = nn.Conv2d(inputs, outputs, 1)
            inputs = outputs
        self.channels = inputs

    def forward(self, mel: Tensor) -> Tensor:
        """Mean and highest features (seconds, 2 * channels) of log-mel spectrograms (seconds, 96, 64)."""
        x = functional.relu(self.conv1(mel.unsqueeze(1)))
        for number, depthwise in self.depthwise.items():
            x = functional.relu(self.pointwise[number](functional.relu(depthwise(x))))
        return torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)

    def load(self, model: Path) -> None:
        """Take the weights of the third-party model `yamnet` (`glasswatch models build yamnet`)."""
        weights = {
            w.name: torch.from_numpy(numpy_helper.to_array(w).copy()) for w in onnx.load(model).graph.initializer
        }
        own = self.state_dict()
        for name in own:
            part, _, rest = name.partition(".")
            number, _, kind = rest.rpartition(".")
            own[name] = weights[f"{part}{number}.{kind}"]
        self.load_state_dict(own)


class Pooled(nn.Module):
    """Convolutions along time, then mean and maximum over it."""

    def __init__(self, inputs: int, width: int, strides: tuple[int, ...]) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.BatchNorm1d(inputs)]
        for stride in strides:
            layers += [
                nn.Conv1d(inputs, width, 5, stride, padding=2, bias=False),
                nn.BatchNorm1d(width),
                nn.ReLU(inplace=True),
            ]
            inputs = width
        self.layers = nn.Sequential(*layers)
        self.channels = 2 * width

    def forward(self, x: Tensor) -> Tensor:
        """Features (seconds, channels) of (seconds, inputs, steps)."""
        found = self.layers(x)
        return torch.cat([found.mean(2), found.amax(2)], 1)


class Mains(nn.Module):
    """The same layers for 50 and for 60 Hz, each harmonic against the floor around it."""

    def __init__(self, width: int, inputs: int = 16 * 51) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.BatchNorm1d(2 * inputs),
            nn.Dropout(0.1),
            nn.Linear(2 * inputs, 2 * width),
            nn.ReLU(inplace=True),
            nn.Linear(2 * width, width),
            nn.ReLU(inplace=True),
        )
        self.channels = 2 * width

    def forward(self, x: Tensor) -> Tensor:
        """Features (seconds, channels) of (seconds, 2, 16, 51)."""
        # The median, in operations that ONNX has.
        against = x - x.sort(3).values[..., 25:26]
        found = self.layers(torch.cat([against, x], 3).flatten(2).flatten(0, 1)).unflatten(0, (-1, 2))
        return torch.cat([found.amax(1), found.mean(1)], 1)


class Residual(nn.Module):
    """What is not foreseen: its course, and its highest moments, whenever they are."""

    HIGHEST = 12

    def __init__(self, width: int, inputs: int = 3) -> None:
        super().__init__()
        self.course = Pooled(inputs, width, (2, 2, 2, 2))
        self.highest = nn.Sequential(
            nn.BatchNorm1d(inputs * self.HIGHEST),
            nn.Linear(inputs * self.HIGHEST, width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
        )
        self.channels = self.course.channels + width

    def forward(self, x: Tensor) -> Tensor:
        """Features (seconds, channels) of (seconds, inputs, milliseconds)."""
        highest = x.topk(self.HIGHEST, 2).values.flatten(1)
        return torch.cat([self.course(x), self.highest(highest)], 1)


class AudioArtifactsNet(nn.Module):
    """All of it.

    Args:
        layers: Of YAMNet.
        width: Of the other branches.
    """

    def __init__(self, layers: int, width: int) -> None:
        super().__init__()
        self.yamnet = Yamnet(layers)
        self.bands = Pooled(80, width, (1, 2, 2))
        self.mains = Mains(width)
        self.residual = Residual(width)
        self.shape = Pooled(27, width, (1, 1))
        channels = sum(part.channels for part in (self.bands, self.mains, self.residual, self.shape))
        self.heard = nn.Sequential(
            nn.Dropout(0.3), nn.Linear(2 * self.yamnet.channels, 2 * width), nn.ReLU(inplace=True)
        )
        self.decision = nn.Sequential(
            nn.Dropout(0.3),
            nn.Linear(channels + 2 * width, 256),
            nn.ReLU(inplace=True),
            nn.Dropout(0.3),
            nn.Linear(256, len(CLASSES)),
        )

    def forward(self, mel: Tensor, mains: Tensor, residual: Tensor, shape: Tensor) -> Tensor:
        """Logits (seconds, classes) of what `artifact_features.features` gives."""
        return self.decide(self.yamnet(mel[..., :YAMNET_BANDS]), mel, mains, residual, shape)

    def decide(self, heard: Tensor, mel: Tensor, mains: Tensor, residual: Tensor, shape: Tensor) -> Tensor:
        """The same, where YAMNet's features are there already."""
        parts = [
            self.heard(heard),
            self.bands(mel.transpose(1, 2)),
            self.mains(mains),
            self.residual(residual),
            self.shape(shape.transpose(1, 2)),
        ]
        logits: Tensor = self.decision(torch.cat(parts, 1))
        return logits


class Served(nn.Module):
    """The network as it is served: probabilities out, as if all classes were equally likely beforehand.

    Args:
        net: What was learned.
        prior: Share of each class in what it learned from, (classes,).
    """

    def __init__(self, net: AudioArtifactsNet, prior: npt.NDArray[np.float32]) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("prior", torch.from_numpy(np.log(prior)))

    def told(self, logits: Tensor) -> Tensor:
        """Probabilities (seconds, classes)."""
        return torch.softmax(logits - self.prior, 1)

    def forward(self, mel: Tensor, mains: Tensor, residual: Tensor, shape: Tensor) -> Tensor:
        """Probabilities (seconds, classes)."""
        return self.told(self.net(mel, mains, residual, shape))
