"""The two phases of contrastive divergence, batch by batch, in memory that is allocated once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from mien.learn.boltzmann import rows

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from mien.learn.boltzmann.divergence import Options
    from mien.learn.boltzmann.machine import Block, Machine

SLOW = 0.01
"""Weight of a batch in the running mean of the hidden units about which they are centred."""


@dataclass(slots=True, eq=False)
class Chain:
    """A machine in training, its rows and its Gibbs chains; ``update`` changes the machine in place.

    Both phases lie one above the other in ``h`` and ``v``, so that the update of the weights is one matrix product:
    rows of the data first, then the chains with their weight of the opposite sign.
    """

    machine: Machine
    x: Tensor
    present: Tensor | None
    options: Options
    random: Generator
    h: Tensor
    v: Tensor
    noise: Tensor
    state: Tensor
    """Hidden states of the chains."""
    dW: Tensor
    db: Tensor
    da: Tensor
    mu: Tensor
    """Offsets of the visible units: their means in the data."""
    lam: Tensor
    """Offsets of the hidden units: running means of their activations."""
    share: Tensor | None
    """In how many of the rows a unit is present."""

    @staticmethod
    def beside(machine: Machine, x: Tensor, present: Tensor | None, o: Options, random: Generator) -> Chain:
        """Chains for ``machine`` on rows (n, visible); persistent ones begin at rows drawn by chance."""
        hidden, visible = machine.hidden_units, machine.visible_units
        batch = min(o.batch, len(x))
        chains = o.particles if o.persistent else batch
        mu = rows.mean(x, present) if o.centred else torch.zeros_like(machine.a)
        chain = Chain(
            machine, x, present, o, random,
            h=x.new_empty(batch + chains, hidden), v=x.new_empty(batch + chains, visible),
            noise=x.new_empty(chains * max(hidden, visible)), state=x.new_empty(chains, hidden),
            dW=torch.zeros_like(machine.W), db=torch.zeros_like(machine.b),
            da=torch.zeros_like(machine.a), mu=mu, lam=torch.full_like(machine.b, 0.5 if o.centred else 0.0),
            share=None if present is None else present.mean(dim=0),
        )  # fmt: skip
        if o.persistent:
            begin = torch.randint(len(x), (chains,), generator=random, device=x.device)
            chain._toss(machine.hidden(x[begin]), chain.state)
        return chain

    @property
    def rows(self) -> int:
        """How many there are to learn from."""
        return len(self.x)

    def fantasies(self) -> Tensor:
        """What the chains see: visible means (chains, visible) given the hidden states they are in."""
        return self.machine.visible(self.state)

    def update(self, batch: Tensor, rate: float, momentum: float) -> None:
        """One update from the rows of these indices (n,)."""
        n = len(batch)
        chains = self.options.particles if self.options.persistent else n
        v, h = self.v[: n + chains], self.h[: n + chains]
        there = self._see(batch, v[:n], h[:n])
        if not self.options.persistent:
            self._toss(h[:n], self.state[:n])
        self._dream(v[n:], h[n:], self.state[:chains], there)
        self._learn(v, h, n, there, rate, momentum)

    def _see(self, batch: Tensor, v: Tensor, h: Tensor) -> Tensor | None:
        """The positive phase; gives which units are present in its rows (n, visible)."""
        torch.index_select(self.x, 0, batch, out=v)
        torch.addmm(self.machine.b, v, self.machine.W.T, out=h).sigmoid_()
        return None if self.present is None else self.present[batch]

    def _dream(self, v: Tensor, h: Tensor, state: Tensor, there: Tensor | None) -> None:
        """The negative phase: ``steps`` Gibbs steps from hidden states; the last hidden ones stay probabilities."""
        o, machine = self.options, self.machine
        for step in range(o.steps):
            torch.addmm(machine.a, state, machine.W, out=v)
            for block, place in machine.parts():
                self._settle(block, v[:, place])
            if there is not None and not o.persistent:
                v.mul_(there)
            torch.addmm(machine.b, v, machine.W.T, out=h).sigmoid_()
            if o.persistent or step + 1 < o.steps:
                self._toss(h, state)

    def _learn(self, v: Tensor, h: Tensor, n: int, there: Tensor | None, rate: float, momentum: float) -> None:
        """Move the machine along the difference of the two phases."""
        o, machine = self.options, self.machine
        ratio = n / (len(v) - n)
        active = h[:n].mean(dim=0)
        if o.centred:
            v.sub_(self.mu)
            h.sub_(self.lam)
        if there is not None and self.share is not None:  # what is missing lies at its offset and teaches nothing;
            v[:n].mul_(there)  # it is missing in persistent chains as often as in the data
            v[n:].mul_(self.share if o.persistent else there)
        h[n:].mul_(-ratio)
        to_b = h.sum(dim=0).div_(n)
        to_a = (v[:n].sum(dim=0) - v[n:].sum(dim=0).mul_(ratio)).div_(n)
        if o.centred:  # less gradient @ mu and gradient.T @ lam, the gradient of W being h.T @ v / n
            to_b.addmv_(h.T, v @ self.mu, alpha=-1 / n)
            to_a.addmv_(v.T, h @ self.lam, alpha=-1 / n)
            self.lam.lerp_(active, SLOW)
        if o.sparsity:
            to_b += o.sparsity * (o.rho - active)
        self.dW.addmm_(h.T, v, beta=momentum, alpha=rate / n)
        if o.weight_cost:
            self.dW.add_(machine.W, alpha=-rate * o.weight_cost)
        self.db.mul_(momentum).add_(to_b, alpha=rate)
        self.da.mul_(momentum).add_(to_a, alpha=rate)
        machine.W.add_(self.dW)
        machine.b.add_(self.db)
        machine.a.add_(self.da)

    def _settle(self, block: Block, field: Tensor) -> None:
        """Put states, or means, in the place of what the visible units of a block receive."""
        if block.kind == "binary":
            field.sigmoid_()
            if self.options.draw:
                self._toss(field, field)
        elif block.kind == "softmax":
            torch.softmax(field, dim=1, out=field)
            if self.options.draw:
                chosen = torch.multinomial(field, 1, generator=self.random)
                field.zero_().scatter_(1, chosen, 1)
        elif self.options.draw:
            field.add_(self._noise(field).normal_(generator=self.random))

    def _toss(self, chance: Tensor, out: Tensor) -> None:
        """States in {0, 1} drawn with these probabilities."""
        torch.lt(self._noise(chance).uniform_(generator=self.random), chance, out=out)

    def _noise(self, like: Tensor) -> Tensor:
        return self.noise[: like.numel()].view(like.shape)
