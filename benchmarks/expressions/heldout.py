"""Tables that ``mien evaluate`` wrote about held-out people, counted as the field counts CK+."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from benchmarks.expressions import measures
from benchmarks.expressions.measures import Row
from mien.errors import DataError
from mien.evaluate import action_units, predictions, unit_predictions, views
from mien.evaluate.predictions import Setting

if TYPE_CHECKING:
    from pathlib import Path

    from mien.evaluate.action_units import UnitSummary
    from mien.evaluate.unit_predictions import UnitPredictions

PART = "held-out"
MEASURES = ("accuracy", "balanced_accuracy", "macro_f1", "macro_auc", "ece", "nll", "brier")


def expressions(path: Path, name: str) -> list[Row]:
    """Every view of ``evaluate.views`` that the table allows.

    Args:
        path: a ``predictions.parquet``.
        name: of the model in tables.

    Raises:
        DataError: no such table, or no view fits it.
    """
    p = predictions.read(path)
    p = replace(p, setting=replace(p.setting, model=name))
    rows: list[Row] = []
    for view in views.VIEWS:
        if not set(view.labels) <= set(p.labels):
            continue
        seen = views.seen(p, view)
        where = f"{p.setting.data} {p.setting.protocol}, {view.name}"
        rows += measures.overall(PART, where, seen, told(p.setting), MEASURES)
        rows += measures.by_class(PART, where, seen, told(p.setting)) if view is views.EIGHT else []
    if not rows:
        raise DataError(f"{path}: its labels {', '.join(p.labels)} fit none of the views")
    return rows


def units(path: Path, name: str) -> list[Row]:
    """Means over action units and each unit's AUC and F1: on all coded faces, and on those that show any unit.

    Args:
        path: an ``action_units.parquet``.
        name: of the model in tables.
    """
    p = unit_predictions.read(path)
    rows: list[Row] = []
    for what, table in (("all coded faces", p), ("faces that show a unit", showing(p))):
        summary = action_units.summarise(table, measures.RESAMPLES)
        where = f"{p.setting.data} {p.setting.protocol}, {what}"
        rows += _of(summary, where, name)
    return rows


def showing(p: UnitPredictions) -> UnitPredictions:
    """Only faces that show some unit: without neutral faces, on which "no" is easily said."""
    kept = p.truth.any(axis=1)
    return replace(
        p, item=p.item[kept], subject=p.subject[kept], fold=p.fold[kept], truth=p.truth[kept],
        probabilities=p.probabilities[kept],
    )  # fmt: skip


def told(setting: Setting) -> str:
    """Who was held out, in words."""
    return f"people of {setting.data}, {setting.protocol}" if setting.retrained else f"all of {setting.data}"


def _of(s: UnitSummary, where: str, name: str) -> list[Row]:
    held_out = told(s.setting)
    rows = [
        Row(PART, name, where, f"mean {figure} of {len(s.meant)} action units", *interval, held_out)
        for figure, interval in s.means.items()
    ]
    if s.means:
        rows.append(Row(PART, "always yes", where, f"mean f1 of {len(s.meant)} action units",
                        s.baselines["always_yes"]["f1"]))  # fmt: skip
    for unit in s.units:
        for figure in ("auc", "f1"):
            if unit.figures:
                measure = f"{figure} {unit.unit} ({unit.positives} of {unit.items} faces)"
                rows.append(Row(PART, name, where, measure, *unit.figures[figure], held_out))
    return rows
