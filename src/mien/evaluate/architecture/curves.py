"""The curves of an estimate as one table, and the whole of it as a record."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from mien import __version__, atomic

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mien.learn.architecture.estimate import Estimate
    from mien.learn.architecture.halving import Trial
    from mien.learn.architecture.score import Score

COLUMNS = ("curve", "layers", "units", "round", "value", "error", "low", "high", "people")


def write_table(path: Path, estimate: Estimate) -> None:
    """Write ``curve.csv``: a row per point, with its standard error and 95 % interval by people.

    ``curve`` is ``eigenvalue`` and ``chance`` (both of the component ``units``), ``likelihood``, ``pruning``, and
    ``halving`` and ``accuracy`` (of the networks tried, by round).

    Raises:
        OutputError: the file cannot be written.
    """
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows(_rows(estimate))
    atomic.write_bytes(path, text.getvalue().encode())


def write_record(path: Path, estimate: Estimate, data: str, fingerprint: str, base: str) -> None:
    """Write ``architecture.json``: the figures of every estimate and the recommendation.

    Args:
        path: of the file.
        estimate: what was found.
        data: name of the data set.
        fingerprint: its SHA-256 (hex).
        base: name of the recipe whose size was sought.

    Raises:
        OutputError: the file cannot be written.
    """
    e = estimate
    record = {
        "data": data,
        "data_fingerprint": fingerprint,
        "faces": e.faces,
        "people": e.people,
        "labels_used": e.labelled,
        "recipe": base,
        "seed": e.seed,
        "mien": __version__,
        "dimension": {
            "parallel_analysis": _count(e.dimension.parallel),
            "minka": _count(e.dimension.minka),
            "explained": e.dimension.explained,
        },
        "likelihood": {"visible": e.likelihood.visible, "chosen": e.likelihood.chosen, "best": e.likelihood.best},
        "pruning": {
            name: getattr(e.pruning, name)
            for name in ("units", "silent", "doubles", "spare", "left", "low", "high")
        },
        "halving": {
            "measure": e.halving.measure,
            "trials": len(e.halving.trials),
            "chosen": _trial(e.halving.chosen),
            "best": _trial(e.halving.best),
        },
        "recommended": {"layers": list(e.halving.chosen.shape.widths), "recipe": "recommended.toml"},
    }
    atomic.write_bytes(path, (json.dumps(record, indent=2, sort_keys=True) + "\n").encode())


def _rows(e: Estimate) -> Iterator[tuple[Any, ...]]:
    for name, values in (("eigenvalue", e.dimension.eigenvalues), ("chance", e.dimension.thresholds)):
        for place, value in enumerate(values.tolist(), 1):
            yield name, "", place, "", f"{value:.6g}", "", "", "", e.people
    for point in e.likelihood.points:
        yield "likelihood", 1, point.units, "", *_told(point.score)
    for units, score in e.pruning.curve:
        yield "pruning", 1, units, "", *_told(score)
    for trial in e.halving.trials:
        where = trial.shape.layers, trial.shape.units, trial.budget.round
        yield "halving", *where, *_told(trial.score)
        if trial.accuracy is not None:
            yield "accuracy", *where, *_told(trial.accuracy)


def _told(score: Score) -> tuple[Any, ...]:
    return (*(f"{value:.6g}" for value in (score.value, score.error, score.low, score.high)), score.people)


def _count(count: Any) -> dict[str, float]:  # noqa: ANN401  a Count of the learning room, which may be missing
    return {"value": count.value, "low": count.low, "high": count.high}


def _trial(trial: Trial) -> dict[str, Any]:
    found = {
        "layers": list(trial.shape.widths),
        "weights": trial.weights,
        "score": trial.score.value,
        "score_error": trial.score.error,
    }
    if trial.accuracy is not None:
        found |= {"accuracy": trial.accuracy.value, "accuracy_error": trial.accuracy.error}
    return found
