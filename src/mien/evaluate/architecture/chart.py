"""``curve.png``: every estimate against size, with intervals; imports matplotlib, so it is loaded when asked for.

Uses figures without pyplot, so no window system and no global state are touched. Colours are those of Okabe & Ito,
which every eye tells apart, and lines differ in their markers, too.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from mien.learn.architecture.estimate import Estimate
    from mien.learn.architecture.halving import Trial
    from mien.learn.architecture.score import Score

BLUE, ORANGE, GREEN, GREY, INK = "#0072B2", "#D55E00", "#009E73", "#8A8A8A", "#1b1b1b"
LAYERS = ((BLUE, "o"), (ORANGE, "s"), (GREEN, "^"))
SHOWN = 3  # times as many components as parallel analysis counts are drawn, and
FEWEST = 30  # as many at least


def png(estimate: Estimate, title: str) -> bytes:
    """The picture of four panels as PNG."""
    figure = Figure(figsize=(11, 8), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title.replace("$", r"\$"), fontsize=13, weight="bold", x=0.01, ha="left", color=INK)
    (scree, likelihood), (pruning, halving) = figure.subplots(2, 2)
    _scree(scree, estimate)
    _likelihood(likelihood, estimate)
    _pruning(pruning, estimate)
    _halving(halving, estimate)
    for axes in (scree, likelihood, pruning, halving):
        axes.grid(color="#e4e4e4", linewidth=0.7)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8.5, colors=INK)
        axes.legend(fontsize=8, frameon=False)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=130, metadata={})
    return file.getvalue()


def _scree(axes: Axes, e: Estimate) -> None:
    found = e.dimension
    count = min(len(found.eigenvalues), max(FEWEST, SHOWN * found.parallel.value))
    places = np.arange(1, count + 1)
    axes.plot(
        places, found.eigenvalues[:count], color=BLUE, marker="o", markersize=3, linewidth=1, label="the faces"
    )
    axes.plot(
        places,
        found.thresholds[:count],
        color=ORANGE,
        linestyle="--",
        linewidth=1.5,
        label="chance: columns shuffled, 95 % quantile",
    )
    axes.axvline(found.parallel.value, color=INK, linewidth=1)
    if found.parallel.high > found.parallel.low:
        axes.axvspan(found.parallel.low, found.parallel.high, color=GREY, alpha=0.25, linewidth=0)
    axes.set_yscale("log")
    _named(axes, f"Linear dimensions: {found.parallel.value} above chance", "component", "variance (eigenvalue)")


def _likelihood(axes: Axes, e: Estimate) -> None:
    points = e.likelihood.points
    sizes = [point.units for point in points]
    _errors(axes, sizes, [point.score for point in points], BLUE, "o", "held-out people")
    best = max(points, key=lambda point: point.score.value).score
    axes.axhline(best.value - best.error, color=GREY, linestyle=":", label="best less one standard error")
    _ringed(axes, e.likelihood.chosen, next(p.score.value for p in points if p.units == e.likelihood.chosen))
    _sizes(axes, sizes)
    _named(
        axes,
        f"Boltzmann machine: {'still likelier at' if e.likelihood.grows else 'as likely as any from'} "
        f"{e.likelihood.chosen} units",
        "hidden units",
        "log likelihood, nats per face",
    )


def _pruning(axes: Axes, e: Estimate) -> None:
    sizes = [size for size, _ in e.pruning.curve]
    _errors(axes, sizes, [score for _, score in e.pruning.curve], BLUE, "o", f"first units of {e.pruning.units}")
    axes.axvline(
        e.pruning.left, color=INK, linewidth=1, label=f"{e.pruning.left:.0f} in use (range over folds grey)"
    )
    if e.pruning.high > e.pruning.low:
        axes.axvspan(e.pruning.low, e.pruning.high, color=GREY, alpha=0.25, linewidth=0)
    axes.set_xscale("log")
    _sizes(axes, [1, 3, 10, 30, 100, 300, 1000], sizes[-1])
    _named(
        axes,
        f"Pruning: {e.pruning.left:.0f} of {e.pruning.units} units are in use",
        "units kept",
        "hidden pixels told",
    )


def _halving(axes: Axes, e: Estimate) -> None:
    last = e.halving.trials[-1].budget.round
    early = [trial for trial in e.halving.trials if trial.budget.round < last]
    axes.scatter(
        [trial.shape.units for trial in early],
        [trial.score.value for trial in early],
        facecolors="none",
        edgecolors=GREY,
        s=18,
        label="earlier rounds, less training",
    )
    final = [trial for trial in e.halving.trials if trial.budget.round == last]
    for layers in sorted({trial.shape.layers for trial in final}):
        mine = sorted((t for t in final if t.shape.layers == layers), key=lambda trial: trial.shape.units)
        colour, marker = LAYERS[(layers - 1) % len(LAYERS)]
        name = f"{layers} layer{'s' if layers > 1 else ''}, full training"
        _errors(axes, [t.shape.units for t in mine], [t.score for t in mine], colour, marker, name)
    best = e.halving.best.score
    axes.axhline(best.value - best.error, color=GREY, linestyle=":", label="best less one standard error")
    chosen = e.halving.chosen
    _ringed(axes, chosen.shape.units, chosen.score.value)
    _sizes(axes, sorted({trial.shape.units for trial in e.halving.trials}))
    _named(axes, f"Halving: {shape(chosen)}", "units of each layer", _measure(e))


def shape(trial: Trial) -> str:
    """Layers and units in words."""
    layers = trial.shape.layers
    return f"{layers} layer{'s' if layers > 1 else ''} of {trial.shape.units} units"


def _measure(e: Estimate) -> str:
    return "log-probability of the label, nats" if e.labelled else "hidden pixels told"


def _errors(axes: Axes, sizes: list[int], scores: Sequence[Score], colour: str, marker: str, name: str) -> None:
    values = [score.value for score in scores]
    far = [score.high - score.value for score in scores]
    axes.errorbar(
        sizes, values, far, color=colour, marker=marker, markersize=5, capsize=3, linewidth=1.4, elinewidth=1,
        label=f"{name}, 95 % by people",
    )  # fmt: skip


def _ringed(axes: Axes, units: int, value: float) -> None:
    axes.scatter(
        [units], [value], s=170, facecolors="none", edgecolors=INK, linewidths=1.8, zorder=5, label="chosen"
    )


def _sizes(axes: Axes, sizes: Sequence[int], most: int | None = None) -> None:
    shown = [size for size in sizes if most is None or size <= most]
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(shown))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xticks(shown, [str(size) for size in shown])


def _named(axes: Axes, title: str, across: str, up: str) -> None:
    axes.set_title(title, loc="left", fontsize=10.5, weight="bold", color=INK)
    axes.set_xlabel(across, fontsize=9, color=INK)
    axes.set_ylabel(up, fontsize=9, color=INK)
