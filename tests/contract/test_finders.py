"""Every way of following keeps the promises of ``faces.follow.Finder``, found by itself."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage import data

from mien import plugins, recipe
from mien.faces.follow import Expected
from mien.faces.shape import Placement, mean_shape
from mien.faces.shared import Shared
from mien.types import Box, Face, Landmarks

FINDERS = plugins.names("faces.follow")
GREY = np.ascontiguousarray(data.astronaut()[..., 1])
GREY.flags.writeable = False
SHAPE = mean_shape()[:, :2]
LEFT, RIGHT = Box(60, 80, 70, 70), Box(300, 200, 90, 90)


class Truth:
    """A detector, and a landmark network, that know where the faces are."""

    def __init__(self, *boxes):
        self.boxes = list(boxes)
        self.searches = 0

    def search(self, grey, longest):
        self.searches += 1
        return [Face(box, 0.8) for box in self.boxes]

    def near(self, grey, box, reach):
        return next((Face(there, 0.8) for there in self.boxes if there.overlap(box) > 0.3), None)

    def find(self, grey, placements, looks=1):
        return [self._points(place) for place in placements]

    def _points(self, place):
        there = next((box for box in self.boxes if box.overlap(place.box) > 0.3), None)
        points = (place if there is None else Placement.of_box(there)).points(SHAPE).astype(np.float32)
        return Landmarks(points, np.ones(68, np.float32), 0.1 if there is None else 0.9)


def build(name, truth):
    part, shared = plugins.part("faces.follow", name), Shared()
    shared.get("landmarks", lambda: truth)
    return part.build(part.Options(), truth, shared)


@pytest.fixture(params=FINDERS)
def name(request):
    return request.param


def test_there_are_parts():
    assert {"boxes", "points"} <= set(FINDERS)


def test_options_are_frozen_documented_and_may_all_be_left_out(name):
    part = plugins.part("faces.follow", name)
    assert part.__doc__
    assert part.build.__doc__
    assert part.LANDMARKS in (True, False)
    assert part.Options.__dataclass_params__.frozen
    for field in dataclasses.fields(part.Options):
        assert field.name in part.Options.__doc__
    assert part.Options() == recipe.options(part.Options, {}, "r")


def test_the_first_frame_finds_everybody_with_landmarks_or_without(name):
    finder = build(name, Truth(LEFT, RIGHT))
    faces = finder.faces(GREY, 0.0, [])
    assert sorted(face.box.x for face in faces) == pytest.approx([60, 300], abs=1)
    assert all((face.landmarks is not None) == plugins.part("faces.follow", name).LANDMARKS for face in faces)
    assert all(0 <= face.score <= 1 for face in faces)


def test_known_faces_stay_in_sight(name):
    truth = Truth(LEFT, RIGHT)
    finder = build(name, truth)
    faces = finder.faces(GREY, 0.0, [])
    for tick in range(1, 100):
        known = [Expected(n, face.box, lost=False, last=face) for n, face in enumerate(faces)]
        faces = sorted(finder.faces(GREY, tick / 25, known), key=lambda face: face.box.x)
        assert [face.box.overlap(box) > 0.9 for face, box in zip(faces, truth.boxes, strict=True)] == [True, True]
    assert truth.searches < 20


def test_who_left_is_not_found_any_more(name):
    truth = Truth(LEFT)
    finder = build(name, truth)
    (face,) = finder.faces(GREY, 0.0, [])
    truth.boxes.clear()
    blank = np.full_like(GREY, 99)
    for tick in range(1, 20):
        assert finder.faces(blank, tick / 25, [Expected(1, face.box, tick > 1, face)]) == []


def test_a_cut_searches_the_next_frame(name):
    truth = Truth(LEFT)
    finder = build(name, truth)
    finder.faces(GREY, 0.0, [])
    truth.boxes[:] = [RIGHT]
    finder.cut()
    (face,) = finder.faces(GREY, 0.04, [])
    assert face.box.overlap(RIGHT) > 0.9


def test_each_picture_without_a_clock_is_searched(name):
    truth = Truth(LEFT)
    finder = build(name, truth)
    for count, box in enumerate((LEFT, RIGHT, LEFT), 1):
        truth.boxes[:] = [box]
        faces = finder.faces(GREY, None, [Expected(1, LEFT, lost=False)])
        assert any(face.box.overlap(box) > 0.9 for face in faces)
        assert truth.searches == count


def test_frames_may_change_their_size(name):
    finder = build(name, Truth(LEFT))
    faces = finder.faces(GREY, 0.0, [])
    for place, shape in enumerate(((64, 64), (16, 16), (1, 1), (400, 900), (512, 512)), 1):
        grey = np.full(shape, 90, np.uint8)
        known = [Expected(n, face.box, lost=False, last=face) for n, face in enumerate(faces)]
        finder.faces(grey, place / 25, known)


boxes = st.builds(
    lambda x, y, side: Box(x, y, side, side), st.floats(-40, 500), st.floats(-40, 500), st.floats(9, 200)
)


@pytest.mark.parametrize("name", FINDERS)
@given(frames=st.lists(st.tuples(st.lists(boxes, max_size=3), st.floats(0, 1), st.booleans()), max_size=6))
def test_no_two_faces_over_one(name, frames):
    truth = Truth()
    finder, faces, now = build(name, truth), [], 0.0
    for there, step, cut in frames:
        now += step
        truth.boxes[:] = there
        if cut:
            finder.cut()
        known = [Expected(n, face.box, n % 2 == 1, face) for n, face in enumerate(faces)]
        faces = finder.faces(GREY, now, known)
        assert all(a.box.overlap(b.box) <= 0.5 for a, b in itertools.combinations(faces, 2))
        assert all(np.isfinite([face.box.x, face.box.y, face.box.area, face.score]).all() for face in faces)
