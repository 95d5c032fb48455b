"""Fig. 5: how much more each neuron fires for one expression than for another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mien.reproduce.figures import _sheet

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]


@_sheet.drawn
def draw(
    differences: Floats,
    *,
    protocol: str,
    first: str = "surprise",
    second: str = "anger",
    band: tuple[Floats, Floats] | None = None,
    ascending: bool = False,
) -> Figure:
    """A bar per neuron.

    Args:
        differences: (units,), mean activation for ``first`` minus mean activation for ``second``.
        protocol: the line under the title: whose activations, on which faces.
        first: the expression above zero.
        second: the one below.
        band: lower and upper edge, each (units,), between which 95 % of the differences lie when the two labels
            are dealt out at random: what chance alone does.
        ascending: sort the neurons by their difference (the report leaves them in the network's order).
    """
    units = len(differences)
    order = np.argsort(differences, kind="stable") if ascending else np.arange(units)
    values = np.asarray(differences, float)[order]
    height = 3.6
    figure = _sheet.sheet(height, f"Activation per neuron: {first} minus {second}", protocol)
    axes = _sheet.place(figure, 0.75, 0.5, 0.1, 0.75)
    place = np.arange(1, units + 1)
    if band is not None:
        low, high = (np.asarray(edge, float)[order] for edge in band)
        axes.fill_between(place, low, high, step="mid", color="#d0d0d0", linewidth=0)
        beyond = int(((values < low) | (values > high)).sum())
        axes.text(
            1, 1.0, f"{beyond} of {units} beyond the grey band, where 95 % lie by chance (5 % would be "
            f"{0.05 * units:.0f})", transform=axes.transAxes, ha="right", va="bottom", fontsize=_sheet.SMALL,
        )  # fmt: skip
    width = max(0.8, min(12.0, 0.72 * 8.3 * 72 / units))
    for sign, colour in ((values >= 0, _sheet.BLUE), (values < 0, _sheet.VERMILLION)):
        axes.vlines(place[sign], 0, values[sign], colors=colour, linewidth=width)
    axes.axhline(0, color=_sheet.INK, linewidth=0.8)
    reach = 1.18 * float(np.abs(values).max(initial=0)) or 1.0
    axes.set_ylim(-reach, reach)
    axes.set_xlim(0, units + 1)
    for y, text, colour, va in (
        (0.985, f"▲ more active for {first}", _sheet.BLUE, "top"),
        (0.015, f"▼ more active for {second}", _sheet.VERMILLION, "bottom"),
    ):
        axes.text(
            0.008, y, text, transform=axes.transAxes, va=va, color=colour, weight="bold",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
        )  # fmt: skip
    axes.set_xlabel("neuron" + (", sorted" if ascending else ""))
    axes.set_ylabel("difference of mean activations")
    _sheet.dress(axes, keep=())
    return figure
