"""Intervals by subject: whole people are drawn again, with replacement, because faces of one person are alike.

The percentile bootstrap (Efron & Tibshirani 1993, chapter 13), clustered by subject. Every figure is computed
for all resamples at once from how often each subject was drawn, which gives what the functions of
``evaluate.metrics`` would give on the repeated items (a test holds the two together).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mien.evaluate import metrics

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.evaluate.metrics import Probabilities, Truth

    Floats = NDArray[np.float64]

RESAMPLES = 2000
LEVEL = 0.95
SEED = 20100  # of the resampling only: fixed, so that a report can be made again from its predictions


class Interval(NamedTuple):
    """A figure with its bounds."""

    value: float
    low: float
    high: float


def draws(subjects: NDArray[np.str_], resamples: int = RESAMPLES, seed: int = SEED) -> Floats:
    """How often each item occurs in each resample: (resamples, n), equal for all items of one subject.

    Raises:
        ValueError: fewer than two subjects, or no resamples.
    """
    people, place = np.unique(subjects, return_inverse=True)
    if len(people) < 2 or resamples < 1:
        raise ValueError(f"an interval by subject needs two subjects or more, not {len(people)}")
    random = np.random.default_rng(seed)
    often = random.multinomial(len(people), np.full(len(people), 1 / len(people)), size=resamples)
    found: Floats = often[:, place.reshape(-1)].astype(np.float64)
    return found


def resampled(truth: Truth, probabilities: Probabilities, weights: Floats) -> dict[str, Floats]:
    """Every figure of ``metrics.MEASURES`` per row of ``weights`` (resamples, n); NaN where it has no value."""
    metrics.validate(truth, probabilities)
    tables = confusions(truth, probabilities, weights)
    total = weights.sum(axis=1)
    hits = np.diagonal(tables, axis1=1, axis2=2)
    actual, answered = tables.sum(axis=2), tables.sum(axis=1)
    given = np.maximum(probabilities[np.arange(len(truth)), truth], metrics.SMALLEST)
    distance = ((probabilities - np.eye(probabilities.shape[1])[truth]) ** 2).sum(axis=1)
    return {
        "accuracy": hits.sum(axis=1) / total,
        "balanced_accuracy": _mean(recalls(tables)),
        "macro_f1": _mean(f1s(tables)),
        "mcc": _matthews(hits.sum(axis=1), actual, answered, total),
        "macro_auc": _mean(_aucs(truth, probabilities, weights)),
        "ece": _eces(truth, probabilities, weights),
        "nll": weights @ -np.log(given) / total,
        "brier": weights @ distance / total,
    }


def confusions(truth: Truth, probabilities: Probabilities, weights: Floats) -> Floats:
    """Confusion matrices (resamples, classes, classes): row truth, column answer."""
    classes = probabilities.shape[1]
    cell = np.eye(classes * classes)[truth * classes + probabilities.argmax(axis=1)]
    found: Floats = (weights @ cell).reshape(len(weights), classes, classes)
    return found


def recalls(tables: Floats) -> Floats:
    """Recall per resample and class; NaN for a class that was not drawn."""
    return _ratio(np.diagonal(tables, axis1=1, axis2=2), tables.sum(axis=2), np.nan)


def precisions(tables: Floats) -> Floats:
    """Precision per resample and class; 0 where the class was never the answer."""
    return _ratio(np.diagonal(tables, axis1=1, axis2=2), tables.sum(axis=1), 0.0)


def f1s(tables: Floats) -> Floats:
    """F1 per resample and class; NaN for a class that was neither drawn nor answered."""
    return _ratio(2 * np.diagonal(tables, axis1=1, axis2=2), tables.sum(axis=1) + tables.sum(axis=2), np.nan)


def bounds(values: Floats, level: float = LEVEL) -> tuple[float, float]:
    """The percentile interval of the resampled ``values`` (resamples,); NaN where none has a value."""
    known = values[np.isfinite(values)]
    if len(known) == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _aucs(truth: Truth, probabilities: Probabilities, weights: Floats) -> Floats:
    return np.stack(
        [weighted_auc(truth == k, probabilities[:, k], weights) for k in range(probabilities.shape[1])], axis=1
    )


def weighted_auc(positive: NDArray[np.bool_], scores: Floats, weights: Floats) -> Floats:
    """Mann-Whitney with weights: each positive beats the negatives below it, and half of those it ties with."""
    order = np.argsort(scores, kind="stable")
    firsts = np.flatnonzero(np.r_[True, np.diff(scores[order]) > 0])  # where a run of equal scores begins
    w = weights[:, order]
    inside = np.add.reduceat(w * positive[order], firsts, axis=1)
    outside = np.add.reduceat(w * ~positive[order], firsts, axis=1)
    below = np.cumsum(outside, axis=1) - outside / 2
    return _ratio((inside * below).sum(axis=1), inside.sum(axis=1) * outside.sum(axis=1), np.nan)


def _eces(truth: Truth, probabilities: Probabilities, weights: Floats) -> Floats:
    confidence = probabilities.max(axis=1)
    order = np.argsort(confidence, kind="stable")
    gap = (confidence - (probabilities.argmax(axis=1) == truth))[order]
    w = weights[:, order]
    none = np.zeros((len(w), 1))
    mass = np.hstack([none, np.cumsum(w, axis=1)])
    sums = np.hstack([none, np.cumsum(w * gap, axis=1)])
    shares = np.linspace(0, 1, metrics.BINS + 1)
    found = [
        np.abs(np.diff(np.interp(shares * m[-1], m, s))).sum() / m[-1] for m, s in zip(mass, sums, strict=True)
    ]
    return np.array(found)


def _matthews(hits: Floats, actual: Floats, answered: Floats, total: Floats) -> Floats:
    below = np.sqrt(total**2 - (answered**2).sum(axis=1)) * np.sqrt(total**2 - (actual**2).sum(axis=1))
    return np.clip(_ratio(hits * total - (actual * answered).sum(axis=1), below, 0.0), -1, 1)


def _mean(rows: Floats) -> Floats:
    """Mean of each row over the classes that have a value; NaN where none has."""
    known = np.isfinite(rows)
    return _ratio(np.where(known, rows, 0.0).sum(axis=1), known.sum(axis=1), np.nan)


def _ratio(above: Floats, below: NDArray[Any], empty: float) -> Floats:
    found = np.full(above.shape, empty)
    np.divide(above, below, out=found, where=below > 0)
    return found
