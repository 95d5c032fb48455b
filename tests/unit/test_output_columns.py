"""Frame tables in memory: readable by everybody through the Arrow PyCapsule interface."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas
import polars
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.labels import EXPRESSIONS, LabelSet
from mien.output.columns import BATCH_ROWS, Shown, batches, columns, names, rows, table
from mien.types import Box, FrameResult, Landmarks, Observation, Pose, Quality, RunRecord

LABELS = LabelSet(("no", "yes"))
RECORD = RunRecord("0.1.0", "clip.mp4", "tiny", "00", "", LABELS.expressions, frames=3)


def seen(index: int, *faces: int) -> FrameResult:
    shares = np.array([0.1, 0.9])
    box = Box(1, 2.5, 3, 4)
    return FrameResult(index, index / 3, tuple(Observation(f, box, 0.7, "confirmed", "yes", shares) for f in faces))


def whole(*results: FrameResult):
    return table(batches(results, LABELS), LABELS, RECORD)


def test_a_frame_without_a_face_is_one_row_that_knows_its_time():
    assert rows(seen(6), columns(LABELS)) == [(6, 2.0, *[None] * 11, 1)]


def test_a_frame_without_a_face_knows_its_shot():
    table = columns(Shown(LABELS, landmarks=True, points=True))
    (row,) = rows(FrameResult(6, None, (), shot=4), table)
    assert row == (6, *[None] * 155, 4)


def test_values_are_the_shortest_decimals_of_float32():
    (row,) = rows(seen(0, 4), columns(LABELS))
    assert row == (0, 0.0, 4, 1.0, 2.5, 3.0, 4.0, 0.7, "yes", 0.1, 0.9, "confirmed", 1.0, 1)


def test_labels_make_the_last_columns_in_the_models_order():
    order = tuple(reversed(EXPRESSIONS))
    assert names(LabelSet(order))[9:17] == order


def test_the_order_of_the_contract():
    order = names(Shown(LABELS, landmarks=True, points=True))
    assert order[:14] == ("frame", "time", "face", "x", "y", "width", "height", "face_score", "expression",
                          "no", "yes", "pitch", "yaw", "roll")  # fmt: skip
    assert order[14:82] == tuple(f"x_{point}" for point in range(68))
    assert order[82:150] == tuple(f"y_{point}" for point in range(68))
    assert order[150:] == ("sharpness", "brightness", "size", "presence", "state", "id_score", "shot")
    assert names(Shown(LABELS, landmarks=True)) == order[:14] + order[150:]
    assert names(Shown(LABELS)) == names(LABELS) == order[:11] + order[154:]


def test_there_are_no_points_without_landmarks():
    with pytest.raises(ValueError, match="without landmarks"):
        Shown(LABELS, points=True)


def pointed(points: np.ndarray) -> FrameResult:
    (face,) = seen(0, 1).faces
    marks = Landmarks(points, np.ones(68, np.float32), 0.75)
    told = replace(face, landmarks=marks, pose=Pose(1.5, -20.1, 0), quality=Quality(0.3, 0.4, 61.7, 0.75))
    return FrameResult(0, 0.0, (replace(told, certainty=0.55, state="found"), face))


def test_points_are_hundredths_of_a_pixel_all_x_before_all_y():
    points = np.full((68, 2), (12.3456, -0.0004), np.float32)
    points[67] = (8191.996, 63.117)
    both = rows(pointed(points), columns(Shown(LABELS, landmarks=True, points=True)))
    assert both[0][11:14] == (1.5, -20.1, 0.0)
    assert both[0][14:82] == (*[12.35] * 67, 8192.0)
    assert both[0][82:150] == (*[0.0] * 67, 63.12)
    assert "-0" not in str(both[0][82:149])
    assert both[0][150:] == (0.3, 0.4, 61.7, 0.75, "found", 0.55, 1)
    assert both[1][11:154] == (None,) * 143  # a face without landmarks beside one with them
    assert both[1][154:] == ("confirmed", 1.0, 1)


@given(st.integers(-6_553_599, 6_553_599))
def test_hundredths_are_the_shortest_decimals_of_their_float32(hundredths):
    value = hundredths / 100
    assert float(str(np.float32(value))) == value


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
    assert empty.column_names == list(names(LABELS))


def test_batches_come_as_rows_come():
    sizes = [batch.num_rows for batch in batches((seen(i, 1, 2, 3) for i in range(3000)), LABELS)]
    assert sum(sizes) == 9000
    assert all(BATCH_ROWS <= size < BATCH_ROWS + 3 for size in sizes[:-1])


def test_probabilities_and_labels_must_agree():
    with pytest.raises(ValueError, match="2 values for 3 columns from a on"):
        rows(seen(0, 1), columns(LabelSet(("a", "b", "c"))))


MOVING = LabelSet(("no", "yes"), ("AU12", "AU06"))


def test_action_units_evidence_and_the_reason_have_columns():
    order = names(Shown(MOVING, landmarks=True, points=True, withheld=True))
    without = names(Shown(LABELS, landmarks=True, points=True))
    assert order == (*without[:11], "AU12", "AU06", *without[11:], "evidence", "withheld")
    assert names(Shown(MOVING))[-3:] == ("id_score", "shot", "evidence")
    assert names(Shown(LABELS, withheld=True))[-2:] == ("shot", "withheld")


def test_rows_of_action_units():
    table = columns(Shown(MOVING, withheld=True))
    box, shares, units = Box(1, 2, 3, 4), np.array([0.1, 0.9]), np.array([1 / 3, 0.0])
    told = Observation(1, box, 0.5, "confirmed", "yes", shares, action_units=units, evidence="yes .90 = AU12")
    kept = Observation(2, box, 0.5, "confirmed", "", shares, action_units=units, withheld="size")
    bare = Observation(3, box, 0.5, "confirmed", "yes", shares)
    one, two, three = rows(FrameResult(0, 0.0, (told, kept, bare)), table)
    assert one[8:] == ("yes", 0.1, 0.9, 0.33333334, 0.0, "confirmed", 1.0, 1, "yes .90 = AU12", None)
    assert two[8:] == (None, 0.1, 0.9, 0.33333334, 0.0, "confirmed", 1.0, 1, None, "size")
    assert three[8:] == ("yes", 0.1, 0.9, None, None, "confirmed", 1.0, 1, None, None)
    assert rows(FrameResult(0, 0.0, ()), table) == [(0, 0.0, *[None] * 13, 1, None, None)]


def test_action_units_are_one_per_name_and_finite():
    table, shares = columns(MOVING), np.array([0.1, 0.9])
    for units, words in (
        (np.array([0.1]), "1 values for 2 columns from AU12 on"),
        (np.array([0.1, np.nan]), "AU06 is nan"),
    ):
        seen = Observation(1, Box(1, 2, 3, 4), 0.5, "confirmed", "yes", shares, action_units=units)
        with pytest.raises(ValueError, match=words):
            rows(FrameResult(0, 0.0, (seen,)), table)
