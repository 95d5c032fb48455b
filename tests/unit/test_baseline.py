"""Action units measured from a person's own neutral face."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.temporal.baseline import LONGEST, Baseline, Options

ON = Options("neutral")
TYPICAL = np.array([0.05, 0.05])


levels = st.floats(1e-6, 1 - 1e-6)


def logit(p):
    return np.log(p / (1 - p))


def run(baseline, units, neutral, start=0.0, seconds=10.0, rate=25, face=1):
    """The last answer after ``seconds`` of the same units."""
    found = None
    for k in range(round(seconds * rate)):
        found = baseline.refer(face, start + k / rate, np.asarray(units, float), neutral)
    return found


def test_off_by_default():
    assert Options().reference == "none"
    baseline = Baseline(Options(), TYPICAL)
    units = np.array([0.7, 0.2])
    assert run(baseline, units, 1.0) is not None
    np.testing.assert_array_equal(baseline.refer(1, 99.0, units, 1.0), units)


def test_a_face_at_rest_comes_to_the_typical_level():
    units = [0.2, 0.01]
    np.testing.assert_allclose(run(Baseline(ON, TYPICAL), units, 1.0), TYPICAL, atol=1e-9)


def test_nothing_changes_before_enough_neutral_was_seen_and_then_nothing_jumps():
    baseline, units = Baseline(ON, TYPICAL), np.array([0.2, 0.05])
    found = np.array([baseline.refer(1, k / 25, units, 1.0)[0] for k in range(150)])
    assert (found[:50] == 0.2).all()
    assert (np.diff(found) <= 0).all()
    assert np.abs(np.diff(logit(found))).max() < 0.05
    assert found[101] == pytest.approx(0.05)


def test_other_expressions_teach_nothing():
    baseline = Baseline(ON, TYPICAL)
    assert run(baseline, [0.9, 0.9], 0.59)[0] == 0.9
    run(baseline, [0.2, 0.2], 1.0, start=20)
    smile = baseline.refer(1, 31.0, np.array([0.9, 0.9]), 0.0)
    np.testing.assert_allclose(logit(smile), logit(0.9) - (logit(0.2) - logit(0.05)), atol=1e-9)


def test_it_knows_the_past_only():
    one, other = Baseline(ON, TYPICAL), Baseline(ON, TYPICAL)
    run(one, [0.3, 0.3], 1.0)
    run(other, [0.3, 0.3], 1.0)
    now = np.array([0.4, 0.6])
    np.testing.assert_array_equal(one.refer(1, 10.0, now, 1.0), other.refer(1, 10.0, now, 0.0))


@given(
    st.lists(st.tuples(levels, levels, st.floats(0, 1), st.floats(0, 3)), max_size=60),
    st.floats(0, 4),
)
def test_the_shift_is_bounded_and_the_answer_a_probability(moments, largest):
    baseline = Baseline(Options("neutral", largest=largest, least=0.5), TYPICAL)
    now = 0.0
    for first, second, neutral, step in moments:
        now += step
        units = np.array([first, second])
        found = baseline.refer(1, now, units, neutral)
        assert np.isfinite(found).all()
        assert ((found >= 0) & (found <= 1)).all()
        assert (np.abs(logit(found) - logit(units)) <= largest + 1e-6).all()


def test_certain_units_stay_finite():
    found = run(Baseline(ON, TYPICAL), [0.0, 1.0], 1.0)
    assert np.isfinite(found).all()
    assert 0 <= found[0] < 1e-4
    assert 1 - 1e-4 < found[1] <= 1


@given(st.lists(st.floats(0.02, 0.98), min_size=2, max_size=8), st.floats(0.02, 0.98))
def test_the_order_of_moments_of_equal_rest_is_kept(levels, rest):
    """The change is the same for all levels of a unit: what was more stays more."""
    baseline = Baseline(ON, TYPICAL)
    run(baseline, [rest, rest], 1.0, seconds=5)
    found = [baseline.refer(1, 5.0, np.array([level, level]), 0.0)[0] for level in levels]
    ascending = np.array(found)[np.argsort(levels)]
    assert (np.diff(ascending) >= -1e-12).all()  # two levels a rounding apart may come out as one


def test_the_frame_rate_does_not_matter():
    slow, fast = (run(Baseline(ON, TYPICAL), [0.3, 0.1], 0.8, rate=rate, seconds=3) for rate in (10, 100))
    np.testing.assert_allclose(slow, fast, rtol=0.15)


def test_old_neutral_moments_are_forgotten():
    baseline = Baseline(Options("neutral", least=1, seconds=5), TYPICAL)
    run(baseline, [0.5, 0.5], 1.0, seconds=20)
    run(baseline, [0.2, 0.2], 1.0, start=20, seconds=5)
    found = baseline.refer(1, 25.0, np.array([0.2, 0.2]), 1.0)
    rest = logit(0.2) + (logit(0.5) - logit(0.2)) * math.exp(-1)
    np.testing.assert_allclose(logit(found), logit(0.2) - np.minimum(rest - logit(0.05), 2), atol=0.02)


def test_a_gap_counts_for_a_moment_only():
    baseline = Baseline(Options("neutral", least=LONGEST, seconds=20), TYPICAL)
    units = np.array([0.3, 0.3])
    baseline.refer(1, 0.0, units, 1.0)
    baseline.refer(1, 1000.0, units, 1.0)
    np.testing.assert_array_equal(baseline.refer(1, 1000.04, units, 1.0), units)


def test_a_clock_that_goes_back_and_none_at_all():
    baseline, units = Baseline(ON, TYPICAL), np.array([0.3, 0.3])
    for now in (5.0, 4.0, 5.0, 4.0, None, None):
        np.testing.assert_array_equal(baseline.refer(1, now, units, 1.0), units)


def test_faces_are_by_themselves_and_forgotten():
    baseline, units = Baseline(ON, TYPICAL), np.array([0.3, 0.3])
    run(baseline, units, 1.0, face=1)
    np.testing.assert_array_equal(baseline.refer(2, 10.0, units, 1.0), units)
    assert (baseline.refer(1, 10.0, units, 0.0) != units).all()
    baseline.keep({2})
    np.testing.assert_array_equal(baseline.refer(1, 10.04, units, 1.0), units)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"neutral": 1.5}, "neutral must be 0 to 1"),
        ({"least": -1.0}, "least and largest must be 0 or more"),
        ({"seconds": 0.0}, "seconds above 0"),
        ({"largest": -0.1}, "least and largest"),
        ({"largest": math.inf}, "must be finite"),
        ({"least": 15.0}, "at least twice least"),
    ],
)
def test_options_that_mean_nothing(wrong, words):
    with pytest.raises(ValueError, match=words):
        Options("neutral", **wrong)
