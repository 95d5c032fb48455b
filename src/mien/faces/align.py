"""Cut a turned square out of a picture, and the square that puts a face's eyes to canonical places.

Points, and with them placements, count pixels from the centre of the first one: a whole number is a pixel's
centre. Pixel k of n in the cut square has its centre at (k + 0.5) / n of it.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from mien.faces.shape import LEFT_EYE, POINTS, RIGHT_EYE, Placement, mean_shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mien.types import Grey

FARTHEST = 1e7  # pixels: squares beyond this have no sensible place in any picture


def cut(
    grey: Grey, placement: Placement, size: int, *, area: bool = True, beyond: int = cv2.BORDER_REPLICATE
) -> Grey:
    """The square of ``placement``, turned upright.

    Args:
        grey: uint8 or float32 (height, width).
        placement: the square in pixels.
        size: pixels along each side of the result.
        area: average a larger square down by a power of two first, so that every pixel of it counts (no
            aliasing); else pixels are sampled between their four neighbours only.
        beyond: what lies beyond the frame's edge, in OpenCV's terms: the edge's pixels again, or black
            (``cv2.BORDER_CONSTANT``).

    Returns:
        (size, size), the dtype of ``grey``.

    Raises:
        ValueError: the placement is not finite, or not of positive size.
    """
    p = placement
    if not (0 < p.side < FARTHEST and abs(p.x) < FARTHEST and abs(p.y) < FARTHEST and math.isfinite(p.roll)):
        raise ValueError(f"no square can be cut at {placement}")
    step = p.side / size
    cos, sin = math.cos(math.radians(p.roll)), math.sin(math.radians(p.roll))
    # The upright window about the turned square, with room for the sampling to look beyond it.
    reach = p.side / 2 * (abs(cos) + abs(sin)) + 2 * step + 1
    left, right = _span(p.x, reach, grey.shape[1])
    top, bottom = _span(p.y, reach, grey.shape[0])
    part, shrink = grey[top:bottom, left:right], 1
    while area and 2 * shrink <= step and min(part.shape) > 1:  # halving is OpenCV's fastest average by far
        high, wide = part.shape[0] // 2, part.shape[1] // 2
        part = cv2.resize(part[: 2 * high, : 2 * wide], (wide, high), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        shrink *= 2
    # Pixel q of the window averages ``shrink`` pixels from left + shrink * q on.
    half = (shrink - 1) / 2
    a, b = step * cos / shrink, step * sin / shrink
    x, y = (p.x - left - half) / shrink, (p.y - top - half) / shrink
    middle = (size - 1) / 2
    place = np.array([[a, -b, x - (a - b) * middle], [b, a, y - (a + b) * middle]], np.float64)
    return cv2.warpAffine(  # type: ignore[return-value]
        part,
        place,
        (size, size),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=beyond,
    )


def batch(grey: Grey, placements: Sequence[Placement], size: int) -> NDArray[np.float32]:
    """The squares as the networks take them: float32 (n, 1, size, size), brightness 0 to 1.

    Raises:
        ValueError: as ``cut``.
    """
    pixels = np.empty((len(placements), 1, size, size), np.float32)
    for place, into in zip(placements, pixels, strict=True):
        np.multiply(cut(grey, place, size), np.float32(1 / 255), out=into[0])
    return pixels


def by_eyes(points: NDArray[Any]) -> Placement:
    """The box whose mean shape has its eyes' centres where this face has them.

    Unlike ``shape.placed`` it takes two centres only, so that the eyes lie exactly alike in all patches.

    Args:
        points: (68, 2) pixels.

    Raises:
        ValueError: another shape, not finite, or both eyes in one place.
    """
    if points.shape != (POINTS, 2) or not np.isfinite(points).all():
        raise ValueError(f"points must be finite ({POINTS}, 2), not {points.shape}")
    left, right = (complex(*points[eye].astype(np.float64).mean(axis=0)) for eye in (LEFT_EYE, RIGHT_EYE))
    turn = (right - left) / (_RIGHT - _LEFT)
    if abs(turn) < 1e-9:
        raise ValueError("both eyes lie in one place")
    centre = (left + right) / 2 + turn * (complex(0.5, 0.5) - (_LEFT + _RIGHT) / 2)
    return Placement(centre.real, centre.imag, abs(turn), math.degrees(math.atan2(turn.imag, turn.real)))


def grown(placement: Placement, factor: float) -> Placement:
    """The square grown about its centre by ``factor``."""
    return replace(placement, side=placement.side * factor)


def _span(middle: float, reach: float, length: int) -> tuple[int, int]:
    """Pixels from ``middle - reach`` to ``middle + reach`` inside the picture; the nearest one where none is."""
    first = min(max(math.floor(middle - reach), 0), length - 1)
    return first, min(max(math.ceil(middle + reach) + 1, first + 1), length)


_LEFT, _RIGHT = (complex(*mean_shape()[eye, :2].mean(axis=0)) for eye in (LEFT_EYE, RIGHT_EYE))
EYES = _RIGHT.real - _LEFT.real
"""Distance of the eyes' centres of the mean shape, sides of the box."""
