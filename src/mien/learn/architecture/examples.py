"""The border where faces enter the estimates: shape, range, columns that say nothing, number of people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mien.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FEWEST = 20
"""Faces below which nothing about an architecture can be told."""

NAMED = 3  # columns that an error lists by name


@dataclass(frozen=True, slots=True)
class Examples:
    """Faces as rows, with whose they are and, where it is known, what they show.

    Attributes:
        x: float32 (n, inputs) in [0, 1].
        subjects: (n,) whose face it is.
        labels: (n,) index of each face's label; ``None`` where there are none.
        classes: how many labels there are; 0 where there are none.
    """

    x: NDArray[np.float32]
    subjects: NDArray[np.str_]
    labels: NDArray[np.intp] | None = None
    classes: int = 0

    @property
    def people(self) -> int:
        """How many people they show."""
        return len(np.unique(self.subjects))

    def where(self, chosen: NDArray[np.bool_]) -> Examples:
        """Those that ``chosen`` (n,) marks."""
        labels = None if self.labels is None else self.labels[chosen]
        return Examples(self.x[chosen], self.subjects[chosen], labels, self.classes)


def checked(
    x: NDArray[Any],
    subjects: Sequence[str] | NDArray[np.str_],
    labels: NDArray[np.intp] | None,
    people: int,
) -> Examples:
    """Faces that the estimates can use.

    Args:
        x: (n, inputs), values in [0, 1].
        subjects: (n,) whose face each row is.
        labels: (n,) in 0..classes-1, or ``None``.
        people: how many are needed.

    Raises:
        TrainingError: no rows or columns, too few faces or people, NaN or constant columns, which are named, values
            outside [0, 1], or subjects or labels of another number.
    """
    if x.ndim != 2 or x.shape[1] < 2:
        raise TrainingError(f"architecture: needs faces as rows of two numbers or more, not an array {x.shape}")
    whose = np.asarray(subjects, np.str_)
    if whose.shape != (len(x),) or (labels is not None and labels.shape != (len(x),)):
        told = whose.shape if labels is None else f"{whose.shape} and {labels.shape}"
        raise TrainingError(f"architecture: {len(x)} faces need as many subjects and labels, not {told}")
    if len(x) < FEWEST:
        raise TrainingError(f"architecture: {len(x)} faces are too few; give {FEWEST} or more")
    there = len(np.unique(whose))
    if there < people:
        raise TrainingError(
            f"architecture: {there} {'person is' if there == 1 else 'people are'} too few for folds by subject; "
            f"give {people} or more"
        )
    _refuse(np.flatnonzero(~np.isfinite(x).all(axis=0)), x.shape[1], "hold NaN or infinity; mend or leave them out")
    if float(x.min()) < 0 or float(x.max()) > 1:
        raise TrainingError(
            f"architecture: values must lie in [0, 1], the range of the units, but go from {float(x.min()):g} to "
            f"{float(x.max()):g}; scale them first"
        )
    constant = np.flatnonzero(np.ptp(x, axis=0) == 0)
    _refuse(constant, x.shape[1], "are the same in every face and say nothing; leave them out")
    rows = np.ascontiguousarray(x, np.float32)
    classes = 0 if labels is None else int(labels.max()) + 1
    return Examples(rows, whose, labels, classes)


def _refuse(columns: NDArray[np.intp], inputs: int, why: str) -> None:
    """Name the first of ``columns``, as places in a picture too where the faces are square ones."""
    if len(columns) == 0:
        return
    side = round(inputs**0.5)
    square = side * side == inputs
    names = [f"{c} (row {c // side}, column {c % side})" if square else f"{c}" for c in columns[:NAMED].tolist()]
    more = f" and {len(columns) - NAMED} more" if len(columns) > NAMED else ""
    raise TrainingError(f"architecture: columns {', '.join(names)}{more} of the faces {why}")
