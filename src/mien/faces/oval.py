"""The oval mask of section 2.2 of the 2010 report: hair and background are taken away, the face stays.

The report took masked pictures from Agarwal, Cosgriff and Mudur (its reference 8) and gives no measures. Here the
oval fits a square as OpenCV's frontal cascade frames a face: from the forehead to the chin the whole height, and
from cheek to cheek 84 % of the width. It is symmetric, so that a mirrored face keeps its mask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH, HEIGHT = 0.84, 1.0
"""Axes of the ellipse, shares of the side."""


def oval(size: int) -> NDArray[np.bool_]:
    """Which pixels belong to the face: those whose centres lie in the ellipse.

    Args:
        size: pixels along each side.

    Returns:
        bool (size, size); the same mirrored and upside down.

    Raises:
        ValueError: fewer than 2 pixels, where nothing of an oval is left.
    """
    if size < 2:
        raise ValueError(f"an oval needs 2 pixels a side or more, not {size}")
    centres = (np.arange(size) + 0.5) / size - 0.5
    inside: NDArray[np.bool_] = (centres[None, :] * 2 / WIDTH) ** 2 + (centres[:, None] * 2 / HEIGHT) ** 2 <= 1
    return inside


def mask(patch: NDArray[np.generic]) -> NDArray[np.float32]:
    """The face inside the oval, its darkest pixel 0 and its brightest 1; 0 outside.

    What lies outside has no say in the scaling: a white wall behind the head does not darken the face.

    Args:
        patch: one square face, any real dtype (size, size).

    Returns:
        float32 (size, size) in [0, 1]; all zero where the face is of one grey throughout.

    Raises:
        ValueError: ``patch`` is not square.
    """
    if patch.ndim != 2 or patch.shape[0] != patch.shape[1]:
        raise ValueError(f"a patch must be square, not of shape {patch.shape}")
    inside = oval(patch.shape[0])
    pixels = patch.astype(np.float32)
    low, high = float(pixels[inside].min()), float(pixels[inside].max())
    if high <= low:
        return np.zeros(patch.shape, np.float32)
    return np.where(inside, (pixels - np.float32(low)) / np.float32(high - low), np.float32(0))
