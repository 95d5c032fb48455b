"""CK+ by a model that saw none of its labels: other cameras, other people, expressions made on demand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.expressions import measures
from benchmarks.expressions.material import predicted
from mien.evaluate import views

if TYPE_CHECKING:
    from benchmarks.expressions.material import Faces, Model
    from benchmarks.expressions.measures import Row

PART = "unseen"
HELD_OUT = "all of CK+"
MEASURES = ("accuracy", "balanced_accuracy", "macro_f1", "macro_auc", "ece", "nll", "brier")


def run(model: Model, faces: Faces) -> list[Row]:
    """Six expressions and neutral by forced choice; contempt apart, among all eight."""
    p = predicted(model, faces)
    seen = views.seen(p, views.SIX_AND_NEUTRAL)
    where = f"{faces.name}, {views.SIX_AND_NEUTRAL.name}"
    rows = measures.overall(PART, where, seen, HELD_OUT, MEASURES)
    rows += measures.by_class(PART, where, seen, HELD_OUT)
    rows += measures.majority(PART, where, seen)
    contempt = [
        r for r in measures.by_class(PART, f"{faces.name}, all eight", p, HELD_OUT) if "contempt" in r.measure
    ]
    return rows + contempt
