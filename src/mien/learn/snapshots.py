"""How good an online run is, beyond the luck of the step at which it stopped.

A step of 0.007 for each example never settles. Nearly all sparse tanh units sit at -1, so that together with b2
every decoder weight acts as a bias, and the output's common offset follows the last handful of examples. Weights
1,000 steps apart can differ by a quarter in held-out error while their filters look the same. One snapshot
is a draw from that; the mean over many is what the run has learned.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mien.learn.features._online_kernel import steps
from mien.learn.filters import squared_error

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.learn.features.online_autoencoder import Options, Run

COUNT, APART = 100, 1000


@dataclass(frozen=True, slots=True)
class Snapshots:
    """A run that went on for ``COUNT * APART`` steps.

    Attributes:
        errors: float64 (count,), held-out mean of |x - a3|^2 by the weights at each snapshot.
        averaged: a run whose parameters are the means of the snapshots' (Polyak and Juditsky 1992).
    """

    errors: NDArray[np.float64]
    averaged: Run


def take(
    run: Run,
    options: Options,
    x: NDArray[np.float32],
    heldout: NDArray[np.float32],
    seed: int,
    count: int = COUNT,
    apart: int = APART,
) -> Snapshots:
    """Let a finished run of tanh units go on, and measure it on the way.

    Args:
        run: is not changed.
        options: of the run.
        x: its examples.
        heldout: examples (n, inputs) that it has not seen, in the same scaling.
        seed: of the order.
        count: snapshots.
        apart: steps between them.
    """
    if options.activation != "tanh":
        raise ValueError(f"snapshots are of tanh units, not {options.activation} ones")
    parameters = run.W1.copy(), run.b1.copy(), run.W2.copy(), run.b2.copy()
    rho_hat = run.rho_hat.copy()
    sums = [np.zeros(p.shape, np.float64) for p in parameters]
    random = np.random.default_rng([seed, 4])
    errors = np.empty(count)
    for k in range(count):
        steps(
            parameters,
            rho_hat,
            x,
            random.integers(0, len(x), apart),
            alpha=options.alpha,
            beta=options.beta,
            lam=options.weight_decay,
            rho=options.rho,
            tanh=True,
        )
        for total, p in zip(sums, parameters, strict=True):
            total += p
        errors[k] = squared_error(heldout, rebuilt(parameters, heldout))
    W1, b1, W2, b2 = ((total / count).astype(np.float32) for total in sums)
    return Snapshots(errors, replace(run, W1=W1, b1=b1, W2=W2, b2=b2, position=run.position + count * apart))


def hidden(W1: NDArray[np.float32], b1: NDArray[np.float32], x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Activations (n, units) of tanh units for examples (n, inputs) in [-1, 1]."""
    found: NDArray[np.float32] = np.tanh(x @ W1.T + b1)
    return found


def rebuilt(parameters: tuple[NDArray[np.float32], ...], x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Examples (n, inputs) as tanh units rebuild them, by W1, b1, W2, b2."""
    W1, b1, W2, b2 = parameters
    found: NDArray[np.float32] = np.tanh(hidden(W1, b1, x) @ W2.T + b2)
    return found
