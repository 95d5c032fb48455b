"""Shots: a cut is told at once, and nothing else is told."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage import data

from mien.faces.cuts import Cuts, Options

PICTURES = {
    "astronaut": cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY),
    "camera": data.camera(),
    "coffee": cv2.cvtColor(data.coffee(), cv2.COLOR_RGB2GRAY),
    "cat": cv2.cvtColor(data.chelsea(), cv2.COLOR_RGB2GRAY),
    "rocket": cv2.cvtColor(data.rocket(), cv2.COLOR_RGB2GRAY),
}
PICTURES = {
    name: cv2.resize(picture, (640, 480), interpolation=cv2.INTER_AREA) for name, picture in PICTURES.items()
}
FACE = PICTURES["astronaut"][60:260, 220:380]


def told(frames, **options):
    """Places at which a new shot begins."""
    cuts = Cuts(Options(**options))
    found = [place for place, frame in enumerate(frames) if cuts.push(frame, place / 25)]
    assert cuts.shot == 1 + len(found)
    return found


def noisy(picture, seed, sigma=4):
    noise = np.random.default_rng(seed).normal(0, sigma, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def light(picture, gain, offset=0):
    return np.clip(picture.astype(np.float32) * gain + offset, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("one", PICTURES)
@pytest.mark.parametrize("other", PICTURES)
def test_a_cut_is_told_in_its_first_frame(one, other):
    frames = [noisy(PICTURES[one], i) for i in range(8)] + [noisy(PICTURES[other], i) for i in range(8)]
    assert told(frames) == ([8] if one != other else [])


@pytest.mark.parametrize("name", PICTURES)
def test_noise_is_no_cut(name):
    assert told([noisy(PICTURES[name], i, 25) for i in range(10)]) == []


@pytest.mark.parametrize("step", [5, 40, 90])
def test_a_camera_that_turns_is_no_cut(step):
    wide = np.concatenate([PICTURES["coffee"], PICTURES["cat"]], axis=1)
    frames = [np.ascontiguousarray(wide[:, x : x + 640]) for x in range(0, 640, step)]
    assert told(frames) == []


@pytest.mark.parametrize("step", [10, 25, 60])
def test_a_large_face_that_moves_is_no_cut(step):
    face = cv2.resize(FACE, (280, 350))
    frames = []
    for x in range(0, 360, step):
        frame = PICTURES["coffee"].copy()
        frame[100:450, x : x + 280] = face
        frames.append(frame)
    assert told(frames) == []


def test_a_cut_out_of_a_camera_that_turns_is_told():
    wide = np.concatenate([PICTURES["coffee"], PICTURES["cat"]], axis=1)
    frames = [np.ascontiguousarray(wide[:, x : x + 640]) for x in range(0, 640, 40)]
    assert told([*frames, PICTURES["rocket"], PICTURES["rocket"]]) == [16]


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize(("gain", "offset"), [(1.6, 0), (0.5, 0), (1, 60), (1.4, 60), (0, 255), (0, 0)])
def test_a_flash_is_no_cut(name, gain, offset):
    picture = PICTURES[name]
    frames = [noisy(picture, i) for i in range(6)] + [light(picture, gain, offset)] + [noisy(picture, 9)] * 6
    assert told(frames) == []


@pytest.mark.parametrize("between", [0, 255])
def test_a_cut_through_black_or_white_is_told_when_the_picture_is_back(between):
    blank = np.full((480, 640), between, np.uint8)
    frames = [PICTURES["cat"]] * 5 + [blank] * 4 + [PICTURES["camera"]] * 5
    assert told(frames) == [9]


def test_black_throughout_is_one_shot():
    assert told([np.zeros((480, 640), np.uint8)] * 5) == []
    assert told([np.zeros((480, 640), np.uint8)] * 5 + [PICTURES["cat"]] * 3) == []


def test_another_size_of_frame_is_a_cut():
    small = cv2.resize(PICTURES["cat"], (320, 240))
    assert told([PICTURES["cat"]] * 3 + [small] * 3 + [PICTURES["cat"]] * 2) == [3, 6]
    blank = np.zeros((240, 320), np.uint8)
    assert told([PICTURES["cat"]] * 3 + [blank] * 3 + [small] * 2) == [3]


def test_shots_in_a_quick_sequence():
    names = list(PICTURES)
    frames = [PICTURES[names[i // 3 % len(names)]] for i in range(30)]
    assert told(frames) == list(range(3, 30, 3))


def test_a_threshold_above_1_tells_none():
    assert told([PICTURES["cat"], PICTURES["camera"]] * 3, threshold=1.1) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 200), (200, 1), (16, 16), (36, 64), (37, 65), (143, 70)])
def test_frames_of_any_size(shape):
    random = np.random.default_rng(0)
    steady = random.integers(0, 256, shape, dtype=np.uint8)
    assert told([steady] * 4) == []


@given(st.lists(st.tuples(st.integers(1, 70), st.integers(1, 70), st.integers(0, 3)), min_size=1, max_size=10))
def test_whatever_comes_a_new_size_is_a_new_shot_and_the_first_frame_is_none(frames):
    random = np.random.default_rng(0)
    made = [random.integers(0, 1 + 85 * level, (high, wide), dtype=np.uint8) for high, wide, level in frames]
    places = told([frame for frame in made for _ in range(2)])
    assert 0 not in places
    assert all(place % 2 == 0 for place in places)  # a frame shown twice is never a cut


def test_it_does_not_write_into_the_frame():
    frame = PICTURES["cat"].copy()
    frame.flags.writeable = False
    told([frame, frame])


@pytest.mark.parametrize("wrong", [{"threshold": 0}, {"motion": -1}, {"memory": -0.1}], ids=str)
def test_impossible_options(wrong):
    with pytest.raises(ValueError, match="must be"):
        Options(**wrong)


def test_a_caption_that_comes_up_is_no_cut():
    shown = PICTURES["cat"].copy()
    shown[60:200, 200:440] = 250
    assert told([PICTURES["cat"]] * 4 + [shown] * 4 + [PICTURES["cat"]] * 4) == []
