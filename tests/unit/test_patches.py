"""Patches, against a slow twin."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.faces import patches
from mien.faces.patches import Options
from mien.types import Box

PLAIN, AREA = Options(interpolation="bilinear"), Options()


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)


def slow(face, size):
    """Bilinear, pixel by pixel: centre of output pixel i lies at (i + .5) * scale - .5; the edge repeats."""
    height, width = face.shape
    out = np.empty((size, size))
    for i in range(size):
        for j in range(size):
            y, x = (i + 0.5) * height / size - 0.5, (j + 0.5) * width / size - 0.5
            top, left = math.floor(y), math.floor(x)
            value = 0.0
            for row, weight_y in ((top, 1 - (y - top)), (top + 1, y - top)):
                for column, weight_x in ((left, 1 - (x - left)), (left + 1, x - left)):
                    pixel = face[min(max(row, 0), height - 1), min(max(column, 0), width - 1)]
                    value += weight_y * weight_x * float(pixel)
            out[i, j] = value
    return (out - out.min()) / (out.max() - out.min())


shapes = st.tuples(st.integers(1, 130), st.integers(1, 130))


@pytest.mark.parametrize("shape", [(24, 24), (37, 37), (10, 31), (100, 80), (48, 48), (131, 57)])
def test_plain_bilinear_is_its_slow_twin(shape):
    face = noise(*shape).astype(np.float32)
    np.testing.assert_allclose(patches.cut(face, None, PLAIN), slow(face, 24), atol=1e-4)
    # Bytes are rounded once before they are stretched: half a grey level over the patch's range.
    np.testing.assert_allclose(patches.cut(noise(*shape), None, PLAIN), slow(face, 24), atol=2 / 100)


@given(shapes, st.sampled_from([PLAIN, AREA]), st.booleans())
def test_a_patch_is_24_by_24_from_0_to_1(shape, options, exact):
    face = noise(*shape).astype(np.float32) / 255 if exact else noise(*shape)
    patch = patches.cut(face, None, options)
    assert patch.shape == (24, 24)
    assert patch.dtype == np.float32
    assert patch.flags.c_contiguous
    if patch.any():
        assert (patch.min(), patch.max()) == (0, 1)


@pytest.mark.parametrize("grey", [0, 7, 255])
@pytest.mark.parametrize("shape", [(1, 1), (24, 24), (90, 50)])
def test_a_face_of_one_grey_is_all_zero(grey, shape):
    assert not patches.cut(np.full(shape, grey, np.uint8), None, AREA).any()


def test_a_face_of_24_pixels_is_only_stretched():
    face = noise(24, 24)
    low, high = int(face.min()), int(face.max())
    np.testing.assert_allclose(patches.cut(face, None, AREA), (face - float(low)) / (high - low), atol=1e-6)


@given(shapes.filter(lambda shape: min(shape) <= 48))
def test_area_is_plain_for_small_faces(shape):
    np.testing.assert_array_equal(patches.cut(noise(*shape), None, AREA), patches.cut(noise(*shape), None, PLAIN))


def test_area_averages_large_faces():
    """A fine checkerboard is grey: plain bilinear sees single squares of it, the average sees none."""
    board = np.kron(np.indices((96, 96)).sum(axis=0) % 2, np.ones((1, 1))).astype(np.float32)
    shade = np.linspace(0, 1, 96, dtype=np.float32)[None, :]
    averaged = patches.cut(board * 0.5 + shade, None, AREA)
    alone = patches.cut(np.repeat(shade, 96, axis=0), None, AREA)
    np.testing.assert_allclose(averaged, alone, atol=0.02)


@given(st.floats(0.05, 4), st.floats(-3, 3), st.integers(0, 50), st.sampled_from([PLAIN, AREA]))
def test_brightness_and_contrast_of_the_light_do_not_matter(gain, offset, seed, options):
    face = noise(60, 55, seed).astype(np.float32) / 255
    lit = (face * np.float32(gain) + np.float32(offset)).astype(np.float32)
    np.testing.assert_allclose(patches.cut(lit, None, options), patches.cut(face, None, options), atol=1e-4)


def test_the_box_is_what_is_cut():
    grey = noise(100, 120)
    box = Box(20.4, 9.6, 50.2, 40.3)  # rounded to 20-71 and 10-50
    np.testing.assert_array_equal(patches.cut(grey, box, AREA), patches.cut(grey[10:50, 20:71], None, AREA))


def test_the_margin_grows_the_box():
    grey = noise(100, 120)
    wide = patches.cut(grey, Box(40, 30, 40, 40), Options(margin=1.5))
    np.testing.assert_array_equal(wide, patches.cut(grey, Box(30, 20, 60, 60), AREA))


@given(st.integers(-70, 140), st.integers(-70, 120), st.integers(1, 90), st.integers(1, 90))
@settings(max_examples=200)
def test_beyond_the_edge_the_edge_repeats(x, y, width, height):
    grey = noise(50, 70).astype(np.float32)
    rows = np.clip(np.arange(y, y + height), 0, 49)
    columns = np.clip(np.arange(x, x + width), 0, 69)
    repeated = np.ascontiguousarray(grey[np.ix_(rows, columns)])
    found = patches.cut(grey, Box(x, y, width, height), PLAIN)
    np.testing.assert_allclose(found, patches.cut(repeated, None, PLAIN), atol=1e-6)


def test_the_picture_is_left_alone():
    grey = noise(80, 80)
    grey.flags.writeable = False
    before = grey.copy()
    patches.cut(grey, Box(-5, 3, 60, 60), AREA)
    np.testing.assert_array_equal(grey, before)


def test_a_face_thinner_than_a_pixel():
    assert patches.cut(noise(50, 50), Box(10.1, 10.1, 0.2, 30), AREA).shape == (24, 24)


@pytest.mark.parametrize("wrong", [{"size": 3}, {"size": 513}, {"margin": 0.4}, {"margin": 4.1}])
def test_impossible_options(wrong):
    with pytest.raises(ValueError, match="must be"):
        Options(**wrong)


def test_other_sizes():
    assert patches.cut(noise(80, 80), None, Options(size=7)).shape == (7, 7)


# --- local contrast ----------------------------------------------------------------------------------------------

LOCAL = Options(scaling="local-contrast")
reliefs = st.builds(
    lambda seed, low, high: shaded(seed, low, high), st.integers(0, 200), st.floats(0, 110), st.floats(140, 255)
)


def shaded(seed, low=40, high=200):
    """Smooth hills with strong contrast everywhere, float32 (24, 24) from ``low`` to ``high``."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:24, :24] / 24
    hills = sum(np.sin(2 * np.pi * (u * x + v * y) + w) for u, v, w in random.uniform(1, 3, (3, 3)))
    return (low + (high - low) * (hills - hills.min()) / np.ptp(hills)).astype(np.float32)


def slow_contrast(image):
    """Pixel by pixel, with the picture mirrored about its outermost pixels."""
    height, width = image.shape
    reach = patches.SURROUNDINGS // 2
    out = np.empty(image.shape)
    for i in range(height):
        for j in range(width):
            seen = [
                float(image[height - 1 - abs(height - 1 - abs(y)), width - 1 - abs(width - 1 - abs(x))])
                for y in range(i - reach, i + reach + 1)
                for x in range(j - reach, j + reach + 1)
            ]
            out[i, j] = (float(image[i, j]) - np.mean(seen)) / (np.std(seen) + float(patches.FLAT))
    return out


@pytest.mark.parametrize("shape", [(24, 24), (12, 17), (4, 4)])
def test_local_contrast_is_its_slow_twin(shape):
    images = np.stack([noise(*shape, seed) for seed in range(3)]).astype(np.float32) / 255
    found = patches.local_contrast(images)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [slow_contrast(image) for image in images], atol=1e-4)


def test_a_patch_of_local_contrast_is_its_slow_twin():
    face = noise(24, 24)
    wanted = slow_contrast(face / 255) / 5 + 0.5
    np.testing.assert_allclose(patches.cut(face, None, LOCAL), np.clip(wanted, 0, 1), atol=1e-4)
    lone = np.full((24, 24), 90, np.uint8)
    lone[12, 12] = 255  # nearly 7 standard deviations
    assert patches.cut(lone, None, LOCAL)[12, 12] == 1
    assert patches.cut(255 - lone, None, LOCAL)[12, 12] == 0


@given(shapes, st.integers(0, 255), st.integers(0, 255), st.integers(4, 40))
def test_local_contrast_is_a_patch_from_0_to_1(shape, one, other, size):
    low, high = sorted((one, other))
    face = (low + noise(*shape).astype(int) * (high - low) // 255).astype(np.uint8)
    patch = patches.cut(face, None, Options(size=size, scaling="local-contrast"))
    assert patch.shape == (size, size)
    assert patch.dtype == np.float32
    assert np.isfinite(patch).all()
    assert patch.min() >= 0
    assert patch.max() <= 1


@given(reliefs, st.floats(-100, 100))
def test_local_contrast_does_not_see_an_offset(face, offset):
    found = patches.scaled(face + np.float32(offset), "local-contrast")
    np.testing.assert_allclose(found, patches.scaled(face, "local-contrast"), atol=2e-4)


@given(reliefs, st.floats(0.5, 2))
def test_local_contrast_hardly_sees_a_gain_of_strong_contrast(face, gain):
    found = patches.scaled(face * np.float32(gain), "local-contrast")
    plain = patches.scaled(face, "local-contrast")
    assert np.corrcoef(found.ravel(), plain.ravel())[0, 1] > 0.98
    # (x - m) / (s + FLAT) against g (x - m) / (g s + FLAT): at most a factor g, nearer to 1 the larger s is
    ratio = (found - 0.5).std() / (plain - 0.5).std()
    assert min(gain, 1) <= ratio + 1e-3
    assert ratio - 1e-3 <= max(gain, 1)
    assert abs(ratio - 1) < abs(gain - 1) + 1e-3


def test_faint_noise_is_not_blown_up():
    """Half a grey level of noise on an even wall stays near the middle grey; min-max would make it 0 to 1."""
    wall = 120 + np.random.default_rng(0).uniform(-0.5, 0.5, (24, 24)).astype(np.float32)
    assert np.abs(patches.cut(wall, None, LOCAL) - 0.5).max() < 0.03


def test_local_contrast_does_not_see_a_slope_of_the_light():
    face = shaded(3)
    slope = np.linspace(-40, 40, 24, dtype=np.float32)[None, :]
    plain, lit = (patches.scaled(f, "local-contrast") for f in (face, face + slope))
    stretched, lit_and_stretched = (patches.scaled(f, "min-max") for f in (face, face + slope))
    assert np.abs(lit - plain).mean() < np.abs(lit_and_stretched - stretched).mean() / 2


@pytest.mark.parametrize("grey", [0, 7, 255])
def test_a_face_of_one_grey_is_all_zero_in_local_contrast_too(grey):
    assert not patches.cut(np.full((30, 40), grey, np.uint8), None, LOCAL).any()


@given(shapes, st.sampled_from([PLAIN, AREA, LOCAL, Options(margin=0.8, size=9)]))
def test_a_patch_is_the_scaled_brightness(shape, options):
    face = noise(*shape)
    brightness = patches.resized(face, None, options)
    assert brightness.dtype == np.float32
    assert (brightness.min(), brightness.max()) >= (0, 0)
    assert brightness.max() <= 255
    np.testing.assert_array_equal(patches.scaled(brightness, options.scaling), patches.cut(face, None, options))


def test_an_even_area_is_the_middle_grey():
    half = np.zeros((24, 24), np.uint8)
    half[:, 12:] = 200
    patch = patches.cut(half, None, LOCAL)
    np.testing.assert_allclose(patch[:, [0, 5, 18, 23]], 0.5, atol=1e-3)
    assert patch[:, 11].max() < 0.5 < patch[:, 12].min()
