"""Still faces stand still; what a face does comes through."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.faces.shape import Placement, mean_shape
from mien.faces.steady import steadied

SHAPE = mean_shape()[:, :2]
SIDE = 200
REST = Placement(300, 200, SIDE).points(SHAPE)
LIDS = [37, 38, 43, 44]
CORNERS = [48, 54]


def shaken(points, seed, parts, whole):
    random = np.random.default_rng(seed)
    return points + random.normal(0, parts, points.shape) + random.normal(0, whole, 2)


@pytest.mark.parametrize(("parts", "whole"), [(0.5, 0.0), (0.5, 0.3), (0.7, 0.2)])
def test_a_still_face_of_200_pixels_shakes_less_than_half_a_pixel(parts, whole):
    calm, kept = shaken(REST, 0, parts, whole), []
    for tick in range(1, 200):
        calm = steadied(calm, shaken(REST, tick, parts, whole), SIDE, 1 / 25)
        kept.append(calm)
    steps = np.linalg.norm(np.diff(kept[10:], axis=0), axis=-1)
    raw = np.linalg.norm(shaken(REST, 1, parts, whole) - shaken(REST, 2, parts, whole), axis=-1)
    assert steps.mean() < 0.4
    assert steps.mean() < 0.4 * raw.mean()
    assert np.mean(kept[10:], axis=0) == pytest.approx(REST, abs=0.35)  # and it does not wander


@pytest.mark.parametrize(
    ("parts", "move"), [(LIDS, (0, 0.035)), (CORNERS, (0, -0.04)), (CORNERS, (0, -0.06)), ([57, 66], (0, 0.1))]
)
def test_a_blink_or_a_smile_is_there_within_two_frames(parts, move):
    shown = REST.copy()
    shown[parts] += np.multiply(move, SIDE)
    calm = REST
    for _ in range(2):
        calm = steadied(calm, shown, SIDE, 1 / 25)
    way = (calm - REST)[parts] @ move / (np.dot(move, move) * SIDE)
    assert way.min() >= 0.8


@pytest.mark.parametrize("rate", [12, 25, 60])
def test_what_comes_through_in_a_tenth_of_a_second_does_not_hang_on_the_frame_rate(rate):
    shown = REST.copy()
    shown[LIDS, 1] += 0.035 * SIDE
    calm = REST
    for _ in range(round(rate / 10)):
        calm = steadied(calm, shown, SIDE, 1 / rate)
    assert ((calm - REST)[LIDS, 1] / (0.035 * SIDE)).min() > 0.8


@pytest.mark.parametrize("speed", [0.1, 0.4, 1, 3, 10, 60])
def test_a_walking_head_is_not_trailed_by_its_points(speed):
    """At any speed, pixels per frame, the lag stays below half a hundredth of the face."""
    calm = REST
    for tick in range(1, 80):
        calm = steadied(calm, REST + np.array([speed * tick, 0]), SIDE, 1 / 25)
    assert abs((REST + np.array([speed * 79, 0]) - calm).mean(axis=0)).max() < max(0.005 * SIDE, 0.1 * speed)


def test_a_turning_and_growing_head_too():
    calm = REST
    for tick in range(1, 30):
        seen = Placement(300, 200, SIDE + 3 * tick, 2 * tick).points(SHAPE)
        calm = steadied(calm, seen, SIDE, 1 / 25)
    assert abs(calm - seen).max() < 2.5


def test_after_a_long_time_the_points_are_taken_as_they_are():
    seen = shaken(REST, 0, 0.5, 0.5)
    assert steadied(REST, seen, SIDE, 5.0) == pytest.approx(seen, abs=1e-3)


def test_no_time_no_change():
    assert steadied(REST, REST + 20, SIDE, 0.0) == pytest.approx(REST, abs=1e-3)


def test_a_face_of_no_size_is_taken_as_it_is():
    nothing = np.zeros((68, 2))
    np.testing.assert_array_equal(steadied(nothing, REST, SIDE, 0.04), REST.astype(np.float32))


@given(st.floats(0, 360), st.floats(10, 500), st.floats(-500, 500), st.integers(0, 99))
def test_it_turns_and_scales_with_the_picture(roll, side, x, seed):
    def there(points):
        return Placement(x, 50, side, roll).points((points - 300 + SIDE / 2) / SIDE)

    seen = shaken(REST, seed, 1.0, 1.0)
    calm = steadied(REST, seen, SIDE, 0.04)
    assert steadied(there(REST), there(seen), side, 0.04) == pytest.approx(there(calm), abs=1e-3 * side)
