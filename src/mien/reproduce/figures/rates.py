"""Fig. 7: true against false positive rate, a point per expression, a panel per input."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from mien.reproduce import paper
from mien.reproduce.figures import _sheet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mien.reproduce.results import Row

INPUTS = {"features": "(b) features only", "features+facs": "(a) features + true FACS"}
"""Panels by input."""
SIDE = 4.05
"""Inches: a panel's width and height."""


class _Point(NamedTuple):
    x: float
    y: float
    label: str
    ours: bool


@_sheet.drawn
def draw(
    rows: Sequence[Row],
    *,
    protocol: str,
    note: str,
    inputs: Mapping[str, str] = INPUTS,
    expressions: Sequence[str] = paper.SIX,
) -> Figure:
    """Panels side by side, two in a row; upper left is better, on the diagonal is chance.

    Args:
        rows: results; those of ``table1`` under ``protocol`` with metrics ``tpr`` and ``fpr`` are used, and the
            report's numbers where they carry them.
        protocol: whose rows.
        note: the line under the title.
        inputs: the panels.
        expressions: the points.
    """
    cells = {
        (row.inputs, row.label, row.metric): row
        for row in rows
        if row.experiment == "table1" and row.protocol == protocol and row.metric in ("tpr", "fpr")
    }
    present = [name for name in inputs if any(name == known for known, _, _ in cells)]
    down = max(1, math.ceil(len(present) / 2))
    height = 0.6 + down * (SIDE + 0.85)
    figure = _sheet.sheet(height, "True against false positives", note)
    for k, name in enumerate(present):
        left, top = 0.6 + (k % 2) * (SIDE + 0.4), 0.9 + (k // 2) * (SIDE + 0.85)
        axes = _sheet.place(figure, left, height - top - SIDE, _sheet.WIDTH - left - SIDE, top)
        look = _sheet.LOOKS[list(inputs).index(name) % len(_sheet.LOOKS)]
        _panel(axes, _points(cells, name, expressions), look)
        axes.set_title(inputs[name], loc="left", fontsize=_sheet.TEXT, weight="bold", color=look.colour)
        axes.set_xlabel("false positive rate")
        if k % 2 == 0:
            axes.set_ylabel("true positive rate")
    return figure


def _points(cells: Mapping[tuple[str, str, str], Row], name: str, expressions: Sequence[str]) -> list[_Point]:
    found = []
    for label in expressions:
        if (name, label, "tpr") in cells and (name, label, "fpr") in cells:
            up, across = cells[name, label, "tpr"], cells[name, label, "fpr"]
            found.append(_Point(across.value, up.value, label, True))
            found.append(_Point(across.paper, up.paper, label, False))
    return [point for point in found if math.isfinite(point.x) and math.isfinite(point.y)]


def _panel(axes: Axes, points: Sequence[_Point], look: _sheet.Look) -> None:
    axes.plot([0, 1], [0, 1], color=_sheet.FAINT, linewidth=1.2, linestyle=(0, (4, 2)))
    axes.text(
        0.93, 0.905, "chance", color=_sheet.FAINT, rotation=45, ha="right", va="center", fontsize=_sheet.SMALL
    )
    for ours in (False, True):
        chosen = [point for point in points if point.ours == ours]
        axes.plot(
            [point.x for point in chosen], [point.y for point in chosen], look.marker, linestyle="",
            color=look.colour if ours else "white", markeredgecolor=look.colour, mew=1.4, markersize=7,
            clip_on=False, zorder=3,
        )  # fmt: skip
    for point, (x, y) in zip(points, _labels(points), strict=True):
        if math.hypot(x - point.x, y - point.y) > 0.05:
            axes.plot([point.x, x - 0.005], [point.y, y], color="#9a9a9a", linewidth=0.7, zorder=1, clip_on=False)
        weight = "bold" if point.ours else "normal"
        axes.text(x, y, point.label, va="center", fontsize=_sheet.SMALL, weight=weight, zorder=4)
    for y, text, ours in ((0.115, "ours", True), (0.045, "2010 report", False)):
        face = look.colour if ours else "white"
        axes.plot([0.66], [y], look.marker, color=face, markeredgecolor=look.colour, mew=1.4, markersize=7)
        axes.text(0.69, y, text, va="center", fontsize=_sheet.SMALL, weight="bold" if ours else "normal")
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_aspect("equal")
    ticks = [0, 0.25, 0.5, 0.75, 1]
    axes.set_xticks(ticks, ["0", ".25", ".5", ".75", "1"])
    axes.set_yticks(ticks, ["0", ".25", ".5", ".75", "1"])
    _sheet.dress(axes, "both", ())


def _labels(points: Sequence[_Point]) -> list[tuple[float, float]]:
    """A place for each label: beside its point, or further away where others are in its place already.

    Greedy: places are tried in rings about the point, the right side first, until one is free of labels and
    points; a label that finds none takes the first.
    """
    taken = [(p.x - 0.018, p.y - 0.018, p.x + 0.018, p.y + 0.018) for p in points]
    taken.append((0.63, -0.02, 1.0, 0.15))  # the key
    found = []
    for point in points:
        wide = 0.92 * _sheet.LETTER * (1.1 if point.ours else 0.95) * len(point.label) / SIDE
        high = 0.036
        tries = list(_tries(point, wide))
        free = (at for at in tries if not any(_touch(_around(at, wide, high), box) for box in taken))
        x, y = next(free, tries[0])
        taken.append(_around((x, y), wide, high))
        found.append((x, y))
    return found


def _tries(point: _Point, wide: float) -> list[tuple[float, float]]:
    places = [(point.x + 0.028, point.y), (point.x - 0.028 - wide, point.y)]
    for ring in range(1, 16):
        far = 0.028 + 0.022 * ring
        for turn in (-30, 30, -60, 60, -90, 90, -10, 10):
            angle = math.radians(turn)
            places.append((point.x + far * 1.6 * math.cos(angle), point.y + far * math.sin(angle)))
        places.append((point.x - 0.028 - wide, point.y - 0.022 * ring))
    return [(x, y) for x, y in places if x >= -0.01 and x + wide <= 1.02 and 0 <= y <= 1.01] or places[:1]


def _around(at: tuple[float, float], wide: float, high: float) -> tuple[float, float, float, float]:
    return at[0], at[1] - high / 2, at[0] + wide, at[1] + high / 2


def _touch(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
