"""One picture of the atlas put onto each scene of a batch: where it lands, and what of it is seen.

Between the picture and the scene lies the *frame* of a paste: x to the right, y down, origin in the middle of the
face's box and the box one unit wide. Masks are drawn in it, the picture is turned upright into it, and one
homography takes it to the scene.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from mien.faces.shape import LEFT_EYE, MIRRORED, RIGHT_EYE, STEADY, mean_shape

if TYPE_CHECKING:
    from torch import Tensor

    from mien.learn.faces.atlas import Atlas


SLACK = 1.25
"""By how much stretch and perspective may make a paste larger than its side says."""


@dataclass(frozen=True, slots=True)
class Paste:
    """One paste for each of b scenes; all tensors have b rows.

    Attributes:
        shown: bool, whether there is a paste at all.
        face: bool, whether it shows a face.
        numbers: int64, picture of the atlas.
        frames: (b, 4), as ``Atlas.frames``: the part of the picture that becomes the frame's unit square.
        warp: (b, 3, 3), from the frame to pixels of the scene.
        side: of the unit square in the scene, pixels, about.
        middle: (b, 2), the mask's centre, in the frame.
        radii: (b, 2), of the mask, a superellipse.
        power: of the superellipse: 2 is an ellipse, 8 nearly a rectangle.
        feather: breadth of the mask's edge, pixels of the scene.
        cut: bool, whether the mask ends where the picture ends; else the picture's edge is repeated.
    """

    shown: Tensor
    face: Tensor
    numbers: Tensor
    frames: Tensor
    warp: Tensor
    side: Tensor
    middle: Tensor
    radii: Tensor
    power: Tensor
    feather: Tensor
    cut: Tensor

    def source(self, at: Tensor) -> tuple[Tensor, Tensor]:
        """Scene pixels (b, n, 2) in the frame, (b, n, 2), and whether they are on its near side, (b, n)."""
        back = _inverse(self.warp)
        found = at @ back[:, :, :2].transpose(1, 2) + back[:, None, :, 2]
        depth = found[..., 2]
        return found[..., :2] / depth.clamp(min=1e-3)[..., None], depth > 0.05 * back[:, None, 2, 2].abs()

    def picture(self, unit: Tensor) -> Tensor:
        """Places in the frame (b, n, 2) as pixels of the picture."""
        c, s = self.frames[:, 3].cos(), self.frames[:, 3].sin()
        turn = torch.stack([torch.stack([c, s], 1), torch.stack([-s, c], 1)], 1) * self.frames[:, 2, None, None]
        return unit @ turn + self.frames[:, None, :2]

    def levels(self, levels: int) -> Tensor:
        """Which of the atlas's sizes suits the paste's."""
        shrink = self.frames[:, 2] / self.side
        return shrink.clamp(min=1e-3).log2().round().clamp(0, levels - 1).long()

    def alpha(self, unit: Tensor, near: Tensor, atlas: Atlas) -> Tensor:
        """How much of the paste is seen at places in the frame, 0-1; arguments as ``source`` gives them."""
        share = ((unit - self.middle[:, None]) / self.radii[:, None]).abs().clamp(1e-4, 50)
        length = (share ** self.power[:, None, None]).sum(-1) ** (1 / self.power[:, None])
        edge = (1 - length) * self.radii.amin(1)[:, None] * self.side[:, None]
        at = self.picture(unit)
        sizes = atlas.places[self.numbers, 0][:, None, 2:]
        border = torch.minimum(at + 0.5, sizes - 0.5 - at).amin(-1) * (self.side / self.frames[:, 2])[:, None]
        edge = torch.where(self.cut[:, None], torch.minimum(edge, border), edge)
        soft = (edge / self.feather[:, None] + 0.5).clamp(0, 1)
        return soft * (near & self.shown[:, None])

    def reach(self, atlas: Atlas) -> Tensor:
        """How far from its origin in the scene a paste may show, pixels (b,); 0 where there is none."""
        corner = torch.where(self.power > 2.5, math.sqrt(2), 1.0)
        mask = self.middle.norm(dim=1) + self.radii.amax(1) * corner
        picture = atlas.places[self.numbers, 0, 2:].norm(dim=1) / self.frames[:, 2] * 0.5
        off = ((atlas.places[self.numbers, 0, 2:] - 1) / 2 - self.frames[:, :2]).norm(dim=1) / self.frames[:, 2]
        units = torch.where(self.cut, torch.minimum(mask, picture + off), mask)
        return torch.where(self.shown, units * self.side * SLACK + self.feather, 0.0)

    def landed(self, points: Tensor, mirrored: Tensor) -> Tensor:
        """A face's points (b, 68, 2) of the frame in the scene, numbered anew where the warp mirrors."""
        lifted = points @ self.warp[:, :, :2].transpose(1, 2) + self.warp[:, None, :, 2]
        found = lifted[..., :2] / lifted[..., 2:].clamp(min=1e-3)
        return torch.where(mirrored[:, None, None], found[:, list(MIRRORED)], found)


def warp(centre: Tensor, side: Tensor, roll: Tensor, mirrored: Tensor, stretch: Tensor, tilt: Tensor) -> Tensor:
    """The homography (b, 3, 3) of a frame to the scene.

    Args:
        centre: (b, 2), where the origin lands, pixels.
        side: (b,), pixels of a unit.
        roll: (b,), radians, clockwise as seen.
        mirrored: bool (b,), mirrored left to right first.
        stretch: (b,), logarithm of width over height; the area stays.
        tilt: (b, 2), the perspective's share: how much nearer a unit to the right, and a unit down, is.
    """
    c, s = roll.cos() * side, roll.sin() * side
    wide, high = (stretch / 2).exp() * torch.where(mirrored, -1.0, 1.0), (-stretch / 2).exp()
    zero, one = torch.zeros_like(side), torch.ones_like(side)
    rows = [
        torch.stack([c * wide, -s * high, zero], 1),
        torch.stack([s * wide, c * high, zero], 1),
        torch.stack([tilt[:, 0], tilt[:, 1], one], 1),
    ]
    flat = torch.stack(rows, 1)
    shift = torch.eye(3, device=side.device).repeat(len(side), 1, 1)
    shift[:, :2, 2] = centre
    return shift @ flat


def placements(points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Where faces lie by their points, as ``mien.faces.shape.placed``, in a batch.

    Args:
        points: (..., 68, 2), pixels.

    Returns:
        Centres (..., 2) and sides (...,) of the boxes, pixels; eyes (..., 4): x and y of the left and of the right
        one from the centre, in sides.
    """
    shape = mean_shape()[list(STEADY), :2]
    x, y = (0.5 - shape.mean(0)).tolist()
    model = torch.tensor(shape - shape.mean(0), dtype=points.dtype, device=points.device)
    steady = points[..., list(STEADY), :]
    middle = steady.mean(-2)
    seen = steady - middle[..., None, :]
    spread = (model**2).sum()
    real = (seen * model).sum((-1, -2)) / spread
    imaginary = (seen[..., 1] * model[:, 0] - seen[..., 0] * model[:, 1]).sum(-1) / spread
    centre = middle + torch.stack([real * x - imaginary * y, imaginary * x + real * y], -1)
    side = torch.hypot(real, imaginary).clamp(min=1e-3)
    eyes = torch.cat([points[..., LEFT_EYE, :].mean(-2) - centre, points[..., RIGHT_EYE, :].mean(-2) - centre], -1)
    return centre, side, eyes / side[..., None]


def _inverse(matrices: Tensor) -> Tensor:
    """Of (b, 3, 3), by cross products: the general routine would make the device wait."""
    x, y, z = matrices.unbind(2)
    rows = torch.stack([torch.linalg.cross(y, z), torch.linalg.cross(z, x), torch.linalg.cross(x, y)], 1)
    return rows / (x * rows[:, 0]).sum(1)[:, None, None]
