"""Follow a face for a moment by its picture.

Between two answers of the detector a face hardly changes but may move. Finding the same small picture again a
few pixels further costs a tenth of asking the cascade, and does not jump from window to window as the cascade
does. A template lives for a few frames only: it cannot tell a face from a wall, the detector must.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from mien.types import Box

if TYPE_CHECKING:
    from mien.types import Grey

SIZE = 36  # pixels: the face is brought to this width
CORE = 0.75  # of the box: brows, eyes, nose and mouth, little background
STEPS = 5  # pixels of the shrunken picture that the face may have moved: 14 % of its width
LEAST = 0.85  # correlation below which it is not the same picture any more


@dataclass(frozen=True, slots=True)
class Template:
    """A face's picture.

    Attributes:
        box: where the face was when the picture was taken, pixels.
        picture: uint8, the middle of the box at ``SIZE`` pixels a face.
    """

    box: Box
    picture: Grey

    @classmethod
    def take(cls, grey: Grey, box: Box) -> Template | None:
        """The picture of the face at ``box``, or None where it reaches beyond the frame."""
        core = round(SIZE * CORE)
        picture = _view(grey, box.scaled(CORE), core)
        return None if picture is None else cls(box, picture)

    def find(self, grey: Grey, expected: Box) -> Box | None:
        """Where the face is now, or None where it cannot be found beyond doubt.

        Args:
            grey: the frame, uint8 (height, width).
            expected: where it should be; its size is taken from the template.
        """
        (cx, cy), width = expected.centre, self.box.width
        pixel = width / SIZE
        core = self.picture.shape[0]
        side = (core + 2 * STEPS) * pixel
        view = _view(grey, Box(cx - side / 2, cy - side / 2, side, side), core + 2 * STEPS)
        if view is None:
            return None
        scores = cv2.matchTemplate(view, self.picture, cv2.TM_CCOEFF_NORMED)
        _, best, _, (x, y) = cv2.minMaxLoc(scores)
        if not (best >= LEAST and 0 < x < 2 * STEPS and 0 < y < 2 * STEPS):
            return None
        dx = x - STEPS + _between(*map(float, scores[y, x - 1 : x + 2]))
        dy = y - STEPS + _between(*map(float, scores[y - 1 : y + 2, x]))
        height = self.box.height
        return Box(cx + dx * pixel - width / 2, cy + dy * pixel - height / 2, width, height)


def _between(before: float, here: float, after: float) -> float:
    """Where between the pixels the peak of a parabola through three scores lies, -0.5 to 0.5."""
    bend = before - 2 * here + after
    return 0.0 if bend >= 0 else max(-0.5, min(0.5, (before - after) / (2 * bend)))


def _view(grey: Grey, box: Box, size: int) -> Grey | None:
    """The box's pixels brought to ``size``, sampled at its exact place; None where it leaves the frame."""
    height, width = grey.shape
    if box.x < 0 or box.y < 0 or box.x + box.width > width - 1 or box.y + box.height > height - 1:
        return None
    # Average down to about twice the size first (cheap, no aliasing), then sample between the pixels.
    left, top = math.floor(box.x), math.floor(box.y)
    right, bottom = math.ceil(box.x + box.width) + 1, math.ceil(box.y + box.height) + 1
    part = grey[top:bottom, left:right]
    shrink = max(1, int(box.width / (2 * size)))
    if shrink > 1:
        smaller = part.shape[1] // shrink, part.shape[0] // shrink
        part = cv2.resize(part, smaller, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    fx, fy = part.shape[1] / (right - left), part.shape[0] / (bottom - top)
    sx, sy = box.width * fx / size, box.height * fy / size
    # Pixel centres: output pixel i lies at (i + .5) * s of the box.
    place = np.array(
        [[sx, 0, (box.x - left) * fx + 0.5 * sx - 0.5], [0, sy, (box.y - top) * fy + 0.5 * sy - 0.5]], np.float64
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(  # type: ignore[return-value]
        part, place, (size, size), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
