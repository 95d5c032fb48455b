"""Pixels with mean 0 and variance 1, as Gaussian visible units of variance 1 want them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mien.errors import TrainingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST = 1e-4
"""Standard deviation below which a pixel is constant, in the units of the rows; they span [0, 1]."""


@dataclass(frozen=True, slots=True)
class Standardisation:
    """The mean and the standard deviation of every column of some rows; float32 (inputs,)."""

    mean: NDArray[np.float32]
    spread: NDArray[np.float32]

    @classmethod
    def of(cls, x: NDArray[np.float32]) -> Standardisation:
        """Those of rows (n, inputs).

        Raises:
            TrainingError: a column is constant: a density of it has no upper limit.
        """
        mean, spread = x.mean(axis=0, dtype=np.float64), x.std(axis=0, dtype=np.float64)
        constant = np.flatnonzero(spread < LEAST)
        if len(constant):
            raise TrainingError(
                f"{len(constant)} of {x.shape[1]} columns are constant, the first is number {constant[0] + 1}; "
                "Gaussian units need pixels that vary: use more faces, or binary visible units"
            )
        return cls(mean.astype(np.float32), spread.astype(np.float32))

    def entered(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Standardised rows (n, inputs)."""
        return (x - self.mean) / self.spread

    def left(self, v: NDArray[np.float32]) -> NDArray[np.float32]:
        """Rows (n, inputs) in the units they were in before."""
        return v * self.spread + self.mean

    def folded(
        self, W: NDArray[np.float32], b: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """A layer on standardised rows (W (units, inputs), b (units,)) as one on the rows themselves."""
        wide = W.astype(np.float64) / self.spread
        return wide.astype(np.float32), (b - wide @ self.mean).astype(np.float32)
