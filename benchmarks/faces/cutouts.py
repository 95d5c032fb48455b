"""A head with neck and shoulders, cut out of a tight portrait, and pasted under a known map of the plane.

The portraits end at the forehead and the chin. Above, the topmost row of the picture goes on as hair; below, a
neck of the chin's brightness and a coat are drawn, so that no face hovers in the air.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from mien.faces.oval import HEIGHT, WIDTH
from mien.faces.shape import Placement, placed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.faces.sources import Portrait
    from mien.types import Grey

LEFT, TOP, ACROSS, DOWN = -0.55, -0.55, 2.1, 2.25  # the canvas about the box, sides of the box
GRID = 4  # pixels between two questions to a map
_EDGE = 0.018  # softness of the outline, sides


@dataclass(frozen=True, slots=True, eq=False)
class Cutout:
    """A face, upright, on a canvas of its own.

    Attributes:
        person: whose.
        grey: uint8 (height, width).
        alpha: uint8, 255 where the person is.
        oval: uint8, 255 on the face itself: its visible part is measured there.
        points: float64 (68, 2), pixels of the canvas.
        side: of the face's box, pixels of the canvas.
    """

    person: str
    grey: Grey
    alpha: Grey
    oval: Grey
    points: NDArray[np.float64]
    side: float

    @property
    def middle(self) -> tuple[float, float]:
        """Centre of the face's box, pixels of the canvas."""
        return -LEFT * self.side + self.side / 2, -TOP * self.side + self.side / 2


class Map(Protocol):
    """A map of the plane, both ways."""

    def forth(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (n, 2) of the canvas as pixels of the picture."""

    def back(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (n, 2) of the picture as pixels of the canvas."""


def cut_out(portrait: Portrait, side: float, coat: float = 90.0) -> Cutout:
    """The person of ``portrait`` at a size.

    Args:
        portrait: a tight one.
        side: of the face's box on the canvas, pixels.
        coat: its grey level.
    """
    at = placed(portrait.points)
    size = round(ACROSS * side), round(DOWN * side)
    # From canvas to portrait: the box's corner, turn and scale.
    step = at.side / side
    origin = at.points(np.array([[LEFT, TOP], [LEFT + 1, TOP], [LEFT, TOP + 1]]))
    across, down = (origin[1] - origin[0]) / side, (origin[2] - origin[0]) / side
    to_portrait = np.array([[across[0], down[0], origin[0, 0]], [across[1], down[1], origin[0, 1]]])
    picture, to_picture = _reduced(portrait.picture, to_portrait, step)
    grey = cv2.warpAffine(
        picture, to_picture, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    )
    points = _apply(cv2.invertAffineTransform(to_portrait), portrait.points)
    head, bust, oval = _masks(points, side, size)
    neck = _level(grey, points, side)
    body = _body(neck, coat, side, size)
    soft = head.astype(np.float32)[..., None] / 255
    merged = _with_hair(grey, side) * soft[..., 0] + body * (1 - soft[..., 0])
    return Cutout(
        portrait.person,
        np.clip(np.rint(merged), 0, 255).astype(np.uint8),
        np.maximum(head, bust),
        oval,
        points,
        side,
    )


def paste(onto: NDArray[np.float32], cutout: Cutout, by: Map, gain: float = 1.0) -> NDArray[np.float32]:
    """Put a person into a picture, in place.

    Args:
        onto: float32 (height, width), 0-255; is written into.
        cutout: of about the size that ``by`` gives it: there is no further averaging.
        by: where it goes.
        gain: factor of the person's brightness.

    Returns:
        Where the person now covers the picture, float32 (height, width), 0 to 1.
    """
    high, wide = cutout.grey.shape
    cover = np.zeros(onto.shape, np.float32)
    window = _window(by, (wide, high), onto.shape)
    if window is None:
        return cover
    left, top, right, bottom = window
    where = _sources(by, window)
    grey = cv2.remap(cutout.grey, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    alpha = cv2.remap(cutout.alpha, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    weight = alpha.astype(np.float32) / 255
    part = onto[top:bottom, left:right]
    part += (grey.astype(np.float32) * np.float32(gain) - part) * weight
    cover[top:bottom, left:right] = weight
    return cover


def face_area(shape: tuple[int, int], cutout: Cutout, by: Map) -> tuple[NDArray[np.bool_], float]:
    """The pixels of a picture on which the face itself lies, and how many there would be without an edge."""
    high, wide = cutout.grey.shape
    inside = np.zeros(shape, np.bool_)
    ring = np.stack([np.cos(np.arange(64) * np.pi / 32), np.sin(np.arange(64) * np.pi / 32)], 1) / 2
    ring *= (WIDTH * cutout.side, HEIGHT * cutout.side)
    outline = by.forth(ring + cutout.middle)
    whole = float(cv2.contourArea(outline.astype(np.float32)))
    window = _window(by, (wide, high), shape)
    if window is not None:
        mask = np.zeros(shape, np.uint8)
        cv2.fillPoly(mask, [np.round(outline * 16).astype(np.int32)], 1, cv2.LINE_8, 4)
        inside = mask > 0
    return inside, whole


def _apply(matrix: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    return points @ matrix[:, :2].T + matrix[:, 2]


def _window(by: Map, size: tuple[int, int], shape: tuple[int, ...]) -> tuple[int, int, int, int] | None:
    """Left, top, right, bottom of the pixels that a canvas of ``size`` may touch; None if there are none."""
    t = np.linspace(0, 1, 9)
    edge = np.concatenate([[(s, 0), (s, 1), (0, s), (1, s)] for s in t]) * (size[0] - 1, size[1] - 1)
    corners = by.forth(edge.astype(np.float64))
    left, top = np.maximum(np.floor(corners.min(0)) - 2, 0).astype(int)
    right, bottom = np.minimum(np.ceil(corners.max(0)) + 3, (shape[1], shape[0])).astype(int)
    return None if right <= left or bottom <= top else (left, top, right, bottom)


def _sources(by: Map, window: tuple[int, int, int, int]) -> NDArray[np.float32]:
    """Which point of the canvas each pixel of the window shows, float32 (height, width, 2).

    Asked of the map at the middle of every 4x4 pixels, with a margin, and interpolated: maps are smooth.
    """
    left, top, right, bottom = window
    across, down = (-(-(end - begin) // GRID) + 2 for begin, end in ((left, right), (top, bottom)))
    x = left + (np.arange(across) - 0.5) * GRID - 0.5
    y = top + (np.arange(down) - 0.5) * GRID - 0.5
    coarse = by.back(np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)).astype(np.float32).reshape(down, across, 2)
    fine = cv2.resize(coarse, (across * GRID, down * GRID), interpolation=cv2.INTER_LINEAR)
    return np.asarray(fine[GRID : GRID + bottom - top, GRID : GRID + right - left])


def _reduced(picture: Grey, matrix: NDArray[np.float64], step: float) -> tuple[Grey, NDArray[np.float64]]:
    """The picture averaged down to about ``1 / step``, and the matrix that leads there instead."""
    if step <= 1:
        return picture, matrix
    high, wide = picture.shape
    size = max(round(wide / step), 1), max(round(high / step), 1)
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    scale = np.array([size[0] / wide, size[1] / high])
    reduced = matrix * scale[:, None]
    reduced[:, 2] += scale / 2 - 0.5  # a whole number is a pixel's centre, in both pictures
    return small, reduced  # type: ignore[return-value]


def _masks(points: NDArray[np.float64], side: float, size: tuple[int, int]) -> tuple[Grey, Grey, Grey]:
    """Head, neck with shoulders, and the face's oval, each uint8 (height, width)."""
    corner = np.array([LEFT, TOP]) * side
    units = (points + corner) / side  # box units
    jaw, middle = units[:17], np.array([0.5, 0.5])
    jaw = middle + (jaw - middle) * 1.03
    left, right = jaw[0], jaw[16]
    arc = np.linspace(0, np.pi, 21)[1:-1]
    centre, half = (left[0] + right[0]) / 2, (right[0] - left[0]) / 2 + 0.02
    base = (left[1] + right[1]) / 2
    crown = np.stack([centre + half * np.cos(arc), base - (base + 0.2) * np.sin(arc) ** 0.85], 1)
    shoulders = np.array([
        (0.27, 0.8), (0.26, 1.12), (0.12, 1.2), (-0.25, 1.32), (-0.42, 1.42), (-0.5, 1.8),
        (1.5, 1.8), (1.42, 1.42), (1.25, 1.32), (0.88, 1.2), (0.74, 1.12), (0.73, 0.8),
    ])  # fmt: skip
    turn = np.arange(48) * np.pi / 24
    ring = np.stack([0.5 + WIDTH / 2 * np.cos(turn), 0.5 + HEIGHT / 2 * np.sin(turn)], 1)
    made = []
    for outline, soft in ((np.concatenate([jaw, crown]), _EDGE), (shoulders, _EDGE), (ring, 0.0)):
        mask = np.zeros((size[1], size[0]), np.uint8)
        cv2.fillPoly(mask, [np.round((outline * side - corner) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        if soft * side > 0.3:
            mask = cv2.GaussianBlur(mask, (0, 0), soft * side)  # type: ignore[assignment]
        made.append(mask)
    fade = np.clip((DOWN + TOP - 0.03 - (np.arange(size[1]) / side + TOP)) / 0.2, 0, 1)
    made[1] = (made[1] * fade[:, None]).astype(np.uint8)
    return made[0], made[1], made[2]


def _level(grey: Grey, points: NDArray[np.float64], side: float) -> float:
    """Brightness of the skin: the median between the eyes and the mouth."""
    x, y = points[33]
    reach = max(int(0.12 * side), 1)
    skin = grey[max(int(y) - reach, 0) : int(y) + 1, max(int(x) - reach, 0) : int(x) + reach]
    return float(np.median(skin)) if skin.size else 120.0


def _with_hair(grey: Grey, side: float) -> NDArray[np.float32]:
    """Where the portrait ended above the forehead, hair as dark as the darkest that its uppermost part shows."""
    first, last = int((-TOP + 0.02) * side), int((-TOP + 0.22) * side)
    left, right = int((-LEFT + 0.08) * side), int((-LEFT + 0.92) * side)
    tone = float(np.percentile(grey[first : last + 1, left : right + 1], 4))
    high, wide = grey.shape
    y = np.arange(high, dtype=np.float32)[:, None] / side + TOP
    x = np.arange(wide, dtype=np.float32)[None, :] / side + LEFT
    line = 0.03 + 0.5 * (x - 0.5) ** 2  # lower at the temples
    weight = np.clip((line - y) / 0.09, 0, 1)
    strands = 1 + 0.1 * np.sin(60 * x + 7 * np.sin(5 * y)) + 0.12 * np.sin(9 * x + 3)
    shine = 1 + 0.5 * np.exp(-(((y + 0.08) / 0.05) ** 2) - ((x - 0.42) / 0.2) ** 2)
    return np.asarray(grey + (tone * strands * shine - grey) * weight, np.float32)


def _body(neck: float, coat: float, side: float, size: tuple[int, int]) -> NDArray[np.float32]:
    """Neck in the shadow of the chin, and the coat, float32 (height, width)."""
    y = np.arange(size[1], dtype=np.float32)[:, None] / side + TOP
    x = np.arange(size[0], dtype=np.float32)[None, :] / side + LEFT
    shade = 0.55 + 0.3 * np.clip((y - 1.0) / 0.25, 0, 1)
    round_ = 1 - 0.35 * np.abs(x - 0.5) / 0.5
    skin = neck * shade * round_
    collar = 1.13 + 0.12 * np.clip(1 - np.abs(x - 0.5) / 0.24, 0, 1)  # open at the throat
    edge = np.clip((y - collar) / 0.02, 0, 1)
    cloth = coat * (1 - 0.25 * np.abs(x - 0.5)) * (1 + 0.06 * np.sin(9 * x + 2 * y))
    return np.asarray(skin + (cloth - skin) * edge, np.float32)


def box_of(points: NDArray[np.float64]) -> Placement:
    """Where a face with these points lies, counted from the edge of the first pixel, as boxes are."""
    at = placed(points)
    return Placement(at.x + 0.5, at.y + 0.5, at.side, at.roll)
