"""Smoothing over time: causal, independent of the frame rate, bounded."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.temporal.smoothing import Options, Smoother


def shares(numbers):
    return np.array(numbers) / np.sum(numbers)


scores = st.lists(st.floats(0.001, 1), min_size=3, max_size=3).map(shares)
steps = st.floats(0.001, 0.4)
A, B = np.array([1.0, 0, 0]), np.array([0, 1.0, 0])


def after(*seen, face=1, options=None):
    """The last answer to ``(time, scores)`` pairs."""
    smoother = Smoother(options or Options())
    for now, score in seen:
        answer = smoother.smooth(face, now, score)
    return answer


@given(st.lists(st.tuples(steps, scores), min_size=1, max_size=20))
def test_it_stays_a_distribution(seen):
    times = np.cumsum([step for step, _ in seen])
    answer = after(*zip(times, [score for _, score in seen], strict=True))
    assert answer.shape == (3,)
    assert answer.dtype == np.float64
    assert answer.sum() == pytest.approx(1)
    assert (answer >= 0).all()


@given(scores, scores, steps, steps.filter(lambda s: s < 0.3), st.floats(0.05, 2))
def test_splitting_a_step_in_two_changes_nothing(first, second, gap, more, seconds):
    options = Options(seconds=seconds, forget=10)
    once = after((0.0, first), (gap + more, second), options=options)
    twice = after((0.0, first), (gap, second), (gap + more, second), options=options)
    np.testing.assert_allclose(once, twice, atol=1e-12)


def test_after_the_time_constant_a_third_is_left():
    answer = after((0.0, A), (0.15, B), options=Options(seconds=0.15))
    np.testing.assert_allclose(answer, [1 / math.e, 1 - 1 / math.e, 0])


@given(st.lists(st.tuples(steps, scores), min_size=2, max_size=10), st.integers(1, 9))
def test_what_comes_later_does_not_matter(seen, cut):
    cut = min(cut, len(seen) - 1)
    times = np.cumsum([step for step, _ in seen])
    smoother, shorter = Smoother(Options()), Smoother(Options())
    for now, (_, score) in zip(times, seen, strict=True):
        answer = smoother.smooth(1, now, score)
        if now == times[cut - 1]:
            kept = answer.copy()
    for now, (_, score) in zip(times[:cut], seen[:cut], strict=True):
        answer = shorter.smooth(1, now, score)
    np.testing.assert_array_equal(answer, kept)


def test_the_first_frame_is_as_it_is():
    np.testing.assert_array_equal(after((3.0, A)), A)


def test_out_of_sight_out_of_mind():
    np.testing.assert_array_equal(after((0.0, A), (0.6, B)), B)
    assert after((0.0, A), (0.5, B))[0] > 0


def test_0_seconds_takes_every_frame_as_it_is():
    np.testing.assert_array_equal(after((0.0, A), (0.01, B), options=Options(seconds=0)), B)


def test_without_a_clock_nothing_is_smoothed():
    np.testing.assert_array_equal(after((None, A), (None, B)), B)


def test_two_frames_of_one_time():
    np.testing.assert_array_equal(after((1.0, A), (1.0, B)), A)


def test_each_face_by_itself():
    smoother = Smoother(Options())
    smoother.smooth(1, 0.0, A)
    np.testing.assert_array_equal(smoother.smooth(2, 0.01, B), B)
    assert smoother.smooth(1, 0.01, B)[0] > 0.5


def test_memory_is_bounded_by_keep():
    smoother = Smoother(Options())
    for face in range(1000):
        smoother.smooth(face, face / 100, A)
        smoother.keep({face, face - 1})
    assert len(smoother._state) == 2
    smoother.keep(set())
    np.testing.assert_array_equal(smoother.smooth(999, 9.995, B), B)


def test_the_scores_given_are_left_alone():
    smoother, mine = Smoother(Options()), A.copy()
    smoother.smooth(1, 0.0, mine)
    second = B.copy()
    smoother.smooth(1, 0.1, second)
    np.testing.assert_array_equal(mine, A)
    np.testing.assert_array_equal(second, B)


@pytest.mark.parametrize("wrong", [{"seconds": -0.1}, {"forget": -1}])
def test_impossible_options(wrong):
    with pytest.raises(ValueError, match="must be 0 or more"):
        Options(**wrong)
