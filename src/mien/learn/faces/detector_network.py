"""The detector's network: a small pyramid of plain 3x3 convolutions with one answer for each cell of 8 x 8 pixels.

Plain convolutions with ReLU, as they are what ONNX Runtime does fastest on a CPU: for the same time, depthwise ones
would give fewer useful multiplications.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

STRIDE = 8
"""Pixels of the picture across one cell."""
MULTIPLE = 32
"""Height and width of the picture must be multiples of this."""
UNIT = 32.0
"""The side whose logarithm is answered as 0, pixels."""
CHANNELS = 8
SCORE, OFFSET, SIDE, EYES = 0, slice(1, 3), 3, slice(4, 8)
"""Where the channels of ``cells`` have what; the coordinates are those of ``Detector.forward``."""

_PRIOR = 0.01  # share of cells that the untrained network takes for faces: the usual start of the focal loss


@dataclass(frozen=True, slots=True)
class Options:
    """A recipe's table on the network.

    Attributes:
        channels: at a half, a quarter, ... a thirty-second of the picture's size; multiples of 8 are fastest.
    """

    channels: tuple[int, ...] = (8, 16, 48, 64, 88)

    def __post_init__(self) -> None:
        if len(self.channels) != 5 or min(self.channels) < 1:
            raise ValueError(f"channels must be five numbers from 1, not {self.channels}")


class Detector(nn.Module):
    """Grey picture in, faces per cell out.

    With the default channels 0.47 million weights, and 0.19 thousand million multiplications for 320 x 256 pixels.
    """

    def __init__(self, options: Options) -> None:
        super().__init__()
        a, b, c, d, e = options.channels
        self.stem = nn.Sequential(_convolution(1, a, 2), _convolution(a, b, 2), _convolution(b, b))
        self.eighth = nn.Sequential(_convolution(b, c, 2), Residual(c))
        self.sixteenth = nn.Sequential(_convolution(c, d, 2), Residual(d), Residual(d))
        self.thirty_second = nn.Sequential(_convolution(d, e, 2), Residual(e))
        self.from_e = _convolution(e, d, size=1)
        self.joined_d = _convolution(d, d)
        self.from_d = _convolution(d, c, size=1)
        self.joined_c = _convolution(c, c)
        self.head = nn.Conv2d(c, CHANNELS, 1)
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]
        with torch.no_grad():
            self.head.bias[SCORE] = torch.logit(torch.tensor(_PRIOR))  # type: ignore[index]

    def forward(self, picture: Tensor) -> Tensor:
        """What each cell sees.

        Args:
            picture: float (n, 1, height, width), grey, 0-1; height and width multiples of 32.

        Returns:
            (n, 8, height / 8, width / 8). Of the face whose box has its centre in or near the cell with the centre
            ((column + 0.5) * 8, (row + 0.5) * 8): logit of the score; x and y of the box's centre from that of the
            cell, in cells; ln(side / 32 pixels); x and y of the left and of the right eye (as seen in the
            picture) from the centre of the box, in sides of the box.
        """
        c = self.eighth(self.stem(picture - 0.5))
        d = self.sixteenth(c)
        e = self.thirty_second(d)
        d = self.joined_d(d + functional.interpolate(self.from_e(e), scale_factor=2.0, mode="nearest"))
        c = self.joined_c(c + functional.interpolate(self.from_d(d), scale_factor=2.0, mode="nearest"))
        return self.head(c)  # type: ignore[no-any-return]


class Residual(nn.Module):
    """Two 3x3 convolutions about a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _convolution(channels, channels)
        self.second = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        """``x`` and what the convolutions add, (n, channels, height, width)."""
        return torch.relu(x + self.second(self.first(x)))


def _convolution(inputs: int, outputs: int, stride: int = 1, size: int = 3) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )
