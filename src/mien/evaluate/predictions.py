"""The table of predictions: what a model said about faces of people it never saw. All figures come from it."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import arro3.io
import numpy as np
from arro3.core import Array, DataType, Table

from mien import atomic
from mien.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

FIXED = ("item", "subject", "fold", "truth")
_KEY = "mien"


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
    """

    labels: tuple[str, ...]
    item: NDArray[np.str_]
    subject: NDArray[np.str_]
    fold: NDArray[np.intp]
    truth: NDArray[np.intp]
    probabilities: NDArray[np.float64]
    setting: Setting


def write(path: Path, predictions: Predictions) -> None:
    """Write ``predictions`` as Parquet, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    names = np.array(predictions.labels)[predictions.truth]
    columns: dict[str, Any] = {
        "item": _text(predictions.item.tolist()),
        "subject": _text(predictions.subject.tolist()),
        "fold": Array.from_numpy(predictions.fold.astype(np.int32)),
        "truth": _text(names.tolist()),
    }
    for k, label in enumerate(predictions.labels):
        columns[label] = Array.from_numpy(np.ascontiguousarray(predictions.probabilities[:, k]))
    buffer = io.BytesIO()
    setting = {"labels": list(predictions.labels), **asdict(predictions.setting)}
    arro3.io.write_parquet(
        Table.from_pydict(columns),
        buffer,
        key_value_metadata={_KEY: json.dumps(setting, sort_keys=True)},
    )
    atomic.write_bytes(path, buffer.getvalue())


def read(path: Path) -> Predictions:
    """Read what ``write`` wrote.

    Raises:
        DataError: not there, not Parquet, or not a table of predictions.
    """
    try:
        _look_at_the_end(path)
        table = arro3.io.read_parquet(path).read_all()
        stored = json.loads(_metadata(table)[_KEY])
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
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001  on a damaged file arro3's Rust panics: no Exception
        raise DataError(f"{path}: not a table of predictions of 'mien evaluate': {error}") from None


def _look_at_the_end(path: Path) -> None:
    """Notice a file that was cut short, which arro3 would panic about on standard error."""
    content = path.read_bytes()
    size = int.from_bytes(content[-8:-4], "little")
    if content[:4] != b"PAR1" or content[-4:] != b"PAR1" or size > len(content) - 12:
        raise ValueError("no Parquet file, or cut short")


def _metadata(table: Table) -> dict[str, str]:
    return {_decoded(k): _decoded(v) for k, v in table.schema.metadata.items()}


def _decoded(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _text(values: list[str]) -> Array:
    return Array(values, type=DataType.utf8())
