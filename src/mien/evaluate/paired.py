"""Differences between two classifiers, or two protocols, under the same resampled people.

Two figures of the same people go up and down together; the interval of their difference is narrower than the two
intervals side by side suggest, and is the one that answers whether one is better. Rows need not be the same: frames
against sequences, or a test on some of the people against a test on all, are paired by person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mien.evaluate import intervals, metrics
from mien.evaluate.intervals import LEVEL, RESAMPLES, SEED, Interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.evaluate.intervals import Floats
    from mien.evaluate.metrics import Probabilities, Truth


class Measured(NamedTuple):
    """A figure and what it came to in each resample.

    Attributes:
        value: on the items as they are; NaN where it has no value.
        resampled: (resamples,), NaN where it has no value in a resample.
    """

    value: float
    resampled: Floats

    def interval(self, level: float = LEVEL) -> Interval:
        """The figure with its percentile interval; resamples in which it has no value are left out of it."""
        return Interval(self.value, *intervals.bounds(self.resampled, level))


def draws(
    subjects: NDArray[np.str_], others: NDArray[np.str_], resamples: int = RESAMPLES, seed: int = SEED
) -> tuple[Floats, Floats]:
    """How often each item of two tests occurs in each resample: (resamples, n) and (resamples, m).

    A person is drawn equally often on both sides. Resampled are the people of either side; whoever was tested on
    one side only plays no part on the other.

    Raises:
        ValueError: fewer than two subjects, or no resamples.
    """
    both = intervals.draws(np.concatenate([subjects, others]), resamples, seed)
    return both[:, : len(subjects)], both[:, len(subjects) :]


def measured(truth: Truth, probabilities: Probabilities, weights: Floats) -> dict[str, Measured]:
    """Every figure of ``metrics.MEASURES`` for classifiers whose most probable label is the answer.

    Args:
        truth: label indices (n,).
        probabilities: (n, classes), rows sum to 1.
        weights: (resamples, n) from ``draws`` here or in ``intervals``.

    Raises:
        ValueError: arguments that do not match.
    """
    together = intervals.resampled(truth, probabilities, weights)
    return {
        name: Measured(measure(truth, probabilities), together[name]) for name, measure in metrics.MEASURES.items()
    }


def difference(of: Measured, minus: Measured, level: float = LEVEL) -> Interval:
    """One figure minus another with the percentile interval of the difference.

    Both must come from weights drawn together, else the pairing means nothing. Resamples in which either has no
    value are left out.

    Raises:
        ValueError: unequal numbers of resamples.
    """
    if of.resampled.shape != minus.resampled.shape:
        raise ValueError(
            f"the two must share their resamples, not have {len(of.resampled)} and {len(minus.resampled)}"
        )
    return Interval(of.value - minus.value, *intervals.bounds(of.resampled - minus.resampled, level))
