"""The anchor-free detector's maths, with a stand-in that calls every bright blot a face of 32 pixels."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien import modelfile
from mien.errors import UnknownPartError
from mien.faces.detect.anchor_free import COARSE, MOST, AnchorFreeDetector, Options, _whole, build, decode
from mien.faces.networks import Network
from mien.types import Box, Face


@pytest.fixture(scope="module")
def network(stand_in):
    return Network(stand_in("detector"), "detector")


@pytest.fixture(scope="module")
def detector(network):
    return AnchorFreeDetector(Options(), network)


def picture(*blots, shape=(240, 320), size=4):
    """Black, with white squares of ``size`` pixels whose top left pixels are given as (x, y)."""
    grey = np.zeros(shape, np.uint8)
    for x, y in blots:
        grey[y : y + size, x : x + size] = 255
    return grey


def side_and_centre(face):
    assert face.box.width == face.box.height
    return face.box.width, face.box.centre


# --- decoding -----------------------------------------------------------------------------------------------------


def cells(rows=6, columns=8):
    made = np.zeros((8, rows, columns), np.float32)
    made[0] = -9
    return made


def test_a_cell_becomes_a_face():
    made = cells()
    turn = complex(math.cos(math.radians(20)), math.sin(math.radians(20))) * 0.18
    middle = complex(0.02, -0.1)
    left, right = middle - turn, middle + turn
    made[:, 2, 5] = [2.0, 0.25, -0.5, math.log(1.5), left.real, left.imag, right.real, right.imag]
    (face,) = decode(made, 0.5, (48, 64))
    side, centre = side_and_centre(face)
    assert side == pytest.approx(48)
    assert centre == pytest.approx(((5 + 0.5 + 0.25) * 8, (2 + 0.5 - 0.5) * 8))
    assert face.score == pytest.approx(1 / (1 + math.exp(-2)))
    assert face.roll == pytest.approx(20, abs=1e-4)
    assert {type(v) for v in (face.score, face.roll, face.box.x, face.box.width)} == {float}


@given(st.floats(0.05, 0.95), st.floats(0.05, 0.95))
def test_the_threshold_is_a_probability(score, threshold):
    made = cells()
    made[0, 3, 3] = math.log(score / (1 - score))
    sure = decode(made, threshold, (48, 64))
    if abs(score - threshold) > 1e-5:
        assert len(sure) == (score > threshold)


def test_only_the_best_of_neighbours_counts():
    made = cells()
    made[0, 1:4, 1:4] = [[1, 2, 1], [2, 5, 2], [1, 2, 1]]
    made[0, 3, 6] = 1
    found = decode(made, 0.5, (48, 64))
    assert [face.score for face in found] == pytest.approx([1 / (1 + math.exp(-5)), 1 / (1 + math.exp(-1))])


def test_a_centre_outside_the_picture_is_no_face():
    made = cells()
    made[0, 2, 0] = made[0, 4, 5] = 3
    made[1, 2, 0] = -0.6  # left of the first pixel's edge by .3 pixels
    assert len(decode(made, 0.5, (48, 64))) == 1
    assert decode(made, 0.5, (35, 64)) == []  # the other lies in the padding below


@given(st.integers(0, 10**6), st.sampled_from([1.0, 30.0, 1e30]))
@settings(max_examples=80)
def test_any_answer_of_the_network_gives_finite_boxes(seed, scale):
    made = (np.random.default_rng(seed).normal(0, scale, (8, 10, 14))).astype(np.float32)
    found = decode(made, 0.3, (80, 112))
    assert len(found) <= MOST
    for face in found:
        assert np.isfinite([face.box.x, face.box.y, face.box.width, face.roll]).all()
        assert face.box.width > 0
        assert 0.3 <= face.score + 1e-6 <= 1.1


def test_a_field_of_equal_answers_is_bounded():
    assert len(decode(np.full((8, 60, 80), 0.2, np.float32), 0.5, (480, 640))) == MOST


# --- search -------------------------------------------------------------------------------------------------------


def test_boxes_lie_about_their_blots(detector):
    found = detector.search(picture((41, 58), (202, 98)), 320)
    assert len(found) == 2
    for face, (x, y) in zip(sorted(found, key=lambda f: f.box.x), [(43, 60), (204, 100)], strict=True):
        side, centre = side_and_centre(face)
        assert side == pytest.approx(32)
        assert centre == pytest.approx((x, y), abs=1e-3)  # the blot's middle, from the first pixel's edge
        assert face.roll == pytest.approx(0)
        assert face.landmarks is None


@pytest.mark.parametrize(("shape", "longest"), [((480, 640), 320), ((960, 1280), 320), ((250, 333), 111)])
def test_a_shrunken_picture(detector, shape, longest):
    shrink = round(shape[1] / longest)
    # In the shrunken picture the blot fills pixels 33 to 36 and 49 to 52, inside one cell each way.
    grey = picture((33 * shrink, 49 * shrink), shape=shape, size=4 * shrink)
    (face,) = detector.search(grey, longest)
    side, centre = side_and_centre(face)
    assert side == pytest.approx(32 * shrink, rel=0.01)
    assert centre == pytest.approx((35 * shrink, 51 * shrink), abs=0.1 if shape[1] % longest == 0 else 0.4)


@pytest.mark.parametrize("longest", [320, 640, 4000])
def test_a_small_picture_is_enlarged_to_twice_its_size_at_most(detector, longest):
    found = detector.search(picture((20, 36), shape=(96, 128)), longest)
    # The stand-in gives every blot the side of 32 pixels of what it sees: seen coarsely it is larger.
    side, centre = min(map(side_and_centre, found))
    assert side == pytest.approx(32 / min(2, longest / 128))
    assert centre == pytest.approx((22, 38), abs=0.05)


def test_a_large_face_is_seen_coarsely(detector):
    grey = np.zeros((240, 320), np.uint8)
    grey[100:120, 140:160] = 255  # 8 by 8 at two fifths, where it fills a cell
    sides = [face.box.width for face in detector.search(grey, 320)]
    assert max(sides) == pytest.approx(32 / COARSE, rel=0.02)


def test_a_part_of_a_better_and_larger_face_is_none():
    whole, mouth = Face(Box(0, 0, 100, 100), 0.9), Face(Box(30, 60, 35, 35), 0.8)
    beside, better = Face(Box(80, 0, 60, 60), 0.7), Face(Box(10, 10, 30, 30), 0.95)
    assert _whole([whole, mouth, beside]) == [whole, beside]
    assert _whole([better, whole]) == [better, whole]  # the larger one is worse: nothing is known to be a part


@pytest.mark.parametrize("shape", [(240, 320), (241, 319), (100, 310), (33, 65), (17, 16)])
def test_any_size_is_padded(detector, shape):
    (face,) = detector.search(picture((2, 10), shape=shape), max(shape))
    assert face.box.centre == pytest.approx((4, 12), abs=1e-3)


def test_one_face_where_two_answers_overlap(network):
    grey = picture((40, 40), (56, 40))  # boxes of 32 pixels, 16 apart: a third of their union is shared
    assert len(AnchorFreeDetector(Options(overlap=0.3), network).search(grey, 320)) == 1
    assert len(AnchorFreeDetector(Options(overlap=0.4), network).search(grey, 320)) == 2


def test_a_box_may_reach_beyond_the_edge(detector):
    (face,) = detector.search(picture((1, 1)), 320)
    assert face.box.x == pytest.approx(3 - 16, abs=1e-3)


@pytest.mark.parametrize("shape", [(1, 1), (16, 16), (3, 200), (200, 3), (64, 64), (4320, 7680)])
def test_pictures_of_any_size_and_content(detector, shape):
    noise = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    for grey in (np.zeros(shape, np.uint8), np.full(shape, 255, np.uint8), noise):
        for face in detector.search(grey, 320):
            x, y = face.box.centre
            assert 0 <= x <= shape[1]
            assert 0 <= y <= shape[0]
        for box in (Box(0, 0, *shape[::-1]), Box(-900, 40, 90, 80), Box(3, 3, 1e5, 1e5), Box(0, 0, 0.1, 0.1)):
            detector.near(grey, box, 1.35)
    assert detector.search(np.zeros(shape, np.uint8), 320) == []


def test_the_picture_is_left_alone_and_need_not_be_contiguous(detector):
    grey = picture((41, 58))
    grey.flags.writeable = False
    assert detector.search(np.repeat(grey, 2, axis=1)[:, ::2], 320) == detector.search(grey, 320)


# --- near ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1, 2, 5])
@pytest.mark.parametrize("off", [(4, 4), (5, -3), (-4, 2), (-6, -4)])  # the blot in one cell of the window
def test_a_known_face_in_its_own_window(detector, scale, off):
    """The stand-in's faces are 32 pixels wide in any window: of the 40 that a known face is brought to."""
    grey = picture((100 * scale, 80 * scale), shape=(240 * scale, 320 * scale), size=4 * scale)
    middle = 102 * scale, 82 * scale
    side = 40 * scale
    box = Box(middle[0] - side / 2 + off[0] * scale, middle[1] - side / 2 + off[1] * scale, side, side)
    face = detector.near(grey, box, 1.35)
    found, centre = side_and_centre(face)
    assert found == pytest.approx(32 * scale)
    assert centre == pytest.approx(middle, abs=0.1 * scale)


def test_near_prefers_the_face_that_continues_the_expected_one(detector):
    grey = picture((100, 80), (124, 80))
    left, right = Box(86, 66, 40, 40), Box(110, 66, 40, 40)
    assert detector.near(grey, left, 2.0).box.centre == pytest.approx((102, 82), abs=0.1)
    assert detector.near(grey, right, 2.0).box.centre == pytest.approx((126, 82), abs=0.1)


def test_near_is_surer_of_what_it_expects(network):
    faint = (picture((100, 80)) * 0.42).astype(np.uint8)  # logit 0.4, probability .6
    detector = AnchorFreeDetector(Options(threshold=0.8, threshold_known=0.3), network)
    assert detector.search(faint, 320) == []
    assert detector.near(faint, Box(86, 66, 40, 40), 1.35).score == pytest.approx(0.6, abs=0.05)


def test_near_does_not_go_far(detector):
    grey = picture((100, 80))
    assert detector.near(grey, Box(62, 66, 40, 40), 1.35) is None  # 20 pixels off
    assert detector.near(grey, Box(62, 66, 40, 40), 2.0) is not None
    assert detector.near(grey, Box(400, 62, 40, 40), 1.35) is None
    assert detector.near(grey, Box(100, 80, 4, 4), 1.35) is None  # too small to be looked for


def test_beyond_the_frame_it_is_black(detector):
    white = np.full((40, 40), 255, np.uint8)
    face = detector.near(picture((0, 100)), Box(-14, 86, 40, 40), 1.35)
    assert face.box.centre == pytest.approx((2, 102), abs=0.1)
    assert detector.near(white, Box(41, 41, 40, 40), 1.1) is None


# --- options ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"threshold": 0},
        {"threshold": 1},
        {"threshold_known": 1.2},
        {"overlap": 0},
        {"overlap": 1.1},
        {"threads": 0},
    ],
    ids=str,
)
def test_impossible_options(wrong):
    with pytest.raises(ValueError, match="must"):
        Options(**wrong)


def test_without_weights_the_line_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(modelfile, "SHIPPED", tmp_path)
    with pytest.raises(UnknownPartError, match="no face network is called 'detector'; there are: none"):
        build(Options())
