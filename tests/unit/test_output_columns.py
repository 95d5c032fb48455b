"""Frame tables in memory: readable by everybody through the Arrow PyCapsule interface."""

from __future__ import annotations

import numpy as np
import pandas
import polars
import pyarrow
import pytest

from mien.labels import EXPRESSIONS, LabelSet
from mien.output.columns import BATCH_ROWS, batches, columns, rows, table
from mien.types import Box, FrameResult, Observation, RunRecord

LABELS = LabelSet(("no", "yes"))
RECORD = RunRecord("0.1.0", "clip.mp4", "tiny", "00", "", LABELS.expressions, frames=3)


def seen(index: int, *faces: int) -> FrameResult:
    shares = np.array([0.1, 0.9])
    box = Box(1, 2.5, 3, 4)
    return FrameResult(index, index / 3, tuple(Observation(f, box, 0.7, "known", "yes", shares) for f in faces))


def whole(*results: FrameResult):
    return table(batches(results, LABELS), LABELS, RECORD)


def test_a_frame_without_a_face_is_one_row_that_knows_its_time():
    assert rows(seen(6), columns(LABELS)) == [(6, 2.0, *[None] * 9)]


def test_values_are_the_shortest_decimals_of_float32():
    (row,) = rows(seen(0, 4), columns(LABELS))
    assert row == (0, 0.0, 4, 1.0, 2.5, 3.0, 4.0, 0.7, "yes", 0.1, 0.9)


def test_labels_make_the_last_columns_in_the_models_order():
    order = tuple(reversed(EXPRESSIONS))
    assert [column.name for column in columns(LabelSet(order))][9:] == list(order)


@pytest.mark.parametrize(
    "reader",
    [
        lambda t: pyarrow.table(t).to_pylist(),
        lambda t: polars.DataFrame(t).to_dicts(),
        lambda t: pandas.DataFrame.from_arrow(t).replace({np.nan: None}).to_dict("records"),
    ],
    ids=["pyarrow", "polars", "pandas"],
)
def test_readers(reader):
    found = reader(whole(seen(0, 1, 2), seen(1)))
    assert [row["face"] for row in found] == [1, 2, None]
    assert [row["frame"] for row in found] == [0, 0, 1]
    assert found[1]["yes"] == pytest.approx(0.9)


def test_the_record_is_the_schemas_metadata():
    stored = pyarrow.table(whole(seen(0))).schema.metadata
    assert {key.decode(): value.decode() for key, value in stored.items()} == RECORD.as_text()


def test_no_results_give_an_empty_table_with_all_columns():
    empty = pyarrow.table(whole())
    assert empty.num_rows == 0
    assert empty.column_names == [column.name for column in columns(LABELS)]


def test_batches_come_as_rows_come():
    sizes = [batch.num_rows for batch in batches((seen(i, 1, 2, 3) for i in range(3000)), LABELS)]
    assert sum(sizes) == 9000
    assert all(BATCH_ROWS <= size < BATCH_ROWS + 3 for size in sizes[:-1])


def test_probabilities_and_labels_must_agree():
    with pytest.raises(IndexError):
        rows(seen(0, 1), columns(LabelSet(("a", "b", "c"))))
