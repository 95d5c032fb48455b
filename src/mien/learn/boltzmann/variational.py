"""The variational lower bound of a belief network's likelihood.

    log p(v) >= E_q [ sum_l log p(h(l-1) | h(l)) + sum_l H(q(h(l) | h(l-1))) - F(hL) ] - log Z,

with ``h(0) = v``, l over the directed layers, F and Z of the top machine, and q the recognition weights from the
bottom up (Hinton, Osindero & Teh 2006, equation 8; Salakhutdinov & Murray 2008, section 4). It lacks exactly
``KL(q || p(h | v))``. Z is estimated by ``annealing`` or, of small machines, counted by ``enumeration``: an
annealed log Z that is too small makes the figure too large, so give the upper end of its interval to be safe.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from mien.learn.threads import one_thread

if TYPE_CHECKING:
    from torch import Tensor

    from mien.learn.boltzmann.belief_network import BeliefNetwork, Directed


def lower_bound(
    network: BeliefNetwork,
    v: Tensor,
    log_z: float,
    *,
    beside: Tensor | None = None,
    samples: int = 10,
    seed: int = 0,
) -> Tensor:
    """The bound of log p of each row, in nats, estimated without bias from draws of q.

    Args:
        network: computed in float64 on its own device.
        v: rows (n, visible); of binary units that lie between 0 and 1, the expected log probability of states
            drawn so. Of Gaussian units the log density.
        log_z: of the top machine.
        beside: states (n, others) of the top machine's further blocks, such as labels; needed where it has any. The
            bound is then that of log p(v, beside).
        samples: draws of q per row.
        seed: of the draws.

    Returns:
        float64 (n,).

    Raises:
        ValueError: units beside the last layer are missing or too many.
    """
    exact = network.to(network.top.W.double())
    v = v.to(exact.top.W)
    others = exact.top.visible_units - exact.top.blocks[0].units
    given = v.new_zeros(len(v), 0) if beside is None else beside.to(v)
    if given.shape != (len(v), others):
        raise ValueError(f"the top machine has {others} units beside the last layer, not {tuple(given.shape)[1:]}")
    total = v.new_zeros(len(v))
    with one_thread(), torch.no_grad():
        random = torch.Generator(v.device).manual_seed(seed)
        for _ in range(samples):
            below = v
            for layer in exact.layers:
                field = functional.linear(below, layer.W, layer.b)
                states = layer.recognition.sample_hidden(below, random)
                total += log_likelihood(layer, below, states) + entropy(field)
                below = states
            total -= exact.top.free_energy(torch.cat([below, given], dim=1))
    return total / samples - log_z


def log_likelihood(layer: Directed, below: Tensor, states: Tensor) -> Tensor:
    """The log probability (n,), in nats, that ``states`` (n, units) of a layer make ``below`` (n, below)."""
    field = functional.linear(states, layer.G.T, layer.a)
    if layer.block.kind == "gaussian":
        return -((below - field) ** 2).sum(dim=1) / 2 - layer.block.units / 2 * math.log(2 * math.pi)
    if layer.block.kind == "softmax":
        return (below * torch.log_softmax(field, dim=1)).sum(dim=1)
    return (below * field - functional.softplus(field)).sum(dim=1)


def entropy(field: Tensor) -> Tensor:
    """Entropy (n,) in nats of independent logistic units that receive ``field`` (n, units)."""
    return (functional.softplus(field) - field * torch.sigmoid(field)).sum(dim=1)
