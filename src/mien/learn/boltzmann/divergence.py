"""Contrastive divergence: how a restricted Boltzmann machine is learned from rows.

The gradient of the mean log likelihood is ``<h v'>_data - <h v'>_model``. Contrastive divergence puts the state of
a Gibbs chain in the place of the model: one begun at the data and run for k steps (CD-k; Hinton 2002), or one that
goes on from batch to batch while the weights move slowly under it (PCD; Tieleman 2008). The rules of practice are
those of Hinton (2010), "A practical guide to training restricted Boltzmann machines".
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from mien.errors import TrainingError
from mien.learn.boltzmann import memory, rows
from mien.learn.boltzmann.chain import Chain
from mien.learn.boltzmann.machine import Block, Machine
from mien.learn.interfaces import Progress, silent
from mien.learn.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Generator, Tensor

EARLY = 5
"""Epochs of the small momentum with which learning begins."""

EARLY_MOMENTUM = 0.5
LOOKED_AT = 1000
"""Rows, of those trained on and of those held out, from which the figures of an epoch are taken."""

FAR = 4.0
"""Learning that rebuilds the rows so many times worse than their mean has diverged."""


def momentum_at(momentum: float, epoch: int) -> float:
    """The momentum in ``epoch``, counted from 1: small at first (Hinton 2010)."""
    return min(momentum, EARLY_MOMENTUM) if epoch <= EARLY else momentum


@dataclass(frozen=True, slots=True)
class Options:
    """How a machine is trained.

    Attributes:
        epochs: passes over the rows.
        batch: rows per update.
        rate: learning rate; 0.05 to 0.1 suits binary units, 0.001 to 0.01 Gaussian ones.
        rate_left: share of the rate that is left at the end, to which it falls linearly; 1 holds it, and
            persistent chains want it near 0.
        momentum: of the updates; 0.5 at most in the first five epochs.
        weight_cost: of the squared weights.
        steps: k, full Gibbs steps per update.
        persistent: chains go on from batch to batch; else they begin at the rows.
        particles: persistent chains.
        draw: visible states of the chains are drawn; else their means are taken, which is less noisy and gives
            good features, but no longer follows the model's distribution.
        centred: the updates of the centred machine (Melchior, Fischer & Wiskott 2016), which do not depend on
            how 0 and 1 are called.
        rho: wanted mean activation of a hidden unit (Lee, Ekanadham & Ng 2008), and
        sparsity: how strongly it is wanted; 0: not at all.
    """

    epochs: int = 50
    batch: int = 100
    rate: float = 0.05
    rate_left: float = 1.0
    momentum: float = 0.9
    weight_cost: float = 1e-4
    steps: int = 1
    persistent: bool = False
    particles: int = 100
    draw: bool = True
    centred: bool = True
    rho: float = 0.05
    sparsity: float = 0.0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "steps", "particles"):
            if not 1 <= getattr(self, name) <= 1_000_000:
                raise ValueError(f"{name} must be 1 to 1000000, not {getattr(self, name)}")
        if not 0 < self.rate <= 10 or not 0 <= self.rate_left <= 1:
            raise ValueError(
                f"rate must lie above 0 and up to 10, rate_left in 0 to 1, not {self.rate} and {self.rate_left}"
            )
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum must be 0 to below 1, not {self.momentum}")
        if not (0 <= self.weight_cost <= 1 and 0 <= self.sparsity <= 1000):
            raise ValueError(
                f"weight_cost must be 0 to 1 and sparsity 0 to 1000, not {self.weight_cost} and {self.sparsity}"
            )
        if not 0 < self.rho < 1:
            raise ValueError(f"rho must lie between 0 and 1, not {self.rho}")

    def rate_at(self, share: float) -> float:
        """The learning rate when ``share`` of the updates are done."""
        return self.rate * (1 - (1 - self.rate_left) * share)

    def momentum_at(self, epoch: int) -> float:
        """The momentum in ``epoch``, counted from 1."""
        return momentum_at(self.momentum, epoch)


@dataclass(frozen=True, slots=True)
class Epoch:
    """What a machine was like after an epoch, measured on up to 1000 rows.

    Attributes:
        number: from 1.
        rate: learning rate at its end.
        reconstruction: mean over rows of ``|v - E[v | h]|^2``, h drawn given v.
        rho_hat: mean activation of the hidden units.
        free_energy_gap: mean F of the rows held out less mean F of rows trained on, in nats: the machine's
            preference for what it has seen. It grows where the machine learns by heart. None: nothing held out.
    """

    number: int
    rate: float
    reconstruction: float
    rho_hat: float
    free_energy_gap: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A machine, on the device it was trained on, and how it came about, epoch by epoch."""

    machine: Machine
    curve: tuple[Epoch, ...]


Watch = Callable[[Machine, "Tensor", tuple[Epoch, ...]], None]
"""Called after every epoch with the machine as it stands (not to be kept: it goes on changing), the visible states
(n, visible) of the chains, and the curve so far."""


def train(
    x: NDArray[np.float32],
    blocks: tuple[Block, ...],
    hidden: int,
    options: Options,
    seed: int,
    progress: Progress = silent,
    *,
    start: Machine | None = None,
    present: NDArray[np.float32] | None = None,
    held_out: NDArray[np.float32] | None = None,
    device: torch.device | str = "cpu",
    watch: Watch | None = None,
) -> Trained:
    """Train a machine on rows.

    Args:
        x: float32 (n, visible): binary units in [0, 1], softmax blocks one-hot, Gaussian units standardised.
        blocks: what the visible units are.
        hidden: hidden units.
        options: how.
        seed: of everything drawn.
        progress: called after every epoch.
        start: the machine to go on from; else weights of N(0, 0.01) and biases at the base rates.
        present: float32 (n, visible), 1 where a unit is present in a row, 0 where it is missing: what stands there
            is not looked at, adds nothing and teaches nothing. A softmax block is present or missing as a whole.
        held_out: rows (m, visible) for the free-energy gap, all units present.
        device: where to train.
        watch: looks on, epoch by epoch.

    Returns:
        The machine and its curve. On the CPU equal inputs and seed give equal bits, whatever the number of threads.

    Raises:
        TrainingError: rows that do not fit their blocks (NaN, values outside [0, 1], rows of a softmax block that
            are not one-hot, constant Gaussian columns), too little memory, or the learning diverged.
    """
    place, width = torch.device(device), sum(block.units for block in blocks)
    if hidden < 1:
        raise TrainingError(f"boltzmann machine: needs one hidden unit or more, not {hidden}")
    needed = _bytes(len(x), hidden, width, options)
    memory.require(needed, place, f"{hidden} hidden units on {width} visible ones, with {len(x)} rows,")
    x = rows.checked(x, blocks, present)
    if rows.same(x):
        raise TrainingError(f"boltzmann machine: all {len(x)} rows are the same; there is nothing to learn")
    with one_thread() if place.type == "cpu" else nullcontext(), torch.no_grad():
        random = torch.Generator(place).manual_seed(seed)
        data, there, watched = _tensor(x, place), None, None
        if present is not None:
            there = _tensor(present, place)
        if held_out is not None:
            watched = _tensor(rows.fitting(held_out, blocks), place)
        machine = initial(data, blocks, hidden, random, there) if start is None else _copied(start, data)
        if machine.blocks != blocks or machine.hidden_units != hidden:
            raise TrainingError(
                f"boltzmann machine: the machine to go on from has {machine.hidden_units} hidden units on "
                f"{machine.blocks}, not {hidden} on {blocks}"
            )
        look = _Look.at(data, there, watched, random)
        chain = Chain.beside(machine, data, there, options, random)
        curve: tuple[Epoch, ...] = ()
        for number in range(1, options.epochs + 1):
            rate = _epoch(chain, number, options, random)
            curve = (*curve, look.measured(machine, number, rate, random))
            _guard(curve[-1], look)
            if watch is not None:
                watch(machine, chain.fantasies(), curve)
            progress("features", number, options.epochs)
    return Trained(machine, curve)


def initial(
    x: Tensor, blocks: tuple[Block, ...], hidden: int, random: Generator, present: Tensor | None = None
) -> Machine:
    """Weights from N(0, 0.01), hidden biases 0 and the visible biases of a machine without hidden units.

    These are the log-odds of each binary unit in the rows (n, visible), the log shares of softmax units and the
    means of Gaussian ones, over the rows in which a unit is present.
    """
    W = 0.01 * torch.randn(hidden, x.shape[1], generator=random, dtype=x.dtype, device=x.device)
    mean = rows.mean(x, present)
    a = torch.empty_like(mean)
    machine = Machine(W, W.new_zeros(hidden), a, blocks)
    for block, place in machine.parts():
        p = mean[place].clamp(0.01, 0.99) if block.kind == "binary" else mean[place]
        if block.kind == "binary":
            a[place] = torch.logit(p)
        elif block.kind == "softmax":
            a[place] = torch.log((p + 1e-3) / (p + 1e-3).sum())
        else:
            a[place] = p
    return machine


def _tensor(array: NDArray[np.floating], device: torch.device) -> Tensor:
    """A copy in float32 on the device."""
    return torch.tensor(array, dtype=torch.float32, device=device)


def _copied(start: Machine, like: Tensor) -> Machine:
    """The same machine on the same device as ``like``, in tensors of its own that training may change."""
    W, b, a = (tensor.to(like, copy=True).contiguous() for tensor in (start.W, start.b, start.a))
    return Machine(W, b, a, start.blocks)


def _epoch(chain: Chain, number: int, o: Options, random: Generator) -> float:
    """One pass over the rows in a new order; the learning rate at its end."""
    order = torch.randperm(chain.rows, generator=random, device=random.device)
    batches = order.tensor_split(-(-chain.rows // o.batch))
    momentum, rate = o.momentum_at(number), o.rate
    for done, batch in enumerate(batches):
        rate = o.rate_at((number - 1 + done / len(batches)) / o.epochs)
        chain.update(batch, rate, momentum)
    return rate


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """The rows that the figures of every epoch are taken from."""

    rows: Tensor
    present: Tensor | None
    held_out: Tensor | None
    by_mean: float
    """Reconstruction error of saying the mean."""

    @staticmethod
    def at(x: Tensor, present: Tensor | None, held_out: Tensor | None, random: Generator) -> _Look:
        chosen = torch.randperm(len(x), generator=random, device=x.device)[:LOOKED_AT]
        seen, there = x[chosen], None if present is None else present[chosen]
        if held_out is not None and len(held_out) > LOOKED_AT:
            held_out = held_out[torch.randperm(len(held_out), generator=random, device=x.device)[:LOOKED_AT]]
        return _Look(seen, there, held_out, _error(rows.mean(seen, there), seen, there))

    def measured(self, machine: Machine, number: int, rate: float, random: Generator) -> Epoch:
        chance = machine.hidden(self.rows)
        state = (torch.rand(chance.shape, generator=random, device=chance.device) < chance).to(chance.dtype)
        error = _error(machine.visible(state), self.rows, self.present)
        gap = None
        if self.held_out is not None:
            gap = float(machine.free_energy(self.held_out).mean() - machine.free_energy(self.rows).mean())
        return Epoch(number, rate, error, float(chance.mean()), gap)


def _error(rebuilt: Tensor, x: Tensor, present: Tensor | None) -> float:
    """Mean over the rows of ``|x - rebuilt|^2`` over the units present."""
    away = (x - rebuilt) ** 2
    return float((away if present is None else away * present).sum(dim=1).mean())


def _guard(epoch: Epoch, look: _Look) -> None:
    """Stop where learning has diverged.

    Raises:
        TrainingError: with the epoch and the learning rate.
    """
    # a column that hardly varies is rebuilt worse than by its mean without any harm: hence 0.01 for every unit
    allowed = FAR * look.by_mean + 0.01 * look.rows.shape[1]
    if epoch.reconstruction <= allowed and epoch.rho_hat == epoch.rho_hat:  # both false for NaN
        return
    raise TrainingError(
        f"boltzmann machine: learning diverged in epoch {epoch.number} at learning rate {epoch.rate:g}: rows are "
        f"rebuilt with error {epoch.reconstruction:.3g}, by their mean alone {look.by_mean:.3g}; use a smaller rate"
    )


def _bytes(count: int, hidden: int, visible: int, o: Options) -> int:
    """What training allocates, by its large tensors: weights and their steps; rows; states of both phases."""
    both = min(o.batch, count) + (o.particles if o.persistent else min(o.batch, count))
    looked = 2 * min(LOOKED_AT, count) * (hidden + visible)
    return 4 * (2 * hidden * visible + count * visible + 2 * both * (hidden + visible) + looked)
