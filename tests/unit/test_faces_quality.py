"""Quality of a face, on the astronaut's and on made-up ones."""

import itertools

import cv2
import numpy as np
import pytest
from skimage import data

from mien.faces.quality import quality
from mien.faces.shape import LEFT_EYE, RIGHT_EYE, Placement, mean_shape

FACE = Placement(221, 114, 98)


@pytest.fixture(scope="module")
def grey():
    return cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY)


def test_a_sharp_face_is_sharp(grey):
    seen = quality(grey, FACE, 0.75)
    assert 0.7 < seen.sharpness <= 1
    assert seen.presence == 0.75
    assert {type(v) for v in (seen.sharpness, seen.brightness, seen.size)} == {float}


def test_blur_takes_sharpness_away_step_by_step(grey):
    blurs = [grey, *(cv2.GaussianBlur(grey, (0, 0), sigma) for sigma in (0.7, 1.0, 1.5, 2, 3, 4))]
    found = [quality(blurred, FACE, 1).sharpness for blurred in blurs]
    assert found == sorted(found, reverse=True)
    assert all(a - b > 0.01 for a, b in itertools.pairwise(found))
    assert found[-1] < 0.15


@pytest.mark.parametrize("gain", [0.3, 0.6])
def test_sharpness_hardly_sees_the_light(grey, gain):
    dimmed = (grey * gain).astype(np.uint8)
    assert quality(dimmed, FACE, 1).sharpness == pytest.approx(quality(grey, FACE, 1).sharpness, abs=0.08)
    assert quality(dimmed, FACE, 1).brightness == pytest.approx(quality(grey, FACE, 1).brightness * gain, abs=0.01)


def test_sharpness_does_not_see_a_larger_picture_of_the_same_detail():
    """Blots of a fortieth of the face, at 100 and at 400 pixels."""
    blots = np.random.default_rng(0).integers(0, 256, (40, 40), dtype=np.uint8)
    found = []
    for side in (100, 200, 400):
        grey = cv2.resize(blots, (side, side), interpolation=cv2.INTER_CUBIC)
        found.append(quality(grey, Placement((side - 1) / 2, (side - 1) / 2, side), 1).sharpness)
    assert np.ptp(found) < 0.1


def test_a_face_of_few_pixels_is_less_sharp(grey):
    small = cv2.resize(grey, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    place = Placement(FACE.x / 4 - 0.375, FACE.y / 4 - 0.375, FACE.side / 4)
    assert quality(small, place, 1).sharpness < quality(grey, FACE, 1).sharpness - 0.2


def test_brightness_is_that_of_the_oval():
    grey = np.full((200, 200), 255, np.uint8)
    cv2.ellipse(grey, (100, 100), (50, 55), 0, 0, 360, 51, -1)
    assert quality(grey, Placement(100, 100, 100), 1).brightness == pytest.approx(0.2, abs=0.002)


@pytest.mark.parametrize("roll", [0, 30])
def test_size_is_the_distance_of_the_mean_shapes_eyes(roll):
    place = Placement(300, 200, 123, roll)
    points = place.points(mean_shape())
    between = np.linalg.norm(points[RIGHT_EYE].mean(axis=0) - points[LEFT_EYE].mean(axis=0))
    assert quality(np.zeros((9, 9), np.uint8), place, 1).size == pytest.approx(between, rel=1e-9)


def test_turning_the_picture_changes_nothing(grey):
    turn = cv2.getRotationMatrix2D((FACE.x, FACE.y), -30, 1)
    turned = cv2.warpAffine(grey, turn, grey.shape[::-1], flags=cv2.INTER_CUBIC)
    one, other = quality(grey, FACE, 1), quality(turned, Placement(FACE.x, FACE.y, FACE.side, 30), 1)
    assert other.sharpness == pytest.approx(one.sharpness, abs=0.15)
    assert other.brightness == pytest.approx(one.brightness, abs=0.01)


@pytest.mark.parametrize("shape", [(1, 1), (16, 16), (1, 500), (2160, 4096)])
@pytest.mark.parametrize("fill", [0, 128, 255, None])
@pytest.mark.parametrize("place", [Placement(8, 8, 10), Placement(-900, 5, 3000, 77), Placement(0, 0, 0.1)])
def test_hostile_pictures(shape, fill, place):
    noise = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    seen = quality(noise if fill is None else np.full(shape, fill, np.uint8), place, 0.0)
    assert 0 <= seen.sharpness <= 1
    assert 0 <= seen.brightness <= 1
    if fill is not None:
        assert seen.sharpness == 0
        assert seen.brightness == pytest.approx(fill / 255)


def test_no_place_is_no_quality():
    with pytest.raises(ValueError, match="no square can be cut"):
        quality(np.zeros((9, 9), np.uint8), Placement(0, 0, float("nan")), 1)
