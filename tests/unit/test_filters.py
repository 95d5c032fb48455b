"""Counts over sets of filters, and the measure of an online run."""

import numpy as np
import pytest

from mien.learn import equations, gradient_check, snapshots
from mien.learn.features import online_autoencoder, sparse_autoencoder
from mien.learn.filters import activity, near_duplicates, orientation_histogram, squared_error


def noise(count, side=8, seed=0):
    return np.random.default_rng(seed).standard_normal((count, side, side))


def test_activity_counts_from_the_middle_of_the_range():
    a2 = np.array([[-1.0, 0.2, -0.3], [-0.9, 0.1, 0.4], [-1.0, -0.2, -0.5], [-0.8, 0.3, -1.0]])
    found = activity(a2, -1, 1)
    assert found.active_fraction == pytest.approx(4 / 12)
    assert found.mean == pytest.approx(a2.mean())
    assert found.dead.tolist() == [True, False, False]
    assert activity((a2 + 1) / 2, 0, 1).dead.tolist() == [True, False, False]


def test_random_filters_are_no_duplicates():
    assert not near_duplicates(noise(40)).any()


def test_copies_negatives_and_moved_copies_are_duplicates_of_the_first():
    base = noise(1, 6)[0]
    # Surrounded by their mean, so that a move neither loses nor changes anything.
    base = np.pad(base - base.mean(), 3)
    filters = np.stack([base, 2 * base + 1, -base, np.roll(base, 1, axis=0), np.roll(base, (2, 2), (0, 1))])
    assert near_duplicates(filters).tolist() == [False, True, True, True, False]
    assert near_duplicates(filters, 0).tolist() == [False, True, True, False, False]
    assert near_duplicates(filters, 2).tolist() == [False, True, True, True, True]
    assert near_duplicates(filters, 0, polar=True).tolist() == [False, True, False, False, False]


def test_what_a_move_pushes_out_does_not_come_back_on_the_other_side():
    filters = np.zeros((2, 8, 8))
    filters[0, :, 0], filters[1, :, 7] = 1, 1
    assert not near_duplicates(filters, 1).any()


def test_flat_filters_are_nobodys_duplicates():
    assert not near_duplicates(np.ones((3, 8, 8))).any()
    with pytest.raises(ValueError, match="reach"):
        near_duplicates(noise(2), 8)


def test_the_histogram_knows_that_orientations_come_round():
    degrees = np.array([0, 5, 175, 179.9, 45, 46, 90])
    assert orientation_histogram(np.radians(degrees)).tolist() == [4, 0, 2, 0, 1, 0, 0, 0]
    assert orientation_histogram(np.array([])).tolist() == [0] * 8


def test_squared_error_is_per_example():
    x = np.array([[1.0, 2.0], [0.0, -1.0]])
    assert squared_error(x, np.zeros_like(x)) == pytest.approx((5 + 1) / 2)
    assert squared_error(x, x) == 0


def test_snapshots_go_on_from_the_run_and_leave_it_alone():
    random = np.random.default_rng(1)
    x = np.clip(0.4 * random.standard_normal((300, 3)) @ random.standard_normal((3, 16)), -1, 1).astype(np.float32)
    options = online_autoencoder.Options(
        units=5, activation="tanh", alpha=0.007, rho=-0.9, weight_decay=0.0001, beta=0.1, steps=20_000
    )
    run = online_autoencoder.train(x[:200], options, 3)
    before = run.W1.copy()
    seen = snapshots.take(run, options, x[:200], x[200:], 3, count=20, apart=50)
    again = snapshots.take(run, options, x[:200], x[200:], 3, count=20, apart=50)
    np.testing.assert_array_equal(run.W1, before)
    np.testing.assert_array_equal(seen.errors, again.errors)
    np.testing.assert_array_equal(seen.averaged.W1, again.averaged.W1)
    assert seen.averaged.position == 21_000
    # A mean of close weights: near them, and no worse than they are on average.
    assert 0 < np.abs(seen.averaged.W1 - before).max() < 0.2
    p = seen.averaged
    assert squared_error(x[200:], snapshots.rebuilt((p.W1, p.b1, p.W2, p.b2), x[200:])) < 1.02 * seen.errors.mean()
    assert seen.errors.std() > 0


def test_snapshots_are_of_tanh_units_only():
    options = online_autoencoder.Options(units=2, steps=10)
    x = np.random.default_rng(0).random((20, 4)).astype(np.float32)
    run = online_autoencoder.train(x, options, 0)
    with pytest.raises(ValueError, match="tanh"):
        snapshots.take(run, options, x, x, 0)


def test_the_gradient_check_passes_the_written_gradient_and_no_other(monkeypatch):
    x = np.random.default_rng(0).random((10, 9)).astype(np.float32)
    options = sparse_autoencoder.Options(units=4, rho=0.01, beta=3.0, weight_decay=1e-4)
    assert gradient_check.relative_error(x, options, 1) < 1e-9

    def wrong(p, x, **settings):
        terms, slope = equations.cost_and_gradient(p, x, **settings)
        return terms, slope._replace(b1=slope.b1 * 1.001)

    monkeypatch.setattr(gradient_check, "cost_and_gradient", wrong)
    assert gradient_check.relative_error(x, options, 1) > 1e-5
