"""Figures of merit of present/absent answers, one per label (Table 1 of the 2010 report), with their resamples.

Here every label is a question of its own: is it shown or not? Several may be declared, or none, so that accuracy
counts each label's right rejections too and "always no" looks good; ``f1``, ``balanced_accuracy``, ``mcc`` and
``auc`` beside it do not.

A figure without a value is NaN: ``tpr`` of a label that nothing shows, ``fpr`` of one that everything shows,
``balanced_accuracy`` and ``auc`` of either, ``f1`` of a label that is neither shown nor declared. ``precision`` of
a label that is never declared is 0, and so is ``mcc`` where only one truth or only one answer occurs. A macro mean
is taken over the labels that have a value. ``tests/reference`` compares all with scikit-learn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from mien.evaluate.intervals import weighted_auc
from mien.evaluate.paired import Measured

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from mien.evaluate.intervals import Floats
    from mien.evaluate.metrics import Truth

COUNTS = ("TP", "TN", "FP", "FN")
FIGURES = ("accuracy", "tpr", "fpr", "precision", "f1", "balanced_accuracy", "mcc", "auc")


@dataclass(frozen=True, slots=True)
class Answers:
    """Present/absent answers of one classifier.

    Attributes:
        labels: meaning of the columns below.
        shown: bool (n, labels), the truth.
        said: bool (n, labels), what was declared present.
        scores: (n, labels), the higher the more likely present; only their order within a label matters, for
            the AUC.

    Raises:
        ValueError: shapes or types that do not match, no rows, a label twice, or scores that are not finite.
    """

    labels: tuple[str, ...]
    shown: NDArray[np.bool_]
    said: NDArray[np.bool_]
    scores: Floats

    def __post_init__(self) -> None:
        wanted = (len(self.shown), len(self.labels))
        for name, array in (("shown", self.shown), ("said", self.said), ("scores", self.scores)):
            if array.shape != wanted:
                raise ValueError(f"{name} must be (n, {len(self.labels)}) as the others are, not {array.shape}")
        if self.shown.dtype != np.bool_ or self.said.dtype != np.bool_:
            raise ValueError(f"shown and said must hold bools, not {self.shown.dtype} and {self.said.dtype}")
        if 0 in wanted or len(set(self.labels)) < len(self.labels):
            raise ValueError(f"needs one row or more and different labels, not {wanted} and {self.labels}")
        if not np.isfinite(self.scores).all():
            raise ValueError("scores must be finite")


class Counts(NamedTuple):
    """Hits, right rejections, false alarms and misses; each (..., labels)."""

    TP: Floats
    TN: Floats
    FP: Floats
    FN: Floats


def shown(truth: Truth, labels: int) -> NDArray[np.bool_]:
    """Truth of every label (n, labels) where each row shows exactly one, given by its index (n,).

    Raises:
        ValueError: not integers (n,), or an index out of range.
    """
    if truth.ndim != 1 or not np.issubdtype(truth.dtype, np.integer):
        raise ValueError(f"truth must be integers (n,), not {truth.dtype} {truth.shape}")
    if len(truth) and not 0 <= truth.min() <= truth.max() < labels:
        raise ValueError(f"truth holds a label index outside 0..{labels - 1}")
    found: NDArray[np.bool_] = truth[:, None] == np.arange(labels)
    return found


def counts(answers: Answers, weights: Floats | None = None) -> Counts:
    """Counts per label (labels,), or per row of ``weights`` (resamples, n) and label (resamples, labels)."""
    each = np.ones((1, len(answers.shown))) if weights is None else weights
    kinds = (
        answers.shown & answers.said,
        ~answers.shown & ~answers.said,
        ~answers.shown & answers.said,
        answers.shown & ~answers.said,
    )
    found = [each @ kind.astype(np.float64) for kind in kinds]
    return Counts(*(table[0] if weights is None else table for table in found))


def of_counts(found: Counts) -> dict[str, Floats]:
    """All of ``FIGURES`` but the AUC, each of the shape of the counts."""
    hits, rejections, alarms, misses = found
    positives, negatives, declared = hits + misses, rejections + alarms, hits + alarms
    tpr, fpr = _ratio(hits, positives, np.nan), _ratio(alarms, negatives, np.nan)
    below = np.sqrt(declared) * np.sqrt(positives) * np.sqrt(negatives) * np.sqrt(rejections + misses)
    return {
        "accuracy": _ratio(hits + rejections, positives + negatives, np.nan),
        "tpr": tpr,
        "fpr": fpr,
        "precision": _ratio(hits, declared, 0.0),
        "f1": _ratio(2 * hits, declared + positives, np.nan),
        "balanced_accuracy": (tpr + 1 - fpr) / 2,
        # Clipped: rounding of the square roots may carry a perfect (mis)match a hair beyond 1.
        "mcc": np.clip(_ratio(hits * rejections - alarms * misses, below, 0.0), -1, 1),
    }


def figures(answers: Answers, weights: Floats | None = None) -> dict[str, Floats]:
    """All of ``COUNTS`` and ``FIGURES`` per label (labels,), or per row of ``weights`` (resamples, labels)."""
    each = np.ones((1, len(answers.shown))) if weights is None else weights
    aucs = np.stack(
        [weighted_auc(answers.shown[:, k], answers.scores[:, k], each) for k in range(len(answers.labels))], axis=1
    )
    found = counts(answers, weights)
    return {**found._asdict(), **of_counts(found), "auc": aucs[0] if weights is None else aucs}


def macro(values: Floats) -> Floats:
    """Mean over the last axis, the labels, of those that have a value; NaN where none has."""
    known = np.isfinite(values)
    return _ratio(np.where(known, values, 0.0).sum(axis=-1), known.sum(axis=-1), np.nan)


def measured(
    answers: Answers, weights: Floats, means: Mapping[str, Sequence[str]] | None = None
) -> dict[tuple[str, str], Measured]:
    """Every figure of every label, and the macro means, with their resamples, by (label, figure).

    Args:
        answers: whose.
        weights: (resamples, n) from ``intervals.draws`` or ``paired.draws``.
        means: name of each macro mean, and the labels it is taken over; ``{"macro": all labels}`` if not given.
            Counts have no mean.

    Raises:
        ValueError: weights of other rows, a mean over no label or an unknown one, or named like a label.
    """
    if weights.ndim != 2 or weights.shape[1] != len(answers.shown):
        raise ValueError(f"weights must be (resamples, {len(answers.shown)}), not {weights.shape}")
    groups = {"macro": answers.labels} if means is None else means
    for name, members in groups.items():
        if not members or not set(members) <= set(answers.labels) or name in answers.labels:
            raise ValueError(f"mean {name!r} over {tuple(members)} does not fit the labels {answers.labels}")
    value, resampled = figures(answers), figures(answers, weights)
    found = {
        (label, figure): Measured(float(value[figure][k]), resampled[figure][:, k])
        for k, label in enumerate(answers.labels)
        for figure in (*COUNTS, *FIGURES)
    }
    for name, members in groups.items():
        places = [answers.labels.index(member) for member in members]
        for figure in FIGURES:
            mean = float(macro(value[figure][places]))
            found[name, figure] = Measured(mean, macro(resampled[figure][:, places]))
    return found


def _ratio(above: Floats, below: NDArray[Any], empty: float) -> Floats:
    found = np.full(np.shape(above), empty)
    np.divide(above, below, out=found, where=below > 0)
    return found
