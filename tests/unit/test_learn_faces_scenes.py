"""Composites: the truth that comes with them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mien.data.synthetic import crops, expressions, leaves, people
from mien.faces.shape import LEFT_EYE, RIGHT_EYE, placed
from mien.learn.faces import atlas, draw, pastes, scenes
from mien.learn.faces.bank import Bank, Pictures

SIZE = 96
CPU = torch.device("cpu")


def _faces(count, size, split):
    pictures, points = [], []
    for number in range(count):
        person = people.invent(number, seed=3)
        movement, setting = expressions.peak(person, "happiness"), crops.setting(person, 0)
        pictures.append(crops.draw(person, movement, setting, size))
        points.append(crops.points(person, movement, setting, size))
    agreement = np.zeros(count, np.float32)
    return Pictures(
        pictures, [f"{k}" for k in range(count)], [split] * count, np.array(points, np.float32), agreement
    )


@pytest.fixture(scope="module")
def pictures():
    ground = [np.rint(p * 255).astype(np.uint8) for p in leaves.draw(2, 1, 200)]
    bank = Bank(_faces(6, SIZE, "train"), _faces(6, 48, "train"), Pictures(ground, ["a", "b"], ["train"] * 2), "")
    return atlas.build(bank, "train", CPU, 0)


def test_placements_are_those_of_the_shape():
    random = np.random.default_rng(0)
    points = random.uniform(0, 90, (3, 68, 2))
    centres, sides, eyes = pastes.placements(torch.from_numpy(points))
    for k, face in enumerate(points):
        expected = placed(face)
        assert centres[k].tolist() == pytest.approx([expected.x, expected.y])
        assert float(sides[k]) == pytest.approx(expected.side)
        left, right = face[LEFT_EYE].mean(0), face[RIGHT_EYE].mean(0)
        found = eyes[k].numpy().reshape(2, 2) * expected.side + [expected.x, expected.y]
        np.testing.assert_allclose(found, [left, right])


def test_a_warp_and_its_way_back_meet():
    count = 5
    random = torch.Generator().manual_seed(0)
    numbers = torch.rand(count, 6, generator=random)
    warp = pastes.warp(
        numbers[:, :2] * 90, 20 + 80 * numbers[:, 2], numbers[:, 3], numbers[:, 4] < 0.5, numbers[:, 5] * 0.1,
        numbers[:, :2] * 0.2,
    )  # fmt: skip
    ones = torch.ones(count)
    flags = ones > 0
    paste = pastes.Paste(
        flags, flags, flags.long(), torch.zeros(count, 4), warp, ones, torch.zeros(count, 2), torch.ones(count, 2),
        ones, ones, flags,
    )  # fmt: skip
    points = torch.rand(count, 68, 2, generator=random) - 0.5
    there = paste.landed(points, ~flags)
    back, near = paste.source(there)
    assert near.all()
    torch.testing.assert_close(back, points, atol=1e-4, rtol=0)


def test_small_copies_keep_the_grey_of_the_picture(pictures):
    numbers = torch.arange(3)
    grid = torch.stack(torch.meshgrid(*[torch.arange(float(SIZE))] * 2, indexing="xy"), -1).reshape(1, -1, 2)
    for level in range(3):
        grey = pictures.sample(numbers, grid.expand(3, -1, -1), torch.full((3,), level))
        torch.testing.assert_close(grey.mean(1), pictures.means[:3], atol=0.01, rtol=0)


def test_equal_steps_give_equal_scenes_and_others_differ(pictures):
    first, again, other = (
        scenes.compose(pictures, 2, seed, step, draw.Options(), None) for seed, step in ((1, 4), (1, 4), (1, 5))
    )
    assert torch.equal(first.pictures, again.pictures)
    assert torch.equal(first.points, again.points)
    assert first.pictures.shape != other.pictures.shape or not torch.equal(first.pictures, other.pictures)


@pytest.mark.parametrize("step", range(6))
def test_truth_agrees_with_itself(pictures, step):
    batch = scenes.compose(pictures, 4, 7, step, draw.Options(), None)
    assert ((batch.pictures >= 0) & (batch.pictures <= 1)).all()
    height, width = batch.pictures.shape[2:]
    assert height % 32 == 0
    assert width % 32 == 0
    counted = batch.states == scenes.POSITIVE
    assert (batch.sides[counted] >= draw.Options().counted).all()
    inside = ((batch.points >= 0) & (batch.points < torch.tensor([width, height]))).all(-1).float().mean(-1)
    assert (inside[counted] >= draw.Options().clear).all()
    eyes = batch.eyes[counted]
    assert (eyes[:, 2] > eyes[:, 0]).all(), "the left eye lies left of the right one, mirrored or not"


def test_where_no_face_is_wanted_none_is_told(pictures):
    for step in range(4):
        batch = scenes.compose(pictures, 3, 7, step, draw.Options(empty=1.0), None)
        assert (batch.states == scenes.ABSENT).all()


def test_a_paste_hides_the_points_beneath_it(pictures):
    count = 2
    drawn = draw.Draw(pictures, count, 128, 128, draw.Options(), torch.Generator().manual_seed(0))
    side = torch.full((count,), 40.0)
    zero = torch.zeros(count)
    warp = pastes.warp(torch.full((count, 2), 30.0), side, zero, zero > 0, zero, torch.zeros(count, 2))
    paste = drawn._masked(
        torch.zeros(count).long(), pictures.frames[:count], warp, side, face=zero < 1, part=zero > 0
    )
    points = torch.tensor([[30.0, 32.0], [110.0, 110.0]]).expand(count, 1, 2, 2)
    shown = torch.tensor([True, False])
    clear = scenes._clear(replace(paste, shown=shown), points, pictures)
    assert clear[0, 0].tolist() == [False, True]
    assert clear[1, 0].tolist() == [True, True]
