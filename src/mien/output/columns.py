"""The frame table: its columns, and rows from results.

One row per analysed frame and face; a frame without a face is one row that is null from ``face`` on. Frames
that were decoded but not analysed (``--every``) have no row: a row would claim that no face was there.

Every float32 value leaves here as the shortest decimal that reads back as the same float32, so that text and
binary tables agree bit for bit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from arro3.core import Array, DataType, Field, RecordBatch, Schema, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from mien.labels import LabelSet
    from mien.types import FrameResult, Observation, RunRecord

Value = int | float | str | None
Row = tuple[Value, ...]

BATCH_ROWS = 1024
"""Rows that are gathered before they are turned into Arrow memory: about half a megabyte."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the frame table.

    Attributes:
        name: as in the file's header.
        type: Arrow type.
        value: its value for a face of a result.
        of_frame: known without a face too; the others are null in the row of an empty frame.
    """

    name: str
    type: DataType
    value: Callable[[FrameResult, Observation], Value]
    of_frame: bool = False


def columns(labels: LabelSet) -> tuple[Column, ...]:
    """The columns of a model's frame table, in the order of the contract."""
    whole, number, text = DataType.int32(), DataType.float32(), DataType.string()
    return (
        Column("frame", DataType.int64(), lambda result, _: result.frame, of_frame=True),
        Column("time", DataType.float64(), lambda result, _: result.time, of_frame=True),
        Column("face", whole, lambda _, face: face.face),
        Column("x", number, lambda _, face: face.box.x),
        Column("y", number, lambda _, face: face.box.y),
        Column("width", number, lambda _, face: face.box.width),
        Column("height", number, lambda _, face: face.box.height),
        Column("face_score", number, lambda _, face: face.score),
        Column("expression", text, lambda _, face: face.expression),
        *(Column(label, number, _probability(place)) for place, label in enumerate(labels.expressions)),
    )


def schema(labels: LabelSet, record: RunRecord | None = None) -> Schema:
    """The Arrow schema of a model's frame table, with the run's record as metadata where it is given."""
    fields = [Field(c.name, c.type, nullable=c.name != "frame") for c in columns(labels)]
    return Schema(fields, metadata=dict(record.as_text()) if record else {})


def rows(result: FrameResult, table: Sequence[Column]) -> list[Row]:
    """The rows of one frame, one per face in the result's order; exactly one where there is no face.

    Args:
        result: what was seen in the frame.
        table: from ``columns``.

    Raises:
        ValueError: a number is NaN or infinite, or the probabilities are not one per label.
    """
    if not result.faces:
        # the columns of the frame do not look at their second argument
        return [tuple(_plain(c, result, None) if c.of_frame else None for c in table)]
    return [tuple(_plain(c, result, face) for c in table) for face in result.faces]


def record_batch(rows: Sequence[Row], labels: LabelSet) -> RecordBatch:
    """``rows`` as Arrow memory."""
    table = columns(labels)
    values: Iterable[Sequence[Value]] = zip(*rows, strict=True) if rows else [()] * len(table)
    arrays = [Array(list(column), c.type) for c, column in zip(table, values, strict=True)]
    return RecordBatch.from_arrays(arrays, schema=schema(labels))


def batches(results: Iterable[FrameResult], labels: LabelSet, size: int = BATCH_ROWS) -> Iterator[RecordBatch]:
    """Results as Arrow batches of ``size`` rows or a few more, as they come."""
    table, waiting = columns(labels), list[Row]()
    for result in results:
        waiting += rows(result, table)
        if len(waiting) >= size:
            yield record_batch(waiting, labels)
            waiting = []
    if waiting:
        yield record_batch(waiting, labels)


def table(batches: Iterable[RecordBatch], labels: LabelSet, record: RunRecord) -> Table:
    """The frame table in memory, with the run's record in its schema's metadata.

    pandas, polars, DuckDB and pyarrow read it by the Arrow PyCapsule interface.
    """
    described = schema(labels, record)
    return Table.from_batches([batch.with_schema(described) for batch in batches], schema=described)


def _probability(place: int) -> Callable[[FrameResult, Observation], Value]:
    return lambda _, face: float(face.probabilities[place])


_SINGLE, _DOUBLE = DataType.float32(), DataType.float64()


def _plain(column: Column, result: FrameResult, face: Observation | None) -> Value:
    """The column's value, finite, float32 ones as their shortest decimal."""
    value = column.value(result, face)  # type: ignore[arg-type]
    if value is None or column.type not in (_SINGLE, _DOUBLE):
        return value
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"frame {result.frame}: {column.name} is {number}, not a number that can be written")
    return float(str(np.float32(number))) if column.type == _SINGLE else number
