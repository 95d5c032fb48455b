"""Following by landmarks: who is asked for what, and when, and who is believed."""

from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from skimage import data

from mien.faces.follow import Expected
from mien.faces.follow.points import Options, PointsFinder
from mien.faces.shape import Placement, mean_shape, placed
from mien.types import Face, Landmarks

SHAPE = mean_shape()[:, :2]
GREY = np.ascontiguousarray(data.astronaut()[..., 1])
HERE, THERE = Placement(200, 120, 80, 12), Placement(400, 300, 60, -5)


@dataclass
class Stage:
    """Where the faces truly are; a detector and a landmark network that see them, and note what they were asked."""

    truth: list = field(default_factory=lambda: [HERE])
    detected: list | None = None  # what the detector sees, if not the truth
    presence: float = 0.95
    noise: float = 0.0
    asked: list = field(default_factory=list)

    def search(self, grey, longest):
        self.asked.append(longest)
        return [Face(place.box, 0.7, roll=place.roll) for place in self._seen()]

    def near(self, grey, box, reach):
        self.asked.append(reach)
        near = [place for place in self._seen() if place.box.overlap(box) > 0.2]
        return Face(near[0].box, 0.6, roll=near[0].roll) if near else None

    def find(self, grey, placements, looks=1):
        self.asked.append(("points", len(placements), looks))
        return [self._points(place) for place in placements]

    def _seen(self):
        return self.truth if self.detected is None else self.detected

    def _points(self, place):
        near = min(self.truth, key=lambda t: np.hypot(t.x - place.x, t.y - place.y), default=None)
        here = near is not None and np.hypot(near.x - place.x, near.y - place.y) < 0.3 * place.side
        points = (near if here else place).points(SHAPE)
        points = points + np.random.default_rng(len(self.asked)).normal(0, self.noise, points.shape)
        return Landmarks(points.astype(np.float32), np.ones(68, np.float32), self.presence if here else 0.02)

    def taken(self):
        asked, self.asked = self.asked, []
        return asked


@pytest.fixture
def stage():
    return Stage()


@pytest.fixture
def finder(stage):
    return PointsFinder(Options(), stage, stage)


def known(face, number=1, lost=False, moved=(0, 0)):
    return Expected(number, face.box.moved(*moved), lost, face)


def begin(finder, stage, now=0.0):
    faces = finder.faces(GREY, now, [])
    stage.taken()
    return faces


def test_it_begins_with_a_deep_search_that_the_landmarks_confirm(finder, stage):
    (face,) = finder.faces(GREY, 0.0, [])
    assert stage.taken() == [640, ("points", 1, 2)]
    assert face.score == 0.7
    assert face.landmarks.presence == 0.95
    assert face.box.overlap(HERE.box) > 0.99
    assert face.roll == pytest.approx(12, abs=0.1)


def test_what_the_landmarks_do_not_see_is_no_face(finder, stage):
    stage.truth, stage.detected = [HERE], [HERE, THERE]
    (face,) = finder.faces(GREY, 0.0, [])
    assert face.box.overlap(HERE.box) > 0.99
    stage.presence = 0.49
    assert finder.faces(GREY, 0.2, []) == []


def test_a_followed_face_costs_one_run_and_no_detection(finder, stage):
    stage.truth = [HERE, THERE]
    faces = begin(finder, stage)
    for tick in range(1, 8):
        faces = finder.faces(GREY, tick / 25, [known(face, n) for n, face in enumerate(faces)])
        assert stage.taken() == [("points", 2, 1)]
        assert {face.score for face in faces} == {0.95}
    # Three times a second the picture is searched for newcomers; what is known already is not verified again.
    faces = finder.faces(GREY, 0.36, [known(face, n) for n, face in enumerate(faces)])
    assert stage.taken() == [("points", 2, 1), 320]
    assert len(faces) == 2


def test_a_face_is_followed_where_it_walks_and_turns(finder, stage):
    (face,) = begin(finder, stage)
    for tick in range(1, 9):
        stage.truth = [replace(HERE, x=HERE.x + 9 * tick, roll=12 + 6 * tick, side=80 + tick)]
        (face,) = finder.faces(GREY, tick / 25, [known(face, moved=(8, 0))])
        where = placed(face.landmarks.points)
        assert (where.x, where.side, where.roll) == pytest.approx(
            (stage.truth[0].x, stage.truth[0].side, stage.truth[0].roll), abs=1.0
        )
        assert face.box.overlap(where.box) > 0.999  # the box is that of the points given with it
        assert face.roll == pytest.approx(where.roll)


def test_jitter_is_calmed_and_the_box_with_it(finder, stage):
    stage.noise = 0.3
    (face,) = begin(finder, stage)
    points, boxes = [], []
    for tick in range(1, 100):
        (face,) = finder.faces(GREY, tick / 25, [known(face)])
        points.append(face.landmarks.points)
        boxes.append(face.box.x)
    assert np.std(points[10:], axis=0).mean() < 0.6 * 0.3
    assert np.std(boxes[10:]) < 0.1


def test_where_presence_falls_the_detector_is_asked_close_by_and_verified(finder, stage):
    (face,) = begin(finder, stage)
    stage.truth = [replace(HERE, x=HERE.x + 30)]  # further than the landmarks see
    (moved,) = finder.faces(GREY, 0.04, [known(face)])
    assert stage.taken() == [("points", 1, 1), 1.6, ("points", 1, 2)]
    assert moved.box.overlap(stage.truth[0].box) > 0.99
    assert moved.score == 0.6


def test_a_face_that_is_gone_is_gone(finder, stage):
    (face,) = begin(finder, stage)
    stage.truth = []
    assert finder.faces(GREY, 0.04, [known(face)]) == []
    assert stage.taken() == [("points", 1, 1), 1.6]


def test_a_lost_face_is_looked_at_each_frame_and_searched_for_ten_times_a_second(finder, stage):
    (face,) = begin(finder, stage)
    stage.truth, asked = [], []
    for tick in range(1, 26):
        assert finder.faces(GREY, tick / 25, [known(face, lost=True)]) == []
        asked += stage.taken()
    assert asked.count(("points", 1, 1)) == 25
    assert 7 <= asked.count(320) <= 10
    assert asked.count(2.0) == asked.count(320)
    stage.truth = [replace(HERE, x=HERE.x + 5)]
    (back,) = finder.faces(GREY, 26 / 25, [known(face, lost=True)])
    assert placed(back.landmarks.points).x == pytest.approx(HERE.x + 5, abs=0.1)  # not drawn to where it was


@pytest.mark.parametrize(
    "wrong",
    [{"x": HERE.x + 50}, {"side": 130}, {"side": 40}, {"x": np.nan}, {"side": 0}],
    ids=str,
)
def test_points_that_cannot_be_the_face_are_not_believed(stage, wrong):
    class Wild(Stage):
        def find(self, grey, placements, looks=1):
            if looks == 2:
                return super().find(grey, placements, looks)
            points = replace(HERE, **wrong).points(SHAPE).astype(np.float32)
            return [Landmarks(points, np.ones(68, np.float32), 0.99) for _ in placements]

    wild = Wild()
    finder = PointsFinder(Options(), wild, wild)
    (face,) = begin(finder, wild)
    (again,) = finder.faces(GREY, 0.04, [known(face)])
    assert again.score == 0.6  # the detector had to say


def test_a_face_whose_middle_leaves_the_frame_is_gone(finder, stage):
    stage.truth = [Placement(10, 100, 80)]
    (face,) = begin(finder, stage)
    stage.truth, stage.detected = [Placement(-2, 100, 80)], []
    assert finder.faces(GREY, 0.04, [known(face, moved=(-12, 0))]) == []


def test_two_claims_on_one_face_the_nearer_one_counts_and_the_one_in_sight(finder, stage):
    (face,) = begin(finder, stage)
    both = [known(face, 1, moved=(10, 0)), known(face, 2, moved=(2, 0))]
    (kept,) = finder.faces(GREY, 0.04, both)
    assert kept.box.overlap(HERE.box) > 0.9
    stage.taken()
    assert len(finder.faces(GREY, 0.16, [known(face, 1, lost=True), known(face, 2, moved=(8, 0))])) == 1
    assert 320 in stage.taken()  # somebody is missing


def test_newcomers_are_found_beside_known_faces(finder, stage):
    (face,) = begin(finder, stage)
    stage.truth = [HERE, THERE]
    assert len(finder.faces(GREY, 0.2, [known(face)])) == 1
    assert len(finder.faces(GREY, 0.36, [known(face)])) == 2


class TestDrift:
    """What the detector does not see any more is followed only as long as the landmarks are sure."""

    def run(self, presence, detected, **options):
        stage = Stage()
        finder = PointsFinder(Options(deep_interval=99, **options), stage, stage)
        (face,) = begin(finder, stage)
        stage.presence, stage.detected = presence, detected
        followed, asked = [], []
        for tick in range(1, 75):
            faces = finder.faces(GREY, tick / 25, [known(face)])
            followed.append(len(faces))
            asked += stage.taken()
        return followed, asked

    def test_searches_confirm_and_no_close_look_is_needed(self):
        followed, asked = self.run(0.6, None)
        assert set(followed) == {1}
        assert 1.6 not in asked

    def test_between_rare_searches_a_close_look_a_second(self):
        followed, asked = self.run(0.6, None, interval=99)
        assert set(followed) == {1}
        assert asked.count(1.6) == 2

    def test_unsure_and_unseen_is_gone_after_a_second(self):
        followed, _ = self.run(0.6, [])
        assert sum(followed[:24]) == 24
        assert sum(followed[26:]) == 0

    def test_sure_is_followed_on(self):
        followed, _ = self.run(0.9, [])
        assert set(followed) == {1}


def test_a_cut_begins_with_a_deep_search(finder, stage):
    (face,) = begin(finder, stage)
    finder.faces(GREY, 0.04, [known(face)])
    stage.taken()
    finder.cut()
    assert len(finder.faces(GREY, 0.08, [])) == 1
    assert stage.taken() == [640, ("points", 1, 2)]


def test_deep_searches_come_round(finder, stage):
    (face,) = begin(finder, stage)
    when = [0.0]
    for tick in range(1, 30 * 25):
        finder.faces(GREY, tick / 25, [known(face)])
        if 640 in stage.taken():
            when.append(tick / 25)
    assert when == pytest.approx(np.arange(0, 30, 5), abs=0.041)


def test_pictures_without_a_clock_are_each_searched_deeply_and_nobody_is_followed(finder, stage):
    faces = []
    for _ in range(3):
        faces = finder.faces(GREY, None, [known(face) for face in faces])
        assert len(faces) == 1
        assert stage.taken() == [640, ("points", 1, 2)]


def test_a_face_known_without_landmarks_is_followed_upright(finder, stage):
    stage.truth = [replace(HERE, roll=0)]
    (face,) = finder.faces(GREY, 0.0, [Expected(1, HERE.box, lost=False)])
    assert face.box.overlap(HERE.box) > 0.99


def test_memory_does_not_grow_with_the_people_seen(finder, stage):
    (face,) = begin(finder, stage)
    for number in range(50):
        finder.faces(GREY, number / 10, [known(face, number)])
    assert len(finder._fixes) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"presence": -0.1},
        {"presence": 0.9},
        {"sure": 1.1},
        {"fix_interval": -1},
        {"quick_interval": -0.1},
        {"interval": -1},
        {"deep_interval": -1},
        {"longest": 47},
        {"deep_longest": 10},
        {"reach": 1.0},
        {"lost_reach": 1.05},
    ],
    ids=str,
)
def test_impossible_options(wrong):
    with pytest.raises(ValueError, match="must be"):
        Options(**wrong)


def test_a_followed_face_within_a_larger_one_is_a_part_of_it(finder, stage):
    inner = Placement(HERE.x + 8, HERE.y + 6, 50)
    stage.truth = [HERE]
    (face,) = begin(finder, stage)
    stage.truth = [HERE, inner]  # a ghost: the points of somebody gone behind settle on a part of who is in front
    ghost = replace(face, box=inner.box, roll=0.0, landmarks=replace(face.landmarks, points=inner.points(SHAPE)))
    faces = finder.faces(GREY, 0.04, [known(face, 1), known(ghost, 2)])
    assert [round(found.box.width) for found in faces] == [80]
    beside = Placement(HERE.x + 70, HERE.y, 50)
    stage.truth = [HERE, beside]
    other = replace(face, box=beside.box, roll=0.0, landmarks=replace(face.landmarks, points=beside.points(SHAPE)))
    assert len(finder.faces(GREY, 0.08, [known(face, 1), known(other, 2)])) == 2
