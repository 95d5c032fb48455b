"""Altered copies of training faces: other boxes, other light, other walls behind the head.

The pictures of CK+ come from one laboratory; the report trains on them as they are. What varies in other videos
and is no expression is varied here, so that the model learns to look past it. The strengths below were set by hand;
each was kept because it lowered the loss on held-out subjects or steadied the answers on a real clip.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from mien.faces import patches
from mien.faces.shape import MIRRORED, placed
from mien.types import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.types import Grey

GAMMA = 0.6  # at lighting 1: brightness to the power of exp(-0.6) to exp(0.6)
SLOPE = 0.4  # at lighting 1: brighter or darker by up to 40 % from the middle to an edge
NOISE = 0.03  # at lighting 1: standard deviation of pixel noise, of the full range
HEAD = (0.43, 0.60)  # half axes of an ellipse around a head in a detector's box, as shares of its side
EDGE = 6.0  # how sharply the wall begins outside that ellipse, per unit of its squared radius
WALL = (-0.3, 1.5)  # brightness of a wall; the face's own is 0 to 1


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Altered copies of every training face; none by default.

    Attributes:
        mirror: add each face mirrored left to right (and mirror every second altered copy).
        copies: altered copies of each face.
        shift: largest shift of a copy's box along each axis, as a share of its side: detectors' boxes move.
        scale: largest growth or shrinkage of a copy's box along each axis, as a share. Of faces aligned by their
            points the square is shifted, grown and turned instead: points err as well.
        rotation: largest turn of a copy within the picture, degrees.
        lighting: strength of changed light, 0 (none) to 1.
        backdrop: share of the copies that get another wall behind the head, 0 to 1.
    """

    mirror: bool = False
    copies: int = 0
    shift: float = 0.05
    scale: float = 0.05
    rotation: float = 0.0
    lighting: float = 0.0
    backdrop: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.copies <= 100:
            raise ValueError(f"copies must be 0 to 100, not {self.copies}")
        if not (0 <= self.shift <= 0.5 and 0 <= self.scale <= 0.5):
            raise ValueError(f"shift and scale must be 0 to 0.5, not {self.shift} and {self.scale}")
        if not 0 <= self.rotation <= 45:
            raise ValueError(f"rotation must be 0 to 45 degrees, not {self.rotation}")
        if not (0 <= self.lighting <= 1 and 0 <= self.backdrop <= 1):
            raise ValueError(f"lighting and backdrop must be 0 to 1, not {self.lighting} and {self.backdrop}")


def views(
    face: Grey,
    options: patches.Options,
    augmentation: Augmentation,
    random: np.random.Generator,
    points: NDArray[Any] | None = None,
) -> list[NDArray[np.float32]]:
    """The patch of ``face`` itself first, then its mirror image and altered copies, as the options say.

    Args:
        face: uint8 (height, width), a crop in the geometry of the detector's box.
        options: how patches are cut.
        augmentation: how many copies, altered how.
        random: where the alterations come from.
        points: (68, 2) of the face, pixels of the crop; needed, and looked at, only where faces are aligned.

    Returns:
        float32 patches (size, size) in [0, 1].

    Raises:
        ValueError: faces are aligned, and there are no points, or they do not say where the face is.
    """
    if options.alignment != "box":
        return _aligned(face, options, augmentation, random, points)
    mirrored = np.ascontiguousarray(face[:, ::-1])
    found = [patches.cut(face, None, options)]
    if augmentation.mirror:
        found.append(patches.cut(mirrored, None, options))
    for copy in range(augmentation.copies):
        source = mirrored if augmentation.mirror and copy % 2 else face
        if augmentation.rotation > 0:
            source = _turned(source, augmentation.rotation * random.uniform(-1, 1))
        box = _moved(face.shape, augmentation, random)
        found.append(_relit(patches.resized(source, box, options), options, augmentation, random))
    return found


def _aligned(
    face: Grey,
    options: patches.Options,
    augmentation: Augmentation,
    random: np.random.Generator,
    points: NDArray[Any] | None,
) -> list[NDArray[np.float32]]:
    """``views`` of a face that its points place; a copy's square is disturbed, its pixels are cut only once."""
    if points is None:
        raise ValueError("faces are aligned by their points, and there are none")
    sides = [(face, points)]
    if augmentation.mirror:
        flipped = points[list(MIRRORED)] * (-1, 1) + (face.shape[1] - 1, 0)
        sides.append((np.ascontiguousarray(face[:, ::-1]), flipped))
    found = [patches.cut(source, None, options, at) for source, at in sides]
    for copy in range(augmentation.copies):
        source, at = sides[copy % len(sides)]
        brightness = patches.resized(source, None, options, _disturbed(at, augmentation, random))
        found.append(_relit(brightness, options, augmentation, random))
    return found


def _disturbed(
    points: NDArray[Any], augmentation: Augmentation, random: np.random.Generator
) -> NDArray[np.float64]:
    """The points moved, spread and turned together, so that the square which they lay is."""
    place = placed(points)
    right, down = augmentation.shift * place.side * random.uniform(-1, 1, 2)
    size = 1 + augmentation.scale * random.uniform(-1, 1)
    angle = np.radians(augmentation.rotation * random.uniform(-1, 1))
    z = points[:, 0] + 1j * points[:, 1]
    centre = complex(place.x, place.y)
    z = (z - centre) * size * np.exp(1j * angle) + centre + complex(right, down)
    return np.stack([z.real, z.imag], axis=1)


def _turned(face: Grey, degrees: float) -> Grey:
    """The face turned about the middle of its crop; beyond an edge its pixels are repeated."""
    height, width = face.shape
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1)
    flags, border = cv2.INTER_LINEAR, cv2.BORDER_REPLICATE
    return cv2.warpAffine(face, turn, (width, height), flags=flags, borderMode=border)  # type: ignore[return-value]


def _moved(shape: tuple[int, ...], augmentation: Augmentation, random: np.random.Generator) -> Box:
    height, width = shape[:2]
    wider, higher = augmentation.scale * random.uniform(-1, 1, 2)
    right, down = augmentation.shift * random.uniform(-1, 1, 2)
    return Box(
        x=width * (right - wider / 2),
        y=height * (down - higher / 2),
        width=width * (1 + wider),
        height=height * (1 + higher),
    )


def _relit(
    brightness: NDArray[np.float32],
    options: patches.Options,
    augmentation: Augmentation,
    random: np.random.Generator,
) -> NDArray[np.float32]:
    """The patch of ``brightness`` under other light and before another wall, its range as before."""
    if augmentation.lighting == 0 and augmentation.backdrop == 0:
        return patches.scaled(brightness, options.scaling)
    patch = patches.scaled(brightness, "min-max")
    low, high = float(brightness.min()), float(brightness.max())
    size = len(patch)
    v, u = (np.mgrid[:size, :size] + 0.5) / size - 0.5  # down and across, in sides of the patch
    strength = augmentation.lighting
    lit = patch.astype(np.float64) ** np.exp(GAMMA * strength * random.uniform(-1, 1))
    across, down = 2 * SLOPE * strength * random.uniform(-1, 1, 2)
    lit *= 1 + across * u + down * v
    if random.uniform() < augmentation.backdrop:
        outside = np.clip(
            ((u * options.margin / HEAD[0]) ** 2 + (v * options.margin / HEAD[1]) ** 2 - 1) * EDGE, 0, 1
        )
        left, right = random.uniform(*WALL, 2)
        wall = np.where(u < 0, left, right) if random.uniform() < 0.3 else left
        lit = lit * (1 - outside) + outside * wall
    lit += NOISE * strength * random.normal(size=patch.shape)
    darkest, brightest = lit.min(), lit.max()
    if brightest <= darkest:
        return patches.scaled(brightness, options.scaling)
    stretched: NDArray[np.float32] = ((lit - darkest) / (brightest - darkest)).astype(np.float32)
    if options.scaling == "min-max":
        return stretched
    # Light falls on faces, not on contrasts: these follow from it.
    return patches.scaled(stretched * np.float32(high - low) + np.float32(low), options.scaling)
