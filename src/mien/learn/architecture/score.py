"""A mean over held-out faces with its standard error by people, and the rule that chooses by it.

Faces of one person are alike, so that what varies independently is the person: the error is that of a mean over
clusters (Liang & Zeger 1986), not that of as many single faces.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from scipy.special import stdtrit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

T = TypeVar("T")

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Score:
    """A figure of one candidate on people that it was not fitted on; higher is better.

    Attributes:
        value: mean over faces.
        error: its standard error.
        people: how many were held out, over all folds.
    """

    value: float
    error: float
    people: int

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval."""
        return self.value - self._reach

    @property
    def high(self) -> float:
        """Upper end of the 95 % interval."""
        return self.value + self._reach

    @property
    def _reach(self) -> float:
        return reach(self.people - 1) * self.error


def reach(freedom: int) -> float:
    """How many standard errors the 95 % interval reaches to either side, by Student's t."""
    return float(stdtrit(freedom, (1 + LEVEL) / 2))


def scored(values: NDArray[np.float64], subjects: NDArray[np.str_], more: float = 0.0) -> Score:
    """The mean of ``values`` (n,), one per held-out face, whose people are ``subjects`` (n,).

    Args:
        values: what each face scored.
        subjects: whose it is.
        more: a further standard error, independent of who was drawn, such as that of a sampled normaliser.

    Raises:
        ValueError: fewer than two people.
    """
    people, place = np.unique(subjects, return_inverse=True)
    count = len(people)
    if count < 2:
        raise ValueError(f"a standard error by people needs two people or more, not {count}")
    mean = float(values.mean())
    sums = np.bincount(place.reshape(-1), weights=values - mean, minlength=count)
    error = math.sqrt(float(sums @ sums) * count / (count - 1)) / len(values)
    return Score(mean, math.hypot(error, more), count)


def smallest_within_one_error(candidates: Sequence[T], score: Callable[[T], Score], size: Callable[[T], int]) -> T:
    """The one-standard-error rule (Breiman, Friedman, Olshen & Stone 1984, section 3.4.3).

    The best of several noisy scores is the best by luck, too, and which one that is changes with the people that
    were drawn. Of the candidates that are no more than one standard error worse than the best, the smallest is
    taken: it is as good as anybody can tell, cheaper, and the choice is stabler.

    Args:
        candidates: one or more.
        score: of a candidate.
        size: of a candidate; ties go to the better score.
    """
    best = max((score(one) for one in candidates), key=lambda found: found.value)
    near = [one for one in candidates if score(one).value >= best.value - best.error]
    return min(near, key=lambda one: (size(one), -score(one).value))
