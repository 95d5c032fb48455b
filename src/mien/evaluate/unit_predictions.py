"""The table of predicted action units: codes and probabilities of faces of people that the model never saw."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from arro3.core import Array, DataType, Table

from mien.errors import DataError
from mien.evaluate import parquet_file
from mien.evaluate.predictions import Setting

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mien.data.dataset import Dataset, Item

NAME = "action_units.parquet"
TRUTH = "_truth"  # ending of the codes' columns


@dataclass(frozen=True, slots=True)
class UnitPredictions:
    """One row per face that was coded and scored.

    Attributes:
        units: action units that the data codes: meaning of the columns of both arrays.
        item, subject: names (n,).
        fold: (n,) number of the fold in which the face was held out, from 0.
        truth: bool (n, units), whether the unit is shown.
        probabilities: float64 (n, units) in [0, 1]; NaN where the model that scored the face has no such unit.
        setting: how they came to be.
    """

    units: tuple[str, ...]
    item: NDArray[np.str_]
    subject: NDArray[np.str_]
    fold: NDArray[np.intp]
    truth: NDArray[np.bool_]
    probabilities: NDArray[np.float64]
    setting: Setting


@dataclass(frozen=True, slots=True)
class Part:
    """What one model said about some faces.

    Attributes:
        items: the faces, coded or not.
        fold: number of the fold they were held out in.
        units: the model's action units; empty where it gives none.
        probabilities: float64 (n, units).
    """

    items: Sequence[Item]
    fold: int
    units: tuple[str, ...]
    probabilities: NDArray[np.float64]


def unlabelled(dataset: Dataset, subjects: Collection[str], known: Collection[str] = ()) -> list[Item]:
    """Faces of ``subjects`` that were coded but carry no expression: they count for action units only.

    Args:
        dataset: where they are sought.
        subjects: who is scored.
        known: who was trained on; where a split leaves people on both sides, they add no faces.
    """
    wanted = set(subjects) - set(known)
    return [
        item
        for item in dataset.items
        if item.expression is None and item.action_units is not None and item.subject in wanted
    ]


def gathered(parts: Sequence[Part], dataset: Dataset, setting: Setting) -> UnitPredictions | None:
    """All parts as one table, sorted by item; None where no model gives units, or no face was coded.

    A unit that the models know and the data does not code has no truth and is left out; one that is coded and not
    known keeps its column, without probabilities.
    """
    names = dataset.action_units
    coded = [
        (item, part, row) for part in parts for row, item in enumerate(part.items) if item.action_units is not None
    ]
    if not coded or not any(set(names) & set(part.units) for part in parts):
        return None
    coded.sort(key=lambda one: one[0].name)
    found = np.full((len(coded), len(names)), np.nan)
    for (_, part, row), into in zip(coded, found, strict=True):
        for k, unit in enumerate(names):
            if unit in part.units:
                into[k] = part.probabilities[row, part.units.index(unit)]
    return UnitPredictions(
        units=names,
        item=np.array([item.name for item, _, _ in coded]),
        subject=np.array([item.subject for item, _, _ in coded]),
        fold=np.array([part.fold for _, part, _ in coded], np.intp),
        truth=np.array([item.action_units for item, _, _ in coded], np.int64) > 0,
        probabilities=found,
        setting=setting,
    )


def write(path: Path, predictions: UnitPredictions) -> None:
    """Write them as Parquet, whole or not at all.

    Columns: ``item subject fold``, and per unit ``AU12_truth`` (0 or 1) and ``AU12``, the probability; null where
    the model has no such unit.

    Raises:
        OutputError: the file cannot be written.
    """
    p = predictions
    columns: dict[str, Any] = {
        "item": parquet_file.text(p.item.tolist()),
        "subject": parquet_file.text(p.subject.tolist()),
        "fold": Array.from_numpy(p.fold.astype(np.int32)),
    }
    for k, unit in enumerate(p.units):
        columns[unit + TRUTH] = Array.from_numpy(p.truth[:, k].astype(np.int8))
        values = [None if np.isnan(value) else float(value) for value in p.probabilities[:, k]]
        columns[unit] = Array(values, type=DataType.float64())
    parquet_file.write(path, columns, {"units": list(p.units), **asdict(p.setting)})


def read(path: Path) -> UnitPredictions:
    """Read what ``write`` wrote.

    Raises:
        DataError: not there, not Parquet, or not a table of action units.
    """
    return parquet_file.read(path, "action units", _parsed)


def _parsed(table: Table, stored: dict[str, Any]) -> UnitPredictions:
    units = tuple(stored.pop("units"))
    truth = np.array([table.column(unit + TRUTH).to_pylist() for unit in units], np.int64).T
    values = [[np.nan if v is None else v for v in table.column(unit).to_pylist()] for unit in units]
    probabilities = np.array(values, np.float64).T
    if truth.size == 0 or not np.isin(truth, (0, 1)).all():
        raise DataError("codes must be 0 or 1")
    return UnitPredictions(
        units=units,
        item=np.array(table.column("item").to_pylist()),
        subject=np.array(table.column("subject").to_pylist()),
        fold=np.array(table.column("fold").to_pylist(), np.intp),
        truth=truth > 0,
        probabilities=probabilities,
        setting=Setting(**stored),
    )
