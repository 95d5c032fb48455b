"""Fig. 6: accuracy per expression for each input of the classifier, ours beside the report's."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from mien.reproduce import paper
from mien.reproduce.figures import _sheet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from mien.reproduce.results import Row

INPUTS = {
    "features": ("b", "features only"),
    "features+facs": ("a", "+ true FACS"),
    "features+predicted-facs": ("a′", "+ predicted FACS"),
}
"""The letter under each bar and its meaning, as in Table 1."""


@_sheet.drawn
def draw(
    rows: Sequence[Row],
    *,
    protocol: str,
    note: str,
    metric: str = "accuracy",
    inputs: Mapping[str, tuple[str, str]] = INPUTS,
    expressions: Sequence[str] = paper.SIX,
) -> Figure:
    """Groups of bars, one group per expression.

    Args:
        rows: results; those of ``table1`` under ``protocol`` are used; an input without rows is left out.
        protocol: whose rows.
        note: the line under the title.
        metric: what the bars show.
        inputs: the bars of a group in order: letter and name by input.
        expressions: the groups.
    """
    cells = {
        (row.inputs, row.label): row
        for row in rows
        if (row.experiment, row.protocol, row.metric) == ("table1", protocol, metric)
    }
    present = [name for name in inputs if any((name, label) in cells for label in expressions)]
    figure = _sheet.sheet(4.3, f"{metric.replace('_', ' ').capitalize()} per expression", note)
    axes = _sheet.place(figure, 0.55, 0.62, 0.1, 1.15)
    width = 0.8 / max(len(present), 1)
    marks: list[tuple[float, str]] = []
    for g, label in enumerate(expressions):
        for k, name in enumerate(present):
            if (name, label) not in cells:
                continue
            x = g - 0.4 + (k + 0.5) * width
            _bar(axes, cells[name, label], x, width, _sheet.LOOKS[k])
            marks.append((x, inputs[name][0]))
        if ("always-no", label) in cells:
            level = cells["always-no", label].value
            axes.plot([g - 0.43, g + 0.43], [level, level], color=_sheet.INK, linewidth=1.6, linestyle=(0, (2, 1)))
    theirs = any(math.isfinite(cells[name, label].paper) for name, label in cells if name in present)
    _legend(figure, present, inputs, theirs, ours=any(name == "always-no" for name, _ in cells))
    axes.set_xticks([x for x, _ in marks], [letter for _, letter in marks])
    for g, label in enumerate(expressions):
        axes.annotate(
            label,
            (g, 0),
            (0, -20),
            ("data", "axes fraction"),
            "offset points",
            ha="center",
            va="top",
            weight="bold",
        )
    axes.set_xlim(-0.55, len(expressions) - 0.45)
    axes.set_ylim(0, 1.03)
    _sheet.dress(axes)
    return figure


def _bar(axes: Axes, row: Row, x: float, width: float, look: _sheet.Look) -> None:
    axes.bar([x], [row.value], 0.86 * width, color=look.colour, hatch=look.hatch, edgecolor="white", linewidth=0)
    if math.isfinite(row.low) and math.isfinite(row.high):
        axes.plot([x, x], [row.low, row.high], color="white", linewidth=3.4, solid_capstyle="butt")
        axes.plot([x, x], [row.low, row.high], color=_sheet.INK, linewidth=1.4, solid_capstyle="butt")
    if math.isfinite(row.paper):
        axes.plot([x], [row.paper], "D", color="white", markeredgecolor=_sheet.INK, markersize=6.5, mew=1.3)


def _legend(
    figure: Figure, present: Sequence[str], inputs: Mapping[str, tuple[str, str]], theirs: bool, ours: bool
) -> None:
    keys: list[Patch | Line2D] = []
    names = []
    for k, name in enumerate(present):
        look = _sheet.LOOKS[k]
        keys.append(Patch(facecolor=look.colour, hatch=look.hatch, edgecolor="white", linewidth=0))
        names.append(f"({inputs[name][0]}) {inputs[name][1]}")
    if any(present):
        keys.append(Line2D([], [], color=_sheet.INK, linewidth=1.4))
        names.append("95 % interval")
    if theirs:
        keys.append(
            Line2D([], [], marker="D", linestyle="", color="white", mec=_sheet.INK, mew=1.3, markersize=6.5)
        )
        names.append("2010 report")
    if ours:
        keys.append(Line2D([], [], color=_sheet.INK, linewidth=1.6, linestyle=(0, (2, 1))))
        names.append("always “no”")
    figure.legend(
        keys, names, loc="upper left", bbox_to_anchor=(0, 1 - 0.55 / 4.3), frameon=False, ncols=len(keys),
        fontsize=_sheet.SMALL, handlelength=1.6, columnspacing=1.3, handletextpad=0.5,
    )  # fmt: skip
