"""Small, smooth text on pictures.

OpenCV's line fonts look ragged at the sizes a video needs, so a text is drawn four times too large once,
shrunk to a mask of coverage, and kept. Only ASCII can be drawn; anything else becomes a question mark.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.output.colours import Colour
    from mien.types import Rgb

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_LARGER = 4  # times the final size while drawing
_KEPT = 512  # masks; texts repeat, but face ids go on for ever


class Lettering:
    """Text of one height.

    Args:
        height: of a capital letter, pixels.
    """

    def __init__(self, height: int) -> None:
        self.height = height
        self._masks: dict[tuple[str, bool], NDArray[np.uint16]] = {}

    def width(self, text: str, *, bold: bool = False) -> int:
        """Width of ``text`` in pixels."""
        return int(self._mask(text, bold).shape[1])

    def draw(self, image: Rgb, text: str, x: int, middle: int, colour: Colour, *, bold: bool = False) -> None:
        """Write ``text`` on ``image``, its left edge at ``x`` and its capitals centred on the row ``middle``.

        What lies outside the picture is cut off.
        """
        mask = self._mask(text, bold)
        top = middle - mask.shape[0] // 2
        y0, y1 = max(0, top), min(image.shape[0], top + mask.shape[0])
        x0, x1 = max(0, x), min(image.shape[1], x + mask.shape[1])
        if y0 >= y1 or x0 >= x1:
            return
        cover = mask[y0 - top : y1 - top, x0 - x : x1 - x, None]
        ground = image[y0:y1, x0:x1]
        ground[:] = (ground * (255 - cover) + np.array(colour, np.uint16) * cover + 127) // 255

    def _mask(self, text: str, bold: bool) -> NDArray[np.uint16]:
        """Coverage 0-255 of ``text``, with equal room above and below the capitals."""
        key = (text, bold)
        if key not in self._masks:
            if len(self._masks) >= _KEPT:
                self._masks.clear()
            self._masks[key] = self._render(text.encode("ascii", "replace").decode(), bold)
        return self._masks[key]

    def _render(self, text: str, bold: bool) -> NDArray[np.uint16]:
        capital = self.height * _LARGER
        pen = max(2, round(capital * (0.155 if bold else 0.115)))
        scale = cv2.getFontScaleFromHeight(_FONT, capital, pen)
        (wide, _), _ = cv2.getTextSize(text, _FONT, scale, pen)
        margin = capital // 2  # descenders reach a third of a capital below the line
        margin += -(capital + 2 * margin) % _LARGER
        canvas = np.zeros((capital + 2 * margin, wide + (-wide % _LARGER)), np.uint8)
        cv2.putText(canvas, text, (pen // 2, margin + capital), _FONT, scale, 255, pen, cv2.LINE_AA)
        size = (max(1, canvas.shape[1] // _LARGER), max(1, canvas.shape[0] // _LARGER))
        return cv2.resize(canvas, size, interpolation=cv2.INTER_AREA).astype(np.uint16)
