"""What the text tables share: lines as they come, and a JSON sidecar that says how the table came to be.

The sidecar ``OUT.csv.json`` is published first and the table last, so the table's name appears only when both
are there. A process killed between the two renames leaves the new sidecar beside the old table or beside
none; the sidecar holds its table's SHA-256, so the two cannot be taken for a pair.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from mien import atomic
from mien.errors import OutputError
from mien.output.columns import columns, rows
from mien.output.draft import Draft

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mien.output.columns import Row, Shown
    from mien.types import Frame, FrameResult, RunRecord


class TextTable:
    """A table of lines in UTF-8; a ``Sink``.

    Args:
        path: the table's file.
        shown: what the table tells.
        header: text before the first row.
        line: one row as text, with its line ending.

    Raises:
        OutputError: the file cannot be written.
    """

    def __init__(self, path: Path, shown: Shown, header: str, line: Callable[[Row], str]) -> None:
        self._columns = columns(shown)
        self._line = line
        self._rows = 0
        self._hash = hashlib.sha256()
        self._draft = Draft(path)
        with self._draft.guarded():
            self._put(header)

    def write(self, frame: Frame, result: FrameResult | None) -> None:  # noqa: ARG002  rows need no pixels
        """Write the rows of one frame."""
        if result is None:
            return
        with self._draft.guarded():
            new = rows(result, self._columns)
            self._put("".join(map(self._line, new)))
            self._rows += len(new)

    def finish(self, record: RunRecord) -> None:
        """Publish the sidecar, then the table."""
        sidecar = sidecar_of(self._draft.target)
        with self._draft.guarded():
            self._draft.file.flush()  # a full disk shows here, before the sidecar changes
            before = sidecar.read_bytes() if sidecar.is_file() else None
            atomic.write_bytes(sidecar, description(record, self._rows, self._hash.hexdigest()))
        try:
            self._draft.publish()
        except OutputError:
            if before is None:
                atomic.discard(sidecar)
            else:
                atomic.write_bytes(sidecar, before)
            raise

    def abandon(self) -> None:
        """Remove the unfinished table."""
        self._draft.discard()

    def _put(self, text: str) -> None:
        data = text.encode()
        self._hash.update(data)
        self._draft.file.write(data)


def sidecar_of(table: Path) -> Path:
    """Where the record of a text table lies: ``out.csv`` -> ``out.csv.json``."""
    return table.with_name(f"{table.name}.json")


def description(record: RunRecord, rows: int, sha256: str) -> bytes:
    """The sidecar's JSON: the record's keys as in Parquet's metadata, counts as numbers, labels as a list,
    and of the table itself the number of rows and the SHA-256 of its bytes.
    """
    counts = {"frames", "frames_without_face", "decode_errors"}
    plain = {key: int(text) if key in counts else text for key, text in record.as_text().items()}
    stored = {**plain, "labels": list(record.labels), "rows": rows, "sha256": sha256}
    return (json.dumps(stored, indent=2, ensure_ascii=False) + "\n").encode()
