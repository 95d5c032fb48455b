"""How faces lie to each other and to the frame."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mien.types import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.types import Face, Grey

WHOLE = 0.9  # share of a face in the frame from which on it is all there
BEHIND = 0.05  # intersection over union with another face from which on one of them is behind the other


def free(faces: list[Face], grey: Grey) -> list[bool]:
    """Which faces stand whole in the frame and behind nobody."""
    height, width = grey.shape
    frame = Box(0, 0, width, height)
    return [share(face.box, frame) >= WHOLE and not covered(face, faces) for face in faces]


def share(box: Box, frame: Box) -> float:
    """The share of ``box`` that lies in the frame."""
    wide = min(box.x + box.width, frame.width) - max(box.x, 0)
    high = min(box.y + box.height, frame.height) - max(box.y, 0)
    return max(wide, 0) * max(high, 0) / box.area if box.area > 0 else 0.0


def covered(face: Face, faces: list[Face]) -> bool:
    """Whether another face lies over this one or under it."""
    return any(other is not face and other.box.overlap(face.box) > BEHIND for other in faces)


def overlaps(ones: list[Box], others: list[Box]) -> NDArray[np.float64]:
    """Intersection over union of each with each."""
    a = np.array([(b.x, b.y, b.x + b.width, b.y + b.height) for b in ones])[:, None]
    b = np.array([(b.x, b.y, b.x + b.width, b.y + b.height) for b in others])[None]
    sides = np.maximum(np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), 0)
    shared = sides[..., 0] * sides[..., 1]
    areas = (a[..., 2] - a[..., 0]) * (a[..., 3] - a[..., 1]) + (b[..., 2] - b[..., 0]) * (b[..., 3] - b[..., 1])
    return np.asarray(shared / np.maximum(areas - shared, 1e-12))


def distance(one: Box, other: Box) -> float:
    """Between the centres, in widths of the larger box."""
    (ax, ay), (bx, by) = one.centre, other.centre
    return math.hypot(bx - ax, by - ay) / max(one.width, other.width)
