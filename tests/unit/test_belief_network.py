"""Deep belief networks: the shapes, the passes, greedy learning and the feature learner made of them."""

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytest.importorskip("onnx")

from mien import modelfile  # noqa: E402
from mien.data.opening import open_dataset  # noqa: E402
from mien.errors import RecipeError, TrainingError  # noqa: E402
from mien.expression import ExpressionModel  # noqa: E402
from mien.learn import export, fit, recipe  # noqa: E402
from mien.learn.boltzmann import belief_network, divergence  # noqa: E402
from mien.learn.boltzmann.belief_network import BeliefNetwork, Directed  # noqa: E402
from mien.learn.boltzmann.machine import Block, Machine  # noqa: E402
from mien.learn.boltzmann.standardisation import Standardisation  # noqa: E402
from mien.learn.features import belief_network as part  # noqa: E402
from mien.learn.tuned_features import Stacked  # noqa: E402

PIXELS = 36
QUICK = part.Options(layers=(9, 7), epochs=5)


def faces(n=80, seed=0):
    random = np.random.default_rng(seed)
    mean, ways = random.uniform(0.3, 0.7, PIXELS), random.normal(0, 0.15, (3, PIXELS))
    noise = random.normal(0, 0.02, (n, PIXELS))
    return np.clip(mean + random.normal(size=(n, 3)) @ ways + noise, 0, 1).astype(np.float32)


def machine(visible, hidden, seed=0, blocks=None):
    random = torch.Generator().manual_seed(seed)
    W, b, a = (torch.randn(*shape, generator=random) for shape in ((hidden, visible), (hidden,), (visible,)))
    return Machine(W, b, a, blocks or (Block("binary", visible),))


def network(beside=()):
    extra = sum(block.units for block in beside)
    top = machine(5 + extra, 4, 2, (Block("binary", 5), *beside))
    return BeliefNetwork((Directed.of(machine(8, 6)), Directed.of(machine(6, 5, 1))), top)


def options(**changed):
    return dataclasses.replace(QUICK, **changed)


# --- the network --------------------------------------------------------------------------------------------------


def test_up_and_down_go_through_every_layer():
    net, v = network(), torch.rand(3, 8)
    first, second = net.layers
    h = torch.sigmoid(torch.sigmoid(v @ first.W.T + first.b) @ second.W.T + second.b)
    torch.testing.assert_close(net.recognise(v), h)
    torch.testing.assert_close(net.features(v), torch.sigmoid(h @ net.top.W.T + net.top.b))
    down = torch.sigmoid(torch.sigmoid(h @ second.G + second.a) @ first.G + first.a)
    torch.testing.assert_close(net.generate(h), down)
    assert net.sizes == (8, 6, 5, 4)


def test_states_between_are_drawn_and_pixels_are_means():
    net, h = network(), torch.ones(4000, 5)
    made = net.generate(h, torch.Generator().manual_seed(0))
    assert ((made > 0) & (made < 1)).all()
    first, second = net.layers
    states = torch.bernoulli(second.generation.visible(torch.ones(20_000, 5)))
    torch.testing.assert_close(made.mean(dim=0), first.generation.visible(states).mean(dim=0), atol=0.02, rtol=0)


def test_labels_beside_the_last_layer_are_missing_from_the_features_and_go_no_further_down():
    with_labels, v = network((Block("softmax", 3),)), torch.rand(3, 8)
    top = with_labels.top
    bare = BeliefNetwork(with_labels.layers, Machine(top.W[:, :5], top.b, top.a[:5], top.blocks[:1]))
    torch.testing.assert_close(with_labels.features(v), bare.features(v))
    states = torch.rand(3, 8)
    torch.testing.assert_close(with_labels.generate(states), bare.generate(states[:, :5]))
    assert [W.shape for W, _ in with_labels.stack()] == [(6, 8), (5, 6), (4, 5)]
    assert with_labels.dream(2, 3, torch.Generator().manual_seed(0)).shape == (2, 8)


def test_without_directed_layers_it_is_the_machine():
    top, v = machine(8, 4), torch.rand(3, 8)
    net = BeliefNetwork((), top)
    torch.testing.assert_close(net.features(v), top.hidden(v))
    torch.testing.assert_close(net.generate(v), v)
    assert net.dream(2, 3, torch.Generator().manual_seed(0)).shape == (2, 8)
    assert net.block == Block("binary", 8)


def test_layers_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="does not fit one of 6"):
        BeliefNetwork((Directed.of(machine(8, 6)),), machine(5, 4))
    with pytest.raises(ValueError, match="does not fit one of 6"):
        BeliefNetwork((Directed.of(machine(8, 6)),), machine(6, 4, blocks=(Block("gaussian", 6),)))
    W = torch.zeros(4, 3)
    with pytest.raises(ValueError, match="do not fit 4 units on 3"):
        Directed(W, torch.zeros(4), torch.zeros(3, 4), torch.zeros(3), Block("binary", 3))


def test_generative_weights_are_tied_until_they_are_set_free():
    net = network()
    assert all(layer.tied for layer in net.layers)
    free = belief_network.untied(net)
    assert not any(layer.tied for layer in free.layers)
    free.layers[0].G.zero_()
    assert free.layers[0].W.equal(net.layers[0].W)
    assert net.layers[0].G.any()
    assert all(layer.tied for layer in net.to(torch.zeros(1, dtype=torch.float64)).layers)
    assert net.to(torch.zeros(1, dtype=torch.float64)).top.W.dtype == torch.float64


# --- greedy learning ----------------------------------------------------------------------------------------------


def test_each_machine_learns_the_means_of_the_one_below():
    x = faces()
    plans = [divergence.Options(epochs=3, rate=0.01), divergence.Options(epochs=2)]
    learned = belief_network.greedy(x, Block("binary", PIXELS), (9, 7), plans, 4)
    first = divergence.train(x, (Block("binary", PIXELS),), 9, plans[0], 4).machine
    means = belief_network.hidden_means(first, x)
    second = divergence.train(means, (Block("binary", 9),), 7, plans[1], 5).machine
    assert learned.network.layers[0].W.equal(first.W)
    assert learned.network.top.W.equal(second.W)
    assert [len(curve) for curve in learned.curves] == [3, 2]


def test_a_machine_that_may_be_the_one_below_upside_down_begins_as_that():
    x = faces()
    still = divergence.Options(epochs=1, rate=1e-9, weight_cost=0)
    for sizes, turned in (((9, PIXELS), True), ((9, 9), False)):
        net = belief_network.greedy(
            x, Block("binary", PIXELS), sizes, [divergence.Options(epochs=2), still], 0
        ).network
        below = net.layers[0]
        same = net.top.W.shape == below.W.T.shape and torch.allclose(net.top.W, below.W.T, atol=1e-4)
        assert same == turned
    assert torch.allclose(net.layers[0].W, below.W)


def test_a_layer_is_named_where_it_diverges():
    plans = [divergence.Options(epochs=2), divergence.Options(epochs=50, rate=10, momentum=0.99, batch=5)]
    with pytest.raises(TrainingError, match=r"layer 2 \(9-7\): .*epoch \d+ .*rate 10"):
        belief_network.greedy(faces() * 0.9, Block("binary", PIXELS), (9, 7), plans, 0)


# --- standardised pixels ------------------------------------------------------------------------------------------


def test_standardised_rows_have_mean_0_and_variance_1_and_come_back():
    x = faces()
    scale = Standardisation.of(x)
    v = scale.entered(x)
    np.testing.assert_allclose(v.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(v.std(axis=0), 1, atol=1e-4)
    np.testing.assert_allclose(scale.left(v), x, atol=1e-6)
    W, b = np.random.default_rng(0).normal(size=(4, PIXELS)).astype(np.float32), np.ones(4, np.float32)
    folded, bias = scale.folded(W, b)
    np.testing.assert_allclose(x @ folded.T + bias, v @ W.T + b, atol=1e-4)


# --- the feature learner ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("visible", ["gaussian", "binary"])
@pytest.mark.parametrize("up_down_epochs", [0, 2])
def test_the_stack_gives_the_features_on_pixels_as_they_are(visible, up_down_epochs):
    x = faces()
    features = part.build(options(visible=visible, up_down_epochs=up_down_epochs)).fit(x, 1)
    v = x if features.scale is None else features.scale.entered(x)
    np.testing.assert_allclose(features.encode(x), features.network.features(torch.tensor(v)), atol=1e-5)
    assert [(W.shape, b.shape) for W, b in features.stack] == [((9, PIXELS), (9,)), ((7, 9), (7,))]
    assert all(W.dtype == b.dtype == np.float32 for W, b in features.stack)
    assert isinstance(features, Stacked)
    assert len(features.layers()) == 4


def test_it_learns_what_faces_have_in_common():
    x = faces(400)
    features = part.build(options(layers=(12, 8), epochs=60, rate=(0.02, 0.1))).fit(x, 1)
    missed = ((features.reconstruct(x) - x) ** 2).sum(axis=1).mean()
    assert missed < 0.6 * ((x - x.mean(axis=0)) ** 2).sum(axis=1).mean()
    dreamt = features.dream(200, 100, 0)
    assert dreamt.shape == (200, PIXELS)
    np.testing.assert_allclose(dreamt.mean(axis=0), x.mean(axis=0), atol=0.15)
    assert dreamt.std(axis=0).mean() > 0.3 * x.std(axis=0).mean()
    assert features.dream(3, 5, 1).tobytes() == features.dream(3, 5, 1).tobytes()


def test_the_faces_held_out_are_the_last_and_teach_nothing():
    x = faces(80)
    other = x.copy()
    other[-8:] = np.random.default_rng(0).uniform(size=(8, PIXELS))
    first, second = (part.build(QUICK).fit(rows, 1) for rows in (x, other))
    assert first.stack[0][0].tobytes() == second.stack[0][0].tobytes()
    gaps = [f.figures()["layer1_free_energy_gap"] for f in (first, second)]
    assert gaps[1] > gaps[0]  # uniform noise is no face
    assert "layer1_free_energy_gap" not in part.build(options(held_out=0)).fit(x, 1).figures()


def test_figures_name_every_layer_and_all_together():
    found = part.build(options(up_down_epochs=3)).fit(faces(), 1).figures()
    assert found["layer1_epochs"] == found["layer2_epochs"] == 5
    assert found["up_down_epochs"] == 3
    assert {"layer2_reconstruction", "layer2_rho_hat", "up_down_reconstruction"} <= set(found)


def test_progress_counts_over_all_layers():
    calls = []
    part.build(QUICK).fit(faces(), 1, lambda *call: calls.append(call))
    assert calls == [("features", done, 10) for done in range(1, 11)]


def broken(kind):
    x = faces()
    if kind == "nan":
        x[3, 4] = np.nan
    elif kind == "outside":
        x[3, 4] = 1.5
    else:
        x[:, 4] = 0.5
    return x


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("nan", "numbers in"),
        ("outside", r"numbers in \[0, 1\]"),
        ("constant", "1 of 36 columns are constant, the first is number 5"),
    ],
)
def test_unfit_faces_are_named(kind, told):
    with pytest.raises(TrainingError, match=f"belief_network: .*{told}"):
        part.build(QUICK).fit(broken(kind), 0)


def test_binary_pixels_may_be_constant():
    assert np.isfinite(part.build(options(visible="binary")).fit(broken("constant"), 0).encode(faces())).all()


def test_divergence_names_layer_epoch_and_rate():
    with pytest.raises(TrainingError, match=r"belief_network: layer 1 \(36-9\): .*epoch \d+ at learning rate"):
        part.build(options(rate=(5.0,))).fit(faces(), 0)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"layers": ()}, "layers"),
        ({"layers": (5, 0)}, "layers"),
        ({"rate": ()}, "rate"),
        ({"rate": (0.0,)}, "rate"),
        ({"epochs": 0}, "epochs"),
        ({"held_out": 0.9}, "held_out"),
        ({"up_down_epochs": -1}, "up_down_epochs"),
        ({"up_down_rate": (2.0,)}, "rate"),
        ({"rho": 1.0}, "rho"),
        ({"gibbs_steps": 0}, "steps"),
    ],
)
def test_impossible_options(changed, told):
    with pytest.raises(ValueError, match=told):
        options(**changed)


def test_more_units_than_memory_is_refused():
    with pytest.raises(TrainingError, match=r"belief_network: layer 2 \(100000-100000\): .*memory"):
        part.build(options(layers=(100_000, 100_000), epochs=1, visible="binary")).fit(faces(10), 0)


# --- recipes ------------------------------------------------------------------------------------------------------


TEXT = """
name = "small"
seed = 5
[patches]
size = 12
[features]
name = "belief_network"
layers = [12, 8]
epochs = 10
[head]
name = "softmax"
C = [0.1]
standardise = [true]
[fine_tuning]
steps = 60
batch = 32
"""


def test_fine_tuning_goes_on_from_it_and_the_model_runs(tmp_path):
    data = open_dataset("synthetic:people=3,seed=2")
    trained = fit.train(recipe.parse(TEXT, "here"), data)
    assert isinstance(trained.features, Stacked)
    figures = trained.figures()["features"]
    assert figures["tuning_loss_last"] < figures["tuning_loss_first"]
    assert figures["layer2_epochs"] == 10
    assert export.export(trained, data, tmp_path / "small.onnx") <= 1e-5
    assert ExpressionModel(modelfile.read(tmp_path / "small.onnx")) is not None


@pytest.mark.parametrize("name", ["belief_network", "belief_network_tuned"])
def test_shipped_recipes_are_of_one_size_on_aligned_faces(name):
    plan = recipe.read(name)
    assert plan.name == name
    assert plan.features.name == "belief_network"
    assert plan.features.options.layers == recipe.read("belief_network").features.options.layers
    assert (plan.patches.size, plan.patches.alignment, plan.patches.scaling) == (24, "points", "local-contrast")
    assert (plan.fine_tuning is not None) == (name == "belief_network_tuned")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("layers = [12, 8]", "layers = [12, 0]", "layers must list"),
        ("epochs = 10", "visible = 'softmax'", "visible must be one of"),
        ("epochs = 10", "units = 10", "unknown key 'units'"),
    ],
)
def test_mistakes_in_a_recipe_are_named(old, new, told):
    with pytest.raises(RecipeError, match=told):
        recipe.parse(TEXT.replace(old, new), "here")
