"""Tracking labels (sections 3.1 and 4.4 of the report): the shape of the face by its 68 landmarks.

Coordinates in which nothing is left of where the face is, how large it is and how it is rolled: the middle between
the eyes is the origin, the distance of the eyes is 1, and the line through them is level. The eyes are the anchor
because no expression moves them apart, whereas a falling jaw moves the mean of all points. Turning to the side and
nodding remain.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

POINTS = 68
LEFT_IN_IMAGE, RIGHT_IN_IMAGE = slice(36, 42), slice(42, 48)
"""The points of the two eyes, iBUG order; the eye that is left in the image is the person's right one."""
SMALLEST = 1e-6  # distance of the eyes as a share of the face's extent: below, there is no telling how it is rolled


def shape(landmarks: NDArray[Any]) -> NDArray[np.float64]:
    """Normalised shapes (n, 136): x0, y0, x1, y1, ... in distances of the eyes; x to the right, y down.

    Args:
        landmarks: (n, 68, 2), x and y in pixels, iBUG order.

    Raises:
        ValueError: another shape, a number that is not finite, or eyes that coincide.
    """
    if landmarks.ndim != 3 or landmarks.shape[1:] != (POINTS, 2):
        raise ValueError(f"landmarks must be (n, {POINTS}, 2), not {landmarks.shape}")
    if not np.isfinite(landmarks).all():
        bad = int(np.flatnonzero(~np.isfinite(landmarks).all(axis=(1, 2)))[0])
        raise ValueError(f"landmarks of face {bad} are not all finite")
    points = landmarks.astype(np.float64)
    points = points - points.mean(axis=1, keepdims=True)  # far from the origin, differences would lose digits
    z = points[..., 0] + 1j * points[..., 1]
    left, right = z[:, LEFT_IN_IMAGE].mean(axis=1), z[:, RIGHT_IN_IMAGE].mean(axis=1)
    apart = right - left
    degenerate = np.abs(apart) <= SMALLEST * np.abs(z).max(axis=1, initial=0)
    if degenerate.any():
        raise ValueError(f"landmarks of face {int(np.flatnonzero(degenerate)[0])} have both eyes in one place")
    # Dividing by the complex number from eye to eye scales and rotates at once.
    found = (z - ((left + right) / 2)[:, None]) / apart[:, None]
    return np.stack([found.real, found.imag], axis=2).reshape(len(z), 2 * POINTS)


def change(landmarks: NDArray[Any], neutral: NDArray[Any]) -> NDArray[np.float64]:
    """How the shapes differ from neutral ones (n, 136), in distances of the eyes.

    Args:
        landmarks: (n, 68, 2), as in ``shape``.
        neutral: (n, 68, 2), the neutral face of the same person for each of them.

    Raises:
        ValueError: as in ``shape``, or not one neutral face for each.
    """
    if neutral.shape != landmarks.shape:
        raise ValueError(f"landmarks and neutral must have one shape, not {landmarks.shape} and {neutral.shape}")
    return shape(landmarks) - shape(neutral)
