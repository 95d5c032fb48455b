"""Figures of merit as pure functions of truth and probabilities.

Conventions: ``truth`` is an integer array (n,) of label indices, ``probabilities`` a float array (n, classes)
whose rows sum to 1; the answer is the most probable label (the first of equals). Every function checks its
arguments and raises ``ValueError`` on nonsense. ``tests/reference`` compares them with scikit-learn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Truth = NDArray[np.integer[Any]]
    Probabilities = NDArray[np.float64]
    Counts = NDArray[np.int64]

BINS = 15  # of the calibration error, equal in number of items
SMALLEST = 1e-15  # a true label that was given less counts as this much: log 0 has no value


def validate(truth: Truth, probabilities: Probabilities) -> None:
    """Check that the two belong together.

    Raises:
        ValueError: shapes, types, label indices out of range, values outside [0, 1] or rows not summing to 1.
    """
    if truth.ndim != 1 or probabilities.ndim != 2 or len(truth) != len(probabilities):
        raise ValueError(
            f"truth (n,) and probabilities (n, classes) do not match: {truth.shape}, {probabilities.shape}"
        )
    if len(truth) == 0 or probabilities.shape[1] < 2:
        raise ValueError("needs at least one item and two classes")
    if not np.issubdtype(truth.dtype, np.integer):
        raise ValueError(f"truth must hold label indices, not {truth.dtype}")
    if truth.min() < 0 or truth.max() >= probabilities.shape[1]:
        raise ValueError(f"truth holds a label index outside 0..{probabilities.shape[1] - 1}")
    if not np.isfinite(probabilities).all() or probabilities.min() < 0:
        raise ValueError("probabilities must be finite and not negative")
    if np.abs(probabilities.sum(axis=1) - 1).max() > 1e-4:
        raise ValueError("every row of probabilities must sum to 1")


def confusion(truth: Truth, answer: Truth, classes: int) -> Counts:
    """Counts (classes, classes): row is the truth, column the answer."""
    if truth.shape != answer.shape or truth.ndim != 1:
        raise ValueError(f"truth and answer must both be (n,), not {truth.shape} and {answer.shape}")
    if len(truth) and not (min(truth.min(), answer.min()) >= 0 and max(truth.max(), answer.max()) < classes):
        raise ValueError(f"label index outside 0..{classes - 1}")
    found = np.bincount(truth * classes + answer, minlength=classes * classes)
    return found.reshape(classes, classes).astype(np.int64)


def accuracy(table: Counts) -> float:
    """Share of right answers."""
    _table(table)
    return float(np.trace(table) / table.sum())


def recall(table: Counts) -> Probabilities:
    """Per class: share of its items that were found; NaN for a class without items."""
    _table(table)
    return _ratio(np.diag(table), table.sum(axis=1), np.nan)


def precision(table: Counts) -> Probabilities:
    """Per class: share of its answers that were right; 0 where it was never the answer."""
    _table(table)
    return _ratio(np.diag(table), table.sum(axis=0), 0.0)


def f1(table: Counts) -> Probabilities:
    """Per class: 2 TP / (2 TP + FP + FN); NaN for a class without items and answers."""
    _table(table)
    return _ratio(2 * np.diag(table), table.sum(axis=0) + table.sum(axis=1), np.nan)


def balanced_accuracy(table: Counts) -> float:
    """Mean recall of the classes that have items."""
    return float(np.nanmean(recall(table)))


def macro_f1(table: Counts) -> float:
    """Mean F1 of the classes that have items or answers."""
    return float(np.nanmean(f1(table)))


def matthews(table: Counts) -> float:
    """Matthews correlation for any number of classes (Gorodkin 2004); 0 where it has no value."""
    _table(table)
    t, p = table.sum(axis=1).astype(float), table.sum(axis=0).astype(float)
    n = float(table.sum())
    below = np.sqrt(n**2 - (p**2).sum()) * np.sqrt(n**2 - (t**2).sum())
    # Clipped: rounding of the square roots may carry a perfect (mis)match a hair beyond 1.
    return float(np.clip((np.trace(table) * n - (t * p).sum()) / below, -1, 1)) if below > 0 else 0.0


def auc(truth: Truth, probabilities: Probabilities) -> Probabilities:
    """Per class: area under the ROC curve of this class against the rest; NaN where one side is empty.

    The probability that a random item of the class scores higher than a random other, ties counting half
    (Mann-Whitney).
    """
    validate(truth, probabilities)
    return np.array([_auc(truth == k, probabilities[:, k]) for k in range(probabilities.shape[1])])


def macro_auc(truth: Truth, probabilities: Probabilities) -> float:
    """Mean one-versus-rest AUC of the classes that have one; NaN where none has."""
    found = auc(truth, probabilities)
    return float(np.nanmean(found)) if np.isfinite(found).any() else float("nan")


def nll(truth: Truth, probabilities: Probabilities) -> float:
    """Mean negative log-probability of the true label, nats."""
    validate(truth, probabilities)
    given = probabilities[np.arange(len(truth)), truth]
    return float(-np.log(np.maximum(given, SMALLEST)).mean())


def brier(truth: Truth, probabilities: Probabilities) -> float:
    """Mean squared distance between the probabilities and certainty of the truth, 0 to 2."""
    validate(truth, probabilities)
    wanted = np.eye(probabilities.shape[1])[truth]
    return float(((probabilities - wanted) ** 2).sum(axis=1).mean())


def reliability(truth: Truth, probabilities: Probabilities, bins: int = BINS) -> Probabilities:
    """How sure against how right: rows of (mean confidence, accuracy, items).

    Items are sorted by the probability of their answer and cut into ``bins`` bins of exactly equal mass; an
    item on a border counts in both by its shares. Fewer bins where there are fewer items.
    """
    validate(truth, probabilities)
    confidence = probabilities.max(axis=1)
    right = (probabilities.argmax(axis=1) == truth).astype(float)
    order = np.argsort(confidence, kind="stable")
    bins = min(bins, len(order))
    edges = np.linspace(0, len(order), bins + 1)
    mass = np.arange(len(order) + 1)
    sums = [np.diff(np.interp(edges, mass, np.r_[0, np.cumsum(v[order])])) for v in (confidence, right)]
    each = np.diff(edges)
    return np.stack([sums[0] / each, sums[1] / each, each], axis=1)


def ece(truth: Truth, probabilities: Probabilities, bins: int = BINS) -> float:
    """Expected calibration error: mean gap between confidence and accuracy over equal-mass bins."""
    rows = reliability(truth, probabilities, bins)
    return float((np.abs(rows[:, 0] - rows[:, 1]) * rows[:, 2]).sum() / rows[:, 2].sum())


def _of_table(measure: Callable[[Counts], float]) -> Callable[[Truth, Probabilities], float]:
    def measured(truth: Truth, probabilities: Probabilities) -> float:
        validate(truth, probabilities)
        return measure(confusion(truth, probabilities.argmax(axis=1), probabilities.shape[1]))

    return measured


MEASURES: dict[str, Callable[[Truth, Probabilities], float]] = {
    "accuracy": _of_table(accuracy),
    "balanced_accuracy": _of_table(balanced_accuracy),
    "macro_f1": _of_table(macro_f1),
    "mcc": _of_table(matthews),
    "macro_auc": macro_auc,
    "ece": ece,
    "nll": nll,
    "brier": brier,
}
"""Every figure of ``metrics.json`` by its name there, as a function of truth and probabilities."""


def _auc(positive: NDArray[np.bool_], scores: Probabilities) -> float:
    inside = int(positive.sum())
    outside = len(positive) - inside
    if inside == 0 or outside == 0:
        return float("nan")
    _, place, count = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    ranks = (last - (count - 1) / 2)[place.reshape(-1)]  # equal scores share their mean rank
    return float((ranks[positive].sum() - inside * (inside + 1) / 2) / (inside * outside))


def _table(table: Counts) -> None:
    if table.ndim != 2 or table.shape[0] != table.shape[1] or table.min() < 0 or table.sum() == 0:
        raise ValueError(f"not a confusion matrix with items: {table.shape}")


def _ratio(above: NDArray[Any], below: NDArray[Any], empty: float) -> Probabilities:
    found = np.full(len(below), empty)
    np.divide(above, below, out=found, where=below > 0)
    return cast("Probabilities", found)
