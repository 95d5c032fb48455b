"""Photographs drawn by code: leaves fallen on leaves, for those who have no folder of photographs at hand.

The dead leaves model (Matheron 1968): things of random size, place and grey that hide one another. With sizes
distributed as r^-3 the picture looks alike at every scale, and its spectrum, its edges and the heavy tails of its
filter responses are much like a photograph's (Lee, Mumford and Huang, IJCV 41, 2001). It has no texture, shading
or blur. What is learned from it shows that code works; call it synthetic wherever it is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 512  # pixels
SMALLEST, LARGEST = 4.0, 160.0  # radius in pixels

_LAYERS = 6.0  # leaves over each pixel on average; exp(-6) of the ground still shows
_SHIFT = 4  # fractional bits of cv2's coordinates
_CORNERS = (3, 4, 5)


def draw(count: int, seed: int = 0, side: int = SIDE) -> tuple[NDArray[np.float32], ...]:
    """Draw ``count`` pictures; equal seeds give equal pictures.

    Args:
        count: pictures; a larger count only adds to a smaller one.
        seed: of all randomness.
        side: pixels.

    Returns:
        Grey, float32 (side, side) in [0, 1] each, as ``data.photographs`` reads them.
    """
    return tuple(_picture(np.random.default_rng([seed, k]), side) for k in range(count))


def _picture(random: np.random.Generator, side: int) -> NDArray[np.float32]:
    """One picture, back to front: half of the leaves are discs, half polygons inscribed in such discs."""
    span = side + 2 * LARGEST  # leaves that lie mostly outside reach in
    mean_area = 2 * np.pi * np.log(LARGEST / SMALLEST) / (SMALLEST**-2 - LARGEST**-2)
    # A polygon covers less than its disc: about 60 %.
    leaves = int(_LAYERS * span**2 / (0.8 * mean_area))
    # Inverse of the distribution function of r^-3 between the two radii.
    radius = (SMALLEST**-2 - random.random(leaves) * (SMALLEST**-2 - LARGEST**-2)) ** -0.5
    centre = random.random((leaves, 2)) * span - LARGEST
    grey = random.integers(0, 256, leaves)
    corners = random.choice((0,) * len(_CORNERS) + _CORNERS, leaves)
    angles = np.sort(random.random((leaves, max(_CORNERS))), axis=1)
    inside = ((centre > -radius[:, None]) & (centre < side + radius[:, None])).all(axis=1)
    picture = np.full((side, side), 128, np.uint8)
    for k in np.flatnonzero(inside):
        shade, around = int(grey[k]), corners[k]
        if around:
            turn = 2 * np.pi * (np.arange(around) + angles[k, :around]) / around
            outline = centre[k] + radius[k] * np.stack([np.cos(turn), np.sin(turn)], axis=1)
            cv2.fillConvexPoly(picture, np.round(outline * 2**_SHIFT).astype(np.int32), shade, cv2.LINE_AA, _SHIFT)
        else:
            x, y, r = (round(float(v) * 2**_SHIFT) for v in (*centre[k], radius[k]))
            cv2.circle(picture, (x, y), r, shade, -1, cv2.LINE_AA, _SHIFT)
    return picture.astype(np.float32) / np.float32(255)
