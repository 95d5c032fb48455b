import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.learn import tracking


def faces(seed, n=3):
    """Random points around a plausible place of the eyes, pixels."""
    random = np.random.default_rng(seed)
    found = random.uniform(20, 220, (n, 68, 2))
    found[:, 36:42] = np.array([80, 100]) + random.uniform(-8, 8, (n, 6, 2))
    found[:, 42:48] = np.array([160, 104]) + random.uniform(-8, 8, (n, 6, 2))
    return found


def moved(points, angle, scale, dx, dy):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return scale * points @ turn.T + (dx, dy)


motions = st.tuples(st.floats(-np.pi, np.pi), st.floats(0.01, 50), st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))


@given(seed=st.integers(0, 100), motion=motions)
def test_where_how_large_and_how_rolled_does_not_matter(seed, motion):
    points = faces(seed)
    np.testing.assert_allclose(tracking.shape(moved(points, *motion)), tracking.shape(points), atol=1e-8)


@given(seed=st.integers(0, 100), one=motions, other=motions)
def test_a_face_that_only_moves_has_not_changed(seed, one, other):
    points = faces(seed)
    np.testing.assert_allclose(tracking.change(moved(points, *one), moved(points, *other)), 0, atol=1e-8)


def test_eyes_are_level_and_one_apart():
    found = tracking.shape(faces(1)).reshape(3, 68, 2)
    np.testing.assert_allclose(found[:, 36:42].mean(axis=1), [[-0.5, 0]] * 3, atol=1e-12)
    np.testing.assert_allclose(found[:, 42:48].mean(axis=1), [[0.5, 0]] * 3, atol=1e-12)


def test_a_falling_jaw_moves_the_jaw_alone():
    neutral = faces(2, n=1)
    shown = neutral.copy()
    shown[:, 8, 1] += 16  # the chin, down by 16 pixels
    apart = np.linalg.norm(neutral[0, 42:48].mean(axis=0) - neutral[0, 36:42].mean(axis=0))
    found = tracking.change(shown, neutral).reshape(68, 2)
    assert np.linalg.norm(found[8]) == pytest.approx(16 / apart)
    assert found[8, 1] > 0
    np.testing.assert_allclose(np.delete(found, 8, axis=0), 0, atol=1e-12)


def test_a_mirrored_face_is_another_shape():
    points = faces(3)
    assert np.abs(tracking.shape(points * (-1, 1)) - tracking.shape(points)).max() > 0.1


def test_integers_and_no_faces_are_fine():
    points = np.round(faces(0)).astype(np.int64)
    assert tracking.shape(points).dtype == np.float64
    assert tracking.shape(points).shape == (3, 136)
    assert tracking.shape(np.zeros((0, 68, 2))).shape == (0, 136)


def test_broken_landmarks_are_refused():
    points = faces(0)
    points[1, 30, 0] = np.nan
    with pytest.raises(ValueError, match="face 1 are not all finite"):
        tracking.shape(points)
    points = faces(0)
    points[2, 42:48] = points[2, 36:42]
    with pytest.raises(ValueError, match="face 2 have both eyes in one place"):
        tracking.shape(points)
    with pytest.raises(ValueError, match="both eyes"):
        tracking.shape(np.ones((1, 68, 2)))


@pytest.mark.parametrize("shape", [(68, 2), (3, 49, 2), (3, 68, 3)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"must be \(n, 68, 2\)"):
        tracking.shape(np.ones(shape))


def test_one_neutral_face_for_each():
    with pytest.raises(ValueError, match="one shape"):
        tracking.change(faces(0), faces(0, n=1))
