"""Features of the convolutional belief network: whitening, layers, sizes, and the way to a model file."""

import dataclasses
import re

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytest.importorskip("onnx")

import torch

from mien import modelfile
from mien.data.opening import open_dataset
from mien.errors import TrainingError
from mien.expression import ExpressionModel
from mien.learn import export, fit, recipe, training_set
from mien.learn.boltzmann.convolutional import ConvolutionalMachine
from mien.learn.features._whitening import Whitening, kernel
from mien.learn.features.convolutional_belief_network import Options, build

SMALL = Options(maps=(4, 5), sides=(5, 3), averaging=(2, 1), epochs=3, rho=(0.05, 0.05))
SIDE = 16


def gratings(n=60, side=SIDE, seed=0):
    """Waves from left to right or from top to bottom, of some phase, in [0, 1]; and which."""
    random = np.random.default_rng(seed)
    level = np.arange(n) % 2
    wave = 0.5 + 0.4 * np.sin(2 * np.pi * (np.arange(side) / 5 + random.uniform(0, 1, (n, 1))))
    x = np.where(level[:, None, None] == 1, wave[:, :, None], wave[:, None, :]) * np.ones((n, side, side))
    return np.clip(x + random.normal(0, 0.02, x.shape), 0, 1).reshape(n, -1).astype(np.float32), level


def fitted(options=SMALL, seed=1, **given):
    return build(options).fit(gratings(**given)[0], seed)


def own(features, number, x):
    """What layer ``number`` contributes to the features, by the machines themselves."""
    v = torch.nn.Sequential(*features.whitening.layers())(torch.tensor(x).view(len(x), 1, SIDE, SIDE))
    for machine in features.machines[: number + 1]:
        v = machine.pooled(v)
    square = features.averaging[number]
    return torch.nn.functional.avg_pool2d(v, square).flatten(1).detach().numpy()


# --- whitening ----------------------------------------------------------------------------------------------------


def test_the_filter_gives_nothing_on_grey_and_is_symmetric():
    found = kernel()
    assert found.sum() == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(found, found[::-1, ::-1], atol=1e-6)
    np.testing.assert_allclose(found, found.T, atol=1e-6)
    assert np.unravel_index(found.argmax(), found.shape) == (5, 5)


@pytest.mark.parametrize("filtered", [True, False])
def test_the_lowest_machine_sees_the_wanted_contrast(filtered):
    x = torch.tensor(gratings()[0]).view(-1, 1, SIDE, SIDE)
    seen = torch.nn.Sequential(*Whitening.of(x, 2.5, filtered=filtered).layers())(x)
    assert seen.shape == x.shape
    assert float(seen.mean()) == pytest.approx(0, abs=1e-4)
    assert float(seen.std()) == pytest.approx(2.5, rel=1e-3)


def test_the_filter_evens_out_a_spectrum():
    """Brightness that wanders from pixel to pixel has much slow and little fast change; thereafter less unequal."""
    random = np.random.default_rng(0)
    walk = np.cumsum(np.cumsum(random.normal(size=(40, 48, 48)), axis=1), axis=2)
    x = torch.tensor((walk - walk.min()) / (walk.max() - walk.min()), dtype=torch.float32)[:, None]
    seen = torch.nn.Sequential(*Whitening.of(x, 1.0, filtered=True).layers())(x)

    def slow_over_fast(pictures):
        power = (np.abs(np.fft.fft2(pictures.numpy()[:, 0])) ** 2).mean(axis=0)
        return power[0, 1:4].mean() / power[0, 12:16].mean()

    assert slow_over_fast(seen) < 0.1 * slow_over_fast(x)


# --- features -----------------------------------------------------------------------------------------------------


def test_features_are_averaged_pooling_units_of_both_layers():
    features, x = fitted(), gratings(7, seed=3)[0]
    found = features.encode(x)
    lower, upper = own(features, 0, x), own(features, 1, x)
    assert (lower.shape[1], upper.shape[1]) == (4 * 4 * 4, 5 * 4 * 4)
    assert features.units == found.shape[1] == 64 + 80
    np.testing.assert_allclose(found, np.hstack([lower, upper]), atol=1e-6)


@pytest.mark.parametrize(("averaging", "units"), [((0, 1), 80), ((8, 0), 4), ((2, 4), 64 + 5)])
def test_a_layer_may_be_left_out(averaging, units):
    features, x = fitted(dataclasses.replace(SMALL, averaging=averaging, epochs=1)), gratings(7)[0]
    assert features.units == features.encode(x).shape[1] == units
    parts = [own(features, number, x) for number in (0, 1) if averaging[number]]
    np.testing.assert_allclose(features.encode(x), np.hstack(parts), atol=1e-6)


@pytest.mark.parametrize("layers", [1, 3])
def test_other_depths(layers):
    options = Options(
        maps=(3,) * layers,
        sides=(3,) * layers,
        pooling=(2,) * layers,
        averaging=(1,) * layers,
        rate=(0.05,) * layers,
        rho=(0.1,) * layers,
        epochs=1,
    )
    features = fitted(options)
    assert len(features.machines) == layers
    assert features.encode(gratings(3)[0]).shape == (3, sum(3 * (SIDE // 2**k) ** 2 for k in range(1, layers + 1)))


def test_what_differs_is_seen_in_the_features():
    features = fitted(dataclasses.replace(SMALL, epochs=20, rate=(0.2, 1.0)))
    found, level = features.encode(gratings(40, seed=5)[0]), gratings(40, seed=5)[1]
    apart = np.linalg.norm(found[level == 1].mean(axis=0) - found[level == 0].mean(axis=0))
    assert apart > 2 * np.linalg.norm(found[level == 1].std(axis=0)) / np.sqrt(20)
    figures = features.figures()
    assert figures["layer1_reconstruction"] < 0.8 * figures["layer1_reconstruction_first"]
    assert figures["layer2_rho_hat"] == pytest.approx(0.05, abs=0.04)


def test_more_faces_than_wanted_are_drawn_from():
    options, (x, _) = dataclasses.replace(SMALL, faces=20, epochs=1), gratings()
    some, all_of_them = build(options).fit(x, 1), build(dataclasses.replace(options, faces=60)).fit(x, 1)
    assert some.encode(x).tobytes() != all_of_them.encode(x).tobytes()
    chosen = np.random.default_rng([1, 7]).permutation(60)[:20]
    x[np.setdiff1d(np.arange(60), chosen)] = 0.5  # nobody looks at the others
    assert build(options).fit(x, 1).whitening.kernel.tobytes() == some.whitening.kernel.tobytes()


def test_the_machines_are_of_the_wanted_kinds():
    machines = fitted().machines
    assert all(isinstance(machine, ConvolutionalMachine) for machine in machines)
    assert [machine.visible_kind for machine in machines] == ["gaussian", "binary"]
    assert [tuple(machine.W.shape) for machine in machines] == [(4, 1, 5, 5), (5, 4, 3, 3)]


@pytest.mark.parametrize(
    ("x", "told"),
    [
        (np.full((9, 15), 0.5, np.float32), "square faces, and 15 pixels are none"),
        (np.full((9, 100), 0.5, np.float32), r"maps of layer 1 are 10 x 10 for faces of 10 x 10, no multiple of"),
        (np.full((9, 144), 0.5, np.float32), r"maps of layer 2 are 6 x 6 .*pooling \(4\) times averaging \(1\)"),
        (np.full((9, 256), 0.5, np.float32), "do not vary"),
        (np.full((9, 256), 1.5, np.float32), r"numbers in \[0, 1\]"),
    ],
)
def test_unfit_faces_are_named(x, told):
    with pytest.raises(TrainingError, match="convolutional_belief_network: .*" + told):
        build(dataclasses.replace(SMALL, pooling=(2, 4))).fit(x, 0)


def test_a_divergence_names_epoch_and_rate():
    with pytest.raises(TrainingError, match=r"diverged in epoch \d+ at learning rate"):
        fitted(dataclasses.replace(SMALL, rate=(1e5, 1.0)))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"maps": ()}, "one number per layer"),
        ({"maps": (4,)}, "one number per layer"),
        ({"rho": (0.1, 0.1, 0.1)}, "one number per layer"),
        ({"maps": (4, 0)}, "maps must be"),
        ({"sides": (5, 4)}, "sides must be odd"),
        ({"pooling": (0, 2)}, "pooling must be"),
        ({"averaging": (0, 0)}, "averaging must be"),
        ({"averaging": (-1, 1)}, "averaging must be"),
        ({"contrast": 0.0}, "contrast must"),
        ({"faces": 1}, "faces must"),
        ({"rate": (0.1, 0.0)}, "rate must"),
        ({"rho": (0.1, 1.0)}, "rho must"),
        ({"epochs": 0}, "epochs"),
    ],
)
def test_impossible_options(wrong, told):
    with pytest.raises(ValueError, match=re.escape(told)):
        dataclasses.replace(SMALL, **wrong)


# --- by recipe ----------------------------------------------------------------------------------------------------

RECIPE = """
name = "small"
seed = 4
[patches]
size = 16
scaling = "local-contrast"
[augmentation]
mirror = true
[features]
name = "convolutional_belief_network"
maps = [4, 5]
sides = [5, 3]
averaging = [2, 1]
epochs = 12
rate = [0.2, 1.0]
[head]
name = "softmax"
C = [3.0]
standardise = [false]
"""


@pytest.fixture(scope="module")
def dataset():
    """Drawn faces, drawn once."""
    drawn = open_dataset("synthetic")
    chosen = [(item, item.face()) for item in drawn.items if item.expression is not None][:60]
    items = tuple(dataclasses.replace(item, face=lambda face=face: face) for item, face in chosen)
    return dataclasses.replace(drawn, items=items)


@pytest.mark.parametrize("averaging", ["[2, 1]", "[2, 0]", "[0, 2]"])
def test_the_model_file_gives_what_was_trained(dataset, tmp_path, averaging):
    plan = recipe.parse(RECIPE.replace("[2, 1]", averaging), "test")
    trained, target = fit.train(plan, dataset), tmp_path / "small.onnx"
    assert export.export(trained, dataset, target) <= export.TOLERANCE
    file = modelfile.read(target)
    assert file.meta.notes["figures"]["features"]["layer1_rho_hat"] > 0
    crops = [item.face() for item in dataset.items[:7]]
    found = ExpressionModel(file).score(crops, [None] * 7).expressions
    patches = training_set.cut(dataset.items[:7], plan.patches)
    np.testing.assert_allclose(found, trained.predict(patches), atol=1e-5)
