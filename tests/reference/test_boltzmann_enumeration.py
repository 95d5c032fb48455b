"""Exact sums over all states: against plain sums of the energy, and against central differences."""

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mien.learn.boltzmann import enumeration  # noqa: E402
from mien.learn.boltzmann.machine import Block, Machine  # noqa: E402

BINARY = (Block("binary", 5),)
MIXED = (Block("softmax", 3), Block("binary", 2), Block("softmax", 2))
GAUSSIAN = (Block("gaussian", 2),)
EVERY = (Block("binary", 2), Block("gaussian", 1), Block("softmax", 3))


def random_machine(blocks, hidden=3, seed=0, scale=0.8):
    random = torch.Generator().manual_seed(seed)
    visible = sum(block.units for block in blocks)

    def drawn(*shape):
        return scale * torch.randn(*shape, generator=random, dtype=torch.float64)

    return Machine(drawn(hidden, visible), drawn(hidden), drawn(visible), blocks)


def rows(blocks, n=7, seed=0):
    random = np.random.default_rng(seed)
    parts = {
        "binary": lambda units: random.integers(0, 2, (n, units)),
        "gaussian": lambda units: random.normal(size=(n, units)),
        "softmax": lambda units: np.eye(units)[random.integers(0, units, n)],
    }
    return torch.tensor(np.hstack([parts[block.kind](block.units) for block in blocks]), dtype=torch.float64)


def plain_states(blocks):
    """Every visible state, one after the other."""
    choices = []
    for block in blocks:
        if block.kind == "binary":
            choices += [[(0.0,), (1.0,)]] * block.units
        else:
            choices.append([tuple(np.eye(block.units)[k]) for k in range(block.units)])
    return torch.tensor([sum(chosen, ()) for chosen in product(*choices)], dtype=torch.float64)


@pytest.mark.parametrize("blocks", [BINARY, MIXED])
@pytest.mark.parametrize("hidden", [3, 7])  # listed by the hidden side, and by the visible one
def test_log_z_is_the_sum_over_all_states_of_both_sides(blocks, hidden):
    machine = random_machine(blocks, hidden)
    v = plain_states(blocks)
    both = [-machine.energy(v, torch.tensor(h, dtype=v.dtype).expand(len(v), -1))
            for h in product([0.0, 1.0], repeat=hidden)]  # fmt: skip
    assert enumeration.log_partition(machine) == pytest.approx(float(torch.logsumexp(torch.cat(both), 0)), abs=1e-9)


def test_log_z_of_gaussian_units_is_the_integral():
    machine = random_machine(GAUSSIAN)
    line = torch.linspace(-12, 12, 481, dtype=torch.float64)
    v = torch.cartesian_prod(line, line)
    integral = torch.logsumexp(-machine.free_energy(v), 0) + 2 * math.log(24 / 480)
    assert enumeration.log_partition(machine) == pytest.approx(float(integral), abs=1e-6)


@pytest.mark.parametrize("blocks", [BINARY, MIXED])
def test_probabilities_of_all_visible_states_sum_to_one(blocks):
    machine = random_machine(blocks)
    v = enumeration.states(machine)
    assert {tuple(state) for state in v.tolist()} == {tuple(state) for state in plain_states(blocks).tolist()}
    p = torch.exp(-machine.free_energy(v) - enumeration.log_partition(machine))
    assert float(p.sum()) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("blocks", [BINARY, MIXED, GAUSSIAN, EVERY])
@pytest.mark.parametrize("hidden", [2, 7])
def test_the_gradient_agrees_with_central_differences(blocks, hidden):
    machine, x = random_machine(blocks, hidden), rows(blocks)
    exact = enumeration.gradient(machine, x)
    for name in ("W", "b", "a"):
        tensor = getattr(machine, name)
        measured = torch.zeros_like(tensor)
        for place in np.ndindex(*tensor.shape):
            ends = []
            for step in (1e-5, -1e-5):
                moved = tensor.clone()
                moved[place] += step
                ends.append(enumeration.log_likelihood(replace(machine, **{name: moved}), x))
            measured[place] = (ends[0] - ends[1]) / 2e-5
        torch.testing.assert_close(getattr(exact, name), measured, atol=1e-7, rtol=1e-6)


def test_more_states_than_are_listed_at_a_time():
    machine = random_machine((Block("binary", 16),), hidden=16, scale=0.1)
    wide = replace(machine, W=torch.zeros_like(machine.W))
    softplus = torch.nn.functional.softplus
    assert enumeration.log_partition(wide) == pytest.approx(float(softplus(wide.b).sum() + softplus(wide.a).sum()))


def test_a_machine_that_is_too_large_is_refused():
    large = Machine(torch.zeros(40, 50), torch.zeros(40), torch.zeros(50), (Block("binary", 50),))
    with pytest.raises(ValueError, match="too large to enumerate"):
        enumeration.log_partition(large)
    with pytest.raises(ValueError, match="cannot be listed"):
        enumeration.states(large)
    with pytest.raises(ValueError, match="Gaussian"):
        enumeration.states(random_machine(GAUSSIAN))
