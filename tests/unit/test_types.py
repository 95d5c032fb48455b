"""Boxes and records."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.types import Box, Frame, RunRecord

places = st.floats(-1e4, 1e4)
lengths = st.floats(0.5, 1e4)
boxes = st.builds(Box, places, places, lengths, lengths)


@given(boxes, boxes)
def test_overlap_is_symmetric_and_a_share(one, other):
    assert one.overlap(other) == pytest.approx(other.overlap(one), rel=1e-9)
    assert 0 <= one.overlap(other) <= 1


@given(boxes)
def test_a_box_covers_itself(box):
    assert box.overlap(box) == pytest.approx(1, abs=1e-6)
    assert box.overlap(box) <= 1


@given(boxes, st.floats(1e-6, 1e4), st.booleans())
def test_disjoint_boxes_share_nothing(box, gap, across):
    step = (box.width + gap, 0) if across else (0, box.height + gap)
    assert box.overlap(box.moved(*step)) == pytest.approx(0, abs=1e-9)


def test_boxes_that_touch_share_nothing():
    assert Box(0, 0, 10, 10).overlap(Box(10, 0, 10, 10)) == 0


def test_overlap_of_known_boxes():
    assert Box(0, 0, 10, 10).overlap(Box(5, 0, 10, 10)) == pytest.approx(50 / 150)
    assert Box(0, 0, 10, 10).overlap(Box(2, 2, 5, 5)) == pytest.approx(25 / 100)


@given(
    st.tuples(*[st.integers(-20, 20)] * 2, *[st.integers(1, 20)] * 2),
    st.tuples(*[st.integers(-20, 20)] * 2, *[st.integers(1, 20)] * 2),
)
def test_overlap_counts_pixels(one, other):
    """The slow twin: paint both and count."""
    painted = []
    for x, y, width, height in (one, other):
        canvas = np.zeros((64, 64), bool)
        canvas[y + 20 : y + 20 + height, x + 20 : x + 20 + width] = True
        painted.append(canvas)
    expected = (painted[0] & painted[1]).sum() / (painted[0] | painted[1]).sum()
    assert Box(*one).overlap(Box(*other)) == pytest.approx(expected)


@given(boxes, st.floats(0.1, 10))
def test_scaled_keeps_the_centre(box, factor):
    grown = box.scaled(factor)
    assert grown.centre == pytest.approx(box.centre, rel=1e-9, abs=1e-6)
    assert grown.area == pytest.approx(box.area * factor**2)
    assert grown.scaled(1 / factor).x == pytest.approx(box.x, rel=1e-9, abs=1e-6)


@given(boxes, places, places)
def test_moved_keeps_the_size(box, dx, dy):
    there = box.moved(dx, dy)
    assert (there.width, there.height) == (box.width, box.height)
    assert there.centre == pytest.approx((box.centre[0] + dx, box.centre[1] + dy), abs=1e-6)


def test_values_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Box(0, 0, 1, 1).x = 3
    with pytest.raises(dataclasses.FrozenInstanceError):
        Frame(0, None, None).index = 3


def test_a_record_is_text_by_text():
    record = RunRecord("1", "a.mp4", "m", "ff", "[x]\n", ("anger", "fear"), 5, 2, 1, {"synthetic": "yes"})
    text = record.as_text()
    assert all(isinstance(k, str) and isinstance(v, str) for k, v in text.items())
    assert text["labels"] == "anger fear"
    assert (text["frames"], text["frames_without_face"], text["decode_errors"]) == ("5", "2", "1")
    assert text["synthetic"] == "yes"
    assert set(text) == {f.name for f in dataclasses.fields(RunRecord)} - {"extra"} | {"synthetic"}


@given(boxes, st.floats(1, 2000), st.floats(1, 2000))
def test_within_stays_in_the_frame_and_keeps_what_is_inside(box, width, height):
    inside = box.within(width, height)
    assert 0 <= inside.x <= inside.x + inside.width <= width * (1 + 1e-12)
    assert 0 <= inside.y <= inside.y + inside.height <= height * (1 + 1e-12)
    assert inside.within(width, height).overlap(inside) in (0, pytest.approx(1))
    if box.x >= 0 and box.y >= 0 and box.x + box.width <= width and box.y + box.height <= height:
        assert inside.overlap(box) == pytest.approx(1)
    if box.overlap(Box(0, 0, width, height)) == 0:
        assert inside.area == pytest.approx(0, abs=1e-6)
