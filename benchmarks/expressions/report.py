"""Rows as text, as ``figures.json``, and as the short list that lies beside a model's file."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import mien
from mien import atomic

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from benchmarks.expressions.material import Model
    from benchmarks.expressions.measures import Row
    from benchmarks.expressions.robustness import Level
    from benchmarks.expressions.validation import Curves

PUBLISHED = {
    ("validation", "accuracy"), ("validation", "balanced_accuracy"), ("validation", "ece"),
    ("held-out", "accuracy"), ("held-out", "balanced_accuracy"), ("held-out", "ece"),
    ("robustness", "mean accuracy over levels"), ("unseen", "balanced_accuracy"),
}  # fmt: skip
"""Which figures go beside the model's file, besides the means over action units."""


@dataclass(slots=True)
class Outcome:
    """All that was found.

    Attributes:
        rows: every figure.
        curves: of FER+ validation, by model.
        levels: of the degradations.
        mean_curves: over the degradations, by model.
        faces: how many were degraded.
    """

    rows: list[Row] = field(default_factory=list)
    curves: dict[str, Curves] = field(default_factory=dict)
    levels: list[Level] = field(default_factory=list)
    mean_curves: dict[str, list[float]] = field(default_factory=dict)
    faces: int = 0


def text(outcome: Outcome) -> str:
    """Every row, models side by side, and what is confused most."""
    lines: list[str] = []
    for part in dict.fromkeys(row.part for row in outcome.rows):
        rows = [row for row in outcome.rows if row.part == part]
        lines += ["", part]
        for where, measure in dict.fromkeys((row.where, row.measure) for row in rows):
            found = [row for row in rows if (row.where, row.measure) == (where, measure)]
            lines.append(f"  {where:<44} {measure:<42} {'   '.join(_told(row) for row in found)}")
    for name, curves in outcome.curves.items():
        lines += ["", f"most confused by {name}"]
        lines += [
            f"  {one['truth']:<10} taken for {one['answer']:<10} {one['faces']:>4} faces, {one['share']:.0%} of all"
            for one in curves.confused
        ]
    return "\n".join(lines[1:])


def write(path: Path, outcome: Outcome, models: Sequence[Model]) -> None:
    """Everything as JSON; where there is no value, it is ``null``."""
    document = {
        "mien": mien.__version__,
        "models": {model.name: {"sha256": model.file.sha256, "name": model.file.meta.name} for model in models},
        "rows": [_finite(asdict(row)) for row in outcome.rows],
        "curves": {name: asdict(curves) for name, curves in outcome.curves.items()},
        "robustness": {
            "faces": outcome.faces,
            "levels": [
                {**asdict(one), "redone": one.redone._asdict(), "kept": one.kept._asdict()}
                for one in outcome.levels
            ],
            "mean": outcome.mean_curves,
        },
    }
    atomic.write_bytes(path, (json.dumps(document, indent=1, allow_nan=False) + "\n").encode())


def publish(path: Path, outcome: Outcome, model: Model, chosen_by: Collection[str] = ()) -> None:
    """The figures of one model that ``mien models`` shows, as ``mien.model_figures`` reads them.

    Args:
        path: the model's file with the ending ``.json``.
        outcome: of the bench.
        model: whose figures.
        chosen_by: parts of the bench whose faces the model's recipe was chosen by; their figures are told, but not
            as of held-out faces.
    """
    figures = [
        {
            "what": f"{row.measure.replace('_', ' ')}, {row.where}",
            **{name: round(value, 5) for name, value in _bounds(row).items() if math.isfinite(value)},
            "held_out": row.part not in chosen_by,
        }
        for row in outcome.rows
        if row.model == model.name
        and row.held_out
        and ((row.part, row.measure) in PUBLISHED or row.measure.endswith("action units"))
        and (row.part != "robustness" or row.where == "all sweeps")
    ]
    document = {"sha256": model.file.sha256, "figures": figures}
    atomic.write_bytes(path, (json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False) + "\n").encode())


def _bounds(row: Row) -> dict[str, float]:
    return {"value": row.value, "low": row.low, "high": row.high}


def _told(row: Row) -> str:
    bounds = "" if math.isnan(row.low) else f" [{row.low:.3f}, {row.high:.3f}]"
    return f"{row.model}: {row.value:.3f}{bounds}"


def _finite(values: dict[str, Any]) -> dict[str, Any]:
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in values.items()}
