"""Fine-tuning of convolutional features: what moves, what stays, and what a training must keep to."""

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
from mien.errors import RecipeError, TrainingError
from mien.expression import ExpressionModel
from mien.learn import convolutional_tuning, export, fit, recipe, training_set
from mien.learn.convolutional_tuning import TunedConvolution, tune
from mien.learn.features import pca
from mien.learn.features.convolutional_belief_network import Options, build
from mien.learn.fine_tuning import FineTuning

SIDE, CLASSES = 12, 2
QUICK = FineTuning(steps=20, batch=16, rate=1e-2, dropout=(0.1,))
OPTIONS = Options(maps=(3, 4), sides=(3, 3), averaging=(2, 3), epochs=2)


def corners(n=60, seed=0):
    """Noise, and somewhere a corner: open to the right, or to the left; which of them, no one pixel says."""
    random = np.random.default_rng(seed)
    x, labels = random.uniform(0.3, 0.7, (n, SIDE, SIDE)), np.arange(n) % 2
    for face, label in zip(x, labels, strict=True):
        i, j = random.integers(1, SIDE - 6, 2)
        face[i, j : j + 5] = 1
        face[i : i + 5, j + 4 * label] = 1
    return x.reshape(n, -1).astype(np.float32), labels.astype(np.intp)


@pytest.fixture(scope="module")
def features():
    return build(OPTIONS).fit(corners()[0], 1)


def softmax_on(features, seed=0):
    W = np.random.default_rng(seed).normal(0, 0.5, (CLASSES, features.units)).astype(np.float32)
    return W, np.zeros(CLASSES, np.float32)


def run(features, options=QUICK, seed=1, **given):
    x, labels = corners()
    given = {"x": x, "labels": labels, "top": softmax_on(features)} | given
    return tune(features, given["top"], given["x"], given["labels"], options, seed, *given.get("progress", ()))


def probabilities(found, x):
    tuned, (W, b) = found
    logits = tuned.encode(x) @ W.T + b
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def weights(layers):
    return [part.detach().numpy() for part in torch.nn.Sequential(*layers).parameters()]


def bits(found):
    return b"".join(part.tobytes() for part in (*weights(found[0].layers()), *found[1]))


def test_it_learns_what_the_start_cannot_say(features):
    x, labels = corners(400)
    held_out, truth = corners(200, seed=9)
    options = FineTuning(steps=250, rate=1e-2, batch=64, dropout=(0.0,))
    before = run(features, dataclasses.replace(options, steps=0))
    after = run(features, options, x=x, labels=labels)
    right = [float((probabilities(net, held_out).argmax(axis=1) == truth).mean()) for net in (before, after)]
    assert right[0] < 0.7
    assert right[1] > 0.9
    losses = after[0].losses
    assert np.mean(losses[-50:]) < 0.6 * np.mean(losses[:50])


def test_no_steps_leave_everything(features):
    x, top = corners(9)[0], softmax_on(features)
    tuned, found = run(features, dataclasses.replace(QUICK, steps=0))
    assert tuned.encode(x).tobytes() == features.encode(x).tobytes()
    assert found[0].tobytes() == top[0].tobytes()
    assert tuned.losses == ()
    assert tuned.units == features.units


def test_a_step_of_no_length_stays_at_the_same_network(features):
    """It goes into coordinates of mean 0 and deviation 1 and back."""
    x = corners(9)[0]
    options = FineTuning(steps=1, rate=1e-12, weight_decay=0.0, batch=4)
    before, after = run(features, dataclasses.replace(options, steps=0)), run(features, options)
    np.testing.assert_allclose(probabilities(after, x), probabilities(before, x), atol=1e-4)


def test_filters_move_and_the_whitening_stays(features):
    was, now = weights(features.layers()), weights(run(features)[0].layers())
    assert [(a != b).any() for a, b in zip(was, now, strict=True)] == [False, False, True, True, True, True]


def test_what_is_given_is_left_alone(features):
    x, labels = corners()
    top = softmax_on(features)
    given = [x, labels, *top]
    before, filters = [part.copy() for part in given], weights(features.layers())
    for part in given:
        part.flags.writeable = False
    run(features, x=x, labels=labels, top=top)
    for part, was in zip(given, before, strict=True):
        np.testing.assert_array_equal(part, was)
    for part, was in zip(weights(features.layers()), filters, strict=True):
        np.testing.assert_array_equal(part, was)


def test_equal_seeds_give_equal_bits_on_any_number_of_threads(features):
    threads, first = torch.get_num_threads(), bits(run(features))
    torch.manual_seed(5)
    state = torch.get_rng_state()
    try:
        torch.set_num_threads(3)
        assert bits(run(features)) == first
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(torch.get_rng_state(), state)
    assert bits(run(features, seed=2)) != first


def test_what_was_tuned_is_frozen(features):
    tuned, top = run(features)
    with pytest.raises(TrainingError, match="no convolution that can be tuned"):
        tune(tuned, top, *corners(), QUICK, 1)


def test_dropout_falls_on_the_inputs_of_every_convolution_and_on_nothing_without_numbers(features):
    fixed, moving = convolutional_tuning._parted(features.layers())
    v = torch.nn.Sequential(*fixed)(torch.tensor(corners(5)[0]))
    plain = convolutional_tuning.through(moving, v)
    torch.testing.assert_close(plain, torch.nn.Sequential(*moving)(v))
    lower = features.machines[0].maps * 9

    def dropped(*shares):
        with torch.no_grad():
            return convolutional_tuning.through(moving, v, shares, torch.Generator().manual_seed(0))

    upper_only = dropped(0.0, 0.5)
    torch.testing.assert_close(upper_only[:, :lower], plain[:, :lower])
    assert not torch.allclose(upper_only[:, lower:], plain[:, lower:])
    assert not torch.allclose(dropped(0.5, 0.0)[:, :lower], plain[:, :lower])


def test_rectified_units_may_come_between(features):
    options = FineTuning(steps=200, rate=1e-2, batch=32, dropout=(0.0,), hidden=7)
    found = run(features, options, top=softmax_on(features, seed=3))
    assert found[0].units == 7
    assert found[1][0].shape == (CLASSES, 7)
    encoded = found[0].encode(corners(9)[0])
    assert encoded.shape == (9, 7)
    assert (encoded >= 0).all()
    assert found[0].losses[-1] < 0.7 * found[0].losses[0]
    # the softmax that was given is not looked at
    assert bits(found) == bits(run(features, options, top=softmax_on(features, seed=4)))


def test_figures_and_progress(features):
    calls = []
    tuned, _ = run(features, dataclasses.replace(QUICK, steps=60), progress=(lambda *call: calls.append(call),))
    assert calls == [("fine-tuning", done, 60) for done in (0, 50, 60)]
    figures = tuned.figures()
    assert figures["tuning_steps"] == 60
    assert {"layer2_rho_hat", "tuning_loss_first", "tuning_loss_last"} <= set(figures)


@pytest.mark.parametrize("rate", [1e6, 1e30])
def test_a_divergence_is_stopped_with_step_and_rate(features, rate):
    with pytest.raises(TrainingError, match=r"at step \d+ of 60 with rate " + re.escape(f"{rate:g};")):
        run(features, dataclasses.replace(QUICK, rate=rate, steps=60))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"x": np.zeros((60, 12, 12), np.float32)}, "do not fit on 31 features"),
        ({"top": (np.zeros((2, 7), np.float32), np.zeros(2, np.float32))}, r"softmax \(2, 7\) do not fit"),
        ({"labels": np.zeros(3, np.intp)}, r"60 faces and labels \(3,\)"),
        ({"labels": np.zeros(60, np.intp)}, "no training face for label number 2 of 2"),
        ({"labels": np.arange(60) % 3}, "beyond the softmax's 2"),
    ],
)
def test_what_does_not_fit_is_named(features, change, told):
    assert features.units == 3 * 9 + 4
    with pytest.raises(TrainingError, match=told):
        run(features, **change)


def test_features_without_a_convolution_are_refused():
    x, labels = corners()
    linear = pca.build(pca.Options(units=5)).fit(x, 0)
    with pytest.raises(TrainingError, match="no convolution that can be tuned"):
        tune(linear, softmax_on(linear), x, labels, QUICK, 0)


# --- by recipe ----------------------------------------------------------------------------------------------------

RECIPE = """
name = "small"
seed = 4
[patches]
size = 12
scaling = "local-contrast"
[augmentation]
mirror = true
copies = 1
[features]
name = "convolutional_belief_network"
maps = [3, 4]
sides = [3, 3]
averaging = [2, 1]
epochs = 12
rate = [0.2, 1.0]
[head]
name = "softmax"
C = [3.0]
standardise = [false]
[fine_tuning]
steps = 8
batch = 16
"""


@pytest.fixture(scope="module")
def dataset():
    """Drawn faces, drawn once."""
    drawn = open_dataset("synthetic")
    chosen = [(item, item.face()) for item in drawn.items if item.expression is not None][:60]
    items = tuple(dataclasses.replace(item, face=lambda face=face: face) for item, face in chosen)
    return dataclasses.replace(drawn, items=items)


@pytest.mark.parametrize("hidden", [0, 6])
def test_the_model_file_gives_what_was_tuned(dataset, tmp_path, hidden):
    plan = recipe.parse(RECIPE + f"hidden = {hidden}\n", "test")
    trained, target = fit.train(plan, dataset), tmp_path / "small.onnx"
    assert isinstance(trained.features, TunedConvolution)
    assert trained.classifier.W.shape == (len(dataset.labels.expressions), trained.features.units)
    assert export.export(trained, dataset, target) <= export.TOLERANCE
    file = modelfile.read(target)
    assert file.meta.notes["figures"]["features"]["tuning_steps"] == 8
    crops = [item.face() for item in dataset.items[:7]]
    found = ExpressionModel(file).score(crops, [None] * 7).expressions
    patches = training_set.cut(dataset.items[:7], plan.patches)
    np.testing.assert_allclose(found, trained.predict(patches), atol=1e-5)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            'name = "softmax"\nC = [3.0]\nstandardise = [false]',
            'name = "logistic"',
            "head softmax, not from logistic",
        ),
        ("steps = 8", "hidden = -1", "hidden must be 0"),
        (
            RECIPE[RECIPE.index('name = "conv') : RECIPE.index("[head]")],
            'name = "stack"\n',
            r"hidden units on convolutions .* not on stack",
        ),
    ],
)
def test_recipes_that_cannot_be_tuned(old, new, told):
    text = RECIPE.replace(old, new)
    with pytest.raises(RecipeError, match=told):
        recipe.parse(text if "hidden" in text else text + "hidden = 5\n", "here")
