from __future__ import annotations

import numpy as np
import pytest

from mien.errors import InputError
from mien.video.arrays import ArraySource, frame_from_array


def test_grey_uint8_is_taken_as_it_is():
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    pixels = frame_from_array(grey).pixels
    np.testing.assert_array_equal(pixels.grey(), grey)
    np.testing.assert_array_equal(pixels.rgb(), np.dstack([grey] * 3))
    assert (pixels.width, pixels.height) == (4, 3)


def test_colour_is_weighed_as_luma():
    rgb = np.zeros((1, 3, 3), np.uint8)
    rgb[0, [0, 1, 2], [0, 1, 2]] = 255
    np.testing.assert_allclose(frame_from_array(rgb).pixels.grey(), [[76, 150, 29]], atol=1)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_from_0_to_1_are_scaled(dtype):
    grey = frame_from_array(np.array([[0, 0.5, 1]], dtype)).pixels.grey()
    np.testing.assert_array_equal(grey, [[0, 128, 255]])


def test_later_changes_of_the_array_do_not_reach_the_frame():
    array = np.zeros((2, 2), np.uint8)
    frame = frame_from_array(array)
    array[:] = 9
    assert frame.pixels.grey().max() == 0


@pytest.mark.parametrize("order", ["F", "strided"])
def test_any_memory_order_will_do(order):
    plain = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    array = np.asfortranarray(plain) if order == "F" else np.repeat(plain, 2, axis=1)[:, ::2]
    pixels = frame_from_array(array).pixels
    np.testing.assert_array_equal(pixels.rgb(), plain)
    assert pixels.grey().shape == (4, 6)


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.full((2, 2), np.nan), "NaN or infinite"),
        (np.full((2, 2), np.inf), "NaN or infinite"),
        (np.full((2, 2), -0.1), "from -0.1 to -0.1"),
        (np.full((2, 2), 255.0), "must be in"),
        (np.zeros((2, 2), np.int64), "dtype int64"),
        (np.zeros((2, 2), np.uint16), "dtype uint16"),
        (np.zeros((2, 2), bool), "dtype bool"),
        (np.zeros((2, 2), complex), "dtype complex128"),
        (np.zeros((2, 2), object), "dtype object"),
        (np.zeros(4, np.uint8), r"shape \(4,\)"),
        (np.zeros((2, 2, 4), np.uint8), r"shape \(2, 2, 4\)"),
        (np.zeros((0, 4), np.uint8), r"shape \(0, 4\)"),
        ([[1, 2]], "is a list"),
        (None, "is a NoneType"),
    ],
)
def test_what_is_no_picture_is_refused_with_its_place(array, says):
    good = np.zeros((2, 2), np.uint8)
    with pytest.raises(InputError, match=rf"arrays: frame 2 .*{says}"):
        list(ArraySource([good, good, array]))


def test_times_are_those_given():
    source = ArraySource(np.zeros((3, 4, 5), np.uint8), times=[0, 0.5, 7])
    assert [frame.time for frame in source] == [0, 0.5, 7]
    assert (source.info.frames, source.info.width, source.info.height) == (3, 5, 4)


def test_too_few_times_are_an_error():
    with pytest.raises(InputError, match="frame 1 has no time"):
        list(ArraySource(np.zeros((3, 4, 5), np.uint8), times=[0]))


def test_a_generator_is_read_one_by_one():
    taken = []

    def endless():
        while True:
            taken.append(None)
            yield np.zeros((2, 2), np.uint8)

    with ArraySource(endless()) as source:
        iterator = iter(source)
        assert [next(iterator).index for _ in range(3)] == [0, 1, 2]
        assert next(iterator).time is None
    assert len(taken) == 4
    assert source.info.frames is None
