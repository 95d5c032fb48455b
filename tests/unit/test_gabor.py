"""The fit of Gabor functions, against functions that are known and against controls."""

import numpy as np
import pytest

from mien.data import photographs
from mien.data.synthetic import leaves
from mien.learn import gabor


def exact(count, seed, side=8):
    random = np.random.default_rng(seed)
    return gabor.GaborFits(
        x=random.uniform(1, side - 2, count),
        y=random.uniform(1, side - 2, count),
        orientation=random.uniform(0, np.pi, count),
        frequency=random.uniform(0.1, 0.35, count),
        across=random.uniform(0.9, 2.5, count),
        along=random.uniform(0.9, 2.5, count),
        phase=random.uniform(-np.pi, np.pi, count),
        amplitude=random.uniform(0.1, 10, count),
        r2=np.ones(count),
    )


def test_a_gabor_function_is_what_its_formula_says():
    one = gabor.GaborFits(*(np.array([v]) for v in (2.0, 5.0, 0.3, 0.2, 1.5, 2.5, 0.7, 3.0, 1.0)))
    x, y = 4, 1
    u = (x - 2) * np.cos(0.3) + (y - 5) * np.sin(0.3)
    v = -(x - 2) * np.sin(0.3) + (y - 5) * np.cos(0.3)
    wanted = 3 * np.exp(-(u**2) / (2 * 1.5**2) - v**2 / (2 * 2.5**2)) * np.cos(2 * np.pi * 0.2 * u + 0.7)
    assert gabor.draw(one, 8)[0, y, x] == pytest.approx(wanted, rel=1e-12)


def test_exact_gabors_are_recovered():
    filters = gabor.draw(exact(60, seed=1), 8)
    found = gabor.fit(filters)
    assert found.r2.min() > 0.99
    assert np.median(found.r2) > 1 - 1e-9
    again = gabor.draw(found, 8)
    centred, wanted = (f - f.mean(axis=(1, 2), keepdims=True) for f in (again, filters))
    left = ((centred - wanted) ** 2).sum(axis=(1, 2)) / (wanted**2).sum(axis=(1, 2))
    np.testing.assert_allclose(left, 1 - found.r2, atol=1e-9)  # the parameters given are those of the fit


def test_the_parameters_of_a_clear_gabor_are_found():
    one = gabor.GaborFits(*(np.array([v]) for v in (3.2, 4.1, 2.8, 0.21, 1.4, 2.2, -0.6, 2.0, 1.0)))
    found = gabor.fit(gabor.draw(one, 10))
    assert found.orientation[0] == pytest.approx(2.8, abs=0.02)
    assert found.frequency[0] == pytest.approx(0.21, abs=0.005)
    assert (found.x[0], found.y[0]) == pytest.approx((3.2, 4.1), abs=0.1)
    assert found.amplitude[0] == pytest.approx(2.0, rel=0.05)


def test_scale_offset_and_sign_do_not_matter():
    filters = gabor.draw(exact(6, seed=2), 8) + np.random.default_rng(3).normal(0, 0.3, (6, 8, 8))
    one, other = gabor.fit(filters), gabor.fit(7 - 100 * filters)
    np.testing.assert_allclose(one.r2, other.r2, rtol=1e-6)
    np.testing.assert_allclose(100 * one.amplitude, other.amplitude, rtol=1e-4)


def test_noise_and_principal_components_are_the_controls():
    noise = gabor.fit(np.random.default_rng(0).standard_normal((100, 8, 8)))
    assert 0.2 < np.median(noise.r2) < 0.3
    assert noise.r2.max() < 0.6
    cut = photographs.patches(photographs.whiten_all(leaves.draw(3)), 10_000)
    cut = photographs.scaled(cut, photographs.truncation(cut))
    components = np.linalg.svd(cut[:5000], full_matrices=False)[2][:25]
    control = gabor.fit(components.reshape(-1, 8, 8))
    assert 0.5 < np.median(control.r2) < 0.85


def test_a_flat_filter_has_no_fit_and_spoils_no_other():
    filters = gabor.draw(exact(3, seed=4), 8)
    filters[1] = 5.0
    found = gabor.fit(filters)
    assert np.isnan(found.r2).tolist() == [False, True, False]
    np.testing.assert_array_equal(found.r2[0], gabor.fit(filters[:1]).r2[0])


def test_oblong_filters_are_refused():
    with pytest.raises(ValueError, match="squares"):
        gabor.fit(np.zeros((2, 8, 9)))
