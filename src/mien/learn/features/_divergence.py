"""The guard of the online rule: stops a run that leads nowhere, and only such a run.

A healthy run can look ill for long. With tanh units and the constants of the CS294A exercise, rho_hat starts at 0
and pushes the hidden biases far below where they belong; for some 600,000 steps every unit is off and the
reconstruction 13 % worse than a constant. Only then do features grow. So what is twice as bad as a constant is
stopped at once, and what is merely bad after a million steps; in both cases only if it is not getting better.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHUNK = 20_000
"""Steps between two looks."""

GROSS, SOON = 2.0, 3  # times the cost of the mean; chunks in a row
WORSE, SUSTAINED = 1.05, 50
FALLING = 0.95  # second half of a window over its first, below which things are getting better
NEAR = 0.05  # of the way from the bound to the wanted activation


def cause(curve: NDArray[np.float64], by_mean: float, rho: float, low: float, high: float) -> str | None:
    """Why the run whose ``curve`` this is must stop, or none.

    Args:
        curve: as in ``Run``, whole chunks; the first is never judged.
        by_mean: cost of the constant answer.
        rho: wanted mean activation.
        low: least activation.
        high: largest.
    """
    if not np.isfinite(curve).all():
        return "the weights are no longer finite numbers"
    later = curve[1:]
    for bound, chunks in ((GROSS, SOON), (WORSE, SUSTAINED)):
        errors = later[-chunks:, 0]
        if len(errors) == chunks and errors.min() > bound * by_mean and not _falling(errors):
            return (
                f"the reconstruction error is {errors[-1]:.4g} per example and does not fall; a constant, the mean "
                f"example, has {by_mean:.4g}"
            )
    lowest, highest = later[-SUSTAINED:, 1], later[-SUSTAINED:, 2]
    off = highest - low < NEAR * (rho - low)
    on = high - lowest < NEAR * (high - rho)
    if len(lowest) == SUSTAINED and (off.all() or on.all()):
        return f"every unit's mean activation is stuck at {low if off.all() else high:g}, {rho:g} was wanted"
    return None


def _falling(errors: NDArray[np.float64]) -> bool:
    half = len(errors) // 2
    return bool(errors[-half:].mean() < FALLING * errors[:half].mean())
