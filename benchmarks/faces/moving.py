"""How a face moves in a clip: turned in space as a plane, placed by a similarity, and stirring a little itself."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.faces.cutouts import Cutout

DISTANCE = 4.0  # of the camera from the face's plane, sides of the box: how strong the perspective is
# Where a face stirs: centre and reach in sides of the box, largest movement (x, y), and speed in radians a second.
STIRS = (
    ((0.5, 0.8), 0.16, (0.0, 0.02), 4.1),  # mouth opens and closes
    ((0.36, 0.78), 0.12, (-0.012, -0.008), 2.3),  # corners of the mouth
    ((0.64, 0.78), 0.12, (0.012, -0.008), 2.3),
    ((0.3, 0.28), 0.12, (0.0, -0.012), 1.6),  # brows
    ((0.7, 0.28), 0.12, (0.0, -0.012), 1.9),
)


@dataclass(frozen=True, slots=True)
class Look:
    """Where a face is and how it is held.

    Attributes:
        x, y: where the centre of its box is, pixels.
        side: of the box of the face looking straight, pixels.
        roll, yaw, pitch: degrees; positive is clockwise, to the right of the picture, and up.
        stirring: how much it moves in itself; 0 is a mask.
    """

    x: float
    y: float
    side: float
    roll: float = 0.0
    yaw: float = 0.0
    pitch: float = 0.0
    stirring: float = 1.0

    def moved(self, dx: float, dy: float) -> Look:
        """As seen by a camera that moved."""
        return replace(self, x=self.x + float(dx), y=self.y + float(dy))


class Moving:
    """From a cutout's canvas to a frame; implements ``cutouts.Map``.

    Args:
        look: where to.
        cutout: which canvas.
        time: seconds, for the small movements.
        seed: other people stir at other times.
    """

    def __init__(self, look: Look, cutout: Cutout, time: float, seed: int) -> None:
        self._middle, self._side = np.array(cutout.middle), cutout.side
        self._plane = _homography(look)
        self._inverse = np.linalg.inv(self._plane)
        phases = np.random.default_rng(seed).uniform(0, 2 * np.pi, len(STIRS))
        self._pushes = [
            (np.array(centre) - 0.5, reach, look.stirring * math.sin(speed * time + phase) * np.array(way))
            for (centre, reach, way, speed), phase in zip(STIRS, phases, strict=True)
        ]

    def forth(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """See ``cutouts.Map``."""
        at_rest = (points - self._middle) / self._side
        # ``back`` says which point at rest is seen at a stirred one; here the question is the other way round.
        stirred = at_rest.copy()
        for _ in range(12):  # it contracts nine times and more each turn
            stirred = at_rest - self._stir(stirred)
        return _project(self._plane, stirred)

    def back(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """See ``cutouts.Map``."""
        stirred = _project(self._inverse, points)
        return (stirred + self._stir(stirred)) * self._side + self._middle

    def _stir(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        total = np.zeros_like(points)
        for centre, reach, way in self._pushes:
            off = points - centre
            weight = np.exp((off[:, 0] ** 2 + off[:, 1] ** 2) * (-1.125 / reach**2))  # reach: 1.5 deviations
            total -= weight[:, None] * way
        return total


def _homography(look: Look) -> NDArray[np.float64]:
    """From the face's plane, in sides from the box's centre, to pixels, float64 (3, 3)."""
    yaw, pitch, roll = (math.radians(angle) for angle in (look.yaw, look.pitch, look.roll))
    spun = np.array([[math.cos(roll), -math.sin(roll), 0], [math.sin(roll), math.cos(roll), 0], [0, 0, 1]])
    # About the x axis, then about the y axis; the side that turns away is farther.
    plane = np.array([
        [math.cos(yaw), math.sin(yaw) * math.sin(pitch), 0],
        [0, math.cos(pitch), 0],
        [math.sin(yaw) / DISTANCE, -math.cos(yaw) * math.sin(pitch) / DISTANCE, 1],
    ])  # fmt: skip
    onto = np.array([[look.side, 0, look.x], [0, look.side, look.y], [0, 0, 1]])
    return np.asarray(onto @ spun @ plane, np.float64)


def _project(matrix: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    z = points @ matrix[:, :2].T + matrix[:, 2]
    return np.asarray(z[:, :2] / z[:, 2:], np.float64)
