"""The online rule of ``learn.equations`` against a slow twin; the compiled steps against it; ranges, pictures."""

import math

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("numba")

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.learn.equations import (
    Autoencoder,
    activate,
    activation_slope,
    decode,
    encode,
    maximal_input,
    online_step,
    symmetric_range,
    unit_range,
)
from mien.learn.features._online_kernel import steps

SETTINGS = {
    "tanh": {"alpha": 0.05, "beta": 2.0, "lam": 0.01, "rho": -0.9},
    "logistic": {"alpha": 0.2, "beta": 5.0, "lam": 0.002, "rho": 0.02},
}
ACTIVATIONS = sorted(SETTINGS)
SLOW = {"logistic": lambda z: 1 / (1 + math.exp(-z)), "tanh": math.tanh}
SLOW_SLOPE = {"logistic": lambda a: a * (1 - a), "tanh": lambda a: 1 - a * a}


def start(activation, inputs=12, units=5, n=50, seed=0):
    """NumPy parameters, rho_hat and examples in the range of the activation."""
    random = np.random.default_rng(seed)
    shapes = ((units, inputs), (units,), (inputs, units), (inputs,))
    low = -1 if activation == "tanh" else 0
    x = random.uniform(low, 1, (n, inputs))
    return tuple(random.normal(0, 0.3, shape) for shape in shapes), np.zeros(units), x


def tensors(parts):
    return Autoencoder(*(torch.from_numpy(part.copy()) for part in parts))


def slow_step(parts, rho_hat, x, activation, alpha, beta, lam, rho):
    """The rule in plain loops, in the order of the CS294A exercise, every statement on one weight."""
    f, slope = SLOW[activation], SLOW_SLOPE[activation]
    W1, b1, W2, b2 = (part.tolist() for part in parts)
    units, inputs = range(len(b1)), range(len(b2))
    a2 = [f(sum(W1[j][i] * x[i] for i in inputs) + b1[j]) for j in units]
    a3 = [f(sum(W2[i][j] * a2[j] for j in units) + b2[i]) for i in inputs]
    d3 = [-(x[i] - a3[i]) * slope(a3[i]) for i in inputs]
    d2 = [sum(W2[i][j] * d3[i] for i in inputs) * slope(a2[j]) for j in units]
    for j in units:
        for i in inputs:
            W1[j][i] -= alpha * (d2[j] * x[i] + lam * W1[j][i])
            W2[i][j] -= alpha * (d3[i] * a2[j] + lam * W2[i][j])
        b1[j] -= alpha * d2[j]
    for i in inputs:
        b2[i] -= alpha * d3[i]
    rho_hat = [0.999 * r + 0.001 * a for r, a in zip(rho_hat, a2, strict=True)]
    for j in units:
        b1[j] -= alpha * beta * (rho_hat[j] - rho)
    return tuple(map(np.array, (W1, b1, W2, b2))), np.array(rho_hat)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_online_step_equals_the_slow_twin(activation):
    slow, slow_rho, x = start(activation)
    p, rho_hat = tensors(slow), torch.from_numpy(slow_rho)
    for row in x[:20]:
        slow, slow_rho = slow_step(slow, slow_rho, row, activation, **SETTINGS[activation])
        p, rho_hat = online_step(p, rho_hat, torch.from_numpy(row), **SETTINGS[activation], activation=activation)
    for part, slow_part in zip((*p, rho_hat), (*slow, slow_rho), strict=True):
        np.testing.assert_allclose(part, slow_part, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_online_step_leaves_its_arguments_alone(activation):
    parts, rho, x = start(activation)
    p, rho_hat = tensors(parts), torch.from_numpy(rho)
    online_step(p, rho_hat, torch.from_numpy(x[0]), **SETTINGS[activation], activation=activation)
    assert all((part.numpy() == before).all() for part, before in zip(p, parts, strict=True))
    assert (rho_hat == 0).all()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_online_step_descends_the_cost_of_its_example(activation, gradient_error):
    parts, rho, x = start(activation, inputs=6, units=4)
    p, lam, now = tensors(parts), 0.01, torch.from_numpy(x[0])
    sizes, shapes = [part.numel() for part in p], [part.shape for part in p]

    def cost(vector):
        pieces = torch.split(torch.from_numpy(vector), sizes)
        q = Autoencoder(*(piece.view(shape) for piece, shape in zip(pieces, shapes, strict=True)))
        error = decode(q, encode(q, now, activation), activation) - now
        return float(0.5 * (error**2).sum() + lam / 2 * ((q.W1**2).sum() + (q.W2**2).sum()))

    new, _ = online_step(
        p, torch.from_numpy(rho), now, alpha=1.0, beta=0.0, lam=lam, rho=0.1, activation=activation
    )
    moved = np.concatenate([(old - changed).numpy().ravel() for old, changed in zip(p, new, strict=True)])
    here, steepness = np.concatenate([part.ravel() for part in parts]), 4 if activation == "tanh" else 1
    assert gradient_error(cost, here, moved, steepness) < 1e-9


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_compiled_steps_equal_the_pure_step(activation):
    parts, rho, x = start(activation)
    p, rho_hat = tensors(parts), torch.from_numpy(rho.copy())
    order = np.random.default_rng(1).integers(0, len(x), 500)
    errors = steps(parts, rho, x, order, **SETTINGS[activation], tanh=activation == "tanh")
    slow_errors = 0.0
    for row in order:
        now = torch.from_numpy(x[row])
        slow_errors += float(((decode(p, encode(p, now, activation), activation) - now) ** 2).sum())
        p, rho_hat = online_step(p, rho_hat, now, **SETTINGS[activation], activation=activation)
    for part, slow_part in zip((*parts, rho), (*p, rho_hat), strict=True):
        np.testing.assert_allclose(part, slow_part, rtol=1e-10, atol=1e-12)
    assert errors == pytest.approx(slow_errors, rel=1e-10)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_compiled_steps_in_pieces_equal_those_in_one_go(activation):
    whole, whole_rho, x = start(activation)
    split, split_rho, _ = start(activation)
    order = np.random.default_rng(1).integers(0, len(x), 40)
    tanh = activation == "tanh"
    steps(whole, whole_rho, x, order, **SETTINGS[activation], tanh=tanh)
    for piece in (order[:1], order[1:17], order[17:]):
        steps(split, split_rho, x, piece, **SETTINGS[activation], tanh=tanh)
    for part, other in zip((*whole, whole_rho), (*split, split_rho), strict=True):
        np.testing.assert_allclose(part, other, rtol=1e-12, atol=1e-15)


def test_compiled_steps_bear_units_that_are_utterly_off():
    parts, rho, x = (part for part in start("logistic"))
    parts[1][:] = -5000
    parts[3][:] = -5000
    assert math.isfinite(steps(parts, rho, x, np.arange(20), **SETTINGS["logistic"], tanh=False))
    assert all(np.isfinite(part).all() for part in parts)


@settings(deadline=None)
@given(st.floats(-30, 30), st.sampled_from(ACTIVATIONS))
def test_slope_of_the_activation_by_differences(z, activation):
    a, step = activate(torch.tensor(z, dtype=torch.float64), activation), 1e-5
    up, down = (activate(torch.tensor(v, dtype=torch.float64), activation) for v in (z + step, z - step))
    assert float(a) == pytest.approx(SLOW[activation](z), rel=1e-12, abs=1e-15)
    assert float(activation_slope(a, activation)) == pytest.approx(float(up - down) / (2 * step), abs=1e-9)


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_tanh_units_are_logistic_units_of_twice_the_input_stretched(seed):
    z = torch.from_numpy(np.random.default_rng(seed).normal(0, 5, 9))
    torch.testing.assert_close(activate(z, "tanh"), 2 * activate(2 * z, "logistic") - 1, rtol=1e-12, atol=1e-14)


def test_maximal_input_equals_the_slow_twin():
    W1 = np.random.default_rng(0).normal(size=(4, 6))
    W1[2] = 0
    found = maximal_input(torch.from_numpy(W1)).numpy()
    for row, picture in zip(W1, found, strict=True):
        length = math.sqrt(sum(v * v for v in row))
        np.testing.assert_allclose(picture, [v / length for v in row] if length else row, rtol=1e-12)


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_no_other_input_of_length_one_excites_a_unit_more(seed):
    random = np.random.default_rng(seed)
    W1 = torch.from_numpy(random.normal(size=(3, 8)))
    others = random.normal(size=(20, 8))
    others = torch.from_numpy(others / np.linalg.norm(others, axis=1, keepdims=True))
    best = (W1 * maximal_input(W1)).sum(dim=1)
    assert (best[:, None] >= W1 @ others.T - 1e-12).all()


def test_ranges_equal_the_slow_twin():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 9)).astype(float)
    pixels[3] = 77
    for row, unit, symmetric in zip(
        pixels.tolist(),
        unit_range(torch.from_numpy(pixels)).tolist(),
        symmetric_range(torch.from_numpy(pixels)).tolist(),
        strict=True,
    ):
        low, high = min(row), max(row)
        slow = [(v - low) / (high - low) if high > low else 0.0 for v in row]
        np.testing.assert_allclose(unit, slow, rtol=1e-12)
        np.testing.assert_allclose(symmetric, [2 * v - 1 for v in slow], rtol=1e-12, atol=1e-15)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 10), st.floats(-100, 100))
def test_ranges_do_not_see_brightness_and_contrast(seed, contrast, brightness):
    pixels = torch.from_numpy(np.random.default_rng(seed).uniform(0, 255, (3, 16)))
    found = unit_range(contrast * pixels + brightness)
    torch.testing.assert_close(found, unit_range(pixels), rtol=0, atol=1e-10)
    assert (found.amin(dim=1) == 0).all()
    assert (found.amax(dim=1) == 1).all()
