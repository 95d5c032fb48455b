"""The convolutional restricted Boltzmann machine with probabilistic max pooling (Lee, Grosse, Ranganath & Ng 2009).

Its hidden units lie in K maps, each of which looks for one small filter everywhere in the picture. With the input

    I(v) = W * v + b   (a correlation; what lies beyond the edges of the picture counts as 0)

the energy is ``E(v, h) = - sum h I(v)`` plus the visible units' own term, ``-a'v`` for binary units and
``|v - a|^2 / 2`` for Gaussian ones of variance 1. In every block of ``pooling`` x ``pooling`` units of one map **at
most one is on**, and the pooling unit above the block says whether one is. A block is thus one multinomial unit of
``pooling**2 + 1`` states:

    P(h_ij = 1 | v) = exp(I_ij) / (1 + sum over the block of exp(I)),
    P(pool = 1 | v) = sum over the block of exp(I) / (1 + sum over the block of exp(I)).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch.nn import functional

from mien.learn.layers import ProbabilisticPooling

if TYPE_CHECKING:
    from torch import Generator, Tensor

Visible = Literal["binary", "gaussian"]


@dataclass(frozen=True, slots=True, eq=False)
class ConvolutionalMachine:
    """A convolutional restricted Boltzmann machine; tensors of one floating dtype on one device.

    Attributes:
        W: filters (K, channels, k, k), k odd, so that a map is as large as the picture.
        b: biases of the maps (K,).
        a: biases of the visible units (channels,), one for all places.
        pooling: side of a block.
        visible_kind: ``binary`` or ``gaussian``, the latter of variance 1.

    Raises:
        ValueError: shapes that do not fit each other.
    """

    W: Tensor
    b: Tensor
    a: Tensor
    pooling: int
    visible_kind: Visible

    def __post_init__(self) -> None:
        maps, channels, high, wide = self.W.shape
        if (maps, channels) != (len(self.b), len(self.a)) or high != wide or high % 2 == 0:
            raise ValueError(
                f"filters {tuple(self.W.shape)} must be squares of an odd side and fit {len(self.b)} biases of "
                f"maps and {len(self.a)} of channels"
            )
        if self.pooling < 1:
            raise ValueError(f"a block has a side of 1 or more, not {self.pooling}")

    @property
    def maps(self) -> int:
        """Hidden maps, K."""
        return len(self.b)

    def to(self, like: Tensor) -> ConvolutionalMachine:
        """The same machine in the dtype and on the device of ``like``."""
        return ConvolutionalMachine(
            self.W.to(like), self.b.to(like), self.a.to(like), self.pooling, self.visible_kind
        )

    def inputs(self, v: Tensor) -> Tensor:
        """I(v) (n, K, t, t) of visible states (n, channels, t, t), clipped to +-20."""
        found = functional.conv2d(v, self.W, self.b, padding="same")
        return found.clamp(-ProbabilisticPooling.LARGEST, ProbabilisticPooling.LARGEST)

    def hidden(self, v: Tensor) -> Tensor:
        """P(h = 1 | v) (n, K, t, t) of visible states (n, channels, t, t); t is a multiple of ``pooling``."""
        raised = self.inputs(v).exp()
        return raised / (1 + _spread(_total(raised, self.pooling), self.pooling))

    def pooled(self, v: Tensor) -> Tensor:
        """P(pool = 1 | v) (n, K, t / pooling, t / pooling) of visible states (n, channels, t, t)."""
        total = _total(self.inputs(v).exp(), self.pooling)
        return total / (1 + total)

    def visible(self, h: Tensor) -> Tensor:
        """E[v | h] (n, channels, t, t) of hidden states (n, K, t, t): probabilities, or means of Gaussian units."""
        field = functional.conv_transpose2d(h, self.W, padding=self.W.shape[-1] // 2) + self.a[:, None, None]
        return field if self.visible_kind == "gaussian" else torch.sigmoid(field)

    def sample_hidden(self, v: Tensor, random: Generator) -> Tensor:
        """Hidden states (n, K, t, t) in {0, 1}, at most one on in a block, drawn given visible states."""
        return drawn(self.hidden(v), self.pooling, random)

    def sample_visible(self, h: Tensor, random: Generator) -> Tensor:
        """Visible states (n, channels, t, t), drawn given hidden states (n, K, t, t)."""
        mean = self.visible(h)
        if self.visible_kind == "gaussian":
            return mean + torch.randn(mean.shape, generator=random, dtype=mean.dtype, device=mean.device)
        chance = torch.rand(mean.shape, generator=random, dtype=mean.dtype, device=mean.device)
        return (chance < mean).to(mean.dtype)

    def energy(self, v: Tensor, h: Tensor) -> Tensor:
        """E(v, h) (n,) of states (n, channels, t, t) and (n, K, t, t), at most one unit of a block on."""
        return self._own(v) - (h * self.inputs(v)).sum(dim=(1, 2, 3))

    def free_energy(self, v: Tensor) -> Tensor:
        """F(v) (n,), with p(v) proportional to exp(-F(v)): ``-log(1 + sum exp I)`` of every block, and v's own."""
        return self._own(v) - torch.log1p(_total(self.inputs(v).exp(), self.pooling)).sum(dim=(1, 2, 3))

    def _own(self, v: Tensor) -> Tensor:
        a = self.a[:, None, None]
        return (((v - a) ** 2) / 2 if self.visible_kind == "gaussian" else -(v * a)).sum(dim=(1, 2, 3))


def drawn(chance: Tensor, block: int, random: Generator) -> Tensor:
    """One state of every block's multinomial unit: 0/1 (n, K, t, t) of P(h = 1) (n, K, t, t).

    One uniform number per block decides: it falls into the interval of one unit, or beyond the last: none is on.
    """
    n, maps, t, _ = chance.shape
    parts = chance.view(n, maps, t // block, block, t // block, block)
    ends = parts.transpose(3, 4).reshape(n, maps, t // block, t // block, block * block).cumsum(dim=-1)
    at = torch.rand(ends.shape[:-1], generator=random, dtype=chance.dtype, device=chance.device)[..., None]
    passed = (at < ends).to(chance.dtype)
    on = torch.diff(passed, dim=-1, prepend=torch.zeros_like(passed[..., :1]))
    return on.view(n, maps, t // block, t // block, block, block).transpose(3, 4).reshape(chance.shape)


def _total(raised: Tensor, block: int) -> Tensor:
    """The sum over every block (n, K, t / block, t / block)."""
    return functional.avg_pool2d(raised, block) * block**2


def _spread(total: Tensor, block: int) -> Tensor:
    return total.repeat_interleave(block, dim=2).repeat_interleave(block, dim=3)
