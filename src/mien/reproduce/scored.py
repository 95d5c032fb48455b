"""What classifiers said about held-out frames: ``predictions.parquet``, from which every figure is computed."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import arro3.io
import numpy as np
from arro3.core import Array, DataType, Table

from mien import atomic

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Scored:
    """One classifier under one protocol; one row per scored frame (or per sequence, where frames were pooled).

    Attributes:
        experiment, protocol, inputs: as in ``results.Row``.
        labels: meaning of the columns below.
        item, subject, sequence: names (n,).
        fold: (n,) number of the fold in which the row was held out, from 0.
        truth: (n,) label index.
        probabilities: (n, labels); rows sum to 1 for softmax; independent probabilities for one logistic
            regression per expression.
        said: bool (n, labels), whether the expression was declared present, by thresholds that were chosen on
            training people; ``None`` for softmax, where the most probable label is the answer.
    """

    experiment: str
    protocol: str
    inputs: str
    labels: tuple[str, ...]
    item: NDArray[np.str_]
    subject: NDArray[np.str_]
    sequence: NDArray[np.str_]
    fold: NDArray[np.intp]
    truth: NDArray[np.intp]
    probabilities: NDArray[np.float64]
    said: NDArray[np.bool_] | None = None


def write(path: Path, scored: Sequence[Scored]) -> None:
    """All answers as one Parquet table, whole or not at all.

    Columns: ``experiment protocol inputs item subject sequence fold truth``, a probability per label, and per label
    ``LABEL_present``, what was declared (empty where the most probable label is the answer). All must have the same
    labels.

    Raises:
        OutputError: the file cannot be written.
    """
    labels = scored[0].labels
    columns: dict[str, Any] = {}
    for name in ("experiment", "protocol", "inputs"):
        columns[name] = _text([value for s in scored for value in [getattr(s, name)] * len(s.truth)])
    for name in ("item", "subject", "sequence"):
        columns[name] = _text([value for s in scored for value in getattr(s, name).tolist()])
    columns["fold"] = Array.from_numpy(np.concatenate([s.fold for s in scored]).astype(np.int32))
    columns["truth"] = _text([labels[k] for s in scored for k in s.truth.tolist()])
    probabilities = np.concatenate([s.probabilities for s in scored])
    for k, label in enumerate(labels):
        columns[label] = Array.from_numpy(np.ascontiguousarray(probabilities[:, k]))
    for k, label in enumerate(labels):
        said = [
            value for s in scored for value in ([None] * len(s.truth) if s.said is None else s.said[:, k].tolist())
        ]
        columns[f"{label}_present"] = Array(said, type=DataType.bool())
    buffer = io.BytesIO()
    arro3.io.write_parquet(Table.from_pydict(columns), buffer)
    atomic.write_bytes(path, buffer.getvalue())


def _text(values: list[str]) -> Array:
    return Array(values, type=DataType.utf8())
