"""Identities: scripted boxes on pictures with faces that can be told apart."""

import itertools

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.faces.track.overlap import Options, build
from mien.types import Box, Face

SIDE, HEIGHT, WIDTH = 60, 160, 640
RATE = 25


def look(number):
    """A drawn face of a person of that number: blurred noise, smooth enough to survive a pixel's shift."""
    noise = np.random.default_rng(number).normal(0, 1, (SIDE, SIDE)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 6)
    return cv2.normalize(smooth, None, 20, 235, cv2.NORM_MINMAX).astype(np.uint8)


LOOKS = {number: look(number) for number in range(1, 6)}


def scene(places):
    """A picture with the people's faces pasted at ``{person: (x, y)}``, later ones in front; and their boxes."""
    grey = np.tile(np.linspace(90, 140, WIDTH).astype(np.uint8), (HEIGHT, 1))
    for person, (x, y) in places.items():
        left, top = round(x), round(y)
        rows, columns = slice(max(top, 0), min(top + SIDE, HEIGHT)), slice(max(left, 0), min(left + SIDE, WIDTH))
        if rows.start < rows.stop and columns.start < columns.stop:
            part = LOOKS[person][rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
            grey[rows, columns] = part
    return grey, {person: Box(x, y, SIDE, SIDE) for person, (x, y) in places.items()}


class Stage:
    """Plays scenes to a tracker and notes who got which id."""

    def __init__(self, **options):
        self.tracker = build(Options(**options))
        self.ids, self.states, self.now = [], [], 0.0

    def show(self, places, hidden=(), score=0.9, step=1 / RATE, jitter=0.0, seed=0):
        grey, boxes = scene(places)
        seen = {p: box for p, box in boxes.items() if p not in hidden}
        noise = np.random.default_rng(len(self.ids) + seed).normal(0, jitter, (9, 2))
        faces = {p: Face(box.moved(*map(float, noise[p])), score) for p, box in seen.items()}
        self.tracker.expected(self.now)
        tracked = self.tracker.update(list(faces.values()), grey, self.now)
        assert len(tracked) == len(faces)
        ids = {}
        for face in tracked:
            near = min(seen, key=lambda p: abs(seen[p].centre[0] - face.face.box.centre[0]))
            ids[near] = face.id
        if len(ids) < len(seen):  # two boxes in one place: by the order of their centres
            ids = {}
        self.ids.append(ids)
        self.states.append({face.id: face.state for face in tracked})
        self.now += step
        return ids

    def of(self, person):
        """Ids that the person got, without repetitions."""
        return [number for number, _ in itertools.groupby(i[person] for i in self.ids if person in i)]


def test_faces_that_stand_still():
    stage = Stage()
    for _ in range(50):
        stage.show({1: (100, 40), 2: (300, 40), 3: (500, 50)}, jitter=1.5)
    assert sorted((stage.of(1), stage.of(2), stage.of(3))) == [[1], [2], [3]]
    assert set(stage.states[0].values()) == {"tentative"}
    assert all(set(states.values()) == {"confirmed"} for states in stage.states[1:])
    assert stage.tracker.lost == ()


@pytest.mark.parametrize("speed", [30, 120, 300, 600])
def test_a_face_that_walks_keeps_its_id(speed):
    stage = Stage()
    for tick in range(int(500 / speed * RATE)):
        stage.show({1: (20 + speed * tick / RATE, 40)}, jitter=1)
    assert stage.of(1) == [1]


def test_the_box_follows_the_face():
    stage = Stage()
    for tick in range(60):
        x = 50 + 4 * tick
        grey, boxes = scene({1: (x, 40)})
        (face,) = stage.tracker.update([Face(boxes[1], 0.9)], grey, tick / RATE)
    assert face.face.box.centre[0] == pytest.approx(boxes[1].centre[0], abs=3)


def test_jitter_is_calmed():
    stage, random = Stage(), np.random.default_rng(0)
    raw, calm = [], []
    grey, boxes = scene({1: (200, 40)})
    for tick in range(200):
        box = boxes[1].moved(*map(float, random.normal(0, 1.5, 2)))
        (face,) = stage.tracker.update([Face(box, 0.9)], grey, tick / RATE)
        raw.append(box.x)
        calm.append(face.face.box.x)
    assert np.diff(calm).std() < 0.8 * np.diff(raw).std()
    assert np.mean(calm) == pytest.approx(200, abs=0.5)


@pytest.mark.parametrize("speed", [45, 90, 180, 360])
@pytest.mark.parametrize("front", [1, 2])
@pytest.mark.parametrize("apart", [0, 12])
def test_two_people_who_cross_never_swap(speed, front, apart):
    """Person 1 walks to the right, person 2 to the left; the one behind is not found while they overlap."""
    stage = Stage()
    for tick in range(int(420 / speed * RATE)):
        way = speed * tick / RATE
        places = {1: (60 + way, 40.0), 2: (480 - way, 40.0 + apart)}
        order = sorted(places, key=lambda p: p == front)  # the front one is painted last
        covered = abs(places[1][0] - places[2][0]) < 0.7 * SIDE
        hidden = {p for p in places if p != front} if covered else set()
        stage.show({p: places[p] for p in order}, hidden=hidden, jitter=0.7)
    assert (sorted(stage.of(1)), sorted(stage.of(2))) in (([1], [2]), ([2], [1]))
    back = [states for states in stage.states if "found" in states.values()]
    assert len(back) >= 1


def test_where_places_say_otherwise_looks_decide():
    """Two who are never out of sight: after a quick step each is nearer to where the other one was."""
    stage = Stage()
    for _ in range(10):
        stage.show({1: (200, 40), 2: (280, 40)}, step=0.2)
    assert stage.show({1: (245, 10), 2: (225, 75)}) == {1: 1, 2: 2}


@pytest.mark.parametrize("gap", [0.2, 0.6, 0.96])
@pytest.mark.parametrize("drift", [0, 40])
def test_a_face_out_of_sight_for_less_than_a_second_keeps_its_id(gap, drift):
    stage = Stage()
    for tick in range(75):
        now = tick / RATE
        away = 1 <= now < 1 + gap
        x = 200 + (drift if now >= 1 else 0)
        stage.show({} if away else {1: (x, 40)})
        assert stage.tracker.lost == ((1,) if away else ())
    assert stage.of(1) == [1]
    assert [states for states in stage.states if "found" in states.values()] == [{1: "found"}]


@pytest.mark.parametrize(("max_gap", "gap"), [(1.0, 1.2), (1.0, 5), (0.3, 0.5), (0, 0.08)])
def test_a_face_out_of_sight_for_longer_gets_a_new_id(max_gap, gap):
    stage = Stage(max_gap=max_gap)
    for tick in range(int((2 + gap) * RATE)):
        now = tick / RATE
        stage.show({} if 1 <= now < 1 + gap else {1: (200, 40)})
    assert stage.of(1) == [1, 2]
    assert stage.states[-1] == {2: "confirmed"}
    assert stage.tracker.lost == ()


def test_frames_further_apart_than_the_gap_do_not_lose_anybody():
    stage = Stage()
    for _ in range(5):
        stage.show({1: (100, 40), 2: (400, 40)}, step=3.0)
    assert stage.of(1) == [1]
    assert stage.of(2) == [2]


def test_ids_are_never_used_again():
    stage, given_out = Stage(max_gap=0.2), []
    for visit in range(6):
        for _ in range(10):
            stage.show({1: (100 + 60 * visit, 40)})
        given_out += stage.of(1)[len(given_out) :]
        for _ in range(10):
            stage.show({})
    assert given_out == [1, 2, 3, 4, 5, 6]


def test_somebody_else_in_the_place_of_one_who_is_lost_is_somebody_else():
    stage = Stage()
    for _ in range(20):
        stage.show({1: (200, 40)})
    for _ in range(5):
        stage.show({})
    for _ in range(5):
        stage.show({2: (200, 40)})
    assert stage.of(2) == [2]
    assert stage.tracker.lost == (1,)
    for _ in range(5):
        stage.show({2: (200, 40), 1: (300, 40)})
    assert stage.of(1) == [1]


def test_two_faces_come_and_go():
    stage = Stage()
    for _ in range(20):
        stage.show({1: (100, 40)})
    for _ in range(20):
        stage.show({1: (100, 40), 2: (300, 40)})
    for _ in range(10):
        stage.show({2: (300, 40)})
    assert stage.tracker.lost == (1,)
    assert stage.of(2) == [2]
    for _ in range(20):
        stage.show({2: (300, 40)})
    assert stage.tracker.lost == ()  # given up
    for _ in range(5):
        stage.show({2: (300, 40), 1: (100, 40)})
    assert stage.of(1) == [1, 3]


def test_who_is_lost_is_listed_in_order():
    stage = Stage()
    stage.show({1: (50, 40), 2: (250, 40), 3: (450, 40)})
    stage.show({2: (250, 40)})
    assert stage.tracker.lost == (1, 3)
    assert [expected.id for expected in stage.tracker.expected(stage.now)] == [1, 2, 3]
    assert [expected.lost for expected in stage.tracker.expected(stage.now)] == [True, False, True]


def test_a_lost_face_is_expected_where_it_was():
    stage = Stage()
    for tick in range(20):
        stage.show({1: (50 + 8 * tick, 40)})
    stage.show({})
    (expected,) = stage.tracker.expected(stage.now + 0.5)
    assert expected.box.centre[0] == pytest.approx(50 + 8 * 19 + SIDE / 2, abs=40)


def test_a_face_of_quite_another_size_is_somebody_else():
    stage = Stage()
    grey, boxes = scene({1: (200, 40)})
    stage.tracker.update([Face(boxes[1], 0.9)], grey, 0.0)
    (face,) = stage.tracker.update([Face(boxes[1].scaled(0.3), 0.9)], grey, 0.04)
    assert (face.id, face.state) == (2, "tentative")


def test_scores_are_passed_on():
    grey, boxes = scene({1: (100, 40), 2: (300, 40)})
    faces = [Face(boxes[1], 0.7), Face(boxes[2], 0.8)]
    tracker = build(Options())
    for now in (0.0, 0.04):
        assert sorted(face.face.score for face in tracker.update(faces, grey, now)) == [0.7, 0.8]


def test_two_frames_of_one_time():
    stage = Stage()
    for _ in range(4):
        stage.show({1: (100, 40)}, step=0.0)
    assert stage.of(1) == [1]


actions = st.lists(
    st.tuples(
        st.dictionaries(st.integers(1, 5), st.tuples(st.integers(-20, 600), st.integers(-20, 120)), max_size=4),
        st.floats(0, 1.5),
    ),
    min_size=1,
    max_size=15,
)


@given(actions, st.sampled_from([Options(), Options(max_gap=0), Options(steadiness=0), Options(likeness=-1)]))
@settings(max_examples=60, deadline=None)
def test_whatever_is_found_ids_and_states_are_consistent(frames, options):
    tracker, now, seen, before, lost = build(options), 0.0, set(), set(), set()
    for places, step in frames:
        now += step
        grey, boxes = scene(places)
        faces = [Face(box, 0.9) for box in boxes.values()]
        tracked = tracker.update(faces, grey, now)
        ids = [face.id for face in tracked]
        assert len(tracked) == len(faces)
        assert ids == sorted(set(ids))
        for face in tracked:
            if face.state == "tentative":
                assert face.id not in seen
                assert face.id > max(seen, default=0)
            elif face.state == "found":
                assert face.id in lost
            else:
                assert face.id in before
        seen |= set(ids)
        assert seen == set(range(1, len(seen) + 1))
        assert list(tracker.lost) == sorted(tracker.lost)
        assert not set(tracker.lost) & set(ids)
        # Nobody in sight a moment ago vanishes without being awaited, and nobody is awaited who was not known.
        assert (before | lost) >= set(tracker.lost) >= before - set(ids)
        before, lost = set(ids), set(tracker.lost)
        assert before <= {expected.id for expected in tracker.expected(now)} <= before | lost


@pytest.mark.parametrize(
    "wrong", [{"max_gap": -1}, {"steadiness": 1}, {"steadiness": -0.1}, {"likeness": 1.1}], ids=str
)
def test_impossible_options(wrong):
    with pytest.raises(ValueError, match="must be"):
        Options(**wrong)
