"""From which score on a label is declared present: chosen on scores of people whom the model had not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Criterion = Literal["f1", "balanced", "half"]
"""``f1``: largest F1; ``balanced``: largest mean of hit rate and correct rejections; ``half``: simply 0.5."""


def threshold(shown: NDArray[np.bool_], scores: NDArray[np.float64], criterion: Criterion) -> float:
    """The cut for which "score at or above it" answers best by ``criterion``.

    Cuts lie halfway between neighbouring different scores, below the lowest and above the highest. Of equally good
    cuts the one nearest to 0.5 is taken, of equally near ones the lower.

    Args:
        shown: (n,) whether the label is shown; both answers must occur, unless the criterion is ``half``.
        scores: (n,) probabilities.
        criterion: what to maximise.

    Raises:
        ValueError: shapes that do not match, scores outside [0, 1], or one answer only.
    """
    if criterion == "half":
        return 0.5
    if shown.shape != scores.shape or shown.ndim != 1:
        raise ValueError(f"shown and scores must both be (n,), not {shown.shape} and {scores.shape}")
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError("scores must lie in [0, 1]")
    positives, negatives = int(shown.sum()), int((~shown).sum())
    if not positives or not negatives:
        raise ValueError("a threshold needs rows that show the label and rows that do not")
    values, place = np.unique(scores, return_inverse=True)
    edges = np.concatenate([[0.0], values, [1.0]])
    cuts = edges[:-1] + np.diff(edges) / 2
    # Of the cut below values[i]: everything from values[i] on is called present.
    hits = _from_here_on(np.bincount(place, shown, minlength=len(values)))
    alarms = _from_here_on(np.bincount(place, ~shown, minlength=len(values)))
    if criterion == "f1":
        merit = 2 * hits / (hits + alarms + positives)
    else:
        merit = (hits / positives + 1 - alarms / negatives) / 2
    best = np.flatnonzero(merit >= merit.max() - 1e-12)
    return float(cuts[best[np.argmin(np.abs(cuts[best] - 0.5))]])


def _from_here_on(counts: NDArray[Any]) -> NDArray[np.float64]:
    return np.concatenate([np.cumsum(counts[::-1])[::-1], [0.0]])
