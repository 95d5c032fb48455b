"""Face crops as a detector would give them: each on its own background, in its own light, a little off centre."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from mien.data.synthetic.portrait import Pose, landmarks, paint
from mien.data.synthetic.shading import FLAT, Light

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.data.synthetic.actions import Movement
    from mien.data.synthetic.people import Person
    from mien.types import Grey


@dataclass(frozen=True, slots=True)
class Setting:
    """The circumstances of one recording.

    Attributes:
        dx, dy: how far the face lies from the crop's centre, in box widths.
        scale: width of the face box by that of the crop.
        roll: degrees.
        light: on the face.
        background: grey levels at the crop's left and right edge, 0-255.
        blur: of the lens, standard deviation in box widths.
        noise: of the sensor, standard deviation in grey levels of 255.
        seed: of the noise.
    """

    dx: float = 0.0
    dy: float = 0.0
    scale: float = 1.0
    roll: float = 0.0
    light: Light = FLAT
    background: tuple[float, float] = (150.0, 150.0)
    blur: float = 0.0
    noise: float = 0.0
    seed: int = 0


def setting(person: Person, occasion: int) -> Setting:
    """The circumstances of one occasion; always the same for the same arguments.

    Args:
        person: in front of the camera.
        occasion: which recording of this person, from 0.
    """
    rng = np.random.default_rng([person.seed, person.number, 1 + occasion])

    def near(mean: float, spread: float) -> float:
        return float(mean + spread * np.clip(rng.standard_normal(), -2.5, 2.5))

    light = Light(
        angle=float(rng.uniform(-60, 60)),
        strength=float(rng.uniform(0.08, 0.28)),
        gain=near(0.95, 0.08),
        gamma=near(1, 0.08),
    )
    return Setting(
        dx=near(0, 0.007),
        dy=near(0, 0.007),
        scale=near(1, 0.015),
        roll=near(0, 1.2),
        light=light,
        background=(float(rng.uniform(50, 200)), float(rng.uniform(50, 200))),
        blur=float(rng.uniform(0, 0.006)),
        noise=float(rng.uniform(1, 4)),
        seed=int(rng.integers(2**31)),
    )


def pose(chosen: Setting, size: int) -> Pose:
    """Where the face lies in a crop of ``size`` pixels."""
    middle = size / 2
    return Pose(middle + chosen.dx * size, middle + chosen.dy * size, chosen.scale * size, chosen.roll)


def draw(person: Person, movement: Movement, chosen: Setting, size: int) -> Grey:
    """The crop, uint8 (size, size)."""
    left, right = chosen.background
    onto = np.tile(np.linspace(left, right, size).astype(np.uint8), (size, 1))
    rng = np.random.default_rng(chosen.seed)
    crop = paint(onto, person, movement, pose(chosen, size), chosen.light)
    sigma = chosen.blur * size
    if sigma > 0.3:
        crop = cv2.GaussianBlur(crop, (0, 0), sigma)  # type: ignore[assignment]
    grain = rng.standard_normal(crop.shape, np.float32) * np.float32(chosen.noise)
    return np.clip(np.rint(crop + grain), 0, 255).astype(np.uint8)


def points(person: Person, movement: Movement, chosen: Setting, size: int) -> NDArray[np.float64]:
    """The 68 points in pixels of that crop, float64 (68, 2)."""
    return landmarks(person, movement, pose(chosen, size))
