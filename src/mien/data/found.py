"""Faces found in photographs that show more than the face, by the house's Viola-Jones detector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mien.data.picture import Square, crop, read_grey
from mien.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from mien.faces.detect import Detector
    from mien.types import Box, Grey

LONGEST = 640
"""Pixels to which a photograph's longer side is shrunk for the search: faces of 1/26 of it are found."""


@dataclass(frozen=True, slots=True)
class FoundFace:
    """Reads the largest face in a photograph, a ``FaceReader``; it is looked for anew at every reading.

    Attributes:
        path: an image file; colour is turned to grey, 16 bits to 8.
        detector: shared by a data set's faces; it holds buffers, so one thread may read at a time.
    """

    path: Path
    detector: Detector

    def __call__(self) -> Grey:
        """The detector's square about the face, uint8 (side, side).

        Raises:
            DataError: the file is missing, cut off or no image, or shows no face.
        """
        grey = read_grey(self.path)
        found = self.detector.search(grey, LONGEST)
        if not found:
            raise DataError(f"{self.path}: no face found in it; crop the face by hand and read it as folder:PATH")
        return crop(grey, square(max((face.box for face in found), key=lambda box: box.area)))


def square(box: Box) -> Square:
    """The square of whole pixels about a detected face."""
    return Square(round(box.x), round(box.y), max(round(box.width), 2))
