"""The random choices behind a batch of scenes: backgrounds, faces and other things to paste, what hides them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from mien.learn.faces.atlas import LEVELS, Atlas
from mien.learn.faces.pastes import Paste, placements, warp

if TYPE_CHECKING:
    from torch import Tensor

OCTAVES = 4
"""Parts of the range of sizes. A slot draws all pastes of a batch from one of them: small ones cost little."""


@dataclass(frozen=True, slots=True)
class Options:
    """A recipe's table on scenes; chances are 0 to 1, sizes are pixels of the scene.

    Attributes:
        smallest, largest: side of a face's box.
        counted: sides below this are neither right nor wrong.
        empty: chance that a scene shows no face.
        other: chance that a paste shows something else than a face, in the other scenes.
        roll: standard deviation of most faces' turn, degrees.
        wide_roll: largest turn of the others, degrees.
        stretch, tilt: standard deviations of the stretch (ln width/height) and of the perspective.
        occluded: chance that a scene gets things laid over its faces.
        clear, hidden: shares of a face's points in sight from which it counts, and below which it is nothing.
    """

    smallest: float = 9.0
    largest: float = 260.0
    counted: float = 8.0
    empty: float = 0.12
    other: float = 0.2
    roll: float = 12.0
    wide_roll: float = 50.0
    stretch: float = 0.07
    tilt: float = 0.08
    occluded: float = 0.4
    clear: float = 0.5
    hidden: float = 0.2

    def __post_init__(self) -> None:
        if not 0 < self.smallest < self.largest:
            raise ValueError(f"smallest must be above 0 and below largest, not {self.smallest}, {self.largest}")
        for name in ("empty", "other", "occluded", "clear", "hidden"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be 0 to 1, not {getattr(self, name)}")


class Draw:
    """The random choices for one batch of scenes, all on the device."""

    def __init__(
        self, atlas: Atlas, count: int, width: int, height: int, options: Options, random: torch.Generator
    ) -> None:
        self.atlas, self.count, self.width, self.height = atlas, count, width, height
        self.options, self.random, self.device = options, random, atlas.texture.device

    def uniform(self, low: float, high: float, *more: int) -> Tensor:
        """Uniform numbers (b, ...)."""
        return low + (high - low) * torch.rand(self.count, *more, generator=self.random, device=self.device)

    def normal(self, spread: float, *more: int) -> Tensor:
        """Normal numbers (b, ...) about 0, none beyond two and a half standard deviations."""
        drawn = torch.randn(self.count, *more, generator=self.random, device=self.device)
        return spread * drawn.clamp(-2.5, 2.5)

    def chance(self, share: float) -> Tensor:
        """True in about ``share`` of the scenes, bool (b,)."""
        return torch.rand(self.count, generator=self.random, device=self.device) < share

    def number(self, kind: tuple[int, int]) -> Tensor:
        """A picture of that kind for each scene, int64 (b,)."""
        low, high = kind
        return torch.randint(low, max(high, low + 1), (self.count,), generator=self.random, device=self.device)

    def cells(self, slots: int) -> Tensor:
        """A place for each slot, (b, slots, 2), shares of width and height: spread out where there are many."""
        if slots <= 3:
            return self.uniform(0.03, 0.97, slots, 2)
        across = math.ceil(math.sqrt(slots * self.width / self.height))
        down = math.ceil(slots / across)
        order = torch.rand(self.count, across * down, generator=self.random, device=self.device).argsort(1)[
            :, :slots
        ]
        corner = torch.stack([order % across, order // across], -1) + self.uniform(-0.1, 1.1, slots, 2)
        return corner / corner.new_tensor([across, down])

    def background(self) -> Tensor:
        """A part of a photograph, or something drawn, for each scene: (b, height * width)."""
        drawn = self.chance(0.15)
        numbers = torch.where(drawn, self.number(self.atlas.others), self.number(self.atlas.scenes))
        whole = self.atlas.places[numbers, 0, 2:]
        turned = self.chance(0.25)
        roll = torch.where(turned, self.uniform(-math.pi, math.pi), self.normal(0.05))
        cover = (whole.new_tensor([self.width, self.height]) / whole).amax(1)
        scale = cover * (self.uniform(0, 1, 1)[:, 0] ** 1.5 * 1.6 + torch.where(turned, 0.35, 0.0)).exp()
        spare = (whole - whole.new_tensor([self.width, self.height]) / scale[:, None]).clamp(min=0)
        middle = (whole - 1) / 2 + spare * self.uniform(-0.5, 0.5, 2)
        frames = torch.cat([middle, 1 / scale[:, None], torch.zeros_like(scale)[:, None]], 1)
        centre = whole.new_tensor([self.width / 2, self.height / 2]).expand(self.count, 2)
        ones = torch.ones_like(scale)
        there = warp(centre, ones, roll, self.chance(0.5), self.normal(0.15), torch.zeros_like(centre))
        paste = self._plain(numbers, frames, there, ones)
        unit, _ = paste.source(_grid(self.width, self.height, self.device).expand(self.count, -1, -1))
        grey = self.atlas.sample(numbers, paste.picture(unit), paste.levels(LEVELS))
        mean = self.atlas.means[numbers][:, None]
        gain = (
            self.normal(0.3).exp()
            * torch.where(self.chance(0.06), 0.02, 1.0)
            * torch.where(self.chance(0.06), -1.0, 1.0)
        )
        return (grey - mean) * gain[:, None] + (mean + self.normal(0.12)[:, None]).clamp(0.05, 0.95)

    def face_or_other(self, slots: int, cell: Tensor, empty: Tensor, octave: int) -> tuple[Paste, Tensor]:
        """A face, or something else under the same sort of mask; and whether it is mirrored."""
        atlas, options = self.atlas, self.options
        top = {1: 1.0, 2: 0.62, 3: 0.5}.get(slots, 1.3 / math.sqrt(slots))
        largest = max(min(options.largest, top * 1.05 * min(self.width, self.height)), options.smallest * 1.5)
        low, high = math.log(options.smallest), math.log(largest)
        step = (high - low) / OCTAVES
        side = self.uniform(low + octave * step, low + (octave + 1) * step).exp()
        other = empty | self.chance(options.other)
        numbers = self.number(atlas.portraits)
        if atlas.small[1] > atlas.small[0]:
            numbers = torch.where((side < 44) & self.chance(0.5), self.number(atlas.small), numbers)
        frames = atlas.frames[numbers]
        # Other things: patches of photographs, drawn things, and single parts of a face, enlarged.
        kind = self.uniform(0, 1)
        thing = torch.where(kind < 0.45, self.number(atlas.scenes), self.number(atlas.others))
        part = other & (kind > 0.72)
        numbers = torch.where(other & ~part, thing, numbers)
        frames = torch.where((other & ~part)[:, None], self._patch(thing, kind < 0.45), frames)
        frames = torch.where(part[:, None], self._part(frames), frames)
        wide = self.chance(0.2)
        roll = torch.where(wide, self.uniform(-1, 1) * options.wide_roll, self.normal(options.roll))
        mirrored = self.chance(0.5)
        centre = cell * cell.new_tensor([self.width, self.height])
        there = warp(
            centre, side, torch.deg2rad(roll), mirrored, self.normal(options.stretch), self.normal(options.tilt, 2)
        )
        return self._masked(numbers, frames, there, side, face=~other, part=part), mirrored

    def _patch(self, numbers: Tensor, photograph: Tensor) -> Tensor:
        """Frames (b, 4) of random squares of pictures; drawn things are taken nearly whole."""
        whole = self.atlas.places[numbers, 0, 2:]
        share = torch.where(photograph, self.uniform(math.log(0.1), math.log(0.8)), self.uniform(-0.6, -0.1)).exp()
        side = share * whole.amin(1)
        middle = (whole - 1) / 2 + (whole - side[:, None]) * self.uniform(-0.5, 0.5, 2)
        return torch.cat([middle, side[:, None], self.uniform(-0.3, 0.3, 1)], 1)

    def _part(self, frames: Tensor) -> Tensor:
        """Frames of one eye, the nose, the mouth, a cheek or the forehead of faces with ``frames``."""
        table = frames.new_tensor([
            (-0.18, -0.09, 0.34), (0.18, -0.09, 0.34), (0.0, 0.29, 0.42), (-0.22, 0.16, 0.3), (0.22, 0.16, 0.3),
            (0.0, -0.36, 0.24), (0.0, 0.08, 0.26), (0.0, 0.42, 0.5),
        ])  # fmt: skip
        place = table[torch.randint(len(table), (self.count,), generator=self.random, device=self.device)]
        c, s = frames[:, 3].cos(), frames[:, 3].sin()
        shift = torch.stack([place[:, 0] * c - place[:, 1] * s, place[:, 0] * s + place[:, 1] * c], 1)
        side = frames[:, 2:3] * place[:, 2:] * self.uniform(0.8, 1.0, 1)
        return torch.cat([frames[:, :2] + shift * frames[:, 2:3], side, frames[:, 3:]], 1)

    def _masked(
        self, numbers: Tensor, frames: Tensor, there: Tensor, side: Tensor, face: Tensor, part: Tensor
    ) -> Paste:
        """The paste under a random mask; a part never shows more than its own square."""
        style = self.uniform(0, 1)
        whole = (style < 0.35) & face
        grown = torch.where(face, self.uniform(1.0, 1.3), self.uniform(0.85, 1.1))
        grown = torch.where(part, self.uniform(0.75, 0.95), grown)
        radii = torch.stack([grown * 0.45, grown * torch.where(face, 0.54, 0.5)], 1)
        radii = torch.where(whole[:, None], radii.new_tensor(100.0), radii)
        power = torch.where(style < 0.65, 2.0, self.uniform(2.2, 8.0))
        soft = self.uniform(-1.0, 1.0).clamp(min=0) * 0.2 * side
        return Paste(
            shown=self.chance(0.93),
            face=face,
            numbers=numbers,
            frames=frames,
            warp=there,
            side=side,
            middle=torch.stack([torch.zeros_like(side), torch.where(face, 0.08, 0.0)], 1),
            radii=radii,
            power=power,
            feather=soft.clamp(min=0.8),
            cut=whole | self.chance(0.5),
        )

    def _plain(self, numbers: Tensor, frames: Tensor, there: Tensor, side: Tensor) -> Paste:
        yes = torch.ones(self.count, dtype=torch.bool, device=self.device)
        ones = torch.ones_like(side)
        return Paste(
            yes,
            ~yes,
            numbers,
            frames,
            there,
            side,
            frames[:, :2] * 0,
            frames[:, :2] * 0 + 100,
            ones * 2,
            ones,
            ~yes,
        )

    def cover(self, faces: Tensor, present: Tensor) -> Paste:
        """Something laid over part of one face of a scene: a bar, a hand's size of anything, a flat shape."""
        chosen = (present * self.uniform(0.1, 1, present.shape[1])).argmax(1)
        centres, sides, _ = placements(faces[torch.arange(self.count, device=self.device), chosen])
        reach = self.uniform(0.25, 0.75) * sides
        angle = self.uniform(-math.pi, math.pi)
        centre = centres + reach[:, None] * torch.stack([angle.cos(), angle.sin()], 1)
        bar = self.chance(0.35)
        size = sides * self.uniform(0.3, 0.8)
        radii = torch.stack([torch.where(bar, 2.0, 0.5), torch.where(bar, self.uniform(0.08, 0.25), 0.45)], 1)
        photograph = self.chance(0.5)
        numbers = torch.where(photograph, self.number(self.atlas.scenes), self.number(self.atlas.others))
        flat = torch.zeros_like(centre)
        there = warp(centre, size, self.uniform(-math.pi, math.pi), photograph, self.normal(0.3), flat)
        wanted = self.chance(self.options.occluded) & present.any(1) & (sides > 16)
        return replace(
            self._plain(numbers, self._patch(numbers, photograph), there, size),
            shown=wanted,
            radii=radii,
            power=torch.where(bar, 8.0, self.uniform(2, 4)),
            feather=(self.uniform(-0.5, 0.5).clamp(min=0) * 0.15 * size).clamp(min=0.8),
        )

    def laid(self, canvas: Tensor, paste: Paste, *, matched: bool) -> Tensor:
        """``canvas`` (b, height * width) with the paste on it, in a light of its own."""
        at, index = self._window(paste)
        unit, near = paste.source(at)
        alpha = paste.alpha(unit, near, self.atlas)
        grey = self._toned(self.atlas.sample(paste.numbers, paste.picture(unit), paste.levels(LEVELS)), unit, paste)
        if matched:
            grey = grey + self._match(canvas, paste)[:, None]
        return canvas.scatter(1, index, torch.lerp(canvas.gather(1, index), grey.clamp(0, 1), alpha))

    def _window(self, paste: Paste) -> tuple[Tensor, Tensor]:
        """Pixels that the pastes may reach, windows of one size about them: (b, n, 2), and their numbers (b, n)."""
        reach = int(paste.reach(self.atlas).amax().ceil())
        width, height = min(2 * reach + 2, self.width), min(2 * reach + 2, self.height)
        local = _grid(width, height, self.device)
        corner = paste.warp[:, :2, 2] - local.new_tensor([width, height]) / 2
        last = local.new_tensor([self.width - width, self.height - height])
        at = local + torch.minimum(corner.round().clamp(min=0), last)[:, None]
        return at, (at[..., 1] * self.width + at[..., 0]).long()

    def _toned(self, grey: Tensor, unit: Tensor, paste: Paste) -> Tensor:
        mean = self.atlas.means[paste.numbers][:, None]
        dull = torch.where(self.chance(0.5) | paste.face, 1.0, self.uniform(0.0, 0.5))
        gain = (self.normal(0.2) - 0.1).exp()[:, None] * dull[:, None]
        mean_shown = torch.where(paste.face[:, None], mean, (mean + self.normal(0.25, 1)).clamp(0.03, 0.97))
        slope = self.normal(0.25, 2) * self.chance(0.5)[:, None]
        light = 1 + (unit.clamp(-0.8, 0.8) * slope[:, None]).sum(-1)
        return ((grey - mean) * gain + mean_shown + self.normal(0.08)[:, None]) * light

    def _match(self, canvas: Tensor, paste: Paste) -> Tensor:
        """By how much the paste must be lighter for its rim to look like what is around, in some scenes; (b,)."""
        angles = torch.arange(16, device=self.device) * (2 * math.pi / 16)
        rim = torch.stack([angles.cos() * 0.5, angles.sin() * 0.55 + 0.04], -1).expand(self.count, -1, -1)
        around = rim @ paste.warp[:, :2, :2].transpose(1, 2) + paste.warp[:, None, :2, 2]
        column = around[..., 0].round().clamp(0, self.width - 1).long()
        row = around[..., 1].round().clamp(0, self.height - 1).long()
        under = canvas.gather(1, row * self.width + column).mean(1)
        own = self.atlas.sample(paste.numbers, paste.picture(rim), paste.levels(LEVELS)).mean(1)
        return (under - own) * self.uniform(0.3, 1.0) * self.chance(0.4)

    def body(self, paste: Paste) -> tuple[Paste, ...]:
        """Something like shoulders and hair to lie under ``paste``, in some of the scenes."""
        found = []
        for x, y, rx, ry, power in ((0.0, 1.35, 1.2, 0.75, 3.0), (0.0, -0.06, 0.66, 0.74, 2.0)):
            numbers = self.number(self.atlas.others)
            plain = self._plain(
                numbers, self._patch(numbers, torch.zeros_like(paste.shown)), paste.warp, paste.side
            )
            found.append(
                replace(
                    plain,
                    shown=paste.shown & self.chance(0.6),
                    middle=paste.warp.new_tensor([x, y]) + self.normal(0.05, 2),
                    radii=paste.warp.new_tensor([rx, ry]) * self.uniform(0.85, 1.25, 2),
                    power=torch.full_like(paste.side, power),
                )
            )
        return tuple(found)


def _grid(width: int, height: int, device: torch.device) -> Tensor:
    """Pixels of a scene, row by row, (1, height * width, 2)."""
    y, x = torch.meshgrid(
        torch.arange(height, device=device, dtype=torch.float32),
        torch.arange(width, device=device, dtype=torch.float32),
        indexing="ij",
    )
    return torch.stack([x, y], -1).reshape(1, -1, 2)
