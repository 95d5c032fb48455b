"""Likelihood against units: right on machines small enough to enumerate, and best where units were planted."""

from itertools import product

import numpy as np
import pytest
import torch

from mien.errors import TrainingError
from mien.learn.architecture import examples, likelihood
from mien.learn.boltzmann.machine import Block, Machine


def switched(units, columns, rows, seed):
    """Binary rows of a Boltzmann machine whose hidden units each own some columns."""
    g = np.random.default_rng(seed)
    W = np.zeros((units, columns))
    W[np.arange(columns) % units, np.arange(columns)] = 5 * g.choice([-1, 1], columns)
    h = g.random((rows, units)) < 0.5
    return (g.random((rows, columns)) < 1 / (1 + np.exp(-(h - 0.5) @ W))).astype(np.float32)


def people(rows):
    return [f"p{k % 20}" for k in range(rows)]


def test_the_likelihood_of_a_small_machine_is_exact():
    g = torch.Generator().manual_seed(1)
    machine = Machine(torch.randn(3, 6, generator=g), torch.randn(3, generator=g), torch.randn(6, generator=g),
                      (Block("binary", 6),))  # fmt: skip
    every = torch.tensor(list(product((0.0, 1.0), repeat=6)))
    log_z = float(torch.logsumexp(-machine.to(every.double()).free_energy(every.double()), dim=0))
    found = likelihood._log_likelihoods(machine, every, log_z)
    assert np.exp(found).sum() == pytest.approx(1)


def test_the_curve_rises_to_the_planted_units():
    faces = examples.checked(switched(5, 30, 500, 0), people(500), None, 6)
    options = likelihood.Options((2, 5, 20), refinements=0, folds=2, epochs=60, temperatures=200, chains=40)
    seen = []
    found = likelihood.estimate(faces, options, 0, lambda *told: seen.append(told))
    by_size = {point.units: point for point in found.points}
    assert found.visible == "binary"
    rise, rest = (by_size[above].score.value - by_size[below].score.value for below, above in ((2, 5), (5, 20)))
    assert rise > 2
    assert rest / 15 < rise / 3 / 3  # per unit: beyond those planted, one more adds little
    assert all(point.score.low < point.score.value < point.score.high for point in found.points)
    assert seen[-1] == ("likelihood", 6, 6)
    again = likelihood.estimate(faces, options, 0)
    assert again == found


def test_a_gap_below_the_chosen_size_is_looked_into():
    faces = examples.checked(switched(4, 24, 200, 1), people(200), None, 6)
    options = likelihood.Options((2, 8), refinements=1, folds=2, epochs=40, temperatures=100, chains=20)
    found = likelihood.estimate(faces, options, 0)
    assert [point.units for point in found.points] == [2, 4, 8]
    assert found.chosen in (4, 8)


def test_grey_faces_are_gaussian_and_a_column_that_is_constant_in_a_fold_is_refused():
    x = np.random.default_rng(0).random((120, 12)).astype(np.float32)
    options = likelihood.Options((3,), 0, 2, 3, temperatures=30, chains=10)
    found = likelihood.estimate(examples.checked(x, people(120), None, 4), options, 0)
    assert found.visible == "gaussian"
    x[:, 2] = 0.5
    x[0, 2] = 0.75  # one person moves it
    with pytest.raises(TrainingError, match="constant"):
        likelihood.estimate(examples.checked(x, people(120), None, 4), options, 0)


@pytest.mark.parametrize(
    "wrong", [{"units": ()}, {"units": (4, 2)}, {"folds": 1}, {"epochs": 0}, {"temperatures": 1}]
)
def test_impossible_options_are_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        likelihood.Options(**wrong)
