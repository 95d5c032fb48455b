"""The restricted Boltzmann machine: a joint distribution of visible units v and binary hidden units h.

    E(v, h) = - b'h - h'W v + sum over the blocks of v of their own term,

which is ``-a'v`` for binary units in {0, 1} (Smolensky 1986; Hinton 2002), for softmax groups of which exactly one
unit is on, and ``|v - a|^2 / 2`` for Gaussian units of variance 1, to be fed with standardised data (Hinton &
Salakhutdinov 2006). Given one side, the units of the other are independent of each other; that is all that
contrastive divergence, annealing and generation need.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Generator, Tensor

Kind = Literal["binary", "gaussian", "softmax"]


@dataclass(frozen=True, slots=True)
class Block:
    """Visible units of one kind that lie side by side.

    Attributes:
        kind: ``binary``: each on or off; ``softmax``: exactly one of them on; ``gaussian``: real, variance 1.
        units: how many.
    """

    kind: Kind
    units: int

    def __post_init__(self) -> None:
        if self.kind not in ("binary", "gaussian", "softmax"):
            raise ValueError(f"a block of visible units is binary, gaussian or softmax, not {self.kind!r}")
        if self.units < 1:
            raise ValueError(f"a block needs one unit or more, not {self.units}")


@dataclass(frozen=True, slots=True, eq=False)
class Machine:
    """A restricted Boltzmann machine; tensors of one floating dtype on one device.

    Attributes:
        W: weights (hidden, visible).
        b: biases of the hidden units (hidden,).
        a: biases of the visible units (visible,); means, where they are Gaussian.
        blocks: what the visible units are, in order.

    Raises:
        ValueError: shapes that do not fit each other.
    """

    W: Tensor
    b: Tensor
    a: Tensor
    blocks: tuple[Block, ...]

    def __post_init__(self) -> None:
        visible = sum(block.units for block in self.blocks)
        if self.W.shape != (len(self.b), len(self.a)) or visible != len(self.a):
            raise ValueError(
                f"weights {tuple(self.W.shape)} do not fit {len(self.b)} hidden and {len(self.a)} visible biases, "
                f"or blocks of {visible} units"
            )

    @property
    def hidden_units(self) -> int:
        """Hidden units."""
        return len(self.b)

    @property
    def visible_units(self) -> int:
        """Visible units, over all blocks."""
        return len(self.a)

    def to(self, like: Tensor) -> Machine:
        """The same machine in the dtype and on the device of ``like``."""
        return Machine(self.W.to(like), self.b.to(like), self.a.to(like), self.blocks)

    def parts(self) -> Iterator[tuple[Block, slice]]:
        """Every block with its place among the visible units."""
        start = 0
        for block in self.blocks:
            yield block, slice(start, start + block.units)
            start += block.units

    def hidden(self, v: Tensor) -> Tensor:
        """P(h = 1 | v) (n, hidden) of visible states (n, visible)."""
        return torch.sigmoid(functional.linear(v, self.W, self.b))

    def visible(self, h: Tensor) -> Tensor:
        """E[v | h] (n, visible) of hidden states (n, hidden): probabilities, or means of Gaussian units."""
        field = functional.linear(h, self.W.T, self.a)
        return torch.cat([_mean(block, field[:, place]) for block, place in self.parts()], dim=1)

    def sample_hidden(self, v: Tensor, random: Generator) -> Tensor:
        """Hidden states (n, hidden) in {0, 1}, drawn given visible states (n, visible)."""
        return _tossed(self.hidden(v), random)

    def sample_visible(self, h: Tensor, random: Generator) -> Tensor:
        """Visible states (n, visible), drawn given hidden states (n, hidden)."""
        mean = self.visible(h)
        return torch.cat([_drawn(block, mean[:, place], random) for block, place in self.parts()], dim=1)

    def energy(self, v: Tensor, h: Tensor) -> Tensor:
        """E(v, h) (n,) of states (n, visible) and (n, hidden)."""
        return self._own(v) - h @ self.b - ((h @ self.W) * v).sum(dim=1)

    def free_energy(self, v: Tensor) -> Tensor:
        """F(v) (n,), with p(v) proportional to exp(-F(v)): the hidden units are summed out exactly."""
        return self._own(v) - functional.softplus(functional.linear(v, self.W, self.b)).sum(dim=1)

    def _own(self, v: Tensor) -> Tensor:
        """The visible units' own energy (n,)."""
        found = v.new_zeros(len(v))
        for block, place in self.parts():
            a, part = self.a[place], v[:, place]
            found = found + (((part - a) ** 2).sum(dim=1) / 2 if block.kind == "gaussian" else -(part @ a))
        return found


def _mean(block: Block, field: Tensor) -> Tensor:
    if block.kind == "gaussian":
        return field
    return torch.softmax(field, dim=1) if block.kind == "softmax" else torch.sigmoid(field)


def _drawn(block: Block, mean: Tensor, random: Generator) -> Tensor:
    if block.kind == "binary":
        return _tossed(mean, random)
    if block.kind == "softmax":
        chosen = torch.multinomial(mean, 1, generator=random)
        return torch.zeros_like(mean).scatter_(1, chosen, 1)
    noise = torch.randn(mean.shape, generator=random, dtype=mean.dtype, device=mean.device)
    return mean + noise


def _tossed(chance: Tensor, random: Generator) -> Tensor:
    drawn = torch.rand(chance.shape, generator=random, dtype=chance.dtype, device=chance.device)
    return (drawn < chance).to(chance.dtype)
