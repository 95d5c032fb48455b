"""How near faces come to real ones: copies are found, however faint or mirrored, and average faces are not."""

import numpy as np
import pytest

from mien.errors import DataError
from mien.generation.likeness import LEVELS, Gallery

PEOPLE, SIZE = 12, 16


@pytest.fixture
def pixels():
    """Two expressions of twelve people: what is common to all, the expression's (both symmetric), one's own."""
    random = np.random.default_rng(0)
    common, *shown = (part + part[:, ::-1] for part in random.normal(size=(3, SIZE, SIZE)))
    own = random.normal(size=(PEOPLE, SIZE, SIZE))
    faces = 2 * common + np.stack(shown)[:, None] + own[None]
    return (0.5 + 0.05 * faces).reshape(-1, SIZE, SIZE).astype(np.float32)


@pytest.fixture
def gallery(pixels):
    people = [f"p{k}" for k in range(PEOPLE)] * 2
    return Gallery(pixels, ["anger"] * PEOPLE + ["neutral"] * PEOPLE, people, [f"f{k}" for k in range(2 * PEOPLE)])


def test_a_copy_is_found(gallery, pixels):
    found = gallery.nearest(pixels)
    assert found.distance == pytest.approx(0, abs=1e-3)
    assert found.likeness == pytest.approx(1)
    assert found.alike.tolist() == list(range(2 * PEOPLE))


@pytest.mark.parametrize("change", [lambda x: x[:, :, ::-1], lambda x: 0.3 * x + 0.1])
def test_mirrored_or_in_other_light_it_is_a_copy_still(gallery, pixels, change):
    found = gallery.nearest(np.ascontiguousarray(change(pixels)))
    assert found.likeness == pytest.approx(1, abs=1e-5)
    assert found.distance == pytest.approx(0, abs=1e-2)


def test_a_faint_copy_is_as_alike_as_a_strong_one_though_it_is_farther(gallery, pixels):
    mean = pixels[:PEOPLE].mean(axis=0)
    faint = gallery.nearest((mean + 0.5 * (pixels[:PEOPLE] - mean)).astype(np.float32))
    assert faint.likeness.min() > 0.9
    assert faint.distance.min() > 0.1


def test_an_average_face_is_near_and_like_nobody(gallery, pixels):
    found = gallery.nearest(pixels[:PEOPLE].mean(axis=0, keepdims=True))
    assert found.likeness[0] < 0.5
    assert found.distance[0] < gallery.strangers().distance.mean()


def test_strangers_are_other_people(gallery):
    """Each has a second face in the gallery, which must not count."""
    told = gallery.strangers()
    assert told.likeness.max() < 0.6
    assert told.distance.min() > 0.3
    assert (told.alike % PEOPLE != np.arange(2 * PEOPLE) % PEOPLE).all()


def test_quantiles_are_json_values(gallery):
    told = gallery.strangers().told()
    assert set(told) == {"distance", "likeness"}
    assert all(len(values) == len(LEVELS) and values == sorted(values) for values in told.values())
    assert all(type(value) is float for values in told.values() for value in values)


def test_one_person_is_no_yardstick(pixels):
    with pytest.raises(DataError, match="faces of two people or more are needed"):
        Gallery(pixels[:2], ["anger", "neutral"], ["p", "p"], ["a", "b"])


def test_another_size_is_refused(gallery):
    with pytest.raises(DataError, match="faces of 64 pixels cannot be compared with 256"):
        gallery.nearest(np.zeros((1, 8, 8), np.float32))
