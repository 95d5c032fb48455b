"""Scenes composed at random, with the truth about every face in them.

Photographs without people, portraits and small faces are put together on the device, a batch at a time: a
background, then one paste per scene after another, faces and things that are none under the same masks, so that a
seam tells nothing. Every paste hides what lies beneath it; a face's share of points still in sight decides whether
it counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from mien.learn import photometry
from mien.learn.faces.draw import OCTAVES, Draw, Options
from mien.learn.faces.pastes import placements
from mien.learn.loop import generator

if TYPE_CHECKING:
    from torch import Tensor

    from mien.learn.faces.atlas import Atlas
    from mien.learn.faces.pastes import Paste

SIZES = ((192, 160), (160, 192), (320, 256), (128, 128))
"""Width and height of a batch's scenes, pixels."""
SHARES = (0.5, 0.15, 0.25, 0.1)
"""How often each of them is composed. Most are small: a face costs as much as the wall around it."""
ABSENT, IGNORED, POSITIVE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Batch:
    """Scenes and the truth about them.

    Attributes:
        pictures: float32 (b, 1, height, width), grey, 0-1.
        centres, sides, eyes: (b, f, 2), (b, f), (b, f, 4) as ``pastes.placements`` gives them.
        states: int64 (b, f): ABSENT, IGNORED or POSITIVE.
        points: (b, f, 68, 2), pixels.
    """

    pictures: Tensor
    centres: Tensor
    sides: Tensor
    eyes: Tensor
    states: Tensor
    points: Tensor


@torch.no_grad()
def compose(
    atlas: Atlas, count: int, seed: int, step: int, options: Options, camera: photometry.Options | None
) -> Batch:
    """Batch number ``step``: the same for the same seed and step on one device.

    Args:
        atlas: where pictures come from.
        count: scenes.
        seed: of all randomness, together with ``step``.
        step: number of the batch.
        options: what scenes look like.
        camera: what happens to the finished scenes; ``None`` leaves them clean.
    """
    device = atlas.texture.device
    plan = np.random.default_rng([seed, step])  # what all scenes of a batch share: decided without the device
    width, height = SIZES[int(plan.choice(len(SIZES), p=SHARES))]
    slots = int(plan.choice([1, 2, 3, 5, 8, 12], p=(0.3, 0.2, 0.2, 0.12, 0.1, 0.08)))
    with torch.autocast(device.type, enabled=False):
        draw = Draw(atlas, count, width, height, options, generator(seed, step, device))
        canvas = draw.background()
        empty = draw.chance(options.empty)
        cells = draw.cells(slots)
        points = torch.zeros(count, slots, 68, 2, device=device)
        seen = torch.zeros(count, slots, 68, dtype=torch.bool, device=device)
        present = torch.zeros(count, slots, dtype=torch.bool, device=device)
        limits = points.new_tensor([width, height])
        for k in range(slots):
            paste, mirrored = draw.face_or_other(slots, cells[:, k], empty, int(plan.integers(OCTAVES)))
            for layer in (*(draw.body(paste) if plan.random() < 0.5 else ()), paste):
                canvas = draw.laid(canvas, layer, matched=layer is paste)
                seen[:, :k] &= _clear(layer, points[:, :k], atlas)
            here = paste.landed(atlas.points[paste.numbers], mirrored)
            inside = ((here >= 0) & (here < limits)).all(-1)
            points[:, k], present[:, k] = here, paste.face & paste.shown
            seen[:, k] = inside & (paste.alpha(*paste.source(here), atlas) > 0.3)
        for _ in range(int(plan.integers(1, 3)) if plan.random() < 0.8 else 0):
            cover = draw.cover(points, present)
            canvas = draw.laid(canvas, cover, matched=False)
            seen &= _clear(cover, points, atlas)
        pictures = canvas.clamp(0, 1).reshape(count, 1, height, width)
        if camera is not None:
            pictures = photometry.degrade(pictures, draw.random, camera)
        centres, sides, eyes = placements(points)
        share = seen.float().mean(-1)
        states = torch.where(
            share >= options.clear, POSITIVE, torch.where(share >= options.hidden, IGNORED, ABSENT)
        )
        states = torch.where((sides < options.counted) & (states == POSITIVE), IGNORED, states)
        return Batch(pictures, centres, sides, eyes, states * present, points)


def _clear(paste: Paste, points: Tensor, atlas: Atlas) -> Tensor:
    """Which of some faces' points (b, f, 68, 2) ``paste`` does not hide, bool (b, f, 68)."""
    flat = points.flatten(1, 2)
    return (paste.alpha(*paste.source(flat), atlas) < 0.5).reshape(points.shape[:3])
