"""The restricted Boltzmann machine: its conditional distributions, its energy and its free energy."""

import math
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from mien.learn.boltzmann.machine import Block, Machine  # noqa: E402

MIXED = (Block("binary", 3), Block("softmax", 3))


def random_machine(blocks=MIXED, hidden=4, seed=0, scale=1.0):
    random = torch.Generator().manual_seed(seed)
    visible = sum(block.units for block in blocks)

    def drawn(*shape):
        return scale * torch.randn(*shape, generator=random, dtype=torch.float64)

    return Machine(drawn(hidden, visible), drawn(hidden), drawn(visible), blocks)


def hidden_states(machine):
    return torch.tensor(list(product([0.0, 1.0], repeat=machine.hidden_units)), dtype=torch.float64)


def visible_states():
    """All 8 x 3 states of ``MIXED``."""
    return torch.cat(
        [
            torch.tensor([[*bits, *(float(k == on) for k in range(3))] for on in range(3)], dtype=torch.float64)
            for bits in product([0.0, 1.0], repeat=3)
        ]
    )


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), scale=st.floats(0, 3))
def test_the_free_energy_sums_the_hidden_states_out(seed, scale):
    machine = random_machine(seed=seed, scale=scale)
    h = hidden_states(machine)
    for v in visible_states():
        energies = machine.energy(v.expand(len(h), -1), h)
        assert float(machine.free_energy(v[None])) == pytest.approx(-float(torch.logsumexp(-energies, 0)), abs=1e-9)


def test_hidden_chances_are_those_of_the_energy():
    machine, v = random_machine(), visible_states()[10]
    h = hidden_states(machine)
    p = torch.softmax(-machine.energy(v.expand(len(h), -1), h), dim=0)
    torch.testing.assert_close(machine.hidden(v[None])[0], p @ h)


def test_visible_chances_are_those_of_the_energy():
    machine, v = random_machine(), visible_states()
    h = hidden_states(machine)[5]
    p = torch.softmax(-machine.energy(v, h.expand(len(v), -1)), dim=0)
    torch.testing.assert_close(machine.visible(h[None])[0], p @ v)


def test_gaussian_units_given_the_hidden_ones_are_normal_with_variance_one():
    machine = random_machine((Block("gaussian", 2),), hidden=3)
    h = torch.tensor([[1.0, 0.0, 1.0]], dtype=torch.float64)
    mean = machine.visible(h)
    lowest = machine.energy(mean, h)
    for away in torch.randn(5, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)):
        torch.testing.assert_close(machine.energy(mean + away, h) - lowest, away.square().sum()[None] / 2)


def test_draws_have_the_chances_they_are_drawn_with():
    blocks = (Block("binary", 2), Block("softmax", 3), Block("gaussian", 2))
    machine = random_machine(blocks)
    h = torch.tensor([[1.0, 0.0, 0.0, 1.0]], dtype=torch.float64).expand(40_000, -1)
    v = machine.sample_visible(h, torch.Generator().manual_seed(0))
    torch.testing.assert_close(v.mean(dim=0), machine.visible(h)[0], atol=0.02, rtol=0)
    assert set(v[:, :2].unique().tolist()) == {0.0, 1.0}
    assert bool((v[:, 2:5].sum(dim=1) == 1).all())
    torch.testing.assert_close(v[:, 5:].std(dim=0), torch.ones(2, dtype=torch.float64), atol=0.02, rtol=0)
    drawn = machine.sample_hidden(v[:1].expand(40_000, -1), torch.Generator().manual_seed(1))
    torch.testing.assert_close(drawn.mean(dim=0), machine.hidden(v[:1])[0], atol=0.02, rtol=0)


def test_without_weights_the_units_are_independent():
    machine = Machine(
        torch.zeros(2, 3), torch.zeros(2), torch.tensor([0.0, math.log(3), -9.0]), (Block("binary", 3),)
    )
    v = machine.visible(torch.tensor([[0.0, 1.0], [1.0, 1.0]]))
    torch.testing.assert_close(v[0], v[1])
    torch.testing.assert_close(v[0, :2], torch.tensor([0.5, 0.75]))


@pytest.mark.parametrize("blocks", [(Block("binary", 4),), (Block("binary", 1), Block("softmax", 1))])
def test_parts_that_do_not_fit_are_refused(blocks):
    with pytest.raises(ValueError, match="do not fit"):
        Machine(torch.zeros(2, 3), torch.zeros(2), torch.zeros(3), blocks)


def test_biases_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="do not fit"):
        Machine(torch.zeros(2, 3), torch.zeros(3), torch.zeros(3), (Block("binary", 3),))


def test_blocks_of_no_known_kind_or_size_are_refused():
    with pytest.raises(ValueError, match="not 'poisson'"):
        Block("poisson", 3)
    with pytest.raises(ValueError, match="one unit or more, not 0"):
        Block("binary", 0)
