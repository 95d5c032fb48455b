"""Figures of the bench: numbers only, no pixel of any picture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.faces import detection, tracking
from benchmarks.faces.composites import SWEEPS, UNITS
from benchmarks.faces.detection import everything, goal_faces
from benchmarks.faces.report import PRECISION

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from benchmarks.faces.run import Outcome

# Okabe & Ito: told apart by colour-blind eyes; the marks tell them apart in grey.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00")
MARKS = ("o", "s", "^", "D", "v")


def draw(outcome: Outcome, folder: Path) -> None:
    """``sweeps.png``, ``curves.png``, ``landmarks.png`` and ``tracking.png``, those that there are numbers for."""
    if outcome.usual:
        _sweeps(outcome, folder / "sweeps.png")
        _curves(outcome, folder / "curves.png")
    if outcome.portraits:
        _landmarks(outcome, folder / "landmarks.png")
    if outcome.watched:
        _tracking(outcome, folder / "tracking.png")


def _sweeps(outcome: Outcome, path: Path) -> None:
    figure, axes = _figure(2, 3)
    for axis, (sweep, levels) in zip(axes.flat, SWEEPS.items(), strict=True):
        places = range(len(levels))
        for k, (name, answers) in enumerate(outcome.usual.items()):
            rates = [
                detection.recall([one for one in answers if one.scene[1:] == (sweep, level)]) for level in levels
            ]
            middle = np.array([rate.value for rate in rates])
            ends = np.abs(np.array([(rate.low, rate.high) for rate in rates]).T - middle)
            axis.errorbar(
                [p + 0.08 * (k - (len(outcome.usual) - 1) / 2) for p in places], middle, ends, label=name,
                color=COLOURS[k % 5], marker=MARKS[k % 5], markersize=5, capsize=2, linewidth=1.5,
            )  # fmt: skip
        axis.set(xlabel=UNITS[sweep], ylabel="recall", ylim=(-0.03, 1.03))
        axis.set_xticks(list(places), [f"{level:g}" for level in levels])
        axis.grid(alpha=0.3)
    axes.flat[0].legend(loc="lower right")
    figure.suptitle(f"Faces found at the default threshold, 95 % intervals over scenes{_note(outcome)}")
    figure.savefig(path)


def _curves(outcome: Outcome, path: Path) -> None:
    figure, axes = _figure(1, 2)
    sets = (
        ("mixed and face-free scenes, all faces", everything),
        ("faces of 40 px and more, within 30°", goal_faces),
    )
    for axis, (title, counts) in zip(axes.flat, sets, strict=True):
        for k, name in enumerate(outcome.usual):
            loose, usual = (
                [one for one in answers[name] if one.scene[1] in detection.CURVED]
                for answers in (outcome.loose, outcome.usual)
            )
            line, colour = detection.curve(loose, counts), COLOURS[k % 5]
            axis.plot(line.recall, line.precision, color=colour, label=f"{name}, all thresholds")
            point = detection.recall(usual, counts).value, detection.precision(usual, counts).value
            axis.plot(*point, MARKS[k % 5], color=colour, markeredgecolor="black", label=f"{name}, default")
        axis.axhline(PRECISION, color="0.4", linestyle=":", linewidth=1)
        axis.set(xlabel="recall", ylabel="precision", xlim=(0, 1.01), ylim=(0.5, 1.01), title=title)
        axis.grid(alpha=0.3)
        axis.legend(loc="lower left")
    figure.suptitle(f"Precision and recall{_note(outcome)}")
    figure.savefig(path)


def _landmarks(outcome: Outcome, path: Path) -> None:
    figure, axes = _figure(1, 2)
    for k, (looks, errors) in enumerate(outcome.portraits.items()):
        values = np.sort([one.nme for one in errors])
        share = np.arange(1, len(values) + 1) / len(values)
        label = f"{looks} look{'s' * (looks > 1)}, mean {values.mean():.4f}"
        axes.flat[0].step(values, share, where="post", color=COLOURS[k], label=label)
    axes.flat[0].axvline(0.045, color="0.4", linestyle=":", linewidth=1, label="goal for the mean, 0.045")
    axes.flat[0].set(
        xlabel="mean error of the 68 points, in distances of the eyes' centres",
        ylabel="share of the held-out portraits", xlim=(0, 0.15), ylim=(0, 1.01),
    )  # fmt: skip
    axes.flat[0].legend(loc="lower right")
    for k, sweep in enumerate(("rotation", "blur", "noise", "darkness", "occlusion")):
        levels = SWEEPS[sweep]
        means = [
            np.mean(
                [one.nme for one in outcome.composites if (one.source, one.level) == (sweep, level)] or [math.nan]
            )
            for level in levels
        ]
        axes.flat[1].plot(np.linspace(0, 1, len(levels)), means, marker=MARKS[k], color=COLOURS[k], label=sweep)
    axes.flat[1].set(
        xlabel="level of the sweep, from none to the strongest", ylim=(0, None),
        ylabel="mean error on composites, eye distances",
    )  # fmt: skip
    axes.flat[1].legend(loc="upper left")
    for axis in axes.flat:
        axis.grid(alpha=0.3)
    figure.suptitle(f"68 points{_note(outcome)}")
    figure.savefig(path)


def _tracking(outcome: Outcome, path: Path) -> None:
    figure, axes = _figure(1, 2)
    kinds = list(dict.fromkeys(one.kind for watched in outcome.watched.values() for one in watched))
    wide = 0.8 / len(outcome.watched)
    for k, (name, watched) in enumerate(outcome.watched.items()):
        figures = [tracking.measure([one for one in watched if one.kind == kind]) for kind in kinds]
        figures.append(tracking.measure(watched))
        places = np.arange(len(figures)) + (k - (len(outcome.watched) - 1) / 2) * wide
        look = {"color": COLOURS[k % 5], "edgecolor": "black", "linewidth": 0.4, "hatch": ("", "//", "..")[k % 3]}
        axes.flat[0].barh(places, [one.idf1 for one in figures], wide, label=name, **look)
        axes.flat[1].barh(places, [one.switches for one in figures], wide, label=name, **look)
    for axis, label in zip(axes.flat, ("IDF1", "identity switches"), strict=True):
        _names(axis, [*kinds, "all clips"], label)
    axes.flat[0].axvline(0.95, color="0.4", linestyle=":", linewidth=1)
    axes.flat[0].set_xlim(0, 1)
    axes.flat[1].legend(loc="upper right")
    figure.suptitle(f"Identities through clips{_note(outcome)}")
    figure.savefig(path)


def _names(axis: Axes, kinds: list[str], label: str) -> None:
    axis.set_yticks(np.arange(len(kinds)), kinds)
    axis.invert_yaxis()
    axis.set_xlabel(label)
    axis.grid(alpha=0.3, axis="x")


def _figure(rows: int, columns: int):  # noqa: ANN202  matplotlib's own types
    from matplotlib.figure import Figure

    figure = Figure(
        figsize=(4.6 * columns if columns == 3 else 6.5 * columns, 4.2 * rows), dpi=120, layout="constrained"
    )
    return figure, figure.subplots(rows, columns, squeeze=False)


def _note(outcome: Outcome) -> str:
    return "" if outcome.kind == "photographs" else " (drawn people)"
