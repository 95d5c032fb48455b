"""Annealed importance sampling: log Z, and with it the likelihood, of machines too large to enumerate.

Between a base model of independent visible units and the machine lie the distributions

    f_k(v) = exp(-(1 - beta_k) own(v; base) - beta_k own(v; a)) prod_j (1 + exp(beta_k (b_j + W_j v)))

(Salakhutdinov & Murray 2008), ``own`` being the visible units' own energy. Walked upwards from exact samples of the
base, the weights average to Z, so that log Z comes out too small on average and a likelihood too large. Walked
downwards from rows, they average to the probability that the annealed chain itself gives these rows, which is lower
than the machine's on average (RAISE; Burda, Grosse & Salakhutdinov 2015), and log Z comes out too large. The truth
lies between the two; where they are close, both are good. All in float64.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from mien.learn.boltzmann import rows
from mien.learn.boltzmann.machine import Machine
from mien.learn.threads import one_thread

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from mien.learn.boltzmann.machine import Block

CHAINS = 100
TEMPERATURES = 14_500
"""As in the paper, and placed as there: dense where the machine is nearly reached."""

PLACES = ((0.0, 0.5, 500), (0.5, 0.9, 4000), (0.9, 1.0, 10_000))
"""From beta, to beta, temperatures of ``TEMPERATURES``."""

SPREAD = 3.0
"""Standard deviations of the mean to either side that an interval covers."""


@dataclass(frozen=True, slots=True)
class LogPartition:
    """An estimate of log Z.

    Attributes:
        value: of log Z, in nats.
        low: its lower end at 3 standard deviations of the mean, -inf if these reach below Z = 0.
        high: its upper end.
        effective: effective sample size of the chains, ``(sum w)^2 / sum w^2``; 1: one chain decides.
        chains: how many there were.
    """

    value: float
    low: float
    high: float
    effective: float
    chains: int


def base_rates(x: Tensor, blocks: tuple[Block, ...]) -> Tensor:
    """Biases (visible,) float64 of the base model for rows (n, visible).

    Log-odds of binary units and log shares of softmax units, pulled towards chance by as many rows as lie in
    five batches of 100, or by a tenth of the rows if these are fewer; means of Gaussian units.
    """
    x = x.double()
    extra = min(500.0, len(x) / 10)
    base = torch.empty(x.shape[1], dtype=torch.float64, device=x.device)
    for block, place in rows.places(blocks):
        count = x[:, place].sum(dim=0)
        if block.kind == "gaussian":
            base[place] = count / len(x)
        elif block.kind == "softmax":
            base[place] = torch.log((count + extra / block.units) / (len(x) + extra))
        else:
            base[place] = torch.logit((count + extra / 2) / (len(x) + extra))
    return base


def schedule(temperatures: int = TEMPERATURES) -> Tensor:
    """Inverse temperatures from 0 to 1, float64 (temperatures + 1,), placed as in the paper."""
    if temperatures < 3:
        raise ValueError(f"annealing needs 3 temperatures or more, not {temperatures}")
    whole = sum(count for _, _, count in PLACES)
    first, second = (max(1, round(temperatures * count / whole)) for _, _, count in PLACES[:2])
    counts = (first, second, temperatures - first - second)
    parts = [
        torch.linspace(begin, end, count + 1, dtype=torch.float64)[:-1]
        for (begin, end, _), count in zip(PLACES, counts, strict=True)
    ]
    return torch.cat([*parts, torch.ones(1, dtype=torch.float64)])


def estimate(
    machine: Machine, base: Tensor, *, temperatures: int = TEMPERATURES, chains: int = CHAINS, seed: int = 0
) -> LogPartition:
    """Estimate log Z by annealed importance sampling; too small on average, less so with more temperatures.

    Args:
        machine: any; computed in float64 on its own device.
        base: biases (visible,) of the base model, as ``base_rates`` gives them.
        temperatures: steps from the base to the machine.
        chains: runs side by side.
        seed: of what is drawn. Equal inputs and seed give equal bits on the CPU.
    """
    path = _Path.of(machine, base)
    with one_thread(), torch.no_grad():
        random = torch.Generator(path.base.device).manual_seed(seed)
        betas = schedule(temperatures).tolist()
        v = path.drawn(path.base.expand(chains, -1), random)
        weights = v.new_zeros(chains)
        for before, beta in pairwise(betas):
            inputs = path.inputs(v)
            weights += path.rise(v, inputs, before, beta)
            if beta < 1:
                v = path.moved(inputs, beta, random)
        return _averaged(path.log_base() + weights)


def from_above(
    machine: Machine, base: Tensor, x: Tensor, *, temperatures: int = TEMPERATURES, chains: int = 1, seed: int = 0
) -> LogPartition:
    """Estimate log Z by annealing downwards from rows; too large on average.

    For log Z itself the rows must be samples of the machine (``fantasies``). For the likelihood of given rows they
    are these rows: ``log_likelihood(machine, x, from_above(machine, base, x).value)`` is then RAISE's conservative
    estimate, whatever the rows.

    Args:
        machine: any; computed in float64 on its own device.
        base: biases (visible,) of the base model.
        x: rows (n, visible) to begin at.
        temperatures: steps from the machine to the base.
        chains: per row; their weights are averaged before the logarithm is taken, which lowers the estimate.
        seed: of what is drawn.

    Returns:
        The mean over the rows; ``low`` and ``high`` at 3 standard deviations of this mean, ``effective`` the mean
        effective number of chains per row.
    """
    path = _Path.of(machine, base)
    with one_thread(), torch.no_grad():
        random = torch.Generator(path.base.device).manual_seed(seed)
        betas = schedule(temperatures).flip(0).tolist()
        v = x.to(path.base).repeat_interleave(chains, dim=0)
        weights = v.new_zeros(len(v))
        inputs = path.inputs(v)
        for beta, below in pairwise(betas):
            v = path.moved(inputs, beta, random)
            inputs = path.inputs(v)
            weights -= path.rise(v, inputs, below, beta)
        weights = weights.view(-1, chains)
        each = path.log_base() - (torch.logsumexp(weights, dim=1) - math.log(chains))
        effective = torch.exp(2 * torch.logsumexp(weights, dim=1) - torch.logsumexp(2 * weights, dim=1))
        half = SPREAD * float(each.std(correction=1)) / math.sqrt(len(each)) if len(each) > 1 else math.inf
    value = float(each.mean())
    return LogPartition(value, value - half, value + half, float(effective.mean()), len(v))


def log_likelihood(machine: Machine, x: Tensor, log_z: float) -> float:
    """Mean log p(v) in nats over rows (n, visible), under a log Z; of Gaussian units the log density."""
    with torch.no_grad():
        return float(-machine.to(machine.W.double()).free_energy(x.to(machine.W).double()).mean()) - log_z


def fantasies(machine: Machine, start: Tensor, steps: int, seed: int = 0) -> Tensor:
    """Visible states (n, visible) after some Gibbs steps from rows (n, visible), drawn, in float64."""
    path = _Path.of(machine, machine.a)
    with one_thread(), torch.no_grad():
        random = torch.Generator(path.base.device).manual_seed(seed)
        v = start.to(path.base)
        for _ in range(steps):
            v = path.moved(path.inputs(v), 1.0, random)
    return v


@dataclass(frozen=True, slots=True, eq=False)
class _Path:
    """The distributions between a base model and a machine."""

    machine: Machine
    base: Tensor

    @staticmethod
    def of(machine: Machine, base: Tensor) -> _Path:
        exact = machine.to(machine.W.double())
        if base.shape != exact.a.shape:
            raise ValueError(f"a base of {tuple(base.shape)} biases does not fit {machine.visible_units} units")
        return _Path(exact, base.to(exact.a))

    def log_base(self) -> float:
        """The base model's log Z, the hidden units being free."""
        total = self.machine.hidden_units * math.log(2)
        for block, place in self.machine.parts():
            base = self.base[place]
            if block.kind == "gaussian":
                total += block.units / 2 * math.log(2 * math.pi)
            elif block.kind == "softmax":
                total += float(torch.logsumexp(base, dim=0))
            else:
                total += float(functional.softplus(base).sum())
        return total

    def inputs(self, v: Tensor) -> Tensor:
        """What the hidden units receive (n, hidden) at beta 1."""
        return functional.linear(v, self.machine.W, self.machine.b)

    def rise(self, v: Tensor, inputs: Tensor, before: float, beta: float) -> Tensor:
        """By how much log f at ``beta`` exceeds log f ``before`` (n,)."""
        hidden = (functional.softplus(inputs * beta) - functional.softplus(inputs * before)).sum(dim=1)
        own = v @ (self.machine.a - self.base)
        for block, place in self.machine.parts():
            if block.kind != "gaussian":
                continue
            # -|v - a|^2 / 2 + |v - base|^2 / 2 = v'(a - base) + (base^2 - a^2) / 2
            own = own + (self.base[place].square().sum() - self.machine.a[place].square().sum()) / 2
        return hidden + (beta - before) * own

    def moved(self, inputs: Tensor, beta: float, random: Generator) -> Tensor:
        """Visible states after one Gibbs step at ``beta`` from states with these ``inputs``."""
        chance = torch.sigmoid(inputs * beta)
        h = (_uniform(chance, random) < chance).to(chance.dtype)
        bias = torch.lerp(self.base, self.machine.a, beta)
        return self.drawn(torch.addmm(bias, h, self.machine.W, alpha=beta), random)

    def drawn(self, field: Tensor, random: Generator) -> Tensor:
        """Visible states (n, visible) drawn under what the visible units receive (n, visible)."""
        v = torch.empty_like(field)
        for block, place in self.machine.parts():
            part = field[:, place]
            if block.kind == "gaussian":
                v[:, place] = part + torch.randn(part.shape, generator=random, dtype=part.dtype, device=part.device)
            elif block.kind == "softmax":
                chosen = torch.multinomial(torch.softmax(part, dim=1), 1, generator=random)
                v[:, place] = torch.zeros_like(part).scatter_(1, chosen, 1)
            else:
                v[:, place] = (_uniform(part, random) < torch.sigmoid(part)).to(part.dtype)
        return v


def _uniform(like: Tensor, random: Generator) -> Tensor:
    # float32 draws are half as dear; that a chance below 6e-8 never comes up is beyond what any chain can see
    return torch.rand(like.shape, generator=random, device=like.device)


def _averaged(logs: Tensor) -> LogPartition:
    """The logarithm of the mean of weights given by their logarithms, with its interval."""
    count = len(logs)
    top = float(logs.max())
    w = torch.exp(logs - top)
    mean = float(w.mean())
    half = SPREAD * float(w.std(correction=1)) / math.sqrt(count) if count > 1 else math.inf
    low = top + math.log(mean - half) if half < mean else -math.inf
    effective = float(w.sum() ** 2 / w.square().sum())
    return LogPartition(top + math.log(mean), low, top + math.log(mean + half), effective, count)
