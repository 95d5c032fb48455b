"""FER+ validation: thousands of web faces that no model was trained on, aligned and as plain boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.expressions import measures
from benchmarks.expressions.material import ALIGNED, PLAIN, predicted
from mien.evaluate import metrics, selective

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.expressions.material import Faces, Model
    from benchmarks.expressions.measures import Row

PART = "validation"
HELD_OUT = "FER+ validation pictures; people are unknown"


@dataclass(frozen=True, slots=True)
class Curves:
    """Of one model on aligned faces, for charts.

    Attributes:
        risk_coverage: rows of (coverage, risk).
        reliability: rows of (confidence, accuracy, faces).
        confused: see ``measures.confused``.
    """

    risk_coverage: list[list[float]]
    reliability: list[list[float]]
    confused: list[dict[str, Any]]


def run(models: Sequence[Model], faces: Faces) -> tuple[list[Row], dict[str, Curves]]:
    """Figures of every model, and what is drawn of each."""
    rows: list[Row] = []
    curves: dict[str, Curves] = {}
    for model in models:
        for how in (ALIGNED, PLAIN):
            p = predicted(model, faces, how)
            where = f"{faces.name}, {how}"
            rows += measures.overall(PART, where, p, HELD_OUT)
            if how == ALIGNED:
                rows += measures.by_class(PART, where, p, HELD_OUT)
                curves[model.name] = Curves(
                    selective.thinned(selective.curve(p.truth, p.probabilities)).round(5).tolist(),
                    metrics.reliability(p.truth, p.probabilities).round(5).tolist(),
                    measures.confused(p),
                )
                if model is models[0]:
                    rows += measures.majority(PART, where, p)
    missed = measures.share(np.array([at is None for at in faces.points], float))
    rows.append(measures.Row(PART, "landmarks", faces.name, "no face found", *missed))
    return rows, curves
