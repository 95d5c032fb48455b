"""Two views of one photograph that differ as a face differs within a video: place, light, look, what covers it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from torch.nn import functional

from mien.learn import photometry
from mien.learn.faces import crops
from mien.learn.faces.crops import Faces, Frames, Stack
from mien.learn.faces.signature_network import CROP, SIZE

if TYPE_CHECKING:
    from torch import Tensor

    from mien.learn.faces.bank import Bank

KNOTS = 5  # knots of a bend along a side: it moves mouth, eyes and brows by themselves


@dataclass(frozen=True, slots=True)
class Options:
    """A recipe's table on views.

    Attributes:
        small: share of the faces that are drawn from the small pictures.
        shift, scale, roll: standard deviations of the crop: centre in sides, ln(side), degrees.
        squeeze: largest ln(narrowing or broadening) of a face.
        bend: standard deviation of a smooth random warp, crop units.
        occluded: share of the views that something lies over.
    """

    small: float = 0.4
    shift: float = 0.04
    scale: float = 0.07
    roll: float = 7.0
    squeeze: float = 0.12
    bend: float = 0.015
    occluded: float = 0.3

    def __post_init__(self) -> None:
        if not (0 <= self.small <= 1 and 0 <= self.occluded <= 1):
            raise ValueError(f"small and occluded must be 0 to 1, not {self.small}, {self.occluded}")
        if min(self.shift, self.scale, self.roll, self.squeeze, self.bend) < 0:
            raise ValueError("shift, scale, roll, squeeze and bend must be 0 or more")


def person(name: str) -> str:
    """Who a picture shows, by its file's name: ``Ann_Lee_0002.jpg`` and ``Ann_Lee_0007.jpg`` show one person."""
    return re.sub(r"_\d+$", "", Path(name).stem)


@dataclass(frozen=True, slots=True)
class Source:
    """Faces and scenes of one split on the device.

    Attributes:
        people: int64 (n,), a number for the person of each portrait, then of each small face.
    """

    portraits: Faces
    small: Faces
    scenes: Stack
    people: Tensor

    @classmethod
    def of(cls, bank: Bank, split: Literal["train", "validation"], device: torch.device | str) -> Source:
        """One split of the bank."""
        portraits, small = (Faces.of(kind.of(split), device) for kind in (bank.portraits, bank.small))
        who = [person(name) for name in (*portraits.names, *small.names)]
        numbers = {name: k for k, name in enumerate(dict.fromkeys(who))}
        people = torch.tensor([numbers[name] for name in who], device=device)
        return cls(portraits, small, Stack.of(bank.scenes.of(split).pictures, device), people)

    def pairs(
        self, count: int, random: torch.Generator, options: Options, light: photometry.Options
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Two views, each (count, 1, 64, 64), of ``count`` photographs, none twice; and whom they show."""
        few = round(count * options.small)
        chosen = [
            (faces, torch.randperm(len(faces), generator=random, device=faces.places.device)[:n])
            for faces, n in ((self.portraits, count - few), (self.small, few))
        ]
        first, second = (
            torch.cat([self.view(faces, index, random, options, light) for faces, index in chosen if len(index)])
            for _ in range(2)
        )
        who = [start + index for start, (_, index) in zip((0, len(self.portraits)), chosen, strict=True)]
        return first, second, self.people[torch.cat(who)]

    def view(
        self, faces: Faces, index: Tensor, random: torch.Generator, options: Options, light: photometry.Options
    ) -> Tensor:
        """One disturbed and degraded view (b, 1, 64, 64) of each of the faces ``index``."""
        count, device = len(index), index.device
        normal = torch.randn(4, count, generator=random, device=device).clamp(-3, 3)
        draw = torch.rand(2, count, generator=random, device=device)
        frames = Frames.around(
            faces.places[index],
            CROP,
            normal[:2].T * options.shift,
            (normal[2] * options.scale).exp(),
            (normal[3] * options.roll).deg2rad(),
            ((2 * draw[0] - 1) * options.squeeze).exp(),
            torch.zeros(count, dtype=torch.bool, device=device),
        )
        knots = options.bend * torch.randn(count, 2, KNOTS, KNOTS, generator=random, device=device)
        fine = SIZE * crops.FINER
        bend = functional.interpolate(knots, size=fine, mode="bicubic", align_corners=True).permute(0, 2, 3, 1)
        folded = torch.ones(count, dtype=torch.bool, device=device)
        pictures, inside = crops.cut(faces.stack, index, frames, SIZE, folded=folded, bend=bend)
        scenery = self._scenery(2 * count, random)
        # What lies beyond the picture is no part of the person: half of the views show a scene there instead.
        beyond = (draw[1] < 0.5)[:, None, None, None]
        pictures = torch.where(beyond, torch.lerp(scenery[:count], pictures, inside), pictures)
        pictures = torch.lerp(pictures, scenery[count:], _patches(count, options.occluded, random, device))
        return photometry.degrade(pictures.clamp(0, 1), random, light)

    def _scenery(self, count: int, random: torch.Generator) -> Tensor:
        index, frames = crops.anywhere(self.scenes, -(-count // 8), random)
        parts = crops.cut(self.scenes, index, frames, SIZE)[0]
        return parts[torch.randint(len(parts), (count,), generator=random, device=index.device)]


def _patches(count: int, chance: float, random: torch.Generator, device: torch.device) -> Tensor:
    """Turned ellipses, 1 within and 0 without, on a share of the crops; (count, 1, 64, 64)."""
    draw = torch.rand(6, count, 1, 1, generator=random, device=device)
    x, y = (crops.centres(SIZE, device) - torch.stack([draw[0], draw[1]], dim=3)).unbind(3)
    angle, size = draw[2] * torch.pi, 0.08 + 0.2 * draw[3]
    aspect = (2 * draw[4] - 1).exp2()
    across = (x * angle.cos() + y * angle.sin()) / (size * aspect)
    down = (y * angle.cos() - x * angle.sin()) / (size / aspect)
    there = draw[5] < chance
    return (((1 - (across**2 + down**2).sqrt()) * 8 + 0.5).clamp(0, 1) * there)[:, None]
