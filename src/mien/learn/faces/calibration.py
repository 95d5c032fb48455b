"""From scores to probabilities, and how well scores tell two kinds apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mien.errors import TrainingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

RIDGE = 1e-5  # keeps the slope finite where the scores separate the two kinds without fault


def logistic(scores: NDArray[np.float64], truth: NDArray[np.bool_], balanced: bool = False) -> tuple[float, float]:
    """The logistic curve of greatest likelihood (Platt 1999): probability = sigmoid(bias + slope * score).

    Args:
        scores: (n,).
        truth: (n,).
        balanced: give both kinds the same weight in all.

    Returns:
        Bias and slope.

    Raises:
        TrainingError: one kind is missing, or a score is not finite.
    """
    kinds = truth.sum(), (~truth).sum()
    if min(kinds) == 0 or not np.isfinite(scores).all():
        raise TrainingError("calibration: needs finite scores of both kinds; train longer or on more pictures")
    weights = np.where(truth, 0.5 / kinds[0], 0.5 / kinds[1]) if balanced else np.full(len(scores), 1 / len(scores))
    middle, spread = float(scores.mean()), float(scores.std()) or 1.0
    x = np.stack([np.ones(len(scores)), (scores - middle) / spread], axis=1)
    found = np.zeros(2)
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(x @ found, -60, 60)))
        gradient = x.T @ (weights * (p - truth)) + RIDGE * np.array([0, found[1]])
        hessian = (x * (weights * p * (1 - p))[:, None]).T @ x + RIDGE * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        found -= step / max(1.0, float(np.abs(step).max()))  # far steps overshoot where the curve is flat
        if np.abs(step).max() < 1e-10:
            break
    slope = float(found[1] / spread)
    return float(found[0] - slope * middle), slope


def area(scores: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """Area under the ROC curve: how often one that is true scores above one that is not."""
    true, false = np.sort(scores[truth]), np.sort(scores[~truth])
    below = np.searchsorted(false, true, "left") + np.searchsorted(false, true, "right")
    return float(below.mean() / 2 / len(false))


def equal_error(scores: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
    """The error rate at the threshold where misses and false alarms are equally frequent."""
    order = np.argsort(-scores, kind="stable")
    hits, alarms = np.cumsum(truth[order]) / truth.sum(), np.cumsum(~truth[order]) / (~truth).sum()
    at = int(np.argmin(np.abs(1 - hits - alarms)))
    return float((1 - hits[at] + alarms[at]) / 2)
