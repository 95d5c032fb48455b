"""CSV tables that lie beside a data set's pictures."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from mien.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def read_csv(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """The rows of a CSV file with a header, as text by column name, in the file's order.

    Args:
        path: UTF-8, with or without a byte order mark; any line ends.
        columns: those that must be there; others may be.

    Raises:
        DataError: the file cannot be read, is no CSV, lacks a column or names one twice, or a row has too many or
            too few fields.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.reader(stream, strict=True))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); put the table there") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: not a CSV table in UTF-8 ({error}); save it again as such") from error
    header = rows[0] if rows else []
    missing = [name for name in columns if name not in header]
    if missing:
        raise DataError(f"{path}: has no column {', '.join(missing)}; its first line must name the columns")
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise DataError(f"{path}: has two columns {twice[0]}; remove one")
    found = []
    for number, row in enumerate(rows[1:], 2):
        if row and len(row) != len(header):
            raise DataError(f"{path}: row {number} has {len(row)} fields, not {len(header)}; mend that row")
        if row:
            found.append(dict(zip(header, row, strict=True)))
    return found
