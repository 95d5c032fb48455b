"""A signed map laid over a face: orange speaks for the answer, blue against it; apart in colour blindness too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.output.colours import Colour
    from mien.types import Rgb

FOR: Colour = (228, 92, 0)
AGAINST: Colour = (0, 98, 190)

_FAINTEST = 0.5  # log-odds that fill the scale at least: a map of hardly anything looks like hardly anything
_COVER = 0.78  # opacity of the strongest place
_PALE = 0.25  # by which the face beneath is lightened, so that colours keep their hue on dark skin and hair
_LINE = 0.5  # of the strongest place: where a contour is drawn
_DARKER = 0.72  # the contour's colour, of its area's


def laid_over(picture: Rgb, heat: NDArray[np.float64], inner: tuple[int, int]) -> Rgb:
    """The picture in grey with the map over its middle, each map to its own scale.

    Args:
        picture: uint8 (n, n, 3), R G B.
        heat: float64 (size, size), log-odds; positive for, negative against.
        inner: first and last row (exclusive) that the map covers, and the same columns.

    Returns:
        uint8 (n, n, 3).
    """
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    ground = np.repeat((grey + np.float32(_PALE) * (255 - grey))[:, :, None], 3, axis=2)
    first, last = inner
    fine = cv2.resize(heat.astype(np.float32), (last - first, last - first), interpolation=cv2.INTER_CUBIC)
    strength = np.asarray(fine / max(float(np.abs(heat).max()), _FAINTEST), np.float32)
    ground[first:last, first:last] = mixed(ground[first:last, first:last], strength)
    out: Rgb = np.rint(ground).astype(np.uint8)
    for sign, colour in ((1, FOR), (-1, AGAINST)):
        mask = (sign * strength >= _LINE).astype(np.uint8)
        edges, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE, offset=(first, first))
        cv2.drawContours(out, edges, -1, [round(_DARKER * part) for part in colour], 1, cv2.LINE_AA)
    return out


def mixed(ground: NDArray[np.float32], strength: NDArray[np.float32]) -> NDArray[np.float32]:
    """The two colours over a ground.

    Args:
        ground: float32 (..., 3), 0 to 255.
        strength: float32 (...), -1 (wholly against) to 1 (wholly for).

    Returns:
        float32 (..., 3), 0 to 255.
    """
    cover = np.float32(_COVER) * np.clip(np.abs(strength), 0, 1)[..., None]
    colour = np.where(strength[..., None] > 0, np.array(FOR, np.float32), np.array(AGAINST, np.float32))
    return np.asarray(ground * (1 - cover) + colour * cover, np.float32)
