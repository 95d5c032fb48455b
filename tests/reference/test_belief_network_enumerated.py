"""Belief networks small enough to list all their states: the bound, and what learning does to it."""

import math
from itertools import product

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")

from torch.nn import functional  # noqa: E402

from mien.learn.boltzmann import annealing, belief_network, divergence, enumeration, up_down, variational  # noqa: E402
from mien.learn.boltzmann.belief_network import BeliefNetwork, Directed  # noqa: E402
from mien.learn.boltzmann.machine import Block, Machine  # noqa: E402

VISIBLE = 8


def prototypes(n=200, flipped=0.08, seed=0):
    """Four patterns, now and then with a unit flipped."""
    random = np.random.default_rng(seed)
    x = random.integers(0, 2, (4, VISIBLE))[random.integers(0, 4, n)]
    return np.where(random.uniform(size=x.shape) < flipped, 1 - x, x).astype(np.float32)


def states(units):
    return torch.tensor(list(product([0.0, 1.0], repeat=units)), dtype=torch.float64)


def random_network(kind="binary", tied=False, extra=(), seed=0):
    """5 visible, 4, 3, and 3 hidden units on top; labels beside the second layer, if ``extra`` asks for blocks."""
    random = torch.Generator().manual_seed(seed)

    def drawn(*shape):
        return torch.randn(*shape, generator=random, dtype=torch.float64)

    layers = []
    for block, units in ((Block(kind, 5), 4), (Block("binary", 4), 3)):
        W = drawn(units, block.units)
        layers.append(
            Directed(W, drawn(units), W if tied else drawn(units, block.units), drawn(block.units), block)
        )
    blocks = (Block("binary", 3), *extra)
    beside = sum(block.units for block in blocks)
    return BeliefNetwork(tuple(layers), Machine(drawn(3, beside), drawn(3), drawn(beside), blocks))


def log_p(network, v, beside=None):
    """Exact log p(v) (n,): every state of every layer is listed."""
    h = states(network.top.blocks[0].units)
    given = h.new_zeros(len(v), 0) if beside is None else beside
    table = torch.stack([_prior(network, h, row) for row in given])  # (n, states of the top)
    for layer in reversed(network.layers[1:]):
        below = states(layer.block.units)
        field = h @ layer.G + layer.a
        making = below @ field.T - functional.softplus(field).sum(dim=1)  # (states below, states)
        table = torch.logsumexp(making[None] + table[:, None], dim=2)
        h = below
    layer = network.layers[0]
    field = h @ layer.G + layer.a
    if layer.block.kind == "gaussian":
        making = -((v[:, None] - field) ** 2).sum(dim=2) / 2 - v.shape[1] / 2 * math.log(2 * math.pi)
    else:
        making = v @ field.T - functional.softplus(field).sum(dim=1)
    return torch.logsumexp(making + table, dim=1)


def _prior(network, h, row):
    beside = row.expand(len(h), -1)
    return -network.top.free_energy(torch.cat([h, beside], dim=1)) - enumeration.log_partition(network.top)


def mean_bound(network, x):
    found = variational.lower_bound(network, torch.tensor(x), enumeration.log_partition(network.top), samples=100)
    return float(found.mean())


def mean_log_p(network, x):
    return float(log_p(network.to(torch.zeros(1, dtype=torch.float64)), torch.tensor(x).double()).mean())


@pytest.mark.parametrize("kind", ["binary", "gaussian"])
@pytest.mark.parametrize("tied", [True, False])
def test_the_bound_is_the_likelihood_less_how_far_recognition_is_off(kind, tied):
    network = random_network(kind, tied)
    v = states(5)[::5] if kind == "binary" else 2 * states(5)[::5] - 0.5
    log_z = enumeration.log_partition(network.top)
    bound = variational.lower_bound(network, v, log_z, samples=4000)
    first, second = network.layers
    lost = []
    for row in v:  # KL(q || p(h1, h2 | v)), with every state listed
        h1, h2 = states(4), states(3)
        q1 = torch.distributions.Bernoulli(logits=row @ first.W.T + first.b).log_prob(h1).sum(dim=1)
        q2 = torch.distributions.Bernoulli(logits=h1 @ second.W.T + second.b).log_prob(h2[:, None]).sum(dim=2).T
        q = q1[:, None] + q2
        making = variational.log_likelihood(first, row.expand(16, -1), h1)[:, None] + torch.stack(
            [variational.log_likelihood(second, h1, h.expand(16, -1)) for h in h2], dim=1
        )
        p = making - network.top.free_energy(h2) - log_z
        lost.append(float((q.exp() * (q - p)).sum() + torch.logsumexp(p.flatten(), dim=0)))
    exact = log_p(network, v)
    np.testing.assert_allclose(bound, exact - torch.tensor(lost), atol=0.15)
    assert (bound <= exact + 1e-9).all()
    assert min(lost) > 0


def test_the_probabilities_of_all_visible_states_sum_to_one():
    network = random_network()
    assert float(torch.logsumexp(log_p(network, states(5)), dim=0)) == pytest.approx(0, abs=1e-9)


def test_labels_beside_the_last_layer_are_part_of_the_bound():
    network = random_network(extra=(Block("softmax", 3),))
    v, beside = states(5)[::7], torch.eye(3, dtype=torch.float64)[[0, 1, 2, 0, 1]]
    log_z = enumeration.log_partition(network.top)
    bound = variational.lower_bound(network, v, log_z, beside=beside, samples=1000)
    assert (bound <= log_p(network, v, beside)).all()
    everything = torch.stack([log_p(network, states(5), row.expand(32, -1)) for row in torch.eye(3).double()])
    assert float(torch.logsumexp(everything.flatten(), dim=0)) == pytest.approx(0, abs=1e-9)
    with pytest.raises(ValueError, match="3 units beside"):
        variational.lower_bound(network, v, log_z)


def test_annealing_gives_nearly_the_same_bound():
    learned = belief_network.greedy(prototypes(), Block("binary", VISIBLE), (6, 5), [QUICK], 1).network
    exact = enumeration.log_partition(learned.top)
    base = annealing.base_rates(learned.recognise(torch.tensor(prototypes())), learned.top.blocks)
    estimate = annealing.estimate(learned.top, base, temperatures=1000, chains=100)
    assert estimate.value == pytest.approx(exact, abs=0.05)


QUICK = divergence.Options(epochs=60, batch=20, rate=0.1, rate_left=0.1, weight_cost=0)


def test_a_machine_put_on_upside_down_keeps_the_likelihood_and_learning_it_raises_the_bound():
    x = prototypes(flipped=0.02)
    # few units and little time leave the layer above something to do
    short = divergence.Options(epochs=20, batch=20, rate=0.1, weight_cost=0)
    alone = belief_network.greedy(x, Block("binary", VISIBLE), (3,), [short], 1).network
    before = enumeration.log_likelihood(alone.top, torch.tensor(x))
    top = alone.top
    turned = BeliefNetwork((Directed.of(top),), Machine(top.W.T.contiguous(), top.a, top.b, (Block("binary", 3),)))
    assert mean_log_p(turned, x) == pytest.approx(before, abs=1e-5)
    assert mean_bound(turned, x) == pytest.approx(before, abs=0.02)  # recognition is exact
    stacked = belief_network.greedy(x, Block("binary", VISIBLE), (3, VISIBLE), [short, QUICK], 1).network
    assert stacked.layers[0].W.equal(top.W)
    assert mean_bound(stacked, x) > before + 0.1
    assert mean_bound(stacked, x) <= mean_log_p(stacked, x)


@pytest.mark.parametrize("sizes", [(6, 8), (6, 5, 4)])
def test_up_and_down_does_not_lower_bound_or_likelihood(sizes):
    x = prototypes()
    greedy = belief_network.greedy(x, Block("binary", VISIBLE), sizes, [QUICK], 1).network
    options = up_down.Options(epochs=40, batch=20, rate=(0.02,))
    tuned = up_down.tune(greedy, x, options, 2).network
    assert mean_bound(tuned, x) > mean_bound(greedy, x) - 0.005
    assert mean_log_p(tuned, x) > mean_log_p(greedy, x) - 0.005
    assert mean_bound(tuned, x) <= mean_log_p(tuned, x)


def test_dreams_have_the_network_s_own_distribution():
    network = random_network()
    random = torch.Generator().manual_seed(0)
    dreamt = network.dream(20_000, 200, random)
    wanted = (log_p(network, states(5)).exp()[:, None] * states(5)).sum(dim=0)
    np.testing.assert_allclose(dreamt.mean(dim=0), wanted, atol=0.02)


def log_q(layer, below, above):
    return torch.distributions.Bernoulli(logits=below @ layer.W.T + layer.b).log_prob(above).sum(dim=1).mean()


@pytest.mark.parametrize("kind", ["binary", "gaussian"])
def test_awake_and_asleep_layers_follow_the_slopes_of_what_they_maximise(kind):
    layer = random_network(kind).layers[0]
    random = torch.Generator().manual_seed(1)
    above = torch.bernoulli(torch.full((12, 4), 0.5, dtype=torch.float64), generator=random)
    below = torch.rand(12, 5, generator=random, dtype=torch.float64)
    below = below.round() if kind == "binary" else 3 * below
    slow = [tensor.clone().requires_grad_() for tensor in (layer.W, layer.b, layer.G, layer.a)]
    twin = Directed(*slow, layer.block)
    (variational.log_likelihood(twin, below, above).mean() + log_q(twin, below, above)).backward()
    W, b = up_down.towards_recognition(layer, below, above)
    G, a = up_down.towards_generation(layer, below, above)
    for found, parameter in zip((W, b, G, a), slow, strict=True):
        np.testing.assert_allclose(found, parameter.grad, atol=1e-12)
