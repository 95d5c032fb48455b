"""Rows of figures from predictions, with intervals over people."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mien.evaluate import baselines, intervals, metrics, selective
from mien.evaluate.intervals import Interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mien.evaluate.predictions import Predictions

RESAMPLES = 1000
OVERALL = ("accuracy", "balanced_accuracy", "macro_f1", "macro_auc", "ece", "nll", "brier")


@dataclass(frozen=True, slots=True)
class Row:
    """One figure.

    Attributes:
        part: of the bench.
        model: whose.
        where: on which faces, seen how.
        measure: what was measured.
        value: the figure.
        low, high: 95 % interval; NaN where there is none.
        held_out: who was kept from training, in words; empty where the figure is not about faces.
    """

    part: str
    model: str
    where: str
    measure: str
    value: float
    low: float = math.nan
    high: float = math.nan
    held_out: str = ""


def overall(part: str, where: str, p: Predictions, held_out: str, measures: Sequence[str] = OVERALL) -> list[Row]:
    """Figures over all faces, and of the answers it is surest of."""
    weights = intervals.draws(p.subject, RESAMPLES)
    again = intervals.resampled(p.truth, p.probabilities, weights)
    found = {
        name: Interval(metrics.MEASURES[name](p.truth, p.probabilities), *intervals.bounds(again[name]))
        for name in measures
    }
    found |= {name: m.interval() for name, m in selective.measured(p.truth, p.probabilities, weights).items()}
    return [Row(part, p.setting.model, where, name, *i, held_out) for name, i in found.items()]


def by_class(part: str, where: str, p: Predictions, held_out: str) -> list[Row]:
    """Recall of every label that a face shows."""
    weights = intervals.draws(p.subject, RESAMPLES)
    again = intervals.recalls(intervals.confusions(p.truth, p.probabilities, weights))
    table = metrics.confusion(p.truth, p.probabilities.argmax(axis=1), len(p.labels))
    value = metrics.recall(table)
    return [
        Row(part, p.setting.model, where, f"recall {label} ({table[k].sum()} faces)", float(value[k]),
            *intervals.bounds(again[:, k]), held_out)
        for k, label in enumerate(p.labels)
        if table[k].any()
    ]  # fmt: skip


def majority(part: str, where: str, p: Predictions) -> list[Row]:
    """What always naming the most frequent label gives."""
    constant = baselines.majority(p.truth, p.fold, len(p.labels))
    return [
        Row(part, "always majority", where, name, metrics.MEASURES[name](p.truth, constant))
        for name in ("accuracy", "balanced_accuracy", "brier")
    ]


def confused(p: Predictions, most: int = 10) -> list[dict[str, object]]:
    """Which labels are taken for which, most often first: truth, answer, faces, and their share of the truth's."""
    table = metrics.confusion(p.truth, p.probabilities.argmax(axis=1), len(p.labels))
    pairs = [
        (int(table[k, j]), k, j) for k in range(len(table)) for j in range(len(table)) if k != j and table[k, j]
    ]
    pairs.sort(key=lambda pair: (-pair[0], pair[1], pair[2]))
    return [
        {"truth": p.labels[k], "answer": p.labels[j], "faces": n, "share": round(n / int(table[k].sum()), 4)}
        for n, k, j in pairs[:most]
    ]


def share(right: np.ndarray) -> Interval:
    """Share of ``right`` (n,), with the interval of faces drawn again."""
    weights = intervals.draws(np.arange(len(right)).astype(str), RESAMPLES)
    return Interval(float(right.mean()), *intervals.bounds(weights @ right / weights.sum(axis=1)))
