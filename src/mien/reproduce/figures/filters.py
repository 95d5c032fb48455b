"""Fig. 1 and 3: what every hidden unit looks for, side by side.

The picture on unit length that drives unit j most is x = W_j / ||W_j|| (Ng, CS294A lecture notes, section
"visualizing"). Each filter is scaled by its own largest weight: mid grey is 0, white positive, black negative.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ZERO = 128
"""Grey of a weight of 0."""
PAPER = 255
"""Grey of the gaps."""
_ACROSS = 880  # pixels: about the width of a report's column


def grid(weights: NDArray[np.floating[Any]], columns: int | None = None) -> bytes:
    """All filters in one picture, row by row.

    Args:
        weights: (units, side * side), one filter a row.
        columns: filters in a row of the picture; as square as possible if not given.

    Returns:
        A PNG, 8-bit grey; every weight a square of equal pixels.

    Raises:
        ValueError: no filters, or filters that are not square.
    """
    side = math.isqrt(weights.shape[1]) if weights.ndim == 2 else 0
    if side == 0 or side**2 != weights.shape[1] or len(weights) == 0:
        raise ValueError(f"filters must be (units, side * side), not {weights.shape}")
    across = columns or math.ceil(math.sqrt(len(weights)))
    scale = max(2, min(12, _ACROSS // (across * (side + 1))))
    step = side * scale + max(2, scale)
    down = math.ceil(len(weights) / across)
    canvas = np.full((down * step - step + side * scale, across * step - step + side * scale), PAPER, np.uint8)
    for place, row in enumerate(weights):
        top, left = place // across * step, place % across * step
        canvas[top : top + side * scale, left : left + side * scale] = _magnified(row.reshape(side, side), scale)
    done, png = cv2.imencode(".png", canvas, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    if not done:
        raise ValueError(f"OpenCV could not write a PNG of shape {canvas.shape}")
    return png.tobytes()


def strongest(weights: NDArray[np.floating[Any]], count: int) -> NDArray[np.floating[Any]]:
    """The ``count`` filters of the greatest length, greatest first."""
    lengths = np.linalg.norm(weights, axis=1)
    return weights[np.argsort(-lengths, kind="stable")[:count]]


def _magnified(picture: NDArray[np.floating[Any]], scale: int) -> NDArray[np.uint8]:
    peak = float(np.abs(picture).max())
    level = picture / peak if peak > 0 and math.isfinite(peak) else np.zeros_like(picture)
    grey = np.rint(ZERO + level * (255 - ZERO)).astype(np.uint8)
    return np.kron(grey, np.ones((scale, scale), np.uint8))
