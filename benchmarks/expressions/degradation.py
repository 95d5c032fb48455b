"""What is done to crops of faces, at known levels: each a pure function of a picture, its points and a seed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from benchmarks.faces.degradation import blurred, exposed

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from mien.types import Grey

    Points = NDArray[np.float64]

BROWS_AND_EYES = (*range(17, 27), *range(36, 48))
MOUTH = tuple(range(48, 68))
ROOM = 0.06  # about eyes or mouth, in the picture's sides
TILES = 6  # blocks along each side
COVERED = 0.3  # share of the blocks that hide what is behind them


@dataclass(frozen=True, slots=True)
class Sweep:
    """One kind of degradation.

    Attributes:
        name: such as ``blur``.
        unit: of the levels, for the axis.
        levels: numbers, or names where they have no order.
        clean: the level that changes nothing.
        apply: from picture, points, level and a generator to picture and where the points are now.
    """

    name: str
    unit: str
    levels: tuple[float | str, ...]
    clean: float | str
    apply: Callable[[Grey, Points, float | str, np.random.Generator], tuple[Grey, Points]]


def _blur(grey: Grey, at: Points, level: float | str, _random: np.random.Generator) -> tuple[Grey, Points]:
    return blurred(grey, float(level)), at


def _noise(grey: Grey, at: Points, level: float | str, random: np.random.Generator) -> tuple[Grey, Points]:
    grain = random.standard_normal(grey.shape, np.float32) * np.float32(255 * float(level))
    return _bytes(grey.astype(np.float32) + grain), at


def _dark(grey: Grey, at: Points, level: float | str, random: np.random.Generator) -> tuple[Grey, Points]:
    return exposed(grey.astype(np.float32), random, light=float(level)), at


def _gamma(grey: Grey, at: Points, level: float | str, _random: np.random.Generator) -> tuple[Grey, Points]:
    bright = np.power(grey.astype(np.float32) / np.float32(255), np.float32(level))
    return _bytes(np.asarray(255 * bright, np.float32)), at


def _turn(grey: Grey, at: Points, level: float | str, _random: np.random.Generator) -> tuple[Grey, Points]:
    high, wide = grey.shape
    matrix = cv2.getRotationMatrix2D(((wide - 1) / 2, (high - 1) / 2), float(level), 1.0)
    turned = cv2.warpAffine(grey, matrix, (wide, high), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return turned.astype(np.uint8), at @ matrix[:, :2].T + matrix[:, 2]


def _size(grey: Grey, at: Points, level: float | str, _random: np.random.Generator) -> tuple[Grey, Points]:
    side = int(level)
    how = cv2.INTER_AREA if side < min(grey.shape) else cv2.INTER_CUBIC
    scale = np.array([side / grey.shape[1], side / grey.shape[0]])
    return cv2.resize(grey, (side, side), interpolation=how).astype(np.uint8), (at + 0.5) * scale - 0.5


def _jpeg(grey: Grey, at: Points, level: float | str, _random: np.random.Generator) -> tuple[Grey, Points]:
    _, packed = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, int(level)])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), np.uint8), at


def _hide(grey: Grey, at: Points, level: float | str, random: np.random.Generator) -> tuple[Grey, Points]:
    hidden = grey.copy()
    tone = int(random.integers(20, 221))
    if level == "blocks":
        rows = np.linspace(0, grey.shape[0], TILES + 1).round().astype(int)
        columns = np.linspace(0, grey.shape[1], TILES + 1).round().astype(int)
        for tile in random.choice(TILES * TILES, round(COVERED * TILES * TILES), replace=False).tolist():
            r, c = divmod(tile, TILES)
            hidden[rows[r] : rows[r + 1], columns[c] : columns[c + 1]] = tone
    elif level in ("eyes", "mouth"):
        part = at[list(BROWS_AND_EYES if level == "eyes" else MOUTH)]
        room = ROOM * grey.shape[1]
        (left, top), (right, bottom) = part.min(axis=0) - room, part.max(axis=0) + room
        rows_, columns_ = slice(_edge(top), _edge(bottom) + 1), slice(_edge(left), _edge(right) + 1)
        hidden[rows_, columns_] = tone
    return hidden, at


SWEEPS: tuple[Sweep, ...] = (
    Sweep("blur", "standard deviation, pixels of 48", (0.0, 0.5, 1.0, 2.0, 3.0, 4.0), 0.0, _blur),
    Sweep("noise", "standard deviation, of full brightness", (0.0, 0.02, 0.05, 0.1, 0.15, 0.2), 0.0, _noise),
    Sweep("low light", "share of the light", (1.0, 0.5, 0.25, 0.12, 0.06), 1.0, _dark),
    Sweep("gamma", "exponent", (0.33, 0.5, 1.0, 2.0, 3.0), 1.0, _gamma),
    Sweep("rotation", "degrees", (-45.0, -30.0, -15.0, 0.0, 15.0, 30.0, 45.0), 0.0, _turn),
    Sweep("size", "pixels along a side", (96.0, 48.0, 32.0, 24.0, 16.0, 12.0), 48.0, _size),
    Sweep("JPEG", "quality", (100.0, 90.0, 60.0, 40.0, 20.0, 10.0, 5.0), 100.0, _jpeg),
    Sweep("occlusion", "what is hidden; blocks: 30 %", ("none", "eyes", "mouth", "blocks"), "none", _hide),
)


def degraded(sweep: Sweep, level: float | str, grey: Grey, at: Points, seed: int) -> tuple[Grey, Points]:
    """A crop at one level of a sweep, and where its points are now; the clean level leaves both as they are.

    Args:
        sweep: which.
        level: one of its levels.
        grey: uint8 (height, width).
        at: (68, 2) pixels.
        seed: of what is random; the same seed gives the same picture.
    """
    if level == sweep.clean:
        return grey, at
    return sweep.apply(grey, at, level, np.random.default_rng([seed, len(sweep.name)]))


def _bytes(picture: NDArray[np.float32]) -> Grey:
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def _edge(at: float) -> int:
    return max(math.floor(at + 0.5), 0)
