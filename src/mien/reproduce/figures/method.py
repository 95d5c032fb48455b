"""Fig. 4: the method, from the video to the probabilities."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Rectangle

from mien.faces import patches
from mien.reproduce.figures import _sheet, preprocessing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT = 4.75
_LAYERS = ((4.35, 9, "576"), (5.05, 5, "250"), (5.75, 9, "576"))  # inches from the left, dots, units
_MIDDLE = 3.05  # inches: the height at which the upper row runs


@_sheet.drawn
def draw() -> Figure:
    """The diagram; it holds no measured number."""
    figure = _sheet.sheet(
        HEIGHT, "The method", "sections 3.2 to 4.4 of the 2010 report; NASA photograph, public domain"
    )
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, _sheet.WIDTH)
    axes.set_ylim(0, HEIGHT)
    axes.set_axis_off()
    _pictures(figure, axes)
    _autoencoder(axes)
    _joined(axes)
    _classifiers(axes)
    return figure


def _pictures(figure: Figure, axes: Axes) -> None:
    grey = preprocessing.photograph()
    box = preprocessing.face_in(grey)
    side = 1.05
    bottom = _MIDDLE - side / 2
    for k in (2, 1):  # the frames behind the first
        frame = Rectangle((0.2 + 0.09 * k, bottom + 0.09 * k), side, side, facecolor="#9a9a9a", edgecolor="white")
        axes.add_patch(frame)
    photo = _sheet.place(figure, 0.2, bottom, _sheet.WIDTH - 0.2 - side, HEIGHT - bottom - side)
    photo.imshow(grey, cmap="gray", interpolation="none")
    photo.set_axis_off()
    for colour, width in (("white", 3.0), (_sheet.BLUE, 1.5)):
        photo.add_patch(
            Rectangle((box.x, box.y), box.width, box.height, fill=False, edgecolor=colour, linewidth=width)
        )
    patch = patches.cut(grey, box, patches.Options())
    small = 0.85
    view = _sheet.place(
        figure, 2.45, _MIDDLE - small / 2, _sheet.WIDTH - 2.45 - small, HEIGHT - _MIDDLE - small / 2
    )
    view.imshow(patch, cmap="gray", interpolation="none")
    view.set_axis_off()
    _below(axes, 0.2 + side / 2, "video,\nframe by frame")
    _arrow(axes, 1.5, _MIDDLE, 2.38, _MIDDLE)
    axes.text(1.94, _MIDDLE + 0.1, "Viola-Jones", ha="center", fontsize=_sheet.SMALL)
    _below(axes, 2.45 + small / 2, "24 × 24 pixels,\nscaled to 0 … 1")
    _arrow(axes, 3.38, _MIDDLE, 4.2, _MIDDLE)


def _autoencoder(axes: Axes) -> None:
    spots = []
    for x, count, units in _LAYERS:
        column = [(x, float(y)) for y in _MIDDLE + np.linspace(-0.55, 0.55, count)]
        spots.append(column)
        axes.text(x, _MIDDLE + 0.7, units, ha="center", weight="bold")
    for before, after in pairwise(spots):
        for x0, y0 in before:
            for x1, y1 in after:
                axes.plot([x0, x1], [y0, y1], color="#cfcfcf", linewidth=0.5, zorder=1)
    for column, colour in zip(spots, (_sheet.FAINT, _sheet.BLUE, _sheet.FAINT), strict=True):
        for at in column:
            axes.add_patch(Circle(at, 0.055, facecolor=colour, edgecolor="white", linewidth=0.8, zorder=2))
    _below(axes, _LAYERS[1][0], "sparse autoencoder:\nlearns without labels")


def _joined(axes: Axes) -> None:
    """The vector that the classifier sees: always the features, and by experiment the two label blocks."""
    left, width = 6.75, 2.25
    blocks = (
        ("250 features", _sheet.BLUE, "white", "-"),
        ("FACS: true or predicted", "white", _sheet.INK, "--"),
        ("tracking labels", "white", _sheet.INK, "--"),
    )
    for k, (text, face, ink, line) in enumerate(blocks):
        y = _MIDDLE + 0.35 - 0.42 * k
        axes.add_patch(
            Rectangle((left, y - 0.18), width, 0.36, facecolor=face, edgecolor=_sheet.BLUE, linestyle=line)
        )
        axes.text(left + width / 2, y, text, ha="center", va="center", color=ink)
    # The features leave the hidden layer, over the decoder, which is not used any more.
    x, y = _LAYERS[1][0], _MIDDLE + 0.95
    axes.plot([x, x, 6.4, 6.4], [y - 0.04, y + 0.12, y + 0.12, _MIDDLE + 0.35], color=_sheet.BLUE, linewidth=1.6)
    _arrow(axes, 6.4, _MIDDLE + 0.35, left - 0.05, _MIDDLE + 0.35, _sheet.BLUE)
    axes.text(
        left + width / 2, _MIDDLE + 0.62, "joined in one vector", ha="center", va="bottom", fontsize=_sheet.SMALL
    )
    axes.text(
        left + width / 2, _MIDDLE - 0.74, "dashed: by experiment", ha="center", va="top", fontsize=_sheet.SMALL,
        color=_sheet.FAINT,
    )  # fmt: skip


def _classifiers(axes: Axes) -> None:
    for x, title, text in (
        (6.55, "softmax", "one of K"),
        (7.95, "logistic", "per expression"),
    ):
        axes.add_patch(
            FancyBboxPatch(
                (x, 0.62), 1.15, 0.62, boxstyle="round,pad=0.03", facecolor="#eef5fa", edgecolor=_sheet.BLUE
            )
        )
        axes.text(x + 0.575, 1.05, title, ha="center", va="center", weight="bold")
        axes.text(x + 0.575, 0.8, text, ha="center", va="center", fontsize=_sheet.SMALL)
        _arrow(axes, x + 0.575, _MIDDLE - 1.02, x + 0.575, 1.31)
    _arrow(axes, 6.45, 0.93, 5.6, 0.93)
    _curves(axes)


def _curves(axes: Axes) -> None:
    """A small chart: one probability rises over the sequence, the others stay low. A sketch, not a result."""
    left, bottom, width, height = 3.3, 0.55, 2.15, 0.85
    axes.plot([left, left, left + width], [bottom + height, bottom, bottom], color=_sheet.FAINT, linewidth=1)
    t = np.linspace(0, 1, 60)
    rise = 1 / (1 + np.exp(-10 * (t - 0.4)))
    curves = (
        (0.08 + 0.82 * rise, _sheet.BLUE, "-", 2.2),
        (0.62 - 0.55 * rise, _sheet.FAINT, "--", 1.4),
        (0.16 - 0.08 * rise, _sheet.VERMILLION, ":", 1.8),
    )
    for values, colour, style, line in curves:
        axes.plot(left + t * width, bottom + values * height, color=colour, linestyle=style, linewidth=line)
    axes.text(left + width / 2, bottom - 0.08, "probabilities over the sequence", ha="center", va="top")


def _below(axes: Axes, x: float, text: str) -> None:
    axes.text(x, _MIDDLE - 0.7, text, ha="center", va="top")


def _arrow(axes: Axes, x0: float, y0: float, x1: float, y1: float, colour: str = _sheet.INK) -> None:
    axes.add_patch(
        FancyArrowPatch(
            (x0, y0),
            (x1, y1),
            arrowstyle="-|>",
            mutation_scale=11,
            color=colour,
            linewidth=1.4,
            shrinkA=0,
            shrinkB=0,
        )
    )
