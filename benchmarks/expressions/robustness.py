"""Accuracy on degraded pictures of FER+ validation, level by level.

Each level is scored twice: with the points of the clean face, which shows what the model itself bears, and with
points sought again on the degraded picture, as a user gets them. How often that finds no face is told by itself;
such a face is scored as an upright one that fills its picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.expressions import measures
from benchmarks.expressions.degradation import SWEEPS, degraded
from benchmarks.expressions.material import known, looked, probabilities
from benchmarks.expressions.measures import Row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.expressions.degradation import Sweep
    from benchmarks.expressions.material import Faces, Model
    from mien.evaluate.intervals import Interval
    from mien.faces.landmarks import LandmarkNetwork

PART = "robustness"
HELD_OUT = "FER+ validation pictures; people are unknown"
STEPS = 21  # of the mean curve


@dataclass(frozen=True, slots=True)
class Level:
    """One level of one sweep for one model.

    Attributes:
        sweep, level, model: which.
        redone: accuracy with points sought again.
        kept: accuracy with the points of the clean face.
        missed: share of the pictures in which no face was found.
    """

    sweep: str
    level: float | str
    model: str
    redone: Interval
    kept: Interval
    missed: float


def run(
    models: Sequence[Model], faces: Faces, network: LandmarkNetwork, sweeps: Sequence[Sweep] = SWEEPS
) -> tuple[list[Row], list[Level]]:
    """Every level for every model; rows are the clean accuracy and the means over levels."""
    clean = {model.name: _accuracy(model, faces, faces.greys, known(faces.greys, faces.points)) for model in models}
    levels: list[Level] = []
    for sweep in sweeps:
        for level in sweep.levels:
            if level == sweep.clean:
                levels += [Level(sweep.name, level, m.name, clean[m.name], clean[m.name], faces.missed)
                           for m in models]  # fmt: skip
            else:
                levels += _at(models, faces, network, sweep, level)
    return _rows(levels, sweeps, clean), levels


def mean_curve(levels: Sequence[Level], model: str, sweeps: Sequence[Sweep] = SWEEPS) -> list[float]:
    """Mean accuracy over the sweeps at 0 to 1 of the way from clean to the strongest level, in ``STEPS`` steps.

    Levels of a sweep are spaced evenly, in order of their distance from the clean one; a sweep that goes both ways
    has two arms, which count half each. Levels without an order play no part.
    """
    arms = []
    for sweep in sweeps:
        if isinstance(sweep.clean, str):
            continue
        middle = sweep.levels.index(sweep.clean)
        by = {one.level: one.redone.value for one in levels if (one.sweep, one.model) == (sweep.name, model)}
        sides = [sweep.levels[middle::-1], sweep.levels[middle:]]
        sides = [side for side in sides if len(side) > 1]
        at = np.linspace(0, 1, STEPS)
        curves = [np.interp(at, np.linspace(0, 1, len(side)), [by[level] for level in side]) for side in sides]
        arms.append(np.mean(curves, axis=0))
    return [round(float(value), 5) for value in np.mean(arms, axis=0)]


def _at(
    models: Sequence[Model], faces: Faces, network: LandmarkNetwork, sweep: Sweep, level: float | str
) -> list[Level]:
    at = known(faces.greys, faces.points)
    made = [degraded(sweep, level, grey, p, k) for k, (grey, p) in enumerate(zip(faces.greys, at, strict=True))]
    pictures, moved = [picture for picture, _ in made], [points for _, points in made]
    found = looked(pictures, network)
    missed = sum(points is None for points in found) / len(found)
    again = known(pictures, found)
    return [
        Level(sweep.name, level, m.name, _accuracy(m, faces, pictures, again), _accuracy(m, faces, pictures, moved),
              missed)
        for m in models
    ]  # fmt: skip


def _accuracy(model: Model, faces: Faces, greys: Sequence[np.ndarray], points: Sequence[np.ndarray]) -> Interval:
    answers = probabilities(model, greys, points).argmax(axis=1)
    right = [model.scorer.labels[k] == shown for k, shown in zip(answers.tolist(), faces.shown, strict=True)]
    return measures.share(np.array(right, float))


def _rows(levels: Sequence[Level], sweeps: Sequence[Sweep], clean: dict[str, Interval]) -> list[Row]:
    rows: list[Row] = []
    for sweep in sweeps:
        worst = max(one.missed for one in levels if one.sweep == sweep.name)
        rows.append(Row(PART, "landmarks", sweep.name, "no face found at the worst level", worst))
    for name, accuracy in clean.items():
        rows.append(Row(PART, name, "clean", "accuracy", *accuracy, HELD_OUT))
        means = []
        for sweep in sweeps:
            harmed = [
                one for one in levels if (one.sweep, one.model) == (sweep.name, name) and one.level != sweep.clean
            ]
            means.append(float(np.mean([one.redone.value for one in harmed])))
            rows.append(Row(PART, name, sweep.name, "mean accuracy over levels", means[-1], held_out=HELD_OUT))
        rows.append(
            Row(PART, name, "all sweeps", "mean accuracy over levels", float(np.mean(means)), held_out=HELD_OUT)
        )
    return rows
