"""Contrastive divergence for the convolutional machine, with the sparsity that it cannot do without.

The hidden maps together have K times as many units as the picture has pixels: without a pull towards few active
units the machine learns to pass pixels on (Lee, Ekanadham & Ng 2008; Lee et al. 2009). The pull acts on the biases.
"""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn.grad import conv2d_weight

from mien.errors import TrainingError
from mien.learn.boltzmann.convolutional import ConvolutionalMachine, Visible, drawn
from mien.learn.boltzmann.divergence import momentum_at
from mien.learn.interfaces import Progress, silent
from mien.learn.threads import one_thread

if TYPE_CHECKING:
    from torch import Generator, Tensor

DEVIATION = 0.01  # of the first weights
FAR = 4.0  # times the error of each channel's mean, from which learning has diverged


@dataclass(frozen=True, slots=True)
class Options:
    """How a convolutional machine is trained.

    Attributes:
        epochs: passes over the pictures.
        batch: pictures per update.
        rate: learning rate, of gradients per picture and hidden place; falls linearly to a tenth.
        momentum: of the updates; 0.5 at most in the first five epochs.
        weight_cost: of the squared weights.
        rho: wanted mean activation of a hidden unit, and
        sparsity: how strongly it is wanted.
    """

    epochs: int = 20
    batch: int = 20
    rate: float = 0.05
    momentum: float = 0.9
    weight_cost: float = 1e-3
    rho: float = 0.01
    sparsity: float = 5.0

    def __post_init__(self) -> None:
        if not (1 <= self.epochs <= 100_000 and 1 <= self.batch <= 100_000):
            raise ValueError(f"epochs and batch must be 1 to 100000, not {self.epochs} and {self.batch}")
        if not (0 < self.rate < math.inf and 0 <= self.momentum < 1):
            raise ValueError(f"rate must be above 0 and momentum 0 to below 1, not {self.rate} and {self.momentum}")
        if not (0 <= self.weight_cost <= 1 and 0 <= self.sparsity <= 1000):
            raise ValueError(
                f"weight_cost must be 0 to 1 and sparsity 0 to 1000, not {self.weight_cost} and {self.sparsity}"
            )
        if not 0 < self.rho < 1:
            raise ValueError(f"rho must lie between 0 and 1, not {self.rho}")

    def rate_at(self, share: float) -> float:
        """The learning rate when ``share`` of the updates are done."""
        return self.rate * (1 - 0.9 * share)

    def momentum_at(self, epoch: int) -> float:
        """The momentum in ``epoch``, counted from 1."""
        return momentum_at(self.momentum, epoch)


@dataclass(frozen=True, slots=True)
class Epoch:
    """What an epoch was like, over all of its updates.

    Attributes:
        number: from 1.
        rate: learning rate at its end.
        reconstruction: mean over pictures of ``|v - E[v | h]|^2``, h drawn given v.
        rho_hat: mean activation of the hidden units.
    """

    number: int
    rate: float
    reconstruction: float
    rho_hat: float


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A machine, on the device it was trained on, and how it came about."""

    machine: ConvolutionalMachine
    curve: tuple[Epoch, ...]


def train(
    x: Tensor,
    kind: Visible,
    maps: int,
    side: int,
    pooling: int,
    options: Options,
    seed: int,
    progress: Progress = silent,
) -> Trained:
    """Train a machine on pictures, on their device, by CD-1.

    Args:
        x: float32 (n, channels, t, t): in [0, 1] for binary units; of mean 0 for Gaussian ones, their deviation in
            units of the machine's noise.
        kind: what the visible units are.
        maps: hidden maps.
        side: of a filter, odd.
        pooling: side of a block; t is a multiple of it.
        options: how.
        seed: of everything drawn.
        progress: called after every epoch.

    Returns:
        The machine and its curve. On the CPU equal inputs and seed give equal bits, whatever the number of threads.

    Raises:
        TrainingError: pictures that blocks of this side do not tile, or the learning diverged.
    """
    if x.shape[-1] % pooling or x.shape[-1] != x.shape[-2]:
        raise TrainingError(
            f"convolutional machine: blocks of {pooling} x {pooling} do not tile pictures of {x.shape[-2]} x "
            f"{x.shape[-1]}"
        )
    with one_thread() if x.device.type == "cpu" else nullcontext(), torch.no_grad():
        random = torch.Generator(x.device).manual_seed(seed)
        machine = initial(x, kind, maps, side, pooling, options.rho, random)
        velocity = tuple(torch.zeros_like(part) for part in (machine.W, machine.b, machine.a))
        by_mean = float(((x - x.mean(dim=(0, 2, 3), keepdim=True)) ** 2).sum()) / len(x)
        curve: list[Epoch] = []
        for number in range(1, options.epochs + 1):
            curve.append(_epoch(machine, velocity, x, number, options, random))
            _guard(curve[-1], by_mean, x[0].numel())
            progress("features", number, options.epochs)
    return Trained(machine, tuple(curve))


def initial(
    x: Tensor, kind: Visible, maps: int, side: int, pooling: int, rho: float, random: Generator
) -> ConvolutionalMachine:
    """Weights from N(0, 0.01), biases that give activation ``rho`` without input, base rates of the channels."""
    W = DEVIATION * torch.randn(maps, x.shape[1], side, side, generator=random, dtype=x.dtype, device=x.device)
    # exp(b) / (1 + B exp(b)) = rho for a block of B units; a block cannot be fuller than full
    units = pooling**2
    b = torch.full_like(W[:, 0, 0, 0], math.log(rho / max(1 - units * rho, 0.05)))
    mean = x.mean(dim=(0, 2, 3))
    a = mean if kind == "gaussian" else torch.logit(mean.clamp(0.001, 0.999))
    return ConvolutionalMachine(W, b, a, pooling, kind)


def slopes(machine: ConvolutionalMachine, v: Tensor, p: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """``-dF/d(W, b, a)``, summed over visible states (n, channels, t, t) with p = P(h = 1 | v) (n, K, t, t)."""
    W = conv2d_weight(v, machine.W.shape, p, padding=machine.W.shape[-1] // 2)  # type: ignore[no-untyped-call]
    own = v - machine.a[:, None, None] if machine.visible_kind == "gaussian" else v
    return W, p.sum(dim=(0, 2, 3)), own.sum(dim=(0, 2, 3))


def _epoch(
    machine: ConvolutionalMachine,
    velocity: tuple[Tensor, ...],
    x: Tensor,
    number: int,
    o: Options,
    random: Generator,
) -> Epoch:
    """One pass over the pictures in a new order; the machine is changed in place."""
    order = torch.randperm(len(x), generator=random, device=x.device)
    batches = order.tensor_split(-(-len(x) // o.batch))
    rate, error, active = o.rate, 0.0, 0.0
    for done, chosen in enumerate(batches):
        rate = o.rate_at((number - 1 + done / len(batches)) / o.epochs)
        v0 = x[chosen]
        p0 = machine.hidden(v0)
        v1 = machine.visible(drawn(p0, machine.pooling, random))
        p1 = machine.hidden(v1)
        places = p0[:, 0].numel()
        up, down = slopes(machine, v0, p0), slopes(machine, v1, p1)
        steps = [(plus - minus) / places for plus, minus in zip(up, down, strict=True)]
        steps[0] -= o.weight_cost * machine.W
        steps[1] += o.sparsity * (o.rho - up[1] / places)
        for part, speed, step in zip((machine.W, machine.b, machine.a), velocity, steps, strict=True):
            speed.mul_(o.momentum_at(number)).add_(step, alpha=rate)
            part.add_(speed)
        error += float(((v0 - v1) ** 2).sum())
        active += float(up[1].sum()) / p0[0].numel()
    return Epoch(number, rate, error / len(x), active / len(x))


def _guard(epoch: Epoch, by_mean: float, visible: int) -> None:
    """Stop where learning has diverged.

    Raises:
        TrainingError: with the epoch and the learning rate.
    """
    if epoch.reconstruction <= FAR * by_mean + 0.01 * visible:  # false for NaN, too
        return
    raise TrainingError(
        f"convolutional machine: learning diverged in epoch {epoch.number} at learning rate {epoch.rate:g}: "
        f"pictures are rebuilt with error {epoch.reconstruction:.3g}, by the mean alone {by_mean:.3g}; use a "
        "smaller rate"
    )
