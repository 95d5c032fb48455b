"""Crops of faces, cut on the device: whole batches, any similarity and squeeze, without aliasing.

Every picture lies on the device once, at three resolutions. A crop is an affine map from its own coordinates,
(0, 0) at the top left corner to (1, 1), to pixels of its picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mien.errors import DataError
from mien.faces import shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mien.learn.faces.bank import Pictures
    from mien.types import Grey

LEVELS = 3  # full, half and quarter resolution
FINER = 2  # samples along a side of each pixel of a crop
TRUSTED, DROPPED = 0.03, 0.12  # the teacher's disagreement with itself that is as good as none, and too much


@dataclass(frozen=True, slots=True)
class Stack:
    """Pictures of any size in one tensor, each at its top left corner, its edge repeated beyond it.

    Attributes:
        levels: uint8 (n, 1, side / 2**k, side / 2**k) of resolution k.
        sizes: float32 (n, 2), width and height of each picture, pixels.
    """

    levels: tuple[Tensor, ...]
    sizes: Tensor

    @classmethod
    def of(cls, pictures: Sequence[Grey], device: torch.device | str) -> Stack:
        """Grey pictures on ``device``; at least one."""
        if not pictures:
            raise DataError("the bank holds no picture of a kind or split that is needed here")
        longest = max(max(picture.shape) for picture in pictures)
        side = -(-longest // 2 ** (LEVELS - 1)) * 2 ** (LEVELS - 1)
        whole = np.empty((len(pictures), 1, side, side), np.uint8)
        for k, picture in enumerate(pictures):
            height, width = picture.shape
            whole[k, 0] = np.pad(picture, ((0, side - height), (0, side - width)), mode="edge")
        levels = [torch.from_numpy(whole).to(device)]
        for _ in range(LEVELS - 1):
            # In parts, as floats take four times the room.
            halves = [
                functional.avg_pool2d(part.float(), 2).round().byte() for part in torch.split(levels[-1], 256)
            ]
            levels.append(torch.cat(halves))
        sizes = torch.tensor([picture.shape[::-1] for picture in pictures], dtype=torch.float32, device=device)
        return cls(tuple(levels), sizes)

    def __len__(self) -> int:
        return len(self.sizes)


@dataclass(frozen=True, slots=True)
class Faces:
    """Pictures of one face each.

    Attributes:
        stack: the pictures.
        points: float32 (n, 68, 2), pixels.
        places: float32 (n, 4), the ``Placement`` of each: x, y and side in pixels, roll in radians.
        trust: float32 (n,), 0 to 1: how far the points are to be believed.
        names: of the pictures.
    """

    stack: Stack
    points: Tensor
    places: Tensor
    trust: Tensor
    names: tuple[str, ...]

    @classmethod
    def of(cls, pictures: Pictures, device: torch.device | str) -> Faces:
        """A kind of the bank, already cut down to one split; faces that the teacher doubts are dropped."""
        if pictures.points is None or pictures.agreement is None:
            raise DataError("the bank holds no points for its faces; make it again")
        kept = np.flatnonzero(pictures.agreement <= DROPPED)
        points = pictures.points[kept]
        trust = 1 - 0.8 * np.clip((pictures.agreement[kept] - TRUSTED) / (DROPPED - TRUSTED), 0, 1)
        return cls(
            Stack.of([pictures.pictures[k] for k in kept], device),
            torch.tensor(points, device=device),
            places(points).to(device),
            torch.tensor(trust, dtype=torch.float32, device=device),
            tuple(pictures.names[k] for k in kept),
        )

    def __len__(self) -> int:
        return len(self.places)


def places(points: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> Tensor:
    """``Placement`` of each face's points (n, 68, 2): x, y, side, roll (radians), float32 (n, 4)."""
    found = [shape.placed(one) for one in points]
    return torch.tensor([[p.x, p.y, p.side, np.radians(p.roll)] for p in found], dtype=torch.float32)


@dataclass(frozen=True, slots=True)
class Frames:
    """Where crops lie: pixel = centre + matrix (crop coordinate - 1/2).

    Attributes:
        matrix: float32 (b, 2, 2), pixels per side of the crop.
        centre: float32 (b, 2), pixels.
        mirrored: bool (b,), crops that show the picture mirrored.
    """

    matrix: Tensor
    centre: Tensor
    mirrored: Tensor

    @classmethod
    def around(
        cls,
        place: Tensor,
        crop: float,
        shift: Tensor,
        scale: Tensor,
        roll: Tensor,
        squeeze: Tensor,
        mirrored: Tensor,
    ) -> Frames:
        """Crops around faces that are known inexactly.

        Args:
            place: (b, 4) as in ``Faces``.
            crop: side of the undisturbed crop, in sides of the box.
            shift: (b, 2) of the crop's centre, in sides of the box, across and down the face.
            scale: (b,) of the crop.
            roll: (b,) radians by which the crop is turned against the face.
            squeeze: (b,) how many times narrower the face becomes, about as when the head turns.
            mirrored: bool (b,).
        """
        side = place[:, 2]
        narrow = torch.stack([squeeze, torch.ones_like(squeeze)], dim=1).diag_embed()
        flip = torch.stack([1 - 2 * mirrored.float(), torch.ones_like(squeeze)], dim=1).diag_embed()
        upright = _turn(place[:, 3])
        matrix = (side * crop * scale)[:, None, None] * (upright @ narrow @ _turn(roll) @ flip)
        centre = place[:, :2] + side[:, None] * (upright @ shift[:, :, None])[:, :, 0]
        return cls(matrix, centre, mirrored)

    def pixels(self, at: Tensor) -> Tensor:
        """Crop coordinates (b, n, 2) or (n, 2) as pixels (b, n, 2)."""
        return (at - 0.5) @ self.matrix.transpose(1, 2) + self.centre[:, None]

    def points(self, pixels: Tensor) -> Tensor:
        """Points of the faces (b, 68, 2), pixels, in crop coordinates, renumbered in mirrored crops."""
        found = (pixels - self.centre[:, None]) @ torch.linalg.inv(self.matrix).transpose(1, 2) + 0.5
        other = found[:, torch.tensor(shape.MIRRORED, device=found.device)]
        return torch.where(self.mirrored[:, None, None], other, found)

    def unmirrored(self, points: Tensor) -> Tensor:
        """Points (b, 68, 2) found in the crops as pixels of the picture, the reverse of ``points``."""
        other = points[:, torch.tensor(shape.MIRRORED, device=points.device)]
        return self.pixels(torch.where(self.mirrored[:, None, None], other, points))


def centres(size: int, device: torch.device) -> Tensor:
    """Centres of the pixels of a crop, (size, size, 2) in crop coordinates, rows first."""
    at = (torch.arange(size, device=device) + 0.5) / size
    down, across = torch.meshgrid(at, at, indexing="ij")
    return torch.stack([across, down], dim=2)


@torch.no_grad()
def cut(
    stack: Stack,
    index: Tensor,
    frames: Frames,
    size: int,
    folded: Tensor | None = None,
    bend: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Crops of pictures.

    Args:
        stack: the pictures.
        index: int64 (b,), which picture each crop is from.
        frames: where.
        size: pixels along a side of the crop.
        folded: bool (b,), crops beyond whose picture its mirror image lies; elsewhere its edge is repeated.
        bend: (b, size * 2, size * 2, 2) added to the crop coordinates.

    Returns:
        Float32 (b, 1, size, size) in [0, 1], and how much of each pixel lies in the picture, 0 to 1, likewise.
    """
    at = centres(size * FINER, index.device)
    at = at + bend if bend is not None else at.expand(len(index), -1, -1, -1)
    pixels = frames.pixels(at.flatten(1, 2)).view(at.shape)
    limit = (stack.sizes[index] - 1)[:, None, None]
    inside = ((pixels >= -0.5) & (pixels <= limit + 0.5)).all(dim=3)
    if folded is not None:
        pixels = torch.where(
            folded[:, None, None, None], limit - (pixels.abs() % (2 * limit) - limit).abs(), pixels
        )
    pixels = torch.minimum(pixels.clamp(min=0), limit)
    step = frames.matrix.norm(dim=1).amax(dim=1) / (size * FINER)  # pixels from one sample to the next
    level = step.clamp(min=1).log2().round().clamp(max=LEVELS - 1)
    found = torch.empty(len(index), 1, size * FINER, size * FINER, device=index.device)
    for k, pictures in enumerate(stack.levels):
        chosen = (level == k).nonzero()[:, 0]
        if len(chosen):
            # The half pixel: an integer is a pixel's centre, while grid_sample counts from the edge.
            grid = (pixels[chosen] + 0.5) / (pictures.shape[2] * 2**k) * 2 - 1
            source = pictures[index[chosen]].float()
            found[chosen] = functional.grid_sample(source, grid, padding_mode="border", align_corners=False)
    cover = inside[:, None].float()
    return functional.avg_pool2d(found, FINER) / 255, functional.avg_pool2d(cover, FINER)


def anywhere(stack: Stack, count: int, random: torch.Generator, smallest: float = 24.0) -> tuple[Tensor, Frames]:
    """Random squares, upright or turned, that lie within pictures: which picture, and where."""
    device = stack.sizes.device
    index = torch.randint(len(stack), (count,), generator=random, device=device)
    width, height = stack.sizes[index].unbind(1)
    draw = torch.rand(5, count, generator=random, device=device)
    largest = torch.minimum(width, height) * 0.95
    side = smallest * (largest / smallest).clamp(min=1) ** draw[0]
    reach = torch.stack([(width - side).clamp(min=0), (height - side).clamp(min=0)], dim=1)
    centre = draw[1:3].T * reach + side[:, None] / 2 - 0.5
    roll = (draw[3] - 0.5) * torch.pi
    matrix = side[:, None, None] * _turn(roll)
    return index, Frames(matrix, centre, torch.zeros(count, dtype=torch.bool, device=device))


def _turn(angle: Tensor) -> Tensor:
    """Rotations (b, 2, 2), clockwise as seen."""
    cosine, sine = angle.cos(), angle.sin()
    return torch.stack([cosine, -sine, sine, cosine], dim=1).view(-1, 2, 2)
