"""The batch autoencoder of ``learn.equations`` against slow twins in plain loops, its gradient by differences."""

import math

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from mien.learn.equations import (
    Autoencoder,
    cost,
    cost_and_gradient,
    decode,
    encode,
    kl_divergence,
    mean_activation,
)

BOUND = 1e-9  # of |numeric - analytic| / |numeric + analytic|; the exercise says "usually less than 1e-9"
SETTING = {"rho": 0.07, "beta": 0.6, "lam": 0.003}


def autoencoder(n=7, inputs=6, units=4, seed=0):
    random = np.random.default_rng(seed)
    parts = [random.normal(0, 0.6, shape) for shape in ((units, inputs), (units,), (inputs, units), (inputs,))]
    return Autoencoder(*map(torch.from_numpy, parts)), torch.from_numpy(random.uniform(0, 1, (n, inputs)))


def logistic(z):
    return 1 / (1 + math.exp(-z))


def slow_forward(p, x):
    W1, b1, W2, b2 = (part.tolist() for part in p)
    hidden, rebuilt = [], []
    for row in x.tolist():
        a2 = [logistic(sum(w * v for w, v in zip(ws, row, strict=True)) + b) for ws, b in zip(W1, b1, strict=True)]
        a3 = [logistic(sum(w * v for w, v in zip(ws, a2, strict=True)) + b) for ws, b in zip(W2, b2, strict=True)]
        hidden.append(a2)
        rebuilt.append(a3)
    return hidden, rebuilt


def slow_cost(p, x, rho, beta, lam):
    hidden, rebuilt = slow_forward(p, x)
    n = len(hidden)
    rows = zip(rebuilt, x.tolist(), strict=True)
    reconstruction = sum(0.5 * sum((r - v) ** 2 for r, v in zip(a, b, strict=True)) for a, b in rows) / n
    decay = lam / 2 * sum(w * w for part in (p.W1, p.W2) for row in part.tolist() for w in row)
    sparsity = 0.0
    for j in range(len(hidden[0])):
        rho_hat = sum(a[j] for a in hidden) / n
        sparsity += rho * math.log(rho / rho_hat) + (1 - rho) * math.log((1 - rho) / (1 - rho_hat))
    return reconstruction, decay, beta * sparsity


def packed(parts):
    return np.concatenate([part.numpy().ravel() for part in parts])


def unpacked(vector, like):
    parts = torch.split(torch.from_numpy(vector), [part.numel() for part in like])
    return type(like)(*(piece.view(part.shape) for piece, part in zip(parts, like, strict=True)))


def test_the_method_of_differences_on_the_exercise_s_own_example(gradient_error):
    # h = x1^2 + 3 x1 x2 at (4, 10), whose gradient is (38, 12). Differences are exact for a quadratic but for
    # rounding; the exercise prints 2.1452e-12 for its own order of operations.
    error = gradient_error(lambda v: v[0] ** 2 + 3 * v[0] * v[1], np.array([4.0, 10.0]), np.array([38.0, 12.0]))
    assert error < 1e-11


def test_forward_pass_equals_the_slow_twin():
    p, x = autoencoder()
    hidden, rebuilt = slow_forward(p, x)
    np.testing.assert_allclose(encode(p, x), hidden, rtol=1e-12)
    np.testing.assert_allclose(decode(p, encode(p, x)), rebuilt, rtol=1e-12)


def test_cost_equals_the_slow_twin_term_by_term():
    p, x = autoencoder()
    np.testing.assert_allclose([float(t) for t in cost(p, x, **SETTING)], slow_cost(p, x, **SETTING), rtol=1e-12)
    assert float(cost(p, x, **SETTING).total) == pytest.approx(sum(slow_cost(p, x, **SETTING)), rel=1e-12)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("beta", [0.0, 0.6, 3.0])
def test_autoencoder_gradient_agrees_with_central_differences(seed, beta, gradient_error):
    setting = SETTING | {"beta": beta}
    p, x = autoencoder(seed=seed)

    def total(vector):
        return float(cost(unpacked(vector, p), x, **setting).total)

    _, analytic = cost_and_gradient(p, x, **setting)
    assert gradient_error(total, packed(p), packed(analytic)) < BOUND


def test_a_wrong_gradient_is_noticed(gradient_error):
    p, x = autoencoder()
    _, right = cost_and_gradient(p, x, **SETTING)
    wrong = right._replace(W1=right.W1 - SETTING["lam"] * p.W1)  # as if the encoder's decay were forgotten

    def total(vector):
        return float(cost(unpacked(vector, p), x, **SETTING).total)

    assert gradient_error(total, packed(p), packed(wrong)) > 1e-4


def test_cost_and_gradient_agree_on_the_cost():
    p, x = autoencoder()
    together, _ = cost_and_gradient(p, x, **SETTING)
    assert [float(t) for t in together] == [float(t) for t in cost(p, x, **SETTING)]


def test_sparsity_is_nil_at_the_wanted_activation_and_finite_at_the_ends():
    assert float(kl_divergence(0.2, torch.tensor(0.2, dtype=torch.float64))) == pytest.approx(0, abs=1e-15)
    stuck = mean_activation(torch.tensor([[0.0, 1.0], [0.0, 1.0]]))
    assert torch.isfinite(kl_divergence(0.2, stuck)).all()
