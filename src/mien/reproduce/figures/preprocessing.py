"""Fig. 2: a face before and after preprocessing, by the oval mask of section 2.2 and as in section 3.2."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

import cv2
import numpy as np
from matplotlib.patches import Rectangle

from mien.errors import ModelError
from mien.faces import oval, patches
from mien.faces.detect import haar
from mien.reproduce.figures import _sheet

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from mien.types import Box, Grey

STILL = 48
"""Pixels: side of the masked still; the report says "smaller dimensions"."""


def photograph() -> Grey:
    """The face that comes with mien: a crop of a NASA photograph in the public domain, uint8 (128, 128)."""
    data = resources.files("mien.reproduce").joinpath("astronaut.png").read_bytes()
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE), np.uint8)


def face_in(grey: Grey) -> Box:
    """Where Viola-Jones finds the face.

    Raises:
        ModelError: it finds none.
    """
    found = haar.build(haar.Options()).search(grey, max(grey.shape))
    if not found:
        raise ModelError("Viola-Jones finds no face in the photograph of Fig. 2; reinstall mien and OpenCV")
    return max(found, key=lambda face: face.score).box


@_sheet.drawn
def draw() -> Figure:
    """The photograph, the masked still, the detector's box, and the patch that the network sees."""
    grey = photograph()
    box = face_in(grey)
    crop = patches.cut(grey, box, patches.Options(size=STILL))
    patch = patches.cut(grey, box, patches.Options())
    height = 3.25
    figure = _sheet.sheet(
        height, "Before and after preprocessing", "NASA photograph, public domain; pixels as the program makes them"
    )
    steps: tuple[tuple[NDArray[np.generic], str], ...] = (
        (grey, "the picture"),
        (oval.mask(crop), f"section 2.2: oval mask,\n{STILL} × {STILL}, 0 outside"),
        (grey, "section 3.2:\nface by Viola-Jones"),
        (patch, f"{patch.shape[0]} × {patch.shape[1]} patch,\ndarkest 0, brightest 1"),
    )
    side, gap = 1.95, 0.4
    for k, (picture, name) in enumerate(steps):
        left = 0.1 + k * (side + gap)
        axes = _sheet.place(figure, left, height - 0.7 - side, _sheet.WIDTH - left - side, 0.7)
        axes.imshow(picture, cmap="gray", interpolation="none")
        axes.set_axis_off()
        axes.text(0, -0.05, name, transform=axes.transAxes, va="top", fontsize=_sheet.TEXT)
        if k == 2:
            frame = Rectangle((box.x, box.y), box.width, box.height, fill=False, edgecolor="white", linewidth=3.5)
            axes.add_patch(frame)
            line = Rectangle(
                (box.x, box.y), box.width, box.height, fill=False, edgecolor=_sheet.BLUE, linewidth=1.8
            )
            axes.add_patch(line)
        if k in (0, 2):
            axes.annotate(
                "",
                (1 + 0.9 * gap / side, 0.5),
                (1 + 0.1 * gap / side, 0.5),
                xycoords="axes fraction",
                arrowprops={"arrowstyle": "-|>", "color": _sheet.INK, "shrinkA": 0, "shrinkB": 0},
            )
    return figure
