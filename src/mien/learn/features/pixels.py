"""The pixels themselves: what any feature must beat to have been worth learning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from torch import nn

from mien.learn.features._examples import checked
from mien.learn.interfaces import Progress, silent

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Options:
    """Options of raw pixels: none."""


def build(options: Options) -> Pixels:
    """The learner; there is nothing to choose."""
    del options
    return Pixels()


@dataclass(frozen=True, slots=True)
class Pixels:
    """Learns nothing but how many pixels there are."""

    def fit(self, x: NDArray[np.float32], seed: int, progress: Progress = silent) -> PixelFeatures:
        """Count the pixels.

        Args:
            x: float32 (n, pixels) in [0, 1].
            seed: not used.
            progress: called once.

        Raises:
            TrainingError: unfit examples.
        """
        del seed
        x = checked("pixels", x)
        progress("features", 1, 1)
        return PixelFeatures(x.shape[1])


@dataclass(frozen=True, slots=True)
class PixelFeatures:
    """The patch as it is."""

    units: int

    def encode(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """The patches (n, pixels) themselves, as float32."""
        return np.ascontiguousarray(x, np.float32)

    def layers(self) -> tuple[nn.Module, ...]:
        """Identity."""
        return (nn.Identity(),)

    def figures(self) -> dict[str, float]:
        """How many pixels."""
        return {"pixels": float(self.units)}
