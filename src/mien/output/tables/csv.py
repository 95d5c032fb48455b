"""CSV: a header, one line per row, empty cells for null.

Quoted by RFC 4180, except that lines end in a plain newline, so that ``cut``, ``awk`` and ``head`` read them.
Times are written in full; other fractions as the shortest decimal that gives the same float32 again.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from mien.output.columns import names
from mien.output.tables._options import Options
from mien.output.tables._text import TextTable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mien.output.columns import Shown
    from mien.output.sink import Sink


def build(options: Options) -> Sink:
    """A sink that writes ``options.path`` and its sidecar.

    Raises:
        OutputError: the file cannot be written.
    """
    return TextTable(options.path, options.shown, header(options.shown), line)


def header(shown: Shown) -> str:
    """The first line: the columns' names."""
    return line(names(shown))


def line(row: Iterable[object]) -> str:
    """One row as a line of CSV with its line ending; ``None`` is an empty cell."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(row)
    return text.getvalue()
