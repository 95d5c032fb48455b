"""Pruning and hidden pixels: planted units are found again, silent ones, doubles and noise are not counted."""

from dataclasses import dataclass

import numpy as np
import pytest

pytest.importorskip("torch")

from mien.learn.architecture import examples, pruning, reconstruction


def planes(rank, columns, rows, noise, seed):
    g = np.random.default_rng(seed)
    x = g.normal(size=(rows, rank)) @ g.normal(size=(rank, columns)) / np.sqrt(rank)
    x += noise * g.normal(size=(rows, columns))
    return ((x - x.min()) / np.ptp(x)).astype(np.float32)


@dataclass
class Planted:
    """A layer whose first units are the planted directions, and then units of each useless kind."""

    directions: np.ndarray
    silent: int
    doubles: int

    units = 0

    def fit(self, x, seed, progress=None):
        del x, seed, progress
        return self

    def encode(self, x):
        z = (x - 0.5) @ self.directions.T
        useful = 0.5 + z / 10
        return np.hstack(
            [useful, np.full((len(x), self.silent), 0.3), useful[:, : self.doubles] * 0.5 + 0.1]
        ).astype(np.float32)


@pytest.mark.parametrize("rank", [4, 9])
def test_planted_units_are_left_and_the_useless_ones_go(rank):
    x = planes(rank, 40, 300, 0.2, rank)
    directions = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)[2][:rank]
    faces = examples.checked(x, [f"p{k % 20}" for k in range(300)], None, 6)
    layer = Planted(directions, silent=5, doubles=3)
    found = pruning.estimate(faces, layer, pruning.Options(units=rank + 8, folds=3), 0)
    assert (found.silent, found.doubles) == (5, 3)
    assert abs(found.left - rank) <= 0.2 * rank
    assert found.low <= found.left <= found.high <= rank
    assert found.curve[0][1].value < found.curve[-1][1].value
    assert found.silent + found.doubles + found.spare + found.left == pytest.approx(rank + 8)


def shares_of(rank_of_encoder, x, basis):
    inside, outside = x[:200], x[200:]

    def encode(faces):
        return ((faces - 0.5) @ basis[:rank_of_encoder].T).astype(np.float32)

    return reconstruction.shares(reconstruction.hide(encode, inside, outside, 0)).mean()


def test_hidden_pixels_are_told_better_up_to_the_planted_rank_and_no_better_beyond():
    x = planes(5, 60, 300, 0.5, 1)
    basis = np.linalg.svd(x[:200] - x[:200].mean(axis=0), full_matrices=False)[2]
    told = [shares_of(rank, x, basis) for rank in (2, 5, 20)]
    assert told[0] < told[1] - 0.1
    assert told[2] < told[1] + 0.005  # copying what is seen would go on growing


def test_of_noise_hidden_pixels_tell_nothing():
    x = np.random.default_rng(0).random((300, 30)).astype(np.float32)
    basis = np.eye(30)
    assert abs(shares_of(30, x, basis)) < 0.1


def test_every_pixel_is_hidden_once():
    x = np.random.default_rng(0).random((50, 7)).astype(np.float32)
    parts = reconstruction.hide(lambda faces: faces, x[:30], x[30:], 3)
    assert sum(part.known_pixels.shape[1] for part in parts) == 7
    for part in parts:  # a hidden pixel is at its mean in every face
        still = np.ptp(part.known, axis=0) == 0
        assert still.sum() == part.known_pixels.shape[1]


def test_features_that_say_nothing_tell_the_mean_face():
    x = np.random.default_rng(0).random((50, 8)).astype(np.float32)
    hidden = reconstruction.hide(lambda faces: np.ones((len(faces), 3), np.float32), x[:30], x[30:], 0)
    np.testing.assert_allclose(reconstruction.shares(hidden).mean(), 0, atol=1e-9)


def test_impossible_options_are_refused():
    with pytest.raises(ValueError, match="2 or more"):
        pruning.Options(units=1)
