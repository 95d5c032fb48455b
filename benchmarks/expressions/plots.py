"""Charts of the bench: numbers only, no pixel of any face."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.expressions.degradation import SWEEPS

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.expressions.report import Outcome

# Okabe & Ito: told apart by colour-blind eyes; the marks tell them apart in grey.
COLOURS = ("#0072B2", "#D55E00", "#009E73")
MARKS = ("o", "s", "^")


def draw(outcome: Outcome, folder: Path) -> None:
    """``robustness.png``, ``risk_coverage.png`` and ``reliability.png``, those that there are numbers for."""
    if outcome.levels:
        _robustness(outcome, folder / "robustness.png")
    if outcome.curves:
        _risk_coverage(outcome, folder / "risk_coverage.png")
        _reliability(outcome, folder / "reliability.png")


def _robustness(outcome: Outcome, path: Path) -> None:
    figure, axes = _figure(3, 3)
    models = list(outcome.mean_curves)
    present = {one.sweep for one in outcome.levels}
    for axis, sweep in zip(axes.flat, [s for s in SWEEPS if s.name in present], strict=False):
        places = np.arange(len(sweep.levels))
        for k, model in enumerate(models):
            by = {one.level: one for one in outcome.levels if (one.sweep, one.model) == (sweep.name, model)}
            found = [by[level] for level in sweep.levels]
            middle = np.array([one.redone.value for one in found])
            ends = np.abs(np.array([one.redone[1:] for one in found]).T - middle)
            joined: dict[str, Any] = {"linestyle": ""} if isinstance(sweep.clean, str) else {"linewidth": 1.5}
            axis.errorbar(places + 0.06 * k, middle, ends, color=COLOURS[k % 3], marker=MARKS[k % 3], markersize=4,
                          capsize=2, label=model, **joined)  # fmt: skip
            axis.plot(places + 0.06 * k, [one.kept.value for one in found], color=COLOURS[k % 3], linewidth=1,
                      linestyle="" if isinstance(sweep.clean, str) else ":", marker="_", label="_")  # fmt: skip
        line = {"linestyle": "", "marker": "x"} if isinstance(sweep.clean, str) else {"linestyle": "--"}
        missed = [by[level].missed for level in sweep.levels]
        axis.plot(places, missed, color="0.45", linewidth=1, label="no face found", **line)
        axis.set_xticks(places, [level if isinstance(level, str) else f"{level:g}" for level in sweep.levels])
        axis.axvline(sweep.levels.index(sweep.clean), color="0.85", linewidth=5, zorder=0)
        axis.set(title=sweep.name, xlabel=sweep.unit, ylim=(0, 1))
        axis.grid(alpha=0.3)
    last = axes.flat[len(present)] if len(present) < axes.size else None
    if last is not None:
        for k, model in enumerate(models):
            curve = outcome.mean_curves[model]
            last.plot(np.linspace(0, 1, len(curve)), curve, color=COLOURS[k % 3], label=model)
        last.set(title="mean of the sweeps", xlabel="from clean to the strongest level", ylim=(0, 1))
        last.grid(alpha=0.3)
    axes.flat[0].legend(loc="lower left", fontsize=8)
    figure.supylabel("accuracy, 95 % intervals; dotted: points of the clean face")
    figure.suptitle(f"FER+ validation, {outcome.faces} faces, degraded; grey band: clean")
    figure.savefig(path)


def _risk_coverage(outcome: Outcome, path: Path) -> None:
    figure, axes = _figure(1, 1)
    (axis,) = axes.flat
    for k, (model, curves) in enumerate(outcome.curves.items()):
        coverage, risk = np.array(curves.risk_coverage).T
        axis.plot(
            coverage, risk, color=COLOURS[k % 3], marker=MARKS[k % 3], markevery=20, markersize=4, label=model
        )
    axis.set(xlabel="share of faces that get an answer (coverage)", ylabel="share of wrong ones among them (risk)",
             xlim=(0, 1), ylim=(0, None), title="FER+ validation: the surest answers first")  # fmt: skip
    axis.grid(alpha=0.3)
    axis.legend()
    figure.savefig(path)


def _reliability(outcome: Outcome, path: Path) -> None:
    figure, axes = _figure(1, 1)
    (axis,) = axes.flat
    axis.plot([0, 1], [0, 1], color="0.5", linestyle="--", linewidth=1)
    for k, (model, curves) in enumerate(outcome.curves.items()):
        confidence, accuracy, _ = np.array(curves.reliability).T
        axis.plot(confidence, accuracy, color=COLOURS[k % 3], marker=MARKS[k % 3], markersize=5, label=model)
    axis.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1), aspect="equal",
             title="FER+ validation: 15 bins of equally many faces")  # fmt: skip
    axis.grid(alpha=0.3)
    axis.legend()
    figure.savefig(path)


def _figure(rows: int, columns: int) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.4 * columns + 0.6, 3.3 * rows + 0.9), dpi=110, layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False)
