"""Every tracker keeps the promises of ``faces.track.Tracker``, found by itself."""

import dataclasses
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien import plugins, recipe
from mien.faces.follow import Expected
from mien.faces.shared import Shared
from mien.types import Box, Face, Landmarks, TrackedFace

TRACKERS = plugins.names("faces.track")
PICTURE = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (240, 640)).astype(np.float32), (0, 0), 8)
GREY = cv2.normalize(PICTURE, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
GREY.flags.writeable = False
LEFT, RIGHT = Face(Box(60, 80, 70, 70), 0.9), Face(Box(420, 80, 70, 70), 0.7)


class Patches:
    """Signatures for trackers that want them: the picture at the face, coarse and without its mean."""

    def of(self, grey, placements):
        found = []
        for place in placements:
            left, top = (round(min(max(at, 0), 200)) for at in (place.x - place.side / 2, place.y - place.side / 2))
            look = cv2.resize(grey[top : top + 70, left : left + 70], (8, 8)).astype(np.float32).ravel()
            found.append((look - look.mean()) / (np.linalg.norm(look - look.mean()) + 1e-6))
        return np.array(found, np.float32)

    def same(self, cosine):
        return 1 / (1 + np.exp(-10 * (cosine - 0.5)))


def build(name):
    part, shared = plugins.part("faces.track", name), Shared()
    shared.get("signature", Patches)
    return part.build(part.Options(), shared)


@pytest.fixture(params=TRACKERS)
def tracker(request):
    return build(request.param)


def test_there_are_parts():
    assert {"identity", "overlap"} <= set(TRACKERS)


@pytest.mark.parametrize("name", TRACKERS)
def test_options_are_frozen_documented_and_may_all_be_left_out(name):
    part = plugins.part("faces.track", name)
    assert part.__doc__
    assert part.build.__doc__
    assert part.Options.__dataclass_params__.frozen
    for field in dataclasses.fields(part.Options):
        assert field.name in part.Options.__doc__
    assert part.Options() == recipe.options(part.Options, {}, "r")


def test_it_begins_knowing_nobody(tracker):
    assert tracker.expected(0.0) == []
    assert tracker.lost == ()
    assert tracker.update([], GREY, 0.0) == []


def test_ids_count_from_1_and_stay(tracker):
    for tick in range(30):
        tracked = tracker.update([RIGHT, LEFT] if tick % 2 else [LEFT, RIGHT], GREY, tick / 25)
        assert all(isinstance(face, TrackedFace) for face in tracked)
        assert [face.id for face in tracked] == [1, 2]
        assert [face.face.score for face in tracked] == [0.9, 0.7]
        assert {face.state for face in tracked} == {"tentative" if tick == 0 else tracked[0].state}
        assert tick < 3 or tracked[0].state == "confirmed"
        assert [face.certainty for face in tracked] == [1, 1]
        for face, given_face in zip(tracked, (LEFT, RIGHT), strict=True):
            assert face.face.box.overlap(given_face.box) > 0.95


def test_known_faces_are_expected_where_they_are(tracker):
    for tick in range(10):
        tracker.update([LEFT, RIGHT], GREY, tick / 25)
    expected = tracker.expected(0.4)
    assert all(isinstance(e, Expected) for e in expected)
    assert sorted(e.id for e in expected) == [1, 2]
    assert not any(e.lost for e in expected)
    for e, face in zip(sorted(expected, key=lambda e: e.id), (LEFT, RIGHT), strict=True):
        assert e.box.overlap(face.box) > 0.9


def test_lost_awaited_and_found(tracker):
    for tick in range(10):
        tracker.update([LEFT, RIGHT], GREY, tick / 25)
    for tick in range(10, 15):
        (still,) = tracker.update([RIGHT], GREY, tick / 25)
        assert (still.id, still.state) == (2, "confirmed")
        assert tracker.lost == (1,)
        assert [e.id for e in tracker.expected(tick / 25) if e.lost] == [1]
    tracked = tracker.update([LEFT, RIGHT], GREY, 15 / 25)
    assert [(face.id, face.state) for face in tracked] == [(1, "found"), (2, "confirmed")]
    assert tracker.lost == ()


def test_given_up_in_the_end_and_never_the_same_id_again(tracker):
    tracker.update([LEFT], GREY, 0.0)
    tracker.update([], GREY, 0.04)
    tracker.update([], GREY, 1000.0)
    assert tracker.expected(1000.0) == []
    (face,) = tracker.update([LEFT], GREY, 1000.04)
    assert (face.id, face.state) == (2, "tentative")
    assert tracker.lost == ()


@pytest.mark.parametrize("name", TRACKERS)
def test_two_trackers_do_not_know_each_other(name):
    one, other = build(name), build(name)
    one.update([LEFT], GREY, 0.0)
    assert other.expected(0.0) == []
    assert [face.id for face in other.update([LEFT], GREY, 0.04)] == [1]


def test_a_cut_loses_everybody_and_places_mean_nothing(tracker):
    for tick in range(10):
        tracker.update([LEFT, RIGHT], GREY, tick / 25)
    tracker.cut()
    assert tracker.lost == (1, 2)
    assert tracker.expected(0.4) == []
    tracked = tracker.update([LEFT, RIGHT], 255 - GREY, 0.4)  # others in the same places
    assert all(face.id > 2 and face.state == "tentative" for face in tracked)
    tracker.cut()
    back = tracker.update([LEFT, RIGHT], GREY, 0.44)
    assert [(face.id, face.state, face.face.score) for face in back] == [(1, "found", 0.9), (2, "found", 0.7)]


def test_what_was_seen_last_comes_with_what_is_expected(tracker):
    marks = Landmarks(np.zeros((68, 2), np.float32), np.ones(68, np.float32), 0.9)
    for tick in range(5):
        tracked = tracker.update([replace(LEFT, landmarks=marks, roll=7.0)], GREY, tick / 25)
        (expected,) = tracker.expected(tick / 25)
        assert expected.last == tracked[0].face
        assert tracked[0].face.landmarks is marks
        assert tracked[0].face.roll == 7.0


places = st.lists(
    st.builds(
        lambda x, y, width, score: Face(Box(x, y, width, width), score),
        st.floats(-40, 620),
        st.floats(-40, 220),
        st.floats(20, 200),
        st.floats(0, 1),
    ),
    max_size=4,
)


@pytest.mark.parametrize("name", TRACKERS)
@given(frames=st.lists(st.tuples(places, st.floats(0, 2)), min_size=1, max_size=8))
def test_one_tracked_face_per_found_face_whatever_is_found(name, frames):
    tracker, now = build(name), 0.0
    for faces, step in frames:
        now += step
        known = {e.id for e in tracker.expected(now)} | set(tracker.lost)
        tracked = tracker.update(list(faces), GREY, now)
        ids = [face.id for face in tracked]
        assert sorted(f.face.score for f in tracked) == sorted(f.score for f in faces)
        assert ids == sorted(set(ids))
        assert all(face.id in known or face.state != "found" for face in tracked)
        assert all(0 <= face.certainty <= 1 for face in tracked)
        assert all(face.face.box.width > 0 and np.isfinite(face.face.box.area) for face in tracked)
        assert not set(ids) & set(tracker.lost)
