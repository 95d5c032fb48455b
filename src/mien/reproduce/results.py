"""``tables/results.csv``: one tidy row per number, with its interval and, where it has one, the report's number."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from mien import atomic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from mien.reproduce.scored import Scored
    from mien.reproduce.stages import Stages

NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Row:
    """One number.

    Attributes:
        experiment: which experiment: ``fig1 stills softmax table1 architecture sequence labels fine-tuned leak``.
        protocol: who was held out: ``paper-split sequence-split subject-10fold loso``, or ``none``.
        inputs: what the classifier saw, or which baseline it is: ``features``, ``features+facs``,
            ``features+predicted-facs``, ``pixels``, ``pca``, ``always-no``, ``majority``, ``shuffled-labels``, ...
        label: an expression, ``macro`` (mean over all labels), ``macro-6`` (over the report's six) or ``all``.
        metric: ``accuracy``, ``f1``, ``TP``, ``median_gabor_r2``, ...
        value: the number; NaN where it has no value.
        low, high: 95 % interval by subject; NaN where there is none.
        paper: the report's number for the same cell; NaN where it gives none.
    """

    experiment: str
    protocol: str
    inputs: str
    label: str
    metric: str
    value: float
    low: float = NAN
    high: float = NAN
    paper: float = NAN


COLUMNS = tuple(field.name for field in fields(Row))


def as_csv(rows: Iterable[Row]) -> str:
    """The rows as CSV text with a header; numbers with six significant digits, no value is an empty field."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_text(value) for value in astuple(row)])
    return stream.getvalue()


def write(path: Path, rows: Iterable[Row]) -> None:
    """Write ``rows``, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    atomic.write_bytes(path, as_csv(rows).encode())


def find(rows: Iterable[Row], experiment: str, protocol: str, inputs: str, label: str, metric: str) -> Row:
    """The one row of that cell.

    Raises:
        KeyError: there is none.
    """
    wanted = (experiment, protocol, inputs, label, metric)
    for row in rows:
        if (row.experiment, row.protocol, row.inputs, row.label, row.metric) == wanted:
            return row
    raise KeyError(wanted)


def kept(
    stages: Stages, experiment: str, scored: list[Scored], make: Callable[[list[Scored]], list[Row]]
) -> list[Row]:
    """The rows that ``make`` computes from ``scored``, kept: its resampling takes a while."""

    def made(_checkpoint: Path) -> dict[str, NDArray[np.str_]]:
        return {"rows": np.array(json.dumps([astuple(row) for row in make(scored)]))}

    inputs = {"experiment": experiment, "scored": scored}
    return [Row(*cells) for cells in json.loads(str(stages.get("rows", inputs, made)["rows"]))]


def _text(value: str | float) -> str:
    if isinstance(value, str):
        return value
    return "" if math.isnan(value) else f"{value:.6g}"
