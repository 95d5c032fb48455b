"""The border where examples enter a feature learner: shape, number, range."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mien.errors import TrainingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST = 2  # from one face, the mean face is the face


def checked(learner: str, x: NDArray[Any], low: float = 0, high: float = 1) -> NDArray[np.float32]:
    """``x`` as contiguous float32 rows.

    Args:
        learner: name of the part, for the error.
        x: (n, inputs), values in [low, high].
        low: least value that the learner's units can give.
        high: largest.

    Raises:
        TrainingError: another shape, fewer than two rows, no columns, NaN, or values outside the range.
    """
    if x.ndim != 2 or len(x) < FEWEST or x.shape[1] == 0:
        raise TrainingError(f"{learner}: needs {FEWEST} examples or more as rows, not an array {x.shape}")
    least, largest = float(x.min()), float(x.max())
    if not (least >= low and largest <= high):  # so that NaN fails, too
        raise TrainingError(
            f"{learner}: values must be numbers in [{low:g}, {high:g}], the range of its units, but go from "
            f"{least:g} to {largest:g}; scale them first"
        )
    return np.ascontiguousarray(x, np.float32)
