"""The face's mean shape, and where a face lies in the picture by its 68 points.

The shape is the median of the teacher's meshes (``training/faces``) over portraits and neutral faces, brought to a
frontal view, made symmetric, and written in units of the *box*: the square as OpenCV's frontal cascade frames a
face (fitted on the CK+ crops: side within 5 %, centre within 1 %), origin at its top left corner, x to the right,
y down, z away from the camera. Points are numbered as by iBUG: 0-16 jaw, 17-26 brows, 27-35 nose, 36-47 eyes,
48-67 lips; the first of each pair lies left in the picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mien.types import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

POINTS = 68

# fmt: off
_SHAPE = (
    (0.1124, 0.4413, 0.3603), (0.1177, 0.5417, 0.3818),
    (0.1256, 0.6403, 0.3722), (0.1455, 0.7354, 0.3419),
    (0.1821, 0.8242, 0.2832), (0.2408, 0.8984, 0.1986),
    (0.3170, 0.9571, 0.1257), (0.4034, 0.9999, 0.0598),
    (0.5000, 1.0152, 0.0366), (0.5966, 0.9999, 0.0598),
    (0.6830, 0.9571, 0.1257), (0.7592, 0.8984, 0.1986),
    (0.8179, 0.8242, 0.2832), (0.8545, 0.7354, 0.3419),
    (0.8744, 0.6403, 0.3722), (0.8823, 0.5417, 0.3818),
    (0.8876, 0.4413, 0.3603), (0.1837, 0.3285, 0.0944),
    (0.2189, 0.2958, 0.0490), (0.2722, 0.2773, 0.0124),
    (0.3412, 0.2783, -0.0204), (0.4193, 0.2853, -0.0372),
    (0.5807, 0.2853, -0.0372), (0.6588, 0.2783, -0.0204),
    (0.7278, 0.2773, 0.0124), (0.7811, 0.2958, 0.0490),
    (0.8163, 0.3285, 0.0944), (0.5000, 0.3773, -0.0360),
    (0.5000, 0.4572, -0.0924), (0.5000, 0.5305, -0.1575),
    (0.5000, 0.5774, -0.1732), (0.4038, 0.6427, -0.0304),
    (0.4571, 0.6523, -0.0675), (0.5000, 0.6523, -0.0768),
    (0.5429, 0.6523, -0.0675), (0.5962, 0.6427, -0.0304),
    (0.2488, 0.4047, 0.0865), (0.2864, 0.3821, 0.0503),
    (0.3455, 0.3781, 0.0410), (0.4034, 0.4117, 0.0569),
    (0.3536, 0.4224, 0.0454), (0.2959, 0.4225, 0.0552),
    (0.5966, 0.4117, 0.0569), (0.6545, 0.3781, 0.0410),
    (0.7136, 0.3821, 0.0503), (0.7512, 0.4047, 0.0865),
    (0.7041, 0.4225, 0.0552), (0.6464, 0.4224, 0.0454),
    (0.3559, 0.7806, 0.0305), (0.4143, 0.7400, -0.0532),
    (0.4572, 0.7288, -0.0738), (0.5000, 0.7343, -0.0789),
    (0.5428, 0.7288, -0.0738), (0.5857, 0.7400, -0.0532),
    (0.6441, 0.7806, 0.0305), (0.5812, 0.8280, -0.0315),
    (0.5435, 0.8407, -0.0469), (0.5000, 0.8439, -0.0501),
    (0.4565, 0.8407, -0.0469), (0.4188, 0.8280, -0.0315),
    (0.3754, 0.7767, 0.0205), (0.4680, 0.7687, -0.0439),
    (0.5000, 0.7697, -0.0488), (0.5320, 0.7687, -0.0439),
    (0.6246, 0.7767, 0.0205), (0.5352, 0.7913, -0.0355),
    (0.5000, 0.7925, -0.0401), (0.4648, 0.7913, -0.0355),
)
# fmt: on

MIRRORED = (
    *range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, *range(35, 30, -1),
    45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
    *range(54, 47, -1), 59, 58, 57, 56, 55, *range(64, 59, -1), 67, 66, 65,
)  # fmt: skip
"""Which point each one becomes in a mirrored picture."""

LEFT_EYE, RIGHT_EYE = slice(36, 42), slice(42, 48)
"""The eye that lies left in the picture (the person's right one), and the other."""

STEADY = (*range(27, 48), 48, 54)
"""Nose, eyes and corners of the mouth: they say where the face is, whatever jaw, brows and lips do."""


def mean_shape() -> NDArray[np.float64]:
    """The mean shape, float64 (68, 3), in sides of the box; see the module's text."""
    return np.array(_SHAPE, np.float64)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a face lies: the box of the mean shape, turned with the head.

    Attributes:
        x, y: centre of the box, pixels; as with points, a whole number is the middle of a pixel. A ``Box`` counts
            from the pixel's edge, half a pixel earlier.
        side: of the box, pixels.
        roll: degrees by which the face is turned in the picture, clockwise as seen; 0 is upright.
    """

    x: float
    y: float
    side: float
    roll: float = 0.0

    @classmethod
    def of_box(cls, box: Box, roll: float = 0.0) -> Placement:
        """A face that fills ``box``, turned by ``roll`` degrees about its centre."""
        x, y = box.centre
        return cls(x - 0.5, y - 0.5, (box.width + box.height) / 2, roll)

    @property
    def box(self) -> Box:
        """The upright square of the same centre and side."""
        return Box(self.x + 0.5 - self.side / 2, self.y + 0.5 - self.side / 2, self.side, self.side)

    def points(self, shape: NDArray[Any]) -> NDArray[np.float64]:
        """Points (n, 2) of the box, in its sides, as pixels of the picture."""
        turn = self.side * complex(math.cos(math.radians(self.roll)), math.sin(math.radians(self.roll)))
        z = (shape[:, 0] - 0.5 + 1j * (shape[:, 1] - 0.5)) * turn + complex(self.x, self.y)
        return np.stack([z.real, z.imag], axis=1)


def placed(points: NDArray[Any]) -> Placement:
    """Where the face with these points lies: the similarity that takes the mean shape nearest to them.

    Only ``STEADY`` points count (least squares; Umeyama 1991 without reflection).

    Args:
        points: (68, 2) pixels.

    Raises:
        ValueError: another shape, not finite, or all in one place.
    """
    if points.shape != (POINTS, 2) or not np.isfinite(points).all():
        raise ValueError(f"points must be finite ({POINTS}, 2), not {points.shape}")
    steady = points[list(STEADY)].astype(np.float64)
    seen = steady[:, 0] + 1j * steady[:, 1]
    middle = complex(seen.mean())
    turn = complex(_MODEL.conj() @ (seen - middle)) / _SPREAD
    if abs(turn) < 1e-9:
        raise ValueError("all points lie in one place")
    centre = middle + turn * (complex(0.5, 0.5) - _MIDDLE)
    return Placement(centre.real, centre.imag, abs(turn), math.degrees(math.atan2(turn.imag, turn.real)))


_steady = mean_shape()[list(STEADY)]
_MIDDLE = complex(_steady[:, 0].mean(), _steady[:, 1].mean())
_MODEL = _steady[:, 0] + 1j * _steady[:, 1] - _MIDDLE
_SPREAD = float((abs(_MODEL) ** 2).sum())
