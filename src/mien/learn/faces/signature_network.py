"""The network that tells the people in one video apart: a face to 64 numbers, alike for looks that are alike.

It learns from single photographs, each against all others, and not from names: it cannot say who somebody is, and
knows a person again only for as long as hair, light and age stay what they are, within one video.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mien.learn.faces.landmark_network import Normalised, stages

CROP = 1.1  # side of the crop in sides of the face's box
SIZE = 64  # pixels along a side of the crop
LENGTH = 64  # numbers of a signature


@dataclass(frozen=True, slots=True)
class Options:
    """A recipe's table on the network.

    Attributes:
        channels: of the five stages, each at half the resolution of the one before it.
        blocks: residual blocks after each of the five.
    """

    channels: tuple[int, ...] = (16, 32, 48, 64, 64)
    blocks: tuple[int, ...] = (0, 1, 1, 1, 0)

    def __post_init__(self) -> None:
        if len(self.channels) != 5 or len(self.blocks) != 5 or min(self.channels) < 1 or min(self.blocks) < 0:
            raise ValueError(f"channels and blocks must list five numbers each, not {self.channels}, {self.blocks}")


class SignatureNetwork(nn.Module):
    """Crops (n, 1, 64, 64) in [0, 1] to signatures (n, 64) of length 1."""

    def __init__(self, options: Options) -> None:
        super().__init__()
        self.normalised = Normalised()
        self.stages = stages(options.channels, options.blocks)
        self.out = nn.Linear(options.channels[-1] * 4, LENGTH)

    def forward(self, x: Tensor) -> Tensor:
        """(n, 1, 64, 64) to (n, 64)."""
        found: Tensor = self.out(self.stages(self.normalised(x)).flatten(1)).float()
        return found / (found.square().sum(dim=1, keepdim=True) + 1e-8).sqrt()


def contrast(signatures: Tensor, people: Tensor, temperature: float) -> Tensor:
    """NT-Xent (Chen et al. 2020): each signature must find its other view among all other people's.

    Args:
        signatures: (2 n, length), all first views before all second ones.
        people: int64 (n,), who is shown; other photographs of the same person are neither sought nor shunned.
        temperature: how sharply near ones are told apart.

    Returns:
        Mean cross-entropy, nats, a scalar.
    """
    count = len(signatures)
    likeness = signatures @ signatures.T / temperature
    other = torch.arange(count, device=signatures.device).roll(count // 2)
    who = people.repeat(2)
    left_out = who[:, None] == who
    left_out[torch.arange(count, device=signatures.device), other] = False
    likeness = likeness.masked_fill(left_out, float("-inf"))
    loss: Tensor = nn.functional.cross_entropy(likeness, other)
    return loss
