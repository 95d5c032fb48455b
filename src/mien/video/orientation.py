"""The eight ways in which a stored picture can be turned and mirrored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Orientation:
    """How to make a stored picture upright: transpose first, then mirror.

    Attributes:
        transposes: rows become columns; width and height change places.
        mirrors: left and right change places, after transposing.
        flips: top and bottom change places, after transposing.
    """

    transposes: bool = False
    mirrors: bool = False
    flips: bool = False

    @classmethod
    def of_matrix(cls, a: int, b: int, c: int, d: int) -> Orientation:
        """From a display matrix, which maps a stored point (x, y) to the shown point (a x + c y, b x + d y).

        A matrix that is not a multiple of 90 degrees is taken as the nearest one that is.
        """
        if abs(b) + abs(c) > abs(a) + abs(d):
            return cls(True, mirrors=c < 0, flips=b < 0)
        return cls(False, mirrors=a < 0, flips=d < 0)

    def apply(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The upright picture, C-contiguous if it was turned, itself if it is upright already."""
        if not (self.transposes or self.mirrors or self.flips):
            return pixels
        turned = pixels.swapaxes(0, 1) if self.transposes else pixels
        turned = turned[:: -1 if self.flips else 1, :: -1 if self.mirrors else 1]
        return np.ascontiguousarray(turned)
