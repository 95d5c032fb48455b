"""Light, optics, sensor and coding of a camera, at random, on whole batches of grey pictures.

Every alteration takes place on the pictures' own device. Blur and loss of resolution are products with one small
matrix per picture and axis: on a GPU that is many times faster than a convolution with a kernel per picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

BLOCK = 8  # pixels along a side of JPEG's blocks
TAPS = 9  # samples along the line of a motion blur

# fmt: off
_TABLE = (  # how coarsely JPEG's luma coefficients are rounded at quality 50 (ITU-T T.81, annex K.1), of 255
    (16, 11, 10, 16, 24, 40, 51, 61), (12, 12, 14, 19, 26, 58, 60, 55), (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62), (18, 22, 37, 56, 68, 109, 103, 77), (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101), (72, 92, 95, 98, 112, 100, 103, 99),
)
# fmt: on


@dataclass(frozen=True, slots=True)
class Options:
    """How often (``*_chance``, 0 to 1) and how strongly pictures are altered.

    Attributes:
        gamma_chance, gamma: brightness to the power of exp(-gamma) to exp(gamma).
        tone_chance, contrast, brightness: about the picture's mean, contrast by a factor of exp(-contrast) to
            exp(contrast); then lighter or darker by up to ``brightness`` of the full range.
        light_chance, light: light from one side, lighter and darker by up to ``light`` at opposite corners.
        dark_chance, dark: dim light: brightness times ``dark`` to 1, with noise that grows as the light goes.
        noise_chance, noise: largest standard deviation of pixel noise, of the full range.
        blur_chance, blur: largest standard deviation of a Gaussian blur, pixels.
        motion_chance, motion: longest path of a motion blur, pixels.
        resolution_chance, resolution: smallest share of the pixels along a side that survives.
        jpeg_chance, jpeg: coarsest rounding of JPEG coefficients, as a multiple of quality 50.
    """

    gamma_chance: float = 0.6
    gamma: float = 0.6
    tone_chance: float = 0.6
    contrast: float = 0.5
    brightness: float = 0.2
    light_chance: float = 0.4
    light: float = 0.7
    dark_chance: float = 0.1
    dark: float = 0.15
    noise_chance: float = 0.5
    noise: float = 0.06
    blur_chance: float = 0.3
    blur: float = 2.0
    motion_chance: float = 0.12
    motion: float = 10.0
    resolution_chance: float = 0.3
    resolution: float = 0.22
    jpeg_chance: float = 0.35
    jpeg: float = 3.0

    def __post_init__(self) -> None:
        for name in ("gamma", "tone", "light", "dark", "noise", "blur", "motion", "resolution", "jpeg"):
            if not 0 <= getattr(self, f"{name}_chance") <= 1:
                raise ValueError(f"{name}_chance must be 0 to 1, not {getattr(self, f'{name}_chance')}")
        for name in ("gamma", "contrast", "brightness", "light", "noise", "blur", "motion", "jpeg"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be 0 or more, not {getattr(self, name)}")
        if not (0 < self.dark <= 1 and 0 < self.resolution <= 1):
            raise ValueError(f"dark and resolution must be above 0, at most 1, not {self.dark}, {self.resolution}")


@torch.no_grad()
def degrade(pictures: Tensor, random: torch.Generator, options: Options) -> Tensor:
    """Every picture altered by its own draw, in the order in which a camera does it.

    Args:
        pictures: float32 (b, 1, h, w) in [0, 1]; is not changed.
        random: on the pictures' device.
        options: how often and how strongly.

    Returns:
        float32 (b, 1, h, w) in [0, 1].
    """
    with torch.autocast(pictures.device.type, enabled=False):
        x = _lit(pictures.float(), random, options)
        x = _blurred(x, random, options)
        x = _moved(x, random, options)
        sigma = _drawn(x, 0, options.noise, random) * _chosen(x, options.noise_chance, random)
        grain = _chosen(x, 0.35, random)  # noise that was there before the picture was scaled to this size
        x = x + grain * sigma * torch.randn(x.shape, generator=random, device=x.device)
        x = _coarsened(x, random, options)
        x = x + ~grain * sigma * torch.randn(x.shape, generator=random, device=x.device)
        return _coded(x.clamp(0, 1), random, options).clamp(0, 1)


def _lit(x: Tensor, random: torch.Generator, options: Options) -> Tensor:
    """Gamma, contrast, brightness, light from one side, dim light."""
    power = _drawn(x, -options.gamma, options.gamma, random).exp()
    x = torch.where(_chosen(x, options.gamma_chance, random), x.clamp(1e-4, 1) ** power, x)
    mean = x.mean(dim=(2, 3), keepdim=True)
    stretch = _drawn(x, -options.contrast, options.contrast, random).exp()
    toned = (x - mean) * stretch + mean + _drawn(x, -options.brightness, options.brightness, random)
    x = torch.where(_chosen(x, options.tone_chance, random), toned, x)
    angle = _drawn(x, -math.pi, math.pi, random)
    slope = _drawn(x, 0, options.light, random) * _chosen(x, options.light_chance, random)
    down = torch.linspace(-1, 1, x.shape[2], device=x.device)[:, None]
    across = torch.linspace(-1, 1, x.shape[3], device=x.device)
    x = (x * (1 + slope * (angle.cos() * across + angle.sin() * down) / math.sqrt(2))).clamp(0, 1)
    share = _drawn(x, math.log(options.dark), 0, random).exp()
    noise = 0.012 * torch.randn(x.shape, generator=random, device=x.device)
    dim = x * share + noise * (x * share + 0.1).sqrt() * 3
    raised = _chosen(x, 0.5, random)  # the camera's gain makes up for most of it, and for the noise too
    dim = torch.where(raised, dim / share.clamp(min=0.15) * 0.8, dim)
    return torch.where(_chosen(x, options.dark_chance, random), dim, x).clamp(0, 1)


def _blurred(x: Tensor, random: torch.Generator, options: Options) -> Tensor:
    sigma = _drawn(x, 0.3, max(options.blur, 0.3), random)[:, 0]  # (b, 1, 1)
    mask = _chosen(x, options.blur_chance, random)[:, 0, 0, 0]
    if options.blur == 0 or not bool(mask.any()):
        return x
    found = x.clone()
    found[mask] = _product(_gaussian(x.shape[2], sigma[mask]), x[mask], _gaussian(x.shape[3], sigma[mask]))
    return found


def _gaussian(size: int, sigma: Tensor) -> Tensor:
    """Matrices (b, size, size) that blur along one axis; beyond the edge nothing counts."""
    at = torch.arange(size, device=sigma.device, dtype=sigma.dtype)
    weights = torch.exp(-0.5 * ((at[:, None] - at) / sigma) ** 2)
    return weights / weights.sum(dim=2, keepdim=True)


def _moved(x: Tensor, random: torch.Generator, options: Options) -> Tensor:
    """Motion blur along a straight line."""
    length = _drawn(x, 1, max(options.motion, 1), random)[:, 0, 0, 0]
    angle = _drawn(x, 0, math.pi, random)[:, 0, 0, 0]
    mask = _chosen(x, options.motion_chance, random)[:, 0, 0, 0]
    if options.motion == 0 or not bool(mask.any()):
        return x
    some, length, angle = x[mask], length[mask], angle[mask]
    step = torch.stack([length * angle.cos() * 2 / x.shape[3], length * angle.sin() * 2 / x.shape[2]], dim=1)
    still = torch.eye(2, 3, device=x.device).expand(len(some), 2, 3)
    grid = functional.affine_grid(still, list(some.shape), align_corners=False)
    total = torch.zeros_like(some)
    for share in torch.linspace(-0.5, 0.5, TAPS).tolist():
        shifted = grid + share * step[:, None, None, :]
        total += functional.grid_sample(some, shifted, padding_mode="border", align_corners=False)
    found = x.clone()
    found[mask] = total / TAPS
    return found


def _coarsened(x: Tensor, random: torch.Generator, options: Options) -> Tensor:
    """Fewer pixels: averaged onto a coarser grid, then interpolated linearly."""
    share = _drawn(x, math.log(options.resolution), 0, random).exp()[:, 0]
    mask = _chosen(x, options.resolution_chance, random)[:, 0, 0, 0]
    if options.resolution == 1 or not bool(mask.any()):
        return x
    found = x.clone()
    found[mask] = _product(_coarse(x.shape[2], share[mask]), x[mask], _coarse(x.shape[3], share[mask]))
    return found


def _coarse(size: int, share: Tensor) -> Tensor:
    """Matrices (b, size, size): down to ``share`` of the pixels and up again, along one axis."""
    at = torch.arange(size, device=share.device, dtype=share.dtype) + 0.5
    cells = (share * size).round().clamp(min=2)  # (b, 1, 1)
    width = size / cells
    place = at[:, None] / width - 0.5  # where each pixel lies among the coarse ones, (b, size, 1)
    below = place.floor()
    total = torch.zeros(len(share), size, size, device=share.device, dtype=share.dtype)
    for cell, weight in ((below, below + 1 - place), (below + 1, place - below)):
        centre = (torch.minimum(cell.clamp(min=0), cells - 1) + 0.5) * width
        cover = (width / 2 + 0.5 - (at - centre).abs()).clamp(min=0, max=1)
        total += weight * cover / cover.sum(dim=2, keepdim=True)
    return total


def _product(rows: Tensor, x: Tensor, columns: Tensor) -> Tensor:
    return (rows @ x[:, 0] @ columns.transpose(1, 2))[:, None]


def _coded(x: Tensor, random: torch.Generator, options: Options) -> Tensor:
    """JPEG's loss: rounded cosine coefficients of 8 x 8 blocks."""
    factor = _drawn(x, math.log(0.2), math.log(max(options.jpeg, 0.2)), random).exp()
    mask = _chosen(x, options.jpeg_chance, random)[:, 0, 0, 0]
    if options.jpeg == 0 or not bool(mask.any()):
        return x
    some = x[mask]
    n, _, h, w = some.shape
    bottom, right = -h % BLOCK, -w % BLOCK
    whole = functional.pad(some, (0, right, 0, bottom), mode="replicate")[:, 0]
    down, across = whole.shape[1] // BLOCK, whole.shape[2] // BLOCK
    blocks = whole.reshape(n, down, BLOCK, across, BLOCK).transpose(2, 3)
    cosines = _cosines(x.device)
    coefficients = cosines @ (blocks - 0.5) @ cosines.T
    table = torch.tensor(_TABLE, device=x.device, dtype=x.dtype) / 255
    table = (table * factor[mask][:, :, :, :, None]).clamp(min=1 / 255)
    blocks = cosines.T @ ((coefficients / table).round() * table) @ cosines + 0.5
    found = x.clone()
    found[mask] = blocks.transpose(2, 3).reshape(n, 1, down * BLOCK, across * BLOCK)[:, :, :h, :w]
    return found


def _cosines(device: torch.device) -> Tensor:
    """The orthonormal cosine transform of 8 values, a matrix (8, 8)."""
    k = torch.arange(BLOCK, device=device, dtype=torch.float32)
    matrix = torch.cos(math.pi / BLOCK * (k + 0.5) * k[:, None]) * math.sqrt(2 / BLOCK)
    matrix[0] /= math.sqrt(2)
    return matrix


def _drawn(x: Tensor, low: float, high: float, random: torch.Generator) -> Tensor:
    """One number per picture, (b, 1, 1, 1), uniform from ``low`` to ``high``."""
    return low + (high - low) * torch.rand(len(x), 1, 1, 1, generator=random, device=x.device)


def _chosen(x: Tensor, chance: float, random: torch.Generator) -> Tensor:
    """Which pictures are taken, bool (b, 1, 1, 1)."""
    return torch.rand(len(x), 1, 1, 1, generator=random, device=x.device) < chance
