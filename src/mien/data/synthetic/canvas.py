"""Anti-aliased soft brushes on a picture of floats, in face coordinates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Colour = tuple[float, float, float]  # reflectance 0-1, R G B

LUMA = (0.299, 0.587, 0.114)
_SHIFT = 4  # fractional bits of cv2's polygon corners


def curve(points: ArrayLike, *, closed: bool, steps: int = 6) -> NDArray[np.float64]:
    """A smooth line through ``points`` (Catmull-Rom), ``steps`` pieces between each two; float64 (n, 2)."""
    p = np.asarray(points, float)
    p = np.concatenate([p[-1:], p, p[:2]] if closed else [2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    t = np.arange(steps) / steps
    weights = np.stack([-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2], 1) / 2
    spans = np.stack([p[:-3], p[1:-2], p[2:-1], p[3:]], 1)  # (pieces, 4, 2)
    line = (weights @ spans).reshape(-1, 2)
    return line if closed else np.concatenate([line, p[-2:-1]])


def ellipse(x: float, y: float, wide: float, high: float, corners: int = 24) -> NDArray[np.float64]:
    """An ellipse's outline with half axes ``wide`` and ``high``, float64 (corners, 2)."""
    angle = np.arange(corners) * (2 * np.pi / corners)
    return np.stack([x + wide * np.cos(angle), y + high * np.sin(angle)], axis=1)


class Canvas:
    """A picture to paint on.

    Attributes:
        pixels: float32 (height, width, 1 or 3), reflectance 0-1.
        cover: float32 (height, width), 1 where something opaque was painted with ``cover=True``.
        unit: pixels per unit of the face coordinates.
    """

    def __init__(self, pixels: NDArray[np.float32], to_pixels: NDArray[np.float64]) -> None:
        """Paint on ``pixels``; ``to_pixels`` (2, 3) leads from face coordinates to pixels."""
        self.pixels = pixels
        self.cover: NDArray[np.float32] = np.zeros(pixels.shape[:2], np.float32)
        self.unit = float(np.hypot(to_pixels[0, 0], to_pixels[1, 0]))
        self._to_pixels = to_pixels

    def fill(
        self, outline: ArrayLike, colour: Colour, alpha: float = 1.0, *, soft: float = 0.0, cover: bool = False,
        within: ArrayLike | None = None,
    ) -> None:  # fmt: skip
        """Fill an outline.

        Args:
            outline: (n, 2) in face coordinates.
            colour: R G B.
            alpha: 1 is opaque.
            soft: blur of the edge, standard deviation in face coordinates.
            cover: mark the pixels as belonging to the person.
            within: paint only inside this outline as well.
        """
        self._paint(outline, 0.0, colour, alpha, soft, cover=cover, within=within)

    def stroke(
        self, line: ArrayLike, width: float, colour: Colour, alpha: float = 1.0, *, soft: float = 0.0,
        closed: bool = False,
    ) -> None:  # fmt: skip
        """Draw a line of ``width`` (face coordinates); the other arguments as in ``fill``."""
        self._paint(line, width, colour, alpha, soft, closed=closed)

    def _paint(
        self, line: ArrayLike, width: float, colour: Colour, alpha: float, soft: float, *,
        cover: bool = False, within: ArrayLike | None = None, closed: bool = False,
    ) -> None:  # fmt: skip
        if alpha <= 0:
            return
        corners = self._pixel(line)
        reach = width * self.unit / 2 + 3 * soft * self.unit + 2
        left, top = np.maximum(np.floor(corners.min(0) - reach), 0).astype(int)
        height, wide = self.cover.shape
        right, bottom = np.minimum(np.ceil(corners.max(0) + reach), (wide, height)).astype(int)
        if right <= left or bottom <= top:
            return
        mask = np.zeros((bottom - top, right - left), np.uint8)
        fixed = [np.round((corners - (left, top)) * 2**_SHIFT).astype(np.int32)]
        if width:
            # cv2 draws whole pixels: the next width up, and as much fainter, so that the ink is right.
            pixels = width * self.unit
            whole = int(np.ceil(pixels))
            alpha *= pixels / whole
            cv2.polylines(mask, fixed, closed, 255, whole, cv2.LINE_AA, _SHIFT)
        else:
            cv2.fillPoly(mask, fixed, 255, cv2.LINE_AA, _SHIFT)
        weight = mask.astype(np.float32)
        if soft * self.unit > 0.3:
            cv2.GaussianBlur(weight, (0, 0), soft * self.unit, weight, borderType=cv2.BORDER_CONSTANT)
        weight *= np.float32(alpha / 255)
        if within is not None:
            inside = np.zeros_like(mask)
            limit = [np.round((self._pixel(within) - (left, top)) * 2**_SHIFT).astype(np.int32)]
            cv2.fillPoly(inside, limit, 255, cv2.LINE_AA, _SHIFT)
            weight *= inside.astype(np.float32) / np.float32(255)
        part = self.pixels[top:bottom, left:right]
        part += (self._channels(colour) - part) * weight[..., None]
        if cover:
            mark = self.cover[top:bottom, left:right]
            mark += (1 - mark) * weight

    def _channels(self, colour: Colour) -> NDArray[np.float32]:
        if self.pixels.shape[2] == 3:
            return np.array(colour, np.float32)
        return np.array([sum(c * w for c, w in zip(colour, LUMA, strict=True))], np.float32)

    def _pixel(self, points: ArrayLike) -> NDArray[np.float64]:
        # cv2 counts from pixel centres, the coordinates from pixel edges.
        return np.asarray(points, float) @ self._to_pixels[:, :2].T + self._to_pixels[:, 2] - 0.5

    def grid(self, step: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Face coordinates (x, y) in cells of ``step`` pixels, float32 (rows, columns), edges rounded up."""
        rows, columns = self.cover.shape
        height, width = -(-rows // step), -(-columns // step)
        inverse = cv2.invertAffineTransform(self._to_pixels)
        u = (np.arange(width, dtype=np.float32) + 0.5) * step
        v = ((np.arange(height, dtype=np.float32) + 0.5) * step)[:, None]
        x = inverse[0, 0] * u + inverse[0, 1] * v + inverse[0, 2]
        y = inverse[1, 0] * u + inverse[1, 1] * v + inverse[1, 2]
        return x.astype(np.float32), y.astype(np.float32)

    def multiply(self, field: NDArray[np.float32], step: int, weight: NDArray[np.float32]) -> None:
        """Multiply the pixels by a ``field`` on the cells of ``grid(step)`` where ``weight`` is 1."""
        rows, columns = field.shape
        height, width = self.cover.shape
        fine = cv2.resize(field, (columns * step, rows * step))[:height, :width]
        self.pixels *= (1 + (fine - 1) * weight)[..., None]
