"""The network: residual convolutions, and on their mean over the face two linear heads.

Residual blocks of two plain 3 x 3 convolutions (He et al. 2016): on a CPU, ONNX Runtime runs one of these faster
than the depthwise pair that needs a ninth of the multiplications. The only layer at full resolution is the first;
half of the time would go there otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mien.learn.faces.landmark_network import Normalised


@dataclass(frozen=True, slots=True)
class Options:
    """A recipe's table on the network.

    Attributes:
        stem: channels of the first convolution, at full resolution.
        channels: of the stages; each begins at half the resolution of the one before it.
        blocks: residual blocks of each stage.
        dropout: share of the features that a training step leaves out.
    """

    stem: int = 24
    channels: tuple[int, ...] = (48, 96, 192)
    blocks: tuple[int, ...] = (1, 2, 2)
    dropout: float = 0.3

    def __post_init__(self) -> None:
        if not self.channels or len(self.channels) != len(self.blocks):
            raise ValueError(f"channels and blocks must be of one length, not {self.channels} and {self.blocks}")
        if min(self.stem, *self.channels, *self.blocks) < 1:
            raise ValueError("stem, channels and blocks must be 1 or more")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be 0 to below 1, not {self.dropout}")


class Residual(nn.Module):
    """Two 3 x 3 convolutions whose result is added to their input, which is projected where it must be."""

    def __init__(self, before: int, channels: int, stride: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.Conv2d(before, channels, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or before != channels:
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(stride), nn.Conv2d(before, channels, 1, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(n, before, h, w) to (n, channels, h / stride, w / stride)."""
        return torch.relu(self.inner(x) + self.shortcut(x))


class Backbone(nn.Module):
    """Patches (n, size, size) in [0, 1] to a map (n, channels, h, w) of what is where."""

    def __init__(self, options: Options) -> None:
        super().__init__()
        self.normalised = Normalised()
        layers: list[nn.Module] = [
            nn.Conv2d(1, options.stem, 3, padding=1, bias=False),
            nn.BatchNorm2d(options.stem),
            nn.ReLU(),
        ]
        before = options.stem
        for channels, count in zip(options.channels, options.blocks, strict=True):
            for k in range(count):
                layers.append(Residual(before, channels, stride=2 if k == 0 else 1))
                before = channels
        self.layers = nn.Sequential(*layers)

    def forward(self, patches: Tensor) -> Tensor:
        """As the class says."""
        found: Tensor = self.layers(self.normalised(patches[:, None]))
        return found


class Network(nn.Module):
    """Patches (n, size, size) in [0, 1] to logits (n, expressions), logits (n, units) and features (n, channels).

    Expressions exclude one another, action units do not. A network without units gives (n, 0).
    """

    def __init__(self, options: Options, expressions: int, units: int) -> None:
        super().__init__()
        width = options.channels[-1]
        self.backbone = Backbone(options)
        self.dropout = nn.Dropout(options.dropout)
        self.expressions = nn.Linear(width, expressions)
        self.units = nn.Linear(width, units) if units else None
        heads = [head for head in (self.expressions, self.units) if head is not None]
        for head in heads:
            nn.init.normal_(head.weight, std=0.01)
            nn.init.zeros_(head.bias)

    def forward(self, patches: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """As the class says; logits and features are float32."""
        features = self.backbone(patches).float().mean(dim=(2, 3))
        seen = self.dropout(features)
        with torch.autocast(patches.device.type, enabled=False):
            units = self.units(seen) if self.units is not None else seen[:, :0]
            return self.expressions(seen), units, features

    def heads(self) -> tuple[nn.Module, ...]:
        """The layers that a training of the heads alone may change."""
        return tuple(head for head in (self.expressions, self.units) if head is not None)
