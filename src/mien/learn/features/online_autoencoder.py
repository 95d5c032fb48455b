"""Sparse autoencoder learned online, one example at a time, as the report does (sections 2.1 and 2.2).

Step by step ``learn.equations.online_step``. Logistic units with the report's alpha .2, beta 5, lambda .002 are
the default; rho is our choice, the report gives none. Tanh units diverge with that alpha and are stopped; the
CS294A exercise has alpha .007 and rho -.996 for them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import nn

from mien.errors import TrainingError
from mien.learn.equations import Activation, Autoencoder, decode, encode
from mien.learn.features import _divergence, _online_run
from mien.learn.features._divergence import CHUNK
from mien.learn.features._examples import checked
from mien.learn.features._online_kernel import steps
from mien.learn.features._online_run import Run
from mien.learn.interfaces import Progress, silent
from mien.learn.threads import one_thread

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["CHUNK", "OnlineAutoencoder", "OnlineFeatures", "Options", "Run", "build", "train"]

NAME = "online_autoencoder"
SAVED = 10  # chunks between two savings
MOST_STEPS = 10**9
BOUNDS = {"logistic": (0.0, 1.0), "tanh": (-1.0, 1.0)}


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the online sparse autoencoder.

    Attributes:
        units: hidden units.
        activation: of both layers: logistic, or tanh.
        alpha: step.
        beta: weight of the sparsity term.
        weight_decay: lambda, on weights only, in full at every step.
        rho: wanted mean activation of a unit, in the range of the activation.
        steps: how many examples are looked at, drawn uniformly with replacement.
        start: weights uniform in (-r, r), or, ``positive``, in (0, r) as in the CS294A exercise; r = 1 over the
            root of a unit's number of inputs. Biases and running mean start at 0.
    """

    units: int = 250
    activation: Activation = "logistic"
    alpha: float = 0.2
    beta: float = 5.0
    weight_decay: float = 0.002
    rho: float = 0.02
    steps: int = 4_000_000
    start: Literal["symmetric", "positive"] = "symmetric"

    def __post_init__(self) -> None:
        if not 1 <= self.units <= 100_000:
            raise ValueError(f"units must be 1 to 100000, not {self.units}")
        if self.activation not in BOUNDS:
            raise ValueError(f"activation must be one of {', '.join(BOUNDS)}, not {self.activation!r}")
        low, high = BOUNDS[self.activation]
        if not low < self.rho < high:
            raise ValueError(f"rho must lie between {low:g} and {high:g} for {self.activation}, not {self.rho}")
        if not 0 < self.alpha < np.inf:
            raise ValueError(f"alpha must be above 0, not {self.alpha}")
        if not (0 <= self.beta < np.inf and 0 <= self.weight_decay * self.alpha < 1):
            raise ValueError(
                "beta must be 0 or more, and weight_decay 0 or more and below 1 / alpha, "
                f"not {self.beta} and {self.weight_decay}"
            )
        if not 1 <= self.steps <= MOST_STEPS:
            raise ValueError(f"steps must be 1 to {MOST_STEPS}, not {self.steps}")


def build(options: Options) -> OnlineAutoencoder:
    """The learner under ``options``."""
    return OnlineAutoencoder(options)


@dataclass(frozen=True, slots=True)
class OnlineAutoencoder:
    """Learns ``OnlineFeatures`` from patches without labels."""

    options: Options

    def fit(
        self,
        x: NDArray[np.float32],
        seed: int,
        progress: Progress = silent,
        checkpoint: Path | None = None,
    ) -> OnlineFeatures:
        """Learn from flattened patches.

        Args:
            x: float32 (n, pixels) in [0, 1]; scaled to [-1, 1] inside for tanh units.
            seed: of the starting weights and the order.
            progress: called every 20,000 steps.
            checkpoint: as in ``train``.

        Raises:
            TrainingError: as in ``train``.
        """
        x = checked(NAME, x)
        run = train(2 * x - 1 if self.options.activation == "tanh" else x, self.options, seed, progress, checkpoint)
        return OnlineFeatures(run, self.options.activation)


def train(
    x: NDArray[np.float32], options: Options, seed: int, progress: Progress = silent, checkpoint: Path | None = None
) -> Run:
    """Run the online rule over examples in the range of its units.

    Which example a step takes depends on the seed and the number of the step alone. A run that was stopped and
    taken up again therefore gives the same bits as one that was not.

    Args:
        x: (n, inputs), in [0, 1] for logistic units, in [-1, 1] for tanh units.
        options: how.
        seed: 0 or more; of the starting weights and the order.
        progress: called every 20,000 steps.
        checkpoint: file to which the run is saved every 200,000 steps and at its end, and from which it goes on
            where the file is there. It stays; a finished run's file gives the finished run at once.

    Raises:
        TrainingError: too few or unfit examples; the run diverged, with step, alpha and cause; or ``checkpoint``
            is of another run.
        OutputError: ``checkpoint`` cannot be written.
    """
    low, high = BOUNDS[options.activation]
    x = checked(NAME, x, low, high)
    by_mean = _spread(x)
    key = _online_run.key(x, asdict(options) | {"chunk": CHUNK}, seed) if checkpoint else ""
    run = (_online_run.load(checkpoint, key) if checkpoint else None) or _begin(x, options, seed, by_mean)
    while run.position < options.steps:
        run = _chunk(run, x, options, seed)
        why = _divergence.cause(run.curve, by_mean, options.rho, low, high)
        if why:
            raise TrainingError(
                f"{NAME}: stopped at step {run.position} of {options.steps}, {options.activation} units, "
                f"alpha {options.alpha:g}: {why}; try a smaller alpha"
            )
        over = run.position == options.steps
        if checkpoint and (over or len(run.curve) % SAVED == 0):
            _online_run.save(checkpoint, run, key)
        progress("features", run.position, options.steps)
    return run


def _begin(x: NDArray[np.float32], o: Options, seed: int, by_mean: float) -> Run:
    inputs = x.shape[1]
    random = np.random.default_rng([seed, 2])
    low = -1 if o.start == "symmetric" else 0
    W1 = (random.uniform(low, 1, (o.units, inputs)) / inputs**0.5).astype(np.float32)
    W2 = (random.uniform(low, 1, (inputs, o.units)) / o.units**0.5).astype(np.float32)
    units, outputs = np.zeros(o.units, np.float32), np.zeros(inputs, np.float32)
    return Run(W1, units, W2, outputs, units, np.zeros((0, 3)), 0, by_mean)


def _chunk(run: Run, x: NDArray[np.float32], o: Options, seed: int) -> Run:
    """The run some steps later."""
    count = min(CHUNK, o.steps - run.position)
    order = np.random.default_rng([seed, 3, len(run.curve)]).integers(0, len(x), CHUNK)[:count]
    parameters = run.W1.copy(), run.b1.copy(), run.W2.copy(), run.b2.copy()
    rho_hat = run.rho_hat.copy()
    total = steps(
        parameters,
        rho_hat,
        x,
        order,
        alpha=o.alpha,
        beta=o.beta,
        lam=o.weight_decay,
        rho=o.rho,
        tanh=o.activation == "tanh",
    )
    row = [total / count, float(rho_hat.min()), float(rho_hat.max())]
    if not all(np.isfinite(part).all() for part in parameters):
        row[0] = np.nan  # compiled without regard to NaN, the sum itself may not show it
    curve = np.concatenate([run.curve, [row]])
    return Run(*parameters, rho_hat, curve, run.position + count, run.by_mean)


def _spread(x: NDArray[np.float32]) -> float:
    """Mean of |x - mean(x)|^2, without a copy of ``x`` in float64."""
    if not (x != x[0]).any():
        raise TrainingError(f"{NAME}: all {len(x)} examples are the same; there is nothing to learn from them")
    mean = x.mean(axis=0, dtype=np.float64)
    squares = float(np.einsum("ij,ij->", x, x, dtype=np.float64))
    return squares / len(x) - float(mean @ mean)


@dataclass(frozen=True, slots=True)
class OnlineFeatures:
    """A finished online run as a function of patches in [0, 1].

    Attributes:
        run: weights, rho_hat and the curve of the error; for tanh units, of patches scaled to [-1, 1].
        activation: of both layers.
    """

    run: Run
    activation: Activation

    @property
    def units(self) -> int:
        """Hidden units."""
        return len(self.run.b1)

    @property
    def stack(self) -> tuple[tuple[NDArray[np.float32], NDArray[np.float32]], ...]:
        """The one layer (W, b) as a function of patches in [0, 1]; for tanh units, their scaling is part of it."""
        W1, b1 = self.run.W1, self.run.b1
        return ((2 * W1, b1 - W1.sum(axis=1)) if self.activation == "tanh" else (W1, b1),)

    def encode(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Hidden activations (n, units) of flattened patches (n, pixels) in [0, 1]."""
        with one_thread():
            found: NDArray[np.float32] = encode(
                self._parameters(), torch.from_numpy(np.ascontiguousarray(x)), self.activation
            ).numpy()
        return found

    def reconstruct(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """The patches (n, pixels) in [0, 1] as rebuilt from their features."""
        p = self._parameters()
        with one_thread():
            hidden = encode(p, torch.from_numpy(np.ascontiguousarray(x)), self.activation)
            found: NDArray[np.float32] = decode(p, hidden, self.activation).numpy()
        return (found + np.float32(1)) / np.float32(2) if self.activation == "tanh" else found

    def layers(self) -> tuple[nn.Module, ...]:
        """Linear, and Sigmoid or Tanh."""
        W, b = self.stack[0]
        linear = nn.Linear(W.shape[1], self.units)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(W))
            linear.bias.copy_(torch.from_numpy(b))
        return linear, nn.Tanh() if self.activation == "tanh" else nn.Sigmoid()

    def figures(self) -> dict[str, float]:
        """Steps, error over the last chunk and of the mean example, range of rho_hat."""
        return {
            "steps": float(self.run.position),
            "error": float(self.run.curve[-1, 0]),
            "error_by_mean": self.run.by_mean,
            "rho_hat_low": float(self.run.rho_hat.min()),
            "rho_hat_high": float(self.run.rho_hat.max()),
        }

    def _parameters(self) -> Autoencoder:
        """Encoder of patches in [0, 1], decoder in the units' own range."""
        W, b = self.stack[0]
        return Autoencoder(*(torch.from_numpy(a) for a in (W, b, self.run.W2, self.run.b2)))
