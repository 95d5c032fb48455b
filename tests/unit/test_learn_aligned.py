"""Training on faces that are aligned by their points: the same patches in training, in the file and in use."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytest.importorskip("onnx")

from mien import modelfile
from mien.data import landmarks
from mien.data.dataset import Dataset, Item
from mien.data.splits import Fold
from mien.errors import DataError
from mien.evaluate import predict
from mien.faces import patches
from mien.faces.shape import MIRRORED, Placement, mean_shape, placed
from mien.labels import LabelSet
from mien.learn import augmentation, export, fit, recipe, training_set
from mien.learn.augmentation import Augmentation, views

LABELS = ("anger", "neutral")
RECIPE = """
name = "small"
seed = 4
[patches]
size = 12
alignment = "points"
[augmentation]
mirror = true
copies = 2
[features]
name = "pixels"
[head]
name = "softmax"
C = [1.0]
standardise = [false]
"""
CUT = patches.Options(size=24, alignment="points")
STILL = {"shift": 0.0, "scale": 0.0}


def drawn(place: Placement, size: int = 96, eye: int = 60) -> np.ndarray:
    """A dull face whose 68 points are dots, laid at ``place``; the eye at the left has its own brightness."""
    v, u = np.mgrid[:size, :size]
    picture = np.full((size, size), 180.0)
    for number, (x, y) in enumerate(place.points(mean_shape())):
        dark = 180 - (eye if 36 <= number < 42 else 130)
        picture -= dark * np.exp(-((u - x) ** 2 + (v - y) ** 2) / 8)
    return picture.clip(0, 255).astype(np.uint8)


PLACES = [Placement(47 + k % 5 - 2, 46 + k % 3, 60 + 2 * (k % 4), 5 * (k % 7 - 3)) for k in range(24)]


@dataclasses.dataclass(frozen=True)
class Truth:
    """A landmark network that knows where the faces were drawn; one of them it does not see."""

    blind: int = -1
    sha256: str = "b" * 64

    def in_crop(self, grey):
        found = next(k for k, place in enumerate(PLACES) if (FACES[k] == grey).all())
        return None if found == self.blind else PLACES[found].points(mean_shape()).astype(np.float32)


FACES = [drawn(place, eye=(20, 110)[k % 2] + k) for k, place in enumerate(PLACES)]


def dataset(count: int = 24) -> Dataset:
    items = tuple(
        Item(f"i{k:02}", f"s{k // 2:02}", f"q{k}", 0, LABELS[k % 2], None, lambda k=k: FACES[k])
        for k in range(count)
    )
    return Dataset("drawn", items, LabelSet(LABELS))


@pytest.fixture
def truth(monkeypatch):
    monkeypatch.setattr(landmarks, "shipped", Truth)


def views_of(k: int, **changes: object) -> np.ndarray:
    alter = Augmentation(**{**STILL, **changes})
    points = PLACES[k].points(mean_shape())
    return np.stack(views(FACES[k], CUT, alter, np.random.default_rng(3), points))


def test_wherever_a_face_lies_its_patch_is_the_same():
    plain = drawn(Placement(47.5, 47.5, 64), eye=31)
    wanted = patches.cut(plain, None, CUT, Placement(47.5, 47.5, 64).points(mean_shape()))
    turned = Placement(44, 50, 64, 12)
    found = patches.cut(drawn(turned, eye=31), None, CUT, turned.points(mean_shape()))
    assert np.corrcoef(wanted.ravel(), found.ravel())[0, 1] > 0.97
    box = patches.cut(drawn(turned, eye=31), None, patches.Options(size=24))
    assert np.corrcoef(wanted.ravel(), box.ravel())[0, 1] < 0.8


def test_a_mirrored_copy_is_the_mirrored_patch():
    """Were the points not renumbered, the square would be upside down or the eyes exchanged."""
    face, mirrored = views_of(3, mirror=True)
    np.testing.assert_allclose(mirrored, face[:, ::-1], atol=0.02)
    assert np.abs(mirrored - face).max() > 0.1


def test_copies_that_are_not_disturbed_are_the_face():
    face, mirrored, *rest = views_of(3, mirror=True, copies=4)
    for copy, wanted in zip(rest, (face, mirrored, face, mirrored), strict=True):
        np.testing.assert_array_equal(copy, wanted)


@given(st.floats(0, 0.2), st.floats(0, 0.2), st.floats(0, 45), st.integers(0, 99))
def test_the_square_is_disturbed_within_the_bounds(shift, scale, rotation, seed):
    before = PLACES[5]
    alter = Augmentation(shift=shift, scale=scale, rotation=rotation)
    moved = augmentation._disturbed(before.points(mean_shape()), alter, np.random.default_rng(seed))
    after = placed(moved)
    eps = 1e-6
    assert abs(after.x - before.x) <= shift * before.side + eps
    assert abs(after.y - before.y) <= shift * before.side + eps
    assert abs(after.side / before.side - 1) <= scale + eps
    assert abs(after.roll - before.roll) <= rotation + eps


def test_each_of_shift_scale_and_rotation_disturbs_its_own():
    before = PLACES[5]
    for name, bound in {"shift": 0.1, "scale": 0.1, "rotation": 20.0}.items():
        alter = Augmentation(**{**STILL, name: bound})
        random = np.random.default_rng(0)
        after = [placed(augmentation._disturbed(before.points(mean_shape()), alter, random)) for _ in range(40)]
        spread = {
            "shift": max(abs(p.x - before.x) / before.side for p in after),
            "scale": max(abs(p.side / before.side - 1) for p in after),
            "rotation": max(abs(p.roll - before.roll) for p in after),
        }
        assert spread.pop(name) > 0.7 * bound
        assert max(spread.values()) < 1e-6


def test_aligned_views_need_points():
    with pytest.raises(ValueError, match="there are none"):
        views(FACES[0], CUT, Augmentation(), np.random.default_rng(0))


def test_a_training_set_is_cut_by_the_points_of_its_items(truth):
    whole = landmarks.with_landmarks(dataset())
    found = training_set.cut(whole.items, CUT)
    for k in (0, 7):
        wanted = patches.cut(FACES[k], None, CUT, np.array(whole.items[k].landmarks))
        np.testing.assert_array_equal(found[k], wanted)
    assembled = training_set.assemble(whole.items, whole.labels, CUT, Augmentation(), 0)
    np.testing.assert_array_equal(assembled.patches, found)
    box = patches.Options(size=24)
    np.testing.assert_array_equal(training_set.cut(whole.items, box), training_set.cut(dataset().items, box))


def test_points_that_do_not_say_where_the_face_is_name_the_item():
    heap = dataclasses.replace(dataset().items[0], landmarks=((3.0, 3.0),) * 68)
    with pytest.raises(DataError, match="i00: all points lie in one place"):
        training_set.cut([heap], CUT)
    with pytest.raises(DataError, match="i00: all points lie in one place"):
        training_set.assemble([heap], LabelSet(LABELS), CUT, Augmentation(copies=1), 0)
    with pytest.raises(DataError, match="i01: has no landmarks to align it by, and none were sought"):
        training_set.cut(dataset().items[1:2], CUT)


def test_training_the_file_and_its_use_see_the_same_patches(truth, tmp_path):
    plan = recipe.parse(RECIPE, "test")
    trained = fit.train(plan, dataset(16))
    target = tmp_path / "small.onnx"
    assert export.export(trained, dataset(16), target) < 1e-5
    file = modelfile.read(target)
    assert file.meta.preprocessing["alignment"] == "points"
    assert file.meta.notes["landmarks"] == {
        "own": 0, "found": 16, "missed": 0, "untold": 0, "networks": ["b" * 64],
    }  # fmt: skip
    others = dataclasses.replace(dataset(), items=dataset().items[16:])
    scored = predict.as_is(file, others)
    wanted = trained.predict(training_set.cut(landmarks.with_landmarks(others).items, plan.patches))
    np.testing.assert_allclose(scored.probabilities, wanted, atol=1e-5)
    again = predict.retrained(file, dataset(), [Fold(tuple(range(16)), tuple(range(16, 24)))], "x", lambda *_: None)
    np.testing.assert_allclose(again.probabilities, wanted, atol=1e-5)


def test_a_crop_in_which_no_face_is_seen_is_scored_as_an_upright_face_and_counted(monkeypatch, tmp_path):
    monkeypatch.setattr(landmarks, "shipped", lambda: Truth(blind=20))
    plan = recipe.parse(RECIPE, "test")
    trained = fit.train(plan, dataset())
    target = tmp_path / "small.onnx"
    export.export(trained, dataset(), target)
    assert modelfile.read(target).meta.notes["landmarks"]["missed"] == 1
    blind = landmarks.with_landmarks(dataset()).items[20:21]
    box = patches.Options(size=12)  # an upright face that fills the crop is cut by the whole crop
    likeness = np.corrcoef(training_set.cut(blind, plan.patches).ravel(), training_set.cut(blind, box).ravel())
    assert likeness[0, 1] > 0.95


def test_without_alignment_nobody_looks_for_points(monkeypatch, tmp_path):
    monkeypatch.setattr(landmarks, "shipped", lambda: pytest.fail("the network is not needed"))
    plan = recipe.parse(RECIPE.replace('"points"', '"box"'), "test")
    target = tmp_path / "small.onnx"
    export.export(fit.train(plan, dataset(16)), dataset(16), target)
    assert "landmarks" not in modelfile.read(target).meta.notes
    predict.as_is(modelfile.read(target), dataclasses.replace(dataset(), items=dataset().items[16:]))


def test_mirrored_points_are_those_of_the_mirrored_face():
    shape = mean_shape()[:, :2]
    np.testing.assert_allclose(shape[list(MIRRORED)] * (-1, 1) + (1, 0), shape, atol=2e-3)


def test_faces_cut_by_the_box_do_not_look_at_points():
    """Nor at random numbers for them: the bytes of the shipped model depend on the order of the draws."""
    alter = Augmentation(mirror=True, copies=3, shift=0.1, scale=0.1, rotation=5, lighting=0.5, backdrop=0.5)
    box = patches.Options(size=24)
    first, second = np.random.default_rng(3), np.random.default_rng(3)
    with_points = views(FACES[0], box, alter, first, PLACES[0].points(mean_shape()))
    np.testing.assert_array_equal(with_points, views(FACES[0], box, alter, second))
    assert first.uniform() == second.uniform()


def test_the_shipped_recipe_aligns_by_points_and_the_others_do_not():
    plan = recipe.read("aligned")
    assert (plan.name, plan.patches.alignment, plan.patches.margin) == ("aligned", "points", 0.9)
    assert {recipe.read(name).patches.alignment for name in ("paper", "fine_tuned")} == {"box"}
