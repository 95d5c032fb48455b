"""The up-down algorithm: a belief network's layers learned together, in contrast to one after the other.

It is wake-sleep (Hinton, Dayan, Frey & Neal 1995) with a machine on top (Hinton, Osindero & Teh 2006, section 5
and appendix B). For every batch:

- up, awake: the recognition weights draw states from the data; the *generative* weights learn to make each level
  from the states above it, ``dG = <h (below - E[below | h])>``;
- on top: the machine learns the states of its level by a few Gibbs steps of contrastive divergence, 3 at first,
  then 6, then 10;
- down, asleep: from the last state of these steps the generative weights make a fantasy; the *recognition* weights
  learn to find the states that made it, ``dW = <(h - E[h | below]) below>``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from mien.errors import TrainingError
from mien.learn.boltzmann import divergence, rows
from mien.learn.boltzmann.belief_network import BeliefNetwork, Directed, Learned, untied
from mien.learn.boltzmann.chain import Chain
from mien.learn.interfaces import Progress, silent
from mien.learn.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Generator, Tensor


@dataclass(frozen=True, slots=True)
class Options:
    """How the layers are learned together; the last entry of a list holds for all that follow.

    Attributes:
        epochs: passes over the rows.
        rate: learning rate of each directed layer from the lowest up, and of the top machine last; it falls to a
            tenth. Gaussian pixels want one ten times smaller.
        batch: rows per update.
        momentum: of the updates; 0.5 at most in the first five epochs.
        weight_cost: of the squared weights, in both directions.
        gibbs_steps: of the top machine, per update, in equal parts of the epochs.
        persistent: the top machine's chains go on from batch to batch, instead of beginning at the data.
    """

    epochs: int = 30
    rate: tuple[float, ...] = (0.001, 0.01)
    batch: int = 100
    momentum: float = 0.5
    weight_cost: float = 0.0
    gibbs_steps: tuple[int, ...] = (3, 6, 10)
    persistent: bool = False

    def __post_init__(self) -> None:
        if not self.rate or not self.gibbs_steps:
            raise ValueError("rate and gibbs_steps must list one number or more")
        if not all(0 < rate <= 1 for rate in self.rate):
            raise ValueError(f"rate must list numbers above 0 and up to 1, not {self.rate}")
        for steps in self.gibbs_steps:
            self.top(steps)

    def top(self, steps: int) -> divergence.Options:
        """How the top machine is trained while it takes so many Gibbs steps.

        Raises:
            ValueError: one of the options is impossible.
        """
        return divergence.Options(
            epochs=self.epochs,
            batch=self.batch,
            rate=self.rate[-1],
            rate_left=LEFT,
            momentum=self.momentum,
            weight_cost=self.weight_cost,
            steps=steps,
            persistent=self.persistent,
            particles=self.batch,
        )

    def steps_in(self, epoch: int) -> int:
        """Gibbs steps in ``epoch``, counted from 1."""
        return self.gibbs_steps[(epoch - 1) * len(self.gibbs_steps) // self.epochs]

    def rate_of(self, depth: int) -> float:
        """The learning rate that a directed layer begins with, the lowest being 0."""
        return self.rate[min(depth, len(self.rate) - 1)]


LEFT = 0.1
"""Share of the learning rates that is left at the end."""


def tune(
    network: BeliefNetwork,
    x: NDArray[np.float32],
    options: Options,
    seed: int,
    progress: Progress = silent,
    *,
    labels: NDArray[np.float32] | None = None,
    present: NDArray[np.float32] | None = None,
    held_out: NDArray[np.float32] | None = None,
) -> Learned:
    """Learn all layers of a network together, on its own device.

    Args:
        network: where to begin; it stays as it is.
        x: float32 (n, visible), as the network's visible block has it.
        options: how.
        seed: of everything drawn. On the CPU equal inputs and seed give equal bits.
        progress: called after every epoch.
        labels: float32 (n, others), states of the top machine's further blocks, beside the last layer; needed where
            it has any.
        present: float32 (n, others), 0 where one of these is missing in a row; what stands there is not looked at.
        held_out: rows (m, visible) for the free-energy gap of the top machine.

    Returns:
        The network, generative and recognition weights apart, and one curve: reconstruction through all levels and
        mean activation of the top units.

    Raises:
        TrainingError: rows or labels that do not fit, or the learning diverged: with the epoch and the rate.
    """
    o = options
    device = network.top.W.device
    x = rows.checked(x, (network.block,))
    beside = _beside(network, len(x), labels, present)
    with one_thread(), torch.no_grad():
        random = torch.Generator(device).manual_seed(seed)
        data = torch.tensor(x, device=device)
        watched = (
            None if held_out is None else torch.tensor(rows.fitting(held_out, (network.block,)), device=device)
        )
        network = untied(network)
        moving = [_Moving.of(layer) for layer in network.layers]
        given, there = (torch.tensor(part, device=device) for part in beside)
        chain = _chain(network, data, given, there, o, random)
        by_mean = float(((data - data.mean(dim=0)) ** 2).sum(dim=1).mean())
        curve: list[divergence.Epoch] = []
        for number in range(1, o.epochs + 1):
            chain.options = o.top(o.steps_in(number))
            order = torch.randperm(len(data), generator=random, device=device)
            batches = order.tensor_split(-(-len(data) // o.batch))
            for done, batch in enumerate(batches):
                share = (number - 1 + done / len(batches)) / o.epochs
                _update(network, moving, chain, data, batch, number, share, o, random)
            curve.append(_measured(network, data, watched, number, o))
            _guard(curve[-1], by_mean, data.shape[1], o)
            progress("up-down", number, o.epochs)
    return Learned(network, (tuple(curve),))


def towards_generation(layer: Directed, below: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients (of ``G``, of ``a``) of the mean log p(below | states) over rows, by which layers learn awake."""
    missed = below - layer.generation.visible(states)
    return states.T @ missed / len(below), missed.mean(dim=0)


def towards_recognition(layer: Directed, below: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
    """Gradients (of ``W``, of ``b``) of the mean log q(states | below) over rows, by which layers learn asleep."""
    missed = states - layer.recognition.hidden(below)
    return missed.T @ below / len(below), missed.mean(dim=0)


@dataclass(frozen=True, slots=True, eq=False)
class _Moving:
    """The last steps of a directed layer's tensors, for momentum."""

    G: Tensor
    a: Tensor
    W: Tensor
    b: Tensor

    @staticmethod
    def of(layer: Directed) -> _Moving:
        return _Moving(*(torch.zeros_like(tensor) for tensor in (layer.G, layer.a, layer.W, layer.b)))


def _beside(
    network: BeliefNetwork, count: int, labels: NDArray[np.float32] | None, present: NDArray[np.float32] | None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """States of the units beside the last layer, and which of them are present.

    Raises:
        TrainingError: missing, too many, or not as their blocks have them.
    """
    others = network.top.blocks[1:]
    wanted = (count, sum(block.units for block in others))
    given = np.zeros((count, 0), np.float32) if labels is None else labels
    there = np.ones_like(given) if present is None else present
    for name, array in (("labels", given), ("present", there)):
        if array.shape != wanted:
            raise TrainingError(
                f"up-down: {name} must be {wanted}, the rows by the units beside the last layer, not {array.shape}"
            )
    return (rows.checked(given, others, there) if others else given), there


def _chain(
    network: BeliefNetwork, data: Tensor, labels: Tensor, present: Tensor, o: Options, random: Generator
) -> Chain:
    """The top machine in training; its rows are recognised anew, batch by batch."""
    learned = network.recognise(data)
    # looked at only where something is missing, as it costs time
    there = None if bool(present.all()) else torch.cat([torch.ones_like(learned), present], dim=1)
    return Chain.beside(network.top, torch.cat([learned, labels], dim=1), there, o.top(o.steps_in(1)), random)


def _update(
    network: BeliefNetwork,
    moving: list[_Moving],
    chain: Chain,
    data: Tensor,
    batch: Tensor,
    number: int,
    share: float,
    o: Options,
    random: Generator,
) -> None:
    """One batch up, on top and down."""
    left = 1 - (1 - LEFT) * share
    momentum = chain.options.momentum_at(number)
    below = data[batch]
    for depth, (layer, last) in enumerate(zip(network.layers, moving, strict=True)):
        states = layer.recognition.sample_hidden(below, random)
        rate = o.rate_of(depth) * left
        for tensor, step, towards in zip(
            (layer.G, layer.a), (last.G, last.a), towards_generation(layer, below, states), strict=True
        ):
            _move(tensor, step, towards, rate, momentum, o.weight_cost)
        below = states
    chain.x[batch, : below.shape[1]] = below
    chain.update(batch, o.rate[-1] * left, momentum)
    states = torch.bernoulli(chain.fantasies()[: len(batch), : below.shape[1]], generator=random)
    for depth, (layer, last) in reversed([*enumerate(zip(network.layers, moving, strict=True))]):
        # pixels are made by their means, as in the paper: noise on them would be new to what recognises faces
        below = layer.generation.sample_visible(states, random) if depth else layer.generation.visible(states)
        rate = o.rate_of(depth) * left
        for tensor, step, towards in zip(
            (layer.W, layer.b), (last.W, last.b), towards_recognition(layer, below, states), strict=True
        ):
            _move(tensor, step, towards, rate, momentum, o.weight_cost)
        states = below


def _move(tensor: Tensor, step: Tensor, towards: Tensor, rate: float, momentum: float, cost: float) -> None:
    step.mul_(momentum).add_(towards, alpha=rate)
    if cost and tensor.dim() > 1:
        step.add_(tensor, alpha=-rate * cost)
    tensor.add_(step)


def _measured(
    network: BeliefNetwork, data: Tensor, watched: Tensor | None, number: int, o: Options
) -> divergence.Epoch:
    seen = data[:: -(-len(data) // divergence.LOOKED_AT)]
    h = network.features(seen)
    error = float(((seen - network.generate(network.top.visible(h))) ** 2).sum(dim=1).mean())
    gap = None
    if watched is not None and not network.top.blocks[1:]:
        levels = [network.top.free_energy(network.recognise(v)).mean() for v in (watched, seen)]
        gap = float(levels[0] - levels[1])
    rate = o.rate[-1] * (1 - (1 - LEFT) * number / o.epochs)
    return divergence.Epoch(number, rate, error, float(h.mean()), gap)


def _guard(epoch: divergence.Epoch, by_mean: float, visible: int, o: Options) -> None:
    """Stop where learning has diverged.

    Raises:
        TrainingError: with the epoch and the learning rates.
    """
    if epoch.reconstruction <= divergence.FAR * by_mean + 0.01 * visible and epoch.rho_hat == epoch.rho_hat:
        return  # both false for NaN
    rates = ", ".join(f"{rate:g}" for rate in o.rate)
    raise TrainingError(
        f"up-down: learning diverged in epoch {epoch.number} at learning rate {rates}: rows are rebuilt with error "
        f"{epoch.reconstruction:.3g}, by their mean alone {by_mean:.3g}; use a smaller rate"
    )
