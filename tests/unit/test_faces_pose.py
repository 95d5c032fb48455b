"""Head pose: the mean shape turned by known angles, projected, and read back."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.faces.pose import pose
from mien.faces.shape import MIRRORED, STEADY, mean_shape

FOCAL, MIDDLE = 640.0, (319.5, 239.5)
SHAPE = mean_shape() - mean_shape()[list(STEADY)].mean(axis=0)
GRID = [
    (pitch, yaw, roll) for pitch in (-30, -15, 0, 15, 30) for yaw in (-50, -25, 0, 25, 50) for roll in (-45, 0, 30)
]


def turned(pitch, yaw, roll, shape=SHAPE):
    """The shape nodded about x, then turned about y, then tilted about z; it looks towards -z, y is down."""
    p, y, r = map(math.radians, (pitch, yaw, roll))
    nod = np.array([[1, 0, 0], [0, math.cos(p), math.sin(p)], [0, -math.sin(p), math.cos(p)]])
    turn = np.array([[math.cos(y), 0, -math.sin(y)], [0, 1, 0], [math.sin(y), 0, math.cos(y)]])
    tilt = np.array([[math.cos(r), -math.sin(r), 0], [math.sin(r), math.cos(r), 0], [0, 0, 1]])
    return shape @ (tilt @ turn @ nod).T


def seen(shape, distance=4.0):
    there = shape + np.array([0, 0, distance])
    return there[:, :2] / there[:, 2:] * FOCAL + MIDDLE


def opened(angle):
    """Chin, lower lip and the lower jaw swung down about the jaw's joints; mouth's corners and cheeks follow."""
    share = np.zeros(68)
    share[[*range(4, 13), *range(55, 60), 65, 66, 67]] = 1
    share[[3, 13]], share[[2, 14]] = 0.5, 0.2
    share[[48, 54, 60, 64]] = 0.35
    joint = SHAPE[[0, 16]].mean(axis=0)
    swing = np.radians(angle) * share
    y, z = (SHAPE - joint)[:, 1], (SHAPE - joint)[:, 2]
    shape = SHAPE.copy()
    shape[:, 1] = joint[1] + y * np.cos(swing) - z * np.sin(swing)
    shape[:, 2] = joint[2] + z * np.cos(swing) + y * np.sin(swing)
    return shape


def found(points, width=640, height=480):
    answer = pose(points, width, height)
    return np.array([answer.pitch, answer.yaw, answer.roll])


@pytest.mark.parametrize(
    ("angles", "what"),
    [((0, 0, 0), "straight"), ((20, 0, 0), "up"), ((0, 20, 0), "right"), ((0, 0, 20), "clockwise")],
)
def test_the_signs(angles, what):
    """By where the tip of the nose goes, against the head's middle."""
    points = seen(turned(*angles))
    nose = points[30] - points[36:48].mean(axis=0)
    straight = seen(SHAPE)
    nose_straight = straight[30] - straight[36:48].mean(axis=0)
    if what == "up":
        assert nose[1] < nose_straight[1] - 5
    if what == "right":
        assert nose[0] > 5
    if what == "clockwise":
        assert points[45, 1] > points[36, 1] + 5  # the eye on the right lies lower
    np.testing.assert_allclose(found(points), angles, atol=0.1)


@pytest.mark.parametrize("angles", GRID)
@pytest.mark.parametrize("distance", [2.0, 10.0])
def test_known_angles(angles, distance):
    np.testing.assert_allclose(found(seen(turned(*angles), distance)), angles, atol=0.2)


@pytest.mark.parametrize("angles", GRID)
def test_an_open_mouth_is_no_nod(angles):
    for angle in (8, 20):
        np.testing.assert_allclose(found(seen(turned(*angles, opened(angle)))), angles, atol=2)


@pytest.mark.parametrize("angles", GRID[::2])
def test_uncertain_points(angles):
    """Noise of 3 % of the eyes' distance."""
    rng = np.random.default_rng(abs(hash(angles)) % 2**32)
    points = seen(turned(*angles))
    points += rng.normal(0, 0.03 * 58, points.shape)
    np.testing.assert_allclose(found(points), angles, atol=5)


@pytest.mark.parametrize("place", [(1.2, 0.0), (-1.2, 0.8), (0.0, -0.9)])
def test_looking_into_the_camera_from_the_frames_edge_is_straight(place):
    """The head is turned by as much as the line to it leans."""
    distance = 4.0
    yaw = -math.degrees(math.atan2(place[0], distance))
    pitch = math.degrees(math.atan2(place[1], math.hypot(place[0], distance)))
    points = seen(turned(pitch, yaw, 0) + np.array([*place, 0]), distance)
    answer = found(points)
    assert abs(answer[0]) < 0.5
    assert abs(answer[1]) < 0.5
    assert abs(answer[2]) < 6  # what is level in space is not in the picture's corner


@given(st.floats(-25, 25), st.floats(-45, 45), st.floats(-40, 40))
@settings(max_examples=60)
def test_a_mirrored_face_is_turned_the_other_way(pitch, yaw, roll):
    points = seen(turned(pitch, yaw, roll))
    mirrored = points[list(MIRRORED)] * (-1, 1) + (2 * MIDDLE[0], 0)
    np.testing.assert_allclose(found(mirrored), found(points) * (1, -1, -1), atol=0.1)


@given(st.floats(-25, 25), st.floats(-45, 45), st.floats(-90, 90))
@settings(max_examples=60)
def test_turning_the_picture_changes_roll_only(pitch, yaw, by):
    points = seen(turned(pitch, yaw, 0)) - MIDDLE
    turn = np.array([[math.cos(math.radians(by)), -math.sin(math.radians(by))],
                     [math.sin(math.radians(by)), math.cos(math.radians(by))]])  # fmt: skip
    np.testing.assert_allclose(found(points @ turn.T + MIDDLE), [pitch, yaw, by], atol=0.1)


@given(st.integers(0, 10**6), st.sampled_from([1e-3, 1.0, 300.0, 1e5]), st.integers(1, 8000), st.integers(1, 8000))
@settings(max_examples=200)
def test_any_points_give_finite_angles_or_none(seed, scale, width, height):
    points = np.random.default_rng(seed).normal(0, scale, (68, 2)).astype(np.float32)
    answer = pose(points, width, height)
    if answer is not None:
        assert np.isfinite([answer.pitch, answer.yaw, answer.roll]).all()


@pytest.mark.parametrize(
    "points", [np.zeros((68, 2)), np.full((68, 2), 300.0), np.linspace((0, 0), (9, 5), 68), SHAPE[:, :2] * (90, 0)]
)
def test_points_that_no_head_has(points):
    assert pose(points, 640, 480) is None


@pytest.mark.parametrize("points", [np.zeros((67, 2)), np.full((68, 2), np.nan), np.zeros((68, 3))])
def test_what_are_no_points(points):
    with pytest.raises(ValueError, match="points must be finite"):
        pose(points, 640, 480)
