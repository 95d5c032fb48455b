"""The convolutional machine: what its blocks allow, and what contrastive divergence makes of planted pictures."""

import dataclasses
import re

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mien.errors import TrainingError  # noqa: E402
from mien.learn.boltzmann.convolutional import ConvolutionalMachine, drawn  # noqa: E402
from mien.learn.boltzmann.convolutional_divergence import Options, initial, train  # noqa: E402
from mien.learn.layers import ProbabilisticPooling  # noqa: E402

QUICK = Options(epochs=15, batch=10, rate=0.1, rho=0.05)


def bars(n=60, side=12, seed=0):
    """Pictures of one upright or level bar, at some place, mean 0."""
    random = np.random.default_rng(seed)
    x = np.zeros((n, 1, side, side), np.float32)
    for picture in x:
        at = random.integers(2, side - 2)
        if random.random() < 0.5:
            picture[0, at] = 3
        else:
            picture[0, :, at] = 3
    return torch.from_numpy(x - x.mean())


def learned(options=QUICK, seed=1, kind="gaussian", x=None):
    x = bars() if x is None else x
    return train(x, kind, 6, 5, 2, options, seed)


def bits(found):
    return b"".join(part.numpy().tobytes() for part in (found.machine.W, found.machine.b, found.machine.a))


def small(**changes):
    parts = {"W": torch.zeros(3, 2, 3, 3), "b": torch.zeros(3), "a": torch.zeros(2)}
    return ConvolutionalMachine(**parts | {"pooling": 2, "visible_kind": "binary"} | changes)


# --- the machine --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"W": torch.zeros(3, 2, 4, 4)}, "odd side"),
        ({"W": torch.zeros(3, 2, 3, 5)}, "squares"),
        ({"b": torch.zeros(4)}, "4 biases of maps"),
        ({"a": torch.zeros(1)}, "1 of channels"),
        ({"pooling": 0}, "1 or more, not 0"),
    ],
)
def test_shapes_that_do_not_fit(changes, told):
    with pytest.raises(ValueError, match=told):
        small(**changes)


def test_at_most_one_unit_of_a_block_is_on_and_as_often_as_it_should():
    random = torch.Generator().manual_seed(0)
    chance = torch.tensor([[0.1, 0.2], [0.3, 0.05]]).repeat(1, 1, 2, 3)[:, :, :, :4].expand(20_000, 2, 4, 4)
    found = drawn(chance.contiguous(), 2, random)
    assert set(found.unique().tolist()) == {0.0, 1.0}
    assert float(torch.nn.functional.max_pool2d(found, 2).max()) == 1
    assert float((torch.nn.functional.avg_pool2d(found, 2) * 4).max()) == 1
    np.testing.assert_allclose(found.mean(dim=0), chance[0], atol=0.015)


def test_a_block_that_is_certain_to_be_on_is_on():
    chance = torch.full((50, 1, 4, 4), 0.25)
    found = drawn(chance, 2, torch.Generator().manual_seed(0))
    np.testing.assert_array_equal(torch.nn.functional.max_pool2d(found, 2), 1)


def test_without_weights_all_states_of_a_block_are_as_likely():
    m, v = small(), torch.ones(1, 2, 4, 4)
    np.testing.assert_allclose(m.hidden(v), 0.2)
    np.testing.assert_allclose(m.pooled(v), 0.8)
    np.testing.assert_allclose(m.visible(m.hidden(v)), 0.5)


def test_pooling_units_say_whether_one_below_is_on():
    m = small(W=torch.randn(3, 2, 3, 3, generator=torch.Generator().manual_seed(1)))
    v = torch.rand(4, 2, 6, 6, generator=torch.Generator().manual_seed(2))
    wanted = torch.nn.functional.avg_pool2d(m.hidden(v), 2) * 4
    torch.testing.assert_close(m.pooled(v), wanted)
    torch.testing.assert_close(ProbabilisticPooling(2)(m.inputs(v)), wanted)


@pytest.mark.parametrize("size", [1e3, 1e30])
def test_huge_inputs_stay_finite(size):
    m, v = small(W=torch.full((3, 2, 3, 3), size)), torch.ones(1, 2, 4, 4)
    for found in (m.hidden(v), m.pooled(-v), m.free_energy(v)):
        assert bool(torch.isfinite(found).all())
    assert float(m.pooled(v).min()) > 0.999
    assert float(m.pooled(-v).max()) < 0.001


def test_a_map_is_as_large_as_the_picture_and_moves_with_it():
    m = small(W=torch.randn(3, 2, 3, 3, generator=torch.Generator().manual_seed(1)))
    v = torch.zeros(1, 2, 10, 10)
    v[0, :, 4, 4] = 1
    moved = torch.roll(v, (2, 2), (2, 3))  # by whole blocks
    torch.testing.assert_close(m.hidden(moved), torch.roll(m.hidden(v), (2, 2), (2, 3)))


def test_another_dtype_is_the_same_machine():
    m = small().to(torch.zeros(1, dtype=torch.float64))
    assert {m.W.dtype, m.b.dtype, m.a.dtype} == {torch.float64}
    assert (m.pooling, m.visible_kind, m.maps) == (2, "binary", 3)


# --- contrastive divergence ---------------------------------------------------------------------------------------


def test_the_first_machine_is_as_sparse_as_wanted():
    m = initial(bars(), "gaussian", 6, 5, 2, 0.07, torch.Generator().manual_seed(0))
    assert float(m.hidden(torch.zeros(1, 1, 12, 12)).mean()) == pytest.approx(0.07, rel=0.01)
    of_binary = initial((bars() > 0).float(), "binary", 6, 5, 2, 0.07, torch.Generator().manual_seed(0))
    assert torch.sigmoid(of_binary.a).item() == pytest.approx(float((bars() > 0).float().mean()), rel=1e-5)


def test_it_learns_bars_and_stays_sparse():
    found = learned(Options(epochs=40, batch=10, rate=0.1, rho=0.05))
    first, last = found.curve[0], found.curve[-1]
    assert last.reconstruction < 0.5 * first.reconstruction
    assert last.rho_hat == pytest.approx(0.05, abs=0.02)
    assert [epoch.number for epoch in found.curve] == list(range(1, 41))
    # each filter that learned something has its weights along one direction
    W = found.machine.W[:, 0]
    lines = torch.maximum(W.sum(dim=1).abs().amax(dim=1), W.sum(dim=2).abs().amax(dim=1))
    assert float((lines / W.abs().sum(dim=(1, 2))).max()) > 0.5


def test_binary_pictures_are_learned_too():
    x = (bars() > 0).float()
    found = learned(dataclasses.replace(QUICK, epochs=40, rate=1.0), kind="binary", x=x)
    assert found.curve[-1].reconstruction < 0.7 * found.curve[0].reconstruction


def test_equal_seeds_give_equal_bits_and_nobody_else_s_numbers_are_drawn():
    torch.manual_seed(0)
    state = torch.get_rng_state()
    first = bits(learned(dataclasses.replace(QUICK, epochs=3)))
    assert torch.equal(torch.get_rng_state(), state)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        assert bits(learned(dataclasses.replace(QUICK, epochs=3))) == first
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(threads)
    assert bits(learned(dataclasses.replace(QUICK, epochs=3), seed=2)) != first


def test_the_pictures_are_left_alone():
    x = bars()
    before = x.clone()
    learned(dataclasses.replace(QUICK, epochs=2), x=x)
    assert torch.equal(x, before)


@pytest.mark.parametrize("rate", [1e3, 1e30])
def test_a_divergence_is_stopped_with_epoch_and_rate(rate):
    with pytest.raises(TrainingError, match=r"diverged in epoch \d+ at learning rate .*; use a smaller rate"):
        learned(dataclasses.replace(QUICK, rate=rate))


def test_pictures_that_no_blocks_tile():
    with pytest.raises(TrainingError, match=re.escape("blocks of 5 x 5 do not tile pictures of 12 x 12")):
        train(bars(), "gaussian", 6, 5, 5, QUICK, 0)


def test_progress_ends_at_its_end():
    calls = []
    train(bars(20), "gaussian", 2, 3, 2, Options(epochs=3), 0, lambda *call: calls.append(call))
    assert calls == [("features", done, 3) for done in (1, 2, 3)]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"epochs": 0}, "epochs"),
        ({"batch": 0}, "batch"),
        ({"rate": 0.0}, "rate"),
        ({"rate": float("nan")}, "rate"),
        ({"momentum": 1.0}, "momentum"),
        ({"weight_cost": -1.0}, "weight_cost"),
        ({"sparsity": -1.0}, "sparsity"),
        ({"rho": 0.0}, "rho"),
        ({"rho": 1.0}, "rho"),
    ],
)
def test_impossible_options(wrong, told):
    with pytest.raises(ValueError, match=told):
        Options(**wrong)
