import dataclasses

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

import torch

from mien.errors import TrainingError
from mien.learn.features import sparse_encoding_machine as machine
from mien.learn.features.sparse_encoding_machine import Options, Weights

SHARP = Options(code_weight=0.7, sparsity=1.3, gain=2.5)


def problem(n=5, inputs=7, units=4, seed=0):
    random = torch.Generator().manual_seed(seed)

    def drawn(*size):
        return torch.randn(size, generator=random, dtype=torch.float64)

    return drawn(n, units), drawn(n, inputs), Weights(0.5 * drawn(units, inputs), drawn(units), drawn(inputs))


def central_differences(function, at, step=1e-6):
    """The gradient of a scalar function at a tensor, one number after the other."""
    found = torch.zeros_like(at)
    for i in range(at.numel()):
        moved = torch.zeros_like(at)
        moved.view(-1)[i] = step
        found.view(-1)[i] = (function(at + moved) - function(at - moved)) / (2 * step)
    return found


def strokes(n=200, side=8, seed=0):
    """Squares with a few of eight bright bars each, (n, side * side) in [0, 1]: what a sparse code is made for."""
    random = np.random.default_rng(seed)
    bars = np.zeros((8, side, side), np.float32)
    for k in range(4):
        bars[k, 2 * k, :] = 1
        bars[4 + k, :, 2 * k] = 1
    on = random.random((n, 8)) < 0.25
    x = (on @ bars.reshape(8, -1) > 0) * 0.8 + random.uniform(0, 0.1, (n, side * side))
    return x.astype(np.float32), bars.reshape(8, -1)


QUICK = Options(
    layers=(16,), sparsity=3.0, weight_decay=0.05, gain=5.0, code_steps=5, iterations=250, batch=20, rate=0.02
)


def test_the_loss_is_the_paper_s():
    z, y, w = problem()
    o = SHARP
    for i in range(len(z)):
        code = 1 / (1 + np.exp(-o.gain * z[i].numpy()))
        off = z[i].numpy() - (w.W.numpy() @ y[i].numpy() + w.b.numpy())
        lost = y[i].numpy() - (w.W.numpy().T @ code + w.c.numpy())
        wanted = o.code_weight * (off @ off) + lost @ lost + o.sparsity * np.log(1 + code**2).sum()
        assert float(machine.losses(z, y, w, o)[i]) == pytest.approx(wanted, rel=1e-12)


def test_the_gradient_of_the_codes():
    z, y, w = problem()
    wanted = central_differences(lambda at: machine.losses(at, y, w, SHARP).sum(), z)
    torch.testing.assert_close(machine.code_gradient(z, y, w, SHARP), wanted, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", ["W", "b", "c"])
def test_the_gradient_of_the_weights(name):
    z, y, w = problem()
    wanted = central_differences(
        lambda at: machine.losses(z, y, w._replace(**{name: at}), SHARP).mean(), getattr(w, name)
    )
    found = getattr(machine.weight_gradient(z, y, w, SHARP), name)
    torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-7)


def test_the_search_for_codes_lowers_every_loss_and_more_steps_lower_it_further():
    _, y, w = problem(n=50)
    losses = [machine.losses(y @ w.W.T + w.b, y, w, SHARP)]
    for steps in (1, 5, 20, 100):
        o = dataclasses.replace(SHARP, code_steps=steps)
        losses.append(machine.losses(machine.best_codes(y, w, o), y, w, o))
        assert (losses[-1] <= losses[-2]).all()
    assert (losses[-1] < losses[0]).all()


def test_the_search_ends_where_the_slope_is_nothing():
    _, y, w = problem()
    o = dataclasses.replace(SHARP, code_steps=2000)
    slope = machine.code_gradient(machine.best_codes(y, w, o), y, w, o)
    assert float(slope.abs().max()) < 1e-5


def test_a_code_does_not_depend_on_the_others_of_its_batch():
    _, y, w = problem(n=20)
    alone = torch.cat([machine.best_codes(row[None], w, SHARP) for row in y])
    torch.testing.assert_close(machine.best_codes(y, w, SHARP), alone)


def test_it_finds_the_strokes_that_the_pictures_are_made_of():
    x, bars = strokes()
    W = machine.build(QUICK).fit(x, 0).stack[0][0]
    W = W - W.mean(axis=1, keepdims=True)
    bars = bars - bars.mean(axis=1, keepdims=True)
    likeness = (bars @ W.T) / np.linalg.norm(bars, axis=1)[:, None] / np.linalg.norm(W, axis=1)
    assert np.abs(likeness).max(axis=1).min() > 0.7  # each of them by some unit


def test_sparsity_switches_units_off():
    x, _ = strokes()
    loose, tight = (machine.build(dataclasses.replace(QUICK, sparsity=s)).fit(x, 0).figures() for s in (0.0, 10.0))
    assert tight["layer1_activation"] < 0.6 * loose["layer1_activation"]
    assert tight["layer1_reconstruction"] > loose["layer1_reconstruction"]  # which is its price


def test_weight_decay_makes_weights_small():
    x, _ = strokes()
    free, held = (machine.build(dataclasses.replace(QUICK, weight_decay=w)).fit(x, 0).figures() for w in (0.0, 0.1))
    assert held["layer1_small_weights"] > free["layer1_small_weights"] + 0.4


def test_the_pictures_are_rebuilt():
    x, _ = strokes()
    figures = machine.build(QUICK).fit(x, 0).figures()
    assert figures["layer1_reconstruction"] < 0.35
    assert figures["layer1_reconstruction"] <= figures["layer1_encoder_reconstruction"] < 1


def test_centring_scale_and_gain_are_in_the_weights():
    """Brighter and flatter pictures are the same pictures to it."""
    x, _ = strokes()
    flat = (0.3 + 0.5 * x).astype(np.float32)
    learner = machine.build(dataclasses.replace(QUICK, iterations=20))  # rounding grows with every step
    once, again = (learner.fit(given, 0).encode(given) for given in (x, flat))
    np.testing.assert_allclose(once, again, atol=1e-3)


def test_a_second_layer_learns_from_the_first():
    x, _ = strokes()
    features = machine.build(dataclasses.replace(QUICK, layers=(16, 5))).fit(x, 0)
    assert [W.shape for W, _ in features.stack] == [(16, 64), (5, 16)]
    assert features.encode(x).shape == (len(x), 5)
    alone = machine.build(QUICK).fit(x, 0)
    np.testing.assert_array_equal(features.stack[0][0], alone.stack[0][0])
    assert features.figures()["layer2_reconstruction"] < 1


def test_fine_tuning_goes_on_from_it():
    from mien.learn import fine_tuning
    from mien.learn.tuned_features import Stacked
    from mien.recipe import Part

    assert isinstance(machine.build(dataclasses.replace(QUICK, iterations=60)).fit(strokes()[0], 0), Stacked)
    part = Part("learn.features", "sparse_encoding_machine", QUICK)
    assert not fine_tuning.unfit(part, Part("learn.heads", "softmax", None))


def test_faces_that_are_all_the_same():
    with pytest.raises(TrainingError, match="layer 1: all 9 inputs are the same"):
        machine.build(QUICK).fit(np.full((9, 16), 0.4, np.float32), 0)


def test_divergence_names_epoch_and_rate():
    with pytest.raises(TrainingError, match=r"diverged by iteration 50 of 250 with rate .*smaller rate"):
        machine.build(dataclasses.replace(QUICK, rate=1e30)).fit(strokes()[0], 0)


@pytest.mark.parametrize("change", [{"weight_decay": 10.0}, {"rate": 1e18}])
def test_what_learned_nothing_is_refused(change):
    with pytest.raises(TrainingError, match="layer 1 rebuilds its inputs no better than their mean"):
        machine.build(dataclasses.replace(QUICK, **change)).fit(strokes()[0], 0)


@pytest.mark.parametrize("x", [np.full((4, 16), np.nan, np.float32), np.full((4, 16), 1.5, np.float32)])
def test_values_outside_the_range_are_refused(x):
    with pytest.raises(TrainingError, match="sparse_encoding_machine"):
        machine.build(QUICK).fit(x, 0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"layers": ()},
        {"layers": (0,)},
        {"code_weight": 0.0},
        {"gain": float("inf")},
        {"rate": -1.0},
        {"sparsity": -0.1},
        {"weight_decay": float("nan")},
        {"code_steps": 0},
        {"iterations": 0},
        {"batch": 0},
    ],
)
def test_impossible_options(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Options(**wrong)
