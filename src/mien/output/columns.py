"""The frame table: its columns, and rows from results.

One row per analysed frame and face; a frame without a face is one row that is null from ``face`` on, but for
``shot``. Frames that were decoded but not analysed (``--every``) have no row: a row would claim that no face was
there.

Every float32 value leaves here as the shortest decimal that reads back as the same float32, so that text and
binary tables agree bit for bit. The 68 points are rounded to hundredths of a pixel first: what lies below is
noise, and costs most of the time and the space.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from arro3.core import Array, DataType, Field, RecordBatch, Schema, Table

from mien.labels import LabelSet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mien.types import FrameResult, Observation, RunRecord

Value = int | float | str | None
Row = tuple[Value, ...]
Values = Sequence[Value]

POINTS = 68
"""Points of a face, in the order of iBUG."""

BATCH_ROWS = 1024
"""Rows that are gathered before they are turned into Arrow memory: half a megabyte, six with points."""

_FINEST = 2  # decimals of a point's pixels; float32 keeps them apart up to pixel 65536
_POINTS = tuple(f"{axis}_{point}" for axis in "xy" for point in range(POINTS))


@dataclass(frozen=True, slots=True)
class Shown:
    """What a frame table tells of each face; settled before the first frame.

    Attributes:
        labels: the model's labels; its action units, and the evidence they give, have columns where it has any.
        landmarks: the pipeline seeks landmarks, so that pose and quality have columns.
        points: the 68 points have columns, too.
        withheld: an expression can be withheld, so that the reason has a column.

    Raises:
        ValueError: points of a pipeline that seeks none.
    """

    labels: LabelSet
    landmarks: bool = False
    points: bool = False
    withheld: bool = False

    def __post_init__(self) -> None:
        if self.points and not self.landmarks:
            raise ValueError("there are no points to show without landmarks")


@dataclass(frozen=True, slots=True)
class Columns:
    """Neighbours of one type, whose values are taken together: one look-up for 136 coordinates, not 136.

    Attributes:
        names: as in the file's header.
        type: Arrow type.
        values: one value per name for a face of a result; ``None`` where that face has none of them.
        of_frame: known without a face too; the others are null in the row of an empty frame.
        decimals: to which float32 numbers are rounded; so few that such a decimal is its float32's shortest.
    """

    names: tuple[str, ...]
    type: DataType
    values: Callable[[FrameResult, Observation], Values | None]
    of_frame: bool = False
    decimals: int | None = None


def columns(shown: Shown | LabelSet) -> tuple[Columns, ...]:
    """The columns of a frame table, in the order of the contract.

    Args:
        shown: what the table tells; labels alone stand for a pipeline without landmarks.
    """
    if isinstance(shown, LabelSet):
        shown = Shown(shown)
    units = shown.labels.action_units
    whole, number, text = DataType.int32(), DataType.float32(), DataType.string()
    return (
        Columns(("frame",), DataType.int64(), lambda result, _: (result.frame,), of_frame=True),
        Columns(("time",), DataType.float64(), lambda result, _: (result.time,), of_frame=True),
        Columns(("face",), whole, lambda _, face: (face.face,)),
        Columns(("x", "y", "width", "height", "face_score"), number, _place),
        Columns(("expression",), text, lambda _, face: (face.expression or None,)),
        Columns(shown.labels.expressions, number, lambda _, face: face.probabilities.tolist()),
        *([Columns(units, number, _units)] if units else []),
        *([Columns(("pitch", "yaw", "roll"), number, _pose)] if shown.landmarks else []),
        *([Columns(_POINTS, number, _points, decimals=_FINEST)] if shown.points else []),
        *([Columns(("sharpness", "brightness", "size", "presence"), number, _quality)] if shown.landmarks else []),
        Columns(("state",), text, lambda _, face: (face.state,)),
        Columns(("id_score",), number, lambda _, face: (face.certainty,)),
        Columns(("shot",), whole, lambda result, _: (result.shot,), of_frame=True),
        *([Columns(("evidence",), text, lambda _, face: (face.evidence or None,))] if units else []),
        *([Columns(("withheld",), text, lambda _, face: (face.withheld or None,))] if shown.withheld else []),
    )


def names(shown: Shown | LabelSet) -> tuple[str, ...]:
    """The names of a frame table's columns, in order."""
    return tuple(name for group in columns(shown) for name in group.names)


def schema(shown: Shown | LabelSet, record: RunRecord | None = None) -> Schema:
    """The Arrow schema of a frame table, with the run's record as metadata where it is given."""
    fields = [Field(name, c.type, nullable=name != "frame") for c in columns(shown) for name in c.names]
    return Schema(fields, metadata=dict(record.as_text()) if record else {})


def rows(result: FrameResult, table: Sequence[Columns]) -> list[Row]:
    """The rows of one frame, one per face in the result's order; exactly one where there is no face.

    Args:
        result: what was seen in the frame.
        table: from ``columns``.

    Raises:
        ValueError: a number is NaN or infinite, or the probabilities are not one per label.
    """
    return [
        tuple(value for group in table for value in _plain(group, result, face)) for face in result.faces or (None,)
    ]


def record_batch(rows: Sequence[Row], shown: Shown | LabelSet) -> RecordBatch:
    """``rows`` as Arrow memory."""
    described = schema(shown)
    values: Iterable[Sequence[Value]] = zip(*rows, strict=True) if rows else [()] * len(described)
    arrays = [Array(list(column), described.field(at).type) for at, column in enumerate(values)]
    return RecordBatch.from_arrays(arrays, schema=described)


def batches(
    results: Iterable[FrameResult], shown: Shown | LabelSet, size: int = BATCH_ROWS
) -> Iterator[RecordBatch]:
    """Results as Arrow batches of ``size`` rows or a few more, as they come."""
    table, waiting = columns(shown), list[Row]()
    for result in results:
        waiting += rows(result, table)
        if len(waiting) >= size:
            yield record_batch(waiting, shown)
            waiting = []
    if waiting:
        yield record_batch(waiting, shown)


def table(batches: Iterable[RecordBatch], shown: Shown | LabelSet, record: RunRecord) -> Table:
    """The frame table in memory, with the run's record in its schema's metadata.

    pandas, polars, DuckDB and pyarrow read it by the Arrow PyCapsule interface.
    """
    described = schema(shown, record)
    return Table.from_batches([batch.with_schema(described) for batch in batches], schema=described)


_SINGLE, _DOUBLE = DataType.float32(), DataType.float64()


def _plain(group: Columns, result: FrameResult, face: Observation | None) -> Sequence[Value]:
    """The group's values, finite, float32 ones as their shortest decimal; all null where there are none."""
    wanted = len(group.names)
    found = group.values(result, face) if face is not None or group.of_frame else None  # type: ignore[arg-type]
    if found is None or (wanted == 1 and found[0] is None):
        return (None,) * wanted
    if len(found) != wanted:
        raise ValueError(f"frame {result.frame}: {len(found)} values for {wanted} columns from {group.names[0]} on")
    if group.type not in (_SINGLE, _DOUBLE):
        return found
    numbers = [float(number) + 0.0 for number in cast("Sequence[float]", found)]  # no minus before a zero
    if not all(map(math.isfinite, numbers)):
        name, number = next(pair for pair in zip(group.names, numbers, strict=True) if not math.isfinite(pair[1]))
        raise ValueError(f"frame {result.frame}: {name} is {number}, not a number that can be written")
    if group.decimals is not None:
        rounded: list[float] = (np.round(numbers, group.decimals) + 0.0).tolist()
        return rounded
    return [float(str(np.float32(number))) for number in numbers] if group.type == _SINGLE else numbers


def _place(_: FrameResult, face: Observation) -> Values:
    return face.box.x, face.box.y, face.box.width, face.box.height, face.score


def _units(_: FrameResult, face: Observation) -> Values | None:
    return None if face.action_units is None else face.action_units.tolist()


def _pose(_: FrameResult, face: Observation) -> Values | None:
    return None if face.pose is None else (face.pose.pitch, face.pose.yaw, face.pose.roll)


def _points(_: FrameResult, face: Observation) -> Values | None:
    return None if face.landmarks is None else face.landmarks.points.T.ravel().tolist()


def _quality(_: FrameResult, face: Observation) -> Values | None:
    seen = face.quality
    return None if seen is None else (seen.sharpness, seen.brightness, seen.size, seen.presence)
