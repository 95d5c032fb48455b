"""The picture behind ``--plot``; imports matplotlib, so it is loaded when it is asked for.

Uses figures without pyplot, so no window system and no global state are touched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.lines import Line2D

from mien.output import unit_strip
from mien.output.colours import colours

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from matplotlib.axes import Axes

    from mien.labels import LabelSet
    from mien.output.timeline import Segment, Timeline

    Rgb = tuple[float, float, float]

_STYLES: tuple[tuple[float, tuple[float, ...]], ...] = (
    (0, ()),
    (0, (5, 1.5)),
    (0, (1.2, 1.2)),
    (0, (6, 1.5, 1.2, 1.5)),
)
"""Line styles in turn, so that colour is never the only difference between neighbours."""

_POINTS = 320
"""Points per curve at most: finer ones fill the panel with ink. The strip keeps the full resolution."""

_INK = "#222222"
_FAINT = "#8A8A8A"
_STRIP = (-0.135, -0.035)  # where the strip lies below the curves, in units of probability
_UNDATED: dict[str, dict[str, None]] = {"png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
_WIDTH, _PANEL, _MARGINS = 11.0, 2.1, 1.6  # inches
_LEFT = 0.075  # of the width, where the panels begin
_DPI = 150


def draw(
    file: BinaryIO,
    kind: str,
    labelled: LabelSet,
    faces: Mapping[int, Timeline],
    span: tuple[float, float],
    *,
    timed: bool,
    title: str,
    note: str,
) -> None:
    """Draw one panel per face, with a strip of its action units where the model has any, and write the picture.

    Args:
        file: takes the picture.
        kind: ``png``, ``svg`` or ``pdf``.
        labelled: the model's labels and action units.
        faces: what was seen of each face, by its id: labels first, then action units.
        span: first and last moment of the video.
        timed: moments are seconds, not image numbers.
        title: what the picture is about.
        note: small print beneath the title.

    Raises:
        OSError: the file cannot be written.
    """
    labels, units = labelled.expressions, labelled.action_units
    panels = max(1, len(faces))
    height = _MARGINS + (_PANEL + unit_strip.height(units)) * panels
    figure = Figure(figsize=(_WIDTH, height), facecolor="white")
    FigureCanvasAgg(figure)
    tint = {label: (r / 255, g / 255, b / 255) for label, (r, g, b) in colours(labels).items()}
    left = unit_strip.LEFT if units else _LEFT
    grid, strips = _panels(figure, panels, units, left, height)
    figure.text(_LEFT, 1 - 0.22 / height, _shown(title), fontsize=13, weight="bold", color=_INK, va="center")
    figure.text(0.985, 1 - 0.22 / height, note, fontsize=8.5, color=_FAINT, va="center", ha="right")
    _legend(figure, labels, tint, 1 - 0.6 / height)
    length = (span[1] - span[0]) / _POINTS
    for axes, (face, timeline) in zip(grid, faces.items(), strict=False):
        _curves(axes, labels, tint, timeline.segments(length))
        _strip(axes, labels, tint, timeline.segments())
        axes.set_title(f"face {face}", loc="left", fontsize=9.5, weight="bold", color=_INK, pad=3)
    for axes, timeline in zip(strips, faces.values(), strict=False):
        unit_strip.draw(axes, len(labels), timeline.segments(), length)
    for axes in grid:
        _dress(axes, span)
    for axes in strips:
        unit_strip.dress(axes, units)
    if strips:
        unit_strip.key(figure, height)
    if not faces:
        grid[0].text(
            0.5, 0.5, "no face was seen", transform=grid[0].transAxes, ha="center", color=_FAINT, fontsize=13
        )
    (strips or grid)[-1].set_xlabel(_axis(faces.values(), length, timed), color=_INK, fontsize=9.5)
    figure.savefig(
        file,
        format=kind,
        dpi=_DPI,
        metadata=_UNDATED[kind],
    )


def _panels(
    figure: Figure, panels: int, units: tuple[str, ...], left: float, height: float
) -> tuple[list[Axes], list[Axes]]:
    """Axes for the curves of each face, and for its action units below them; only the last has numbers."""
    heights = [_PANEL, unit_strip.height(units)] if units else [_PANEL]
    outer = figure.add_gridspec(
        panels,
        1,
        left=left,
        right=0.985,
        top=1 - 1.05 / height,
        bottom=0.5 / height,
        hspace=0.3 * _PANEL / sum(heights),
    )
    curves: list[Axes] = []
    strips: list[Axes] = []
    for place in range(panels):
        rows = outer[place].subgridspec(len(heights), 1, height_ratios=heights, hspace=0.06)
        curves.append(figure.add_subplot(rows[0], sharex=curves[0] if curves else None))
        if units:
            strips.append(figure.add_subplot(rows[1], sharex=curves[0]))
    lowest = (strips or curves)[-1]
    for axes in (*curves, *strips):
        axes.tick_params(labelbottom=axes is lowest)
    return curves, strips


def _axis(timelines: Iterable[Timeline], length: float, timed: bool) -> str:
    """The axis' name, and over how much the curves were averaged where they were."""
    name, unit = ("seconds", "s") if timed else ("image number", "images")
    if any(len(fine[0]) > _POINTS for timeline in timelines for fine in timeline.segments()):
        return f"{name} (each point of a curve is the mean over {length:.2g} {unit})"
    return name


def _curves(axes: Axes, labels: Sequence[str], tint: Mapping[str, Rgb], segments: Sequence[Segment]) -> None:
    """A line per label; a stretch of one point is a dot, a gap stays empty."""
    for first, last, means in segments:
        middle = (first + last) / 2
        for place, label in enumerate(labels):
            axes.plot(
                middle,
                means[:, place],
                color=tint[label],
                linestyle=_style(place),
                linewidth=1.5,
                marker="o" if len(middle) == 1 else "",
                markersize=3,
                clip_on=False,
            )


def _strip(axes: Axes, labels: Sequence[str], tint: Mapping[str, Rgb], segments: Sequence[Segment]) -> None:
    """The most probable label of every moment, as a coloured band below the curves."""
    low, high = _STRIP
    bars: list[list[tuple[float, float]]] = []
    shades: list[Rgb] = []
    for first, last, means in segments:
        typical = float(last[-1] - first[0]) / max(1, len(first) - 1)  # how long the last bin lasts
        edges = np.append(first, last[-1] + typical)
        best = means[:, : len(labels)].argmax(axis=1)
        starts = np.flatnonzero(np.diff(best, prepend=-1))
        for start, end in zip(starts, np.append(starts[1:], len(best)), strict=True):
            x0, x1 = float(edges[start]), float(edges[end])
            bars.append([(x0, low), (x0, high), (x1, high), (x1, low)])
            shades.append(tint[labels[int(best[start])]])
    axes.add_collection(PolyCollection(bars, facecolors=shades, edgecolors=shades, linewidths=0.4), autolim=False)


def _dress(axes: Axes, span: tuple[float, float]) -> None:
    """Scales, grid and frame of one panel."""
    start, end = span
    axes.set_xlim((start, end) if end > start else (start - 0.5, start + 0.5))
    axes.set_ylim(_STRIP[0] - 0.02, 1.03)
    axes.set_yticks([0, 0.5, 1], ["0", "50%", "100%"])
    axes.tick_params(colors=_FAINT, labelcolor=_INK, labelsize=8.5, length=3)
    axes.grid(axis="both", color="#E6E6E6", linewidth=0.7)
    axes.set_axisbelow(True)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color("#BBBBBB")


def _legend(figure: Figure, labels: Sequence[str], tint: Mapping[str, Rgb], y: float) -> None:
    keys = [
        Line2D([], [], color=tint[label], linestyle=_style(place), linewidth=2.2)
        for place, label in enumerate(labels)
    ]
    figure.legend(
        keys,
        [_shown(label) for label in labels],
        loc="center left",
        bbox_to_anchor=(0.067, y),
        frameon=False,
        ncols=len(labels),
        fontsize=9,
        handlelength=2.4,
        columnspacing=1.5,
        handletextpad=0.5,
    )


def _style(place: int) -> tuple[float, tuple[float, ...]]:
    return _STYLES[place % len(_STYLES)]


def _shown(text: str) -> str:
    """Text that matplotlib does not read as a formula, with a box for what its font cannot draw.

    File names hold anything: for a letter that is missing matplotlib would warn, for a byte that is no letter at
    all (a lone surrogate) it would fail.
    """
    font = get_font(findfont(FontProperties(weight="bold")))
    known = font.get_charmap()
    return "".join(letter if ord(letter) in known else "\u25a1" for letter in text).replace("$", r"\$")
