"""A single image, and a folder of images as a sequence without a clock."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Self, cast

import cv2
import numpy as np

from mien.errors import InputError
from mien.types import Frame, SourceInfo
from mien.video.arrays import ArrayPixels
from mien.video.signatures import HEAD_BYTES, is_image

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from numpy.typing import NDArray

# Depth and colour as stored, transparency dropped, EXIF orientation applied.
_AS_STORED = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR
# Netpbm names its own white: width, height, white, with comments between.
_NETPBM = re.compile(rb"P[2356](?:\s|#[^\n]*\n)+\d+(?:\s|#[^\n]*\n)+\d+(?:\s|#[^\n]*\n)+(\d+)\s")


class ImageFile:
    """One picture as a source of one frame, at time 0.

    JPEG, PNG, BMP, TIFF (its first page), WebP and PNM; 16-bit depth is scaled down to 8, transparency is dropped,
    and an EXIF orientation is applied. A picture that is cut off is refused: half a face must not be scored as a
    whole one.

    Args:
        path: the file. It is read at once.

    Raises:
        InputError: missing, empty, damaged or no picture.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        pixels = read_image(path)
        self._pixels: ArrayPixels | None = ArrayPixels(pixels)
        self._info = SourceInfo(str(path), "image", width=pixels.shape[1], height=pixels.shape[0], frames=1)

    @property
    def info(self) -> SourceInfo:
        """Upright size; one frame."""
        return self._info

    @property
    def decode_errors(self) -> int:
        """Always 0: a damaged picture is refused when the source is made."""
        return 0

    def __iter__(self) -> Iterator[Frame]:
        """The one frame."""
        pixels, self._pixels = self._pixels, None
        if pixels is not None:
            yield Frame(0, 0.0, pixels)

    def close(self) -> None:
        """Let go of the picture; safe to call twice."""
        self._pixels = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class ImageFolder:
    """The pictures of one folder in natural order (``img2`` before ``img10``); frames have no time.

    Files that are not pictures by their first bytes, and folders inside, are passed over. A picture that cannot be
    read is counted in ``decode_errors`` and passed over. Pictures are read one at a time, when their turn comes.

    Args:
        path: the folder.

    Raises:
        InputError: no such folder, or no picture in it.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        folder = Path(path)
        try:
            files = [file for file in folder.iterdir() if file.is_file() and _may_be_image(file)]
        except OSError as error:
            raise InputError(f"{path}: the folder cannot be read ({error.strerror})") from error
        if not files:
            raise InputError(f"{path}: no images in this folder; give one that holds JPEG, PNG or the like")
        self._files = iter(sorted(files, key=lambda file: _natural(file.name)))
        self._errors = 0
        self._index = 0
        self._first = self._next()
        if self._first is None:
            raise InputError(f"{path}: none of its {len(files)} images can be read; save them again")
        height, width = self._first.shape[:2]
        self._info = SourceInfo(str(path), "images", width=width, height=height, frames=len(files))

    @property
    def info(self) -> SourceInfo:
        """Size of the first picture; number of picture files."""
        return self._info

    @property
    def decode_errors(self) -> int:
        """Pictures that could not be read so far."""
        return self._errors

    def __iter__(self) -> Iterator[Frame]:
        """One frame per readable picture; each has its own size."""
        while (pixels := self._first if self._first is not None else self._next()) is not None:
            self._first = None
            index, self._index = self._index, self._index + 1
            yield Frame(index, None, ArrayPixels(pixels))

    def close(self) -> None:
        """Let go of the folder; safe to call twice."""
        self._first = None
        self._files = iter(())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _next(self) -> NDArray[np.uint8] | None:
        for file in self._files:
            try:
                return read_image(file)
            except InputError:
                self._errors += 1
        return None


def read_image(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """One picture, upright: uint8 (height, width) where it is grey, else (height, width, 3) R G B.

    Raises:
        InputError: missing, empty, damaged or no picture.
    """
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the path") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the file") from error
    if not data:
        raise InputError(f"{path}: the file is empty; copy or save it again")
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), _AS_STORED)
    except cv2.error as error:
        raise InputError(f"{path}: cannot be decoded as an image ({error.err}); save it again") from error
    if pixels is None:
        raise InputError(f"{path}: damaged, or not an image that can be read; save it again as JPEG or PNG")
    eight = _in_eight_bits(pixels, data, path)
    return eight if eight.ndim == 2 else cast("NDArray[np.uint8]", cv2.cvtColor(eight, cv2.COLOR_BGR2RGB))


def _in_eight_bits(pixels: NDArray[np.generic], data: bytes, path: object) -> NDArray[np.uint8]:
    if pixels.dtype not in (np.uint8, np.uint16):
        raise InputError(f"{path}: {pixels.dtype} pixels have no agreed white; save it with 8 or 16 bits")
    netpbm = _NETPBM.match(data)
    white = int(netpbm[1]) if netpbm else (1 << 8 * pixels.dtype.itemsize) - 1
    if white == 255:
        return cast("NDArray[np.uint8]", pixels)
    scale = np.float32(255 / max(white, 1))
    scaled = np.minimum(pixels.astype(np.float32) * scale, np.float32(255))
    return cast("NDArray[np.uint8]", np.rint(scaled).astype(np.uint8))


def _natural(name: str) -> tuple[tuple[int, str], ...]:
    """Sorts runs of digits by value and the rest as text; the name itself settles ``1`` against ``01``."""
    parts = re.split(r"([0-9]+)", name)
    keys = tuple((int(part), "") if place % 2 else (0, part.casefold()) for place, part in enumerate(parts))
    return (*keys, (0, name))


def _may_be_image(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            return is_image(stream.read(HEAD_BYTES))
    except OSError:
        return True  # to be counted as unreadable when its turn comes
