"""Layers tuned as an autoencoder."""

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mien.errors import TrainingError  # noqa: E402
from mien.learn.boltzmann import unrolled  # noqa: E402
from mien.learn.boltzmann.belief_network import BeliefNetwork, Directed  # noqa: E402
from mien.learn.boltzmann.machine import Block, Machine  # noqa: E402
from mien.learn.boltzmann.unrolled import Options  # noqa: E402

QUICK = Options(updates=600, batch=30, rate=0.03)


@pytest.fixture
def faces():
    """Standardised rows of 12 pixels that hang together in three groups."""
    random = np.random.default_rng(0)
    x = np.repeat(random.choice([-1.0, 1.0], (200, 3)), 4, axis=1) + random.normal(0, 0.1, (200, 12))
    return (x / x.std(axis=0)).astype(np.float32)


@pytest.fixture
def layers():
    random = torch.Generator().manual_seed(0)

    def layer(units, below, kind):
        W = 0.1 * torch.randn(units, below, generator=random)
        return Directed.of(Machine(W, torch.zeros(units), torch.zeros(below), (Block(kind, below),)))

    return layer(10, 12, "gaussian"), layer(8, 10, "binary")


def lost(layers, x):
    """Share of the variance that is gone after the way up, a draw, and the way down."""
    seen = torch.from_numpy(x)
    up = seen
    for layer in layers:
        up = layer.recognition.hidden(up)
    drawn = torch.bernoulli(up, generator=torch.Generator().manual_seed(1))
    top = Machine(
        torch.zeros(2, up.shape[1]), torch.zeros(2), torch.zeros(up.shape[1]), (Block("binary", up.shape[1]),)
    )
    return float(((BeliefNetwork(layers, top).generate(drawn) - seen) ** 2).mean())


def test_drawn_units_come_to_keep_what_faces_look_like(layers, faces):
    tuned = unrolled.tune(layers, faces, QUICK, 1)
    assert lost(layers, faces) > 0.9
    assert lost(tuned, faces) < 0.3
    assert not any(layer.tied for layer in tuned)


def test_equal_seeds_give_equal_bits_and_nothing_is_changed_outside(layers, faces):
    before, state = layers[0].W.clone(), torch.random.get_rng_state()
    short = dataclasses.replace(QUICK, updates=20)
    one, two, other = (unrolled.tune(layers, faces, short, seed) for seed in (1, 1, 2))
    assert torch.equal(one[0].G, two[0].G)
    assert not torch.equal(one[0].G, other[0].G)
    assert torch.equal(layers[0].W, before)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_no_updates_leave_the_layers_as_they_are(layers, faces):
    same = unrolled.tune(layers, faces, dataclasses.replace(QUICK, updates=0), 1)
    assert torch.equal(same[1].W, layers[1].W)


def test_divergence_stops_with_the_update_and_the_rate(layers, faces):
    with pytest.raises(TrainingError, match=r"diverged by update 50 at learning rate [\d.e-]+; use a smaller rate"):
        unrolled.tune(layers, faces * np.float32(1e30), QUICK, 1)


def test_progress_ends_at_its_end(layers, faces):
    told = []
    unrolled.tune(layers, faces, dataclasses.replace(QUICK, updates=70), 1, lambda *now: told.append(now[1:]))
    assert told == [(50, 70), (70, 70)]


@pytest.mark.parametrize(
    "wrong", [{"rate": 0.0}, {"updates": -1}, {"drawn": 2.0}, {"rho": 0.0}, {"sparsity": -1.0}]
)
def test_impossible_options_are_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        Options(**wrong)
