"""How a head is turned, from its 68 points: the mean shape seen by a camera (perspective-n-point)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from mien.faces.shape import POINTS, STEADY, mean_shape
from mien.types import Pose

if TYPE_CHECKING:
    from numpy.typing import NDArray

FLAT = 1e-3  # points whose cloud is thinner than this share of its length lie on one line


def pose(points: NDArray[Any], width: int, height: int) -> Pose | None:
    """The turn of the head, against the line from the camera to the face.

    The camera is taken to be a plain one whose focal length is the frame's longer side (53 degrees across), its
    axis through the middle. Somebody at the frame's edge who looks into the camera has pitch and yaw 0; measured
    so, a wrong guess of the focal length matters little. Roll is the tilt in the picture and comes last: turning
    the picture changes nothing else.

    Args:
        points: (68, 2) pixels. Nose, eyes, corners of the mouth and the upper ends of the jaw count: the jaw's
            ends give depth, and what an open mouth or raised brows move has little say.
        width: of the frame, pixels.
        height: of the frame, pixels.

    Returns:
        Degrees, each finite; ``None`` where no head has these points (all in one place or on one line).

    Raises:
        ValueError: another shape, or not finite.
    """
    if points.shape != (POINTS, 2) or not np.isfinite(points).all():
        raise ValueError(f"points must be finite ({POINTS}, 2), not {points.shape}")
    # In focal lengths from the axis, so that the solver works on plain numbers near 0.
    used = points[_USED].astype(np.float64)
    seen = (used - ((width - 1) / 2, (height - 1) / 2)) / float(max(width, height))
    off = used - used.mean(axis=0)
    narrow, wide = np.linalg.eigvalsh(off.T @ off)
    if not narrow > FLAT**2 * wide:
        return None
    try:
        # A global minimum in front of the camera, without a first guess (Terzakis & Lourakis 2020).
        solved, turn, place = cv2.solvePnP(_MODEL, seen, _CAMERA, None, flags=cv2.SOLVEPNP_SQPNP)
    except cv2.error:
        return None
    if not solved or not (np.isfinite(turn).all() and np.isfinite(place).all()):
        return None
    x, y, z = map(float, place[:, 0])
    matrix = _towards(x, y, z).T @ cv2.Rodrigues(turn)[0]
    return Pose(
        pitch=math.degrees(math.atan2(-matrix[2, 1], matrix[2, 2])),
        yaw=math.degrees(math.atan2(matrix[2, 0], math.hypot(matrix[0, 0], matrix[1, 0]))),
        roll=math.degrees(math.atan2(matrix[1, 0], matrix[0, 0])),
    )


def _towards(x: float, y: float, z: float) -> NDArray[np.float64]:
    """The smallest rotation that takes the camera's axis to the direction of (x, y, z)."""
    axis = np.cross((0.0, 0.0, 1.0), (x, y, z))
    sine = float(np.linalg.norm(axis))
    return np.asarray(cv2.Rodrigues(axis / max(sine, 1e-12) * math.atan2(sine, z))[0], np.float64)


_USED = [*STEADY, *range(4), *range(13, 17)]  # an open jaw costs 1.2 degrees so, 3.7 with STEADY alone
_MODEL = mean_shape()[_USED] - mean_shape()[list(STEADY)].mean(axis=0)
_CAMERA = np.eye(3)
