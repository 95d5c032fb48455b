"""Action units over time as a strip of shades, the darker the more probable; drawn below a face's curves.

One hue from white to dark: its order is told by lightness alone, which every reader and a grey print keep.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mien.labels import ACTION_UNITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mien.output.timeline import Segment

LEFT = 0.165
"""Share of the figure's width that the names need."""

_ROW, _GAP = 0.125, 0.12  # inches: of one unit, and between curves and strip
_SHADES = "Blues"
_UNSEEN = "#E4E0D8"  # where the face is out of sight: no shade of the scale
_INK = "#222222"


def height(units: Sequence[str]) -> float:
    """Inches that a strip of these action units takes; 0 where there are none."""
    return _ROW * len(units) + _GAP if units else 0.0


def draw(axes: Axes, skipped: int, segments: Sequence[Segment], length: float) -> None:
    """Shade one face's action units.

    Args:
        axes: of the strip; its x axis is shared with the curves.
        skipped: probabilities before those of the action units: the labels.
        segments: what was seen, in stretches without a gap.
        length: of a stretch that is a single moment, as a moment has no width to shade; 0 where the whole axis is
            a single one.
    """
    for first, last, means in segments:
        typical = float(last[-1] - first[0]) / max(1, len(first) - 1) or length or 1.0
        edges = np.append(first, last[-1] + typical)
        if not length:  # a single picture stands in the middle of its axis
            edges = edges - typical / 2
        shades = means[:, skipped:].T
        axes.pcolormesh(edges, np.arange(len(shades) + 1), shades, cmap=_SHADES, vmin=0, vmax=1, rasterized=True)


def dress(axes: Axes, units: Sequence[str]) -> None:
    """Names, numbers first, from the top down, and a frame without lines."""
    axes.set_facecolor(_UNSEEN)
    axes.set_ylim(len(units), 0)
    axes.set_yticks(np.arange(len(units)) + 0.5, [f"{unit} {ACTION_UNITS[unit]}" for unit in units])
    axes.tick_params(axis="y", length=0, labelsize=6.8, labelcolor=_INK, pad=3)
    axes.tick_params(axis="x", colors="#8A8A8A", labelcolor=_INK, labelsize=8.5, length=3)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color("#BBBBBB")


def key(figure: Figure, inches: float) -> None:
    """What the shades mean, at the foot of the figure, ``inches`` high."""
    axes = figure.add_axes((0.845, 0.13 / inches, 0.11, 0.1 / inches))
    axes.imshow(np.linspace(0, 1, 64)[None], cmap=_SHADES, vmin=0, vmax=1, aspect="auto", extent=(0, 1, 0, 1))
    axes.set_axis_off()
    for x, words, side in ((-0.04, "action units 0", "right"), (1.04, "100%", "left")):
        axes.text(x, 0.5, words, transform=axes.transAxes, ha=side, va="center", fontsize=7.5, color=_INK)
