"""Who is who: scripted faces whose signatures are known."""

import itertools
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.faces.shape import Placement, mean_shape
from mien.faces.track import _assignment, _looks
from mien.faces.track.identity import IdentityTracker, Options
from mien.types import Box, Face, Landmarks

SIDE, WIDTH, HEIGHT, RATE = 60, 1280, 480, 25
GREY = np.zeros((HEIGHT, WIDTH), np.uint8)


PEOPLE = np.linalg.qr(np.random.default_rng(0).normal(0, 1, (64, 64)))[0]  # nobody is like anybody else


def person(number):
    return PEOPLE[number % 64]


@dataclass
class Scripted:
    """Signatures of the people on the stage; who stands behind somebody has that one's, and a bit of the own."""

    places: dict = field(default_factory=dict)  # person: (x, y) of the box
    who: dict = field(default_factory=dict)  # person: signature
    noise: float = 0.35  # cosine of two looks at one person: about .9
    calls: int = 0
    faces: int = 0

    def of(self, grey, placements):
        self.calls += 1
        self.faces += len(placements)
        random, found = np.random.default_rng(self.calls), []
        for place in placements:
            near = sorted(self.places, key=lambda p: abs(self.places[p][0] + SIDE / 2 - place.x))
            look = self.who.setdefault(near[0], person(near[0])) + random.normal(0, self.noise / 8, 64)
            found.append(look / np.linalg.norm(look))
        return np.array(found, np.float32)

    def same(self, cosine):
        return 1 / (1 + np.exp(-12 * (cosine - 0.5)))


class Stage:
    """Plays scenes to a tracker and notes who got which id, how sure."""

    def __init__(self, marks=True, who=None, **options):
        self.network = Scripted(who=dict(who or {}))
        self.tracker = IdentityTracker(Options(**options), self.network)
        self.marks, self.now = marks, 0.0
        self.ids, self.states, self.certainty = [], [], []

    def show(self, places, hidden=(), step=1 / RATE, jitter=0.3, cut=False):
        self.network.places = {n: place for n, place in places.items() if n not in hidden}
        random = np.random.default_rng(len(self.ids))
        faces = {}
        for number, (x, y) in places.items():
            if number not in hidden:
                dx, dy = random.normal(0, jitter, 2)
                box = Box(float(x + dx), float(y + dy), SIDE, SIDE)
                points = Placement.of_box(box).points(mean_shape()[:, :2]).astype(np.float32)
                marks = Landmarks(points, np.ones(68, np.float32), 0.9) if self.marks else None
                faces[number] = Face(box, 0.9, marks)
        if cut:
            self.tracker.cut()
        self.tracker.expected(self.now)
        tracked = self.tracker.update(list(faces.values()), GREY, self.now)
        assert len(tracked) == len(faces)
        ids = {}
        for face in tracked:
            number = min(
                faces, key=lambda n: abs(faces[n].box.x - face.face.box.x) + abs(faces[n].box.y - face.face.box.y)
            )
            ids[number] = face.id
        self.ids.append(ids if len(ids) == len(faces) else {})
        self.states.append({face.id: face.state for face in tracked})
        self.certainty.append({face.id: face.certainty for face in tracked})
        self.now += step
        return ids

    def play(self, places, frames, **how):
        for _ in range(frames):
            self.show(places, **how)

    def of(self, number):
        """Ids that the person got, without repetitions."""
        return [one for one, _ in itertools.groupby(ids[number] for ids in self.ids if number in ids)]

    def found(self):
        """(id, certainty) whenever somebody was found."""
        return [
            (number, certain[number])
            for states, certain in zip(self.states, self.certainty, strict=True)
            for number, state in states.items()
            if state == "found"
        ]


@pytest.fixture(params=[True, False], ids=["landmarks", "boxes"])
def stage(request):
    return Stage(marks=request.param)


def test_faces_that_stand_still_cost_nothing_to_tell_apart(stage):
    stage.play({1: (100, 40), 2: (300, 40), 3: (500, 50)}, 100)
    assert (stage.of(1), stage.of(2), stage.of(3)) == ([1], [2], [3])
    assert [stage.states[at][1] for at in (0, 1, 2, 99)] == ["tentative", "tentative", "confirmed", "confirmed"]
    assert {c for certain in stage.certainty for c in certain.values()} == {1.0}
    # A look at each when it came, one when it was confirmed, and one every half second.
    assert stage.network.faces <= 3 * (2 + 8)


def test_few_frames_a_second_confirm_by_time():
    stage = Stage()
    stage.play({1: (100, 40)}, 3, step=0.5)
    assert [states[1] for states in stage.states] == ["tentative", "confirmed", "confirmed"]


@pytest.mark.parametrize("speed", [30, 120, 300, 600])
def test_a_face_that_walks_keeps_its_id(stage, speed):
    for tick in range(int(500 / speed * RATE)):
        stage.show({1: (20 + speed * tick / RATE, 40)})
    assert stage.of(1) == [1]


def test_boxes_without_landmarks_are_calmed_and_those_with_are_not():
    for marks in (True, False):
        stage = Stage(marks=marks)
        given_boxes, out = [], []
        for tick in range(150):
            box = Box(100 + float(np.random.default_rng(tick).normal(0, 1.5)), 40, SIDE, SIDE)
            points = np.zeros((68, 2), np.float32)
            face = Face(box, 0.9, Landmarks(points, points[:, 0], 0.9) if marks else None)
            stage.network.places = {1: (100, 40)}
            (seen,) = stage.tracker.update([face], GREY, tick / RATE)
            given_boxes.append(box.x)
            out.append(seen.face.box.x)
            assert (seen.face.landmarks is not None) == marks
        if marks:
            assert out == given_boxes
        else:
            assert np.diff(out).std() < 0.8 * np.diff(given_boxes).std()


@pytest.mark.parametrize("speed", [45, 90, 180, 360])
@pytest.mark.parametrize("front", [1, 2])
@pytest.mark.parametrize("apart", [0, 12])
def test_two_people_who_cross_never_swap(stage, speed, front, apart):
    for tick in range(int(420 / speed * RATE)):
        way = speed * tick / RATE
        places = {1: (60 + way, 40.0), 2: (480 - way, 40.0 + apart)}
        covered = abs(places[1][0] - places[2][0]) < 0.7 * SIDE
        stage.show(places, hidden={p for p in places if p != front} if covered else set())
    assert (stage.of(1), stage.of(2)) == ([1], [2])
    (back,) = stage.found()
    assert back[1] > 0.8


def test_two_who_stay_in_sight_while_they_cross(stage):
    for tick in range(100):
        stage.show({1: (60 + 4 * tick, 40.0), 2: (460 - 4 * tick, 70.0)})
    assert (stage.of(1), stage.of(2)) == ([1], [2])
    assert stage.found() == []


def test_somebody_hidden_behind_somebody_who_stands(stage):
    stage.play({1: (200, 40), 2: (400, 40)}, 20)
    for tick in range(40):
        x = 200 + 10 * tick
        stage.show({1: (x, 40), 2: (400, 40)}, hidden={1} if abs(x - 400) < 50 else set())
    assert (stage.of(1), stage.of(2)) == ([1], [2])


@pytest.mark.parametrize("gap", [0.2, 0.9, 3.0, 8.0])
@pytest.mark.parametrize("elsewhere", [0, 700])
def test_who_leaves_and_returns_keeps_the_id(stage, gap, elsewhere):
    stage.play({1: (200, 40), 2: (500, 40)}, 50)
    for _ in range(int(gap * RATE)):
        stage.show({2: (500, 40)})
        assert stage.tracker.lost == (1,)
    stage.play({1: (200 + elsewhere, 40), 2: (500, 40)}, 25)
    assert (stage.of(1)[-1], stage.of(2)) == (1, [2])
    (back,) = stage.found()
    assert back[0] == 1
    assert 0.7 < back[1] <= 1


def test_who_is_away_too_long_is_somebody_new(stage):
    stage.play({1: (200, 40)}, 20)
    stage.now += 10.5
    stage.show({1: (200, 40)})
    assert stage.of(1) == [1]  # nobody missed it in a frame
    stage.play({}, 1)
    stage.now += 10.5
    stage.play({1: (200, 40)}, 20)
    assert stage.of(1) == [1, 2]
    assert stage.tracker.lost == ()


def test_somebody_else_in_the_place_of_one_who_is_lost_is_somebody_else(stage):
    stage.play({1: (200, 40)}, 30)
    stage.play({}, 10)
    stage.play({2: (200, 40)}, 10)
    assert stage.of(2) == [2]
    assert stage.tracker.lost == (1,)
    stage.play({2: (200, 40), 1: (600, 40)}, 10)
    assert stage.of(1) == [1]


def test_where_only_part_of_a_face_is_in_the_frame_it_is_decided_when_all_of_it_is(stage):
    """Half a face at the edge looks like a stranger; whole, it is somebody who was here before."""
    stage.play({1: (200, 40)}, 30)
    stage.play({}, 30)
    stage.network.who[1], whole = person(99), stage.network.who[1]
    for tick in range(10):
        stage.network.who[1] = person(99) if tick < 4 else whole
        stage.show({1: (-30 + 6 * tick, 40)})
    stage.play({1: (30, 40)}, 10)
    assert stage.of(1) == [1, 2, 1]
    assert {states[2] for states in stage.states if 2 in states} == {"tentative"}
    assert stage.found()[0][0] == 1


class TestCuts:
    def test_the_same_people_elsewhere(self, stage):
        stage.play({1: (200, 40), 2: (500, 40)}, 50)
        stage.show({1: (800, 200), 2: (100, 200)}, cut=True)
        stage.play({1: (800, 200), 2: (100, 200)}, 20)
        assert (stage.of(1), stage.of(2)) == ([1], [2])
        assert {number for number, _ in stage.found()} == {1, 2}
        assert all(certain > 0.8 for _, certain in stage.found())

    def test_another_person_in_the_same_place(self, stage):
        stage.play({1: (200, 40)}, 50)
        stage.show({2: (200, 40)}, cut=True)
        stage.play({2: (200, 40)}, 20)
        assert (stage.of(1), stage.of(2)) == ([1], [2])
        assert stage.tracker.lost == (1,)

    def test_nobody_is_expected_anywhere(self, stage):
        stage.play({1: (200, 40)}, 5)
        stage.tracker.cut()
        assert stage.tracker.expected(stage.now) == []
        assert stage.tracker.lost == (1,)

    def test_shots_in_turn(self, stage):
        """Two people who talk, each in a shot of their own, at one place."""
        for turn in range(6):
            number = 1 + turn % 2
            stage.show({number: (200, 40)}, cut=turn > 0)
            stage.play({number: (200, 40)}, 40)
        assert (stage.of(1), stage.of(2)) == ([1], [2])


class TestTwins:
    def stage(self):
        one, other = person(1), person(7)
        twin = one + 0.05 * other
        return Stage(who={1: one, 2: twin / np.linalg.norm(twin)})

    def test_after_a_cut_nobody_knows_and_that_is_told(self):
        stage = self.stage()
        stage.play({1: (200, 40), 2: (500, 40)}, 50)
        stage.show({1: (200, 40), 2: (500, 40)}, cut=True)
        assert sorted(stage.ids[-1].values()) == [1, 2]
        stage.play({1: (200, 40), 2: (500, 40)}, 100)
        assert len(stage.found()) == 2
        assert all(certain < 0.8 for _, certain in stage.found())
        assert all(certain < 0.95 for certain in stage.certainty[-1].values())

    def test_in_sight_nobody_doubts(self):
        stage = self.stage()
        stage.play({1: (200, 40), 2: (500, 40)}, 50)
        assert set(stage.certainty[-1].values()) == {1.0}


def test_doubt_is_made_up_for_by_later_looks():
    """Found by a poor look, then seen well."""
    stage = Stage()
    stage.play({1: (200, 40)}, 50)
    stage.play({}, 50)
    well = stage.network.who[1]
    stage.network.noise = 0.05
    poor = 0.76 * well + 0.65 * person(50)
    stage.network.who[1] = poor / np.linalg.norm(poor)
    stage.show({1: (600, 40)})
    assert stage.ids[-1] == {1: 1}
    assert stage.certainty[-1][1] < 0.8
    stage.network.who[1] = well
    stage.play({1: (600, 40)}, 75)
    assert stage.of(1) == [1]
    assert stage.certainty[-1][1] == 1.0


def test_thirty_faces():
    stage = Stage()
    places = {n: (20 + 120 * (n % 10), 30 + 130 * (n // 10)) for n in range(30)}
    # Scripted signatures go by the column only, so all are looked at where nobody else is near.
    random = np.random.default_rng(0)
    for _ in range(40):
        places = {n: (x + random.normal(0, 2), y + random.normal(0, 2)) for n, (x, y) in places.items()}
        stage.show(places)
    assert sorted(i for n in places for i in stage.of(n)) == list(range(1, 31))


def test_a_tentative_face_that_vanishes_is_forgotten(stage):
    stage.show({1: (200, 40)})
    stage.play({}, 5)
    assert stage.tracker.lost == (1,)
    stage.play({}, 5)
    assert stage.tracker.lost == ()
    assert stage.show({1: (200, 40)}) == {1: 2}


def test_a_lost_face_is_expected_for_a_second(stage):
    stage.play({1: (200, 40)}, 10)
    stage.play({}, 20)
    assert [expected.id for expected in stage.tracker.expected(stage.now)] == [1]
    stage.play({}, 10)
    assert stage.tracker.expected(stage.now) == []
    assert stage.tracker.lost == (1,)


def test_two_frames_of_one_time(stage):
    stage.play({1: (100, 40)}, 4, step=0.0)
    assert stage.of(1) == [1]


actions = st.lists(
    st.tuples(
        st.dictionaries(st.integers(1, 5), st.tuples(st.integers(-20, 600), st.integers(-20, 120)), max_size=4),
        st.floats(0, 3),
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


@given(actions, st.sampled_from([Options(), Options(max_gap=0), Options(trust=1), Options(confirm=0, refresh=0)]))
@settings(max_examples=80, deadline=None)
def test_whatever_is_found_ids_and_states_are_consistent(frames, options):
    network = Scripted()
    tracker, now, before, gone = IdentityTracker(options, network), 0.0, set(), set()
    for places, step, cut in frames:
        now += step
        network.places = places
        faces = [Face(Box(x, y, SIDE, SIDE), 0.9) for x, y in places.values()]
        if cut:
            tracker.cut()
        expected = tracker.expected(now)
        known = {e.id for e in expected} | set(tracker.lost)
        assert all(np.isfinite([e.box.x, e.box.y, e.box.width]).all() and e.box.width > 0 for e in expected)
        tracked = tracker.update(faces, GREY, now)
        ids = [face.id for face in tracked]
        assert len(tracked) == len(faces)
        assert ids == sorted(set(ids))
        assert not set(ids) & gone
        for face in tracked:
            assert 0 <= face.certainty <= 1
            assert face.state != "found" or face.id in known
            assert face.id in known or face.state in ("tentative", "confirmed")
        assert not set(tracker.lost) & set(ids)
        gone |= (before | known) - set(ids) - set(tracker.lost)
        before = set(ids)


@pytest.mark.parametrize(
    "wrong", [{"max_gap": -1}, {"confirm": -1}, {"refresh": -0.1}, {"trust": 0}, {"trust": 1.1}], ids=str
)
def test_impossible_options(wrong):
    with pytest.raises(ValueError, match="must be"):
        Options(**wrong)


class TestAssignment:
    def test_the_best_sum_not_the_best_pair(self):
        found = _assignment.assign(np.array([[5.0, 4.0], [4.5, 0.5]]))
        assert {face: track for face, (track, _) in found.items()} == {0: 1, 1: 0}

    def test_equal_rivals_leave_even_odds(self):
        found = _assignment.assign(np.array([[4.0, 4.0], [4.0, 4.0]]))
        assert [certain for _, certain in found.values()] == pytest.approx([0.5, 0.5])

    def test_without_a_rival_the_odds_are_the_pair_s_own(self):
        ((track, certain),) = _assignment.assign(np.array([[2.0]])).values()
        assert (track, certain) == (0, pytest.approx(1 / (1 + np.exp(-2))))
        assert _assignment.assign(np.array([[-0.1]])) == {}
        assert _assignment.assign(np.zeros((0, 3))) == {}

    @given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
    @settings(deadline=None)
    def test_nobody_twice(self, tracks, faces, seed):
        gains = np.random.default_rng(seed).normal(1, 3, (tracks, faces))
        found = _assignment.assign(gains)
        owners = [track for track, _ in found.values()]
        assert len(owners) == len(set(owners))
        assert all(gains[track, face] > 0 for face, (track, _) in found.items())


def test_looks_keep_their_extremes_and_stay_small():
    looks = _looks.Looks()
    assert looks.cosine(person(1)) == -1
    for number in range(30):
        looks.learn(person(number))
    assert looks.cosine(person(0)) == pytest.approx(1)  # the first
    assert looks.cosine(person(29)) == pytest.approx(1)  # the latest
    assert looks.cosine(person(3)) < 0.6
    assert len(looks._exemplars) == _looks.EXEMPLARS
