"""Figures of predicted action units, each by itself and as means: pure functions of codes and probabilities.

Most units are rare: 30 of 900 faces show them. What a figure makes of that differs. ``auc`` and
``balanced_accuracy`` do not depend on how rare a unit is; ``f1`` does, so that the F1 of always saying yes stands
beside it; ``f1_skew_normalised`` is the F1 that the same rates of hits and false alarms would give if as many faces
showed the unit as not (Jeni, Cohn & De la Torre 2013, "Facing imbalanced data").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mien.errors import DataError
from mien.evaluate import detection, intervals
from mien.evaluate.intervals import Interval
from mien.evaluate.paired import Measured

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mien.evaluate.intervals import Floats
    from mien.evaluate.predictions import Setting
    from mien.evaluate.unit_predictions import UnitPredictions

THRESHOLD = 0.5
"""From which probability on a unit is declared shown: models give probabilities, and declare what is likelier."""
FEWEST = 25
"""Faces that must show a unit for it to count in the means; with fewer, its figure is mostly luck."""
FIGURES = ("auc", "f1", "f1_skew_normalised", "balanced_accuracy")
BASELINES = ("always_yes", "always_no")


@dataclass(frozen=True, slots=True)
class UnitFigures:
    """Figures of one unit.

    Attributes:
        unit: its name.
        items: coded faces that were scored for it; all coded faces where the model does not know it.
        positives, people: how many of them show it, and how many people these are.
        modelled: whether the model gives it.
        figures: each of ``FIGURES`` with its interval by subject; empty where there is not enough data for any:
            the model does not know the unit, or no face, or every face, shows it.
        baselines: ``f1``, ``f1_skew_normalised`` and ``balanced_accuracy`` of each of ``BASELINES``; as
            ``figures``.
    """

    unit: str
    items: int
    positives: int
    people: int
    modelled: bool
    figures: dict[str, Interval]
    baselines: dict[str, dict[str, float]]

    @property
    def counts(self) -> bool:
        """Whether it counts in the means."""
        return bool(self.figures) and self.positives >= FEWEST


@dataclass(frozen=True, slots=True)
class UnitSummary:
    """All figures about action units.

    Attributes:
        setting: how the predictions came to be.
        items, subjects: coded faces, and people.
        units: every unit that the data codes, in its order.
        meant: the units that count in the means.
        means: mean of each of ``FIGURES`` over ``meant``, with its interval; empty where none counts.
        baselines: the same means for each of ``BASELINES``, which have no AUC but 0.5.
        threshold: from which probability on a unit was declared.
        resamples, level: of the bootstrap.
    """

    setting: Setting
    items: int
    subjects: int
    units: tuple[UnitFigures, ...]
    meant: tuple[str, ...]
    means: dict[str, Interval]
    baselines: dict[str, dict[str, float]]
    threshold: float = THRESHOLD
    resamples: int = intervals.RESAMPLES
    level: float = intervals.LEVEL


def skew_normalised_f1(tpr: Floats, fpr: Floats) -> Floats:
    """F1 on as many positives as negatives: 2 TPR / (1 + TPR + FPR).

    Args:
        tpr: rates of hits, any shape; NaN where there is no such rate.
        fpr: rates of false alarms, of the same shape.
    """
    return np.asarray(2 * tpr / (1 + tpr + fpr), np.float64)


def measured(
    truth: NDArray[np.bool_], probabilities: Floats, weights: Floats, threshold: float = THRESHOLD
) -> dict[str, Measured]:
    """Each of ``FIGURES`` of one unit, with its resamples.

    Args:
        truth: bool (n,).
        probabilities: (n,) in [0, 1].
        weights: (resamples, n) from ``intervals.draws``.
        threshold: a unit is declared from this probability on.

    Raises:
        ValueError: shapes that do not match, or probabilities that are none.
    """
    if not (np.isfinite(probabilities).all() and ((probabilities >= 0) & (probabilities <= 1)).all()):
        raise ValueError("probabilities of action units must be in [0, 1]")
    said = probabilities >= threshold
    answers = detection.Answers(("unit",), truth[:, None], said[:, None], probabilities[:, None])
    found = {name: m for (_, name), m in detection.measured(answers, weights, {}).items()}
    tpr, fpr = found["tpr"], found["fpr"]
    value = skew_normalised_f1(np.array(tpr.value), np.array(fpr.value))
    found["f1_skew_normalised"] = Measured(float(value), skew_normalised_f1(tpr.resampled, fpr.resampled))
    return {name: found[name] for name in FIGURES}


def constant(items: int, positives: int, *, yes: bool) -> dict[str, float]:
    """What always saying yes, or always no, gives."""
    if not yes:
        return {"f1": 0.0, "f1_skew_normalised": 0.0, "balanced_accuracy": 0.5}
    return {
        "f1": 2 * positives / (items + positives),
        "f1_skew_normalised": float(skew_normalised_f1(np.array(1.0), np.array(1.0))),
        "balanced_accuracy": 0.5,
    }


def summarise(p: UnitPredictions, resamples: int = intervals.RESAMPLES, seed: int = intervals.SEED) -> UnitSummary:
    """Compute every figure from predictions alone.

    Raises:
        DataError: the predictions contradict themselves, or come from fewer than two subjects.
    """
    units: list[UnitFigures] = []
    counted: list[dict[str, Measured]] = []
    try:
        weights = intervals.draws(p.subject, resamples, seed)
        for k in range(len(p.units)):
            known = np.isfinite(p.probabilities[:, k])
            modelled = bool(known.any())
            rows = known if modelled else np.ones(len(known), np.bool_)
            truth = p.truth[rows, k]
            found: dict[str, Measured] = {}
            if modelled and 0 < truth.sum() < len(truth):
                found = measured(truth, p.probabilities[rows, k], weights[:, rows])
            units.append(_unit(p.units[k], truth, p.subject[rows], found, modelled=modelled))
            if units[-1].counts:
                counted.append(found)
    except ValueError as error:
        raise DataError(f"action units of {p.setting.data}: {error}") from None
    meant = [unit for unit in units if unit.counts]
    return UnitSummary(
        setting=p.setting,
        items=len(p.item),
        subjects=len(np.unique(p.subject)),
        units=tuple(units),
        meant=tuple(unit.unit for unit in meant),
        means={name: mean([found[name] for found in counted]) for name in FIGURES} if counted else {},
        baselines=_mean_baselines(meant) if meant else {},
        resamples=resamples,
    )


def mean(values: Sequence[Measured]) -> Interval:
    """Mean over units, resampled together; in a resample, over the units that have a value there."""
    together = detection.macro(np.stack([m.resampled for m in values], axis=1))
    return Interval(float(np.mean([m.value for m in values])), *intervals.bounds(together))


def as_object(s: UnitSummary) -> dict[str, Any]:
    """The summary as plain values for JSON: each figure an object of ``value``, ``low`` and ``high``."""
    return {
        "items": s.items,
        "subjects": s.subjects,
        "threshold": s.threshold,
        "fewest_for_means": FEWEST,
        "meant": list(s.meant),
        "means": _bounded(s.means),
        **s.baselines,
        "units": {
            unit.unit: {
                "items": unit.items,
                "positives": unit.positives,
                "people": unit.people,
                "modelled": unit.modelled,
                "enough_data": bool(unit.figures),
                "in_means": unit.counts,
                **_bounded(unit.figures),
                **unit.baselines,
            }
            for unit in s.units
        },
        "setting": {"protocol": s.setting.protocol, "retrained": s.setting.retrained},
    }


def _unit(
    name: str, truth: NDArray[np.bool_], subjects: NDArray[np.str_], found: dict[str, Measured], *, modelled: bool
) -> UnitFigures:
    items, positives = len(truth), int(truth.sum())
    return UnitFigures(
        unit=name,
        items=items,
        positives=positives,
        people=len(np.unique(subjects[truth])),
        modelled=modelled,
        figures={figure: value.interval() for figure, value in found.items()},
        baselines={kind: constant(items, positives, yes=kind == "always_yes") for kind in BASELINES}
        if found
        else {},
    )


def _mean_baselines(units: Sequence[UnitFigures]) -> dict[str, dict[str, float]]:
    return {
        kind: {name: float(np.mean([u.baselines[kind][name] for u in units])) for name in FIGURES if name != "auc"}
        for kind in BASELINES
    }


def _bounded(figures: dict[str, Interval]) -> dict[str, dict[str, float | None]]:
    return {
        name: {key: value if np.isfinite(value) else None for key, value in i._asdict().items()}
        for name, i in figures.items()
    }
