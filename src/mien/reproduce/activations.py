"""Which neurons fire for which expression (section 4.2, Fig. 5): surprise minus anger, and what chance would do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mien.evaluate.baselines import shuffle_labels
from mien.reproduce.results import Row

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.reproduce.corpus import Corpus

    Floats = NDArray[np.float64]

EXPERIMENT = "activations"
FIRST, SECOND = "surprise", "anger"
DEALS = 500  # of the labels, at random, sequence by sequence
CHANCE = (0.025, 0.975)


@dataclass(frozen=True, slots=True)
class Differences:
    """Mean activation for one expression minus that for another.

    Attributes:
        first, second: the expressions.
        values: (units,).
        low, high: (units,), between which 95 % lie when the two labels are dealt out at random.
    """

    first: str
    second: str
    values: Floats
    low: Floats
    high: Floats

    @property
    def beyond(self) -> int:
        """How many units lie beyond chance."""
        return int(((self.values < self.low) | (self.values > self.high)).sum())


def compare(corpus: Corpus, features: NDArray[np.float32], seed: int) -> Differences:
    """Surprise minus anger, or the first two expressions of a data set that lacks either.

    Whole sequences keep one label when the labels are dealt out: their frames are alike.
    """
    known = corpus.labels
    first, second = (FIRST, SECOND) if {FIRST, SECOND} <= set(known) else known[:2]
    one, other = known.index(first), known.index(second)
    rows = np.flatnonzero(np.isin(corpus.label, (one, other)))
    x, label, sequence = features[rows].astype(np.float64), corpus.label[rows], corpus.sequence[rows]

    def difference(labels: NDArray[np.intp]) -> Floats:
        return np.asarray(x[labels == one].mean(axis=0) - x[labels == other].mean(axis=0))

    dealt = np.stack([difference(shuffle_labels(label, sequence, seed + k).astype(np.intp)) for k in range(DEALS)])
    low, high = np.quantile(dealt, CHANCE, axis=0)
    return Differences(first, second, difference(label), low, high)


def rows(inputs: str, found: Differences) -> list[Row]:
    """How many units tell the two apart, and how far the farthest goes."""
    figures = {
        "units": float(len(found.values)),
        "units_beyond_chance": float(found.beyond),
        "largest_difference": float(np.abs(found.values).max()),
    }
    label = f"{found.first} minus {found.second}"
    return [Row(EXPERIMENT, "none", inputs, label, name, value) for name, value in figures.items()]
