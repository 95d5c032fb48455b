"""Light and shadow of the skin: soft fields that depend on the face's form, its movement and the light."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.data.synthetic.actions import Movement
    from mien.data.synthetic.people import Person


@dataclass(frozen=True, slots=True)
class Light:
    """The light on a face.

    Attributes:
        angle: degrees the light comes from: 0 from above, 90 from the right of the picture, -90 from the left.
        strength: how much the form shows, 0 (flat) to about 0.5.
        gain: factor of all brightness.
        gamma: exponent of the picture's grey levels, 1 linear.
    """

    angle: float = 0.0
    strength: float = 0.2
    gain: float = 1.0
    gamma: float = 1.0


FLAT = Light()
"""Even light from above."""


def skin_field(
    x: NDArray[np.float32], y: NDArray[np.float32], points: NDArray[np.float64], person: Person,
    movement: Movement, light: Light,
) -> NDArray[np.float32]:  # fmt: skip
    """How bright the skin is at each point against flat skin (1), float32 of the shape of ``x``.

    Args:
        x: face coordinates, float32 of any shape.
        y: as ``x``.
        points: float64 (68, 2), moved, face coordinates.
        person: whose face.
        movement: cheeks, folds and chin follow it.
        light: where it comes from.
    """
    field = np.ones_like(x)

    def spot(cx: float, cy: float, wide: float, high: float, strength: float) -> None:
        """A soft ellipse, brighter (or darker, below 0) by ``strength``."""
        field.__iadd__(np.float32(strength) * np.exp(-(((x - cx) / wide) ** 2) - ((y - cy) / high) ** 2))

    half = abs(points[0, 0])
    # The head as an ellipsoid: it darkens towards its edge and away from the light.
    nx, ny = x / (half * 1.15), (y + 0.06) / 0.62
    direction = np.radians(light.angle)
    slope = nx * np.sin(direction) - ny * np.cos(direction)
    field += (
        np.float32(light.strength) * np.clip(slope, -1.2, 1.2)
        - np.float32(0.22) * np.clip(nx**2 + 0.6 * ny**2, 0, 1.4) ** 2
    )

    spot(0, -0.32, 0.24, 0.09, 0.12)  # forehead
    spot(0, 0.385 + points[8, 1] - 0.44, 0.09, 0.04, 0.10)  # chin
    nose_tip = points[30, 1]
    spot(0, nose_tip - 0.09, 0.024, 0.10, 0.16)
    spot(0, nose_tip, 0.034, 0.028, 0.16)
    spot(0, points[33, 1] + 0.030, 0.075, 0.020, -0.20)  # under the nose
    spot(0, points[57, 1] + 0.028, 0.085, 0.020, -0.20)  # under the lips
    for side in (-1, 1):
        eye = points[36:42] if side < 0 else points[42:48]
        ex, ey = eye.mean(0)
        spot(ex, ey - 0.02, 0.085, 0.052, -0.26)  # the socket
        spot(side * 0.062, ey + 0.01, 0.026, 0.05, -0.20)  # beside the bridge
        spot(side * 0.055 * person.nose_width, nose_tip + 0.005, 0.022, 0.045, -0.11)  # beside the nose
        raised = movement["AU06"] + 0.6 * movement.on("AU12", "left" if side < 0 else "right")
        spot(side * 0.215, 0.055 - 0.022 * raised, 0.085, 0.062, 0.16 + 0.07 * raised)  # cheek
        if raised:
            spot(side * 0.20, ey + 0.048, 0.07, 0.016, -0.16 * raised)  # below the eye
        spot(side * 0.27, 0.19, 0.06, 0.10, -0.08)  # hollow of the cheek
    if movement["AU17"]:
        spot(0, points[57, 1] + 0.028, 0.07, 0.018, -0.20 * movement["AU17"])
        spot(0, points[57, 1] + 0.075, 0.06, 0.030, 0.12 * movement["AU17"])
    if movement["AU04"]:
        spot(0, points[21, 1] + 0.01, 0.05, 0.035, -0.16 * movement["AU04"])
    return np.clip(field, 0.15, 1.6)
