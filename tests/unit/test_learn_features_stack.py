"""Stacks of sparse autoencoders."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

from mien import recipe
from mien.errors import TrainingError
from mien.learn.features import sparse_autoencoder
from mien.learn.features import stack as part

SETTING = {"rho": 0.2, "beta": 0.1, "weight_decay": 1e-5, "iterations": 30}


def faces(n=60, seed=0):
    random = np.random.default_rng(seed)
    mean, ways = random.uniform(0.3, 0.7, 36), random.normal(0, 0.2, (3, 36))
    return np.clip(mean + random.normal(size=(n, 3)) @ ways, 0, 1).astype(np.float32)


def test_one_layer_is_the_sparse_autoencoder():
    alone = sparse_autoencoder.build(sparse_autoencoder.Options(units=9, **SETTING)).fit(faces(), 4)
    stacked = part.build(part.Options(layers=(9,), **SETTING)).fit(faces(), 4)
    assert stacked.encode(faces()).tobytes() == alone.encode(faces()).tobytes()
    assert stacked.units == 9


def test_each_layer_learns_the_activations_below_it():
    features = part.build(part.Options(layers=(9, 6), **SETTING)).fit(faces(), 4)
    first, second = features.autoencoders
    again = sparse_autoencoder.build(sparse_autoencoder.Options(units=6, **SETTING)).fit(first.encode(faces()), 5)
    assert second.W1.tobytes() == again.W1.tobytes()
    np.testing.assert_array_equal(features.encode(faces()), second.encode(first.encode(faces())))


def test_the_stack_is_what_fine_tuning_needs():
    features = part.build(part.Options(layers=(9, 6, 5), **SETTING)).fit(faces(), 4)
    assert [(W.shape, b.shape) for W, b in features.stack] == [((9, 36), (9,)), ((6, 9), (6,)), ((5, 6), (5,))]
    a = faces()
    for W, b in features.stack:
        assert W.dtype == b.dtype == np.float32
        a = 1 / (1 + np.exp(-(a @ W.T + b)))
    np.testing.assert_allclose(features.encode(faces()), a, atol=1e-6)
    assert len(features.layers()) == 6
    assert {"layer1_cost", "layer3_cost"} <= set(features.figures())


def test_progress_counts_over_all_layers():
    calls = []
    part.build(part.Options(layers=(5, 4), **SETTING)).fit(faces(), 0, lambda *call: calls.append(call[1:]))
    assert calls == [(10, 60), (20, 60), (30, 60), (40, 60), (50, 60), (60, 60)]


def test_an_error_names_the_layer():
    with pytest.raises(TrainingError, match=r"stack: layer 1 \(36-5\): .*no better"):
        part.build(part.Options(layers=(5, 4), **SETTING | {"weight_decay": 1e3})).fit(faces(), 0)


@pytest.mark.parametrize(
    ("options", "cause"), [({"layers": ()}, "layers"), ({"layers": (5, 0)}, "units"), ({"rho": 2.0}, "rho")]
)
def test_impossible_options(options, cause):
    with pytest.raises(ValueError, match=cause):
        part.Options(**options)


@pytest.mark.parametrize("layers", [[250, 100], [500], [250]])
def test_the_sizes_come_from_the_recipe(layers):
    assert recipe.part("learn.features", {"name": "stack", "layers": layers}, "", "test").options.layers == tuple(
        layers
    )
