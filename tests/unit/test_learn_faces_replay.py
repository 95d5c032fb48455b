"""Batches met several times, and alarms gathered: what a step gets depends on its number alone."""

import numpy as np
import pytest
import torch

from mien.errors import DataError
from mien.learn.faces import alarms, bank, landmark_crops
from mien.learn.faces.detector_network import CHANNELS, SCORE
from mien.learn.faces.replay import Replay


def test_a_resumed_run_meets_the_same_batches():
    whole = Replay(lambda number: number, seed=3, turns=4, window=6)
    met = [whole.at(step) for step in range(100)]
    resumed = Replay(lambda number: number, seed=3, turns=4, window=6)
    assert [resumed.at(step) for step in range(60, 100)] == met[60:]
    assert all(step // 4 <= number < step // 4 + 6 for step, number in enumerate(met))
    assert len(set(met[:24])) > 4


def test_each_batch_is_made_once_and_few_are_kept():
    made = []
    replay = Replay(lambda number: made.append(number) or number, seed=0, turns=3, window=5)
    for step in range(200):
        replay.at(step)
    assert len(made) == len(set(made))
    assert len(replay._kept) <= 5
    assert 200 / 3 * 0.8 < len(made) <= 200 / 3 + 6


@pytest.mark.parametrize(("turns", "window"), [(0, 3), (2, 0)])
def test_there_is_no_replay_of_nothing(turns, window):
    with pytest.raises(ValueError, match="1 or more"):
        Replay(lambda number: number, 0, turns, window)


class Anywhere(torch.nn.Module):
    """Takes the middle of every picture for a face of 32 pixels."""

    def forward(self, picture):
        cells = torch.zeros(len(picture), CHANNELS, picture.shape[2] // 8, picture.shape[3] // 8)
        cells[:, SCORE] = -9
        cells[:, SCORE, cells.shape[2] // 2, cells.shape[3] // 2] = 3
        return cells


def test_alarms_are_squares_about_what_the_detector_took_for_faces(monkeypatch):
    monkeypatch.setattr(alarms, "VIEWS", 3)
    scene = np.random.default_rng(0).integers(0, 256, (120, 160), dtype=np.uint8)
    found = alarms.gather(bank.Pictures([scene], ["one"], ["train"]), Anywhere(), seed=1)
    assert found.names == ["one"] * 3
    assert {picture.shape for picture in found.pictures} == {(alarms.SIZE, alarms.SIZE)}
    assert min(picture.std() for picture in found.pictures) > 1
    again = alarms.gather(bank.Pictures([scene], ["one"], ["train"]), Anywhere(), seed=1)
    assert all((a == b).all() for a, b in zip(found.pictures, again.pictures, strict=True))


def test_lettering_differs_and_comes_out_the_same_again():
    first, second = alarms.lettering(3, 1), alarms.lettering(3, 1)
    assert all((a == b).all() for a, b in zip(first.pictures, second.pictures, strict=True))
    assert not (first.pictures[0] == first.pictures[1]).all()
    assert {picture.shape for picture in first.pictures} == {(320, 480)}


def test_crops_show_alarms_where_the_recipe_wants_them(drawn_bank):
    drawn = bank.read(drawn_bank)
    source = landmark_crops.Source.of(drawn, "train", "cpu")
    options = landmark_crops.Options(alarms=1.0)
    with pytest.raises(DataError, match="holds no alarms"):
        source.draw(16, torch.Generator().manual_seed(0), options)
    white = bank.Pictures([np.full((96, 96), 255, np.uint8)], ["white"], ["train"])
    kinds = drawn.portraits, drawn.small, drawn.scenes
    with_alarms = bank.Bank(*kinds, fingerprint="", alarms=white)
    source = landmark_crops.Source.of(with_alarms, "train", "cpu")
    batch = source.draw(64, torch.Generator().manual_seed(0), options)
    all_white = batch.pictures.flatten(1).amin(1) > 0.99
    assert all_white.any()
    assert not batch.present[all_white].any()
