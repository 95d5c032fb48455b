"""Groups of subjects for choices that are made inside the training rows, and the weight of each row there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mien.errors import TrainingError

if TYPE_CHECKING:
    from numpy.typing import NDArray


def inner_folds(subjects: NDArray[np.str_], folds: int, seed: int) -> NDArray[np.intp]:
    """A fold number (n,) for every row, the same for all rows of one subject, folds near equal in subjects.

    Raises:
        TrainingError: fewer subjects than folds.
    """
    people = np.unique(subjects)
    if len(people) < folds:
        raise TrainingError(
            f"{len(people)} subjects cannot make {folds} inner folds; leave nothing to choose, or use more data"
        )
    order = np.random.default_rng([seed, 3]).permutation(len(people))
    number = {person: int(place) % folds for person, place in zip(people.tolist(), order, strict=True)}
    return np.array([number[s] for s in subjects.tolist()], np.intp)


def example_weights(labels: NDArray[np.intp], classes: int, balance: float) -> NDArray[np.float64]:
    """Weight (n,) of each row, mean 1: a row of a label with share s of the rows weighs s**-balance.

    Args:
        labels: (n,) in 0..classes-1; every label must have a row.
        classes: how many labels there are.
        balance: 1: every label weighs the same in total; 0: every row does.
    """
    share = np.bincount(labels, minlength=classes) / len(labels)
    weights = (share**-balance)[labels]
    found: NDArray[np.float64] = weights / weights.mean()
    return found
