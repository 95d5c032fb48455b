"""The 68 points of a face at rest, in iBUG order.

Face coordinates: the origin is the centre of the face box, the unit is the box's width, x to the right of the
picture, y down. The box is that of OpenCV's frontal cascade (brows to below the mouth, a little air at the sides).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.data.synthetic.people import Person

JAW = slice(0, 17)
LEFT_BROW, RIGHT_BROW = slice(17, 22), slice(22, 27)  # left and right of the picture
BRIDGE, NOSTRILS = slice(27, 31), slice(31, 36)
LEFT_EYE, RIGHT_EYE = slice(36, 42), slice(42, 48)
OUTER_LIPS, INNER_LIPS = slice(48, 60), slice(60, 68)

MIRROR = (
    *range(16, -1, -1),
    *range(26, 16, -1),
    *range(27, 31),
    *range(35, 30, -1),
    *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),
    *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55),
    *(64, 63, 62, 61, 60, 67, 66, 65),
)
"""``MIRROR[i]`` is the point that ``i`` becomes in a mirror."""

EYE_CENTRE = (0.172, -0.115)  # of the mean face: distance from the midline, height
MOUTH_CENTRE = 0.237

# Left half of the picture and the midline; the right half mirrors it.
_MEAN: dict[int, tuple[float, float]] = {
    **dict(enumerate([(-0.385, -0.10), (-0.380, -0.01), (-0.368, 0.075), (-0.347, 0.16), (-0.31, 0.24)])),
    **dict(enumerate([(-0.255, 0.315), (-0.185, 0.378), (-0.095, 0.425), (0.0, 0.44)], start=5)),
    **dict(enumerate([(-0.285, -0.178), (-0.25, -0.211), (-0.195, -0.219), (-0.138, -0.209)], start=17)),
    **dict(enumerate([(-0.083, -0.19)], start=21)),
    **dict(enumerate([(0.0, -0.125), (0.0, -0.065), (0.0, -0.005), (0.0, 0.052)], start=27)),
    **dict(enumerate([(-0.075, 0.098), (-0.04, 0.108), (0.0, 0.115)], start=31)),
    **dict(enumerate([(-0.242, -0.111), (-0.200, -0.146), (-0.146, -0.145), (-0.104, -0.106)], start=36)),
    **dict(enumerate([(-0.146, -0.088), (-0.200, -0.087)], start=40)),
    **dict(enumerate([(-0.14, 0.237), (-0.095, 0.214), (-0.04, 0.201), (0.0, 0.207)], start=48)),
    **dict(enumerate([(0.0, 0.285), (-0.045, 0.281), (-0.095, 0.265)], start=57)),
    **dict(enumerate([(-0.122, 0.238), (-0.045, 0.236), (0.0, 0.238)], start=60)),
    **dict(enumerate([(0.0, 0.238), (-0.045, 0.238)], start=66)),
}


def _mean_face() -> NDArray[np.float64]:
    points = np.empty((68, 2))
    for index, (x, y) in _MEAN.items():
        points[index] = x, y
        points[MIRROR[index]] = -x, y
    points.flags.writeable = False
    return points


MEAN_FACE = _mean_face()
"""The mean face at rest, float64 (68, 2)."""


def outward(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """-1, 0 or 1 per point of the mean face: the direction of x that leads away from the midline."""
    return np.sign(np.round(points[:, 0], 6))


def at_rest(person: Person) -> NDArray[np.float64]:
    """The person's points while nothing moves, float64 (68, 2) in face coordinates, left-right symmetric."""
    points = MEAN_FACE.copy()
    side = outward(MEAN_FACE)
    jaw = points[JAW]
    low = np.clip((jaw[:, 1] + 0.1) / 0.5, 0, 1)  # 0 at the ears, 1 near the chin
    jaw[:, 0] *= person.face_width * (1 + (person.jaw_width - 1) * low)
    jaw[:, 1] += (person.chin_length - 1) * 0.44 * low

    for eye in (LEFT_EYE, RIGHT_EYE):
        centre = np.array([side[eye][0] * EYE_CENTRE[0], EYE_CENTRE[1]])
        away = points[eye] - centre
        slant = -person.eye_slant * away[:, 0] * side[eye] / 0.06
        points[eye] = centre * (person.eye_spacing, 1) + away * (person.eye_width, person.eye_opening)
        points[eye, 1] += slant
    for brow in (LEFT_BROW, RIGHT_BROW):
        along = (np.abs(MEAN_FACE[brow, 0]) - 0.08) / 0.2  # 0 at the inner end, 1 at the outer
        points[brow, 0] *= person.eye_spacing
        points[brow, 1] += -person.brow_height + person.brow_slant * (1 - 2 * along)

    stretch = (person.nose_length - 1) * (points[27:36, 1] - points[27, 1])
    points[27:36, 1] += stretch
    points[27:36, 0] *= person.nose_width

    lips = points[48:68]
    corner = np.abs(MEAN_FACE[48:68, 0]) / 0.14
    lips[:, 0] *= person.mouth_width
    lips[:12, 1] = MOUTH_CENTRE + (lips[:12, 1] - MOUTH_CENTRE) * person.lip_thickness
    lips[:, 1] += person.mouth_height - person.mouth_curve * corner**2
    return points
