"""Tables of an evaluation as Parquet files: columns, and how they came to be in the file's metadata."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any, TypeVar

import arro3.io
from arro3.core import Array, DataType, Table

from mien import atomic
from mien.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

T = TypeVar("T")

_KEY = "mien"


def write(path: Path, columns: Mapping[str, Array], stored: Mapping[str, Any]) -> None:
    """Write columns of one length with ``stored`` (JSON values) beside them, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    buffer = io.BytesIO()
    arro3.io.write_parquet(
        Table.from_pydict(dict(columns)),
        buffer,
        key_value_metadata={_KEY: json.dumps(stored, sort_keys=True)},
    )
    atomic.write_bytes(path, buffer.getvalue())


def read(path: Path, what: str, parse: Callable[[Table, dict[str, Any]], T]) -> T:
    """What ``parse`` makes of the columns and of what was stored beside them.

    Args:
        path: of the file.
        what: the file should hold, for the error.
        parse: any exception of it counts as a foreign file.

    Raises:
        DataError: not there, not Parquet, damaged, or foreign.
    """
    try:
        _look_at_the_end(path)
        table = arro3.io.read_parquet(path).read_all()
        return parse(table, json.loads(_metadata(table)[_KEY]))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001  on a damaged file arro3's Rust panics: no Exception
        raise DataError(f"{path}: not a table of {what} of 'mien evaluate': {error}") from None


def text(values: list[str]) -> Array:
    """A column of text."""
    return Array(values, type=DataType.utf8())


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
