"""What the detector should answer for a scene, how far it is from that, and faces read from its answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from mien.learn.faces.detector_network import EYES, OFFSET, SCORE, SIDE, STRIDE, UNIT
from mien.learn.faces.scenes import IGNORED, POSITIVE

if TYPE_CHECKING:
    from torch import Tensor

    from mien.learn.faces.scenes import Batch

SPREAD = 0.09  # standard deviation of a face's peak, in its sides
NARROWEST = 0.5  # the same at least, in cells
NEAR = 0.3  # height of the peak from which a cell learns where the face lies
APART = 0.45  # overlap above which two answers are one face


@dataclass(frozen=True, slots=True)
class Losses:
    """Weights of the parts of the loss; the score's part has the weight 1.

    Attributes:
        place: distance of the centre, in sqrt(side * 32 pixels).
        side: of ln(side).
        eyes: distance of the eyes, in sides.
    """

    place: float = 4.0
    side: float = 2.0
    eyes: float = 4.0


@dataclass(frozen=True, slots=True)
class Targets:
    """What each of r x c cells should say.

    Attributes:
        heat: (b, r, c), 1 at the cell that holds a face's centre, falling off around it, 0 elsewhere.
        counts: bool (b, r, c), false where any answer is right.
        centre: (b, 2, r, c), of the nearest face's box from the cell's centre, in cells.
        side: (b, r, c), its side, pixels.
        eyes: (b, 4, r, c), in sides.
    """

    heat: Tensor
    counts: Tensor
    centre: Tensor
    side: Tensor
    eyes: Tensor


@torch.no_grad()
def targets(batch: Batch) -> Targets:
    """What the network should answer for ``batch``."""
    b, _, height, width = batch.pictures.shape
    rows, columns = height // STRIDE, width // STRIDE
    device = batch.pictures.device
    x = torch.arange(columns, device=device, dtype=torch.float32)
    y = torch.arange(rows, device=device, dtype=torch.float32)
    # Pixel 0 has its centre at 0 in the truth, at 0.5 in the network's coordinates.
    place = (batch.centres + 0.5) / STRIDE - 0.5
    cell = place.round().clamp(min=0)
    cell = torch.minimum(cell, cell.new_tensor([columns - 1, rows - 1]))
    size = batch.sides / STRIDE
    spread = (SPREAD * size).clamp(min=NARROWEST)[..., None, None]
    dx, dy = x - cell[..., 0, None, None], (y - cell[..., 1, None])[..., None]
    square = dx**2 + dy**2
    positive = (batch.states == POSITIVE)[..., None, None]
    heats = torch.exp(-square / (2 * spread**2)) * positive
    heat, owner = heats.max(1)
    reach = (0.5 * size).clamp(min=1)[..., None, None]
    off = torch.maximum((x - place[..., 0, None, None]).abs(), (y - place[..., 1, None])[..., None].abs())
    ignored = ((off <= reach) & (batch.states == IGNORED)[..., None, None]).any(1)
    flat = owner.reshape(b, -1)
    rows_of = torch.arange(b, device=device)[:, None]
    middle = place[rows_of, flat].reshape(b, rows, columns, 2)
    centre = torch.stack([middle[..., 0] - x, middle[..., 1] - y[:, None]], 1)
    side = batch.sides[rows_of, flat].reshape(b, rows, columns)
    eyes = batch.eyes[rows_of, flat].reshape(b, rows, columns, 4).permute(0, 3, 1, 2)
    return Targets(heat, ~ignored | (heat > NEAR), centre, side, eyes)


def loss(cells: Tensor, wanted: Targets, losses: Losses) -> Tensor:
    """Focal loss of the scores (Law and Deng 2018) and distances of boxes and eyes about each face, a scalar."""
    cells = cells.float()
    score = cells[:, SCORE]
    p = score.sigmoid()
    at = wanted.heat > 1 - 1e-4
    hits = -functional.logsigmoid(score) * (1 - p) ** 2 * at
    alarms = -functional.logsigmoid(-score) * p**2 * (1 - wanted.heat) ** 4 * ~at * wanted.counts
    total = (hits.sum() + alarms.sum()) / at.sum().clamp(min=1)
    weight = wanted.heat * (wanted.heat > NEAR)
    weight = weight / weight.sum().clamp(min=1e-3)
    side = wanted.side.clamp(min=1)
    place = (cells[:, OFFSET] - wanted.centre).abs().sum(1) * STRIDE / (side * UNIT).sqrt()
    size = (cells[:, SIDE] - (side / UNIT).log()).abs()
    eyes = (cells[:, EYES] - wanted.eyes).abs().mean(1) * 2
    return total + (weight * (losses.place * place + losses.side * size + losses.eyes * eyes)).sum()


@torch.no_grad()
def decode(cells: Tensor, lowest: float, most: int = 64) -> list[Tensor]:
    """Faces in the answers of the network: peaks of the score, the better of those that overlap.

    Args:
        cells: (b, 8, r, c).
        lowest: logit of the score below which there is no face.
        most: peaks looked at per picture.

    Returns:
        Per picture (n, 8), best first: logit; centre x, y and side, pixels (an integer is a pixel's centre); eyes.
    """
    cells = cells.float().cpu()
    columns = cells.shape[3]
    peaks = functional.max_pool2d(cells[:, :1], 3, 1, 1)[:, 0] == cells[:, SCORE]
    found: list[Tensor] = []
    for answer, peak in zip(cells, peaks & (cells[:, SCORE] > lowest), strict=True):
        flat = answer.flatten(1)
        order = torch.nonzero(peak.flatten())[:, 0]
        order = order[flat[SCORE, order].argsort(descending=True)][:most]
        some = flat[:, order].T
        x = (order % columns + 0.5 + some[:, 1]) * STRIDE - 0.5
        y = (order // columns + 0.5 + some[:, 2]) * STRIDE - 0.5
        faces = torch.cat(
            [torch.stack([some[:, 0], x, y, some[:, SIDE].clamp(-4, 4).exp() * UNIT], 1), some[:, EYES]], 1
        )
        kept: list[int] = []
        shared = overlaps(faces[:, 1:4], faces[:, 1:4])
        for k in range(len(faces)):
            if not kept or float(shared[k, kept].max()) < APART:
                kept.append(k)
        found.append(faces[kept])
    return found


def overlaps(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union of squares (n, 3) and (m, 3), each centre x, y and side: (n, m)."""
    half, other = first[:, None, 2:] / 2, second[None, :, 2:] / 2
    near = torch.minimum(first[:, None, :2] + half, second[None, :, :2] + other)
    far = torch.maximum(first[:, None, :2] - half, second[None, :, :2] - other)
    shared = (near - far).clamp(min=0).prod(-1)
    return shared / (first[:, None, 2] ** 2 + second[None, :, 2] ** 2 - shared)
