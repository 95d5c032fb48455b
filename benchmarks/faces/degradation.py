"""What a camera and the things in front of it do to faces, at known levels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

from mien.faces.oval import oval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.faces.shape import Placement
    from mien.types import Grey

Occluder = Literal["eyes", "mouth", "side", "bars"]
OCCLUDERS: tuple[Occluder, ...] = ("eyes", "mouth", "side", "bars")
READ_NOISE = 1.6  # of the sensor, standard deviation in grey levels, whatever the light
SHOT_NOISE = 0.02  # of the light: variance per grey level


def blurred(picture: Grey, sigma: float) -> Grey:
    """Out of focus: a Gaussian of standard deviation ``sigma`` pixels; uint8 or float32."""
    return cv2.GaussianBlur(picture, (0, 0), sigma) if sigma > 0.2 else picture  # type: ignore[return-value]


def exposed(picture: NDArray[np.float32], rng: np.random.Generator, light: float = 1.0, noise: float = 0.0) -> Grey:
    """The picture as a sensor gives it: noise, then 8 bits.

    Args:
        picture: float32, 0-255.
        rng: of the noise.
        light: share of the light that is left; nothing makes up for it, so few grey levels remain.
        noise: added standard deviation, grey levels.

    Returns:
        uint8 of the same shape.
    """
    dim = picture * np.float32(light)
    spread = np.sqrt(READ_NOISE**2 + noise**2 + SHOT_NOISE * np.maximum(dim, 0))
    grain = rng.standard_normal(picture.shape, np.float32)
    return np.clip(np.rint(dim + grain * spread), 0, 255).astype(np.uint8)


def occlude(
    picture: NDArray[np.float32], at: Placement, kind: Occluder, share: float, rng: np.random.Generator
) -> float:
    """Hold something before a face, in place.

    Args:
        picture: float32 (height, width), 0-255; is written into.
        at: the face.
        kind: a band over the eyes, one over the mouth, one half of the face, or slanting bars.
        share: of the face's oval to be covered, 0 to 1.
        rng: brightness, place and slant.

    Returns:
        The share that is covered.
    """
    if share <= 0:
        return 0.0
    polygons = _polygons(kind, share, rng)
    tone = float(rng.uniform(20, 220))
    mask = np.zeros(picture.shape, np.uint8)
    for polygon in polygons:
        corners = at.points(polygon) - 0.5
        cv2.fillPoly(mask, [np.round(corners * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
    weight = cv2.GaussianBlur(mask, (0, 0), max(0.01 * at.side, 0.3)).astype(np.float32) / 255
    cells = rng.standard_normal((6, 8)).astype(np.float32)
    high, wide = picture.shape
    cloth = tone + 10 * cv2.resize(cells, (wide, high), interpolation=cv2.INTER_CUBIC)
    picture += (cloth - picture) * weight
    return _covered(polygons)


def _polygons(kind: Occluder, share: float, rng: np.random.Generator) -> list[NDArray[np.float64]]:
    """Outlines in sides of the box, found by bisection so that they cover ``share`` of the oval."""
    slant, left = float(rng.uniform(-0.08, 0.08)), bool(rng.random() < 0.5)
    offset = float(rng.uniform(0.1, 0.3))

    def outlines(extent: float) -> list[NDArray[np.float64]]:
        if kind == "side":
            edges = (-0.3, extent) if left else (1 - extent, 1.3)
            return [
                np.array([(edges[0], -0.2), (edges[1] + slant, -0.2), (edges[1] - slant, 1.25), (edges[0], 1.25)])
            ]
        if kind == "bars":
            thick = extent / 3
            return [
                np.array([(x, -0.3), (x + thick, -0.3), (x + thick + slant * 3, 1.3), (x + slant * 3, 1.3)])
                for x in (offset, offset + 0.3, offset + 0.6)
            ]
        middle = 0.4 if kind == "eyes" else 0.8
        top, bottom = middle - extent / 2, middle + extent / 2
        return [np.array([(-0.2, top - slant), (1.2, top + slant), (1.2, bottom + slant), (-0.2, bottom - slant)])]

    low, high = 0.0, 1.5
    for _ in range(24):
        middle = (low + high) / 2
        low, high = (middle, high) if _covered(outlines(middle)) < share else (low, middle)
    return outlines(high)


def _covered(polygons: list[NDArray[np.float64]]) -> float:
    """Share of the face's oval under the outlines."""
    size = 128
    mask = np.zeros((size, size), np.uint8)
    for polygon in polygons:
        cv2.fillPoly(mask, [np.round((polygon * size - 0.5) * 16).astype(np.int32)], 1, cv2.LINE_8, 4)
    inside = oval(size)
    return float(mask[inside].mean())
