"""Composite faces: warped, averaged, of several people, and like none of them."""

import numpy as np
import pytest

pytest.importorskip("torch")

from mien.data.opening import open_dataset
from mien.errors import TrainingError
from mien.faces import patches
from mien.generation.likeness import Gallery
from mien.learn.generation import composites
from mien.learn.generation.composites import Faces, Options

SIZE = 24
CUT = patches.Options(size=SIZE, margin=1.0, scaling="full-range", alignment="points")


@pytest.fixture(scope="module")
def dataset():
    return open_dataset("synthetic:people=8,seed=1")


@pytest.fixture(scope="module")
def faces(dataset):
    return composites.faces(dataset.items, dataset.labels, len(dataset.action_units), CUT)


@pytest.fixture(scope="module")
def gallery(dataset, faces):
    items = dataset.items
    shown, people = [item.expression for item in items], [item.subject for item in items]
    return Gallery(faces.pixels[: len(items)], shown, people, [item.name for item in items])


def test_every_face_comes_with_its_mirror_image(dataset, faces):
    half = len(dataset.items)
    assert len(faces.pixels) == 2 * half
    assert np.array_equal(faces.pixels[half:], faces.pixels[:half, :, ::-1])
    mouth = faces.points[:, [48, 54]]
    assert (mouth[:, 0, 0] < mouth[:, 1, 0]).all()  # the mirrored left corner is the left one again
    assert np.allclose(mouth[half:, 0, 0], SIZE - 1 - mouth[:half, 1, 0])
    assert np.allclose(faces.pixels.mean(axis=(1, 2)), 0, atol=1e-5)


def test_the_points_lie_on_the_patch(faces):
    # the pupils' surroundings are the darkest of a drawn face's upper half
    eyes = faces.points[:, 36:48].mean(axis=1)
    assert (eyes > 0).all()
    assert (eyes < SIZE - 1).all()
    assert np.allclose(eyes[:, 0].mean(), (SIZE - 1) / 2, atol=0.5)


def test_a_composite_is_of_so_many_people_who_show_the_same(faces, gallery):
    made = composites.blended(faces, Options(count=24, people=3, alike=1.0), gallery, 0)
    assert made.pixels.shape == (24, SIZE, SIZE)
    assert np.bincount(made.labels).tolist() == [3] * 8
    assert ((made.people > 0).sum(axis=1) == 3).all()
    assert np.allclose(made.people.sum(axis=1), 1, atol=1e-6)
    assert made.people.max() < 0.7
    assert ((made.units >= 0) & (made.units <= 1)).all()
    assert np.allclose(made.pixels.std(axis=(1, 2)), 1, atol=1e-4)


def test_equal_seeds_give_equal_bits(faces, gallery):
    one, two, other = (
        composites.blended(faces, Options(count=8, people=2, alike=1.0), gallery, seed).pixels for seed in (0, 0, 1)
    )
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


def test_blending_a_face_with_itself_gives_it_back(faces):
    same = composites._blend(faces.pixels[[0, 0]], faces.points[[0, 0]], np.array([0.5, 0.5]))
    assert np.allclose(same, faces.pixels[0], atol=1e-3)


def test_a_warp_takes_the_points_along():
    """A bright spot at one point of each of two faces comes to lie at the mean of the two points."""
    points = np.array([[4.0, 4], [19, 4], [4, 19], [19, 19], [10, 10]])
    moved = points.copy()
    moved[4] = (14, 12)
    pixels = np.zeros((2, SIZE, SIZE), np.float32)
    pixels[0, 9:12, 9:12] = pixels[1, 11:14, 13:16] = 1
    found = composites._blend(pixels, np.stack([points, moved]), np.array([0.5, 0.5]))
    y, x = np.unravel_index(found.argmax(), found.shape)
    assert (abs(x - 12), abs(y - 11)) <= (1, 1)
    assert found.max() > 0.8  # both spots in one place, not two of half the brightness


def test_what_is_too_like_somebody_is_made_anew(faces, gallery):
    limit = np.quantile(gallery.strangers().likeness, 0.9)
    free = composites.blended(faces, Options(count=40, people=2, alike=1.0), gallery, 0)
    kept = composites.blended(faces, Options(count=40, people=2, alike=0.9), gallery, 0)
    assert gallery.nearest(free.pixels).likeness.max() > limit
    assert gallery.nearest(kept.pixels).likeness.max() <= limit


def test_too_few_people_are_refused(faces, gallery):
    with pytest.raises(TrainingError, match="9 people are needed for each expression, but number 1 is shown by 8"):
        composites.blended(faces, Options(count=8, people=9), gallery, 0)


def test_composites_that_stay_too_like_somebody_are_refused(faces, gallery):
    few = np.isin(faces.people, (0, 1))
    two = Faces(faces.pixels[few], faces.points[few], faces.labels[few], faces.units[few], faces.people[few])
    with pytest.raises(TrainingError, match="still too like a real face; blend more people, or raise alike"):
        composites.blended(two, Options(count=8, people=2, alike=0.5), gallery, 0)


@pytest.mark.parametrize("wrong", [{"people": 1}, {"count": 0}, {"evenness": 0.0}, {"alike": 0.1}])
def test_impossible_options_are_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        Options(**wrong)
