"""How the autoencoder learns: its error per example over the steps, beside what one gets without learning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mien.reproduce.figures import _sheet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

_STYLES: tuple[str | tuple[float, tuple[float, ...]], ...] = (
    "-",
    (0, (5, 1.5)),
    (0, (1.2, 1.2)),
    (0, (6, 2, 1, 2)),
)


@_sheet.drawn
def draw(
    curves: Mapping[str, tuple[NDArray[Any], Floats]],
    *,
    title: str,
    protocol: str,
    references: Mapping[str, float] | None = None,
    measure: str = "squared error per patch",
) -> Figure:
    """One line per run, named at its end.

    Args:
        curves: by name: steps (n,) and error (n,), ascending in steps.
        title: the first line above.
        protocol: the second, on what it was measured.
        references: by name: the error of a predictor that learns nothing, such as ``always zero``.
        measure: what the upright axis counts.
    """
    still = dict(references or {})
    figure = _sheet.sheet(3.7, title, protocol)
    longest = max(len(name) for name in (*curves, *still))
    axes = _sheet.place(figure, 0.75, 0.55, 0.3 + _sheet.LETTER * longest, 0.75)
    ends: list[tuple[str, float, str]] = []
    for k, (name, (steps, errors)) in enumerate(curves.items()):
        colour = _sheet.LOOKS[k % len(_sheet.LOOKS)].colour
        axes.plot(steps, errors, color=colour, linestyle=_STYLES[k % len(_STYLES)], linewidth=1.8)
        ends.append((name, float(errors[-1]), colour))
    for name, level in still.items():
        axes.axhline(level, color=_sheet.FAINT, linewidth=1.2, linestyle=(0, (4, 2)))
        ends.append((name, level, _sheet.FAINT))
    last = max(float(steps[-1]) for steps, _ in curves.values())
    axes.set_xlim(0, last)
    # The first moments fall steeply; the axis ends above all references and the upper 98 % of what was measured.
    seen = np.concatenate([np.asarray(errors, float) for _, errors in curves.values()])
    top = max(float(np.quantile(seen, 0.98)), *still.values(), 0.0)
    axes.set_ylim(0, 1.08 * top)
    places = _sheet.apart([level for _, level, _ in ends], 1.08 * top * 0.068, 0, 1.08 * top)
    for (name, _, colour), y in zip(ends, places, strict=True):
        axes.annotate(
            _sheet.shown(name),
            (1, y),
            (6, 0),
            ("axes fraction", "data"),
            "offset points",
            va="center",
            color=colour,
        )
    axes.xaxis.set_major_formatter(lambda x, _: _steps(x))
    axes.set_xlabel("steps")
    axes.set_ylabel(measure)
    _sheet.dress(axes)
    return figure


def _steps(x: float) -> str:
    if x >= 1e6:
        return f"{x / 1e6:g} million"
    return f"{x:,.0f}".replace(",", "\u202f") if x >= 1e4 else f"{x:g}"
