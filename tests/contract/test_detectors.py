"""Every face detector keeps the promises of ``faces.detect.Detector``, found by itself."""

import dataclasses
import itertools

import cv2
import numpy as np
import pytest
from skimage import data

from mien import plugins, recipe
from mien.types import Box, Face

DETECTORS = plugins.names("faces.detect")
FACE = Box(172, 65, 98, 98)  # of the astronaut, by eye: brows to chin
MIRRORED = Box(512 - 172 - 98, 65, 98, 98)
AGREES = 0.6  # overlap of two looks at one face from different distances; a finder asks for 0.5


@pytest.fixture(scope="module")
def grey():
    held = cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY)
    held.flags.writeable = False
    return held


@pytest.fixture(params=DETECTORS)
def detector(request):
    part = plugins.part("faces.detect", request.param)
    return part.build(part.Options())


def test_there_are_parts():
    assert {"anchor_free", "haar"} <= set(DETECTORS)


@pytest.mark.parametrize("name", DETECTORS)
def test_options_are_frozen_documented_and_may_all_be_left_out(name):
    part = plugins.part("faces.detect", name)
    assert part.__doc__
    assert part.build.__doc__
    assert part.Options.__dataclass_params__.frozen
    for field in dataclasses.fields(part.Options):
        assert field.name in part.Options.__doc__
    assert part.Options() == recipe.options(part.Options, {}, "r")


def best(faces):
    """What a detector is surest of; on what else it proposes, a finder may ask another network."""
    assert faces
    return faces[0]


def test_the_face_is_found(detector, grey):
    face = best(detector.search(grey, 320))
    assert isinstance(face, Face)
    assert face.box.overlap(FACE) > 0.5
    assert type(face.box.x) is float
    assert 0 <= face.score <= 1
    np.testing.assert_array_equal(grey, cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY))


def test_boxes_are_in_pixels_of_the_picture(detector, grey):
    large = cv2.resize(grey, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    face = best(detector.search(large, 320))
    assert face.box.overlap(Box(FACE.x * 2, FACE.y * 2, FACE.width * 2, FACE.height * 2)) > 0.5


def test_a_larger_search_finds_smaller_faces(detector, grey):
    canvas = np.full((720, 1280), 110, np.uint8)
    small = cv2.resize(grey, (300, 300), interpolation=cv2.INTER_AREA)
    canvas[200:500, 700:1000] = small
    place = Box(700 + FACE.x * 300 / 512, 200 + FACE.y * 300 / 512, FACE.width * 300 / 512, FACE.height * 300 / 512)
    face = best(detector.search(canvas, 1280))
    assert face.box.overlap(place) > 0.5


def test_best_first_and_none_over_another(detector, grey):
    three = np.concatenate([grey, grey[:, ::-1], cv2.GaussianBlur(grey, (0, 0), 2)], axis=1)
    faces = detector.search(three, 1536)
    assert [f.score for f in faces] == sorted((f.score for f in faces), reverse=True)
    for there in (FACE, MIRRORED.moved(512, 0), FACE.moved(1024, 0)):
        assert sum(face.box.overlap(there) > 0.5 for face in faces[:3]) == 1
    limit = getattr(detector._options, "overlap", 0.3)
    assert all(a.box.overlap(b.box) < limit for a, b in itertools.combinations(faces, 2))


def test_near_agrees_with_search(detector, grey):
    there = best(detector.search(grey, 320))
    face = detector.near(grey, there.box, 1.35)
    assert face.box.overlap(there.box) > AGREES
    assert 0 <= face.score <= 1


@pytest.mark.parametrize("shift", [(10, 0), (-8, 6), (0, -12)])
def test_near_follows(detector, grey, shift):
    place = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float64)
    moved = cv2.warpAffine(grey, place, grey.shape[::-1])
    there = best(detector.search(grey, 320))
    assert detector.near(moved, there.box, 1.6).box.overlap(there.box.moved(*shift)) > AGREES


@pytest.mark.parametrize(
    "box", [Box(20, 350, 98, 98), Box(2000, 65, 98, 98), Box(-500, -500, 98, 98), Box(0, 0, 2, 2)]
)
def test_near_is_near(detector, grey, box):
    assert detector.near(grey, box, 1.35) is None


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (200, 3), (20, 20), (64, 64)])
def test_pictures_of_any_size_without_a_face(detector, shape):
    for picture in (np.zeros(shape, np.uint8), np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)):
        assert detector.search(picture, 320) == []
        assert detector.near(picture, Box(0, 0, *shape[::-1]), 2.0) is None


def test_a_picture_need_not_be_contiguous(detector, grey):
    wide = np.concatenate([grey, grey[:, ::-1]], axis=1)
    assert detector.search(wide[:, :512], 320) == detector.search(grey, 320)


def test_the_same_picture_gives_the_same_faces(detector, grey):
    once = detector.search(grey, 320), detector.near(grey, FACE, 1.35)
    detector.search(np.zeros((90, 90), np.uint8), 320)
    assert (detector.search(grey, 320), detector.near(grey, FACE, 1.35)) == once
