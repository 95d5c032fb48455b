"""Action units predicted from features by ridge regression, for people whose codes nobody has seen.

Ridge regression (Hoerl & Kennard 1970) of 0/1 codes on standardised features, all action units at once. Its scores
come near probabilities, but are not held to [0, 1]. The penalty of each action unit is chosen on held-out subjects.

Labels of Cohn-Kanade were defined from its codes, so a classifier that is given true codes is given the answer. One
that is given ``ActionUnits.scores`` of a model fitted on other people is not. It must then be trained on scores of
the same kind: on ``ActionUnits.held_out``, not on scores of rows that the model was fitted on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mien.learn.inner_folds import inner_folds
from mien.learn.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray

PENALTIES = (10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10000.0)
"""Candidates, in units of one standardised feature's squared length over one row."""
FOLDS = 5
TINY = 1e-6  # a feature that varies less than this is not blown up to unit variance


@dataclass(frozen=True, slots=True)
class ActionUnits:
    """A fitted predictor of action units.

    Attributes:
        W: weights (units, features), float64.
        b: biases (units,).
        penalties: what was chosen for each action unit (units,).
        held_out: scores (n, units), float32, of the n rows it was fitted on, each by a model that was fitted
            without that row's subject (the penalty was chosen by looking at all of them).
    """

    W: NDArray[np.float64]
    b: NDArray[np.float64]
    penalties: NDArray[np.float64]
    held_out: NDArray[np.float32]

    def scores(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores (n, units) of features (n, features): near 1 where an action unit is shown, near 0 where not."""
        return (features.astype(np.float64) @ self.W.T + self.b).astype(np.float32)


def fit(
    features: NDArray[np.float32],
    codes: NDArray[np.integer],
    subjects: NDArray[np.str_],
    seed: int,
    folds: int = FOLDS,
    penalties: tuple[float, ...] = PENALTIES,
) -> ActionUnits:
    """Learn action units from features.

    Args:
        features: (n, features).
        codes: (n, units), 1 where an action unit is shown and 0 where not.
        subjects: (n,) whose face each row is.
        seed: of the inner folds.
        folds: groups of subjects for ``held_out`` and for the choice of the penalty.
        penalties: candidates.

    Raises:
        TrainingError: fewer subjects than folds.
        ValueError: shapes that do not match, codes other than 0 and 1, numbers that are not finite, or a penalty
            that is not above 0.
    """
    _check(features, codes, subjects, penalties)
    x, y = features.astype(np.float64), codes.astype(np.float64)
    fold = inner_folds(subjects, folds, seed)
    candidates = np.array(penalties)
    held_out = np.empty((len(candidates), *y.shape))
    with one_thread():
        for k in range(folds):
            inside, outside = fold != k, fold == k
            ridge = _ridge(x[inside], y[inside])
            for i, penalty in enumerate(candidates):
                W, b = ridge.solution(np.full(y.shape[1], penalty))
                held_out[i, outside] = x[outside] @ W.T + b
        error = ((held_out - y) ** 2).mean(axis=1)
        chosen = error.argmin(axis=0)
        W, b = _ridge(x, y).solution(candidates[chosen])
    seen: NDArray[np.float64] = np.take_along_axis(held_out, chosen[None, None], axis=0)[0]
    return ActionUnits(W, b, candidates[chosen], seen.astype(np.float32))


class _Ridge(NamedTuple):
    """The part of ridge regression that no penalty changes; see ``_ridge``."""

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    level: NDArray[np.float64]
    axes: NDArray[np.float64]
    strength: NDArray[np.float64]
    projected: NDArray[np.float64]

    def solution(self, penalties: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Weights (units, features) and biases (units,) under one penalty per unit (units,)."""
        W = (self.axes @ (self.projected / (self.strength[:, None] + penalties))).T / self.spread
        return W, self.level - W @ self.mean


def _ridge(x: NDArray[np.float64], y: NDArray[np.float64]) -> _Ridge:
    """With Z the standardised x and Z'Z = Q diag(s) Q': W = Q (s + penalty)^-1 Q'Z'y.

    Where there are fewer rows than features, ZZ' = P diag(s) P' has the same s above 0, and is smaller:
    W = Z'P (s + penalty)^-1 P'y.
    """
    mean, level = x.mean(axis=0), y.mean(axis=0)
    spread = np.maximum(x.std(axis=0), TINY)
    z, centred = (x - mean) / spread, y - level
    if len(z) >= z.shape[1]:
        strength, axes = np.linalg.eigh(z.T @ z)
        projected = axes.T @ (z.T @ centred)
    else:
        strength, sides = np.linalg.eigh(z @ z.T)
        axes, projected = z.T @ sides, sides.T @ centred
    return _Ridge(mean, spread, level, axes, np.maximum(strength, 0), projected)


def _check(
    features: NDArray[np.float32],
    codes: NDArray[np.integer],
    subjects: NDArray[np.str_],
    penalties: tuple[float, ...],
) -> None:
    if features.ndim != 2 or codes.ndim != 2 or not len(features) == len(codes) == len(subjects):
        raise ValueError(
            "features (n, features), codes (n, units) and subjects (n,) do not match: "
            f"{features.shape}, {codes.shape}, {subjects.shape}"
        )
    if not ((codes == 0) | (codes == 1)).all():
        raise ValueError("codes must be 0 or 1; leave rows that were not coded out")
    if not np.isfinite(features).all():
        raise ValueError("features must be finite")
    if not penalties or not all(p > 0 for p in penalties):
        raise ValueError(f"penalties must be one or more numbers above 0, not {penalties}")
