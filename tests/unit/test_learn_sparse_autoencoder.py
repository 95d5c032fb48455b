import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

import torch

from mien.errors import TrainingError
from mien.learn.equations import Autoencoder, cost
from mien.learn.features import sparse_autoencoder as part


def faces(n=60, seed=0):
    """Patches of 6x6 with a common mean and three ways to vary, as faces have."""
    random = np.random.default_rng(seed)
    mean, ways = random.uniform(0.3, 0.7, 36), random.normal(0, 0.2, (3, 36))
    return np.clip(mean + random.normal(size=(n, 3)) @ ways, 0, 1).astype(np.float32)


def fitted(x=None, **options):
    chosen = {"units": 12, "rho": 0.2, "beta": 0.1, "weight_decay": 1e-4, "iterations": 60} | options
    return part.build(part.Options(**chosen)).fit(faces() if x is None else x, 0)


def test_rebuilds_unseen_faces_better_than_their_mean_does():
    x = faces(200, seed=0)
    features = fitted(x[:150])
    unseen = x[150:]
    error = ((features.reconstruct(unseen) - unseen) ** 2).sum(axis=1).mean()
    by_mean = ((x[:150].mean(axis=0) - unseen) ** 2).sum(axis=1).mean()
    assert error < 0.25 * by_mean


def test_units_keep_to_the_wanted_activation():
    found = fitted(beta=3.0).encode(faces()).mean(axis=0)
    np.testing.assert_allclose(found, 0.2, atol=0.02)


def test_figures_are_those_of_the_equations():
    features = fitted()
    p = Autoencoder(*(torch.from_numpy(a) for a in (features.W1, features.b1, features.W2, features.b2)))
    terms = cost(p, torch.from_numpy(faces()), rho=0.2, beta=0.1, lam=1e-4)
    figures = features.figures()
    assert figures["reconstruction"] == pytest.approx(float(terms.reconstruction), rel=1e-5)
    assert figures["cost"] == pytest.approx(float(terms.total), rel=1e-5)
    assert figures["rho_hat_low"] <= features.encode(faces()).mean() <= figures["rho_hat_high"]


def test_more_iterations_lower_the_cost():
    costs = [fitted(iterations=n).figures()["cost"] for n in (1, 10, 25, 100)]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] < costs[0]


def test_starting_point_is_the_mean_face_at_the_wanted_activation():
    x = torch.from_numpy(faces())
    p = part.initial(x, 12, 0.2, 0)
    reach = (6 / (36 + 12 + 1)) ** 0.5
    assert float(p.W1.abs().max()) <= reach
    mean = x.mean(dim=0)
    hidden = torch.sigmoid(p.W1 @ mean + p.b1)
    torch.testing.assert_close(hidden, torch.full((12,), 0.2))
    torch.testing.assert_close(torch.sigmoid(p.W2 @ hidden + p.b2), mean)


def test_a_decay_that_kills_all_weights_is_refused():
    with pytest.raises(TrainingError, match=r"no better .* than their mean"):
        fitted(weight_decay=1e3)


def test_a_run_that_learned_nothing_is_refused():
    good = fitted().figures()
    o = part.Options()
    with pytest.raises(TrainingError, match="finite"):
        part.guard(good | {"cost": float("nan")}, o)
    with pytest.raises(TrainingError, match="stuck"):
        part.guard(good | {"rho_hat_low": 1e-9, "rho_hat_high": 1e-8}, o)
    with pytest.raises(TrainingError, match="stuck"):
        part.guard(good | {"rho_hat_low": 0.9999, "rho_hat_high": 1.0}, o)
    part.guard(good, o)


def test_pixels_of_the_report_s_range_are_refused():
    with pytest.raises(TrainingError, match=r"\[0, 1\]"):
        fitted(faces() * 2 - 1)
    broken = faces()
    broken[3, 5] = np.nan
    with pytest.raises(TrainingError, match=r"\[0, 1\]"):
        fitted(broken)
