"""Linear dimensions: planted ranks come back, chance counts for nothing, and the evidence is that of the paper."""

import math

import numpy as np
import pytest

pytest.importorskip("torch")

from mien.errors import TrainingError
from mien.learn.architecture import dimension, examples


def planes(rank, columns, rows, noise, seed):
    """Rows near a plane of ``rank`` dimensions, with noise of equal strength in all directions."""
    g = np.random.default_rng(seed)
    return g.normal(size=(rows, rank)) @ g.normal(size=(rank, columns)) / np.sqrt(rank) + noise * g.normal(
        size=(rows, columns)
    )


def switched(units, columns, rows, seed):
    """Binary rows of a Boltzmann machine whose hidden units each own some columns."""
    g = np.random.default_rng(seed)
    W = np.zeros((units, columns))
    W[np.arange(columns) % units, np.arange(columns)] = 5 * g.choice([-1, 1], columns)
    h = g.random((rows, units)) < 0.5
    return (g.random((rows, columns)) < 1 / (1 + np.exp(-(h - 0.5) @ W))).astype(np.float64)


def evidence(variances, rows, k):
    """Equations 76 to 81 of Minka (2000), term by term."""
    d = len(variances)
    v = variances[k:].mean()
    hat = np.where(np.arange(d) < k, variances, v)
    prior = -k * math.log(2) + sum(math.lgamma((d - i) / 2) - (d - i) / 2 * math.log(math.pi) for i in range(k))
    fit = -rows / 2 * np.log(variances[:k]).sum() - rows * (d - k) / 2 * math.log(v)
    m = d * k - k * (k + 1) / 2
    curvature = sum(
        math.log((1 / hat[j] - 1 / hat[i]) * (variances[i] - variances[j]) * rows)
        for i in range(k)
        for j in range(i + 1, d)
    )
    return prior + fit + (m + k) / 2 * math.log(2 * math.pi) - curvature / 2 - k / 2 * math.log(rows)


@pytest.mark.parametrize("noise", [0.3, 1.0])
@pytest.mark.parametrize("rank", [3, 6, 12, 20])
def test_a_planted_rank_comes_back_within_a_fifth(rank, noise):
    for seed in range(2):
        x = planes(rank, 80, 400, noise, seed)
        assert abs(dimension.parallel(x, 8, seed) - rank) <= 0.2 * rank
        assert abs(dimension.minka(dimension.spectrum(x - x.mean(axis=0)), len(x)) - rank) <= 0.2 * rank


@pytest.mark.parametrize("units", [5, 10, 15])
def test_planted_binary_units_come_back_within_a_fifth(units):
    x = switched(units, 60, 500, units)
    assert abs(dimension.parallel(x, 8, 0) - units) <= 0.2 * units


def test_a_strong_rank_comes_back_from_fewer_rows_than_columns():
    x = planes(8, 200, 90, 0.3, 1)
    assert dimension.parallel(x, 8, 0) == 8
    assert dimension.minka(dimension.spectrum(x - x.mean(axis=0)), len(x)) == 8


def test_noise_has_no_dimension_above_chance():
    assert dimension.parallel(np.random.default_rng(0).normal(size=(300, 40)), 10, 0) <= 1


def test_the_evidence_is_that_of_the_paper():
    x = planes(4, 12, 60, 0.5, 3)
    variances = dimension.spectrum(x - x.mean(axis=0))
    ours = dimension._evidence(variances, 60, 11)
    theirs = [evidence(variances, 60, k) for k in range(1, 12)]
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)


def test_the_spectrum_is_that_of_the_covariance_whichever_side_is_longer():
    for shape in ((30, 8), (8, 30)):
        x = np.random.default_rng(1).normal(size=shape)
        x -= x.mean(axis=0)
        wanted = np.linalg.svd(x, compute_uv=False) ** 2 / shape[0]
        found = dimension.spectrum(x)
        assert found.shape == (shape[1],)
        np.testing.assert_allclose(found[: len(wanted)], wanted, atol=1e-12)


def test_the_estimate_has_intervals_by_people_and_the_curves_it_was_read_from():
    x = planes(6, 40, 300, 0.5, 2)
    x = (x - x.min()) / np.ptp(x)
    faces = examples.checked(x, [f"p{k % 30}" for k in range(300)], None, 10)
    seen = []
    found = dimension.estimate(faces, dimension.Options(6, 5), 0, lambda *told: seen.append(told))
    assert found.parallel.value == found.minka.value == 6
    assert found.parallel.low <= 6 <= found.parallel.high
    assert (found.eigenvalues[:6] > found.thresholds[:6]).all()
    assert found.eigenvalues[6] <= found.thresholds[6]
    np.testing.assert_allclose(found.eigenvalues.sum(), 40)  # of correlations: one per column
    assert 0.5 < found.explained < 1
    assert seen[-1] == ("dimensions", 5, 5)
    again = dimension.estimate(faces, dimension.Options(6, 5), 0)
    assert again.parallel == found.parallel
    assert (again.thresholds == found.thresholds).all()


def test_an_interval_is_wide_where_the_people_differ():
    """Half of the people show a second pattern, a weak one: leaving some of them out changes the count."""
    counts = np.array([5.0, 7.0, 5.0, 7.0, 6.0])
    found = dimension._jackknifed(6, counts, 40)
    assert found.low < 5
    assert found.high > 7
    assert dimension._jackknifed(6, np.full(5, 6.0), 40) == dimension.Count(6, 6.0, 6.0)


def test_faces_that_vary_in_one_direction_only_are_refused():
    with pytest.raises(TrainingError, match="fewer than two directions"):
        dimension.minka(np.array([1.0, 0.0, 0.0]), 20)


@pytest.mark.parametrize("wrong", [{"surrogates": 1}, {"groups": 1}])
def test_impossible_options_are_refused(wrong):
    with pytest.raises(ValueError, match="2 or more"):
        dimension.Options(**wrong)
