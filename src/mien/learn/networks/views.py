"""Faces as a network sees them in training: moved, turned, mirrored, partly covered.

Each view is cut from the face's own picture in one go, so that pixels are interpolated once, as when a model is
used. What the camera does is ``learn.photometry``'s part.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mien.data import landmarks
from mien.errors import DataError
from mien.faces import align, patches
from mien.faces.shape import Placement
from mien.types import Box

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from mien.data.dataset import Item
    from mien.types import Grey


@dataclass(frozen=True, slots=True)
class Options:
    """A recipe's table on views.

    Attributes:
        shift: standard deviation by which the square is moved along each axis, sides.
        scale: standard deviation of its growth, of the logarithm.
        rotation: standard deviation of its turn, degrees.
        plain: share of the views that are cut by the crop's edge instead of the face's points, so that the network
            serves plain boxes too.
        mirror: every second view is mirrored.
        cover_chance: share of the views that are partly covered by a rectangle of one grey or of noise.
        cover: shortest and longest side of that rectangle, sides of the patch.
    """

    shift: float = 0.03
    scale: float = 0.06
    rotation: float = 5.0
    plain: float = 0.15
    mirror: bool = True
    cover_chance: float = 0.25
    cover: tuple[float, float] = (0.12, 0.45)

    def __post_init__(self) -> None:
        if not (0 <= self.shift <= 0.5 and 0 <= self.scale <= 0.5 and 0 <= self.rotation <= 45):
            raise ValueError(
                f"shift and scale must be 0 to 0.5, rotation 0 to 45 degrees, not {self.shift}, {self.scale}, "
                f"{self.rotation}"
            )
        if not (0 <= self.plain <= 1 and 0 <= self.cover_chance <= 1):
            raise ValueError(f"plain and cover_chance must be 0 to 1, not {self.plain} and {self.cover_chance}")
        if len(self.cover) != 2 or not 0 < self.cover[0] <= self.cover[1] <= 1:
            raise ValueError(f"cover must be two shares of a side, the smaller first, not {self.cover}")


@dataclass(frozen=True, slots=True)
class Faces:
    """Faces in memory with the squares that their patches are cut by.

    Attributes:
        pictures: uint8 (height, width) each.
        squares: one per face, by its points where the patches are aligned; grown by the margin.
        plain: the same by the crop's edge.
        cut: how patches are cut.
    """

    pictures: tuple[Grey, ...]
    squares: tuple[Placement, ...]
    plain: tuple[Placement, ...]
    cut: patches.Options

    @classmethod
    def of(cls, items: Iterable[Item], options: patches.Options) -> Faces:
        """The faces of ``items``, all read now: a crop of 48 x 48 takes 2 kB.

        Raises:
            DataError: an image cannot be read, or its points do not say where the face is.
        """
        pictures, squares, plain = [], [], []
        for item in items:
            face = item.face()
            high, wide = face.shape
            whole = Placement.of_box(Box(0, 0, wide, high))
            try:
                place = _placed(item, face, options, whole)
            except ValueError as error:
                raise DataError(f"{item.name}: {error}") from None
            pictures.append(face)
            squares.append(align.grown(place, options.margin))
            plain.append(align.grown(whole, options.margin))
        return cls(tuple(pictures), tuple(squares), tuple(plain), options)

    def draw(self, index: NDArray[np.intp], random: np.random.Generator, options: Options) -> NDArray[np.float32]:
        """One altered view of each face at ``index``, float32 (n, size, size) in [0, 1]."""
        size = self.cut.size
        found = np.empty((len(index), size, size), np.float32)
        for k, into in zip(index, found, strict=True):
            base = self.plain[k] if random.random() < options.plain else self.squares[k]
            view = patches.sampled(self.pictures[k], _moved(base, random, options), self.cut) / patches.WHITE
            into[:] = view[:, ::-1] if options.mirror and random.random() < 0.5 else view
        return np.clip(found, 0, 1, out=found)

    def cover(self, views: NDArray[np.float32], random: np.random.Generator, options: Options) -> None:
        """Cover some of the views (n, size, size) partly, in place."""
        size = views.shape[1]
        shortest, longest = (max(1, round(share * size)) for share in options.cover)
        for view in views:
            if random.random() >= options.cover_chance:
                continue
            high, wide = random.integers(shortest, longest + 1, 2)
            top, left = random.integers(0, size - high + 1), random.integers(0, size - wide + 1)
            even = random.random() < 0.5
            filling = random.random() if even else random.random((high, wide), np.float32)
            view[top : top + high, left : left + wide] = filling


def _placed(item: Item, face: Grey, options: patches.Options, whole: Placement) -> Placement:
    if options.alignment == "box":
        return whole
    return patches.placement(landmarks.points(item, face), options.alignment)


def _moved(square: Placement, random: np.random.Generator, options: Options) -> Placement:
    right, down, growth, turn = random.normal(size=4)
    return replace(
        square,
        x=square.x + options.shift * square.side * right,
        y=square.y + options.shift * square.side * down,
        side=square.side * math.exp(options.scale * growth),
        roll=square.roll + options.rotation * turn,
    )
