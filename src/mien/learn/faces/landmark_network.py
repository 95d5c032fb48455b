"""The network that finds the 68 points of a face in a crop, how sure it is of each, and whether a face is there.

Plain 3 x 3 convolutions throughout: on a CPU, ONNX Runtime runs one of them faster than the depthwise pair that
needs a ninth of the multiplications.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mien.faces import shape

CROP = 1.3  # side of the crop in sides of the face's box
SIZE = 96  # pixels along a side of the crop
FLOOR = 0.002  # smallest spread, crop units: half a pixel of a 200 px face
_FACTOR = 0.1  # what one unit of the head's output moves a point by, crop units


@dataclass(frozen=True, slots=True)
class Options:
    """A recipe's table on the network.

    Attributes:
        channels: of the five stages, each at half the resolution of the one before it.
        blocks: residual blocks after each of the five.
        hidden: units of the dense layer.
    """

    channels: tuple[int, ...] = (16, 32, 64, 96, 128)
    blocks: tuple[int, ...] = (0, 1, 3, 2, 1)
    hidden: int = 256

    def __post_init__(self) -> None:
        if len(self.channels) != 5 or len(self.blocks) != 5 or min(self.channels) < 1 or min(self.blocks) < 0:
            raise ValueError(f"channels and blocks must list five numbers each, not {self.channels}, {self.blocks}")


class Normalised(nn.Module):
    """Every picture minus its mean, by its standard deviation: light and contrast are no news."""

    def __init__(self, least: float = 0.02) -> None:
        super().__init__()
        self.least = least

    def forward(self, x: Tensor) -> Tensor:
        """(n, 1, h, w) to (n, 1, h, w)."""
        centred = x - x.mean(dim=(2, 3), keepdim=True)
        return centred / ((centred * centred).mean(dim=(2, 3), keepdim=True).sqrt() + self.least)


class Residual(nn.Module):
    """One 3 x 3 convolution whose result is added to its input."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()
        )

    def forward(self, x: Tensor) -> Tensor:
        """(n, c, h, w) to (n, c, h, w)."""
        found: Tensor = x + self.inner(x)
        return found


def stages(channels: tuple[int, ...], blocks: tuple[int, ...]) -> nn.Sequential:
    """Convolutions of stride 2, the first 5 x 5, each followed by residual blocks."""
    layers: list[nn.Module] = []
    before = 1
    for k, (width, count) in enumerate(zip(channels, blocks, strict=True)):
        size = 5 if k == 0 else 3
        layers.append(nn.Conv2d(before, width, size, stride=2, padding=size // 2, bias=False))
        layers += [nn.BatchNorm2d(width), nn.ReLU()]
        layers += [Residual(width) for _ in range(count)]
        before = width
    return nn.Sequential(*layers)


class LandmarkNetwork(nn.Module):
    """Crops (n, 1, 96, 96) in [0, 1] to points, spread and presence.

    The spread is a head beside the points: it learns how far off these are, and does not move them.
    """

    rest: Tensor

    def __init__(self, options: Options) -> None:
        super().__init__()
        width = options.channels[-1] * 9
        self.normalised = Normalised()
        self.stages = stages(options.channels, options.blocks)
        self.dense = nn.Sequential(nn.Linear(width, options.hidden, bias=False), nn.BatchNorm1d(options.hidden))
        self.points = nn.Linear(options.hidden, 2 * shape.POINTS)
        self.spread = nn.Linear(options.hidden, shape.POINTS)
        self.presence = nn.Linear(options.hidden, 1)
        rest = (torch.tensor(shape.mean_shape()[:, :2]) - 0.5) / CROP + 0.5
        self.register_buffer("rest", rest.float().reshape(1, -1))
        for head in (self.points, self.spread, self.presence):
            nn.init.normal_(head.weight, std=0.01)
            nn.init.zeros_(head.bias)
        nn.init.constant_(self.spread.bias, -4.0)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Points (n, 68, 2) and spread (n, 68) in crop units, and the logit of presence (n,), float32."""
        hidden = torch.relu(self.dense(self.stages(self.normalised(x)).flatten(1))).float()
        with torch.autocast(x.device.type, enabled=False):
            points = self.rest + _FACTOR * self.points(hidden)
            spread = nn.functional.softplus(self.spread(hidden)) + FLOOR
            return points.reshape(-1, shape.POINTS, 2), spread, self.presence(hidden)[:, 0]


class Calibrated(nn.Module):
    """A trained network as it is exported: presence is a probability, the spread an expected error."""

    def __init__(self, network: LandmarkNetwork, slope: float, bias: float, spread: float) -> None:
        super().__init__()
        self.network, self.slope, self.bias, self.factor = network, slope, bias, spread

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """As the network, with the probability (n,) of presence."""
        points, spread, logit = self.network(x)
        return points, spread * self.factor, torch.sigmoid(logit * self.slope + self.bias)
