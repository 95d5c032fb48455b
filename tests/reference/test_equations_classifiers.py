"""Classifiers and fine-tuning of ``learn.equations`` against slow twins, their gradients by differences."""

import math
from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.learn.equations import (
    Layer,
    Logistic,
    Softmax,
    class_probabilities,
    encode_stack,
    expression_probability,
    logistic_cost_and_gradient,
    softmax_cost_and_gradient,
    stack_cost_and_gradient,
)

BOUND = 1e-9  # as for the autoencoder
STEEPNESS = {"logistic": 1, "tanh": 4}


def packed(parts):
    return np.concatenate([part.numpy().ravel() for part in parts])


def unpacked(vector, like):
    parts = torch.split(torch.from_numpy(vector), [part.numel() for part in like])
    return type(like)(*(piece.view(part.shape) for piece, part in zip(parts, like, strict=True)))


def logistic_of(z):
    return 1 / (1 + math.exp(-z))


def softmax(n=9, classes=3, units=5, seed=0):
    random = np.random.default_rng(seed)
    p = Softmax(
        torch.from_numpy(random.normal(size=(classes, units))), torch.from_numpy(random.normal(size=classes))
    )
    labels = np.arange(n) % classes
    w = torch.from_numpy(random.uniform(0.5, 2, n))
    return p, torch.from_numpy(random.normal(size=(n, units))), torch.eye(classes, dtype=torch.float64)[labels], w


def test_class_probabilities_equal_the_slow_twin():
    p, x, _, _ = softmax()
    for row, found in zip(x.tolist(), class_probabilities(p, x).tolist(), strict=True):
        logits = [
            sum(w * v for w, v in zip(ws, row, strict=True)) + b
            for ws, b in zip(p.W.tolist(), p.b.tolist(), strict=True)
        ]
        total = sum(math.exp(z) for z in logits)
        np.testing.assert_allclose(found, [math.exp(z) / total for z in logits], rtol=1e-12)


def test_class_probabilities_survive_large_numbers():
    p = Softmax(torch.tensor([[1000.0], [-1000.0]]), torch.zeros(2))
    assert class_probabilities(p, torch.ones(1, 1)).tolist() == [[1.0, 0.0]]


@pytest.mark.parametrize("seed", [0, 1])
def test_softmax_gradient_agrees_with_central_differences(seed, gradient_error):
    p, x, Y, w = softmax(seed=seed)

    def total(vector):
        return float(softmax_cost_and_gradient(unpacked(vector, p), x, Y, w, C=0.7)[0])

    _, analytic = softmax_cost_and_gradient(p, x, Y, w, C=0.7)
    assert gradient_error(total, packed(p), packed(analytic)) < BOUND


def test_scikit_learn_s_balanced_solution_is_where_our_softmax_cost_is_flat():
    linear_model = pytest.importorskip("sklearn.linear_model")
    random = np.random.default_rng(3)
    y = np.array([0] * 40 + [1] * 8 + [2] * 12)
    x = random.normal(size=(60, 4)) + np.eye(3, 4)[y]
    found = linear_model.LogisticRegression(C=0.5, class_weight="balanced", tol=1e-10, max_iter=10_000).fit(x, y)
    w = torch.from_numpy(60 / (3 * np.bincount(y))[y])
    p = Softmax(torch.from_numpy(found.coef_), torch.from_numpy(found.intercept_))
    Y = torch.eye(3, dtype=torch.float64)[y]
    _, slope = softmax_cost_and_gradient(p, torch.from_numpy(x), Y, w, C=0.5)
    assert np.abs(packed(slope)).max() < 1e-5


def slow_softmax(p, x):
    rows = []
    for row in x.tolist():
        logits = [
            sum(w * v for w, v in zip(ws, row, strict=True)) + b
            for ws, b in zip(p.W.tolist(), p.b.tolist(), strict=True)
        ]
        total = sum(math.exp(z) for z in logits)
        rows.append([math.exp(z) / total for z in logits])
    return rows


def test_softmax_cost_equals_the_slow_twin():
    p, x, Y, w = softmax()
    found = slow_softmax(p, x)
    wanted = 0.5 * sum(v * v for row in p.W.tolist() for v in row)
    for i, k in enumerate(Y.argmax(dim=1).tolist()):
        wanted -= 0.7 * float(w[i]) * math.log(found[i][k])
    assert float(softmax_cost_and_gradient(p, x, Y, w, C=0.7)[0]) == pytest.approx(wanted, rel=1e-12)


@settings(deadline=None)
@given(st.integers(0, 1000), st.floats(-50, 50))
def test_a_number_added_to_all_logits_changes_no_probability(seed, number):
    p, x, _, _ = softmax(seed=seed)
    moved = p._replace(b=p.b + number)
    torch.testing.assert_close(class_probabilities(moved, x), class_probabilities(p, x), rtol=1e-9, atol=1e-12)


def one_expression(seed=0, n=9, units=5):
    random = np.random.default_rng(seed)
    p = Logistic(torch.from_numpy(random.normal(size=units)), torch.tensor(random.normal(), dtype=torch.float64))
    x, w = torch.from_numpy(random.normal(size=(n, units))), torch.from_numpy(random.uniform(0.5, 2, n))
    return p, x, torch.from_numpy((np.arange(n) % 3 == 0).astype(float)), w


def test_logistic_regression_equals_the_slow_twin():
    p, x, y, w = one_expression()
    wanted = 0.5 * sum(v * v for v in p.w.tolist())
    found = expression_probability(p, x).tolist()
    for row, truth, weight, probability in zip(x.tolist(), y.tolist(), w.tolist(), found, strict=True):
        slow = logistic_of(sum(a * b for a, b in zip(p.w.tolist(), row, strict=True)) + float(p.b))
        assert probability == pytest.approx(slow, rel=1e-12)
        wanted -= 0.7 * weight * (truth * math.log(slow) + (1 - truth) * math.log(1 - slow))
    assert float(logistic_cost_and_gradient(p, x, y, w, C=0.7)[0]) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("seed", [0, 1])
def test_logistic_gradient_agrees_with_central_differences(seed, gradient_error):
    p, x, y, w = one_expression(seed)

    def total(vector):
        return float(logistic_cost_and_gradient(unpacked(vector, p), x, y, w, C=0.7)[0])

    _, analytic = logistic_cost_and_gradient(p, x, y, w, C=0.7)
    assert gradient_error(total, packed(p), packed(analytic)) < BOUND


def test_logistic_cost_survives_large_numbers():
    p = Logistic(torch.tensor([1000.0]), torch.tensor(0.0))
    x, y = torch.tensor([[1.0], [-1.0]]), torch.tensor([0.0, 1.0])  # both utterly wrong
    total, slope = logistic_cost_and_gradient(p, x, y, torch.ones(2), C=1.0)
    assert float(total) == 0.5 * 1000**2 + 2000
    assert all(torch.isfinite(part).all() for part in slope)


def test_two_classes_of_softmax_are_one_logistic_regression():
    p, x, _, _ = one_expression()
    two = Softmax(torch.stack([torch.zeros_like(p.w), p.w]), torch.stack([torch.zeros_like(p.b), p.b]))
    torch.testing.assert_close(class_probabilities(two, x)[:, 1], expression_probability(p, x))


def test_scikit_learn_s_logistic_solution_is_where_our_cost_is_flat():
    linear_model = pytest.importorskip("sklearn.linear_model")
    random = np.random.default_rng(3)
    y = np.array([0] * 40 + [1] * 20)
    x = random.normal(size=(60, 4)) + y[:, None]
    w = random.uniform(0.5, 2, 60)
    found = linear_model.LogisticRegression(C=0.5, tol=1e-10, max_iter=10_000).fit(x, y, sample_weight=w)
    p = Logistic(torch.from_numpy(found.coef_[0]), torch.tensor(found.intercept_[0]))
    _, slope = logistic_cost_and_gradient(
        p, torch.from_numpy(x), torch.from_numpy(y.astype(float)), torch.from_numpy(w), C=0.5
    )
    assert np.abs(packed(slope)).max() < 1e-5


def stacked(sizes=(6, 5, 4), seed=0):
    random = np.random.default_rng(seed)
    layers = tuple(
        Layer(torch.from_numpy(random.normal(0, 0.6, (above, below))), torch.from_numpy(random.normal(size=above)))
        for below, above in pairwise(sizes)
    )
    p, _, Y, w = softmax(units=sizes[-1], seed=seed)
    return layers, p, torch.from_numpy(random.uniform(0, 1, (len(Y), sizes[0]))), Y, w


@pytest.mark.parametrize("activation", ["logistic", "tanh"])
def test_stack_equals_the_slow_twin(activation):
    layers, p, x, Y, w = stacked()
    f = logistic_of if activation == "logistic" else math.tanh
    answers = x.tolist()
    for layer, found in zip(layers, encode_stack(layers, x, activation), strict=True):
        answers = [
            [
                f(sum(a * b for a, b in zip(ws, row, strict=True)) + bias)
                for ws, bias in zip(layer.W.tolist(), layer.b.tolist(), strict=True)
            ]
            for row in answers
        ]
        np.testing.assert_allclose(found, answers, rtol=1e-12)
    probabilities = slow_softmax(p, torch.tensor(answers, dtype=torch.float64))
    truths = Y.argmax(dim=1).tolist()
    wanted = -sum(v * math.log(row[k]) for v, row, k in zip(w.tolist(), probabilities, truths, strict=True)) / len(
        Y
    )
    for W in (*(layer.W for layer in layers), p.W):
        wanted += 0.01 / 2 * sum(v * v for row in W.tolist() for v in row)
    total, _, _ = stack_cost_and_gradient(layers, p, x, Y, w, decay=0.01, activation=activation)
    assert float(total) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("sizes", [(6, 4), (5, 4, 3)])
@pytest.mark.parametrize("activation", ["logistic", "tanh"])
def test_fine_tuning_gradient_agrees_with_central_differences(sizes, activation, gradient_error):
    layers, p, x, Y, w = stacked(sizes)
    flat = [part for layer in (*layers, p) for part in layer]

    def total(vector):
        pieces = torch.split(torch.from_numpy(vector), [part.numel() for part in flat])
        parts = [piece.view(part.shape) for piece, part in zip(pieces, flat, strict=True)]
        below = [Layer(*pair) for pair in zip(parts[:-2:2], parts[1:-2:2], strict=True)]
        top = Softmax(*parts[-2:])
        return float(stack_cost_and_gradient(below, top, x, Y, w, decay=0.01, activation=activation)[0])

    _, slopes, top = stack_cost_and_gradient(layers, p, x, Y, w, decay=0.01, activation=activation)
    analytic = packed([part for slope in (*slopes, top) for part in slope])
    assert gradient_error(total, packed(flat), analytic, STEEPNESS[activation]) < BOUND


def test_fine_tuning_agrees_with_automatic_differentiation():
    layers, p, x, Y, w = stacked((6, 5, 4), seed=2)
    leaves = [part.clone().requires_grad_() for layer in (*layers, p) for part in layer]
    total, slopes, top = stack_cost_and_gradient(
        [Layer(*leaves[0:2]), Layer(*leaves[2:4])], Softmax(*leaves[4:]), x, Y, w, decay=0.01
    )
    total.backward()
    for leaf, slope in zip(leaves, (*slopes[0], *slopes[1], *top), strict=True):
        torch.testing.assert_close(leaf.grad, slope.detach(), rtol=1e-10, atol=1e-12)
