"""Fine-tuning: the network against the equations written out by hand, and what a training must keep to."""

import dataclasses
import re

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytest.importorskip("onnx")

import torch

from mien import modelfile, plugins
from mien.data.opening import open_dataset
from mien.errors import RecipeError, TrainingError
from mien.expression import ExpressionModel
from mien.learn import descent, equations, export, fine_tuning, fit, recipe, training_set
from mien.learn.fine_tuning import FineTuning, Tuned, random_start, tune
from mien.learn.tuned_features import Stacked, TunedFeatures

PIXELS, CLASSES = 16, 3
QUICK = FineTuning(steps=60, batch=16)


def planted(n=90, seed=0):
    """Two pixels decide by their product, which no softmax on the pixels alone can see; the rest is noise."""
    random = np.random.default_rng(seed)
    x = random.uniform(0.3, 0.7, (n, PIXELS)).astype(np.float32)
    signs = random.integers(0, 2, (n, 2))
    third = np.arange(n) % 3 == 0
    x[:, :2] = 0.15 + 0.7 * signs
    x[:, 2] = np.where(third, 0.95, 0.05)
    return x, np.where(third, 2, signs[:, 0] ^ signs[:, 1]).astype(np.intp)


def start(sizes=(PIXELS, 10, 6), seed=0):
    top = np.random.default_rng(seed).normal(0, 0.5, (CLASSES, sizes[-1])).astype(np.float32)
    return random_start(sizes, seed), (top, np.zeros(CLASSES, np.float32))


def run(options=QUICK, seed=1, **data):
    x, labels = planted(**data)
    return tune(*start(), x, labels, options, seed)


def weights(tuned):
    return [part for pair in (*tuned.layers, tuned.top) for part in pair]


def bits(tuned):
    return b"".join(part.tobytes() for part in weights(tuned))


# --- the network --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [(7, 5), (7, 5, 4), (7, 6, 5, 4)])
def test_cost_and_gradient_are_those_of_the_equations(sizes):
    random = np.random.default_rng(len(sizes))
    shapes = [*zip(sizes[1:], sizes[:-1], strict=True), (CLASSES, sizes[-1])]
    pairs = [
        (torch.tensor(random.normal(size=shape)).requires_grad_(), torch.tensor(random.normal(size=shape[0])))
        for shape in shapes
    ]
    for _, b in pairs:
        b.requires_grad_()
    x, truth = torch.tensor(random.uniform(size=(11, sizes[0]))), torch.tensor(random.integers(0, CLASSES, 11))
    cost = fine_tuning.loss(pairs, x, truth)
    cost.backward()
    with torch.no_grad():
        total, slopes, top = equations.stack_cost_and_gradient(
            [equations.Layer(W, b) for W, b in pairs[:-1]],
            equations.Softmax(*pairs[-1]),
            x,
            torch.nn.functional.one_hot(truth, CLASSES).double(),
            torch.ones(11, dtype=torch.float64),
            decay=0.0,
        )
    assert float(cost.detach()) == pytest.approx(float(total), rel=1e-12)
    for (W, b), slope in zip(pairs, (*slopes, top), strict=True):
        torch.testing.assert_close(W.grad, slope.W, rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(b.grad, slope.b, rtol=1e-9, atol=1e-12)


def test_smoothing_spreads_a_share_of_the_label():
    layers, top = start((PIXELS, 5))
    x, labels = planted(12)
    pairs = [(torch.tensor(W), torch.tensor(b)) for W, b in (*layers, top)]
    logs = np.log(Tuned(layers, top).probabilities(x))
    wanted = -0.8 * logs[np.arange(12), labels] - 0.2 * logs.mean(axis=1)
    found = fine_tuning.loss(pairs, torch.from_numpy(x), torch.from_numpy(labels), smoothing=0.2)
    assert float(found) == pytest.approx(wanted.mean(), rel=1e-5)


def test_features_and_probabilities_are_the_network_s():
    layers, top = start()
    x, _ = planted(9)
    answers = x.astype(np.float64)
    for W, b in layers:
        answers = 1 / (1 + np.exp(-(answers @ W.T + b)))
    logits = answers @ top[0].T + top[1]
    found = Tuned(layers, top)
    np.testing.assert_allclose(found.features(x), answers, atol=1e-6)
    np.testing.assert_allclose(
        found.probabilities(x), np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), atol=1e-6
    )
    np.testing.assert_allclose(found.probabilities(x).sum(axis=1), 1, atol=1e-12)


def test_dropout_leaves_a_share_out_and_raises_the_others():
    generator = torch.Generator().manual_seed(0)
    found = descent.dropped(torch.ones(200, 200), 0.3, generator)
    assert found.unique().tolist() == pytest.approx([0, 1 / 0.7])
    assert float((found == 0).float().mean()) == pytest.approx(0.3, abs=0.01)
    assert float(found.mean()) == pytest.approx(1, abs=0.02)


def test_the_last_share_of_dropout_holds_for_all_further_layers():
    assert [descent.share((0.1, 0.4), depth) for depth in range(4)] == [0.1, 0.4, 0.4, 0.4]


# --- training -----------------------------------------------------------------------------------------------------


def test_it_learns_what_the_start_cannot_say():
    x, labels = planted(300)
    held_out, truth = planted(120, seed=9)
    layers, top = start((PIXELS, 24, 12))
    before = Tuned(layers, top)
    after = tune(layers, top, x, labels, FineTuning(steps=900, rate=2e-2, batch=64, dropout=(0.0,)), 1)
    right = [float((net.probabilities(held_out).argmax(axis=1) == truth).mean()) for net in (before, after)]
    assert right[0] < 0.7
    assert right[1] > 0.9
    assert np.mean(after.losses[-50:]) < 0.6 * np.mean(after.losses[:50])


def test_no_steps_leave_the_weights():
    layers, top = start()
    found = run(dataclasses.replace(QUICK, steps=0))
    for part, was in zip(weights(found), weights(Tuned(layers, top)), strict=True):
        np.testing.assert_array_equal(part, was)
    assert found.losses == ()


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_few_steps_move_every_weight(steps):
    found = run(dataclasses.replace(QUICK, steps=steps))
    assert len(found.losses) == steps
    assert all(
        (part != was).any() for part, was in zip(weights(found), weights(Tuned(*start())), strict=True) if was.any()
    )


def test_what_is_given_is_left_alone():
    x, labels = planted()
    layers, top = start()
    given = [x, labels, *weights(Tuned(layers, top))]
    before = [part.copy() for part in given]
    for part in given:
        part.flags.writeable = False
    found = tune(layers, top, x, labels, QUICK, 1)
    found.probabilities(x)
    for part, was in zip(given, before, strict=True):
        np.testing.assert_array_equal(part, was)


def test_equal_seeds_give_equal_bits_whatever_torch_was_told():
    torch.manual_seed(1)
    first, state = bits(run()), torch.get_rng_state()
    torch.manual_seed(1)
    assert torch.equal(torch.get_rng_state(), state)  # nobody drew from it
    torch.manual_seed(2)
    torch.rand(17)
    assert bits(run()) == first
    assert bits(run(seed=2)) != first


def test_the_number_of_threads_does_not_matter_and_is_restored():
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        first = bits(run())
        torch.set_num_threads(2)
        assert bits(run()) == first
        assert torch.get_num_threads() == 2
        with pytest.raises(TrainingError):
            run(dataclasses.replace(QUICK, rate=1e30))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_dropout_makes_another_network_and_a_higher_loss_on_the_way():
    plain = run(FineTuning(steps=300, rate=2e-2, batch=32, dropout=(0.0,)))
    dropped = run(FineTuning(steps=300, rate=2e-2, batch=32, dropout=(0.4,)))
    assert bits(plain) != bits(dropped)
    assert np.mean(plain.losses[-50:]) < np.mean(dropped.losses[-50:])


def test_balance_raises_what_is_rare():
    x, labels = planted(200)
    keep = np.flatnonzero((labels != 2) | (np.arange(200) % 24 == 0))
    x, labels = x[keep], labels[keep]
    x[:, 2] = 0.5  # nothing tells the rare label: only its frequency is left to learn
    chance = [
        tune(*start(), x, labels, FineTuning(steps=300, smoothing=0.0, balance=balance), 1)
        .probabilities(x)[:, 2]
        .mean()
        for balance in (0.0, 1.0)
    ]
    assert chance[0] < 0.12
    assert chance[1] > 0.2


def test_progress_is_told_to_the_end():
    calls = []
    x, labels = planted()
    tune(*start(), x, labels, dataclasses.replace(QUICK, steps=120), 1, lambda *call: calls.append(call))
    assert calls == [("fine-tuning", done, 120) for done in (0, 50, 100, 120)]


@pytest.mark.parametrize("rate", [1e6, 1e30])
def test_a_divergence_is_stopped_with_step_and_rate(rate):
    with pytest.raises(TrainingError, match=r"at step \d+ of 60 with rate " + re.escape(f"{rate:g};")):
        run(dataclasses.replace(QUICK, rate=rate))


def test_numbers_that_are_none_are_stopped_at_once():
    x, labels = planted()
    x[:, 3] = np.nan
    with pytest.raises(TrainingError, match="at step 0"):
        tune(*start(), x, labels, QUICK, 1)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"x": np.zeros((90, 15), np.float32)}, r"layer \(10, 16\) .* does not fit on 15 numbers"),
        ({"x": np.zeros((90, 4, 4), np.float32)}, "rows of pixels"),
        ({"labels": np.zeros(3, np.intp)}, r"90 faces and labels \(3,\)"),
        ({"labels": np.zeros((90, 3), np.intp)}, r"90 faces and labels \(90, 3\)"),
        ({"labels": np.zeros(90, np.intp)}, "no training face for label number 2 of 3"),
        ({"labels": np.arange(90) % 4}, "beyond the softmax's 3"),
        ({"labels": np.arange(90) % 3 - 1}, "beyond the softmax's 3"),
        ({"x": np.zeros((0, 16), np.float32), "labels": np.zeros(0, np.intp)}, "0 faces"),
        ({"top": (np.zeros((3, 7), np.float32), np.zeros(3, np.float32))}, r"layer \(3, 7\)"),
        ({"top": (np.zeros((3, 6), np.float32), np.zeros(2, np.float32))}, "2 biases"),
    ],
)
def test_what_does_not_fit_is_named(change, told):
    x, labels = planted()
    layers, top = start()
    given = {"layers": layers, "top": top, "x": x, "labels": labels} | change
    with pytest.raises(TrainingError, match=told):
        tune(**given, options=QUICK, seed=1)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"steps": -1}, "steps"),
        ({"batch": 0}, "batch"),
        ({"rate": 0.0}, "rate"),
        ({"rate": float("inf")}, "rate"),
        ({"weight_decay": -1.0}, "weight_decay"),
        ({"dropout": ()}, "dropout"),
        ({"dropout": (0.1, 1.0)}, "dropout"),
        ({"smoothing": 1.0}, "smoothing"),
        ({"balance": 1.5}, "balance"),
    ],
)
def test_impossible_options(wrong, told):
    with pytest.raises(ValueError, match=told):
        FineTuning(**wrong)


# --- a start that has learned nothing -----------------------------------------------------------------------------


def test_random_start():
    layers = random_start((100, 80, 40), seed=3)
    assert [(W.shape, b.shape) for W, b in layers] == [((80, 100), (80,)), ((40, 80), (40,))]
    for W, b in layers:
        assert W.dtype == b.dtype == np.float32
        reach = 4 * np.sqrt(6 / sum(W.shape))
        assert np.abs(W).max() <= reach
        assert W.std() == pytest.approx(reach / np.sqrt(3), rel=0.05)
        assert abs(W.mean()) < 0.05 * reach
        np.testing.assert_allclose(W @ np.full(W.shape[1], 0.5) + b, 0, atol=1e-4)  # a grey face: all at 0.5
    grey = Tuned(layers, layers[-1]).features(np.full((1, 100), 0.5, np.float32))
    np.testing.assert_allclose(grey, 0.5, atol=1e-4)
    again, other = random_start((100, 80, 40), seed=3), random_start((100, 80, 40), seed=4)
    assert again[1][0].tobytes() == layers[1][0].tobytes() != other[1][0].tobytes()


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
rotation = 4.0
[features]
name = "stack"
layers = [9, 6]
rho = 0.2
beta = 0.1
weight_decay = 1e-5
iterations = 20
[head]
name = "softmax"
C = [0.1]
standardise = [true]
[fine_tuning]
steps = 40
batch = 32
"""
PLAIN = RECIPE[: RECIPE.index("[fine_tuning]")]
FEATURES = RECIPE[RECIPE.index("[features]") : RECIPE.index("[head]")]


def on(features, text=RECIPE):
    return text.replace(FEATURES, f"[features]\n{features}\n")


@pytest.fixture(scope="module")
def dataset():
    """Drawn faces, drawn once."""
    drawn = open_dataset("synthetic")
    chosen = [(item, item.face()) for item in drawn.items if item.expression is not None][:60]
    items = tuple(dataclasses.replace(item, face=lambda face=face: face) for item, face in chosen)
    return dataclasses.replace(drawn, items=items)


@pytest.fixture(scope="module")
def trained(dataset):
    return fit.train(recipe.parse(RECIPE, "test"), dataset)


def test_a_recipe_without_the_table_trains_what_it_always_did(dataset):
    plan = recipe.parse(PLAIN, "test")
    assert plan.fine_tuning is None
    faces = training_set.assemble(dataset.items, dataset.labels, plan.patches, plan.augmentation, plan.seed)
    features = plan.features.build().fit(faces.flat, plan.seed)
    classes = len(dataset.labels.expressions)
    head = plan.head.build().fit(features.encode(faces.flat), faces.labels, faces.subjects, classes, plan.seed)
    found = fit.train(plan, dataset)
    assert type(found.features) is type(features)
    assert found.classifier.W.tobytes() == head.W.tobytes()
    assert found.features.stack[1][0].tobytes() == features.stack[1][0].tobytes()


def test_a_recipe_with_it_goes_on_from_there(dataset, trained):
    before = fit.train(recipe.parse(PLAIN, "test"), dataset)
    plan = trained.recipe
    faces = training_set.assemble(dataset.items, dataset.labels, plan.patches, plan.augmentation, plan.seed)
    top = before.classifier.W, before.classifier.b
    wanted = tune(before.features.stack, top, faces.flat, faces.labels, plan.fine_tuning, plan.seed)
    assert isinstance(trained.features, TunedFeatures)
    assert isinstance(trained.features, Stacked)
    assert bits(trained.features.tuned) == bits(wanted)
    assert trained.classifier.W.tobytes() == wanted.top[0].tobytes() != top[0].tobytes()
    assert trained.features.units == 6
    figures = trained.figures()
    assert {"layer1_cost", "layer2_cost", "tuning_loss_last"} <= set(figures["features"])
    assert figures["features"]["tuning_steps"] == 40
    assert figures["head"]["C"] == 0.1


def test_no_steps_by_recipe_are_the_untuned_model(dataset):
    untuned = fit.train(recipe.parse(PLAIN, "test"), dataset)
    tuned = fit.train(recipe.parse(RECIPE.replace("steps = 40", "steps = 0"), "test"), dataset)
    patches = training_set.cut(dataset.items, tuned.recipe.patches)
    np.testing.assert_allclose(tuned.predict(patches), untuned.predict(patches), atol=1e-6)
    assert "tuning_loss_last" not in tuned.figures()["features"]


def test_the_model_file_gives_what_was_trained(dataset, trained, tmp_path):
    target = tmp_path / "small.onnx"
    assert export.export(trained, dataset, target) <= export.TOLERANCE
    file = modelfile.read(target)
    assert file.meta.preprocessing["scaling"] == "local-contrast"
    assert file.meta.notes["figures"]["features"]["tuning_steps"] == 40
    crops = [item.face() for item in dataset.items[:7]]
    found = ExpressionModel(file).score(crops, [None] * 7).expressions
    np.testing.assert_allclose(
        found, trained.predict(training_set.cut(dataset.items[:7], trained.recipe.patches)), atol=1e-5
    )
    export.export(fit.train(trained.recipe, dataset), dataset, tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == target.read_bytes()


def test_layers_are_the_features_and_draw_nothing(dataset, trained):
    flat = training_set.cut(dataset.items, trained.recipe.patches).reshape(len(dataset.items), -1)
    state = torch.get_rng_state()
    network = torch.nn.Sequential(*trained.features.layers())
    assert torch.equal(torch.get_rng_state(), state)
    with torch.inference_mode():
        np.testing.assert_allclose(
            network(torch.from_numpy(flat)).numpy(), trained.features.encode(flat), atol=1e-6
        )


@pytest.mark.parametrize(
    ("features", "units"),
    [
        ('name = "stack"\nlayers = [8]\nrho = 0.2\nbeta = 0.1\niterations = 10', [8]),
        (
            'name = "stack"\nlayers = [8, 7, 5]\nrho = 0.2\nbeta = 0.1\nweight_decay = 1e-5\niterations = 20',
            [8, 7, 5],
        ),
        ('name = "sparse_autoencoder"\nunits = 11\nrho = 0.2\nbeta = 0.1\niterations = 10', [11]),
        ('name = "online_autoencoder"\nunits = 7\nsteps = 4000\nrho = 0.2\nbeta = 0.1', [7]),
    ],
)
def test_sizes_and_learners_come_from_the_recipe(dataset, tmp_path, features, units):
    for text in (on(features), on(features, PLAIN)):
        trained = fit.train(recipe.parse(text, "test"), dataset)
        assert [len(b) for _, b in trained.features.stack] == units
        assert export.export(trained, dataset, tmp_path / "m.onnx") <= export.TOLERANCE


@pytest.mark.parametrize("name", plugins.names("learn.features"))
def test_the_learners_that_can_be_tuned_as_dense_layers_are_the_stacks(name):
    part = plugins.part("learn.features", name)
    quick = {"units": 4, "layers": (4,), "iterations": 10, "steps": 1000, "wavelengths": (3.0, 5.0)}
    quick |= {"maps": (3, 2), "pooling": (2, 1), "averaging": (1, 1), "epochs": 2}
    fields = {field.name for field in dataclasses.fields(part.Options)}
    options = part.Options(**{key: value for key, value in quick.items() if key in fields})
    fitted = part.build(options).fit(np.random.default_rng(0).uniform(0.2, 0.8, (40, 36)).astype(np.float32), 0)
    assert isinstance(fitted, Stacked) == (name in fine_tuning.STACKS)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (on('name = "pca"\nunits = 5'), r"here: \[fine_tuning\] .*not from pca"),
        (on('name = "pixels"'), "not from pixels"),
        (on('name = "online_autoencoder"\nactivation = "tanh"\nrho = -0.9'), "not from tanh units"),
        (
            RECIPE.replace('"softmax"\nC = [0.1]\nstandardise = [true]', '"logistic"'),
            "head softmax, not from logistic",
        ),
        (RECIPE.replace("steps = 40", "steps = -1"), r"here: fine_tuning: steps must be 0 or more"),
        (RECIPE.replace("steps = 40", "step = 40"), "unknown key 'step'"),
        (RECIPE.replace("steps = 40", "dropout = 0.1"), "dropout must be a list"),
        (RECIPE.replace("steps = 40", "rate = nan"), "rate must be a number"),
    ],
)
def test_recipes_that_cannot_be_tuned_are_refused_before_any_work(text, told):
    with pytest.raises(RecipeError, match=told):
        recipe.parse(text, "here")


def test_a_recipe_made_by_hand_is_refused_too():
    plan = recipe.parse(on('name = "pixels"', PLAIN), "here")
    with pytest.raises(RecipeError, match=r"small: \[fine_tuning\]"):
        dataclasses.replace(plan, fine_tuning=FineTuning())


def test_an_empty_table_asks_for_the_defaults():
    plan = recipe.parse(PLAIN + "[fine_tuning]\n", "here")
    assert plan.fine_tuning == FineTuning()
    assert plan.with_seed(9).fine_tuning == FineTuning()


def test_the_shipped_recipe_is_the_report_s_stack_tuned():
    plan = recipe.read("fine_tuned")
    assert plan.name == "fine_tuned"
    assert plan.features.options.layers == (250, 100)
    assert plan.patches.scaling == "local-contrast"
    assert (plan.augmentation.mirror, plan.augmentation.rotation) == (True, 4.0)
    assert plan.fine_tuning == FineTuning()
    assert plan.head.options.C == (0.01,)
    assert "fine_tuned" not in modelfile.shipped()  # a recipe without weights
