"""Open the table that a path asks for: the suffix names the format, ``-`` is CSV on standard output."""

from __future__ import annotations

import io
import os
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from mien import plugins
from mien.errors import OutputError, UsageError
from mien.labels import LabelSet
from mien.output.columns import Shown, columns, rows
from mien.output.tables import csv

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mien.output.sink import Sink
    from mien.types import Frame, FrameResult, RunRecord

_ROOM = "output.tables"


def suffixes() -> tuple[str, ...]:
    """The table formats there are, as suffixes: ``.csv``, ..."""
    return tuple(f".{name}" for name in plugins.names(_ROOM))


def open_table(path: str | Path, shown: Shown | LabelSet) -> Sink:
    """A sink for the frame table at ``path``.

    Args:
        path: a file name with one of ``suffixes()``, or ``-`` for CSV on standard output.
        shown: what the table tells; labels alone stand for a pipeline without landmarks.

    Raises:
        UsageError: no suffix, or one that is no table format.
        OutputError: the file cannot be written.
    """
    if isinstance(shown, LabelSet):
        shown = Shown(shown)
    if str(path) == "-":
        return StandardOutput(shown)
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in suffixes():
        raise UsageError(f"{path}: a table's name must end in {', '.join(suffixes())}; - is standard output")
    module = plugins.part(_ROOM, suffix[1:])
    sink: Sink = module.build(module.Options(path=target, shown=shown))
    return sink


class StandardOutput:
    """CSV on standard output, every frame's rows at once; a ``Sink`` without a sidecar.

    Writes to a duplicate of the descriptor, so that nothing is left in ``sys.stdout``'s buffer to fail again
    at exit when the reader (``| head``) has gone. The ``OutputError`` then raised has a ``BrokenPipeError`` as
    its cause.
    """

    def __init__(self, shown: Shown) -> None:
        self._columns = columns(shown)
        if sys.stdout is None:
            raise OutputError("standard output: it is closed; give -o a file")
        self._out = sys.stdout
        with self._guarded():
            self._out = _duplicate()
        # Goes out with the first rows: nobody can answer to it (Ctrl-C) before the caller holds this sink.
        self._header = csv.header(shown)

    def write(self, frame: Frame, result: FrameResult | None) -> None:  # noqa: ARG002  rows need no pixels
        """Write the rows of one frame.

        Raises:
            OutputError: the reader has gone, or the disk behind a redirection is full.
        """
        if result is not None:
            with self._guarded():
                self._put("".join(map(csv.line, rows(result, self._columns))))

    def finish(self, record: RunRecord) -> None:  # noqa: ARG002  there is no place for a record in a pipe
        """Close this end."""
        with self._guarded():
            self._put("")
            self._close()

    def abandon(self) -> None:
        """Close this end; what was written stays written."""
        with suppress(OSError):
            self._close()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError as error:
            self.abandon()
            raise OutputError("standard output: the reader closed it before the table was whole") from error
        except OSError as error:
            self.abandon()
            raise OutputError(f"standard output: cannot write: {error.strerror or error}") from error

    def _put(self, text: str) -> None:
        self._out.write(self._header + text)
        self._header = ""
        self._out.flush()

    def _close(self) -> None:
        if self._out is not sys.stdout:
            self._out.close()


def _duplicate() -> TextIO:
    """Standard output by a descriptor of its own; ``sys.stdout`` itself where it is no file, as in a notebook."""
    try:
        sys.stdout.flush()
        descriptor = sys.stdout.fileno()
    except (AttributeError, io.UnsupportedOperation):
        return sys.stdout
    return os.fdopen(os.dup(descriptor), "w", encoding="utf-8", newline="")
