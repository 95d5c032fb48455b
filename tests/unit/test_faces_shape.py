"""Where a face lies by its points: exact for the mean shape under any similarity, steady against a falling jaw."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.faces.shape import LEFT_EYE, MIRRORED, POINTS, RIGHT_EYE, Placement, mean_shape, placed
from mien.types import Box

placements = st.builds(
    Placement,
    st.floats(-500, 5000),
    st.floats(-500, 5000),
    st.floats(4, 3000),
    st.floats(-179, 179),
)


@given(placements)
def test_the_mean_shape_is_placed_where_it_was_put(placement):
    found = placed(placement.points(mean_shape()[:, :2]))
    assert found.x == pytest.approx(placement.x, abs=1e-6 * placement.side + 1e-6)
    assert found.y == pytest.approx(placement.y, abs=1e-6 * placement.side + 1e-6)
    assert found.side == pytest.approx(placement.side, rel=1e-6)
    assert (found.roll - placement.roll + 180) % 360 - 180 == pytest.approx(0, abs=1e-4)


def test_roll_is_clockwise_as_seen():
    points = Placement(100, 100, 50, 30).points(mean_shape()[:, :2])
    left, right = points[LEFT_EYE].mean(axis=0), points[RIGHT_EYE].mean(axis=0)
    assert right[0] > left[0]
    assert right[1] > left[1]  # y runs down: the eye that lies right is lower


def test_the_box_is_the_square_about_the_centre():
    placement = Placement.of_box(Box(10, 20, 60, 60))
    assert (placement.x, placement.y, placement.side, placement.roll) == (39.5, 49.5, 60, 0)
    assert placement.box == Box(10, 20, 60, 60)


def test_a_falling_jaw_and_raised_brows_do_not_move_the_face():
    points = Placement(200, 200, 100).points(mean_shape()[:, :2])
    points[:17, 1] += 12
    points[17:27, 1] -= 8
    points[55:60, 1] += 15  # lower lip, but for the corners of the mouth
    found = placed(points)
    assert (found.x, found.y, found.side, found.roll) == pytest.approx((200, 200, 100, 0), abs=1e-6)


def test_the_mean_shape_is_symmetric_and_nearest_at_the_nose():
    shape = mean_shape()
    mirrored = shape[list(MIRRORED)] * (-1, 1, 1) + (1, 0, 0)
    np.testing.assert_allclose(shape, mirrored, atol=2e-4)  # the table has four digits
    assert sorted(MIRRORED) == list(range(POINTS))
    assert int(np.argmin(shape[:, 2])) == 30
    assert shape[:17, 1].argmax() == 8


def test_nothing_that_is_no_face_is_placed():
    with pytest.raises(ValueError, match=r"\(68, 2\)"):
        placed(np.zeros((67, 2)))
    with pytest.raises(ValueError, match="finite"):
        placed(np.full((POINTS, 2), np.nan))
    with pytest.raises(ValueError, match="one place"):
        placed(np.ones((POINTS, 2)))
