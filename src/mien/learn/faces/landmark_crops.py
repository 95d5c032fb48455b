"""What the landmark network sees in training: faces as a tracker or a detector cuts them, and all that is no face.

Between a crop that shows a face and one that does not lies a zone that is never drawn, or has no label: nobody
could say what the network should answer there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from mien.errors import DataError
from mien.learn.faces import crops
from mien.learn.faces.crops import Faces, Frames, Stack
from mien.learn.faces.landmark_network import CROP, SIZE

if TYPE_CHECKING:
    from mien.learn.faces.bank import Bank

HIDDEN, SHOWN = 0.4, 0.6  # visible share of a face up to which there is none, and from which on there is one
FADED = 0.05  # width of the soft edge of what is put over or around a face, in crops
FACE, ASIDE, SIZED, SCENERY, COVERED, BLANK = range(6)  # what a crop is made to show
AROUND = 2.0  # sides of the mistaken box that a stored alarm is wide
ALARM_SHIFT, ALARM_SCALE, ALARM_ROLL = 0.12, 0.2, 20.0  # by which alarms are disturbed: sides, logarithm, degrees
SHARES = (0.18, 0.15, 0.35, 0.15, 0.17)  # of ASIDE to BLANK among the crops without a face


@dataclass(frozen=True, slots=True)
class Options:
    """A recipe's table on crops.

    Attributes:
        small: share of the faces that are drawn from the small pictures.
        absent: share of the crops that are made to show no face.
        followed: share of the faces that are cut as in following, the others as after a detection.
        shift, scale, roll: standard deviations in following: of the centre in sides, of ln(side), degrees.
        found_shift, found_scale, found_roll, tilted: largest disturbances after a detection; one crop in twenty is
            turned by up to ``tilted`` degrees.
        squeeze: largest ln(narrowing) of a face.
        backdrop: share of the faces that are put before another background.
        occluded: share of the faces that something lies over.
        alarms: share of the scenery that shows what a detector took for a face; the bank must hold such places.
    """

    small: float = 0.35
    absent: float = 0.25
    followed: float = 0.65
    shift: float = 0.04
    scale: float = 0.05
    roll: float = 5.0
    found_shift: float = 0.12
    found_scale: float = 0.2
    found_roll: float = 30.0
    tilted: float = 50.0
    squeeze: float = 0.2
    backdrop: float = 0.4
    occluded: float = 0.35
    alarms: float = 0.0

    def __post_init__(self) -> None:
        for name in ("small", "absent", "followed", "backdrop", "occluded", "alarms"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be 0 to 1, not {getattr(self, name)}")
        if not 0 <= self.found_shift <= 0.25 or not 0 <= self.found_scale <= 0.4:
            raise ValueError("found_shift must be 0 to 0.25 and found_scale 0 to 0.4: beyond, no face is meant")


@dataclass(frozen=True, slots=True)
class Crops:
    """A batch.

    Attributes:
        pictures: float32 (b, 1, 96, 96) in [0, 1], not yet degraded.
        points: float32 (b, 68, 2), crop units.
        trust: float32 (b,), weight of the points; 0 where no face is meant.
        present: float32 (b,), 1 a face, 0 none.
        counted: bool (b,), whether ``present`` is to be learned.
        eyes: float32 (b,), inter-ocular distance, crop units.
        frames: where the crops lie.
    """

    pictures: Tensor
    points: Tensor
    trust: Tensor
    present: Tensor
    counted: Tensor
    eyes: Tensor
    frames: Frames


@dataclass(frozen=True, slots=True)
class Source:
    """Faces and scenes of one split on the device."""

    portraits: Faces
    small: Faces
    scenes: Stack
    alarms: Stack | None = None

    @classmethod
    def of(cls, bank: Bank, split: Literal["train", "validation"], device: torch.device | str) -> Source:
        """One split of the bank."""
        return cls(
            Faces.of(bank.portraits.of(split), device),
            Faces.of(bank.small.of(split), device),
            Stack.of(bank.scenes.of(split).pictures, device),
            Stack.of(bank.alarms.pictures, device) if bank.alarms is not None and split == "train" else None,
        )

    def draw(self, count: int, random: torch.Generator, options: Options) -> Crops:
        """A batch of training crops, faces and others mixed, in no particular order."""
        few = round(count * options.small)
        parts = []
        for faces, n in ((self.portraits, count - few), (self.small, few)):
            if n:
                index = torch.randint(len(faces), (n,), generator=random, device=faces.places.device)
                kind = _kinds(n, random, options, index.device)
                frames = _missed(disturbed(faces, index, random, options), kind, random)
                parts.append(self.crops(faces, index, frames, random, options, kind))
        return _joined(parts)

    def crops(
        self,
        faces: Faces,
        index: Tensor,
        frames: Frames,
        random: torch.Generator,
        options: Options,
        kind: Tensor | None = None,
    ) -> Crops:
        """Crops of faces, with other backgrounds and with things in front of them, as ``options`` say.

        Args:
            faces: of these.
            index: int64 (b,), which.
            frames: where.
            random: what lies around and over them.
            options: how often.
            kind: int64 (b,), what each is made to show; ``frames`` suit it. All show faces without it.
        """
        count, device = len(index), index.device
        draw = torch.rand(3, count, generator=random, device=device)
        pictures, inside = crops.cut(faces.stack, index, frames, SIZE, folded=draw[0] < 0.45)
        at = crops.centres(SIZE, device)
        local = _in_face(frames, faces.places[index], at)
        other = self._filler(count, random)
        before = draw[1] < options.backdrop
        pictures = torch.lerp(other, pictures, _head(local, inside, before, random))
        kind = torch.full((count,), FACE, device=device) if kind is None else kind
        covered = kind == COVERED
        lies_over = (draw[2] < options.occluded) | covered
        mask = _occluder(at, lies_over, covered, frames.points(_middle(faces, index)), random)
        oval = _oval(local)
        shown = ((1 - mask) * oval).sum(dim=(1, 2, 3)) / oval.sum(dim=(1, 2, 3)).clamp(min=1)
        pictures = torch.lerp(pictures, self._filler(count, random), mask)
        scenery = (kind == SCENERY)[:, None, None, None]
        pictures = torch.where(scenery, self._mistaken(self._scenery(count, random), random, options), pictures)
        blank = (kind == BLANK)[:, None, None, None]
        pictures = torch.where(blank, _nothing(count, random, device), pictures)
        present = (kind == FACE) & (shown > HIDDEN)
        points = frames.points(faces.points[index])
        eyes = (points[:, 36:42].mean(dim=1) - points[:, 42:48].mean(dim=1)).norm(dim=1)
        return Crops(
            pictures.clamp(0, 1),
            points,
            faces.trust[index] * present,
            present.float(),
            ((kind != FACE) & ~covered) | (shown <= HIDDEN) | ((shown >= SHOWN) & ~covered),
            eyes,
            frames,
        )

    def _scenery(self, count: int, random: torch.Generator) -> Tensor:
        """Parts of scenes; each is drawn about four times over, as cutting one takes long."""
        index, frames = crops.anywhere(self.scenes, -(-count // 4), random)
        parts = crops.cut(self.scenes, index, frames, SIZE)[0]
        return parts[torch.randint(len(parts), (count,), generator=random, device=index.device)]

    def _mistaken(self, pictures: Tensor, random: torch.Generator, options: Options) -> Tensor:
        """``pictures`` (b, 1, 96, 96), some of them replaced by places that a detector took for faces."""
        if options.alarms == 0:
            return pictures
        if self.alarms is None:
            raise DataError("the bank holds no alarms; add them with mien.learn.faces.alarms")
        count, device = len(pictures), pictures.device
        index = torch.randint(len(self.alarms.sizes), (count,), generator=random, device=device)
        even = torch.rand(4, count, generator=random, device=device) * 2 - 1
        width = self.alarms.sizes[index, 0]
        middle = (width - 1) / 2
        frames = Frames.around(
            torch.stack([middle, middle, width / AROUND, 0 * middle], dim=1),
            CROP,
            (even[:2] * ALARM_SHIFT).T,
            (even[2] * ALARM_SCALE).exp(),
            (even[3] * ALARM_ROLL).deg2rad(),
            torch.ones_like(middle),
            torch.rand(count, generator=random, device=device) < 0.5,
        )
        found = crops.cut(self.alarms, index, frames, SIZE)[0]
        chosen = torch.rand(count, generator=random, device=device) < options.alarms
        return torch.where(chosen[:, None, None, None], found, pictures)

    def _filler(self, count: int, random: torch.Generator) -> Tensor:
        """What may lie around or over a face: scenery, flat grey, parts of other portraits; (count, 1, 96, 96)."""
        device = self.scenes.sizes.device
        draw = torch.rand(3, count, 1, 1, 1, generator=random, device=device)
        index, frames = crops.anywhere(self.portraits.stack, -(-count // 4), random, smallest=16.0)
        frames = Frames(frames.matrix * 0.5, frames.centre, frames.mirrored)  # parts, no faces
        parts = crops.cut(self.portraits.stack, index, frames, SIZE)[0]
        parts = parts[torch.randint(len(parts), (count,), generator=random, device=device)]
        flat = (draw[1] + 0.3 * (draw[2] - 0.5) * crops.centres(SIZE, device)[:, :, 1]).expand(count, 1, SIZE, SIZE)
        found = torch.where(draw[0] < 0.5, self._scenery(count, random), flat)
        return torch.where(draw[0] > 0.8, parts, found)


def disturbed(faces: Faces, index: Tensor, random: torch.Generator, options: Options) -> Frames:
    """Crops as in following or as after a detection."""
    count, device = len(index), index.device
    normal = torch.randn(4, count, generator=random, device=device).clamp(-3, 3)
    even = torch.rand(4, count, generator=random, device=device) * 2 - 1
    draw = torch.rand(4, count, generator=random, device=device)
    followed = draw[0] < options.followed
    steep = torch.where(draw[1] < 0.05, options.tilted, options.found_roll)
    narrow = options.squeeze * (draw[2] * 1.3 - 0.3)  # broader is rarer than narrower
    return Frames.around(
        faces.places[index],
        CROP,
        torch.where(followed, normal[:2] * options.shift, even[:2] * options.found_shift).T,
        torch.where(followed, normal[2] * options.scale, even[2] * math.log1p(options.found_scale)).exp(),
        torch.where(followed, normal[3] * options.roll, even[3] * steep).deg2rad(),
        torch.where(draw[3] < 0.5, narrow, 0 * narrow).exp(),
        torch.rand(count, generator=random, device=device) < 0.5,
    )


def _kinds(count: int, random: torch.Generator, options: Options, device: torch.device) -> Tensor:
    """What each crop is to show, int64 (count,)."""
    shares = torch.tensor([1 - options.absent, *(options.absent * share for share in SHARES)], device=device)
    return torch.multinomial(shares, count, replacement=True, generator=random)


def _missed(frames: Frames, kind: Tensor, random: torch.Generator) -> Frames:
    """Crops that are meant to miss their face by more than half a side, or to show it far too small or large."""
    draw = torch.rand(4, len(kind), generator=random, device=kind.device)
    angle, far = draw[0] * 2 * torch.pi, (0.55 + 0.6 * draw[1]) / CROP
    shift = torch.stack([angle.cos(), angle.sin()], dim=1) * far[:, None]
    centre = frames.pixels(shift[:, None] + 0.5)[:, 0]
    size = torch.where(draw[2] < 0.5, 0.2 + 0.25 * draw[3], 1.9 + 1.6 * draw[3])
    return Frames(
        torch.where((kind == SIZED)[:, None, None], frames.matrix * size[:, None, None], frames.matrix),
        torch.where((kind == ASIDE)[:, None], centre, frames.centre),
        frames.mirrored,
    )


def _in_face(frames: Frames, place: Tensor, at: Tensor) -> Tensor:
    """Crop coordinates (h, w, 2) in the face's own: from its centre, in sides, upright; (b, h, w, 2)."""
    offset = frames.pixels(at.flatten(0, 1)) - place[:, None, :2]
    cosine, sine = place[:, 3].cos()[:, None], place[:, 3].sin()[:, None]
    side = place[:, 2, None]
    x, y = offset.unbind(2)
    local = torch.stack([(x * cosine + y * sine) / side, (y * cosine - x * sine) / side], dim=2)
    return local.view(len(place), *at.shape[:2], 2)


def _middle(faces: Faces, index: Tensor) -> Tensor:
    """The centres of faces in the guise of 68 points, pixels."""
    return faces.places[index, None, :2].expand(-1, 68, -1)


def _oval(local: Tensor) -> Tensor:
    """1 where the face itself is, else 0: brows to chin; (b, 1, h, w)."""
    x, y = local.unbind(3)
    return ((x / 0.38) ** 2 + ((y - 0.12) / 0.42) ** 2 < 1).float()[:, None]


def _head(local: Tensor, inside: Tensor, before: Tensor, random: torch.Generator) -> Tensor:
    """How much of its own picture each pixel shows, (b, 1, h, w).

    Portraits end beside the head. Were something else always to begin there, along straight lines, the network
    would learn where pictures end. So the picture often goes on, and elsewhere ends along a curve within it.
    """
    draw = torch.rand(3, len(local), 1, 1, generator=random, device=local.device)
    x, y = local.unbind(3)
    across, down = 0.42 + 0.18 * draw[0], 0.53 + 0.17 * draw[1]
    radius = ((x.abs() / across) ** 2.5 + ((y + 0.02).abs() / down) ** 2.5) ** 0.4
    oval = ((1 - radius) / (0.02 + 0.2 * draw[2]) + 0.5).clamp(0, 1)[:, None]
    ends = oval * inside
    return torch.where(before[:, None, None, None], ends, torch.ones_like(ends))


def _occluder(at: Tensor, there: Tensor, covers: Tensor, middle: Tensor, random: torch.Generator) -> Tensor:
    """Ellipses and bars over the crops, 0 (nothing) to 1; (b, 1, h, w)."""
    count, device = len(there), there.device
    draw = torch.rand(7, count, 1, 1, generator=random, device=device)
    centre = torch.where(covers[:, None], middle[:, 0], draw[:2, :, 0, 0].T * 1.2 - 0.1)
    centre = centre + torch.where(covers, 0.08, 0.0)[:, None] * (draw[:2, :, 0, 0].T - 0.5)
    size = torch.where(covers[:, None, None], 0.38 + 0.3 * draw[2], 0.05 + 0.24 * draw[2])
    aspect = torch.where(covers[:, None, None], 0.8 + 0.4 * draw[3], (draw[3] * 4 - 2).exp2())
    angle = draw[4] * torch.pi
    x, y = (at - centre[:, None, None]).unbind(3)
    across = (x * angle.cos() + y * angle.sin()) / (size * aspect.sqrt())
    down = (y * angle.cos() - x * angle.sin()) / (size / aspect.sqrt())
    round_, square = (across**2 + down**2).sqrt(), torch.maximum(across.abs(), down.abs())
    radius = torch.where(draw[5] < 0.5, round_, square)
    edge = FADED * (0.1 + draw[6]) / size
    return (((1 - radius) / edge + 0.5).clamp(0, 1) * there[:, None, None])[:, None]


def _nothing(count: int, random: torch.Generator, device: torch.device) -> Tensor:
    """Flat grey, slopes and noise of any grain."""
    draw = torch.rand(4, count, 1, 1, 1, generator=random, device=device)
    at = crops.centres(SIZE, device)
    slope = draw[0] + (draw[1] - 0.5) * at[:, :, 0] + (draw[2] - 0.5) * at[:, :, 1]
    fine = torch.randn(count, 1, SIZE, SIZE, generator=random, device=device)
    rough = torch.nn.functional.interpolate(fine[:, :, ::8, ::8], size=SIZE, mode="bilinear") * 2
    noise = torch.where(draw[1] < 0.5, fine, rough)
    return (slope + 0.25 * (draw[3] - 0.3).clamp(min=0) * noise).clamp(0, 1)


def _joined(parts: list[Crops]) -> Crops:
    frames = Frames(
        torch.cat([part.frames.matrix for part in parts]),
        torch.cat([part.frames.centre for part in parts]),
        torch.cat([part.frames.mirrored for part in parts]),
    )
    return Crops(
        torch.cat([part.pictures for part in parts]),
        torch.cat([part.points for part in parts]),
        torch.cat([part.trust for part in parts]),
        torch.cat([part.present for part in parts]),
        torch.cat([part.counted for part in parts]),
        torch.cat([part.eyes for part in parts]),
        frames,
    )
