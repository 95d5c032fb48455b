"""Several ways to do one thing, each a dot with its interval; what one gets for nothing as lines."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from mien.reproduce import words
from mien.reproduce.figures import _sheet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mien.reproduce.results import Row


class Estimate(NamedTuple):
    """A number with its name and its interval (NaN where there is none)."""

    name: str
    value: float
    low: float = math.nan
    high: float = math.nan

    @classmethod
    def of(cls, row: Row, name: str = "") -> Estimate:
        """A result, under ``name`` or under that of its inputs."""
        return cls(name or words.inputs(row.inputs), row.value, row.low, row.high)


@_sheet.drawn
def draw(
    estimates: Sequence[Estimate],
    *,
    title: str,
    protocol: str,
    measure: str,
    baselines: Sequence[Estimate] = (),
    differences: Sequence[Estimate] = (),
) -> Figure:
    """Dots with 95 % intervals, best read from top to bottom.

    Args:
        estimates: one row each, drawn in this order; at least one.
        title: the first line above.
        protocol: the second, on what it was measured.
        measure: what the axis counts, such as ``balanced accuracy``.
        baselines: drawn as vertical lines, such as the majority's accuracy; only name and value count.
        differences: drawn in a second panel around zero, in points: value, low and high are fractions.
    """
    rows, more = len(estimates), len(differences)
    deep, high = 0.34, 0.75
    height = high + rows * deep + 0.9 + (more * deep + 0.6 if more else 0)
    figure = _sheet.sheet(height, title, protocol)
    names = [e.name for e in (*estimates, *differences)]
    left = 0.35 + _sheet.LETTER * max(len(name) for name in names)
    below = height - high - rows * deep - 0.3
    axes = _sheet.place(figure, left, below, 1.75, high + 0.3)
    known = [e.value for e in (*estimates, *baselines)]
    known += [x for e in estimates for x in (e.low, e.high) if math.isfinite(x)]
    spread = max(max(known) - min(known), 0.02)
    axes.set_xlim(min(known) - 0.08 * spread, max(known) + 0.08 * spread)
    _dots(axes, estimates, "{:.3f}", "[{:.3f}, {:.3f}]")
    axes.set_xlabel(measure)
    _lines(axes, baselines)
    if more:
        panel = _sheet.place(figure, left, 0.5, 1.75, height - 0.5 - more * deep)
        points = [Estimate(e.name, 100 * e.value, 100 * e.low, 100 * e.high) for e in differences]
        ends = [x for e in points for x in (e.value, e.low, e.high) if math.isfinite(x)]
        reach = 1.1 * max(max(map(abs, ends)), 1.0)
        panel.set_xlim(-reach, reach)
        panel.axvline(0, color=_sheet.INK, linewidth=1)
        _dots(panel, points, "{:+.1f}", "[{:+.1f}, {:+.1f}]")
        panel.set_xlabel("difference in points, pairs from the same people; 0 is no difference")
    return figure


def _dots(axes: Axes, estimates: Sequence[Estimate], number: str, between: str) -> None:
    for y, e in enumerate(estimates):
        if math.isfinite(e.low) and math.isfinite(e.high):
            axes.plot([e.low, e.high], [y, y], color=_sheet.BLUE, linewidth=2.2, solid_capstyle="butt")
        axes.plot([e.value], [y], "o", color=_sheet.BLUE, markersize=7, markeredgecolor="white")
        told = number.format(e.value) + (" " + between.format(e.low, e.high) if math.isfinite(e.low) else "")
        axes.annotate(
            told.replace("-", "−"), (1, y), (8, 0), ("axes fraction", "data"), "offset points", va="center",
            fontsize=_sheet.SMALL,
        )  # fmt: skip
    axes.set_yticks(range(len(estimates)), [_sheet.shown(e.name) for e in estimates])
    axes.set_ylim(len(estimates) - 0.5, -0.5)
    _sheet.dress(axes, "x")
    axes.tick_params(axis="y", labelsize=_sheet.TEXT)


def _lines(axes: Axes, baselines: Sequence[Estimate]) -> None:
    """Each baseline's name stands above its line; names that would touch go up in steps to a second line."""
    low, high = axes.get_xlim()
    inches = axes.get_position().width * _sheet.WIDTH
    ends = [-math.inf, -math.inf]  # how far to the right each line of names is taken
    for e in sorted(baselines, key=lambda e: e.value):
        axes.axvline(e.value, color=_sheet.FAINT, linewidth=1.2, linestyle=(0, (4, 2)), zorder=0)
        at = (e.value - low) / (high - low) * inches
        half = _sheet.LETTER * len(e.name) / 2
        line = 0 if at - half > ends[0] else 1
        ends[line] = at + half + 0.05
        axes.annotate(
            _sheet.shown(e.name), (e.value, 1), (0, 3 + 12 * line), ("data", "axes fraction"), "offset points",
            ha="center", va="bottom", fontsize=_sheet.SMALL, color=_sheet.FAINT,
        )  # fmt: skip
