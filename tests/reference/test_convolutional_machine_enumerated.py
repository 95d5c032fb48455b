"""The convolutional machine against the sums over all of its states, those that the blocks allow."""

import itertools

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mien.learn.boltzmann.convolutional import ConvolutionalMachine  # noqa: E402
from mien.learn.boltzmann.convolutional_divergence import slopes  # noqa: E402
from mien.learn.layers import ProbabilisticPooling  # noqa: E402

T, MAPS, CHANNELS = 2, 2, 2


def machine(kind, *, maps=MAPS, channels=CHANNELS, seed=0, strength=0.7):
    random = np.random.default_rng(seed)
    parts = (random.normal(0, strength, shape) for shape in ((maps, channels, 3, 3), (maps,), (channels,)))
    return ConvolutionalMachine(*(torch.tensor(part) for part in parts), pooling=2, visible_kind=kind)


def visible_states(channels=CHANNELS):
    states = list(itertools.product((0.0, 1.0), repeat=channels * T * T))
    return torch.tensor(states, dtype=torch.float64).view(-1, channels, T, T)


def hidden_states(maps=MAPS, t=T):
    """Every way to have at most one unit of each 2x2 block on."""
    half = t // 2
    block = [np.zeros(4), *np.eye(4)]
    found = []
    for chosen in itertools.product(block, repeat=maps * half * half):
        blocks = np.array(chosen).reshape(maps, half, half, 2, 2)
        found.append(blocks.transpose(0, 1, 3, 2, 4).reshape(maps, t, t))
    return torch.tensor(np.array(found))


def joint(m, v, h):
    """-E(v, h) (visible states, hidden states), written out from the definition of the input."""
    t, k = v.shape[-1], m.W.shape[-1]
    padded = torch.nn.functional.pad(v, (k // 2,) * 4)
    found = torch.zeros(len(v), len(h), dtype=torch.float64)
    for i, j in itertools.product(range(t), repeat=2):
        seen = padded[:, :, i : i + k, j : j + k]
        inputs = torch.einsum("nckl,mckl->nm", seen, m.W) + m.b
        found += inputs @ h[:, :, i, j].T
    a = m.a[:, None, None]
    own = -((v - a) ** 2).sum(dim=(1, 2, 3)) / 2 if m.visible_kind == "gaussian" else (v * a).sum(dim=(1, 2, 3))
    return found + own[:, None]


def some_visible(kind, t=T, channels=CHANNELS, n=5):
    random = np.random.default_rng(4)
    drawn = random.normal(size=(n, channels, t, t))
    return torch.tensor(drawn if kind == "gaussian" else (drawn > 0).astype(float))


@pytest.mark.parametrize("kind", ["binary", "gaussian"])
def test_energy_is_that_of_the_definition(kind):
    m, v, h = machine(kind), some_visible(kind), hidden_states()
    for number in (0, 3, 17):
        state = h[number : number + 1].expand(len(v), -1, -1, -1)
        torch.testing.assert_close(m.energy(v, state), -joint(m, v, h)[:, number])


@pytest.mark.parametrize("kind", ["binary", "gaussian"])
def test_hidden_and_pooling_units_given_visible(kind):
    m, v, h = machine(kind), some_visible(kind), hidden_states()
    p = torch.softmax(joint(m, v, h), dim=1)
    torch.testing.assert_close(m.hidden(v), torch.einsum("nh,hkij->nkij", p, h))
    on = h.amax(dim=(2, 3))[:, :, None, None]  # of the one block of each map
    torch.testing.assert_close(m.pooled(v), torch.einsum("nh,hkij->nkij", p, on))
    torch.testing.assert_close(ProbabilisticPooling(2)(m.inputs(v)), m.pooled(v))


def test_pooling_over_several_blocks():
    m, v, h = machine("binary", maps=1), some_visible("binary", t=4), hidden_states(maps=1, t=4)
    assert len(h) == 5**4
    p = torch.softmax(joint(m, v, h), dim=1)
    torch.testing.assert_close(m.hidden(v), torch.einsum("nh,hkij->nkij", p, h))
    on = h.view(-1, 1, 2, 2, 2, 2).amax(dim=(3, 5))
    torch.testing.assert_close(m.pooled(v), torch.einsum("nh,hkij->nkij", p, on))
    torch.testing.assert_close(m.free_energy(v), -torch.logsumexp(joint(m, v, h), dim=1))


def test_binary_visible_units_given_hidden():
    m, v, h = machine("binary"), visible_states(), hidden_states()
    p = torch.softmax(joint(m, v, h), dim=0)
    torch.testing.assert_close(m.visible(h), torch.einsum("vh,vcij->hcij", p, v))


def test_gaussian_visible_units_given_hidden():
    """-E is a square in v: its top is where the slope is 0, and its bend is 1 for every unit."""
    m, h = machine("gaussian"), hidden_states()[11:12]
    v = m.visible(h).requires_grad_()
    (slope,) = torch.autograd.grad(m.energy(v, h).sum(), v, create_graph=True)
    torch.testing.assert_close(slope, torch.zeros_like(slope))
    (bend,) = torch.autograd.grad(slope.sum(), v)
    torch.testing.assert_close(bend, torch.ones_like(bend))


@pytest.mark.parametrize("kind", ["binary", "gaussian"])
def test_free_energy_sums_the_hidden_states_out(kind):
    m, v, h = machine(kind), some_visible(kind), hidden_states()
    torch.testing.assert_close(m.free_energy(v), -torch.logsumexp(joint(m, v, h), dim=1))


def log_likelihood(m, x):
    log_z = torch.logsumexp(joint(m, visible_states(), hidden_states()).flatten(), dim=0)
    return (torch.logsumexp(joint(m, x, hidden_states()), dim=1) - log_z).sum()


def test_the_difference_of_the_slopes_is_the_gradient_of_the_log_likelihood():
    m, x = machine("binary"), some_visible("binary")
    weights = [part.clone().requires_grad_() for part in (m.W, m.b, m.a)]
    wanted = torch.autograd.grad(log_likelihood(ConvolutionalMachine(*weights, 2, "binary"), x), weights)
    states = visible_states()
    chance = torch.softmax(-m.free_energy(states), dim=0)
    positive = slopes(m, x, m.hidden(x))
    each = [slopes(m, v[None], m.hidden(v[None])) for v in states]
    for number, (plus, gradient) in enumerate(zip(positive, wanted, strict=True)):
        expected = sum(p * one[number] for p, one in zip(chance, each, strict=True))
        torch.testing.assert_close(plus - len(x) * expected, gradient)


@pytest.mark.parametrize("kind", ["binary", "gaussian"])
def test_slopes_are_those_of_the_free_energy(kind):
    m, v = machine(kind), some_visible(kind)
    weights = [part.clone().requires_grad_() for part in (m.W, m.b, m.a)]
    wanted = torch.autograd.grad(-ConvolutionalMachine(*weights, 2, kind).free_energy(v).sum(), weights)
    for found, gradient in zip(slopes(m, v, m.hidden(v)), wanted, strict=True):
        torch.testing.assert_close(found, gradient)


def test_gibbs_sampling_draws_from_the_model():
    m = machine("binary", maps=1, channels=1, strength=1.0)
    random = torch.Generator().manual_seed(3)
    v = torch.zeros(4000, 1, T, T, dtype=torch.float64)
    for _ in range(30):
        v = m.sample_visible(m.sample_hidden(v, random), random)
    states = visible_states(channels=1)
    chance = torch.softmax(torch.logsumexp(joint(m, states, hidden_states(maps=1)), dim=1), dim=0)
    number = (v.flatten(1) @ torch.tensor([8.0, 4, 2, 1], dtype=torch.float64)).long()
    found = torch.bincount(number, minlength=16) / len(v)
    assert float((found - chance).abs().max()) < 0.03
