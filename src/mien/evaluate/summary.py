"""From a table of predictions to every figure of ``metrics.json`` and of the report: one pure function."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mien import atomic
from mien.errors import DataError
from mien.evaluate import action_units, baselines, intervals, metrics, selective
from mien.evaluate.intervals import Interval

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from mien.evaluate.action_units import UnitSummary
    from mien.evaluate.predictions import Predictions, Setting


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """Figures of one label: ``n`` faces of ``subjects`` people carry it."""

    label: str
    n: int
    subjects: int
    recall: Interval
    precision: Interval
    f1: Interval
    auc: float


@dataclass(frozen=True, slots=True)
class Summary:
    """All figures of one evaluation.

    Attributes:
        setting: how the predictions came to be.
        labels: in model order.
        n, subjects, folds: faces, people, folds.
        figures: every measure of ``metrics.MEASURES`` with its interval by subject.
        baselines: the same for ``majority``, ``prior`` and ``shuffled``.
        classes: figures per label.
        confusion: counts, row truth, column answer.
        reliability: rows of (mean confidence, accuracy, items) in equal-mass bins.
        selective: the figures of ``selective.measured`` with their intervals: accuracy of the surest answers.
        risk_coverage: rows of (coverage, risk), thinned for a chart.
        action_units: figures of the action units, or None where there are none.
        resamples, level: of the bootstrap.
    """

    setting: Setting
    labels: tuple[str, ...]
    n: int
    subjects: int
    folds: int
    figures: dict[str, Interval]
    baselines: dict[str, dict[str, Interval]]
    classes: tuple[ClassFigures, ...]
    confusion: NDArray[np.int64]
    reliability: NDArray[np.float64]
    selective: dict[str, Interval]
    risk_coverage: NDArray[np.float64]
    action_units: UnitSummary | None = None
    resamples: int = intervals.RESAMPLES
    level: float = intervals.LEVEL


def summarise(p: Predictions, resamples: int = intervals.RESAMPLES, seed: int = intervals.SEED) -> Summary:
    """Compute every figure from predictions alone.

    Raises:
        DataError: the predictions contradict themselves, or come from fewer than two subjects.
    """
    try:
        metrics.validate(p.truth, p.probabilities)
        weights = intervals.draws(p.subject, resamples, seed)
    except ValueError as error:
        raise DataError(f"predictions on {p.setting.data}: {error}") from None
    classes = len(p.labels)
    table = metrics.confusion(p.truth, p.probabilities.argmax(axis=1), classes)
    nothing = {
        "majority": baselines.majority(p.truth, p.fold, classes),
        "prior": baselines.prior(p.truth, p.fold, classes),
        "shuffled": baselines.shuffled(p.probabilities, seed),
    }
    return Summary(
        setting=p.setting,
        labels=p.labels,
        n=len(p.truth),
        subjects=len(np.unique(p.subject)),
        folds=len(np.unique(p.fold)),
        figures=_figures(p.truth, p.probabilities, weights),
        baselines={name: _figures(p.truth, scores, weights) for name, scores in nothing.items()},
        classes=_classes(p, table, weights),
        confusion=table,
        reliability=metrics.reliability(p.truth, p.probabilities),
        selective={
            name: found.interval() for name, found in selective.measured(p.truth, p.probabilities, weights).items()
        },
        risk_coverage=selective.thinned(selective.curve(p.truth, p.probabilities)),
        action_units=None if p.action_units is None else action_units.summarise(p.action_units, resamples, seed),
        resamples=resamples,
    )


def as_json(s: Summary) -> str:
    """The summary as JSON text: each figure an object of ``value``, ``low`` and ``high``; no value is ``null``."""
    document: dict[str, Any] = {
        **_bounded(s.figures),
        "selective": {**_bounded(s.selective), "risk_coverage": s.risk_coverage.round(6).tolist()},
        "n": s.n,
        "subjects": s.subjects,
        "folds": s.folds,
        **{name: _bounded(figures) for name, figures in s.baselines.items()},
        "classes": {
            c.label: {
                "n": c.n,
                "subjects": c.subjects,
                **_bounded({"recall": c.recall, "precision": c.precision, "f1": c.f1}),
                "auc": _finite(c.auc),
            }
            for c in s.classes
        },
        **({} if s.action_units is None else {"action_units": action_units.as_object(s.action_units)}),
        "labels": list(s.labels),
        "confusion": s.confusion.tolist(),
        "interval": {"method": "percentile bootstrap by subject", "level": s.level, "resamples": s.resamples},
        "setting": asdict(s.setting),
    }
    return json.dumps(document, indent=1, allow_nan=False) + "\n"


def write(path: Path, summary: Summary) -> None:
    """Write ``metrics.json``, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    atomic.write_bytes(path, as_json(summary).encode())


def _figures(
    truth: NDArray[np.intp], probabilities: NDArray[np.float64], weights: NDArray[np.float64]
) -> dict[str, Interval]:
    again = intervals.resampled(truth, probabilities, weights)
    return {
        name: Interval(measure(truth, probabilities), *intervals.bounds(again[name]))
        for name, measure in metrics.MEASURES.items()
    }


def _classes(p: Predictions, table: NDArray[np.int64], weights: NDArray[np.float64]) -> tuple[ClassFigures, ...]:
    tables = intervals.confusions(p.truth, p.probabilities, weights)
    values = (metrics.recall(table), metrics.precision(table), metrics.f1(table))
    again = (intervals.recalls(tables), intervals.precisions(tables), intervals.f1s(tables))
    auc = metrics.auc(p.truth, p.probabilities)
    found = []
    for k, label in enumerate(p.labels):
        recall, precision, f1 = (
            Interval(float(value[k]), *intervals.bounds(resampled[:, k]))
            for value, resampled in zip(values, again, strict=True)
        )
        of_class = p.truth == k
        people = len(np.unique(p.subject[of_class]))
        found.append(ClassFigures(label, int(of_class.sum()), people, recall, precision, f1, float(auc[k])))
    return tuple(found)


def _bounded(figures: dict[str, Interval]) -> dict[str, dict[str, float | None]]:
    return {name: {key: _finite(value) for key, value in i._asdict().items()} for name, i in figures.items()}


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
