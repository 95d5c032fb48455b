"""Sparse autoencoder: features that rebuild faces from few active units (sections 2.1 and 3.3 of the report).

The batch form: the whole cost of ``learn.equations`` is minimised by L-BFGS. The report's own four million steps,
one example at a time, are in ``online_autoencoder``. The report gives no wanted activation ``rho``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from mien.errors import TrainingError
from mien.learn.equations import Autoencoder, cost, cost_and_gradient, decode, encode, mean_activation
from mien.learn.features._examples import checked
from mien.learn.interfaces import Progress, silent
from mien.learn.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

MEMORY = 50
"""Pairs of steps and gradients that L-BFGS keeps. On 24x24 faces, 50 reaches in 200 iterations a cost that 10
does not reach in 400; it takes 115 MB for 576-250-576."""

CHUNK = 10  # iterations between two calls of progress


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the sparse autoencoder.

    Attributes:
        units: hidden units.
        rho: wanted mean activation of a unit.
        beta: weight of the sparsity term.
        weight_decay: lambda, on weights only.
        iterations: of L-BFGS; fewer when it can go no lower.
    """

    units: int = 250
    rho: float = 0.05
    beta: float = 3.0
    weight_decay: float = 1e-4
    iterations: int = 400

    def __post_init__(self) -> None:
        if not 1 <= self.units <= 100_000:
            raise ValueError(f"units must be 1 to 100000, not {self.units}")
        if not 0 < self.rho < 1:
            raise ValueError(f"rho must lie between 0 and 1, not {self.rho}")
        if not (self.beta >= 0 and self.weight_decay >= 0):
            raise ValueError(f"beta and weight_decay must be 0 or more, not {self.beta} and {self.weight_decay}")
        if not 1 <= self.iterations <= 100_000:
            raise ValueError(f"iterations must be 1 to 100000, not {self.iterations}")


def build(options: Options) -> SparseAutoencoder:
    """The learner under ``options``."""
    return SparseAutoencoder(options)


@dataclass(frozen=True, slots=True)
class SparseAutoencoder:
    """Learns ``AutoencoderFeatures`` from patches without labels."""

    options: Options

    def fit(self, x: NDArray[np.float32], seed: int, progress: Progress = silent) -> AutoencoderFeatures:
        """Learn from flattened patches.

        Args:
            x: float32 (n, pixels) in [0, 1].
            seed: of the starting weights.
            progress: called every tenth iteration.

        Returns:
            The encoder. Equal inputs and seed give equal bits on one machine, whatever its number of threads.

        Raises:
            TrainingError: too few faces, values outside [0, 1], or the learning diverged.
        """
        x = checked("sparse_autoencoder", x)
        o = self.options
        with one_thread(), torch.no_grad():
            faces = torch.from_numpy(x)
            p = _minimise(initial(faces, o.units, o.rho, seed), faces, o, progress)
            figures = _figures(p, faces, o)
        guard(figures, o)
        return AutoencoderFeatures(p.W1.numpy(), p.b1.numpy(), p.W2.numpy(), p.b2.numpy(), figures)


@dataclass(frozen=True, slots=True)
class AutoencoderFeatures:
    """A fitted autoencoder: weights as in ``learn.equations``, float32."""

    W1: NDArray[np.float32]
    b1: NDArray[np.float32]
    W2: NDArray[np.float32]
    b2: NDArray[np.float32]
    fit_figures: dict[str, float]

    @property
    def units(self) -> int:
        """Hidden units."""
        return len(self.b1)

    @property
    def stack(self) -> tuple[tuple[NDArray[np.float32], NDArray[np.float32]], ...]:
        """The one layer (W, b) of logistic units, as fine-tuning takes it."""
        return ((self.W1, self.b1),)

    def encode(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Hidden activations (n, units) of flattened patches (n, pixels)."""
        with one_thread():
            found: NDArray[np.float32] = encode(
                self._parameters(), torch.from_numpy(np.ascontiguousarray(x))
            ).numpy()
        return found

    def reconstruct(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """The patches (n, pixels) as rebuilt from their features."""
        p = self._parameters()
        with one_thread():
            found: NDArray[np.float32] = decode(p, encode(p, torch.from_numpy(np.ascontiguousarray(x)))).numpy()
        return found

    def layers(self) -> tuple[nn.Module, ...]:
        """Linear and Sigmoid."""
        linear = nn.Linear(self.W1.shape[1], self.units)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(self.W1))
            linear.bias.copy_(torch.from_numpy(self.b1))
        return linear, nn.Sigmoid()

    def figures(self) -> dict[str, float]:
        """Cost by its terms, reconstruction by the mean face, range of mean activations."""
        return dict(self.fit_figures)

    def _parameters(self) -> Autoencoder:
        return Autoencoder(*(torch.from_numpy(a) for a in (self.W1, self.b1, self.W2, self.b2)))


def initial(x: Tensor, units: int, rho: float, seed: int) -> Autoencoder:
    """Starting point: weights uniform in +-sqrt(6 / (inputs + units + 1)), as in the CS294A exercise.

    Its biases are zero; here they are set so that the mean face gives activation ``rho`` and is its own
    reconstruction. L-BFGS then need not spend its first hundred iterations on learning the mean.
    """
    inputs = x.shape[1]
    random = np.random.default_rng([seed, 2])
    reach = float(np.sqrt(6 / (inputs + units + 1)))
    W1 = torch.from_numpy(random.uniform(-reach, reach, (units, inputs)).astype(np.float32))
    W2 = torch.from_numpy(random.uniform(-reach, reach, (inputs, units)).astype(np.float32))
    mean = x.mean(dim=0).clamp(0.01, 0.99)
    b1 = float(np.log(rho / (1 - rho))) - W1 @ mean
    b2 = torch.logit(mean) - rho * W2.sum(dim=1)
    return Autoencoder(W1, b1, W2, b2)


def guard(figures: dict[str, float], o: Options) -> None:
    """Refuse a run that learned nothing.

    Raises:
        TrainingError: the cost is not finite, or the faces are rebuilt no better than by their mean, or every
            unit is stuck fully on or fully off.
    """
    hint = "try a smaller beta or weight_decay, or more iterations"
    if not all(np.isfinite(v) for v in figures.values()):
        raise TrainingError(f"sparse_autoencoder: the cost is no longer a finite number; {hint}")
    if figures["reconstruction"] >= figures["reconstruction_by_mean"]:
        raise TrainingError(
            f"sparse_autoencoder: rebuilds the faces no better ({figures['reconstruction']:.3g} per face) than "
            f"their mean does ({figures['reconstruction_by_mean']:.3g}) after {o.iterations} "
            f"iterations; {hint}"
        )
    if figures["rho_hat_high"] < o.rho / 100 or figures["rho_hat_low"] > 1 - (1 - o.rho) / 100:
        raise TrainingError(f"sparse_autoencoder: every unit is stuck at one value; {hint}")


def _minimise(start: Autoencoder, x: Tensor, o: Options, progress: Progress) -> Autoencoder:
    """L-BFGS with a strong Wolfe line search; no tolerance: the recipe's number of iterations decides.

    It searches in *centred* biases, ``c1 = b1 + W1 mean(x)`` and ``c2 = b2 + rho sum_j W2_j``: the same networks
    with the same cost under other coordinates. Faces have a large common mean; without this, every change of a
    weight must be paid for by a change of the biases, and on 24x24 faces 200 iterations do not reach the cost
    that 50 reach with it.
    """
    mean = x.mean(dim=0)
    c1 = start.b1 + start.W1 @ mean
    c2 = start.b2 + o.rho * start.W2.sum(dim=1)
    searched = [v.clone().requires_grad_() for v in (start.W1, c1, start.W2, c2)]
    solver = torch.optim.LBFGS(
        searched,
        max_iter=CHUNK,
        max_eval=25 * CHUNK,
        tolerance_grad=0,
        tolerance_change=0,
        history_size=MEMORY,
        line_search_fn="strong_wolfe",
    )

    def evaluate() -> Tensor:
        p = _uncentred(searched, mean, o.rho)
        terms, slope = cost_and_gradient(p, x, rho=o.rho, beta=o.beta, lam=o.weight_decay)
        # the chain rule through b1 = c1 - W1 mean and b2 = c2 - rho sum_j W2_j
        slopes = (slope.W1 - torch.outer(slope.b1, mean), slope.b1, slope.W2 - o.rho * slope.b2[:, None], slope.b2)
        for variable, towards in zip(searched, slopes, strict=True):
            variable.grad = towards
        return terms.total

    for done in range(0, o.iterations, CHUNK):
        solver.param_groups[0]["max_iter"] = min(CHUNK, o.iterations - done)
        solver.step(evaluate)  # type: ignore[no-untyped-call]
        progress("features", min(done + CHUNK, o.iterations), o.iterations)
    return _uncentred([v.detach() for v in searched], mean, o.rho)


def _uncentred(searched: list[Tensor], mean: Tensor, rho: float) -> Autoencoder:
    W1, c1, W2, c2 = searched
    return Autoencoder(W1, c1 - W1 @ mean, W2, c2 - rho * W2.sum(dim=1))


def _figures(p: Autoencoder, x: Tensor, o: Options) -> dict[str, float]:
    terms = cost(p, x, rho=o.rho, beta=o.beta, lam=o.weight_decay)
    rho_hat = mean_activation(encode(p, x))
    by_mean = 0.5 * ((x - x.mean(dim=0)) ** 2).sum() / x.shape[0]
    return {
        "cost": float(terms.total),
        "reconstruction": float(terms.reconstruction),
        "reconstruction_by_mean": float(by_mean),
        "decay": float(terms.decay),
        "sparsity": float(terms.sparsity),
        "rho_hat_low": float(rho_hat.min()),
        "rho_hat_high": float(rho_hat.max()),
    }
