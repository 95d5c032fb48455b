"""Parquet with the run's record as key-value metadata.

The Parquet writer wants its metadata before the first row, but the counts in the record are known only after
the last. So rows are first spooled, as compressed Arrow batches, to a nameless file in the target's folder
(the system removes it even if the process is killed), and turned into Parquet at the end, batch by batch.
Memory stays constant; the disk holds the rows twice for a moment.
"""

from __future__ import annotations

import io
import tempfile
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, cast

from arro3.core import RecordBatch, RecordBatchReader
from arro3.io import read_ipc_stream, write_ipc_stream, write_parquet

from mien.output.columns import BATCH_ROWS, columns, record_batch, rows, schema
from mien.output.draft import Draft, Remembering
from mien.output.tables._options import Options

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mien.output.columns import Row, Shown
    from mien.output.sink import Sink
    from mien.types import Frame, FrameResult, RunRecord

ROW_GROUP = 16384
"""Rows per row group: what the writer holds in memory at a time, some megabytes."""

_END = b"\xff\xff\xff\xff\x00\x00\x00\x00"  # end-of-stream marker, Arrow IPC streaming format


def build(options: Options) -> Sink:
    """A sink that writes ``options.path``.

    Raises:
        OutputError: the file cannot be written.
    """
    return ParquetTable(options.path, options.shown)


class ParquetTable:
    """A Parquet file in the making; a ``Sink``."""

    def __init__(self, path: Path, shown: Shown) -> None:
        self._shown = shown
        self._columns = columns(shown)
        self._waiting: list[Row] = []
        self._draft = Draft(path)
        with self._draft.guarded():
            self._spool = tempfile.TemporaryFile(dir=path.parent)  # noqa: SIM115  lives as long as the sink
            self._opening = _stream(RecordBatchReader.from_batches(schema(shown), []))
            self._spool.write(self._opening)

    def write(self, frame: Frame, result: FrameResult | None) -> None:  # noqa: ARG002  rows need no pixels
        """Take the rows of one frame."""
        if result is None:
            return
        with self._guarded():
            self._waiting += rows(result, self._columns)
            if len(self._waiting) >= BATCH_ROWS:
                self._flush()

    def finish(self, record: RunRecord) -> None:
        """Turn the spooled rows into the Parquet file and publish it."""
        with self._guarded():
            self._flush()
            self._spool.write(_END)
            self._spool.seek(0)
            out = Remembering(self._draft.file)
            write_parquet(
                read_ipc_stream(self._spool),
                cast("IO[bytes]", out),
                compression="zstd(3)",
                max_row_group_size=ROW_GROUP,
                key_value_metadata=record.as_text(),
            )
            out.check()
            self._spool.close()
        self._draft.publish()

    def abandon(self) -> None:
        """Remove the unfinished table and the spool."""
        self._waiting = []
        self._draft.discard()
        with suppress(OSError):  # its last buffer may not fit on the disk; it goes anyway
            self._spool.close()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            with self._draft.guarded():
                yield
        except BaseException:
            self.abandon()
            raise

    def _flush(self) -> None:
        """Append the waiting rows to the spool: a stream's batches, without its schema and end marker."""
        if self._waiting:
            message = _stream(record_batch(self._waiting, self._shown))
            self._spool.write(message[len(self._opening) :])
            self._waiting = []


def _stream(data: RecordBatch | RecordBatchReader) -> bytes:
    """``data`` in Arrow's IPC streaming format without the end marker."""
    buffer = io.BytesIO()
    write_ipc_stream(data, buffer, compression="zstd")
    return buffer.getvalue().removesuffix(_END)
