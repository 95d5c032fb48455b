"""Annealed importance sampling, up and down, against machines whose log Z is known exactly."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")

from mien.learn.boltzmann import annealing, divergence, enumeration  # noqa: E402
from mien.learn.boltzmann.machine import Block, Machine  # noqa: E402

KINDS = {
    "binary": (Block("binary", 12),),
    "gaussian": (Block("gaussian", 8),),
    "softmax": (Block("softmax", 4), Block("softmax", 6)),
    "all three": (Block("binary", 6), Block("gaussian", 3), Block("softmax", 5)),
}
SCALE = {"binary": 0.7, "gaussian": 0.4, "softmax": 1.0, "all three": 0.5}
CLOSE = 0.05  # nats


def random_machine(blocks, hidden=8, seed=0, scale=0.7):
    random = torch.Generator().manual_seed(seed)
    visible = sum(block.units for block in blocks)

    def drawn(*shape):
        return scale * torch.randn(*shape, generator=random, dtype=torch.float64)

    return Machine(drawn(hidden, visible), drawn(hidden), drawn(visible), blocks)


def samples(machine, n, seed=0):
    """Exact samples: hidden states from their listed probabilities, then visible ones given these."""
    units = machine.hidden_units
    h = ((torch.arange(1 << units)[:, None] >> torch.arange(units)) & 1).double()
    logs = enumeration._log_weights(machine, h, of_visible=False)
    random = torch.Generator().manual_seed(seed)
    chosen = torch.multinomial(torch.softmax(logs, 0), n, replacement=True, generator=random)
    return machine.sample_visible(h[chosen], random)


def trained_machine():
    """Twelve binary units trained on four noisy patterns: peaked, as machines are that learned something."""
    random = np.random.default_rng(0)
    x = random.integers(0, 2, (4, 12))[random.integers(0, 4, 400)]
    x = np.where(random.uniform(size=x.shape) < 0.05, 1 - x, x).astype(np.float32)
    options = divergence.Options(epochs=60, batch=20, rate=0.05)
    return divergence.train(x, KINDS["binary"], 10, options, 0).machine, torch.tensor(x)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [0, 1])
def test_annealing_upwards_finds_log_z(kind, seed):
    machine = random_machine(KINDS[kind], seed=seed, scale=SCALE[kind])
    base = annealing.base_rates(samples(machine, 1000), machine.blocks)
    found = annealing.estimate(machine, base, temperatures=1500, chains=300)
    exact = enumeration.log_partition(machine)
    assert found.value == pytest.approx(exact, abs=CLOSE)
    assert found.low <= exact <= found.high
    assert 100 < found.effective <= 300
    assert found.chains == 300


def test_annealing_finds_log_z_of_a_trained_machine_and_its_likelihood():
    machine, x = trained_machine()
    base = annealing.base_rates(x, machine.blocks)
    found = annealing.estimate(machine, base, temperatures=2000, chains=200)
    exact = enumeration.log_partition(machine)
    assert found.value == pytest.approx(exact, abs=CLOSE)
    assert annealing.log_likelihood(machine, x, exact) == pytest.approx(enumeration.log_likelihood(machine, x))
    assert enumeration.log_likelihood(machine, x) > -12 * math.log(2) + 2  # it did learn something


@pytest.mark.parametrize("kind", KINDS)
def test_without_weights_log_z_is_exact_at_any_number_of_temperatures(kind):
    machine = random_machine(KINDS[kind])
    free = Machine(torch.zeros_like(machine.W), machine.b, machine.a, machine.blocks)
    found = annealing.estimate(free, free.a, temperatures=5, chains=7)
    assert found.value == pytest.approx(enumeration.log_partition(free), abs=1e-9)
    assert (found.low, found.high) == pytest.approx((found.value, found.value), abs=1e-6)
    assert found.effective == pytest.approx(7)
    below = annealing.from_above(free, free.a, samples(free, 4), temperatures=5)
    assert below.value == pytest.approx(enumeration.log_partition(free), abs=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_up_and_down_bracket_the_truth(kind):
    """With few temperatures, so that the two biases are larger than what chance adds."""
    machine = random_machine(KINDS[kind], seed=3, scale=2.5 * SCALE[kind])
    base = annealing.base_rates(samples(machine, 1000), machine.blocks)
    exact = enumeration.log_partition(machine)
    low = [annealing.estimate(machine, base, temperatures=4, chains=1, seed=seed).value for seed in range(50)]
    high = annealing.from_above(machine, base, samples(machine, 2000), temperatures=4)
    assert np.mean(low) < exact < high.low
    more = annealing.from_above(machine, base, samples(machine, 1000), temperatures=500)
    assert abs(more.value - exact) < 2 * CLOSE
    assert exact <= more.high


def test_more_chains_per_row_bring_the_upper_end_down():
    machine = random_machine(KINDS["binary"], seed=3, scale=1.2)
    base, x = torch.zeros(12), samples(machine, 500)
    one, many = (annealing.from_above(machine, base, x, temperatures=10, chains=chains) for chains in (1, 30))
    assert enumeration.log_partition(machine) - CLOSE < many.value < one.low
    assert one.effective == pytest.approx(1)
    assert 1 < many.effective < 30


def test_fantasies_follow_the_machine():
    machine = random_machine(KINDS["binary"], scale=0.5)
    v = annealing.fantasies(machine, torch.zeros(4000, 12), 50)
    torch.testing.assert_close(v.mean(dim=0), enumeration.expectations(machine).a, atol=0.04, rtol=0)


@settings(max_examples=15, deadline=None)
@given(n=st.integers(1, 700), units=st.integers(1, 9), seed=st.integers(0, 99))
def test_base_rates_are_finite_and_go_with_the_rows(n, units, seed):
    random = torch.Generator().manual_seed(seed)
    x = (torch.rand(n, units, generator=random) < 0.3).double()
    base = annealing.base_rates(x, (Block("binary", units),))
    assert bool(torch.isfinite(base).all())
    assert torch.equal(base[:, None] < base, x.sum(dim=0)[:, None] < x.sum(dim=0))
    constant = annealing.base_rates(torch.ones(n, 1), (Block("binary", 1),))
    assert 0 < float(constant) < 10


def test_base_rates_of_softmax_and_gaussian_units():
    x = torch.tensor([[1.0, 0, 0, 3.0], [1.0, 0, 0, 5.0], [0, 1.0, 0, 1.0]])
    base = annealing.base_rates(x, (Block("softmax", 3), Block("gaussian", 1)))
    assert float(torch.exp(base[:3]).sum()) == pytest.approx(1)
    assert float(base[3]) == pytest.approx(3)
    assert base[0] > base[1] > base[2]


@settings(max_examples=30, deadline=None)
@given(st.integers(3, 20_000))
def test_the_schedule_rises_from_the_base_to_the_machine(temperatures):
    betas = annealing.schedule(temperatures)
    assert len(betas) == temperatures + 1
    assert (float(betas[0]), float(betas[-1])) == (0.0, 1.0)
    assert bool((betas.diff() > 0).all())


def test_the_schedule_is_the_papers():
    betas = annealing.schedule()
    assert float(betas[500]) == pytest.approx(0.5)
    assert float(betas[4500]) == pytest.approx(0.9)


def test_one_chain_has_no_interval_and_a_spread_beyond_zero_no_lower_end():
    machine = random_machine(KINDS["binary"], scale=3)
    alone = annealing.estimate(machine, torch.zeros(12), temperatures=3, chains=1)
    assert (alone.low, alone.high) == (-math.inf, math.inf)
    poor = annealing.estimate(machine, torch.zeros(12), temperatures=3, chains=10)
    assert poor.low == -math.inf
    assert poor.effective < 3


def test_equal_seeds_give_equal_bits_on_any_number_of_threads():
    machine, before = random_machine(KINDS["all three"]), torch.get_num_threads()
    found = []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            state = torch.get_rng_state()
            found.append(annealing.estimate(machine, torch.zeros(14), temperatures=50, chains=20, seed=4))
            assert torch.equal(torch.get_rng_state(), state)
    finally:
        torch.set_num_threads(before)
    assert found[0] == found[1]
    assert found[0] != annealing.estimate(machine, torch.zeros(14), temperatures=50, chains=20, seed=5)


def test_what_does_not_fit_is_refused():
    machine = random_machine(KINDS["binary"])
    with pytest.raises(ValueError, match="base of"):
        annealing.estimate(machine, torch.zeros(11))
    with pytest.raises(ValueError, match="3 temperatures or more, not 2"):
        annealing.schedule(2)
