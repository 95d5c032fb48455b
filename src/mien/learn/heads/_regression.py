"""The solver that the heads share: scikit-learn's regularised logistic regression on scaled features."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOLERANCE = 1e-3  # of the solver: largest slope; tighter costs time and changes no answer
TINY = 1e-6  # a feature that varies less than this is not blown up to unit variance


class Scaling(NamedTuple):
    """What is taken off each feature (units,), and what the rest is divided by (units,)."""

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]

    def __call__(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """The scaled features (n, units)."""
        found: NDArray[np.float64] = (x - self.mean) / self.spread
        return found

    def undo(
        self, W: NDArray[np.float64], b: NDArray[np.float64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """From weights (outputs, units) and biases (outputs,) of scaled features to those of plain ones."""
        W = W / self.spread
        return W.astype(np.float32), (b - W @ self.mean).astype(np.float32)


def scaling(x: NDArray[np.float64], standardise: bool) -> Scaling:
    """Centring, which changes nothing but the solver's speed, and where wanted division by the deviation.

    Nothing holds the biases back, so that they take the centring up.
    """
    mean = x.mean(axis=0)
    return Scaling(mean, np.maximum(x.std(axis=0), TINY) if standardise else np.ones_like(mean))


def solve(
    x: NDArray[np.float64], y: NDArray[np.intp], w: NDArray[np.float64], C: float, iterations: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Weights (outputs, units), biases (outputs,) and the steps taken; of two labels one output, the second's.

    Steps equal to ``iterations`` mean that the solver was stopped early. A candidate that is only tried may be
    judged as it is then; whoever keeps a solution must check.
    """
    solver = LogisticRegression(C=C, max_iter=iterations, tol=TOLERANCE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        solver.fit(x, y, sample_weight=w)
    return solver.coef_, solver.intercept_, int(np.max(solver.n_iter_))
