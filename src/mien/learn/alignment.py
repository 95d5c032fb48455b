"""Alignment to the mean face, learned from faces without labels.

A detector's box trembles: the eyes of one person lie a pixel higher in a 24x24 patch than those of the next, and a
pixel-wise classifier takes that for part of the expression. Every face is therefore shifted, turned and scaled a
little until it looks most like the mean of all, and the mean is made anew from the result, in turn (the idea of
congealing: Learned-Miller 2006, with the mean face in place of his entropy). Not in the report. Nothing but pixels
is used, so that a mean face learned on some people aligns others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from torch.nn import functional

from mien.errors import TrainingError
from mien.faces import patches
from mien.learn.threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from mien.types import Grey

SIDE = 48  # pixels of the crops that are moved
SEEN = 24  # pixels of the patches that are compared
CENTRE = (slice(3, 21), slice(4, 20))  # part of the patch that is compared: brows to chin, without the wall
ROUNDS = 3
STEPS = (1.0, 0.5, 0.25)  # of the search, in units of STEP
STEP = (0.08, 0.08, 4.0, 0.08)  # of the window: right and down (of half a side), turn (degrees), growth
LIMIT = (0.15, 0.15, 12.0, 0.2)  # no face is moved further than that
FAINT = 1e-3  # length of a patch of contrasts (a face's: about 15) that is rounding and no face
TRIED = (0, -1, 1)  # steps along a coordinate; the first of equals is taken, so that nothing moves for nothing


@dataclass(frozen=True, slots=True)
class MeanFace:
    """A mean face to align others to.

    Attributes:
        template: local contrast of the mean face, float32 (24 * 24,), unit length, zero outside ``CENTRE``.
    """

    template: NDArray[np.float32]

    def align(self, faces: Sequence[Grey]) -> tuple[Grey, ...]:
        """The faces as they look most like the mean face, uint8 (48, 48).

        Args:
            faces: crops in the geometry of a detector's box, uint8 (height, width) of any size. A face without
                contrast stays where it is.
        """
        if not faces:
            return ()
        with one_thread():
            images = _images(faces)
            moved = _moved(images, self._places(images), SIDE)
        return tuple(np.clip(np.rint(moved.numpy() * 255), 0, 255).astype(np.uint8))

    def windows(self, faces: Sequence[Grey]) -> NDArray[np.float32]:
        """Through which window of each crop ``align`` looks, float32 (n, 4).

        The columns: how far the window's middle lies right of and below the crop's, in half sides; how far it is
        turned clockwise, degrees; and by what share it is larger. Points of the crop are carried along by them.
        """
        if not faces:
            return np.zeros((0, len(STEP)), np.float32)
        with one_thread():
            found: NDArray[np.float32] = self._places(_images(faces)).numpy()
        return found

    def _places(self, images: Tensor) -> Tensor:
        return _search(images, torch.tensor(self.template))


def learn(faces: Sequence[Grey]) -> MeanFace:
    """The mean face of ``faces``, crops uint8 (height, width) of any size; equal faces give equal bits.

    Raises:
        TrainingError: fewer than two faces, or they have no contrast.
    """
    if len(faces) < 2:
        raise TrainingError(f"alignment: needs 2 faces or more, not {len(faces)}")
    with one_thread():
        images = _images(faces)
        places = torch.zeros(len(images), len(STEP))
        for _ in range(ROUNDS):
            mean = _contrast(_moved(images, places, SEEN)).mean(0)
            if not float(mean.norm()) > FAINT:
                raise TrainingError("alignment: the faces have no contrast; check the pictures")
            mean = mean / mean.norm()
            places = _search(images, mean, places)
        mean = _contrast(_moved(images, places, SEEN)).mean(0)
        return MeanFace((mean / mean.norm()).numpy())


def _images(faces: Sequence[Grey]) -> Tensor:
    sized = [cv2.resize(face, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for face in faces]
    return torch.from_numpy(np.stack(sized).astype(np.float32) / patches.WHITE)[:, None]


def _search(images: Tensor, mean: Tensor, places: Tensor | None = None) -> Tensor:
    """Coordinate by coordinate, in ever smaller steps, the places (n, 4) that correlate best with ``mean``."""
    found = torch.zeros(len(images), len(STEP)) if places is None else places.clone()
    for scale in STEPS:
        for coordinate, step in enumerate(STEP):
            tries = []
            for direction in TRIED:
                tried = found.clone()
                tried[:, coordinate] += direction * scale * step
                seen = _contrast(_moved(images, tried, SEEN))
                length = seen.norm(dim=1)
                tries.append(torch.where(length > FAINT, (seen @ mean) / length, 0))
            best = torch.tensor(TRIED)[torch.stack(tries).argmax(0)]
            found[:, coordinate] += best * scale * step
            found[:, coordinate].clamp_(-LIMIT[coordinate], LIMIT[coordinate])
    return found


def _moved(images: Tensor, places: Tensor, side: int) -> Tensor:
    """The images (n, side, side) seen through windows at ``places`` (n, 4); beyond an edge its pixels repeat.

    Each window goes right and down, turns clockwise and grows; what is seen goes the other way and shrinks.
    """
    right, down, turn, growth = places.T
    angle, scale = torch.deg2rad(turn), 1 + growth
    c, s = torch.cos(angle) * scale, torch.sin(angle) * scale
    grid = torch.stack([torch.stack([c, -s, right], 1), torch.stack([s, c, down], 1)], 1)
    points = functional.affine_grid(grid, [len(images), 1, side, side], align_corners=False)
    found: Tensor = functional.grid_sample(images, points, align_corners=False, padding_mode="border")[:, 0]
    return found


def _contrast(seen: Tensor) -> Tensor:
    """Local contrast (n, 24 * 24), zero outside the centre."""
    local = torch.from_numpy(patches.local_contrast(seen.numpy()))
    inside = torch.zeros(SEEN, SEEN)
    inside[CENTRE] = 1
    return (local * inside).flatten(1)
