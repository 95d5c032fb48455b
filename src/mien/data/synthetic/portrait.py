"""A person's head onto a picture, with the truth about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from mien.data.synthetic import features
from mien.data.synthetic.actions import Movement, move
from mien.data.synthetic.anatomy import at_rest
from mien.data.synthetic.canvas import Canvas, Colour, curve, ellipse
from mien.data.synthetic.features import HAIR_TINT, SKIN_TINT, tinted
from mien.data.synthetic.shading import FLAT, Light, skin_field
from mien.types import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.data.synthetic.people import Person

_FIELD_SIDE = 40  # cells per box width in which the skin's shading is computed: it is smooth
_BUST = (-0.85, -0.85, 0.85, 1.25)  # left, top, right, bottom of all that is painted, face coordinates


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a face lies in a picture.

    Attributes:
        x, y: centre of the face box, pixels.
        width: of the face box, which is square, pixels.
        roll: clockwise tilt of the head, degrees.
    """

    x: float
    y: float
    width: float
    roll: float = 0.0

    def matrix(self) -> NDArray[np.float64]:
        """From face coordinates to pixels, float64 (2, 3)."""
        c, s = np.cos(np.radians(self.roll)), np.sin(np.radians(self.roll))
        return np.array([[self.width * c, -self.width * s, self.x], [self.width * s, self.width * c, self.y]])

    @property
    def box(self) -> Box:
        """The face box as OpenCV's frontal cascade gives it, more or less: upright whatever the roll."""
        return Box(self.x - self.width / 2, self.y - self.width / 2, self.width, self.width)


def landmarks(person: Person, movement: Movement, pose: Pose) -> NDArray[np.float64]:
    """The 68 points in pixels of the picture, float64 (68, 2), iBUG order."""
    matrix = pose.matrix()
    return move(at_rest(person), movement) @ matrix[:, :2].T + matrix[:, 2]


def paint(
    onto: NDArray[np.uint8], person: Person, movement: Movement, pose: Pose, light: Light = FLAT
) -> NDArray[np.uint8]:
    """Paint head and shoulders onto a picture.

    Args:
        onto: the background, uint8 (height, width) or (height, width, 3) R G B; stays as it is.
        person: who.
        movement: what the face does.
        pose: where; parts beyond the edge are cut off.
        light: on the person, not on the background.

    Returns:
        uint8 of the shape of ``onto``, a new picture.
    """
    picture = onto.copy()
    height, width = onto.shape[:2]
    matrix = pose.matrix()
    left, top, right, bottom = _BUST
    corners = (
        np.array([(left, top), (right, top), (right, bottom), (left, bottom)]) @ matrix[:, :2].T + matrix[:, 2]
    )
    x0, y0 = np.maximum(np.floor(corners.min(0)), 0).astype(int)
    x1, y1 = np.minimum(np.ceil(corners.max(0)), (width, height)).astype(int)
    if x1 <= x0 or y1 <= y0:
        return picture
    finer = int(np.clip(np.ceil(160 / pose.width), 2, 4))
    window = onto[y0:y1, x0:x1]
    rows, columns = window.shape[:2]
    large = np.repeat(np.repeat(window, finer, 0), finer, 1).astype(np.float32) / np.float32(255)
    to_canvas = matrix.copy()
    to_canvas[:, 2] -= (x0, y0)
    canvas = Canvas(large.reshape(rows * finer, columns * finer, -1), to_canvas * finer)
    _head(canvas, move(at_rest(person), movement), person, movement, light)
    small = cv2.resize(canvas.pixels, (columns, rows), interpolation=cv2.INTER_AREA)
    cover = cv2.resize(canvas.cover, (columns, rows), interpolation=cv2.INTER_AREA)
    small, cover = small.reshape(rows, columns, -1), cover.reshape(rows, columns, 1)
    lit = np.clip(small * np.float32(light.gain), 0, 1) ** np.float32(light.gamma)
    small = small + (lit - small) * cover
    picture[y0:y1, x0:x1] = np.clip(np.rint(small * 255), 0, 255).astype(np.uint8).reshape(window.shape)
    return picture


def _head(canvas: Canvas, points: NDArray[np.float64], person: Person, movement: Movement, light: Light) -> None:
    skin, hair = tinted(person.skin, SKIN_TINT), tinted(person.hair, HAIR_TINT)
    half = abs(points[0, 0])
    if person.hair_style == "long":
        back = [(-half - 0.05, -0.2), (-half - 0.09, 0.2), (-half - 0.06, 0.62), (half + 0.06, 0.62)]
        back += [(half + 0.09, 0.2), (half + 0.05, -0.2), (0, -0.6)]
        canvas.fill(curve(back, closed=True), tinted(person.hair * 0.8, HAIR_TINT), soft=0.006, cover=True)
    _body(canvas, person, half)
    for side in (-1, 1):
        canvas.fill(
            ellipse(side * (half + 0.012), -0.03, 0.035, 0.09), tinted(person.skin * 0.8, SKIN_TINT), cover=True
        )
    crown = [(half, -0.25), (half * 0.86, -0.42), (half * 0.5, -0.54), (0, -0.58)]
    crown += [(-x, y) for x, y in crown[-2::-1]]
    face = np.concatenate([points[:17], crown])
    behind, canvas.cover = canvas.cover, np.zeros_like(canvas.cover)
    canvas.fill(curve(face, closed=True, steps=4), skin, cover=True)
    step = max(int(canvas.unit / _FIELD_SIDE), 1)
    field = skin_field(*canvas.grid(step), points, person, movement, light)
    canvas.multiply(field, step, canvas.cover)  # hair, neck and coat stay as they are
    canvas.cover = np.maximum(canvas.cover, behind)

    _beard(canvas, points, person)
    features.lines(canvas, points, person, movement)
    features.nose(canvas, points, person, movement)
    features.mouth(canvas, points, person, movement)
    features.eyes(canvas, points, person, movement)
    features.brows(canvas, points, person)
    _hair(canvas, person, half, hair)
    features.glasses(canvas, points, person)


def _body(canvas: Canvas, person: Person, half: float) -> None:
    shirt: Colour = tinted(0.12 + 0.6 * (person.manner % 97) / 97, (0.85, 1.0, 1.25))
    neck = 0.62 * half
    outline = [(-neck, 0.2), (-neck, 0.5), (-neck - 0.05, 0.72), (neck + 0.05, 0.72), (neck, 0.5), (neck, 0.2)]
    canvas.fill(outline, tinted(person.skin * 0.72, SKIN_TINT), cover=True)
    shadow = ellipse(0, 0.40, neck, 0.12)
    canvas.fill(shadow, tinted(person.skin * 0.45, SKIN_TINT), 0.8, soft=0.02, within=np.array(outline))
    coat = [(-0.80, 1.3), (-0.74, 0.80), (-0.45, 0.66), (-neck - 0.02, 0.58), (0, 0.68), (neck + 0.02, 0.58)]
    coat += [(0.45, 0.66), (0.74, 0.80), (0.80, 1.3)]
    canvas.fill(coat, shirt, cover=True)


def _beard(canvas: Canvas, points: NDArray[np.float64], person: Person) -> None:
    shade = tinted(person.hair, HAIR_TINT)
    if person.beard:
        rim = points[2:15] * (0.97, 1.0)
        inner = [(0.24, 0.14), (0.17, 0.19), (0, 0.175), (-0.17, 0.19), (-0.24, 0.14)]
        canvas.fill(np.concatenate([rim, inner]), shade, person.beard, soft=0.018)
    if person.moustache:
        (x0, y0), (x1, y1) = points[48], points[54]
        top = points[33, 1] + 0.02
        patch = [(x0 * 0.95, y0 - 0.012), (-0.06, top), (0, top + 0.008), (0.06, top), (x1 * 0.95, y1 - 0.012)]
        patch += [tuple(points[51] - (0, 0.004))]
        canvas.fill(np.array(patch), shade, person.moustache, soft=0.008)


def _hair(canvas: Canvas, person: Person, half: float, colour: Colour) -> None:
    line = -0.425 + person.hairline
    alpha = 0.55 if person.hair_style == "cropped" else 1.0
    low = 0.02 if person.hair_style == "long" else -0.13
    inner = [(half * 0.97, low), (half * 0.93, -0.22), (half * 0.80, -0.33), (half * 0.42, line + 0.01), (0, line)]
    inner += [(-x, y) for x, y in inner[-2::-1]]
    bulk = 0.03 if person.hair_style == "cropped" else 0.06
    outer = [
        (-half - bulk * 0.6, low),
        (-half - bulk, -0.25),
        (-half * 0.95 - bulk, -0.45),
        (-half * 0.6, -0.60 - bulk),
    ]
    outer += [(0, -0.63 - bulk)]
    outer += [(-x, y) for x, y in outer[-2::-1]]
    canvas.fill(curve([*inner, *outer], closed=True, steps=5), colour, alpha, soft=0.006, cover=True)
    canvas.fill(
        ellipse(-0.10, -0.53, 0.20, 0.035),
        tinted(min(person.hair * 1.5 + 0.04, 1), HAIR_TINT),
        0.35 * alpha,
        soft=0.03,
    )
