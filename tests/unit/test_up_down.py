"""The up-down algorithm: against a slow twin, with labels, and what it refuses."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")

from mien.errors import TrainingError  # noqa: E402
from mien.learn.boltzmann import belief_network, divergence, up_down  # noqa: E402
from mien.learn.boltzmann.belief_network import BeliefNetwork  # noqa: E402
from mien.learn.boltzmann.machine import Block, Machine  # noqa: E402

VISIBLE, KINDS = 10, 3
QUICK = up_down.Options(epochs=6, batch=20, rate=(0.01,))


def rows(n=60, seed=0):
    """Rows of three kinds, and which kind each is of, one-hot."""
    random = np.random.default_rng(seed)
    kind = random.integers(0, KINDS, n)
    shape = np.random.default_rng(9).integers(0, 2, (KINDS, VISIBLE))
    x = np.where(random.uniform(size=(n, VISIBLE)) < 0.05, 1 - shape[kind], shape[kind])
    return x.astype(np.float32), np.eye(KINDS, dtype=np.float32)[kind]


def start(sizes=(8, 6, 5), kind="binary", labels=False, epochs=30):
    x, _ = rows()
    plan = divergence.Options(epochs=epochs, batch=20, rate=0.01 if kind == "gaussian" else 0.1)
    net = belief_network.greedy(x, Block(kind, VISIBLE), sizes, [plan], 0).network
    if not labels:
        return net
    W = torch.cat([net.top.W, torch.zeros(net.top.hidden_units, KINDS)], dim=1)
    a = torch.cat([net.top.a, torch.zeros(KINDS)])
    return BeliefNetwork(net.layers, Machine(W, net.top.b, a, (*net.top.blocks, Block("softmax", KINDS))))


def tensors(net):
    directed = [tensor for layer in net.layers for tensor in (layer.W, layer.b, layer.G, layer.a)]
    return [*directed, net.top.W, net.top.b, net.top.a]


def bits(net):
    return b"".join(tensor.numpy().tobytes() for tensor in tensors(net))


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def test_directions_are_those_of_the_paper_written_out_row_by_row():
    """Appendix B of Hinton, Osindero & Teh (2006)."""
    layer, n = belief_network.Directed.of(start((4,), epochs=1).top), 5
    x, _ = rows(n)
    random = torch.Generator().manual_seed(0)
    h = torch.bernoulli(torch.full((n, 4), 0.5), generator=random)
    G, a = up_down.towards_generation(layer, torch.tensor(x), h)
    W, b = up_down.towards_recognition(layer, torch.tensor(x), h)
    weights, states = layer.W.numpy(), h.numpy()
    for j in range(4):
        for i in range(VISIBLE):
            wake = sleep = visible = hidden = 0.0
            for r in range(n):
                made = sigmoid(sum(states[r, k] * weights[k, i] for k in range(4)) + float(layer.a[i]))
                guess = sigmoid(sum(x[r, k] * weights[j, k] for k in range(VISIBLE)) + float(layer.b[j]))
                wake += states[r, j] * (x[r, i] - made) / n
                sleep += (states[r, j] - guess) * x[r, i] / n
                visible += (x[r, i] - made) / n
                hidden += (states[r, j] - guess) / n
            found = [float(t) for t in (G[j, i], W[j, i], a[i], b[j])]
            np.testing.assert_allclose(found, [wake, sleep, visible, hidden], atol=1e-6)


def test_every_weight_moves_and_the_start_stays():
    x, _ = rows()
    net = start()
    before = bits(net)
    learned = up_down.tune(net, x, QUICK, 1)
    assert bits(net) == before
    assert not any(layer.tied for layer in learned.network.layers)
    for old, new in zip(tensors(net), tensors(learned.network), strict=True):
        assert not torch.equal(old, new)
    (curve,) = learned.curves
    assert [epoch.number for epoch in curve] == [1, 2, 3, 4, 5, 6]
    assert curve[-1].rate < curve[0].rate


def test_equal_seeds_give_equal_bits_on_any_number_of_threads_and_global_random_numbers_stay():
    x, _ = rows()
    net, before = start(), torch.get_num_threads()
    state = torch.get_rng_state()
    found = []
    try:
        for threads, seed in ((1, 1), (3, 1), (1, 2)):
            torch.set_num_threads(threads)
            found.append(bits(up_down.tune(net, x, QUICK, seed).network))
    finally:
        torch.set_num_threads(before)
    assert found[0] == found[1] != found[2]
    assert torch.equal(torch.get_rng_state(), state)


def test_gibbs_steps_grow_over_the_epochs():
    assert [up_down.Options(epochs=6).steps_in(epoch) for epoch in range(1, 7)] == [3, 3, 6, 6, 10, 10]
    assert [up_down.Options(epochs=1).steps_in(1)] == [3]
    assert [up_down.Options(epochs=3, gibbs_steps=(5,)).steps_in(epoch) for epoch in (1, 2, 3)] == [5, 5, 5]


def test_it_mends_recognition_that_was_spoilt():
    x, _ = rows()
    net = belief_network.untied(start((8, 5)))
    net.layers[0].W.mul_(0.2)
    learned = up_down.tune(net, x, up_down.Options(epochs=60, batch=20, rate=(0.05,)), 1)
    (curve,) = learned.curves
    assert curve[-1].reconstruction < 0.8 * curve[0].reconstruction


@pytest.mark.parametrize("persistent", [False, True])
def test_labels_beside_the_last_layer_are_learned(persistent):
    x, labels = rows(200)
    options = up_down.Options(epochs=40, batch=20, rate=(0.05,), persistent=persistent)
    net = up_down.tune(start((8, 6), labels=True), x, options, 1, labels=labels).network
    fresh, wanted = rows(60, seed=5)
    h = net.recognise(torch.tensor(fresh))
    energies = [net.top.free_energy(torch.cat([h, torch.eye(KINDS)[[k] * len(h)]], dim=1)) for k in range(KINDS)]
    assert (torch.stack(energies, dim=1).argmin(dim=1).numpy() == wanted.argmax(axis=1)).mean() > 0.9


def test_what_stands_where_labels_are_missing_is_not_looked_at():
    x, labels = rows()
    present = np.ones_like(labels)
    present[::2] = 0
    other = labels.copy()
    other[::2] = np.roll(labels[::2], 1, axis=1)
    found = [
        bits(up_down.tune(start(labels=True), x, QUICK, 1, labels=given, present=present).network)
        for given in (labels, other)
    ]
    assert found[0] == found[1]
    assert found[0] != bits(up_down.tune(start(labels=True), x, QUICK, 1, labels=labels).network)


def test_gaussian_pixels_and_rows_held_out():
    x, _ = rows()
    v = ((x - x.mean(axis=0)) / (x.std(axis=0) + 0.1)).astype(np.float32)
    net = start(kind="gaussian")
    learned = up_down.tune(net, v[:50], up_down.Options(epochs=4, batch=20), 1, held_out=v[50:])
    (curve,) = learned.curves
    assert all(np.isfinite(epoch.free_energy_gap) for epoch in curve)
    assert curve[-1].reconstruction < 1.2 * curve[0].reconstruction


def test_a_machine_without_layers_is_simply_trained_on():
    x, _ = rows()
    learned = up_down.tune(start((6,)), x, QUICK, 1)
    assert learned.network.layers == ()
    assert not torch.equal(learned.network.top.W, start((6,)).top.W)


def test_progress_ends_at_its_end():
    calls = []
    up_down.tune(start(), rows()[0], QUICK, 1, lambda *call: calls.append(call))
    assert calls == [("up-down", done, 6) for done in range(1, 7)]


def test_divergence_names_epoch_and_rate():
    x, _ = rows()
    net = start(kind="gaussian")
    options = up_down.Options(epochs=30, batch=5, rate=(1.0, 0.1), momentum=0.9)
    with pytest.raises(TrainingError, match=r"up-down: learning diverged in epoch \d+ at learning rate 1, 0.1"):
        up_down.tune(net, 3 * x, options, 1)


@pytest.mark.parametrize("given", ["none", "too many", "rows"])
def test_labels_that_do_not_fit_are_refused(given):
    x, labels = rows()
    found = {"none": None, "too many": np.tile(labels, (1, 2)), "rows": labels[1:]}[given]
    with pytest.raises(TrainingError, match=r"up-down: labels must be \(60, 3\)"):
        up_down.tune(start(labels=True), x, QUICK, 1, labels=found)
    with pytest.raises(TrainingError, match=r"up-down: labels must be \(60, 0\)"):
        up_down.tune(start(), x, QUICK, 1, labels=labels)


def test_rows_that_do_not_fit_are_refused():
    x, _ = rows()
    x[3, 4] = np.nan
    with pytest.raises(TrainingError):
        up_down.tune(start(), x, QUICK, 1)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"rate": ()}, "rate"),
        ({"rate": (0.0,)}, "rate"),
        ({"gibbs_steps": ()}, "gibbs_steps"),
        ({"gibbs_steps": (0,)}, "steps"),
        ({"epochs": 0}, "epochs"),
        ({"momentum": 1.0}, "momentum"),
    ],
)
def test_impossible_options(changed, told):
    with pytest.raises(ValueError, match=told):
        up_down.Options(**changed)
