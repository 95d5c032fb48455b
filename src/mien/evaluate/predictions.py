"""The table of predictions: what a model said about faces of people it never saw. All figures come from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from arro3.core import Array, Table

from mien.evaluate import parquet_file

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from mien.evaluate.unit_predictions import UnitPredictions

FIXED = ("item", "subject", "fold", "truth")


@dataclass(frozen=True, slots=True)
class Setting:
    """Under which circumstances the predictions were made; travels in the file's metadata.

    Attributes:
        model: the model's short name.
        model_sha256: hash of the model file, hex.
        data: name of the data set.
        data_fingerprint: SHA-256 over the data set's items, hex.
        protocol: name of the protocol.
        retrained: the model's recipe was trained anew for every fold (else the model was scored as it is).
        synthetic: drawn faces, in the data or in the model's training.
        terms: what the data's terms allow, in words.
        mien_version: version that made the predictions.
        seed: the recipe's.
        beside: names of data sets that every fold was trained on as well, joined with +; "" where there was none.
        start: the model from which every fold's training went on; "" where each began from nothing.
    """

    model: str
    model_sha256: str
    data: str
    data_fingerprint: str
    protocol: str
    retrained: bool
    synthetic: bool
    terms: str
    mien_version: str
    seed: int
    beside: str = ""
    start: str = ""


@dataclass(frozen=True, slots=True)
class Predictions:
    """One row per scored face.

    Attributes:
        labels: meaning of the columns of ``probabilities``.
        item, subject: names (n,).
        fold: (n,) number of the fold in which the face was held out, from 0.
        truth: (n,) label index.
        probabilities: (n, labels), rows sum to 1.
        setting: how they came to be.
        action_units: what the model said about action units, of these faces and of others that were coded; None
            where it gives none or the data has no codes. Has a file of its own.
    """

    labels: tuple[str, ...]
    item: NDArray[np.str_]
    subject: NDArray[np.str_]
    fold: NDArray[np.intp]
    truth: NDArray[np.intp]
    probabilities: NDArray[np.float64]
    setting: Setting
    action_units: UnitPredictions | None = None


def write(path: Path, predictions: Predictions) -> None:
    """Write ``predictions`` as Parquet, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    names = np.array(predictions.labels)[predictions.truth]
    columns: dict[str, Any] = {
        "item": parquet_file.text(predictions.item.tolist()),
        "subject": parquet_file.text(predictions.subject.tolist()),
        "fold": Array.from_numpy(predictions.fold.astype(np.int32)),
        "truth": parquet_file.text(names.tolist()),
    }
    for k, label in enumerate(predictions.labels):
        columns[label] = Array.from_numpy(np.ascontiguousarray(predictions.probabilities[:, k]))
    parquet_file.write(path, columns, {"labels": list(predictions.labels), **asdict(predictions.setting)})


def read(path: Path) -> Predictions:
    """Read what ``write`` wrote.

    Raises:
        DataError: not there, not Parquet, or not a table of predictions.
    """
    return parquet_file.read(path, "predictions", _parsed)


def _parsed(table: Table, stored: dict[str, Any]) -> Predictions:
    labels = tuple(stored.pop("labels"))
    place = {name: k for k, name in enumerate(labels)}
    columns = {name: table.column(name).to_pylist() for name in (*FIXED, *labels)}
    return Predictions(
        labels=labels,
        item=np.array(columns["item"]),
        subject=np.array(columns["subject"]),
        fold=np.array(columns["fold"], np.intp),
        truth=np.array([place[name] for name in columns["truth"]], np.intp),
        probabilities=np.array([columns[name] for name in labels], np.float64).T,
        setting=Setting(**stored),
    )
