"""Faces followed by their picture: where it is, to a fraction of a pixel, or nothing."""

import cv2
import numpy as np
import pytest
from skimage import data

from mien.faces.template import SIZE, STEPS, Template
from mien.types import Box

FACE = Box(175, 60, 100, 100)
# A fifth of a pixel of the shrunken picture, half a hundredth of the face's width: the parabola's own error.
LEAST = 0.2 / SIZE


@pytest.fixture(scope="module")
def picture():
    return cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY)


def shifted(picture, dx, dy):
    place = np.array([[1, 0, dx], [0, 1, dy]], np.float64)
    return cv2.warpAffine(
        picture, place, picture.shape[::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )


def scaled(picture, factor):
    return cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize("dx", [-9.3, -2.5, 0, 0.4, 3.75, 11])
@pytest.mark.parametrize("dy", [-6.2, 0, 0.6, 8.5])
def test_displacement_to_a_fraction_of_a_pixel(picture, dx, dy):
    found = Template.take(picture, FACE).find(shifted(picture, dx, dy), FACE)
    assert found.x == pytest.approx(FACE.x + dx, abs=LEAST * FACE.width)
    assert found.y == pytest.approx(FACE.y + dy, abs=LEAST * FACE.width)
    assert (found.width, found.height) == (FACE.width, FACE.height)


@pytest.mark.parametrize("dx", np.linspace(-6, 6, 9).round(2))
def test_a_face_of_50_pixels_to_a_third_of_a_pixel(picture, dx):
    small, box = scaled(picture, 0.5), FACE.scaled(0.5).moved(-FACE.centre[0] / 2, -FACE.centre[1] / 2)
    found = Template.take(small, box).find(shifted(small, dx, -dx / 2), box)
    assert found.centre == pytest.approx(box.moved(dx, -dx / 2).centre, abs=0.3)


@pytest.mark.parametrize("factor", [0.3, 0.5, 0.8, 2])
def test_faces_of_other_sizes(picture, factor):
    small = scaled(picture, factor)
    box = Box(FACE.x * factor, FACE.y * factor, FACE.width * factor, FACE.height * factor)
    dx, dy = 5 * factor, -4 * factor
    found = Template.take(small, box).find(shifted(small, dx, dy), box)
    assert found.centre == pytest.approx(box.moved(dx, dy).centre, abs=max(0.3, LEAST * box.width))


def test_where_it_is_expected_does_not_matter(picture):
    template = Template.take(picture, FACE)
    moved = shifted(picture, 6, 3)
    for guess in (FACE, FACE.moved(4.5, 2.5), FACE.moved(9, -3).scaled(1.2)):
        found = template.find(moved, guess)
        assert found.centre == pytest.approx(FACE.moved(6, 3).centre, abs=0.3)


def test_nothing_moves_when_nothing_moved(picture):
    template, box = Template.take(picture, FACE), FACE
    for _ in range(20):
        box = template.find(picture, box)
    assert box.centre == pytest.approx(FACE.centre, abs=0.3)


@pytest.mark.parametrize("light", [lambda p: p // 2, lambda p: 255 - (255 - p) // 2])
def test_the_light_may_change(picture, light):
    found = Template.take(picture, FACE).find(light(shifted(picture, 3, 2)), FACE)
    assert found.centre == pytest.approx(FACE.moved(3, 2).centre, abs=0.3)


def test_further_than_it_looks_is_nowhere(picture):
    pixel = FACE.width / 36
    for dx, dy in ((1, 0), (0, 1), (-1, 0), (0, -1)):
        far = (STEPS + 1) * pixel
        assert Template.take(picture, FACE).find(shifted(picture, dx * far, dy * far), FACE) is None


def test_another_picture_is_nowhere(picture):
    template = Template.take(picture, FACE)
    noise = np.random.default_rng(0).integers(0, 256, picture.shape, dtype=np.uint8)
    for other in (
        noise,
        np.full_like(picture, 80),
        picture[::-1].copy(),
        255 - picture,
        cv2.GaussianBlur(noise, (0, 0), 4),
    ):
        assert template.find(other, FACE) is None


def test_a_face_of_one_grey_is_nowhere(picture):
    flat = np.full_like(picture, 99)
    assert Template.take(flat, FACE).find(flat, FACE) is None


@pytest.mark.parametrize(
    "box", [Box(-40, 60, 100, 100), Box(175, -30, 100, 100), Box(450, 60, 100, 100), Box(200, 460, 90, 90)]
)
def test_beyond_the_frame_no_picture_is_taken(picture, box):
    assert Template.take(picture, box) is None


@pytest.mark.parametrize("edge", [(-180, 0), (0, -70), (250, 0), (0, 360)])
def test_at_the_border_it_is_nowhere(picture, edge):
    template = Template.take(picture, FACE)
    assert template.find(picture, FACE.moved(*edge)) is None


def test_the_frame_s_last_pixel_may_be_used():
    noise = np.random.default_rng(0).integers(0, 256, (60, 60), dtype=np.uint8)
    assert Template.take(noise, Box(9.75, 9.75, 49.5, 49.5).scaled(1)) is not None
    small = cv2.GaussianBlur(noise, (0, 0), 3)
    assert Template.take(small, Box(0, 0, 59, 59).scaled(1 / 0.75)) is not None


def test_the_picture_is_left_alone(picture):
    held = picture.copy()
    held.flags.writeable = False
    template = Template.take(held, FACE)
    template.find(held, FACE)
    np.testing.assert_array_equal(held, picture)
    # A template holds its own small picture: it must not keep the frame alive.
    assert template.picture.base is None
    assert template.picture.nbytes < 1000
