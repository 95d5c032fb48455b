"""Sparse encoding symmetric machine: Ranzato, Boureau & LeCun (2007), "Sparse feature learning for deep belief
networks". The encoder proposes a code, the decoder rebuilds the face from it, and both have the same weights.

A face Y, centred and scaled, and a code Z have the energy (their eq. 3)::

    E(Y, Z) = alpha_e |Z - enc(Y)|^2 + |Y - dec(Z)|^2
    enc(Y)  = W Y + b                                  W (units, inputs), one filter a row
    dec(Z)  = W' l(Z) + c                              l(z) = 1 / (1 + exp(-gain z))

and learning lowers, over the faces, their loss (eq. 4)::

    L(Y, Z) = E(Y, Z) + alpha_s sum_j log(1 + l(z_j)^2) + alpha_r |W|_1

by turns: the codes Z* of a batch that are best for the weights are sought by gradient descent from enc(Y), then the
weights take a step towards Z*. Nothing is sampled and no partition function is needed: a sparse code cannot give
every input a low energy, and so low energies stay with the faces. Afterwards the encoder alone gives the features
l(enc(Y)), one layer of logistic units; what faces are centred and scaled by goes into its weights.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mien.errors import TrainingError
from mien.learn.features._examples import checked
from mien.learn.interfaces import Progress, silent
from mien.learn.threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Layer = tuple[NDArray[np.float32], NDArray[np.float32]]

START = 0.02  # standard deviation of the weights that learning starts from
FASTER, SLOWER = 1.5, 0.4  # a code's step after one that lowered its loss, and after one that did not
EVERY = 50  # iterations between two calls of progress
FLAT = 1e-6  # spread of the inputs below which they are all the same face


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the machine; all but the first hold for every layer.

    Attributes:
        layers: units of each layer, from the lowest up; a further layer learns the features of the one below.
        code_weight: alpha_e, what a code pays for lying off the encoder's proposal.
        sparsity: alpha_s, what it pays for units that are on.
        weight_decay: alpha_r, on the absolute values of the weights; filters become local by it.
        gain: slope of the logistic.
        code_steps: gradient steps towards the best code.
        iterations: steps of the weights, one batch each.
        batch: faces per step.
        rate: of Adam; it falls to nothing along a cosine.
    """

    layers: tuple[int, ...] = (250,)
    code_weight: float = 1.0
    sparsity: float = 3.0
    weight_decay: float = 0.1
    gain: float = 5.0
    code_steps: int = 5
    iterations: int = 600
    batch: int = 100
    rate: float = 1e-2

    def __post_init__(self) -> None:
        if not self.layers or not all(1 <= units <= 100_000 for units in self.layers):
            raise ValueError(f"layers must list the units of one layer or more, 1 to 100000, not {self.layers}")
        if not (0 < self.code_weight < np.inf and 0 < self.gain < np.inf and 0 < self.rate < np.inf):
            raise ValueError(
                f"code_weight, gain and rate must be above 0, not {self.code_weight}, {self.gain} and {self.rate}"
            )
        if not (0 <= self.sparsity < np.inf and 0 <= self.weight_decay < np.inf):
            raise ValueError(
                f"sparsity and weight_decay must be 0 or more, not {self.sparsity} and {self.weight_decay}"
            )
        if min(self.code_steps, self.iterations, self.batch) < 1:
            raise ValueError(
                f"code_steps, iterations and batch must be 1 or more, not {self.code_steps}, {self.iterations} and "
                f"{self.batch}"
            )


class Weights(NamedTuple):
    """What a layer learns: ``W`` (units, inputs), ``b`` (units,) of the encoder, ``c`` (inputs,) of the decoder."""

    W: Tensor
    b: Tensor
    c: Tensor


def build(options: Options) -> SparseEncodingMachine:
    """The learner under ``options``."""
    return SparseEncodingMachine(options)


@dataclass(frozen=True, slots=True)
class SparseEncodingMachine:
    """Learns ``SparseEncodingFeatures`` from patches without labels, layer by layer."""

    options: Options

    def fit(self, x: NDArray[np.float32], seed: int, progress: Progress = silent) -> SparseEncodingFeatures:
        """Learn from flattened patches.

        Args:
            x: float32 (n, pixels) in [0, 1].
            seed: of the starting weights and of the order of the faces.
            progress: called every 50 iterations, counted over all layers.

        Returns:
            The encoders. Equal inputs and seed give equal bits on one machine, whatever its number of threads.

        Raises:
            TrainingError: too few faces, values outside [0, 1] or all equal, or the learning diverged or came to
                nothing.
        """
        x = checked("sparse_encoding_machine", x)
        layers: list[Layer] = []
        figures: dict[str, float] = {}
        with one_thread(), torch.no_grad():
            inputs = torch.from_numpy(x)
            for depth in range(len(self.options.layers)):
                learned = _learn(inputs, depth, self.options, seed, progress)
                layers.append((learned.W.numpy(), learned.b.numpy()))
                inputs = torch.sigmoid(functional.linear(inputs, learned.W, learned.b))
                figures |= {f"layer{depth + 1}_{name}": value for name, value in learned.figures.items()}
        return SparseEncodingFeatures(tuple(layers), figures)


@dataclass(frozen=True, slots=True)
class SparseEncodingFeatures:
    """The encoders of fitted machines.

    Attributes:
        stack: the layers (W (units, inputs), b (units,)) of logistic units from the lowest up, float32, as
            fine-tuning takes them; centring, scaling and gain are in them.
        fit_figures: see ``figures``.
    """

    stack: tuple[Layer, ...]
    fit_figures: dict[str, float]

    @property
    def units(self) -> int:
        """Units of the last layer."""
        return len(self.stack[-1][1])

    def encode(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Activations (n, units) of the last layer for flattened patches (n, pixels)."""
        with one_thread(), torch.inference_mode():
            found = torch.from_numpy(np.require(x, np.float32, ["C", "W"]))
            for W, b in self.stack:
                found = torch.sigmoid(functional.linear(found, torch.tensor(W), torch.tensor(b)))
        activations: NDArray[np.float32] = found.numpy()
        return activations

    def layers(self) -> tuple[nn.Module, ...]:
        """Linear and Sigmoid, once per layer."""
        found: list[nn.Module] = []
        for W, b in self.stack:
            linear = nn.Linear(W.shape[1], len(b), device="meta")  # there it draws no random weights first
            linear.weight, linear.bias = nn.Parameter(torch.tensor(W)), nn.Parameter(torch.tensor(b))
            found += [linear, nn.Sigmoid()]
        return tuple(found)

    def figures(self) -> dict[str, float]:
        """Of every layer, as ``layer1_reconstruction`` and so on, over all faces.

        ``reconstruction``: share of the variance that is lost in rebuilding the faces from their best codes;
        ``encoder_reconstruction``: the same from the encoder's own codes; ``activation``: mean of the features;
        ``active``: share of them above one half; ``small_weights``: share of the weights below a hundredth of the
        largest.
        """
        return dict(self.fit_figures)


def losses(z: Tensor, y: Tensor, weights: Weights, o: Options) -> Tensor:
    """L (n,) of codes (n, units) for inputs (n, inputs), without the term on the weights alone."""
    code = torch.sigmoid(o.gain * z)
    off = z - functional.linear(y, weights.W, weights.b)
    lost = y - functional.linear(code, weights.W.T, weights.c)
    return (
        o.code_weight * (off * off).sum(dim=1)
        + (lost * lost).sum(dim=1)
        + o.sparsity * torch.log1p(code * code).sum(dim=1)
    )


def code_gradient(z: Tensor, y: Tensor, weights: Weights, o: Options) -> Tensor:
    """dL/dZ (n, units)."""
    return _judged(z, functional.linear(y, weights.W, weights.b), y, weights, o)[1]


def weight_gradient(z: Tensor, y: Tensor, weights: Weights, o: Options) -> Weights:
    """The gradient of the mean of L over the rows, at given codes; that of ``|W|_1`` is not in it."""
    code = torch.sigmoid(o.gain * z)
    off = o.code_weight * (z - functional.linear(y, weights.W, weights.b))
    lost = y - functional.linear(code, weights.W.T, weights.c)
    scale = -2 / len(y)
    return Weights(scale * (off.T @ y + code.T @ lost), scale * off.sum(dim=0), scale * lost.sum(dim=0))


def best_codes(y: Tensor, weights: Weights, o: Options) -> Tensor:
    """Codes Z* (n, units) of inputs (n, inputs), by ``code_steps`` steps of gradient descent from the encoder's.

    Every code has a step of its own, which grows while it lowers the loss; a step that would not is not taken. So
    no code is worse than the encoder's.
    """
    proposed = functional.linear(y, weights.W, weights.b)
    z = proposed
    loss, slope = _judged(z, proposed, y, weights, o)
    step = torch.full((len(y), 1), 0.25 / o.code_weight, dtype=y.dtype)
    for _ in range(o.code_steps):
        tried = z - step * slope
        tried_loss, tried_slope = _judged(tried, proposed, y, weights, o)
        better = (tried_loss < loss)[:, None]
        z, slope = torch.where(better, tried, z), torch.where(better, tried_slope, slope)
        loss = torch.where(better[:, 0], tried_loss, loss)
        step = step * torch.where(better, FASTER, SLOWER)
    return z


def _judged(z: Tensor, proposed: Tensor, y: Tensor, weights: Weights, o: Options) -> tuple[Tensor, Tensor]:
    """L (n,) and dL/dZ (n, units) of codes, given what the encoder proposes."""
    code = torch.sigmoid(o.gain * z)
    square = code * code
    off = z - proposed
    lost = y - functional.linear(code, weights.W.T, weights.c)
    loss = o.code_weight * (off * off).sum(dim=1) + (lost * lost).sum(dim=1)
    loss += o.sparsity * torch.log1p(square).sum(dim=1)
    by_code = 2 * o.sparsity * code / (1 + square) - 2 * functional.linear(lost, weights.W)
    return loss, 2 * o.code_weight * off + o.gain * (code - square) * by_code


class _Learned(NamedTuple):
    """A layer of logistic units on the inputs as they are, and figures about it."""

    W: Tensor
    b: Tensor
    figures: dict[str, float]


def _learn(x: Tensor, depth: int, o: Options, seed: int, progress: Progress) -> _Learned:
    mean = x.mean(dim=0)
    spread = float((x - mean).square().mean().sqrt())
    if not spread > FLAT:
        raise TrainingError(
            f"sparse_encoding_machine: layer {depth + 1}: all {len(x)} inputs are the same, and there is "
            "nothing to learn"
        )
    y = (x - mean) / spread
    random = torch.Generator().manual_seed(int(np.random.SeedSequence([seed, 7, depth]).generate_state(1)[0]))
    units = o.layers[depth]
    weights = Weights(
        START * torch.randn(units, y.shape[1], generator=random), torch.zeros(units), torch.zeros(y.shape[1])
    )
    solver = torch.optim.Adam(weights, lr=o.rate, betas=(0.9, 0.99))
    batches = _batches(len(y), o.batch, random)
    for step in range(1, o.iterations + 1):
        part = y[next(batches)]
        gradient = weight_gradient(best_codes(part, weights, o), part, weights, o)
        weights.W.grad = gradient.W + o.weight_decay * weights.W.sign()
        weights.b.grad, weights.c.grad = gradient.b, gradient.c
        solver.param_groups[0]["lr"] = rate = o.rate * (1 + math.cos(math.pi * step / o.iterations)) / 2
        solver.step()
        if step % EVERY and step < o.iterations:
            continue
        if not all(torch.isfinite(variable).all() for variable in weights):
            raise TrainingError(
                f"sparse_encoding_machine: layer {depth + 1} diverged by iteration {step} of {o.iterations} with "
                f"rate {rate:.3g}; give a smaller rate"
            )
        progress("features", depth * o.iterations + step, len(o.layers) * o.iterations)
    figures = _figures(y, weights, o)
    if not figures["reconstruction"] < 1:
        raise TrainingError(
            f"sparse_encoding_machine: layer {depth + 1} rebuilds its inputs no better than their mean does after "
            f"{o.iterations} iterations; try less sparsity or weight_decay, a smaller rate, or more iterations"
        )
    W = weights.W * (o.gain / spread)
    return _Learned(W, o.gain * weights.b - W @ mean, figures)


def _batches(n: int, batch: int, random: torch.Generator) -> Iterator[Tensor]:
    """Rows of one batch after the other: all rows in a random order, and again in another, without end."""
    while True:
        yield from torch.split(torch.randperm(n, generator=random), batch)


def _figures(y: Tensor, weights: Weights, o: Options) -> dict[str, float]:
    """See ``SparseEncodingFeatures.figures``; in batches, as the search for codes takes room."""
    lost = torch.zeros(2)
    activation = active = 0.0
    for part in torch.split(y, 1000):
        proposed = functional.linear(part, weights.W, weights.b)
        for i, z in enumerate((best_codes(part, weights, o), proposed)):
            rebuilt = functional.linear(torch.sigmoid(o.gain * z), weights.W.T, weights.c)
            lost[i] += (part - rebuilt).square().sum()
        code = torch.sigmoid(o.gain * proposed)
        activation += float(code.sum())
        active += float((code > 0.5).sum())
    size = weights.W.abs()
    return {
        "reconstruction": float(lost[0] / y.square().sum()),
        "encoder_reconstruction": float(lost[1] / y.square().sum()),
        "activation": activation / (len(y) * len(weights.b)),
        "active": active / (len(y) * len(weights.b)),
        "small_weights": float((size < 0.01 * size.max()).float().mean()),
    }
