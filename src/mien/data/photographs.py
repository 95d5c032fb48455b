"""Photographs of anything, whitened and cut into patches: what Fig. 1 of the report learns its edges from.

The preparation is Olshausen and Field's (Nature 381, 1996; Vision Research 37, 1997) and that of the CS294A
exercise: photographs have power spectra of about 1/f^2; the filter ``R(f) = f exp(-(f/f0)^4)`` flattens them up
to ``f0`` and cuts off what lies above, where the sampling grid's corners and the camera's noise are.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from mien.data.picture import SUFFIXES, Picture
from mien.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

CUTOFF = 0.4
"""f0 in cycles per pixel: 0.4 N cycles per picture of N pixels, 200 of 512."""

VARIANCE = 0.1
"""Of all pixels of all whitened photographs together."""

SMALLEST = 64  # pixels of the shorter side; a smaller picture has hardly a patch that is no neighbour of another
LONGEST = 512  # pixels of the longer side, as in the original ten pictures; larger ones are averaged down
MOST = 400  # photographs read of a folder: 250 MB

_MARGIN = 32  # pixels mirrored around a photograph before the filter, whose response has faded to 1e-4 there
_TRUNCATION = 3.0  # standard deviations


@dataclass(frozen=True, slots=True)
class Photographs:
    """What a folder held.

    Attributes:
        pictures: grey, float32 (height, width) in [0, 1]; sizes differ.
        names: of their files, relative to the folder.
        skipped: ``name: reason`` for each image file that could not be used.
        unread: image files left out because ``MOST`` are enough.
    """

    pictures: tuple[NDArray[np.float32], ...]
    names: tuple[str, ...]
    skipped: tuple[str, ...] = ()
    unread: int = 0


def read(folder: str | Path, most: int = MOST) -> Photographs:
    """Every photograph in a folder and the folders in it, as grey.

    Colour becomes luma; whatever is longer than ``LONGEST`` is averaged down (the statistics of photographs do not
    depend on the scale, but the sharpest octave of a large one is the camera's, not the scene's). Of more than
    ``most`` files, ``most`` evenly spaced ones are taken, by name.

    Raises:
        DataError: no such folder, or not one photograph in it could be used.
    """
    root = Path(folder)
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; give a folder of photographs")
    try:
        found = sorted(p for p in root.rglob("*") if p.suffix.lower() in SUFFIXES and not p.name.startswith("."))
    except OSError as error:
        raise DataError(f"{root}: cannot be listed ({error.strerror}); check its permissions") from error
    if not found:
        raise DataError(f"{root}: holds no image files; give a folder of photographs ({' '.join(SUFFIXES)})")
    chosen = [found[i * len(found) // most] for i in range(most)] if len(found) > most else found
    pictures, names, skipped = [], [], []
    for path in chosen:
        name = path.relative_to(root).as_posix()
        try:
            pictures.append(_grey(path))
            names.append(name)
        except DataError as error:
            skipped.append(f"{name}: {str(error).removeprefix(f'{path}: ')}")
    if not pictures:
        raise DataError(f"{root}: not one of {len(skipped)} image files could be used; the first: {skipped[0]}")
    return Photographs(tuple(pictures), tuple(names), tuple(skipped), len(found) - len(chosen))


def whiten(picture: NDArray[np.float32], cutoff: float = CUTOFF) -> NDArray[np.float32]:
    """Filter one picture with ``R(f) = f exp(-(f/cutoff)^4)``.

    ``f`` is the length of the frequency in cycles per pixel, the same along both axes, so that an oblong picture
    is filtered like a square one. The picture is mirrored around its edges first: the Fourier transform takes it
    for periodic, and the jump from its right to its left edge would be the strongest edge of all.

    Args:
        picture: (height, width), any linear scale.
        cutoff: cycles per pixel.

    Returns:
        float32 (height, width); its scale is the picture's, its mean about 0.
    """
    height, width = picture.shape
    margin = min(_MARGIN, height, width)
    wide = np.pad(picture.astype(np.float64), margin, mode="symmetric")
    f = np.hypot(np.fft.fftfreq(wide.shape[0])[:, None], np.fft.rfftfreq(wide.shape[1])[None, :])
    filtered = np.fft.irfft2(np.fft.rfft2(wide) * f * np.exp(-((f / cutoff) ** 4)), s=wide.shape)
    return filtered[margin : margin + height, margin : margin + width].astype(np.float32)


def whiten_all(pictures: Sequence[NDArray[np.float32]]) -> tuple[NDArray[np.float32], ...]:
    """Whiten each picture, then scale all by one factor, so that their pixels' variance is ``VARIANCE``.

    Raises:
        DataError: the pictures are all flat.
    """
    whitened = [whiten(p) for p in pictures]
    pixels = sum(p.size for p in whitened)
    mean = sum(float(p.sum(dtype=np.float64)) for p in whitened) / pixels
    variance = sum(float(np.square(p - mean, dtype=np.float64).sum()) for p in whitened) / pixels
    if variance < 1e-12:
        raise DataError("the photographs are flat: there is nothing to learn from; give pictures of something")
    scale = np.float32(np.sqrt(VARIANCE / variance))
    return tuple(p * scale for p in whitened)


def patches(
    pictures: Sequence[NDArray[np.float32]], count: int, size: int = 8, seed: int = 0, border: int = 4
) -> NDArray[np.float32]:
    """Square patches at random: each picture as likely as any other, then each place in it.

    Args:
        pictures: whitened, (height, width) each.
        count: patches.
        size: pixels of a side.
        seed: equal seeds give equal patches.
        border: pixels along the edges that no patch touches: the filter has seen mirrored pixels there.

    Returns:
        float32 (count, size * size), rows of a patch one after the other.

    Raises:
        DataError: no pictures, or one is too small for a patch.
    """
    if not pictures:
        raise DataError("no photographs to cut patches from")
    shapes = np.array([p.shape for p in pictures])
    places = shapes - size - 2 * border + 1
    if (places < 1).any():
        least = size + 2 * border
        raise DataError(f"a photograph of {shapes.min()} pixels is too small for patches; it needs {least}")
    random = np.random.default_rng(seed)
    which = random.integers(len(pictures), size=count)
    corners = border + np.floor(random.random((count, 2)) * places[which]).astype(np.intp)
    found = np.empty((count, size, size), np.float32)
    for k, picture in enumerate(pictures):
        mine = np.flatnonzero(which == k)
        windows = np.lib.stride_tricks.sliding_window_view(picture, (size, size))
        found[mine] = windows[corners[mine, 0], corners[mine, 1]]
    return found.reshape(count, size * size)


def truncation(x: NDArray[np.float32]) -> float:
    """The largest value that ``scaled`` lets through: 3 standard deviations of the patches less their own means."""
    return _TRUNCATION * float((x - x.mean(axis=1, keepdims=True)).std(dtype=np.float64))


def scaled(x: NDArray[np.float32], limit: float) -> NDArray[np.float32]:
    """Patches for tanh units: each less its own mean, truncated at ``limit`` and divided by it.

    Args:
        x: (n, pixels).
        limit: ``truncation`` of the patches that are learned from; held-out patches take the same.

    Returns:
        float32 (n, pixels) in [-1, 1].

    Source: ``sampleIMAGES`` of the CS294A exercise.
    """
    if not limit > 0:
        raise ValueError(f"limit must be more than 0, not {limit}")
    centred = x - x.mean(axis=1, keepdims=True)
    return cast("NDArray[np.float32]", np.clip(centred / np.float32(limit), -1, 1).astype(np.float32))


def for_logistic(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scaled patches for logistic units: [-1, 1] to [0.1, 0.9], where the unit's slope is not yet lost."""
    return ((x + 1) * np.float32(0.4) + np.float32(0.1)).astype(np.float32)


def _grey(path: Path) -> NDArray[np.float32]:
    grey = Picture(path)()
    height, width = grey.shape
    if min(height, width) < SMALLEST:
        raise DataError(f"{path}: {width}x{height} pixels are too few; a photograph needs {SMALLEST} each way")
    if grey.min() == grey.max():
        raise DataError(f"{path}: shows one even grey; there is nothing to learn from")
    scale = max(LONGEST / max(height, width), SMALLEST / min(height, width))
    if scale < 1:
        smaller = (max(SMALLEST, round(width * scale)), max(SMALLEST, round(height * scale)))
        grey = cast("NDArray[np.uint8]", cv2.resize(grey, smaller, interpolation=cv2.INTER_AREA))
    return grey.astype(np.float32) / np.float32(255)
