"""All pictures that composites are cut from, at halved sizes too, as one texture on the device.

With one texture, any mixture of pictures and sizes is sampled in one call, however long the batch: the device and
not Python's loop over pictures sets the pace.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from torch.nn import functional

from mien.data.synthetic import leaves
from mien.errors import DataError
from mien.faces.shape import placed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from mien.learn.faces.bank import Bank, Pictures, Split
    from mien.types import Grey

LEVELS = 6
"""Each picture is kept at 1, 1/2, ... 1/32 of its size, so that small pastes do not alias."""
TEXTURES = 48
SHUFFLED = 160
_WIDTH = 8192  # of the texture, pixels
_HELD_SCENES = 7  # every so-manieth training scene serves validation, where the bank holds none out


@dataclass(frozen=True, slots=True)
class Atlas:
    """The texture and what lies where. Pictures are numbered by kind: portraits, small, scenes, others.

    Attributes:
        texture: float32 (1, 1, height, width), grey, 0-1.
        places: float32 (n, LEVELS, 4): left, top, width, height of each picture at each level, pixels.
        frames: float32 (n, 4), of the face's box: centre x, y and side in pixels of the picture at level 0, roll in
            radians; of the middle of a picture without a face.
        points: float32 (n, 68, 2), the face's points from the centre of its box, in sides, turned upright.
        means: float32 (n,), each picture's mean grey.
        portraits, small, scenes, others: first number of the kind, and one past the last. ``others`` are textures
            and portraits in disorder: no faces.
    """

    texture: Tensor
    places: Tensor
    frames: Tensor
    points: Tensor
    means: Tensor
    portraits: tuple[int, int]
    small: tuple[int, int]
    scenes: tuple[int, int]
    others: tuple[int, int]

    def sample(self, numbers: Tensor, at: Tensor, levels: Tensor) -> Tensor:
        """Grey values, linearly interpolated; beyond a picture's edge its edge is repeated.

        Args:
            numbers: int64 (b,), of the pictures.
            at: float32 (b, n, 2), x and y in pixels at level 0; an integer is a pixel's centre.
            levels: int64 (b,).

        Returns:
            float32 (b, n).
        """
        place, whole = self.places[numbers, levels], self.places[numbers, 0]
        sizes = place[:, None, 2:]
        inside = (at + 0.5) * (sizes / whole[:, None, 2:]) - 0.5
        inside = torch.minimum(inside.clamp(min=0), sizes - 1)
        whole_size = self.texture.new_tensor([self.texture.shape[3], self.texture.shape[2]])
        grid = (inside + place[:, None, :2] + 0.5) * (2 / whole_size) - 1
        return functional.grid_sample(self.texture, grid[None], align_corners=False)[0, 0]


def build(bank: Bank, split: Split, device: torch.device, seed: int) -> Atlas:
    """An atlas of one split of ``bank``, with textures and disordered portraits drawn by code.

    Raises:
        DataError: the split holds no portraits, or the bank no scenes.
    """
    portraits, small, scenes = bank.portraits.of(split), bank.small.of(split), _scenes(bank.scenes, split)
    if not portraits.pictures or not scenes:
        raise DataError(f"the bank holds no {split} {'scenes' if portraits.pictures else 'portraits'}")
    random = np.random.default_rng([seed, 1])
    others = [*_textures(seed), *(_shuffled(portraits.pictures, random) for _ in range(SHUFFLED))]
    pictures = [*portraits.pictures, *small.pictures, *scenes, *others]
    frames, points = _faces([*_points(portraits), *_points(small)])
    middles = [(_middle(p.shape[1]), _middle(p.shape[0]), min(p.shape), 0.0) for p in pictures[len(frames) :]]
    texture, places = _packed(pictures)
    ends = np.cumsum([0, len(portraits.pictures), len(small.pictures), len(scenes), len(others)]).tolist()
    without = np.zeros((len(middles), 68, 2), np.float32)
    return Atlas(
        torch.from_numpy(texture).to(device).float()[None, None] / 255,
        torch.from_numpy(places).to(device),
        torch.from_numpy(np.concatenate([frames, np.array(middles, np.float32)])).to(device),
        torch.from_numpy(np.concatenate([points, without])).to(device),
        torch.tensor([p.mean() / 255 for p in pictures], dtype=torch.float32, device=device),
        *((ends[k], ends[k + 1]) for k in range(4)),
    )


def _scenes(scenes: Pictures, split: Split) -> list[Grey]:
    if "validation" in scenes.splits or split == "test":
        return scenes.of(split).pictures
    train = scenes.of("train").pictures
    return [p for k, p in enumerate(train) if (k % _HELD_SCENES == _HELD_SCENES // 2) == (split == "validation")]


def _points(pictures: Pictures) -> list[NDArray[np.float32]]:
    if pictures.points is None:
        raise DataError("the bank's faces have no points")
    return list(pictures.points)


def _faces(points: Sequence[NDArray[np.float32]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Frames (n, 4) and points (n, 68, 2) as ``Atlas`` holds them."""
    frames, units = np.zeros((len(points), 4), np.float32), np.zeros((len(points), 68, 2), np.float32)
    for k, face in enumerate(points):
        at = placed(face)
        frames[k] = at.x, at.y, at.side, np.radians(at.roll)
        turned = (face[:, 0] - at.x + 1j * (face[:, 1] - at.y)) * np.exp(-1j * frames[k, 3]) / at.side
        units[k] = np.stack([turned.real, turned.imag], axis=1)
    return frames, units


def _middle(size: int) -> float:
    return (size - 1) / 2


def _textures(seed: int) -> list[Grey]:
    """Leaves, noise of any coarseness, stripes and chequers."""
    random = np.random.default_rng([seed, 2])
    drawn = [np.rint(p * 255).astype(np.uint8) for p in leaves.draw(TEXTURES // 3, seed, 256)]
    for k in range(TEXTURES - len(drawn)):
        if k % 2:
            frequency = np.hypot(np.fft.fftfreq(192)[:, None], np.fft.fftfreq(192)) + 1 / 192
            spectrum = np.fft.fft2(random.standard_normal((192, 192))) * frequency ** -random.uniform(0, 2)
            wave = np.fft.ifft2(spectrum).real
        else:
            y, x = np.mgrid[:192, :192] - 96
            angle, period, bend = random.uniform(0, np.pi), random.uniform(4, 60), random.uniform(-2, 2) / 192
            phase = 2 * np.pi * (x * np.cos(angle) + y * np.sin(angle) + bend * x * y) / period
            wave = np.sin(phase) * (np.sin(2 * np.pi * (x - y) / random.uniform(4, 60)) if k % 4 else 1)
        wave = np.clip(wave / (wave.std() + 1e-6) * random.uniform(0.08, 0.25) + random.uniform(0.3, 0.7), 0, 1)
        drawn.append(np.rint(wave * 255).astype(np.uint8))
    return drawn


def _shuffled(portraits: Sequence[Grey], random: np.random.Generator) -> Grey:
    """A portrait's blocks in disorder, or noise with a portrait's spectrum: right parts or tones, but no face."""
    chosen = portraits[int(random.integers(len(portraits)))]
    picture = np.asarray(cv2.resize(chosen, (192, 192), interpolation=cv2.INTER_AREA), np.uint8)
    if random.random() < 0.3:
        phase = np.angle(np.fft.fft2(random.standard_normal(picture.shape)))
        noise = np.fft.ifft2(np.abs(np.fft.fft2(picture.astype(np.float64))) * np.exp(1j * phase)).real
        return np.clip(np.rint(noise), 0, 255).astype(np.uint8)
    across = int(random.choice([3, 4, 6]))
    block = 192 // across
    order, place = random.permutation(across * across), np.arange(across * across)
    mixed = np.empty_like(picture)
    for to, source in zip(place, order, strict=True):
        piece = picture[source // across * block :, source % across * block :][:block, :block]
        piece = np.rot90(piece, int(random.integers(4)))
        mixed[to // across * block :, to % across * block :][:block, :block] = piece
    return mixed


def _packed(pictures: Sequence[Grey]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """All levels of all pictures on shelves of one texture, and their places (n, LEVELS, 4)."""
    levels: list[Grey] = []
    for picture in pictures:
        for level in range(LEVELS):
            size = tuple(max(1, round(side / 2**level)) for side in picture.shape[::-1])
            levels.append(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))  # type: ignore[arg-type]
    places = np.zeros((len(levels), 4), np.float32)
    x = y = shelf = 0
    for k in sorted(range(len(levels)), key=lambda k: -levels[k].shape[0]):
        height, width = levels[k].shape
        if x + width > _WIDTH:
            x, y, shelf = 0, y + shelf, 0
        places[k] = x, y, width, height
        x, shelf = x + width, max(shelf, height)
    texture = np.zeros((y + shelf, _WIDTH), np.uint8)
    for level_picture, (left, top, width, height) in zip(levels, places.astype(int), strict=True):
        texture[top : top + height, left : left + width] = level_picture
    return texture, places.reshape(len(pictures), LEVELS, 4)
