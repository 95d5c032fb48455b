"""Face crops in image files: a whole picture, or a part of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from mien.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mien.types import Box, Grey

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".pgm", ".ppm")
"""Endings, in lower case, of the files that readers take for pictures."""

LARGEST_BOX = 4
"""How many times a picture's longer side a face's box may measure; beyond that it is in other units."""

# How OpenCV's frontal cascade frames a face, by its eyes: medians over the 796 of 920 CK+ faces in which its eye
# cascade finds one eye on each side. Middle half of them: distance 0.340-0.370, middle 0.479-0.490 and 0.392-0.406.
EYE_DISTANCE = 0.353  # share of the side between the centres of the eyes
EYES_MIDDLE = (0.485, 0.398)  # share of the side from the left and the top to the point between the eyes

_ONE_EYE, _OTHER_EYE = slice(36, 42), slice(42, 48)  # iBUG order of the 68 points


@dataclass(frozen=True, slots=True)
class Square:
    """A square of whole pixels, which may reach beyond the picture: left and top edge, length of a side."""

    x: int
    y: int
    side: int


@dataclass(frozen=True, slots=True)
class Picture:
    """Reads one face crop, a ``FaceReader``.

    Attributes:
        path: an image file; colour is turned to grey, 16 bits to 8.
        square: the part that is the face, or ``None`` where the whole picture is. Beyond the picture's edge its
            outermost pixels are repeated.
    """

    path: Path
    square: Square | None = None

    def __call__(self) -> Grey:
        """The crop, uint8 (height, width).

        Raises:
            DataError: the file is missing, cut off, or no image.
        """
        grey = read_grey(self.path)
        return grey if self.square is None else crop(grey, self.square)


@dataclass(frozen=True, slots=True)
class BoxedPicture:
    """Reads the face in a box of a picture, a ``FaceReader``.

    Attributes:
        path: as ``Picture.path``.
        box: where the face is, pixels; rounded to whole ones.
    """

    path: Path
    box: Box

    def __call__(self) -> Grey:
        """The box, uint8 (height, width); beyond the picture's edge its outermost pixels are repeated.

        Raises:
            DataError: the file is missing, cut off or no image, or the box lies beside it or is far larger.
        """
        grey = read_grey(self.path)
        left, top = round(self.box.x), round(self.box.y)
        width, height = round(self.box.width), round(self.box.height)
        beside = left >= grey.shape[1] or top >= grey.shape[0] or left + width <= 0 or top + height <= 0
        if beside or max(width, height) > LARGEST_BOX * max(grey.shape):
            raise DataError(
                f"{self.path}: the box of {width} x {height} pixels at ({left}, {top}) "
                f"{'lies beside' if beside else 'is too large for'} this picture of {grey.shape[1]} x "
                f"{grey.shape[0]}; mend the box"
            )
        return _cut_out(grey, top + np.arange(height), left + np.arange(width))


def face_square(landmarks: Sequence[tuple[float, float]]) -> Square:
    """The square that OpenCV's frontal cascade would about give for a face with these landmarks.

    It hangs on the eyes alone (see ``EYE_DISTANCE``), which stay where they are when the mouth opens.

    Args:
        landmarks: 68 (x, y) points in pixels, iBUG order.

    Raises:
        ValueError: there are not 68 of them, or the eyes coincide.
    """
    points = np.array(landmarks, np.float64)
    if points.shape != (68, 2) or not np.isfinite(points).all():
        raise ValueError("68 finite points (x y) are needed")
    one, other = points[_ONE_EYE].mean(0), points[_OTHER_EYE].mean(0)
    side = float(np.linalg.norm(other - one)) / EYE_DISTANCE
    if side < 4:
        raise ValueError("the eyes lie upon each other")
    left, top = (one + other) / 2 - side * np.array(EYES_MIDDLE)
    return Square(round(left), round(top), round(side))


def crop(grey: Grey, square: Square) -> Grey:
    """The part of ``grey`` in ``square``, uint8 (side, side); beyond the edge its outermost pixels are repeated."""
    span = np.arange(square.side)
    return _cut_out(grey, square.y + span, square.x + span)


def read_grey(path: Path) -> Grey:
    """A whole picture, uint8 (height, width); colour is turned to grey, 16 bits to 8.

    Raises:
        DataError: the file is missing, empty, cut off, or no image.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); check the data set's files") from error
    try:
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE) if content else None
    except cv2.error as error:
        raise DataError(f"{path}: cannot be decoded ({error.err}); fetch this file again") from error
    if pixels is None:
        raise DataError(f"{path}: empty, cut off or not an image; fetch this file again")
    return cast("Grey", pixels)


def _cut_out(grey: Grey, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Grey:
    """Those rows and columns; beyond the edge its outermost pixels are repeated."""
    rows = np.clip(rows, 0, grey.shape[0] - 1)
    columns = np.clip(columns, 0, grey.shape[1] - 1)
    return grey[np.ix_(rows, columns)]
