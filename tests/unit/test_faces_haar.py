"""Viola-Jones on a real face and on pictures without one."""

import cv2
import numpy as np
import pytest
from skimage import data

from mien.errors import ModelError
from mien.faces.detect import distinct, haar
from mien.types import Box, Face

FACE = Box(172, 65, 98, 98)  # of the astronaut, by eye: brows to chin


@pytest.fixture(scope="module")
def detector():
    return haar.build(haar.Options())


@pytest.fixture(scope="module")
def astronaut():
    return cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY)


def scaled(picture, factor):
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return cv2.resize(picture, None, fx=factor, fy=factor, interpolation=how)


def times(box, factor):
    return Box(box.x * factor, box.y * factor, box.width * factor, box.height * factor)


@pytest.mark.parametrize("factor", [0.4, 0.6, 1, 1.7, 3])
def test_the_astronaut_at_several_sizes(detector, astronaut, factor):
    (face,) = detector.search(scaled(astronaut, factor), 320)
    assert face.box.overlap(times(FACE, factor)) > 0.6
    assert 0.5 < face.score <= 1


@pytest.mark.parametrize("how", ["mirrored", "dim", "noisy", "wide"])
def test_the_astronaut_in_other_pictures(detector, astronaut, how):
    box, picture = FACE, astronaut
    if how == "mirrored":
        picture = np.ascontiguousarray(astronaut[:, ::-1])
        box = Box(512 - FACE.x - FACE.width, FACE.y, FACE.width, FACE.height)
    elif how == "dim":
        picture = astronaut // 3
    elif how == "noisy":
        noise = np.random.default_rng(0).normal(0, 12, astronaut.shape)
        picture = np.clip(astronaut + noise, 0, 255).astype(np.uint8)
    else:
        picture = np.full((512, 900), 90, np.uint8)
        picture[:, 300:812] = astronaut
        box = FACE.moved(300, 0)
    (face,) = detector.search(picture, 640)
    assert face.box.overlap(box) > 0.6


def test_two_faces(detector, astronaut):
    both = np.concatenate([astronaut, astronaut[:, ::-1]], axis=1)
    faces = detector.search(both, 640)
    assert len(faces) == 2
    assert faces[0].score >= faces[1].score
    assert faces[0].box.overlap(faces[1].box) == 0


@pytest.mark.parametrize("name", ["coins", "grass", "gravel", "brick"])
def test_no_face_where_there_is_none(detector, name):
    picture = getattr(data, name)()
    assert detector.search(picture, 320) == []
    assert detector.search(picture, 640) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (5, 5), (23, 23), (24, 24), (25, 4000), (4000, 30)])
def test_pictures_too_small_for_a_face(detector, shape):
    noise = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert detector.search(noise, 320) == []
    assert detector.near(noise, Box(0, 0, 1, 1), 1.35) is None


def test_a_huge_picture(detector, astronaut):
    huge = np.full((3000, 9000), 128, np.uint8)
    huge[500 : 500 + 2048, 4000 : 4000 + 2048] = scaled(astronaut, 4)
    (face,) = detector.search(huge, 640)
    assert face.box.overlap(times(FACE, 4).moved(4000, 500)) > 0.6


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_an_empty_wall(detector, grey):
    assert detector.search(np.full((240, 320), grey, np.uint8), 320) == []


@pytest.mark.parametrize("shift", [(0, 0), (12, 0), (-12, 8), (0, -14)])
@pytest.mark.parametrize("size", [0.9, 1, 1.12])
def test_near_finds_a_face_that_has_moved_a_little(detector, astronaut, shift, size):
    (there,) = detector.search(astronaut, 320)
    face = detector.near(astronaut, there.box.moved(*shift).scaled(size), 1.6)
    assert face.box.overlap(there.box) > 0.8


@pytest.mark.parametrize("shift", [(180, 0), (-120, 0), (0, 200), (1000, 1000), (-1000, 0)])
def test_near_does_not_find_a_face_that_is_elsewhere(detector, astronaut, shift):
    assert detector.near(astronaut, FACE.moved(*shift), 1.35) is None


@pytest.mark.parametrize("size", [0.25, 3])
def test_near_does_not_find_a_face_of_another_size(detector, astronaut, size):
    assert detector.near(astronaut, FACE.scaled(size), 1.35) is None


def test_near_takes_the_face_that_was_meant(detector, astronaut):
    small = scaled(astronaut[40:200, 150:300], 0.6)
    pair = np.full((120, 260), 120, np.uint8)
    pair[10:106, 10:100] = small
    pair[10:106, 110:200] = small[:, ::-1]
    left, right = sorted((face.box for face in detector.search(pair, 320)), key=lambda box: box.x)
    for meant in (left, right):
        found = detector.near(pair, meant.moved(4, 0), 2.5)
        assert found.box.overlap(meant) > 0.7


def test_the_same_picture_gives_the_same_faces(detector, astronaut):
    once = detector.search(astronaut, 320)
    detector.near(astronaut, FACE, 1.35)
    assert detector.search(astronaut, 320) == once
    assert haar.build(haar.Options()).search(astronaut, 320) == once


def test_the_picture_is_left_alone(detector, astronaut):
    held = astronaut.copy()
    held.flags.writeable = False
    detector.search(held, 320)
    detector.near(held, FACE, 1.35)
    np.testing.assert_array_equal(held, astronaut)


def test_certainty_grows_with_the_answers_and_with_the_step():
    by_answers = [haar.certainty(count, 1.05) for count in range(1, 400)]
    assert by_answers == sorted(by_answers)
    assert len(set(by_answers)) == len(by_answers)
    assert all(0 < sure < 1 for sure in by_answers)
    by_step = [haar.certainty(5, step) for step in (1.01, 1.05, 1.1, 1.2, 2)]
    assert by_step == sorted(by_step)
    assert haar.certainty(0, 1.05) == haar.certainty(1, 1.05)
    assert haar.certainty(1000, 1.05) > 0.99


def test_without_a_second_opinion_there_is_no_second_cascade(monkeypatch, astronaut):
    asked = []
    real = haar._cascade
    monkeypatch.setattr(haar, "_cascade", lambda name: asked.append(name) or real(name))
    assert haar.build(haar.Options(second_opinion=0)).search(astronaut, 320)
    assert asked == [haar.CASCADE]


@pytest.mark.parametrize("loss", ["no module of data", "no class", "no file"])
def test_an_opencv_without_cascades(monkeypatch, tmp_path, loss):
    if loss == "no module of data":
        monkeypatch.delattr(cv2, "data")
    elif loss == "no class":
        monkeypatch.delattr(cv2, "CascadeClassifier")
    else:
        monkeypatch.setattr(cv2.data, "haarcascades", str(tmp_path))
    with pytest.raises(
        ModelError, match=r"has no Viola-Jones cascades: pip install 'opencv-python-headless>=4.10,<5'"
    ):
        haar.build(haar.Options())


@pytest.mark.parametrize(
    "wrong",
    [
        {"search_step": 1.0},
        {"follow_step": 2.5},
        {"check_step": 0.5},
        {"min_neighbours": 0},
        {"min_neighbours_new": 0},
        {"second_opinion": -1},
    ],
)
def test_impossible_options(wrong):
    with pytest.raises(ValueError, match="must be"):
        haar.Options(**wrong)


def test_distinct_keeps_the_best_of_each_place():
    faces = [Face(Box(0, 0, 10, 10), 0.4), Face(Box(1, 0, 10, 10), 0.9), Face(Box(50, 0, 10, 10), 0.5)]
    assert distinct(faces) == [faces[1], faces[2]]
    assert distinct(faces[::-1]) == [faces[1], faces[2]]
    assert distinct([]) == []
    # A chain: the middle one is over both others, which are not over each other.
    chain = [Face(Box(x, 0, 10, 10), score) for x, score in ((0, 0.5), (5, 0.9), (10, 0.5))]
    assert distinct(chain) == [chain[1]]
