"""The numbers of the 2010 report; columns of its Table 1 put back in order (25 positives, 125 negatives a row)."""

from __future__ import annotations

from typing import NamedTuple


class Counts(NamedTuple):
    """One row of Table 1."""

    accuracy: float
    TP: int
    TN: int
    FP: int
    FN: int


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
