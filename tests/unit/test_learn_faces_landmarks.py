"""Training of the landmark network: the crops' geometry, what counts as a face, the loss, and all end to end."""

from __future__ import annotations

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from mien import modelfile
from mien.errors import UsageError
from mien.faces import shape
from mien.learn import loop
from mien.learn.faces import bank, command, crops, landmark_crops, landmark_figures, landmarks
from mien.learn.faces.crops import Frames
from mien.learn.faces.landmark_crops import Options, Source
from mien.learn.faces.landmark_network import CROP, LandmarkNetwork
from mien.learn.threads import one_thread


@pytest.fixture(autouse=True)
def _one_thread():
    """Small tensors: more threads only wait for each other."""
    with one_thread():
        yield


RECIPE = """
seed = 3
[network]
channels = [8, 8, 16, 16, 16]
blocks = [0, 0, 1, 0, 0]
hidden = 32
[training]
steps = 4
batch = 8
warmup = 1
average = 0.5
"""


def _random(seed=1):
    return torch.Generator().manual_seed(seed)


def _frames(place, mirrored, roll=0.3, squeeze=1.1):
    count = len(place)
    shift = torch.tensor([[0.05, -0.03]]).expand(count, 2)
    full = torch.ones(count)
    return Frames.around(place, CROP, shift, full * 1.1, full * roll, full * squeeze, full.bool() == mirrored)


@pytest.mark.parametrize("mirrored", [False, True])
def test_points_lie_where_the_crop_shows_them(mirrored):
    """A bright dot at a point of the picture is at the point's place in the crop."""
    points = shape.mean_shape()[None, :, :2].astype(np.float32) * 80 + 20
    dot = 36  # the outer corner of the left eye
    picture = np.zeros((120, 120), np.uint8)
    at = points[0, dot]
    cv2.circle(picture, tuple(int(v) for v in np.rint(at * 16)), 3 * 16, 255, -1, cv2.LINE_AA, 4)
    frames = _frames(crops.places(points), mirrored)
    stack = crops.Stack.of([picture], "cpu")
    found, _ = crops.cut(stack, torch.tensor([0]), frames, 96)
    weights = found[0, 0]
    centre = (weights[:, :, None] * crops.centres(96, torch.device("cpu"))).sum(dim=(0, 1)) / weights.sum()
    expected = frames.points(torch.tensor(points))[0]
    number = shape.MIRRORED[dot] if mirrored else dot
    torch.testing.assert_close(centre, expected[number], rtol=0, atol=0.003)
    torch.testing.assert_close(frames.unmirrored(expected[None]), torch.tensor(points), rtol=0, atol=1e-3)


def test_a_crop_far_from_its_picture_repeats_or_folds_it_and_says_so():
    ramp = np.tile(np.arange(0, 240, 4, dtype=np.uint8), (60, 1))
    stack = crops.Stack.of([ramp], "cpu")
    frames = Frames(torch.eye(2)[None] * 120, torch.tensor([[29.5, 29.5]]), torch.tensor([False]))
    repeated, inside = crops.cut(stack, torch.tensor([0]), frames, 40)
    folded, _ = crops.cut(stack, torch.tensor([0]), frames, 40, folded=torch.tensor([True]))
    assert inside[0, 0, 20].tolist() == [0.0] * 10 + [1.0] * 20 + [0.0] * 10
    assert repeated[0, 0, 20, -1] == pytest.approx(234 / 255, abs=1e-4)  # at half resolution
    assert folded[0, 0, 20, -1] == pytest.approx(float(folded[0, 0, 20, 20]), abs=0.05)


def test_strong_shrinkage_does_not_alias():
    fine = (np.indices((256, 256)).sum(axis=0) % 2 * 255).astype(np.uint8)
    frames = Frames(torch.eye(2)[None] * 250, torch.tensor([[127.3, 127.9]]), torch.tensor([False]))
    found, _ = crops.cut(crops.Stack.of([fine], "cpu"), torch.tensor([0]), frames, 32)
    assert found.std() < 0.02
    assert found.mean() == pytest.approx(0.5, abs=0.01)


def test_crops_of_faces_and_of_none(drawn_bank):
    source = Source.of(bank.read(drawn_bank), "train", "cpu")
    options = Options(absent=0.5)
    batch = source.draw(200, _random(), options)
    face = batch.trust > 0
    assert batch.pictures.shape == (200, 1, 96, 96)
    assert torch.isfinite(batch.pictures).all()
    assert 0.35 < face.float().mean() < 0.6
    assert (batch.present[face] == 1).all()
    assert (batch.present[~face] == 0).all()
    # Where a face is meant its middle lies in the middle, and its eyes have about their size.
    middle = batch.points[face].mean(dim=1)
    assert (middle - 0.55).abs().max() < 0.25
    assert 0.15 < batch.eyes[face].median() < 0.35
    again = source.draw(200, _random(), options)
    torch.testing.assert_close(again.pictures, batch.pictures, rtol=0, atol=0)


def test_a_missed_face_is_off_by_more_than_half_a_side(drawn_bank):
    faces = Source.of(bank.read(drawn_bank), "train", "cpu").portraits
    index = torch.zeros(300, dtype=torch.int64)
    kind = torch.arange(300) % 3
    frames = landmark_crops.disturbed(faces, index, _random(), Options(followed=1.0, shift=0.0, scale=0.0))
    missed = landmark_crops._missed(frames, kind, _random())
    side = faces.places[0, 2]
    away = (missed.centre - faces.places[0, :2]).norm(dim=1) / side
    assert (away[kind == landmark_crops.ASIDE] > 0.5).all()
    assert (away[kind == landmark_crops.FACE] < 1e-4).all()
    size = missed.matrix.det().abs().sqrt() / (side * CROP)
    assert ((size < 0.55) | (size > 1.7))[kind == landmark_crops.SIZED].all()


def _found(batch, points=None, spread=0.01, logit=None):
    points = batch.points if points is None else points
    logit = (batch.present * 2 - 1) * 20 if logit is None else logit
    return points.repeat(2, 1, 1), torch.full((2 * len(points), 68), spread), logit.repeat(2)


def test_the_loss_counts_what_it_should(drawn_bank):
    source = Source.of(bank.read(drawn_bank), "train", "cpu")
    batch = source.draw(40, _random(), Options(absent=0.5))
    losses = landmarks.Losses(spread=0.0)
    truth = landmarks.loss(_found(batch), batch, losses)
    assert truth < 0.01
    face = (batch.trust > 0)[:, None, None]
    elsewhere = landmarks.loss(_found(batch, batch.points + ~face * 0.5), batch, losses)
    torch.testing.assert_close(elsewhere, truth)
    off = landmarks.loss(_found(batch, batch.points + torch.tensor([0.03, 0.04])), batch, losses)
    torch.testing.assert_close(off - truth, torch.tensor(0.5), rtol=0, atol=0.01)
    assert landmarks.loss(_found(batch, logit=20 - 40 * batch.present), batch, losses) > 3
    unsure = replace(batch, counted=torch.zeros(40, dtype=torch.bool))
    assert landmarks.loss(_found(unsure, logit=20 - 40 * batch.present), unsure, losses) < 0.01


def test_two_views_that_disagree_cost_and_the_right_spread_is_the_error(drawn_bank):
    batch = Source.of(bank.read(drawn_bank), "train", "cpu").draw(20, _random(), Options(absent=0.0))
    apart = torch.cat([batch.points + 0.01, batch.points - 0.01])
    only = landmarks.Losses(points=0.0, spread=0.0, presence=0.0)
    found = (apart, torch.full((40, 68), 0.01), torch.zeros(40))
    assert float(landmarks.loss(found, batch, only)) == pytest.approx(3 * 0.02 * 2**0.5, rel=0.02)
    spread = landmarks.Losses(points=0.0, presence=0.0, consistency=0.0)
    costs = [
        float(landmarks.loss((apart, torch.full((40, 68), b), found[2]), batch, spread)) for b in (5e-3, 1e-2, 2e-2)
    ]
    assert costs[1] == min(costs)


def test_from_bank_to_sealed_network_and_again(drawn_bank, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(landmark_figures, "PART", 12)
    monkeypatch.setattr(landmark_figures, "STILL", 2)
    recipe, weights, out = tmp_path / "r.toml", tmp_path / "w.npz", tmp_path / "landmarks.onnx"
    recipe.write_text(RECIPE)
    train = ["--bank", str(drawn_bank), "--recipe", str(recipe), "--device", "cpu", "--weights"]
    landmarks.main([*train, str(weights)])
    assert "nme_portraits_tight_1" in capsys.readouterr().out
    story = json.loads(weights.with_suffix(".json").read_text())
    assert {"nme_small_wide_2", "jitter", "presence_auc"} <= story["figures"].keys()
    assert all(np.isfinite(value) for value in story["figures"].values())
    landmarks.main(["--from", str(weights), "-o", str(out)])
    file = modelfile.read_network(out)
    assert file.meta.job == "landmarks"
    assert file.meta.settings == {"size": 96, "crop": 1.3}
    assert file.meta.provenance.items == 12
    from mien.faces import landmarks as runtime

    grey = np.random.default_rng(0).integers(0, 256, (120, 160), np.uint8)
    (found,) = runtime.LandmarkNetwork(file).find(grey, [shape.Placement(80, 60, 70)])
    assert found.points.shape == (68, 2)
    assert 0 <= found.presence <= 1
    assert (found.spread > 0).all()
    second = tmp_path / "again.npz"
    landmarks.main([*train, str(second)])
    for name, array in command.kept(weights)[0].items():
        np.testing.assert_array_equal(loop.read(second)[name], array, err_msg=name)


def test_an_untrained_network_says_the_mean_shape():
    network = LandmarkNetwork(landmarks.NetworkOptions()).eval()
    with torch.inference_mode():
        points, spread, logit = network(torch.rand(2, 1, 96, 96, generator=_random()))
    assert (spread > 0).all()
    assert logit.shape == (2,)
    box = (points - 0.5) * CROP + 0.5
    assert float((box - torch.tensor(shape.mean_shape()[:, :2])).abs().max()) < 0.2


def test_the_shipped_recipe_is_readable_and_wrong_calls_are_refused():
    given = command.arguments("landmarks", ["--bank", "b", "--weights", "w", "--steps", "5"])
    recipe = command.recipe_of(landmarks.Recipe, given.recipe.read_text(), "landmarks")
    assert given.training(recipe.training).steps == 5
    for wrong in ([], ["--bank", "b"], ["--from", "w"], ["--bank", "b", "--weights", "w", "--steps", "0"]):
        with pytest.raises(UsageError):
            command.arguments("landmarks", wrong)


def test_a_course_for_presence_alone_leaves_the_points_as_they_are(drawn_bank, tmp_path, monkeypatch):
    monkeypatch.setattr(landmark_figures, "PART", 12)
    monkeypatch.setattr(landmark_figures, "STILL", 2)
    recipe, first, second = tmp_path / "r.toml", tmp_path / "first.npz", tmp_path / "second.npz"
    train = ["--bank", str(drawn_bank), "--recipe", str(recipe), "--device", "cpu"]
    recipe.write_text(RECIPE)
    landmarks.main([*train, "--weights", str(first)])
    recipe.write_text("only_presence = true\n" + RECIPE)
    landmarks.main([*train, "--start", str(first), "--weights", str(second)])
    before, after = command.kept(first)[0], command.kept(second)[0]
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert changed == {"presence.weight", "presence.bias"}
