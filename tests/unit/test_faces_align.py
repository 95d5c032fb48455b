"""Turned squares: where each pixel comes from, and back."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien import modelfile
from mien.errors import InputError
from mien.expression import ExpressionModel
from mien.faces import align, patches
from mien.faces.patches import Options
from mien.faces.shape import Placement, mean_shape, placed
from mien.types import Box

placements = st.builds(
    Placement, st.floats(-300, 900), st.floats(-300, 700), st.floats(0.5, 3000), st.floats(-720, 720)
)
inner = st.builds(Placement, st.floats(260, 380), st.floats(200, 280), st.floats(20, 230), st.floats(-180, 180))
sizes = st.sampled_from([24, 64, 96])


Y, X = np.mgrid[:480, :640].astype(np.float32)  # pictures in which brightness says where


@given(inner, sizes)
@settings(max_examples=150)
def test_each_pixel_comes_from_where_the_placement_says(placement, size):
    """Crop to picture: averaging and sampling leave a plane as it is, so a pixel's value is its place."""
    u = (np.arange(size) + 0.5) / size
    wanted = placement.points(np.stack(np.meshgrid(u, u), axis=-1).reshape(-1, 2)).reshape(size, size, 2)
    grain = max(placement.side / size, 1) / 32  # OpenCV samples at 32nds of a pixel, here of an averaged one
    for k, plane in enumerate((X, Y)):
        np.testing.assert_allclose(align.cut(plane, placement, size), wanted[..., k], atol=grain)


def test_a_square_of_whole_pixels_is_left_as_it_is():
    grey = np.random.default_rng(0).integers(0, 256, (90, 120), dtype=np.uint8)
    np.testing.assert_array_equal(align.cut(grey, Placement(49.5, 39.5, 64), 64), grey[8:72, 18:82])
    turned = align.cut(grey, Placement(49.5, 39.5, 64, 90), 64)
    np.testing.assert_array_equal(turned, np.rot90(grey[8:72, 18:82]))  # a face tilted clockwise is turned back


def test_large_squares_are_averaged():
    board = (np.indices((512, 512)).sum(axis=0) % 2 * 255).astype(np.uint8)
    place = Placement(255.5, 255.5, 384)
    assert np.ptp(align.cut(board, place, 96).astype(int)) <= 2
    grid = np.where(np.indices((512, 512))[1] % 4 == 2, 255, 0).astype(np.uint8)  # samples fall between lines
    assert align.cut(grid, place, 96).mean() == pytest.approx(255 / 4, abs=2)
    assert abs(align.cut(grid, place, 96, area=False).mean() - 255 / 4) > 20


@given(placements, sizes, st.sampled_from([(1, 1), (1, 300), (300, 1), (16, 16), (240, 320)]), st.booleans())
@settings(max_examples=200, deadline=None)
def test_any_square_of_any_picture(placement, size, shape, exact):
    grey = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    found = align.cut(grey.astype(np.float32) if exact else grey, placement, size)
    assert found.shape == (size, size)
    assert np.isfinite(found).all()
    assert found.min() >= float(grey.min()) - 1
    assert found.max() <= float(grey.max()) + 1


def test_beyond_the_edge():
    grey = np.full((50, 50), 200, np.uint8)
    far = Placement(500, 25, 30, 10)
    assert (align.cut(grey, far, 24) == 200).all()
    assert (align.cut(grey, far, 24, beyond=cv2.BORDER_CONSTANT) == 0).all()


def test_a_picture_of_eight_thousand_pixels():
    grey = np.zeros((4320, 7680), np.uint8)
    grey[:, 3840:] = 255
    found = align.cut(grey, Placement(3839.5, 2159.5, 4000), 96)
    assert (found[:, :47] == 0).all()
    assert (found[:, 49:] == 255).all()


@pytest.mark.parametrize(
    "wrong",
    [Placement(math.nan, 0, 10), Placement(0, math.inf, 10), Placement(0, 0, 0), Placement(0, 0, -3),
     Placement(0, 0, math.nan), Placement(0, 0, 10, math.nan), Placement(1e9, 0, 10)],
)  # fmt: skip
def test_impossible_squares(wrong):
    with pytest.raises(ValueError, match="no square can be cut"):
        align.cut(np.zeros((9, 9), np.uint8), wrong, 24)


@given(inner)
def test_the_eyes_of_the_mean_shape_lie_where_it_lies(placement):
    found = align.by_eyes(placement.points(mean_shape()))
    np.testing.assert_allclose(
        [found.x, found.y, found.side, math.cos(math.radians(found.roll - placement.roll))],
        [placement.x, placement.y, placement.side, 1],
        atol=1e-6,
    )


@given(inner, st.integers(0, 1000))
def test_eyes_come_to_their_canonical_places_whatever_the_rest_does(placement, seed):
    points = placement.points(mean_shape())
    others = [i for i in range(68) if not 36 <= i < 48]
    points[others] += np.random.default_rng(seed).normal(0, 30, (len(others), 2))
    found = align.by_eyes(points)
    for eye in (slice(36, 42), slice(42, 48)):
        there = found.points(mean_shape()[eye].mean(axis=0, keepdims=True))
        np.testing.assert_allclose(there[0], points[eye].mean(axis=0), atol=1e-6)


@pytest.mark.parametrize("points", [np.zeros((68, 2)), np.zeros((67, 2)), np.full((68, 2), np.nan)])
def test_points_without_eyes(points):
    with pytest.raises(ValueError, match=r"points must be finite|one place"):
        align.by_eyes(points)


# --- patches ------------------------------------------------------------------------------------------------------

EYES = Options(alignment="eyes")


def face(size=400, seed=0):
    """Smooth blots, uint8."""
    blots = np.random.default_rng(seed).normal(0, 1, (12, 12)).astype(np.float32)
    grown = cv2.resize(blots, (size, size), interpolation=cv2.INTER_CUBIC)
    return cv2.normalize(grown, None, 10, 240, cv2.NORM_MINMAX).astype(np.uint8)


@pytest.mark.parametrize("side", [40, 90, 200])
@pytest.mark.parametrize("margin", [1.0, 1.4])
def test_an_upright_face_is_cut_alike_by_its_box_and_by_its_eyes(side, margin):
    grey = face()
    box = Box(110, 95, side, side)
    points = Placement(110 + (side - 1) / 2, 95 + (side - 1) / 2, side).points(mean_shape())
    plain = patches.cut(grey, box, Options(margin=margin))
    aligned = patches.cut(grey, None, Options(margin=margin, alignment="eyes"), points)
    np.testing.assert_allclose(aligned, plain, atol=0.06)


@pytest.mark.parametrize("alignment", ["eyes", "points"])
@pytest.mark.parametrize("roll", [-35, 20])
def test_a_tilted_face_gives_the_patch_of_the_upright_one(roll, alignment):
    grey = face()
    upright, tilted = Placement(200, 200, 150), Placement(200, 200, 150, roll)
    turn = cv2.getRotationMatrix2D((200, 200), -roll, 1)  # OpenCV counts the other way round
    turned = cv2.warpAffine(grey, turn, grey.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    options = Options(alignment=alignment)
    one = patches.cut(grey, None, options, upright.points(mean_shape()))
    other = patches.cut(turned, None, options, tilted.points(mean_shape()))
    np.testing.assert_allclose(one, other, atol=0.08)
    assert placed(tilted.points(mean_shape())).roll == pytest.approx(roll)


def test_by_its_points_a_face_stands_still_while_one_eye_is_misplaced():
    points = Placement(200, 200, 150).points(mean_shape())
    wrong = points.copy()
    wrong[36:42] += (6, -6)  # a twentieth of the face: as an eye behind spectacles may be taken
    truth = patches.cut(face(), None, Options(alignment="points"), points)
    off = {
        alignment: np.abs(patches.cut(face(), None, Options(alignment=alignment), wrong) - truth).mean()
        for alignment in ("eyes", "points")
    }
    assert off["points"] < 0.8 * off["eyes"]


def test_without_points_the_line_says_what_to_do():
    with pytest.raises(ValueError, match="by their points, and there are none: seek landmarks"):
        patches.cut(face(), Box(0, 0, 50, 50), EYES)


def test_a_box_model_does_not_look_at_points():
    grey, box = face(), Box(20, 30, 80, 80)
    np.testing.assert_array_equal(
        patches.cut(grey, box, Options(), np.full((68, 2), np.nan)), patches.cut(grey, box, Options())
    )


@pytest.mark.parametrize("interpolation", ["bilinear", "area-bilinear"])
@pytest.mark.parametrize("side", [3, 30, 350, 3000])
def test_aligned_patches_of_any_size(interpolation, side):
    options = Options(alignment="eyes", interpolation=interpolation, size=20)
    patch = patches.cut(face(), None, options, Placement(200, 200, side, 12).points(mean_shape()))
    assert patch.shape == (20, 20)
    assert patch.dtype == np.float32
    assert (patch.min(), patch.max()) == (0, 1)


# --- models -------------------------------------------------------------------------------------------------------


@pytest.fixture
def aligned(tmp_path, tiny_graph, tiny_meta):
    path = tmp_path / "aligned.onnx"
    modelfile.write(path, tiny_graph(), tiny_meta(preprocessing={"size": 24, "alignment": "eyes"}))
    return ExpressionModel(modelfile.read(path))


def test_an_aligned_model_takes_points(aligned, tiny_model):
    assert aligned.needs_points
    plain = ExpressionModel(modelfile.read(tiny_model))
    assert not plain.needs_points
    grey, box = face(), Box(100, 100, 120, 120)
    points = Placement(159.5, 159.5, 120).points(mean_shape())
    found = aligned.score([grey], [box], [points]).expressions
    np.testing.assert_allclose(found, plain.score([grey], [box]).expressions, atol=0.05)
    with pytest.raises(InputError, match="tiny: this model wants faces aligned by their points"):
        aligned.score([grey], [box])
    with pytest.raises(InputError, match="tiny: both eyes lie in one place"):
        aligned.score([grey], [box], [np.zeros((68, 2))])


def test_an_aligned_model_finds_the_eyes_of_crops_itself(aligned, tiny_model, monkeypatch, tmp_path, stand_in):
    (tmp_path / "faces").mkdir()
    (tmp_path / "faces" / "landmarks.onnx").write_bytes(stand_in("landmarks").content)
    monkeypatch.setattr(modelfile, "SHIPPED", tmp_path)
    dark = face() // 4  # the stand-in's presence is the brightness: below half it sees no face
    plain = ExpressionModel(modelfile.read(tiny_model))
    np.testing.assert_allclose(aligned.predict([dark]), plain.predict([dark]), atol=0.05)
    with pytest.raises(InputError, match="both eyes lie in one place"):  # as the stand-in's do in a bright one
        aligned.predict([255 - dark])
