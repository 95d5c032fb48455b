"""Exact sums over all states of a small machine: log Z, log likelihood and its gradient.

The units of one side are summed out in closed form, the states of the other are listed. Hidden units can always be
listed; visible ones only where none is Gaussian. The side with fewer states is taken.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from mien.learn.boltzmann.machine import Machine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

MOST = 22
"""log2 of the largest number of states that is listed."""

CHUNK = 1 << 14  # states at a time


@dataclass(frozen=True, slots=True, eq=False)
class Gradient:
    """Of the mean log likelihood, by the parameters of a machine."""

    W: Tensor
    b: Tensor
    a: Tensor


def log_partition(machine: Machine) -> float:
    """Exact log Z in nats; the integral over Gaussian units.

    Raises:
        ValueError: both sides have more than 2^22 states.
    """
    exact = machine.to(machine.W.double())
    logs = [_log_weights(exact, listed, of_visible=of_visible) for listed, of_visible in _listed(exact)]
    return float(torch.logsumexp(torch.cat(logs), dim=0))


def log_likelihood(machine: Machine, x: Tensor) -> float:
    """Mean log p(v) in nats over rows (n, visible), exact.

    Raises:
        ValueError: both sides have more than 2^22 states.
    """
    exact = machine.to(machine.W.double())
    return float(-exact.free_energy(x.to(exact.W)).mean()) - log_partition(machine)


def gradient(machine: Machine, x: Tensor) -> Gradient:
    """Gradient of the mean log likelihood of rows (n, visible): ``<h v'>_data - <h v'>_model``, float64.

    Raises:
        ValueError: both sides have more than 2^22 states.
    """
    exact = machine.to(machine.W.double())
    v = x.to(exact.W)
    h = exact.hidden(v)
    model = expectations(machine)
    return Gradient(h.T @ v / len(v) - model.W, h.mean(dim=0) - model.b, v.mean(dim=0) - model.a)


def expectations(machine: Machine) -> Gradient:
    """``<h v'>``, ``<h>`` and ``<v>`` under the machine's own distribution, float64.

    Raises:
        ValueError: both sides have more than 2^22 states.
    """
    exact = machine.to(machine.W.double())
    log_z = log_partition(machine)
    W, b, a = torch.zeros_like(exact.W), torch.zeros_like(exact.b), torch.zeros_like(exact.a)
    for listed, of_visible in _listed(exact):
        p = torch.exp(_log_weights(exact, listed, of_visible=of_visible) - log_z)
        v = listed if of_visible else exact.visible(listed)
        h = exact.hidden(listed) if of_visible else listed
        W += (h * p[:, None]).T @ v
        b += p @ h
        a += p @ v
    return Gradient(W, b, a)


def states(machine: Machine) -> Tensor:
    """Every visible state (states, visible), float64, of a machine without Gaussian units.

    Raises:
        ValueError: a Gaussian block, or more than 2^22 states.
    """
    if _size(machine) > MOST:
        raise ValueError("the visible states of this machine cannot be listed: a Gaussian block, or too many units")
    return torch.cat(list(_visible_states(machine.to(machine.W.double()))))


def _size(machine: Machine) -> float:
    """log2 of the number of visible states; infinite with a Gaussian block."""
    total = 0.0
    for block in machine.blocks:
        total += {"binary": block.units, "softmax": math.log2(block.units), "gaussian": math.inf}[block.kind]
    return total


def _listed(machine: Machine) -> Iterator[tuple[Tensor, bool]]:
    """States of the side that has fewer, some at a time; whether that is the visible one."""
    visible = _size(machine)
    if min(visible, machine.hidden_units) > MOST:
        raise ValueError(
            f"a machine of {machine.hidden_units} hidden and {machine.visible_units} visible units is too large to "
            f"enumerate; estimate its log Z by annealing"
        )
    if visible <= machine.hidden_units:
        for part in _visible_states(machine):
            yield part, True
    else:
        for part in _binary_states(machine.hidden_units, machine.W):
            yield part, False


def _log_weights(machine: Machine, listed: Tensor, *, of_visible: bool) -> Tensor:
    """The logarithm of the sum over the other side, for each state (n,)."""
    if of_visible:
        return -machine.free_energy(listed)
    field = functional.linear(listed, machine.W.T, machine.a)
    total = listed @ machine.b
    for block, place in machine.parts():
        part, a = field[:, place], machine.a[place]
        if block.kind == "gaussian":
            total = (
                total + (part.square().sum(dim=1) - a.square().sum()) / 2 + block.units / 2 * math.log(2 * math.pi)
            )
        elif block.kind == "softmax":
            total = total + torch.logsumexp(part, dim=1)
        else:
            total = total + functional.softplus(part).sum(dim=1)
    return total


def _binary_states(units: int, like: Tensor) -> Iterator[Tensor]:
    """All states of binary units, some at a time (n, units)."""
    bits = torch.arange(units, device=like.device)
    for first in range(0, 1 << units, CHUNK):
        numbers = torch.arange(first, min(first + CHUNK, 1 << units), device=like.device)
        yield ((numbers[:, None] >> bits) & 1).to(like)


def _visible_states(machine: Machine) -> Iterator[Tensor]:
    """All visible states, some at a time (n, visible): every choice of softmax units with every binary state."""
    binary = [place for block, place in machine.parts() if block.kind == "binary"]
    groups = [place for block, place in machine.parts() if block.kind == "softmax"]
    free = [i for place in binary for i in range(place.start, place.stop)]
    for chosen in product(*(range(place.start, place.stop) for place in groups)):
        for part in _binary_states(len(free), machine.W):
            v = part.new_zeros(len(part), machine.visible_units)
            v[:, free] = part
            v[:, list(chosen)] = 1
            yield v
