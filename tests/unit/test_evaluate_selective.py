"""Risk over coverage: cases worked out by hand, and what must hold for any answers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.evaluate import intervals, selective


def answers(confidence, right):
    """Two labels; the answer is always the first, given with that confidence (0.5 to 1)."""
    confidence = np.array(confidence, float)
    return np.where(right, 0, 1), np.stack([confidence, 1 - confidence], axis=1)


def test_curve_of_four_faces_by_hand():
    truth, p = answers([0.6, 0.9, 0.8, 0.7], [False, True, False, True])
    np.testing.assert_allclose(selective.curve(truth, p), [(0.25, 0), (0.5, 1 / 2), (0.75, 1 / 3), (1, 2 / 4)])
    assert selective.aurc(truth, p) == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)
    assert selective.accuracy_at(truth, p, 0.25) == 1
    assert selective.accuracy_at(truth, p, 0.26) == 0.5
    assert selective.accuracy_at(truth, p, 0.8) == 0.5


def test_equally_sure_faces_are_answered_together():
    truth, p = answers([0.9, 0.7, 0.7, 0.6], [True, True, False, False])
    np.testing.assert_allclose(selective.curve(truth, p), [(0.25, 0), (0.75, 1 / 3), (1, 0.5)])
    assert selective.accuracy_at(truth, p, 0.5) == pytest.approx(2 / 3)
    assert selective.aurc(truth, p) == pytest.approx((0 + 2 / 3 + 0.5) / 4)


def test_one_confidence_throughout_gives_the_share_of_errors():
    truth, p = answers([0.8] * 5, [True, False, False, True, True])
    assert selective.aurc(truth, p) == pytest.approx(0.4)
    assert selective.accuracy_at(truth, p, 0.1) == pytest.approx(0.6)


faces = st.lists(st.tuples(st.integers(51, 99), st.booleans()), min_size=2, max_size=30)


@given(faces)
def test_what_holds_for_any_answers(told):
    truth, p = answers([c / 100 for c, _ in told], [right for _, right in told])
    rows = selective.curve(truth, p)
    assert (np.diff(rows[:, 0]) > 0).all()
    assert rows[-1, 0] == pytest.approx(1)
    errors = float((truth == 1).mean())
    assert rows[-1, 1] == pytest.approx(errors)
    assert selective.accuracy_at(truth, p, 1.0) == pytest.approx(1 - errors)
    assert 0 <= selective.aurc(truth, p) <= 1
    order = np.random.default_rng(0).permutation(len(truth))
    assert selective.aurc(truth[order], p[order]) == pytest.approx(selective.aurc(truth, p))


@given(faces, st.integers(0, 99))
def test_a_perfect_order_is_never_worse(told, seed):
    right = np.array([r for _, r in told])
    sure = np.linspace(0.95, 0.55, len(told))
    best = answers(sure, np.sort(right)[::-1])
    other = answers(sure, np.random.default_rng(seed).permutation(right))
    assert selective.aurc(*best) <= selective.aurc(*other) + 1e-12


def test_resamples_equal_the_figures_of_the_repeated_faces():
    random = np.random.default_rng(3)
    p = random.dirichlet(np.ones(4), 60).round(2)
    p[:, 0] += 1 - p.sum(axis=1)
    truth = random.integers(0, 4, 60)
    weights = intervals.draws(np.array([f"s{k % 11}" for k in range(60)]), 20, 5)
    found = selective.measured(truth, p, weights)
    for r in range(20):
        again = np.repeat(np.arange(60), weights[r].astype(int))
        assert found["aurc"].resampled[r] == pytest.approx(selective.aurc(truth[again], p[again]))
        wanted = selective.accuracy_at(truth[again], p[again], 0.8)
        assert found["accuracy_at_80"].resampled[r] == pytest.approx(wanted)
    assert found["accuracy_at_90"].value == selective.accuracy_at(truth, p, 0.9)


def test_nonsense_is_refused():
    truth, p = answers([0.9, 0.8], [True, False])
    for coverage in (0, 1.1):
        with pytest.raises(ValueError, match="coverage"):
            selective.accuracy_at(truth, p, coverage)
    with pytest.raises(ValueError, match="sum to 1"):
        selective.curve(truth, p * 2)
    with pytest.raises(ValueError, match="weights"):
        selective.measured(truth, p, np.ones((3, 5)))


def test_a_chart_gets_few_points_and_both_ends():
    rows = np.stack([np.linspace(0.001, 1, 1000), np.linspace(0, 0.5, 1000)], axis=1)
    thin = selective.thinned(rows, 50)
    assert len(thin) <= 50
    np.testing.assert_array_equal(thin[[0, -1]], rows[[0, -1]])
    assert selective.thinned(rows[:30], 50) is not None
    np.testing.assert_array_equal(selective.thinned(rows[:30], 50), rows[:30])
