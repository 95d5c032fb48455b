"""Layers that torch has no module for; ``learn.onnx_nodes`` says what each of them is in ONNX."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


class Magnitude(nn.Module):
    """Lengths of complex numbers: channels (n, 2 c, ...) of c real and then c imaginary parts -> (n, c, ...)."""

    EPSILON = 1e-12
    """Added under the root, whose slope at 0 is infinite."""

    def forward(self, x: Tensor) -> Tensor:
        """sqrt(re^2 + im^2 + EPSILON)."""
        real, imaginary = x.chunk(2, dim=1)
        return torch.sqrt(real * real + imaginary * imaginary + self.EPSILON)


class ProbabilisticPooling(nn.Module):
    """Chances that some unit of a block is on, at most one of which can be (Lee et al. 2009).

    ``s / (1 + s)`` with ``s`` the sum of ``exp(input)`` over each block of ``block`` x ``block`` units; inputs
    (n, maps, t, t) -> (n, maps, t / block, t / block).
    """

    LARGEST = 20.0
    """Inputs are clipped to +-20: a unit is then as good as certain, and the exponential safe in float32."""

    def __init__(self, block: int) -> None:
        super().__init__()
        self.block = block

    def forward(self, x: Tensor) -> Tensor:
        """Clip, raise, add up over each block, s / (1 + s)."""
        raised = x.clamp(-self.LARGEST, self.LARGEST).exp()
        total = functional.avg_pool2d(raised, self.block) * self.block**2
        return total / (1 + total)

    def extra_repr(self) -> str:
        """The side of a block."""
        return f"block={self.block}"


class Branches(nn.Module):
    """The numbers (n, units) that several chains of layers give of one input, side by side."""

    def __init__(self, branches: Sequence[nn.Sequential]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        """What each branch gives, joined."""
        return torch.cat([branch(x) for branch in self.branches], dim=1)
