"""The numbers of the 2010 report; columns of its Table 1 put back in order (25 positives, 125 negatives a row)."""

from __future__ import annotations

import math
from typing import NamedTuple


class Counts(NamedTuple):
    """One row of Table 1: the accuracy as printed, and the answers that it was computed from."""

    accuracy: float
    TP: int
    TN: int
    FP: int
    FN: int

    def figure(self, metric: str) -> float:
        """A figure of this row, from its counts so that rounding does not add up; NaN if it has no such figure.

        Args:
            metric: ``accuracy tpr fpr f1 balanced_accuracy mcc``, or a count, ``TP TN FP FN``.
        """
        TP, TN, FP, FN = self[1:]
        tpr, fpr = TP / (TP + FN), FP / (FP + TN)
        figures = {
            "accuracy": (TP + TN) / sum(self[1:]),
            "tpr": tpr,
            "fpr": fpr,
            "f1": 2 * TP / (2 * TP + FP + FN),
            "balanced_accuracy": (tpr + 1 - fpr) / 2,
            "mcc": (TP * TN - FP * FN) / math.sqrt((TP + FP) * (TP + FN) * (TN + FP) * (TN + FN)),
            **{name: float(count) for name, count in zip(("TP", "TN", "FP", "FN"), self[1:], strict=True)},
        }
        return figures.get(metric, math.nan)


SIX = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
"""The expressions of Table 1; contempt and neutral are not in it."""

WITH_FACS: dict[str, Counts] = {
    "anger": Counts(0.77, 11, 104, 21, 14),
    "disgust": Counts(0.91, 12, 124, 1, 13),
    "fear": Counts(0.89, 14, 120, 5, 11),
    "happiness": Counts(0.90, 21, 114, 11, 4),
    "sadness": Counts(0.76, 15, 99, 26, 10),
    "surprise": Counts(0.87, 17, 113, 12, 8),
}
"""Table 1 (a): feature activations, FACS codes and, by the text, tracking labels."""

FEATURES_ONLY: dict[str, Counts] = {
    "anger": Counts(0.55, 18, 65, 60, 7),
    "disgust": Counts(0.81, 14, 107, 18, 11),
    "fear": Counts(0.87, 10, 120, 5, 15),
    "happiness": Counts(0.82, 12, 111, 14, 13),
    "sadness": Counts(0.77, 1, 114, 11, 24),
    "surprise": Counts(0.75, 19, 94, 31, 6),
}
"""Table 1 (b): feature activations only."""

SOFTMAX_ACCURACY = 0.22
"""Section 4.3: softmax on feature activations, 150 test images."""

TEST_FRAMES = 150
PER_EXPRESSION = 25

ALWAYS_NO = 1 - PER_EXPRESSION / TEST_FRAMES
"""What answering "no" to every question of Table 1 scores: .833."""

TABLES = {"features": FEATURES_ONLY, "features+facs": WITH_FACS}
"""Table 1 by input."""


def number(experiment: str, protocol: str, inputs: str, label: str, metric: str) -> float:
    """The report's number for one cell of ``results.Row``; NaN where it gives none.

    All its numbers come from its one split. Features learned online, as in the report, and features learned in
    batches (``online-features`` and ``features``) stand beside the same numbers. ``macro-6`` is the mean over the
    report's rows.
    """
    kind = inputs.removeprefix("online-")
    if protocol != "paper-split":
        return math.nan
    if experiment == "softmax" and (kind, label, metric) == ("features", "all", "accuracy"):
        return SOFTMAX_ACCURACY
    if experiment != "table1" or kind not in TABLES:
        return math.nan
    rows = TABLES[kind]
    if label in rows:
        return rows[label].accuracy if metric == "accuracy" else rows[label].figure(metric)
    if label == "macro-6" and metric not in ("TP", "TN", "FP", "FN"):
        return sum(row.figure(metric) for row in rows.values()) / len(rows)
    return math.nan
