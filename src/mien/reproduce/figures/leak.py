"""What a test on people from training adds: the same figure under four protocols."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from matplotlib.lines import Line2D

from mien.reproduce.figures import _sheet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure

    from mien.reproduce.results import Row


class Measure(NamedTuple):
    """One line of the chart: which results, and what to call them."""

    name: str
    experiment: str
    inputs: str
    label: str
    metric: str


MEASURES = (
    Measure("softmax: accuracy", "softmax", "features", "all", "accuracy"),
    Measure("softmax: balanced accuracy", "softmax", "features", "all", "balanced_accuracy"),
    Measure("softmax: macro F1", "softmax", "features", "all", "macro_f1"),
    Measure("Table 1 (b): accuracy", "table1", "features", "macro-6", "accuracy"),
    Measure("Table 1 (b): balanced accuracy", "table1", "features", "macro-6", "balanced_accuracy"),
    Measure("Table 1 (b): F1", "table1", "features", "macro-6", "f1"),
)
PROTOCOLS = {
    "paper-split": ("frames at random: the 2010 report’s split", "D", _sheet.VERMILLION, False),
    "sequence-split": ("sequences at random", "s", _sheet.ORANGE, True),
    "subject-10fold": ("unseen people, ten groups", "^", _sheet.SKY, True),
    "loso": ("unseen people, one at a time", "o", _sheet.BLUE, True),
}
"""Name, marker, colour, and whether the marker is filled."""


@_sheet.drawn
def draw(rows: Sequence[Row], *, note: str, measures: Sequence[Measure] = MEASURES) -> Figure:
    """A dumbbell per measure; its length is the leak.

    Args:
        rows: results; those of ``leak``, which compare the same frames, are written beside the lines.
        note: the line under the title.
        measures: the lines; those without results are left out.
    """
    cells = {(r.experiment, r.inputs, r.label, r.metric, r.protocol): r.value for r in rows}
    lines = [
        (measure, values)
        for measure in measures
        if len(values := {p: cells[(*measure[1:], p)] for p in PROTOCOLS if (*measure[1:], p) in cells}) > 1
    ]
    height = 1.75 + 0.4 * max(len(lines), 1)
    figure = _sheet.sheet(height, "How much the test on familiar people flatters", note)
    longest = max((len(measure.name) for measure, _ in lines), default=8)
    axes = _sheet.place(figure, 0.35 + _sheet.LETTER * longest, 0.5, 2.0, 1.2)
    used = [p for p in PROTOCOLS if any(p in values for _, values in lines)]
    for y, (measure, values) in enumerate(lines):
        axes.plot([min(values.values()), max(values.values())], [y, y], color="#bdbdbd", linewidth=3, zorder=1)
        for p, value in values.items():
            _, marker, colour, filled = PROTOCOLS[p]
            face = colour if filled else "white"
            axes.plot([value], [y], marker, color=face, markeredgecolor=colour, mew=1.6, markersize=8, zorder=2)
        told = _leak(rows, measure, values)
        axes.annotate(
            told, (1, y), (8, 0), ("axes fraction", "data"), "offset points", va="center", fontsize=_sheet.SMALL,
            weight="bold",
        )  # fmt: skip
    axes.annotate(
        "points that the split adds", (1, 1), (8, 2), "axes fraction", "offset points", va="bottom",
        color=_sheet.FAINT, fontsize=_sheet.SMALL,
    )  # fmt: skip
    axes.set_yticks(range(len(lines)), [measure.name for measure, _ in lines])
    axes.set_ylim(len(lines) - 0.5, -0.5)
    keys = [
        Line2D([], [], marker=m, linestyle="", color=c if filled else "white", mec=c, mew=1.6, markersize=8)
        for _, m, c, filled in (PROTOCOLS[p] for p in used)
    ]
    figure.legend(
        keys, [PROTOCOLS[p][0] for p in used], loc="upper left", bbox_to_anchor=(0, 1 - 0.55 / height),
        frameon=False, ncols=2, fontsize=_sheet.SMALL, handletextpad=0.2, columnspacing=2.5,
    )  # fmt: skip
    _sheet.dress(axes, "x")
    axes.tick_params(axis="y", labelsize=_sheet.TEXT)
    return figure


def _leak(rows: Sequence[Row], measure: Measure, values: Mapping[str, float]) -> str:
    """Points from the strictest to the loosest protocol: of the same frames where a row says so, else of all."""
    for loose in ("paper-split", "sequence-split"):
        for strict in ("loso", "subject-10fold"):
            cell = ("leak", f"{loose} minus {strict}", *measure[2:])
            made = next((r for r in rows if (r.experiment, r.protocol, r.inputs, r.label, r.metric) == cell), None)
            if made is not None:
                known = math.isfinite(made.low) and math.isfinite(made.high)
                between = f" [{made.low:+.1f}, {made.high:+.1f}]" if known else ""
                return f"{made.value:+.1f}{between}".replace("-", "−")
            if loose in values and strict in values:
                return f"{100 * (values[loose] - values[strict]):+.1f}".replace("-", "−")
    return ""
