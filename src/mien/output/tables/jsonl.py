"""JSON lines: one object per row with every column, ``null`` where there is no value."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mien.output.columns import names
from mien.output.tables._options import Options
from mien.output.tables._text import TextTable

if TYPE_CHECKING:
    from mien.output.columns import Row
    from mien.output.sink import Sink


def build(options: Options) -> Sink:
    """A sink that writes ``options.path`` and its sidecar.

    Raises:
        OutputError: the file cannot be written.
    """
    keys = names(options.shown)

    def line(row: Row) -> str:
        return json.dumps(dict(zip(keys, row, strict=True)), ensure_ascii=False, allow_nan=False) + "\n"

    return TextTable(options.path, options.shown, "", line)
