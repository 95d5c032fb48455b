"""Accuracy against the number of labelled people: what learning without labels buys."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from mien.reproduce import words
from mien.reproduce.figures import _sheet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure

    from mien.reproduce.results import Row


class Measured(NamedTuple):
    """One point of a curve: how many labelled people, the figure, its interval (NaN where there is none)."""

    people: int
    value: float
    low: float
    high: float


def curves(rows: Sequence[Row], metric: str, protocol: str) -> dict[str, list[Measured]]:
    """The curves of experiment ``labels`` from inputs such as ``features@20``, named, in the order of the rows."""
    found: dict[str, list[Measured]] = {}
    for row in rows:
        name, at, people = row.inputs.rpartition("@")
        if " minus " in row.inputs:  # a difference of two points is no point
            continue
        if at and people.isdigit() and (row.experiment, row.protocol, row.metric) == ("labels", protocol, metric):
            found.setdefault(words.inputs(name), []).append(Measured(int(people), row.value, row.low, row.high))
    return {name: sorted(points) for name, points in found.items()}


@_sheet.drawn
def draw(
    measured: Mapping[str, Sequence[Measured]],
    *,
    protocol: str,
    measure: str = "accuracy",
    title: str = "What learning without labels buys",
    baselines: Mapping[str, float] | None = None,
) -> Figure:
    """A line per input with 95 % whiskers, named at its end.

    Args:
        measured: by input; at least one point each.
        protocol: the line under the title.
        measure: what the upright axis counts.
        title: the first line.
        baselines: level lines by name, such as the majority's.
    """
    still = dict(baselines or {})
    figure = _sheet.sheet(4.3, title, protocol)
    longest = max(len(name) for name in (*measured, *still))
    axes = _sheet.place(figure, 0.7, 0.6, 0.55 + _sheet.LETTER * longest, 0.8)
    people = sorted({point.people for line in measured.values() for point in line})
    ends: list[tuple[str, float, str]] = []
    lowest, highest = math.inf, -math.inf
    for k, (name, line) in enumerate(measured.items()):
        look = _sheet.LOOKS[k % len(_sheet.LOOKS)]
        shift = 1 + 0.025 * (k - (len(measured) - 1) / 2)  # side by side, so that whiskers do not hide each other
        x = [point.people * shift for point in line]
        y = [point.value for point in line]
        axes.plot(x, y, color=look.colour, marker=look.marker, markersize=7, markeredgecolor="white", linewidth=1.8)
        for at, point in zip(x, line, strict=True):
            if math.isfinite(point.low) and math.isfinite(point.high):
                axes.plot([at, at], [point.low, point.high], color=look.colour, linewidth=1.2)
        known = [v for point in line for v in (point.value, point.low, point.high) if math.isfinite(v)]
        lowest, highest = min(lowest, *known), max(highest, *known)
        ends.append((name, line[-1].value, look.colour))
    for name, level in still.items():
        axes.axhline(level, color=_sheet.FAINT, linewidth=1.2, linestyle=(0, (4, 2)))
        ends.append((name, level, _sheet.FAINT))
        lowest, highest = min(lowest, level), max(highest, level)
    margin = 0.06 * max(highest - lowest, 0.02)
    axes.set_ylim(lowest - margin, highest + margin)
    axes.set_xscale("log")
    axes.minorticks_off()
    axes.set_xticks(people, [str(p) for p in people])
    axes.set_xlim(people[0] * 0.92, people[-1] * 1.08)
    gap = (highest - lowest + 2 * margin) * 0.062
    places = _sheet.apart([level for _, level, _ in ends], gap, lowest, highest)
    for (name, _, colour), height in zip(ends, places, strict=True):
        axes.annotate(
            _sheet.shown(name), (1, height), (6, 0), ("axes fraction", "data"), "offset points", va="center",
            color=colour, weight="bold",
        )  # fmt: skip
    axes.set_xlabel("labelled people to learn from (logarithmic axis)")
    axes.set_ylabel(measure)
    _sheet.dress(axes, "both")
    return figure
