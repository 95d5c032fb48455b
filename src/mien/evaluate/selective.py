"""Saying nothing where it is not sure: how often a model is wrong among the answers that it is surest of.

Answers are accepted from the surest on (the probability of the answer). *Coverage* is the share of faces that get
an answer, *risk* the share of wrong ones among these (El-Yaniv & Wiener 2010). The area under the curve of risk by
coverage is AURC (Geifman, Uziel & El-Yaniv 2019): the mean of the risks at the coverages that come about as one
face after the other is accepted. A threshold accepts faces that are equally sure together, and so they are here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mien.evaluate import metrics
from mien.evaluate.paired import Measured

if TYPE_CHECKING:
    from mien.evaluate.intervals import Floats
    from mien.evaluate.metrics import Probabilities, Truth

COVERAGES = (0.8, 0.9)
"""At which the accuracy of what is answered is told."""
TINY = 1e-9  # a coverage that rounding alone keeps below the wanted one is reached


class _Groups(NamedTuple):
    """Cumulative mass and errors (resamples, groups) over the groups of equally sure faces, and each one's mass."""

    mass: Floats
    errors: Floats
    each: Floats


def curve(truth: Truth, probabilities: Probabilities) -> Floats:
    """Rows of (coverage, risk), one for each threshold that makes a difference; the last covers all.

    Args:
        truth: label indices (n,).
        probabilities: (n, classes), rows sum to 1.

    Raises:
        ValueError: see ``metrics.validate``.
    """
    groups = _groups(truth, probabilities, np.ones((1, len(truth))))
    return np.stack([groups.mass[0] / groups.mass[0, -1], groups.errors[0] / groups.mass[0]], axis=1)


def aurc(truth: Truth, probabilities: Probabilities) -> float:
    """Area under the risk-coverage curve; equal to the share of errors where all answers are equally sure."""
    return float(_aurc(_groups(truth, probabilities, np.ones((1, len(truth)))))[0])


def accuracy_at(truth: Truth, probabilities: Probabilities, coverage: float) -> float:
    """Accuracy of the surest answers, of which there are as few as cover ``coverage`` of the faces.

    Raises:
        ValueError: a coverage outside (0, 1], or as ``metrics.validate``.
    """
    return float(_accuracy_at(_groups(truth, probabilities, np.ones((1, len(truth)))), coverage)[0])


def measured(truth: Truth, probabilities: Probabilities, weights: Floats | None = None) -> dict[str, Measured]:
    """``aurc`` and the accuracy at each of ``COVERAGES`` (``accuracy_at_80``), with their resamples.

    Args:
        truth: as for ``curve``.
        probabilities: as for ``curve``.
        weights: (resamples, n) from ``intervals.draws``; none: no resamples.

    Raises:
        ValueError: arguments that do not match.
    """
    again = np.zeros((0, len(truth))) if weights is None else weights
    if again.ndim != 2 or again.shape[1] != len(truth):
        raise ValueError(f"weights must be (resamples, {len(truth)}), not {again.shape}")
    both = _groups(truth, probabilities, np.vstack([np.ones((1, len(truth))), again]))
    values = {"aurc": _aurc(both)}
    values |= {f"accuracy_at_{round(100 * coverage)}": _accuracy_at(both, coverage) for coverage in COVERAGES}
    return {name: Measured(float(value[0]), value[1:]) for name, value in values.items()}


def thinned(rows: Floats, most: int = 200) -> Floats:
    """A curve of about ``most`` points at most, for a chart: the next to even steps of coverage, and the last."""
    if len(rows) <= most:
        return rows
    wanted = np.linspace(rows[0, 0], 1, most)
    places = np.unique(np.searchsorted(rows[:, 0], wanted).clip(0, len(rows) - 1))
    return np.asarray(rows[places], np.float64)


def _groups(truth: Truth, probabilities: Probabilities, weights: Floats) -> _Groups:
    metrics.validate(truth, probabilities)
    confidence = probabilities.max(axis=1)
    wrong = probabilities.argmax(axis=1) != truth
    order = np.argsort(-confidence, kind="stable")
    firsts = np.flatnonzero(np.r_[True, np.diff(confidence[order]) < 0])
    w = weights[:, order]
    each = np.add.reduceat(w, firsts, axis=1)
    errors = np.add.reduceat(w * wrong[order], firsts, axis=1)
    return _Groups(np.cumsum(each, axis=1), np.cumsum(errors, axis=1), each)


def _aurc(g: _Groups) -> Floats:
    risk = np.divide(g.errors, g.mass, out=np.zeros_like(g.errors), where=g.mass > 0)
    return np.asarray((risk * g.each).sum(axis=1) / g.mass[:, -1], np.float64)


def _accuracy_at(g: _Groups, coverage: float) -> Floats:
    if not 0 < coverage <= 1:
        raise ValueError(f"coverage must be above 0 and at most 1, not {coverage}")
    enough = g.mass >= (coverage - TINY) * g.mass[:, -1:]
    place = enough.argmax(axis=1)
    row = np.arange(len(place))
    return np.asarray(1 - g.errors[row, place] / g.mass[row, place], np.float64)
